//! Named places where a test lets the process die, as a power cut would, or stand still, as a
//! machine that hangs would.
//!
//! What that may leave behind depends on where it comes; these are the places where it differs.
//! Without a [`Crash`] a call costs a look at an option.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// A place in the life of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Records were read and are on their way.
    AfterPoll,
    /// Documents are rendered and not sent.
    BeforeBulk,
    /// A bulk is acknowledged.
    AfterBulk,
    /// All documents of a tick are acknowledged, its rows are not committed.
    BeforeCommit,
    /// Rows and progress are committed, nobody knows it yet.
    AfterCommit,
}

impl CrashPoint {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("after-poll", Self::AfterPoll),
        ("before-bulk", Self::BeforeBulk),
        ("after-bulk", Self::AfterBulk),
        ("before-commit", Self::BeforeCommit),
        ("after-commit", Self::AfterCommit),
    ];
}

/// Where to die or to stand still, and at which time of coming there.
#[derive(Debug)]
pub struct Crash {
    point: CrashPoint,
    left: AtomicU32,
    how: Signal,
}

/// Not of the form `point`, `point:times` or `point:times:stop`.
#[derive(Debug, thiserror::Error)]
#[error("is not POINT, POINT:TIMES or POINT:TIMES:stop with one of {}", CrashPoint::ALL.map(|(name, _)| name).join(", "))]
pub struct BadCrash;

impl FromStr for Crash {
    type Err = BadCrash;
    fn from_str(text: &str) -> Result<Self, BadCrash> {
        let (text, how) = match text.strip_suffix(":stop") {
            Some(text) => (text, Signal::STOP),
            None => (text, Signal::KILL),
        };
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        let known = CrashPoint::ALL
            .into_iter()
            .find(|(known, _)| *known == name);
        let (_, point) = known.ok_or(BadCrash)?;
        let left = AtomicU32::new(times.parse().map_err(|_| BadCrash)?);
        Ok(Self { point, left, how })
    }
}

impl Crash {
    /// Dies at once, or stands still until SIGCONT, when this is the place and the time.
    pub fn at(&self, point: CrashPoint) {
        if point == self.point && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Nothing is unwound, flushed or closed: what a kill -9 does.
            let _ = kill_process(getpid(), self.how);
        }
    }
}
