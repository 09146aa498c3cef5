//! The stats store of a real installation: PostgreSQL, each space in a schema of its own.
//!
//! One transaction a tick holds rows, dead letters and progress, so that a reader never sees half a
//! correction, and each begins by locking the progress row and looking at what stands there:
//!
//! | stored epoch and tick | what it means |
//! |---|---|
//! | the tick's own | it was committed before and only the answer was lost: done |
//! | a greater epoch | a newer dataflow took over: stop |
//! | a smaller epoch, or no row | the database was wiped or restored under us: stop, a restart writes what is missing |
//!
//! The lock also waits for a commit of our own that is still under way behind a lost connection. So
//! an unknown outcome needs no memory: the same call again is right in every case.
//!
//! A connection is made when it is needed and given up at the first error of any kind. No session
//! state outlives it, and whatever it had begun is rolled back by the server.

mod changes;
mod config;
mod copy;
mod epoch;
mod failure;
mod rows;
mod schema;
mod session;
mod spaces;
mod views;
mod write;

use eip_contract::Space;
use eip_views::{Row, VIEWS, View};

use super::error::{Fault, Retry, StoreError};
use super::{Progress, RefusedDocument, StatsStore, TickCommit};
use session::{Role, Session};

pub use config::{POSTGRES_FORMAT, PostgresConfig};
#[cfg(test)]
pub(crate) use schema::MIGRATIONS;
pub(crate) use schema::read_progress;
pub use spaces::PostgresSpaces;
pub use views::PostgresViews;

/// The stats store of one space in PostgreSQL.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct PostgresStore {
    session: Session,
    space: Space,
    topic_id: String,
    views: Vec<&'static View>,
}

impl PostgresStore {
    /// A store that connects when it is first used. Fails only for a URL that is none.
    pub fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        Ok(Self {
            session: Session::new(&config.url, &config.space, Role::Dataflow)?,
            space: config.space.clone(),
            topic_id: config.topic_id.clone(),
            views: VIEWS.to_vec(),
        })
    }

    /// Forgets refused documents; says how many there were of them.
    pub fn forget_refused(&mut self, keys: &[(&View, String)]) -> Result<u64, StoreError> {
        self.session
            .run("forget refused documents", async |connection| {
                write::forget_refused(connection, keys).await
            })
    }
}

impl StatsStore for PostgresStore {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn keep(&mut self, views: &[&'static View]) {
        self.views = views.to_vec();
    }

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        self.session.run("read the progress", async |connection| {
            schema::progress_if_any(connection).await
        })
    }

    fn take_epoch(&mut self, least: u64) -> Result<u64, StoreError> {
        let (space, topic_id, views) = (&self.space, &self.topic_id, &self.views);
        self.session.run("take the epoch", async |connection| {
            epoch::take(connection, space, topic_id, views, least).await
        })
    }

    fn begin_again(&mut self, epoch: u64) -> Result<(), StoreError> {
        self.session.run("begin again", async |connection| {
            write::begin_again(connection, epoch).await
        })
    }

    fn begin_changes(&mut self, epoch: u64, lineage: Option<&str>) -> Result<(), StoreError> {
        self.session
            .run("begin the record of changes", async |connection| {
                changes::begin(connection, epoch, lineage).await
            })
    }

    fn note_deleted(
        &mut self,
        epoch: u64,
        view: &'static View,
        tick: u64,
        ids: &[&str],
    ) -> Result<(), StoreError> {
        self.session
            .run("note deleted documents", async |connection| {
                changes::note_deleted(connection, epoch, view, tick, ids).await
            })
    }

    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError> {
        self.session.run("read the rows", async |connection| {
            rows::read(connection, view).await
        })
    }

    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError> {
        self.session.run("write a tick", async |connection| {
            write::tick(connection, tick).await
        })
    }

    fn publish_visible(&mut self, epoch: u64, tick: u64) -> Result<(), StoreError> {
        self.session
            .run("publish the visible tick", async |connection| {
                write::visible(connection, epoch, tick).await
            })
    }

    fn refuse(&mut self, documents: &[RefusedDocument]) -> Result<(), StoreError> {
        if documents.is_empty() {
            return Ok(());
        }
        self.session
            .run("keep refused documents", async |connection| {
                write::refuse(connection, documents).await
            })
    }
}

/// Those of `views` that are kept as rows, in their order.
fn row_views(views: &[&'static View]) -> impl Iterator<Item = &'static View> {
    views.iter().copied().filter(|view| !view.is_documents())
}

impl Progress {
    /// Refuses progress that was made over another log than `topic_id`, or over one with another
    /// number of partitions: continuing would leave a silent gap.
    pub fn check_log(
        &self,
        space: &Space,
        topic_id: &str,
        partitions: usize,
    ) -> Result<(), StoreError> {
        check_topic(space, &self.topic_id, topic_id)?;
        if self.offsets.is_empty() || self.offsets.len() == partitions {
            return Ok(());
        }
        Err(StoreError::new(
            Fault::User,
            Retry::Never,
            format!(
                "the views of space {space} were made over {} partitions and the log has \
                 {partitions}: orders may have moved between them; {}",
                self.offsets.len(),
                way_out(space),
            ),
        ))
    }
}

fn check_topic(space: &Space, stored: &str, topic_id: &str) -> Result<(), StoreError> {
    if stored == topic_id {
        return Ok(());
    }
    Err(StoreError::new(
        Fault::User,
        Retry::Never,
        format!(
            "the views of space {space} were made from log {stored}, and the log there now is \
             {topic_id}: it was made anew or is another; {}",
            way_out(space),
        ),
    ))
}

fn way_out(space: &Space) -> String {
    format!(
        "run `eip space adopt {space}` if this log is to count from now on (the views are then \
         made again from it), or `eip space reset {space}` to begin with empty views"
    )
}
