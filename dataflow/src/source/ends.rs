//! How far the log goes: what a tick may read up to.

use std::sync::{Arc, Mutex, PoisonError};

use eip_contract::Offset;
use eip_log::{EndsWatcher, LogError, StateDir};

use super::SourceError;

/// The log's committed ends.
///
/// They never point into a transaction, so a tick that reads exactly up to them holds a
/// transaction whole or not at all; and what they cover is durable.
pub trait LogEnds: Send {
    /// Per partition the next offset behind what is committed now.
    fn ends(&mut self) -> Result<Vec<Offset>, SourceError>;
}

/// The journal's.
pub struct JournalEnds(EndsWatcher);

impl JournalEnds {
    /// Watches the journal of `state`.
    pub fn open(state: &StateDir) -> Result<Self, LogError> {
        Ok(Self(EndsWatcher::open(state)?))
    }
}

impl LogEnds for JournalEnds {
    fn ends(&mut self) -> Result<Vec<Offset>, SourceError> {
        Ok(self.0.poll()?)
    }
}

/// Ends that somebody else sets, for tests and measurements. Clones share them.
#[derive(Clone, Default)]
pub struct SetEnds(Arc<Mutex<Vec<Offset>>>);

impl SetEnds {
    /// Sets them; none goes back.
    pub fn set(&self, ends: &[Offset]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ends.to_vec();
    }
}

impl LogEnds for SetEnds {
    fn ends(&mut self) -> Result<Vec<Offset>, SourceError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }
}
