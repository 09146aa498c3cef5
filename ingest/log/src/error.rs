//! What can go wrong with a state folder, its journal and its ledger, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use eip_contract::Offset;

/// Any failure of this crate. Each text says where and, where something can be done, what.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot read …".
        action: &'static str,
        /// The system's own reason.
        source: io::Error,
    },
    /// Another process, or another part of this one, writes this journal.
    #[error(
        "{} is held by {holder}: there is one writer at a time; stop that one or wait until it ends",
        path.display()
    )]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// Pid and program of the holder, as it wrote them.
        holder: String,
    },
    /// Written by a newer version of this program.
    #[error(
        "{} has format {found}, this program knows formats up to {supported}: use a newer program",
        path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that this program reads.
        supported: u32,
    },
    /// No state folder.
    #[error("{} is no state folder: it has no eip-state.json; name another or create it", .0.display())]
    NotAState(PathBuf),
    /// A state folder is there already.
    #[error("{} is a state folder already: open it, or remove it first", .0.display())]
    AlreadyAState(PathBuf),
    /// The number of partitions is fixed for a topic's life.
    #[error(
        "{} has {has} partitions, not {asked}: their number is fixed; leave it out or use another folder",
        path.display()
    )]
    PartitionsFixed {
        /// The state folder.
        path: PathBuf,
        /// What it has.
        has: u32,
        /// What was asked for.
        asked: u32,
    },
    /// Not from 1 to [`crate::MAX_PARTITIONS`], or a partition or a list that does not fit.
    #[error("{0}")]
    BadPartitions(String),
    /// Bytes that this program did not write like this.
    #[error(
        "{} is damaged at byte {byte}: {what}; bring this file back from a copy, or give up all \
         from there on: `truncate -s {byte} {}` and remove the files after it",
        path.display(), path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the damaged line begins.
        byte: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A file of the journal is not there although later ones are.
    #[error("{} is missing: bring it back from a copy", .0.display())]
    MissingFile(PathBuf),
    /// An earlier write failed, so what the file holds is unknown.
    #[error("an earlier write to the journal failed: open it again to go on")]
    Poisoned,
    /// A call that does not go between begin and commit, or only there.
    #[error("{0}")]
    Transaction(&'static str),
    /// The records of a transaction are not those that its begin announced.
    #[error("the transaction announced {announced:?} records per partition and has {appended:?}")]
    PartsMismatch {
        /// As given to begin.
        announced: Vec<u64>,
        /// As appended.
        appended: Vec<u64>,
    },
    /// A key and a value of more than 16 MiB together.
    #[error("a record of {0} bytes is above 16 MiB")]
    TooLarge(usize),
    /// Not 1 to 128 of letters, digits, `.`, `_`, `-`.
    #[error("run id {0:?} is not 1 to 128 letters, digits, dots, underscores and hyphens")]
    BadRunId(String),
    /// Another run stands in the way.
    #[error("run {run_id} (attempt {attempt}) is under way: wait until it ends, or cancel it")]
    Claimed {
        /// That run.
        run_id: String,
        /// Its attempt.
        attempt: u32,
    },
    /// Somebody else has made a new attempt of this run.
    #[error(
        "attempt {attempt} of run {run_id} took over: this one was silent for too long and ends"
    )]
    Superseded {
        /// The run.
        run_id: String,
        /// The later attempt.
        attempt: u32,
    },
    /// A log that should have more gives nothing.
    #[error(
        "the log has given nothing for two minutes: read up to {positions:?}, wanted up to {upto:?}; \
         see whether its server is well"
    )]
    Silent {
        /// How far it was read.
        positions: Vec<Offset>,
        /// How far it was to be read.
        upto: Vec<Offset>,
    },
    /// Kafka said so, or could not be asked.
    #[error("kafka: {what}")]
    Kafka {
        /// What, where and what to do.
        what: String,
        /// Whether the same call can succeed later with nothing changed but the broker's health.
        passing: bool,
    },
    /// The file to be imported has a line above 16 MiB.
    #[error("line {0} is above 16 MiB")]
    LineTooLong(u64),
    /// The file to be imported cannot be read, or the export not written.
    #[error("cannot {action}")]
    Transfer {
        /// What was tried.
        action: &'static str,
        /// The reason.
        source: io::Error,
    },
}

impl LogError {
    /// Whether the same call can succeed later without anybody changing anything: the server is
    /// away or overloaded.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Kafka { passing: true, .. })
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }

    pub(crate) fn corrupt(path: &Path, byte: u64, what: impl Into<String>) -> Self {
        Self::Corrupt {
            path: path.to_owned(),
            byte,
            what: what.into(),
        }
    }
}
