//! The wall clock of this host, for what is told to people and decides nothing about a view: when a
//! folder was made, when a record was appended, whether a run was heard of.

/// Milliseconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of this crate that reads the clock; writers can be given another"
)]
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as i64)
}
