//! Stands in for `columnar.rs` in a build without the feature `columnar`.

use eip_stores::query::Document;

/// No columnar export.
pub(super) enum Columnar {}

/// What cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "this build exports no Parquet and no Arrow: make one that does with `cargo build --release`"
)]
pub(crate) struct EncodeError;

impl Columnar {
    pub(super) fn parquet() -> Result<Self, EncodeError> {
        Err(EncodeError)
    }

    pub(super) fn arrow() -> Result<Self, EncodeError> {
        Err(EncodeError)
    }

    pub(super) fn page(&mut self, _: &[Document]) -> Result<Vec<u8>, EncodeError> {
        match *self {}
    }

    pub(super) fn end(&mut self) -> Result<Vec<u8>, EncodeError> {
        match *self {}
    }
}
