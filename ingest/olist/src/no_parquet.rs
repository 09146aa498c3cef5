//! Stands in for `parquet.rs` in a build without the feature `columnar`: no such file can be opened.

use std::path::Path;

/// Why a Parquet file cannot be read.
#[derive(Debug)]
#[expect(dead_code, reason = "only one of them is ever the reason here")]
pub(crate) enum ParquetFault {
    /// What this build lacks.
    Broken(&'static str),
    /// A column is of a type that is no text, number or time.
    Type { column: String, found: String },
    /// It cannot be opened.
    Io(std::io::Error),
}

/// No Parquet file.
pub(crate) enum ParquetHeader {}

/// None of its rows.
pub(crate) enum ParquetRows {}

/// None of them.
#[derive(Clone, Copy)]
pub(crate) struct ParquetRow<'a> {
    pub(crate) number: u64,
    value: &'a [u8],
}

impl ParquetHeader {
    pub(crate) fn open(_: &Path) -> Result<Self, ParquetFault> {
        Err(ParquetFault::Broken(
            "this build reads no Parquet: make one that does with `cargo build --release`, or \
             export the table as CSV",
        ))
    }

    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn row_count(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn readable_columns(&self) -> Vec<usize> {
        match *self {}
    }

    pub(crate) fn rows(self, _: &[usize]) -> Result<ParquetRows, ParquetFault> {
        match self {}
    }
}

impl<'a> ParquetRow<'a> {
    pub(crate) fn value(&self, _: usize) -> &'a [u8] {
        self.value
    }

    pub(crate) fn is_typed(&self, _: usize) -> bool {
        false
    }
}

impl ParquetRows {
    pub(crate) fn has_next(&mut self) -> Result<bool, ParquetFault> {
        match *self {}
    }

    pub(crate) fn next(&mut self) -> ParquetRow<'_> {
        match *self {}
    }

    pub(crate) fn rows(&self) -> u64 {
        match *self {}
    }
}
