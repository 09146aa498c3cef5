//! One row of the cache: one committed record of the log that is no dead letter.

use eip_contract::{Change, Offset};

/// A record as the cache holds it: all that [`eip_log::RecordRef`] gave, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedRow<'a> {
    /// Partition of the log.
    pub partition: u32,
    /// Position in it.
    pub offset: Offset,
    /// The event, or a tombstone's order.
    pub change: Change<'a>,
    /// Header `run`: which attempt wrote it.
    pub run: Option<&'a str>,
    /// Header `parts`: records per partition of its transaction.
    pub parts: Option<&'a str>,
    /// When it was appended, in ms since the epoch; not known of what was written by earlier programs.
    pub appended_ms: Option<i64>,
    /// Header `due`: when it was due, in µs since the epoch.
    pub due_micros: Option<i64>,
}
