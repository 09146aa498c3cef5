//! The views of a real installation, read as one: documents from Elasticsearch, all else from
//! PostgreSQL.
//!
//! A moment is PostgreSQL's. Documents of a tick are in Elasticsearch before its rows and progress
//! are in PostgreSQL, so while a dataflow writes they may be of a later tick, never of an earlier
//! one.

use eip_views::{Kept, Row, View};

use super::elasticsearch::{ElasticsearchConfig, ElasticsearchDocuments};
use super::error::StoreError;
use super::postgres::PostgresViews;
use super::reader::ReadViews;
use super::{Progress, RefusedDocument, StoredDeadLetter};

/// A reader of one space's views on the servers.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ServerViews {
    postgres: PostgresViews,
    documents: ElasticsearchDocuments,
    place: String,
}

impl ServerViews {
    /// Opens the views of the space that `elasticsearch` names, in PostgreSQL at `postgres_url`.
    pub fn open(
        postgres_url: &str,
        elasticsearch: &ElasticsearchConfig,
    ) -> Result<Self, StoreError> {
        let postgres = PostgresViews::open(postgres_url, &elasticsearch.space)?;
        Ok(Self::of(
            postgres,
            ElasticsearchDocuments::open(elasticsearch)?,
        ))
    }

    /// The views of one space in these two.
    pub fn of(postgres: PostgresViews, documents: ElasticsearchDocuments) -> Self {
        let place = format!("{} and its Elasticsearch", postgres.place());
        Self {
            postgres,
            documents,
            place,
        }
    }
}

impl ReadViews for ServerViews {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.postgres.begin()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.postgres.end()
    }

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        self.postgres.progress()
    }

    fn visible_tick(&mut self) -> Result<Option<u64>, StoreError> {
        self.postgres.visible_tick().map(Some)
    }

    fn count(&mut self, view: &'static View) -> Result<u64, StoreError> {
        match view.kept {
            Kept::Documents => self.documents.count(view),
            Kept::Rows { .. } => self.postgres.count(view),
        }
    }

    fn count_dead_letters(&mut self) -> Result<u64, StoreError> {
        self.postgres.count_dead_letters()
    }

    fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.postgres.dead_letters()
    }

    fn refused(&mut self, view: &'static View) -> Result<Vec<RefusedDocument>, StoreError> {
        self.postgres.refused(view)
    }

    fn documents(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        self.documents.documents(view, each)
    }

    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError> {
        self.postgres.rows(view)
    }
}
