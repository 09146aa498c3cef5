//! Stands in for `query/elasticsearch.rs` in a build without the feature `servers`.

use eip_contract::EventTime;

use super::changes::{Change, ChangeQuery};
use super::condition::{Condition, Search};
use super::{Document, FacetCount, Found, QueryError};
use crate::ElasticsearchConfig;
use crate::error::StoreError;
use crate::no_servers::absent;

/// Finds no documents.
#[derive(Clone)]
pub(super) enum SearchedDocuments {}

impl SearchedDocuments {
    pub(super) fn open(_: &ElasticsearchConfig) -> Result<Self, StoreError> {
        Err(absent())
    }

    pub(super) async fn shipments(&self, _: &[String]) -> Result<Vec<Document>, QueryError> {
        match *self {}
    }

    pub(super) async fn events(&self, _: &[String]) -> Result<Vec<Document>, QueryError> {
        match *self {}
    }

    pub(super) async fn search(&self, _: &Search) -> Result<Found, QueryError> {
        match *self {}
    }

    pub(super) async fn written(&self, _: &ChangeQuery) -> Result<Vec<Change>, QueryError> {
        match *self {}
    }

    pub(super) async fn count_written(&self, _: u64, _: u64) -> Result<u64, QueryError> {
        match *self {}
    }

    pub(super) async fn counts(
        &self,
        _: &Condition,
        _: &[Condition],
    ) -> Result<Vec<u64>, QueryError> {
        match *self {}
    }

    pub(super) async fn count(&self, _: &Condition) -> Result<u64, QueryError> {
        match *self {}
    }

    pub(super) async fn facets(&self, _: &Condition) -> Result<Vec<FacetCount>, QueryError> {
        match *self {}
    }

    pub(super) async fn latest_event(&self) -> Result<Option<EventTime>, QueryError> {
        match *self {}
    }
}
