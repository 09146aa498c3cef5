//! What an error of the file means, and what to do.

use std::path::Path;

use super::super::error::{Fault, Retry, StoreError};

/// Name of the file in the state folder.
pub(crate) const FILE: &str = "views.sqlite";

/// Something is there that no dataflow writes.
pub(super) fn broken(what: &str) -> StoreError {
    StoreError::new(
        Fault::External,
        Retry::Never,
        format!("{FILE} was changed by hand: {what}; remove {FILE}* to have the views made again"),
    )
}

/// The file cannot be read.
pub(super) fn read_error(error: sqlx::Error) -> StoreError {
    sql_error("cannot read", Path::new(FILE), error)
}

/// What an error of SQLite means (its result codes: <https://sqlite.org/rescode.html>).
pub(super) fn sql_error(doing: &str, path: &Path, error: sqlx::Error) -> StoreError {
    let code = match &error {
        sqlx::Error::Database(database) => database
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .map(|code| code & 0xff),
        _ => None,
    };
    let path = path.display();
    let (fault, retry, hint) = match code {
        Some(5 | 6) => (
            Fault::External,
            Retry::Backoff,
            ": another program holds its lock",
        ),
        Some(8 | 10 | 14) => (
            Fault::External,
            Retry::Backoff,
            ": see to its folder and disk",
        ),
        Some(13) => (Fault::External, Retry::Backoff, ": the disk is full"),
        Some(11 | 26) => (
            Fault::External,
            Retry::Never,
            ": it is damaged; remove it, its -wal and its -shm \
              file to have the views made again from the log",
        ),
        _ => (Fault::Internal, Retry::Never, ""),
    };
    StoreError::new(fault, retry, format!("{doing} {path}{hint}")).because(error)
}
