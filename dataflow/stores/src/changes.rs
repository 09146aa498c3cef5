//! What has changed since a tick: every document notes the tick that wrote it, and every document that is
//! deleted leaves an entry with the tick that took it away.
//!
//! ```text
//!  ticks   …──┬───────────────────────┬──────────────────► visible tick
//!             │ known from here on    │ a reader's tick    │
//!             │ (progress row)        └── documents and ───┘
//!             │                           entries in here
//!             └ raised when entries older than DELETIONS_KEPT go, set again when the documents are others
//! ```
//! A tick is known as long as nothing after it was forgotten. It is set by the first tick that is
//! committed over other documents than before ([`crate::DocumentStore::lineage`]): what a reader has of
//! those may hold orders that nobody deletes any more. An entry is written with the delete (SQLite) or
//! before it (PostgreSQL), so there may be one of a document that is still there, never a deletion
//! without one.
//!
//! Only shipments leave entries: an event's id holds its time, and a correction deletes as many events as
//! it moves.

use eip_views::{SHIPMENTS, View};

use crate::TICK_BITS;

/// For how long entries are kept, in ticks, which are milliseconds: seven days.
pub const DELETIONS_KEPT: u64 = 7 * 24 * 60 * 60 * 1000;

/// The tick of a document's version.
pub fn tick_of(version: u64) -> u64 {
    version & ((1 << TICK_BITS) - 1)
}

/// Whether deleted documents of a view leave an entry.
pub fn leaves_entries(view: &View) -> bool {
    *view == SHIPMENTS
}

/// Entries of ticks below this one go when `tick` is written.
pub(crate) fn horizon(tick: u64) -> i64 {
    tick.saturating_sub(DELETIONS_KEPT) as i64
}
