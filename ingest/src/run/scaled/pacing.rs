//! The pacing thread: sleeps until the next event is due and hands over what is. It knows of no log.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use eip_contract::EventTime;

use super::super::controls::{Controls, News};
use super::super::order::Due;
use super::super::pacer::{Pacer, ScaleFactor};
use super::handover::HandOver;
use super::punctual::be_punctual;

/// Most events handed over as one.
const MAX_BATCH: usize = 4_096;
/// What becomes due so soon after a hand-over goes along with the next one. A wake-up for each event
/// would cost whoever writes them more than the events do, and while much is due at once, a thread
/// with a real-time priority would have a core for itself.
const BREATH: Duration = Duration::from_micros(200);

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

/// What the pacing thread tells.
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

/// What the thread has.
pub(super) struct Pacing {
    pub(super) clock: WallClock,
    pub(super) controls: Arc<Controls>,
    pub(super) queue: HandOver<Told>,
}

impl Pacing {
    /// Hands over all events of `chunks` when they are due. Ends early when it is stopped. `asked` is the speed that the run was asked for; the schedule is
    /// made once the first event is there.
    pub(super) fn run(
        self,
        chunks: &Receiver<Chunk>,
        asked: ScaleFactor,
        schedule: impl Fn(Option<EventTime>, i64) -> Pacer,
    ) {
        be_punctual();
        let (mut pacer, mut seen) = (None, 0);
        for Chunk { events, begin } in chunks {
            if events.is_empty() {
                continue;
            }
            let pacer = pacer.get_or_insert_with(|| {
                let now = self.clock.now();
                let pacer = schedule(begin, now);
                self.queue.send(Told::Anchored(pacer, now));
                pacer
            });
            if self.play(&events, pacer, asked, &mut seen).is_none() {
                return;
            }
        }
    }

    /// `None`: it is to end.
    fn play(
        &self,
        events: &[Due],
        pacer: &mut Pacer,
        asked: ScaleFactor,
        seen: &mut u64,
    ) -> Option<()> {
        let mut rest = events;
        while let Some(next) = rest.first() {
            let now = self.clock.now();
            match self.controls.news(seen) {
                News::Stopped => return None,
                News::Nothing => {}
                News::Changed(wish) => {
                    pacer.set_scale(wish.scale.unwrap_or(asked), now);
                    if wish.is_paused {
                        pacer.pause(now);
                    } else {
                        pacer.resume(now);
                    }
                    self.queue.send(Told::Anchored(*pacer, now));
                }
            }
            match pacer.due(next.event_at) {
                None => self.controls.wait(*seen, None),
                Some(due) if due > now => {
                    let time = Duration::from_nanos(due.abs_diff(now));
                    self.controls.wait(*seen, Some(time));
                }
                Some(_) => rest = self.hand_over(rest, pacer),
            }
        }
        Some(())
    }

    /// Hands over what is due at the head of `events`; gives the rest.
    fn hand_over<'e>(&self, events: &'e [Due], pacer: &mut Pacer) -> &'e [Due] {
        let mut batch = Vec::new();
        let now = self.clock.now();
        let mut has_cut = false;
        for &event in events.iter().take(MAX_BATCH) {
            match pacer.due(event.event_at) {
                Some(due) if due <= now => {
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
        self.queue.send(Told::Events(batch));
        if has_cut {
            self.queue.send(Told::Anchored(*pacer, now));
        }
        std::thread::sleep(BREATH);
        &events[count..]
    }
}
