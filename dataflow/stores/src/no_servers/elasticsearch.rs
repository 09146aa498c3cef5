//! Stands in for `elasticsearch.rs` in a build without the feature `servers`: the same names, and
//! nothing that can be opened.

use eip_contract::Space;
use eip_views::View;

use super::error::StoreError;
use super::no_servers::{NoStore, absent};

#[path = "../elasticsearch/config.rs"]
mod config;

pub use config::ElasticsearchConfig;

/// Writes no documents.
pub enum ElasticsearchStore {}

impl ElasticsearchStore {
    /// Says that this build has no client.
    pub fn open(_: ElasticsearchConfig, _: &str) -> Result<NoStore, StoreError> {
        Err(absent())
    }

    /// As [`ElasticsearchStore::open`].
    pub fn open_beside(_: ElasticsearchConfig, _: &str) -> Result<NoStore, StoreError> {
        Err(absent())
    }
}

/// Reads no documents.
pub enum ElasticsearchDocuments {}

impl ElasticsearchDocuments {
    /// As [`ElasticsearchStore::open`].
    pub fn open_beside(_: &ElasticsearchConfig, _: u64) -> Result<Self, StoreError> {
        Err(absent())
    }
}

/// One index, of which there is none.
pub struct IndexInfo {
    /// Of which view.
    pub view: &'static View,
    /// Its name.
    pub index: String,
    /// Whether readers see it.
    pub is_read: bool,
    /// The last epoch that wrote to it.
    pub epoch: u64,
    /// Its documents.
    pub documents: u64,
}

/// Rebuilds no indices.
pub enum ElasticsearchRebuild {}

impl ElasticsearchRebuild {
    /// As [`ElasticsearchStore::open`].
    pub fn new(_: &ElasticsearchConfig) -> Result<Self, StoreError> {
        Err(absent())
    }

    /// Never called.
    pub fn list(&self) -> Result<Vec<IndexInfo>, StoreError> {
        match *self {}
    }

    /// Never called.
    pub fn flip(&self, _: u64) -> Result<Vec<String>, StoreError> {
        match *self {}
    }

    /// Never called.
    pub fn roll_back(&self) -> Result<Vec<String>, StoreError> {
        match *self {}
    }

    /// Never called.
    pub fn drop_old(&self) -> Result<Vec<String>, StoreError> {
        match *self {}
    }
}

/// Knows no spaces.
pub enum ElasticsearchSpaces {}

impl ElasticsearchSpaces {
    /// As [`ElasticsearchStore::open`].
    pub fn new(_: &ElasticsearchConfig) -> Result<Self, StoreError> {
        Err(absent())
    }

    /// Never called.
    pub fn version(&self) -> Result<String, StoreError> {
        match *self {}
    }

    /// Never called.
    pub fn list(&self) -> Result<Vec<Space>, StoreError> {
        match *self {}
    }

    /// Never called.
    pub fn drop(&self, _: &Space) -> Result<bool, StoreError> {
        match *self {}
    }
}
