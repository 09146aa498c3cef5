//! Ends that somebody else sets, for tests and measurements.

use std::sync::{Arc, Mutex, PoisonError};

use eip_contract::Offset;
use eip_log::{LogEnds, LogError};

/// Ends that somebody else sets. Clones share them.
#[derive(Clone, Default)]
pub struct SetEnds(Arc<Mutex<Vec<Offset>>>);

impl SetEnds {
    /// Sets them; none goes back.
    pub fn set(&self, ends: &[Offset]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ends.to_vec();
    }
}

impl LogEnds for SetEnds {
    fn poll(&mut self) -> Result<Vec<Offset>, LogError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    fn report(&mut self, _written: &[Offset]) {}
}
