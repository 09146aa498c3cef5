//! The one place where the wall clock is read. Everything else is handed the time as a value.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eip_ingest::run::Clock;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the wall clock is read"
)]
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Milliseconds since the epoch.
pub(crate) fn wall_ms() -> i64 {
    since_epoch().as_millis() as i64
}

/// Nanoseconds since the epoch, to tell two runs of one process apart.
pub(crate) fn wall_nanoseconds() -> u128 {
    since_epoch().as_nanos()
}

/// The clock that runs are stamped with.
pub(crate) fn wall_clock() -> Clock {
    Box::new(wall_ms)
}
