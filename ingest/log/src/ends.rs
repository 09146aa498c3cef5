//! How far the log goes: the next offset of each partition behind all that is committed.

use eip_contract::Offset;

use crate::error::LogError;
use crate::scan::Scan;
use crate::state::StateDir;

/// Follows the ends of a log that somebody writes; reads what is new and nothing twice.
pub struct EndsWatcher {
    scan: Scan,
    ends: Vec<Offset>,
}

impl EndsWatcher {
    /// Begins with the last file.
    pub fn open(state: &StateDir) -> Result<Self, LogError> {
        let mut watcher = Self {
            scan: Scan::from_last_file(state)?,
            ends: Vec::new(),
        };
        watcher.poll()?;
        Ok(watcher)
    }

    /// Reads on and gives the ends of all partitions. They are those of one moment: with all
    /// records of a transaction or with none. They may not be durable yet (see [`committed_ends`]).
    pub fn poll(&mut self) -> Result<Vec<Offset>, LogError> {
        self.scan.advance(None)?;
        self.ends.clear();
        self.ends.extend(self.scan.ends.iter().copied().map(Offset));
        Ok(self.ends.clone())
    }

    /// The ends as of the last poll.
    pub fn ends(&self) -> &[Offset] {
        &self.ends
    }
}

/// The ends of all partitions now. All records before them are on the disk, whoever wrote them, so
/// that something derived may be kept that must not know more than the log.
pub fn committed_ends(state: &StateDir) -> Result<Vec<Offset>, LogError> {
    let watcher = EndsWatcher::open(state)?;
    if let Some(tail) = watcher.scan.tail() {
        tail.sync()?;
    }
    Ok(watcher.ends)
}
