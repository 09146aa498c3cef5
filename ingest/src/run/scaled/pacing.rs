//! Pacing: sleeps until the next event is due and hands over what is. It knows of no log.
//!
//! Two threads, each on a core of its own, sleep for the same event: whichever wakes up first hands
//! over, and the other finds that done. A core that is in the kernel for somebody else, or that the
//! host of a virtual machine has lent to others, keeps one of them waiting, seldom both.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use eip_contract::EventTime;

use super::super::controls::{Controls, News};
use super::super::order::Due;
use super::super::pacer::{Pacer, ScaleFactor};
use super::handover::HandOver;
use super::punctual::{be_punctual, cores_apart, stay_on};

/// Most events handed over as one.
const MAX_BATCH: usize = 4_096;
/// What becomes due so soon after a hand-over goes along with the next one. A wake-up for each event
/// would cost whoever writes them more than the events do, and while much is due at once, a thread
/// with a real-time priority would have a core for itself. In nanoseconds.
const BREATH: i64 = 200_000;
const PACER: &str = "a schedule is made with the first events";

/// The wall clock of one attempt: monotonic, so that a step of the system's clock moves no event,
/// and told as time since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    start: Instant,
    epoch_micros: i64,
}

impl WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "due times are told in microseconds, finer than the clock of runs is"
    )]
    pub(super) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let epoch_micros = since.map_or(0, |since| since.as_micros() as i64);
        let start = Instant::now();
        Self {
            start,
            epoch_micros,
        }
    }

    /// Nanoseconds since the start.
    pub(super) fn now(self) -> i64 {
        self.start.elapsed().as_nanos() as i64
    }

    /// Microseconds since the epoch, of a time of this clock.
    pub(super) fn epoch_micros(self, nanos: i64) -> i64 {
        self.epoch_micros + nanos.div_euclid(1_000)
    }
}

/// Events in their order, and where the schedule begins if these are the first.
pub(super) struct Chunk {
    pub(super) events: Vec<Due>,
    pub(super) begin: Option<EventTime>,
}

/// One event that was due, and when it was handed over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    pub(super) event: Due,
    pub(super) due: i64,
    pub(super) at: i64,
}

/// What the pacing tells.
pub(super) enum Told {
    /// The schedule goes on from here, at this wall time.
    Anchored(Pacer, i64),
    /// These were due.
    Events(Vec<Handed>),
}

/// Ends the pacing when it goes.
pub(super) struct StopOnDrop<'a>(pub(super) &'a Controls);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What the threads share with the others of the run.
pub(super) struct Pacing {
    pub(super) clock: WallClock,
    pub(super) controls: Arc<Controls>,
    pub(super) queue: HandOver<Told>,
}

/// The events and how far they have been handed over; for one thread at a time.
struct Playing<F> {
    chunks: Receiver<Chunk>,
    events: Vec<Due>,
    /// How many of them were handed over.
    done: usize,
    /// The speed that the run was asked for.
    asked: ScaleFactor,
    /// Makes the schedule once the first event is there.
    schedule: F,
    pacer: Option<Pacer>,
    /// The version of the controls that the schedule follows.
    seen: u64,
    /// Nothing is handed over before.
    breathes_until: i64,
}

/// What there is to wait for.
enum Wait {
    /// This time, or other controls than those of this version.
    Until(i64, u64),
    /// Other controls than those of this version.
    Controls(u64),
    /// Nothing: everything was handed over, or it is to end.
    Over,
}

impl Pacing {
    /// Hands over all events of `chunks` when they are due. Ends early when it is stopped. `asked` is
    /// the speed that the run was asked for; the schedule is made once the first event is there.
    pub(super) fn run(
        &self,
        chunks: Receiver<Chunk>,
        asked: ScaleFactor,
        schedule: impl Fn(Option<EventTime>, i64) -> Pacer + Send,
    ) {
        let playing = Mutex::new(Playing {
            chunks,
            events: Vec::new(),
            done: 0,
            asked,
            schedule,
            pacer: None,
            seen: 0,
            breathes_until: 0,
        });
        let Some([one, other]) = cores_apart() else {
            return self.watch(&playing);
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                stay_on(other);
                self.watch(&playing);
            });
            stay_on(one);
            self.watch(&playing);
        });
    }

    /// What each of the threads does.
    fn watch<F: Fn(Option<EventTime>, i64) -> Pacer>(&self, playing: &Mutex<Playing<F>>) {
        be_punctual();
        loop {
            // Each step leaves it whole.
            let wait = playing
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .step(self);
            match wait {
                Wait::Until(due, seen) => {
                    let time = due.saturating_sub(self.clock.now()).max(0);
                    let time = Duration::from_nanos(time.unsigned_abs());
                    self.controls.wait(seen, Some(time));
                }
                Wait::Controls(seen) => self.controls.wait(seen, None),
                Wait::Over => return,
            }
        }
    }
}

impl<F: Fn(Option<EventTime>, i64) -> Pacer> Playing<F> {
    /// Hands over what is due, and tells what to wait for.
    fn step(&mut self, pacing: &Pacing) -> Wait {
        loop {
            if self.done == self.events.len() {
                let Ok(chunk) = self.chunks.recv() else {
                    return Wait::Over;
                };
                self.take(chunk, pacing);
                continue;
            }
            let now = pacing.clock.now();
            match pacing.controls.news(&mut self.seen) {
                News::Stopped => return Wait::Over,
                News::Nothing => {}
                News::Changed(wish) => {
                    // What was due before the change was due at the pace before it.
                    self.hand_over_all(pacing, now);
                    let pacer = self.pacer.as_mut().expect(PACER);
                    pacer.set_scale(wish.scale.unwrap_or(self.asked), now);
                    if wish.is_paused {
                        pacer.pause(now);
                    } else {
                        pacer.resume(now);
                    }
                    pacing.queue.send(Told::Anchored(*pacer, now));
                }
            }
            let Some(event) = self.events.get(self.done) else {
                continue;
            };
            match self.pacer.as_ref().expect(PACER).due(event.event_at) {
                None => return Wait::Controls(self.seen),
                Some(due) if due.max(self.breathes_until) > now => {
                    return Wait::Until(due.max(self.breathes_until), self.seen);
                }
                Some(_) => {
                    self.hand_over(pacing, now);
                }
            }
        }
    }

    /// Takes the next events, when those before have been handed over.
    fn take(&mut self, chunk: Chunk, pacing: &Pacing) {
        (self.events, self.done) = (chunk.events, 0);
        if self.pacer.is_none() && !self.events.is_empty() {
            let now = pacing.clock.now();
            let pacer = (self.schedule)(chunk.begin, now);
            pacing.queue.send(Told::Anchored(pacer, now));
            self.pacer = Some(pacer);
        }
    }

    /// Hands over all that was due at `until` and has come.
    fn hand_over_all(&mut self, pacing: &Pacing, until: i64) {
        loop {
            if self.done < self.events.len() {
                if self.hand_over(pacing, until) == 0 {
                    return;
                }
            } else if let Ok(chunk) = self.chunks.try_recv() {
                self.take(chunk, pacing);
            } else {
                return;
            }
        }
    }

    /// Hands over what was due at `until` of the first events; how many these were.
    fn hand_over(&mut self, pacing: &Pacing, until: i64) -> usize {
        let pacer = self.pacer.as_mut().expect(PACER);
        let mut batch = Vec::new();
        let now = pacing.clock.now();
        let mut has_cut = false;
        for &event in self.events[self.done..].iter().take(MAX_BATCH) {
            match pacer.due(event.event_at) {
                Some(due) if due <= until => {
                    has_cut |= pacer.take(event.event_at, due);
                    batch.push(Handed {
                        event,
                        due,
                        at: now,
                    });
                }
                _ => break,
            }
        }
        let count = batch.len();
        self.done += count;
        if count > 0 {
            pacing.queue.send(Told::Events(batch));
            self.breathes_until = pacing.clock.now() + BREATH;
        }
        if has_cut {
            pacing.queue.send(Told::Anchored(*pacer, now));
        }
        count
    }
}

#[cfg(test)]
mod tests;
