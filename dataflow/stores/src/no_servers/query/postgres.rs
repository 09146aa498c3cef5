//! Stands in for `query/postgres.rs` in a build without the feature `servers`.

use eip_contract::Space;

use super::QueryError;
use super::changes::{Change, ChangeQuery};
use super::stats::{StatsGroup, StatsQuery};
use super::troubles::Troubles;
use crate::Progress;
use crate::error::StoreError;
use crate::no_servers::absent;

/// Finds no rows.
#[derive(Clone)]
pub(super) enum PostgresQueries {}

/// No moment of them.
pub(super) enum PostgresMoment {}

impl PostgresQueries {
    pub(super) fn open(_: &str, _: &Space) -> Result<Self, StoreError> {
        Err(absent())
    }

    pub(super) async fn close(&self) {
        match *self {}
    }

    pub(super) async fn moment(&self) -> Result<(Progress, u64, PostgresMoment), QueryError> {
        match *self {}
    }
}

impl PostgresMoment {
    pub(super) async fn troubles(&mut self, _: u32) -> Result<Troubles, QueryError> {
        match *self {}
    }

    pub(super) async fn changes_known_from(&mut self) -> Result<Option<u64>, QueryError> {
        match *self {}
    }

    pub(super) async fn deleted(&mut self, _: &ChangeQuery) -> Result<Vec<Change>, QueryError> {
        match *self {}
    }

    pub(super) async fn count_deleted(&mut self, _: u64, _: u64) -> Result<u64, QueryError> {
        match *self {}
    }

    pub(super) async fn stats(&mut self, _: &StatsQuery) -> Result<Vec<StatsGroup>, QueryError> {
        match *self {}
    }
}
