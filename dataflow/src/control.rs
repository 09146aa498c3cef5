//! What the threads of one dataflow share: whether to go on, how far it is, what it has done.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use eip_contract::Offset;
use timely::scheduling::SyncActivator;

use crate::crash::{Crash, CrashPoint};
use crate::latency::{Appended, Latency, LatencyFigures};
use crate::tick::{Tick, WallClock};
use eip_views::View;

/// What a dataflow has done since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ticks issued.
    pub ticks: u64,
    /// Records read, dead letters among them.
    pub records: u64,
    /// Dead letters by the code of their reason.
    pub dead_letters: BTreeMap<String, u64>,
    /// Changes of each view that has had any.
    pub views: Vec<(&'static View, ViewCounts)>,
    /// Documents that the document store refused; they are dead letters.
    pub refused: u64,
}

/// What became of the documents or rows of a view, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewCounts {
    /// Written.
    pub written: u64,
    /// Taken away.
    pub deleted: u64,
    /// Documents found as they should be when the dataflow started.
    pub unchanged: u64,
}

impl Counts {
    /// Those of one view.
    pub fn of(&self, view: &View) -> ViewCounts {
        let found = self.views.iter().find(|(known, _)| *known == view);
        found.map_or_else(ViewCounts::default, |(_, counts)| *counts)
    }

    /// Those of all views that are kept as documents.
    pub fn documents(&self) -> ViewCounts {
        self.sum(View::is_documents)
    }

    /// Those of all views that are kept as rows.
    pub fn rows(&self) -> ViewCounts {
        self.sum(|view| !view.is_documents())
    }

    fn sum(&self, which: impl Fn(&View) -> bool) -> ViewCounts {
        let mut sum = ViewCounts::default();
        for (_, counts) in self.views.iter().filter(|(view, _)| which(view)) {
            sum.written += counts.written;
            sum.deleted += counts.deleted;
            sum.unchanged += counts.unchanged;
        }
        sum
    }

    /// Those of one view, to be changed.
    pub fn view(&mut self, view: &'static View) -> &mut ViewCounts {
        let place = self.views.iter().position(|(known, _)| *known == view);
        let place = place.unwrap_or_else(|| {
            self.views.push((view, ViewCounts::default()));
            self.views.len() - 1
        });
        &mut self.views[place].1
    }
}

/// The written frontier as a position: all views hold everything before these offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The last tick written.
    pub tick: Tick,
    /// Per partition the next offset to read.
    pub offsets: Vec<Offset>,
}

/// Something outside that does not do its part at the moment. The dataflow waits and tries again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Blocked {
    /// What it is: `log`, `elasticsearch`, `postgres`, …
    pub what: String,
    /// Its own words.
    pub words: String,
}

/// The dataflow's epoch and its first tick, which is the hydration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Under which everything is written.
    pub epoch: u64,
    /// The first tick.
    pub tick: Tick,
}

#[derive(Default)]
struct State {
    beginning: Option<Beginning>,
    written: Option<Written>,
    visible: Option<Tick>,
    blocked: Vec<Blocked>,
    counts: Counts,
    running: usize,
}

/// What is measured, and by which clock.
struct Measuring {
    wall: WallClock,
    latency: Mutex<Latency>,
}

/// Shared by all threads of one dataflow.
#[derive(Default)]
pub struct Control {
    crash: Option<Crash>,
    stopped: AtomicBool,
    failed: AtomicBool,
    failure: OnceLock<String>,
    helps_anew: AtomicBool,
    state: Mutex<State>,
    measuring: OnceLock<Measuring>,
    changed: Condvar,
    clock: OnceLock<Mutex<SyncActivator>>,
}

impl Control {
    /// One that lets the process die at `crash`, for tests.
    pub fn with_crash(crash: Option<Crash>) -> Self {
        Self {
            crash,
            ..Self::default()
        }
    }

    /// The dataflow comes to a place where a test may want it to die.
    pub fn comes_to(&self, point: CrashPoint) {
        if let Some(crash) = &self.crash {
            crash.at(point);
        }
    }

    /// Issues no further tick: what is in flight is still written, then the dataflow ends.
    pub fn stop(&self) {
        // The lock is taken so that nobody looks, finds nothing and goes to sleep in between.
        let state = self.state();
        self.stopped.store(true, Ordering::Release);
        drop(state);
        self.changed.notify_all();
        self.wake_clock();
    }

    /// Whether the clock is to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Ends the dataflow at once with the error and its chain; the first one counts.
    pub fn fail(&self, error: &dyn Error) {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.fail_with(text);
    }

    /// As [`Control::fail`], where a dataflow that begins anew mends it.
    pub fn fail_for_anew(&self, error: &dyn Error) {
        self.helps_anew.store(true, Ordering::Release);
        self.fail(error);
    }

    /// Whether a dataflow that begins anew mends what has failed.
    pub fn helps_anew(&self) -> bool {
        self.helps_anew.load(Ordering::Acquire)
    }

    /// As [`Control::fail`], for what is no error type.
    pub fn fail_with(&self, text: String) {
        // The lock is taken so that nobody looks, finds nothing and goes to sleep in between.
        let state = self.state();
        if self.failure.set(text).is_ok() {
            self.failed.store(true, Ordering::Release);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Whether something has failed; workers look before each step.
    pub fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// What has failed.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Changes the counts.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.state().counts);
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// The first tick has come to this process. Later calls change nothing.
    pub fn begin(&self, epoch: u64, tick: Tick) {
        let mut state = self.state();
        if state.beginning.is_none() {
            state.beginning = Some(Beginning { epoch, tick });
            drop(state);
            self.changed.notify_all();
        }
    }

    /// The beginning, once this process knows it.
    pub fn beginning(&self) -> Option<Beginning> {
        self.state().beginning
    }

    /// Waits for the beginning; none when the dataflow ends before it.
    pub fn wait_beginning(&self) -> Option<Beginning> {
        let mut state = self.state();
        loop {
            let ended = self.is_failed() || (self.is_stopped() && state.running == 0);
            if state.beginning.is_some() || ended {
                return state.beginning;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Something outside does not do its part; said again, the words are replaced.
    pub fn blocked(&self, what: &str, words: &str) {
        let mut state = self.state();
        if let Some(known) = state.blocked.iter_mut().find(|known| known.what == what) {
            if known.words != words {
                words.clone_into(&mut known.words);
            }
            return;
        }
        tracing::warn!(what, words, "blocked; trying again until it is well");
        let (what, words) = (what.to_owned(), words.to_owned());
        state.blocked.push(Blocked { what, words });
    }

    /// It does its part again.
    pub fn unblocked(&self, what: &str) {
        let mut state = self.state();
        if let Some(place) = state.blocked.iter().position(|known| known.what == what) {
            state.blocked.remove(place);
            tracing::warn!(what, "well again");
        }
    }

    /// What is blocked at the moment.
    pub fn all_blocked(&self) -> Vec<Blocked> {
        self.state().blocked.clone()
    }

    /// Sleeps until `pause` is over or the dataflow has failed or was stopped.
    pub fn pause(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut state = self.state();
        while !self.is_failed() && !self.is_stopped() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Everything up to this tick can be found by a search.
    pub fn set_visible(&self, tick: Tick) {
        self.state().visible = Some(tick);
        self.changed.notify_all();
    }

    /// The last tick of which searches find everything.
    pub fn visible(&self) -> Option<Tick> {
        self.state().visible
    }

    /// How far the views are written; none before the first tick is.
    pub fn written(&self) -> Option<Written> {
        self.state().written.clone()
    }

    /// Measures by `wall` how long records take from being appended until they are written. Later calls
    /// change nothing.
    pub fn measure(&self, wall: WallClock) {
        let latency = Mutex::new(Latency::new());
        let _ = self.measuring.set(Measuring { wall, latency });
    }

    /// Records of `tick` have been read, which were appended at these times. Those of the first tick were
    /// there before the dataflow was, and say nothing about it.
    pub fn read(&self, tick: Tick, appended: &[Appended]) {
        let is_hydration = self.beginning().is_none_or(|first| tick <= first.tick);
        if let Some(measuring) = self.measuring.get()
            && !is_hydration
        {
            measuring.latency().read(tick, appended);
        }
    }

    /// How long records have taken since the start.
    pub fn latency(&self) -> LatencyFigures {
        let measuring = self.measuring.get();
        measuring.map_or_else(LatencyFigures::default, |measuring| {
            measuring.latency().figures()
        })
    }

    /// A tick is written.
    pub fn set_written(&self, written: Written) {
        if let Some(measuring) = self.measuring.get() {
            measuring
                .latency()
                .written(written.tick, (measuring.wall)());
        }
        self.state().written = Some(written);
        self.changed.notify_all();
        self.wake_clock();
    }

    /// A worker begins; it ends when the guard is dropped, and fails when by a panic.
    pub fn worker(self: &std::sync::Arc<Self>) -> WorkerGuard {
        self.state().running += 1;
        WorkerGuard(std::sync::Arc::clone(self))
    }

    /// Waits until everything before `ends` is written. Fails when the dataflow has ended first.
    pub fn wait_written(&self, ends: &[Offset]) -> Result<Written, String> {
        self.wake_clock();
        let mut state = self.state();
        loop {
            if let Some(failure) = self.failure() {
                return Err(failure.to_owned());
            }
            if let Some(written) = &state.written
                && written.offsets.len() >= ends.len()
                && written
                    .offsets
                    .iter()
                    .zip(ends)
                    .all(|(written, end)| written >= end)
            {
                return Ok(written.clone());
            }
            if self.is_stopped() && state.running == 0 {
                return Err("the dataflow was stopped before it had written that far".to_owned());
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Who wakes the clock.
    pub(crate) fn wake_clock_with(&self, activator: SyncActivator) {
        // Only the worker that has the clock is worth waking; it is built first or last alike.
        let _ = self.clock.set(Mutex::new(activator));
    }

    fn wake_clock(&self) {
        if let Some(clock) = self.clock.get() {
            // Where the dataflow has ended there is nobody to wake.
            let _ = clock
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .activate();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counters and positions stay whole whatever panics beside them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Measuring {
    fn latency(&self) -> MutexGuard<'_, Latency> {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Control::worker`].
pub struct WorkerGuard(std::sync::Arc<Control>);

impl Drop for WorkerGuard {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        if std::thread::panicking() {
            self.0
                .fail_with("a worker of the dataflow panicked".to_owned());
        }
        self.0.changed.notify_all();
    }
}
