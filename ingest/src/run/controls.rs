//! What a person may change about a scaled run while it goes on, and how its pacing hears it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::pacer::ScaleFactor;

/// The wishes as they are now. Whoever paces it and waits hears of a change at once.
#[derive(Debug, Default)]
pub struct Controls {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wish: Wish,
    /// Grows with every change.
    version: u64,
    is_stopped: bool,
}

/// What is wished; both at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) is_paused: bool,
    /// `None`: as the run was asked for.
    pub(crate) scale: Option<ScaleFactor>,
}

/// What a look at the controls gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing since the last look.
    Nothing,
    /// Another wish.
    Changed(Wish),
    /// The run ends.
    Stopped,
}

impl Controls {
    /// Pauses or resumes, and sets another speed, whichever is given, as one change.
    pub fn set(&self, is_paused: Option<bool>, scale: Option<ScaleFactor>) {
        let mut state = self.state();
        let before = state.wish;
        state.wish.is_paused = is_paused.unwrap_or(before.is_paused);
        state.wish.scale = scale.or(before.scale);
        if state.wish != before {
            state.version += 1;
            self.changed.notify_all();
        }
    }

    /// Whether it is paused, and the speed that was set.
    pub fn wished(&self) -> (bool, Option<ScaleFactor>) {
        let wish = self.state().wish;
        (wish.is_paused, wish.scale)
    }

    /// Ends the pacing.
    pub(crate) fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_all();
    }

    /// What there is beyond the version in `seen`.
    pub(crate) fn news(&self, seen: &mut u64) -> News {
        let state = self.state();
        if state.is_stopped {
            News::Stopped
        } else if state.version == *seen {
            News::Nothing
        } else {
            *seen = state.version;
            News::Changed(state.wish)
        }
    }

    /// Waits for news, at most for `time`.
    pub(crate) fn wait(&self, seen: u64, time: Option<Duration>) {
        let state = self.state();
        let is_quiet = |state: &mut State| state.version == seen && !state.is_stopped;
        match time {
            // What wakes it up is looked at afterwards.
            Some(time) => drop(self.changed.wait_timeout_while(state, time, is_quiet)),
            None => drop(self.changed.wait_while(state, is_quiet)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one step, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
