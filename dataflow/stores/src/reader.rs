//! Reading the views from outside of the dataflow, whichever stores they are in, while it writes or
//! long after.

use std::path::Path;

use eip_views::{RouteStatsRow, View};

use super::error::StoreError;
use super::sqlite::SqliteViews;
use super::{DocumentView, Progress, RefusedDocument, StoredDeadLetter};

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredCounts {
    /// Documents of `shipment_events`.
    pub shipment_events: u64,
    /// Documents of `shipments`.
    pub shipments: u64,
    /// Rows of `route_stats_daily`.
    pub route_stats_daily: u64,
    /// Records that were no canonical events.
    pub dead_letters: u64,
}

/// The seam of reading: what a kind of store has to offer.
///
/// Each call sees one moment; several calls do between [`ReadViews::begin`] and [`ReadViews::end`],
/// as far as one store goes: documents of a tick are there before its rows and progress are.
pub trait ReadViews {
    /// Where the views are, for people.
    fn place(&self) -> String;

    /// Holds the present moment.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Lets it go.
    fn end(&mut self) -> Result<(), StoreError>;

    /// How far the views are written; none as long as no dataflow has begun.
    fn progress(&mut self) -> Result<Option<Progress>, StoreError>;

    /// The last tick of which searches find everything; none where nobody tells.
    fn visible_tick(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    /// How much is stored.
    fn counts(&mut self) -> Result<StoredCounts, StoreError>;

    /// Records that were no canonical events, by position.
    fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError>;

    /// Documents that the document store refused, by view and id.
    fn refused(&mut self) -> Result<Vec<RefusedDocument>, StoreError>;

    /// Calls `each` with id and canonical line of every document, sorted by the bytes of the line.
    /// The line is made of what is stored, so an edit by hand shows.
    fn documents(
        &mut self,
        view: DocumentView,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError>;

    /// All rows, in the order of their key.
    fn rows(&mut self) -> Result<Vec<RouteStatsRow>, StoreError>;
}

/// A reader of one chain's views.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ViewReader {
    views: Box<dyn ReadViews>,
    in_snapshot: bool,
}

impl ViewReader {
    /// A reader of `views`.
    pub fn new(views: impl ReadViews + 'static) -> Self {
        Self {
            views: Box::new(views),
            in_snapshot: false,
        }
    }

    /// Opens the SQLite views in the folder `state`.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(SqliteViews::open(state)?))
    }

    /// Where the views are, for people.
    pub fn place(&self) -> String {
        self.views.place()
    }

    /// Lets all that `read` does see the same moment, whatever is written meanwhile. Inside of
    /// another snapshot it is that one's moment.
    pub fn snapshot<T, E: From<StoreError>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.in_snapshot {
            return read(self);
        }
        self.views.begin()?;
        self.in_snapshot = true;
        let result = read(self);
        self.in_snapshot = false;
        self.views.end()?;
        result
    }

    /// See [`ReadViews::progress`].
    pub fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        self.views.progress()
    }

    /// See [`ReadViews::visible_tick`].
    pub fn visible_tick(&mut self) -> Result<Option<u64>, StoreError> {
        self.views.visible_tick()
    }

    /// See [`ReadViews::counts`].
    pub fn counts(&mut self) -> Result<StoredCounts, StoreError> {
        self.views.counts()
    }

    /// See [`ReadViews::dead_letters`].
    pub fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.views.dead_letters()
    }

    /// See [`ReadViews::refused`].
    pub fn refused(&mut self) -> Result<Vec<RefusedDocument>, StoreError> {
        self.views.refused()
    }

    /// See [`ReadViews::documents`].
    pub fn for_each_document(
        &mut self,
        view: DocumentView,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        self.views.documents(view, each)
    }

    /// Calls `each` with every canonical line of a view, without its line end, sorted by bytes
    /// (semantics, section 6).
    pub fn for_each_line(
        &mut self,
        view: &View,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let documents = DocumentView::ALL
            .into_iter()
            .find(|known| known.view() == view);
        match documents {
            Some(view) => self.for_each_document(view, &mut |_id, line| each(line)),
            None => self.for_each_stats_line(each),
        }
    }

    fn for_each_stats_line(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        let rows = self.views.rows()?;
        let mut lines: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
        for row in rows {
            let mut line = Vec::with_capacity(320);
            row.encode(&mut line);
            lines.push(line);
        }
        lines.sort_unstable();
        for line in &lines {
            each(line);
        }
        Ok(())
    }
}
