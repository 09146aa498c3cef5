//! What a build without the feature `servers` has instead of the clients of Elasticsearch and
//! PostgreSQL: the names that the rest uses, and an error that says what to build instead.
//!
//! [`NoStore`] has no value, so what is written here below it is never run.

use eip_views::{Row, View};

use super::error::{Fault, Retry, StoreError};
use super::reader::ReadViews;
use super::{
    DocumentStore, DocumentWrite, Look, Progress, RefusedDocument, StatsStore, StoredDeadLetter,
    StoredDocument, TickCommit,
};

/// A store on a server, of which there is none.
pub struct NoStore(Never);

enum Never {}

/// Why none can be opened.
pub(crate) fn absent() -> StoreError {
    StoreError::new(
        Fault::User,
        Retry::Never,
        "this build has no clients of Elasticsearch and PostgreSQL: make one that has with \
         `cargo build --release`",
    )
}

impl NoStore {
    /// As PostgreSQL's store does.
    pub fn forget_refused(&mut self, _: &[(&View, String)]) -> Result<u64, StoreError> {
        match self.0 {}
    }
}

impl DocumentStore for NoStore {
    fn name(&self) -> &'static str {
        match self.0 {}
    }

    fn keep(&mut self, _: &[&'static View]) {
        match self.0 {}
    }

    fn greatest_epoch(&mut self) -> Result<u64, StoreError> {
        match self.0 {}
    }

    fn take_over(&mut self, _: u64, _: usize) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn lineage(&mut self) -> Result<Option<String>, StoreError> {
        match self.0 {}
    }

    fn write_as(&mut self, _: u64, _: usize) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn bulk(
        &mut self,
        _: &'static View,
        _: u64,
        _: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError> {
        match self.0 {}
    }

    fn scan(
        &mut self,
        _: &'static View,
        _: Look,
        _: &mut dyn FnMut(StoredDocument<'_>),
    ) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        match self.0 {}
    }
}

impl StatsStore for NoStore {
    fn name(&self) -> &'static str {
        match self.0 {}
    }

    fn keep(&mut self, _: &[&'static View]) {
        match self.0 {}
    }

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        match self.0 {}
    }

    fn take_epoch(&mut self, _: u64) -> Result<u64, StoreError> {
        match self.0 {}
    }

    fn begin_again(&mut self, _: u64) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn rows(&mut self, _: &'static View) -> Result<Vec<Row>, StoreError> {
        match self.0 {}
    }

    fn commit(&mut self, _: &TickCommit<'_>) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn refuse(&mut self, _: &[RefusedDocument]) -> Result<(), StoreError> {
        match self.0 {}
    }
}

impl ReadViews for NoStore {
    fn place(&self) -> String {
        match self.0 {}
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn end(&mut self) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        match self.0 {}
    }

    fn count(&mut self, _: &'static View) -> Result<u64, StoreError> {
        match self.0 {}
    }

    fn count_dead_letters(&mut self) -> Result<u64, StoreError> {
        match self.0 {}
    }

    fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
        match self.0 {}
    }

    fn refused(&mut self, _: &'static View) -> Result<Vec<RefusedDocument>, StoreError> {
        match self.0 {}
    }

    fn documents(
        &mut self,
        _: &'static View,
        _: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        match self.0 {}
    }

    fn rows(&mut self, _: &'static View) -> Result<Vec<Row>, StoreError> {
        match self.0 {}
    }
}
