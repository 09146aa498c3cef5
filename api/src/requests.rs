//! How many requests were answered how.

use std::sync::atomic::AtomicU64;

/// Requests by the first digit of their status, from 1 to 5.
#[derive(Debug, Default)]
pub(crate) struct Requests(pub(crate) [AtomicU64; 5]);
