//! Reading the views from outside of the dataflow, whichever stores they are in, while it writes or
//! long after.

use std::path::Path;

use eip_views::{Kept, Row, VIEWS, View};

use super::error::StoreError;
use super::sqlite::SqliteViews;
use super::{Progress, RefusedDocument, StoredDeadLetter, document_views};

/// How much is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredCounts {
    /// Documents or rows by view, in the order of the reader's views.
    pub views: Vec<(&'static str, u64)>,
    /// Records that were no canonical events.
    pub dead_letters: u64,
}

impl StoredCounts {
    /// Documents or rows of one view.
    pub fn of(&self, view: &View) -> u64 {
        let found = self.views.iter().find(|(name, _)| *name == view.name);
        found.map_or(0, |(_, count)| *count)
    }
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

    /// How many documents or rows a view has.
    fn count(&mut self, view: &'static View) -> Result<u64, StoreError>;

    /// How many records were no canonical events.
    fn count_dead_letters(&mut self) -> Result<u64, StoreError>;

    /// Records that were no canonical events, by position.
    fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError>;

    /// Documents of a view that the document store refused, by id.
    fn refused(&mut self, view: &'static View) -> Result<Vec<RefusedDocument>, StoreError>;

    /// Calls `each` with id and canonical line of every document, sorted by the bytes of the line.
    /// The line is made of what is stored, so an edit by hand shows.
    fn documents(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError>;

    /// All rows of a view, in the order of their key.
    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError>;
}

/// A reader of one chain's views.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ViewReader {
    store: Box<dyn ReadViews>,
    views: Vec<&'static View>,
    in_snapshot: bool,
}

impl ViewReader {
    /// A reader of this program's views in `store`.
    pub fn new(store: impl ReadViews + 'static) -> Self {
        Self {
            store: Box::new(store),
            views: VIEWS.to_vec(),
            in_snapshot: false,
        }
    }

    /// The same, of `view` too.
    #[must_use]
    pub fn with(mut self, view: &'static View) -> Self {
        self.views.push(view);
        self
    }

    /// The views that are read where all are.
    pub fn views(&self) -> Vec<&'static View> {
        self.views.clone()
    }

    /// Opens the SQLite views in the folder `state`.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(SqliteViews::open(state)?))
    }

    /// Where the views are, for people.
    pub fn place(&self) -> String {
        self.store.place()
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
        self.store.begin()?;
        self.in_snapshot = true;
        let result = read(self);
        self.in_snapshot = false;
        self.store.end()?;
        result
    }

    /// See [`ReadViews::progress`].
    pub fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        self.store.progress()
    }

    /// See [`ReadViews::visible_tick`].
    pub fn visible_tick(&mut self) -> Result<Option<u64>, StoreError> {
        self.store.visible_tick()
    }

    /// How much is stored, all from one moment.
    pub fn counts(&mut self) -> Result<StoredCounts, StoreError> {
        self.snapshot(|reader| {
            let views = reader.views().into_iter();
            let count = |view: &'static View| Ok((view.name, reader.store.count(view)?));
            Ok(StoredCounts {
                views: views.map(count).collect::<Result<_, StoreError>>()?,
                dead_letters: reader.store.count_dead_letters()?,
            })
        })
    }

    /// See [`ReadViews::dead_letters`].
    pub fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.store.dead_letters()
    }

    /// Documents that the document store refused, by view and id.
    pub fn refused(&mut self) -> Result<Vec<RefusedDocument>, StoreError> {
        let mut refused = Vec::new();
        for view in document_views(&self.views) {
            refused.append(&mut self.store.refused(view)?);
        }
        Ok(refused)
    }

    /// See [`ReadViews::documents`].
    pub fn for_each_document(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        self.store.documents(view, each)
    }

    /// Calls `each` with every canonical line of a view, without its line end, sorted by bytes
    /// (semantics, section 6).
    pub fn for_each_line(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        match view.kept {
            Kept::Documents => self.store.documents(view, &mut |_id, line| each(line)),
            Kept::Rows { .. } => self.for_each_row_line(view, each),
        }
    }

    fn for_each_row_line(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let rows = self.store.rows(view)?;
        let mut lines: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
        for row in rows {
            let mut line = Vec::with_capacity(320);
            view.encode(&row, &mut line);
            lines.push(line);
        }
        lines.sort_unstable();
        for line in &lines {
            each(line);
        }
        Ok(())
    }
}
