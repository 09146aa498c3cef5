//! Reads, joins and generates data of the Olist shape (semantics, sections 1 and 7).
//!
//! ```text
//!  folder ─ dataset.toml (description) ─► files of each table (files)
//!  file ─ source (unpacked, UTF-8) ─ csv (blocks → rows) ─┐
//!  file ─ parquet (batches → rows) ───────────────────────┴─ table (header → columns) ─┐
//!                                                                                      ▼
//!   sellers ─► regions ─┐                                  dataset: orders in memory, packed
//!   customers ─► regions ┴─► orders ─► items (lowest number's seller) ─► needs ─► OrderRow by OrderRow
//! ```
//! [`Dataset::open`] reads all tables to their end before it gives anything, so input that does not
//! end cleanly fails before anything is emitted. Bad rows are data ([`eip_contract::Reject`]), and an
//! order goes with a rejected row that it needs. [`check()`] says what the files of a folder are, and
//! suggests the `dataset.toml` that reads them. [`generate()`] makes data of the same shape at any
//! size.

mod alike;
mod arena;
pub mod check;
mod csv;
pub mod dataset;
pub mod description;
pub mod error;
mod files;
mod format;
pub mod generate;
pub mod joins;
mod keyed;
pub mod kind;
pub mod limits;
#[cfg_attr(not(feature = "columnar"), path = "no_parquet.rs")]
mod parquet;
mod regions;
mod rejected;
mod rejects;
pub mod row;
mod source;
mod table;

pub use check::{Checked, DataReport, check};
pub use dataset::{
    Dataset, DependentOrders, InputFile, READER_VERSION, SwallowingRows, TableCounts,
};
pub use description::{DESCRIPTION_FILE, Description};
pub use error::OlistError;
pub use files::{COLUMNS, FILES, FoundFile, TABLES, found_files, sha256_of, sha256_of_files};
pub use format::Duplicates;
pub use generate::{GeneratedSummary, generate};
pub use joins::{Joins, Unmatched};
pub use kind::Kind;
pub use limits::Limits;
pub use rejects::{MAX_KEPT_REJECTS, RejectCount};
pub use row::{OrderRow, OrderStatus};
pub use source::Source;
