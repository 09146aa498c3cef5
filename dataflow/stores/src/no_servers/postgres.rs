//! Stands in for `postgres.rs` in a build without the feature `servers`: the same names, and
//! nothing that can be opened.

use eip_contract::Space;

use super::Progress;
use super::error::StoreError;
use super::no_servers::{NoStore, absent};

#[path = "../postgres/config.rs"]
mod config;

pub use config::{POSTGRES_FORMAT, PostgresConfig};

/// Writes no rows.
pub enum PostgresStore {}

impl PostgresStore {
    /// Says that this build has no client.
    pub fn new(_: &PostgresConfig) -> Result<NoStore, StoreError> {
        Err(absent())
    }
}

/// Reads no rows.
pub enum PostgresViews {}

impl PostgresViews {
    /// As [`PostgresStore::new`].
    pub fn open(_: &str, _: &Space) -> Result<Self, StoreError> {
        Err(absent())
    }

    /// Never called.
    pub fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        match *self {}
    }
}

/// Knows no spaces.
pub struct PostgresSpaces;

impl PostgresSpaces {
    /// Whatever is asked of it fails.
    pub fn new(_: &str) -> Self {
        Self
    }

    /// As [`PostgresStore::new`].
    pub fn list(&self) -> Result<Vec<Space>, StoreError> {
        Err(absent())
    }

    /// As [`PostgresStore::new`].
    pub fn version(&self) -> Result<String, StoreError> {
        Err(absent())
    }

    /// As [`PostgresStore::new`].
    pub fn has_dataflow(&self, _: &Space) -> Result<bool, StoreError> {
        Err(absent())
    }

    /// As [`PostgresStore::new`].
    pub fn drop(&self, _: &Space) -> Result<bool, StoreError> {
        Err(absent())
    }

    /// As [`PostgresStore::new`].
    pub fn adopt(&self, _: &Space, _: &str) -> Result<bool, StoreError> {
        Err(absent())
    }

    /// As [`PostgresStore::new`].
    pub fn reset(&self, _: &Space, _: &str) -> Result<bool, StoreError> {
        Err(absent())
    }
}
