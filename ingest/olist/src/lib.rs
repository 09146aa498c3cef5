//! Reads, joins and generates data of the Olist shape (semantics, section 1).
//!
//! ```text
//!  file ─ source (plain, gz) ─ csv (blocks → rows) ─ table (header → columns) ─┐
//!                                                                              ▼
//!   sellers ─► regions ─┐                                  dataset: orders in memory, packed
//!   customers ─► regions ┴─► orders ─► items (lowest number's seller) ─► OrderRow by OrderRow
//! ```
//! [`Dataset::open`] reads all four files to their end before it gives anything, so input that does
//! not end cleanly fails before anything is emitted. Bad rows are data ([`eip_contract::Reject`]).
//! [`generate()`] makes data of the same shape at any size.

mod arena;
mod csv;
pub mod dataset;
pub mod error;
pub mod generate;
mod keyed;
pub mod limits;
mod regions;
mod rejects;
pub mod row;
mod source;
mod table;

pub use dataset::{Dataset, InputFile, Position};
pub use error::OlistError;
pub use generate::{GeneratedSummary, generate};
pub use limits::Limits;
pub use rejects::MAX_KEPT_REJECTS;
pub use row::{OrderRow, OrderStatus};
pub use source::{COLUMNS, FILES, Source, sha256_of, sha256_of_files};
