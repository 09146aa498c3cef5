//! The thread that writes: takes what was due, appends it, waits for the log, measures.

use std::collections::BTreeMap;
use std::time::Duration;

use eip_contract::{EventTime, EventType};
use eip_log::{Log, RunClock};

use super::super::asserting::Written;
use super::super::error::RunError;
use super::super::id::RunId;
use super::super::ledger::Attempt;
use super::super::observer::{Observer, Pace, Phase, Progress, stop};
use super::super::order::{Order, Room};
use super::super::outcome::RunSummary;
use super::super::pacer::Pacer;
use super::super::run_files;
use super::super::state::RunState;
use super::handover::{TakeOver, Taken};
use super::latency::Latency;
use super::pacing::{Handed, Told, WallClock};
use super::times::Times;

/// Most events between two acknowledgements.
const EVENTS_A_SYNC: usize = 16_384;
/// Longest time between two looks at the observer.
const LOOK: Duration = Duration::from_millis(50);
/// Nanoseconds between two progress reports, and between two looks at the claim.
const PROGRESS_EVERY: i64 = 100_000_000;
/// Nanoseconds between two reports of the histograms.
const LATENCY_EVERY: i64 = 1_000_000_000;
/// Nanoseconds after which the ledger has the simulated clock again, so that a run that is gone is not
/// taken for one that plays ([`eip_runs::LIFE_SIGN`]).
const LIFE_EVERY: i64 = 10_000_000_000;
/// The same after a gap was cut: cuts may come by the thousand.
const CUTS_EVERY: i64 = 2_000_000_000;
/// Over how many nanoseconds the rate is told.
const RATE_OVER: i64 = 1_000_000_000;

/// One event that was appended and not yet acknowledged.
struct Sent {
    handed: Handed,
    sent: i64,
}

pub(super) struct Writing {
    clock: WallClock,
    end: EventTime,
    pub(super) progress: Progress,
    pub(super) latency: Latency,
    written: Written,
    pacer: Option<Pacer>,
    times: Option<Times>,
    sent: Vec<Sent>,
    told_at: i64,
    latency_told_at: i64,
    /// When the ledger was told the simulated clock, and whether a gap was cut since.
    clock_entered_at: i64,
    has_cut: bool,
    rate: Rate,
}

/// Events a second, over the last whole second or so.
#[derive(Default)]
struct Rate {
    since: i64,
    records: u64,
    per_second: u64,
}

impl Writing {
    pub(super) fn new(clock: WallClock, end: EventTime) -> Self {
        Self {
            clock,
            end,
            progress: Progress::of(Phase::Writing),
            latency: Latency::new(clock.epoch_micros(0)),
            written: Written::default(),
            pacer: None,
            times: None,
            sent: Vec::new(),
            told_at: i64::MIN,
            latency_told_at: i64::MIN,
            clock_entered_at: i64::MIN,
            has_cut: false,
            rate: Rate::default(),
        }
    }

    /// Writes down the times of every event.
    pub(super) fn record_times(&mut self, log: &Log, run: &RunId) -> Result<(), RunError> {
        self.times = Some(Times::create(run_files::run_file(log, run, "times.csv"))?);
        Ok(())
    }

    pub(super) fn finish_times(&mut self) -> Result<(), RunError> {
        self.times.take().map_or(Ok(()), Times::finish)
    }

    /// Takes what comes until the schedule ends or somebody wants the run to end.
    pub(super) fn run(
        &mut self,
        attempt: &mut Attempt<'_>,
        order: &Order<'_>,
        queue: &TakeOver<Told>,
        observer: &mut dyn Observer,
    ) -> Result<RunState, RunError> {
        let mut room = Room::default();
        loop {
            let is_over = match queue.wait(LOOK) {
                Taken::Next(told) => {
                    self.take(attempt, order, &mut room, told)?;
                    // What came meanwhile is acknowledged along with it.
                    while self.sent.len() < EVENTS_A_SYNC {
                        let Some(told) = queue.next() else { break };
                        self.take(attempt, order, &mut room, told)?;
                    }
                    self.acknowledge(attempt, order, &mut room)?;
                    false
                }
                Taken::Nothing => false,
                Taken::Closed => true,
            };
            if let Some(stopped) = stop(observer) {
                return Ok(stopped);
            }
            if is_over {
                return Ok(RunState::Committed);
            }
            self.tell(attempt, observer)?;
        }
    }

    fn take(
        &mut self,
        attempt: &mut Attempt<'_>,
        order: &Order<'_>,
        room: &mut Room,
        told: Told,
    ) -> Result<(), RunError> {
        match told {
            Told::Anchored(pacer, now) => {
                if self.times.is_some() {
                    // The events before it stand before it in the file.
                    self.acknowledge(attempt, order, room)?;
                }
                if let Some(times) = &mut self.times {
                    times.anchor(&pacer, now)?;
                }
                let before = self.pacer.replace(pacer);
                let goes_on = |before: Pacer| {
                    before.is_paused() == pacer.is_paused() && before.scale() == pacer.scale()
                };
                if before.is_some_and(goes_on) {
                    self.has_cut = true;
                } else {
                    self.enter_clock(attempt, pacer, now)?;
                }
            }
            Told::Events(events) => {
                for handed in events {
                    let sent = self.clock.now();
                    let event = order.event(handed.event, room);
                    let due = self.clock.epoch_micros(handed.due);
                    attempt
                        .writer
                        .append_event(Some(&attempt.tag), &event, Some(due))?;
                    self.sent.push(Sent { handed, sent });
                }
            }
        }
        Ok(())
    }

    /// Waits for the log's word on what was appended.
    fn acknowledge(
        &mut self,
        attempt: &mut Attempt<'_>,
        order: &Order<'_>,
        room: &mut Room,
    ) -> Result<(), RunError> {
        let Some(last) = self.sent.last() else {
            return Ok(());
        };
        self.progress.event_time = Some(last.handed.event.event_at);
        attempt.writer.sync()?;
        let acknowledged = self.clock.now();
        for Sent { handed, sent } in self.sent.drain(..) {
            self.latency
                .record(handed.due, handed.at, sent, acknowledged);
            self.written.add(handed.event.event_type());
            self.progress.records += 1;
            if let Some(times) = &mut self.times {
                times.event(&order.event(handed.event, room), &handed, acknowledged)?;
            }
        }
        Ok(())
    }

    /// Tells the observer, and looks whether the run is still this attempt's.
    fn tell(
        &mut self,
        attempt: &mut Attempt<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let now = self.clock.now();
        if now < self.told_at.saturating_add(PROGRESS_EVERY) {
            return Ok(());
        }
        self.told_at = now;
        let records = self.progress.records;
        self.progress.pace = self.pacer.map(|pacer| Pace {
            simulated_at: pacer.simulated_at(now).min(self.end),
            scale_factor: pacer.scale(),
            is_paused: pacer.is_paused(),
            rate_per_second: self.rate.at(now, records),
            seconds_left: pacer.nanos_left(self.end, now) / 1_000_000_000,
            figures: self.latency.pace(),
        });
        observer.progress(&self.progress);
        if now >= self.latency_told_at.saturating_add(LATENCY_EVERY) {
            self.latency_told_at = now;
            observer.latency(&self.latency);
        }
        let silent = now.saturating_sub(self.clock_entered_at);
        if let Some(pacer) = self.pacer
            && (silent >= LIFE_EVERY || self.has_cut && silent >= CUTS_EVERY)
        {
            self.enter_clock(attempt, pacer, now)?;
        }
        attempt.writer.check_claim(&attempt.tag)?;
        Ok(())
    }

    /// Lets the ledger know what time it is in the replay, and how it goes on.
    fn enter_clock(
        &mut self,
        attempt: &mut Attempt<'_>,
        pacer: Pacer,
        now: i64,
    ) -> Result<(), RunError> {
        (self.clock_entered_at, self.has_cut) = (now, false);
        let state = if pacer.is_paused() {
            RunState::Paused
        } else {
            RunState::Running
        };
        let clock = RunClock {
            wall_us: self.clock.epoch_micros(now),
            simulated_us: (pacer.simulated_nanos(now) / 1_000) as i64,
            scale_millionths: pacer.scale().millionths(),
            paused: pacer.is_paused(),
            end: self.end,
        };
        attempt.enter_clock(state, clock)
    }

    /// Events written, by type.
    pub(super) fn events(&self) -> BTreeMap<EventType, u64> {
        self.written.by_type()
    }

    /// Writes the last entry of the attempt.
    pub(super) fn end(
        &self,
        attempt: &mut Attempt<'_>,
        state: RunState,
        summary: &RunSummary,
    ) -> Result<(), RunError> {
        let mut entry = attempt.end_of_asserting(state, summary);
        let figures = self.latency.pace();
        for (name, quantiles) in [
            ("lateness_us", figures.lateness_us),
            ("latency_us", figures.latency_us),
            ("latency_uncorrected_us", figures.latency_uncorrected_us),
        ] {
            for (quantile, value) in [
                ("p50", quantiles.p50),
                ("p99", quantiles.p99),
                ("p999", quantiles.p999),
                ("max", quantiles.max),
            ] {
                entry.counts.insert(format!("{name}_{quantile}"), value);
            }
        }
        for (name, value) in [
            ("span_us", figures.span_us),
            ("span_intended_us", figures.span_intended_us),
        ] {
            entry.counts.insert(name.to_owned(), value);
        }
        attempt.enter(&entry)
    }
}

impl Rate {
    fn at(&mut self, now: i64, records: u64) -> u64 {
        let passed = now - self.since;
        if passed >= RATE_OVER {
            let written = records.saturating_sub(self.records);
            self.per_second = (u128::from(written) * 1_000_000_000 / passed as u128) as u64;
            (self.since, self.records) = (now, records);
        }
        self.per_second
    }
}
