//! A columnar mirror of the event log: what a reader of all facts loads instead of parsing the log again.
//!
//! ```text
//! <state>/cache/writer.lock                  held by the one process that writes here
//! <state>/cache/segment-0000000001/          one segment: per partition one contiguous range of offsets
//!             2018-03.parquet                rows by month of eventAt, one row group set a partition
//!             tombstones.parquet             rows without an event
//!             segment.json                   written last: topic, ranges, files with their checksums, dead letters
//! ```
//!
//! The mirror is never needed and never trusted: a segment that is incomplete, damaged, of another
//! topic or of a newer format is ignored whole, with a warning, and its offsets are read from the
//! log. Every row handed out was checked against a checksum first. Segments may overlap; each
//! (partition, offset) counts once. So a lost or stale cache costs time, never correctness.
//!
//! A segment belongs to its log by content: `segment.json` keeps marks of the first and the last
//! record of each partition. Before a segment is used, the log is read at these places. A log that
//! was cut, restored or written again has other records there, and the segment is deleted.
//!
//! The files are plain Parquet for any other reader
//! (`SELECT … FROM read_parquet('<state>/cache/segment-*/*.parquet')`); within this crate they are
//! read by the layout in which it writes them, at some tens of nanoseconds a row.

mod cache;
mod codes;
mod content;
mod coverage;
mod durable;
mod error;
mod manifest;
mod options;
mod page;
mod row;
mod schema;
mod segment;
mod status;

pub use cache::{Cache, CatchUp, Compaction, Hydrated, OrderRecord, OrderRecords, TakePacked};
pub use coverage::Coverage;
pub use error::{CacheError, Damage, DamageKind};
pub use manifest::DeadRecord;
pub use options::CacheOptions;
pub use row::CachedRow;
pub use status::{SegmentStatus, Status};
