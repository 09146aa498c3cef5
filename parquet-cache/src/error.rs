//! What can go wrong with the cache, and what a damaged file looks like.

use std::io;
use std::path::{Path, PathBuf};

use eip_log::LogError;
use parquet::errors::ParquetError;

/// Why the cache could not be written, or its folder not be read. Damage found while reading is no
/// error of the reader: the log has the same records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The file system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The log could not be read.
    #[error("cannot read the log for the cache")]
    Log(#[from] LogError),
    /// A file could not be encoded.
    #[error("cannot encode {}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Parquet's answer.
        source: ParquetError,
    },
    /// A partition that the log does not have.
    #[error("there is no partition {partition} of {partitions}")]
    NoPartition {
        /// What was asked for.
        partition: u32,
        /// How many there are.
        partitions: u32,
    },
    /// What was to be merged is damaged.
    #[error("{0}: run `eip cache rebuild`")]
    Damaged(#[from] Damage),
    /// Whether a segment is the log's cannot be said at the moment, so nothing is written.
    #[error("{0}: the cache stays as it is until the log can be read")]
    Unchecked(Damage),
}

impl CacheError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// A segment that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {what}", path.display())]
pub struct Damage {
    /// The file or the folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// What becomes of it.
    pub kind: DamageKind,
}

/// Kinds of damage, by what becomes of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// It stays until the cache is rebuilt.
    Broken,
    /// It is not there: another process may have merged it into another segment.
    Gone,
    /// It mirrors what the log does not have, or no program writes its format any more: it is deleted.
    Stale,
    /// The log did not give the records that would show whether it is the log's: the next look may.
    Unchecked,
}

impl Damage {
    pub(crate) fn new(path: &Path, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.into(),
            kind: DamageKind::Broken,
        }
    }

    pub(crate) fn stale(path: &Path, what: impl Into<String>) -> Self {
        Self {
            kind: DamageKind::Stale,
            ..Self::new(path, what)
        }
    }

    pub(crate) fn unchecked(path: &Path, what: impl Into<String>) -> Self {
        Self {
            kind: DamageKind::Unchecked,
            ..Self::new(path, what)
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self {
            path: path.to_owned(),
            what: format!("cannot be read: {error}"),
            kind: match error.kind() {
                io::ErrorKind::NotFound => DamageKind::Gone,
                _ => DamageKind::Broken,
            },
        }
    }

    pub(crate) fn decode(path: &Path) -> impl FnOnce(ParquetError) -> Self {
        move |error| {
            Self::new(
                path,
                format!("has another layout than this program writes: {error}"),
            )
        }
    }
}
