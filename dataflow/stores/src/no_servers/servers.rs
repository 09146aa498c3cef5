//! Stands in for `servers.rs` in a build without the feature `servers`.

use super::elasticsearch::{ElasticsearchConfig, ElasticsearchDocuments};
use super::error::StoreError;
use super::no_servers::{NoStore, absent};
use super::postgres::PostgresViews;

/// Reads no views.
pub enum ServerViews {}

impl ServerViews {
    /// Says that this build has no client.
    pub fn open(_: &str, _: &ElasticsearchConfig) -> Result<NoStore, StoreError> {
        Err(absent())
    }

    /// Never called.
    pub fn of(postgres: PostgresViews, _: ElasticsearchDocuments) -> NoStore {
        match postgres {}
    }
}
