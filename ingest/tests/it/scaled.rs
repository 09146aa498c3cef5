//! Scaled replay: the schedule against the formula, pauses and speeds, a log that stalls, resuming.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eip_contract::{Day, EventTime};
use eip_ingest::run::{
    Amplify, Bounds, Controls, DayRange, Observer, Progress, RunId, RunOutcome, RunState, Runner,
    ScaledTask, Source, Speed, Task, run_file,
};
use eip_log::{Log, RunClock};

use crate::bench::{Bench, clock, fast, source};
use crate::data;

mod stalling;

fn day(text: &str) -> Option<Day> {
    Day::parse(text.as_bytes()).ok()
}

fn week(source: Source, speed: Speed) -> ScaledTask {
    ScaledTask {
        source,
        range: DayRange {
            start: day("2018-02-01"),
            end: day("2018-02-08"),
        },
        speed,
        bounds: Bounds::default(),
        amplify: Amplify::NONE,
        is_main: true,
        mix: false,
        record_times: true,
    }
}

fn seconds(seconds: u64) -> Speed {
    Speed::DurationMicros(seconds * 1_000_000)
}

/// `times.csv` of a run.
struct Times {
    anchors: Vec<Anchor>,
    events: Vec<Timed>,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    wall: i64,
    simulated: i128,
    scale: i128,
    is_paused: bool,
}

#[derive(Debug)]
struct Timed {
    order_id: String,
    event_type: String,
    at: EventTime,
    due: i64,
    handed: i64,
    acknowledged: i64,
    /// The anchor that it was due by.
    anchor: Anchor,
}

fn times(log: &Log, run: &RunId) -> Times {
    let text = std::fs::read_to_string(run_file(log, run, "times.csv")).unwrap();
    let (mut anchors, mut events) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        if fields[0] == "anchor" {
            anchors.push(Anchor {
                wall: fields[1].parse().unwrap(),
                simulated: fields[2].parse().unwrap(),
                scale: fields[3].parse().unwrap(),
                is_paused: fields[4].parse().unwrap(),
            });
        } else {
            events.push(Timed {
                order_id: fields[1].to_owned(),
                event_type: fields[2].to_owned(),
                at: fields[3].parse().unwrap(),
                due: fields[4].parse().unwrap(),
                handed: fields[5].parse().unwrap(),
                acknowledged: fields[6].parse().unwrap(),
                anchor: *anchors.last().unwrap(),
            });
        }
    }
    Times { anchors, events }
}

impl Times {
    /// Every event was due by the formula of the semantics, handed over not before that, in order,
    /// and acknowledged after that.
    fn check(&self) {
        let mut last = (i64::MIN, None);
        for event in &self.events {
            let Anchor {
                wall,
                simulated,
                scale,
                is_paused,
            } = event.anchor;
            assert!(!is_paused, "{event:?} was handed over in a pause");
            let ahead = i128::from(event.at.seconds()) * 1_000_000_000 - simulated;
            let due = i128::from(wall) + (ahead * 1_000_000).div_euclid(scale);
            let off = (i128::from(event.due) - due).abs();
            // An anchor is told in whole nanoseconds.
            assert!(off <= 1, "{event:?} is {off} ns off the formula");
            assert!(event.handed >= event.due, "{event:?} is early");
            assert!(event.acknowledged >= event.handed, "{event:?}");
            let key = (event.at, event.order_id.clone());
            assert!(
                event.handed >= last.0 && last.1.as_ref() <= Some(&key),
                "{event:?} is out of order"
            );
            last = (event.handed, Some(key));
        }
    }

    /// From the first to the last event handed over, against what was intended.
    fn span_error(&self) -> f64 {
        let (first, last) = (self.events.first().unwrap(), self.events.last().unwrap());
        let intended = (last.due - first.due) as f64;
        ((last.handed - first.handed) as f64 - intended).abs() / intended
    }

    /// No event twice.
    fn distinct(&self) -> usize {
        let distinct: std::collections::BTreeSet<_> = self
            .events
            .iter()
            .map(|event| (&event.order_id, &event.event_type))
            .collect();
        distinct.len()
    }
}

fn committed(outcome: &RunOutcome) -> u64 {
    assert_eq!(outcome.state, RunState::Committed);
    outcome.summary.events_written()
}

#[test]
fn a_week_lasts_as_long_as_it_was_asked_to_and_every_event_keeps_its_time() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(8_000, 11));
    let outcome = bench
        .run(Task::Scaled(week(source(&data), seconds(4))))
        .unwrap();
    let events = committed(&outcome);
    assert!(events > 2_000, "{events}");
    let times = times(&(&bench.state).into(), &outcome.run);
    times.check();
    assert_eq!(times.events.len() as u64, events);
    assert_eq!(times.distinct() as u64, events);
    assert_eq!(times.anchors.len(), 1);
    // The figure is printed and not asserted: other work on the machine may stop any thread.
    let pace = outcome.summary.pace.unwrap();
    println!("{pace}");
    let error = times.span_error() * 1e6;
    assert!(
        (pace.span_error_ppm() as f64 - error).abs() <= 2.0,
        "{error} {pace}"
    );

    let clean = Bench::new();
    let mut all = fast(source(&clean.data("data", &data::orders(8_000, 11))));
    let Task::Fast(task) = &mut all else {
        unreachable!()
    };
    task.range = DayRange {
        start: day("2018-02-01"),
        end: day("2018-02-08"),
    };
    clean.run(all).unwrap();
    assert_eq!(bench.facts(), clean.facts());
    assert_eq!(bench.records() as u64, events);
}

/// Changes the pace by a script: at so many records, this.
struct Script {
    controls: Arc<Controls>,
    steps: Vec<(u64, Step)>,
    is_cancelled: bool,
    is_interrupted: bool,
}

#[derive(Clone, Copy)]
enum Step {
    PauseFor(Duration),
    Times(f64),
    Interrupt,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = (u64, Step)>) -> Self {
        Self {
            controls: Arc::default(),
            steps: steps.into_iter().collect(),
            is_cancelled: false,
            is_interrupted: false,
        }
    }
}

impl Observer for Script {
    fn progress(&mut self, progress: &Progress) {
        while self
            .steps
            .first()
            .is_some_and(|&(records, _)| progress.records >= records)
        {
            match self.steps.remove(0).1 {
                Step::PauseFor(time) => {
                    self.controls.set(Some(true), None);
                    let controls = Arc::clone(&self.controls);
                    std::thread::spawn(move || {
                        std::thread::sleep(time);
                        controls.set(Some(false), None);
                    });
                }
                Step::Times(factor) => {
                    let Some(pace) = progress.pace else { return };
                    let scale = pace.scale_factor.as_f64() * factor;
                    let scale = eip_ingest::run::ScaleFactor::new(scale).unwrap();
                    self.controls.set(None, Some(scale));
                }
                Step::Interrupt => self.is_interrupted = true,
            }
        }
    }

    fn controls(&self) -> Option<Arc<Controls>> {
        Some(Arc::clone(&self.controls))
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled
    }

    fn interrupted(&self) -> bool {
        self.is_interrupted
    }
}

#[test]
fn a_pause_ten_times_the_speed_and_another_pause_lose_and_double_nothing() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(8_000, 12));
    let pause = Step::PauseFor(Duration::from_millis(600));
    let mut script = Script::new([
        (100, pause),
        (400, Step::Times(10.0)),
        (1_200, pause),
        (1_500, Step::Times(0.5)),
    ]);
    let task = Task::Scaled(week(source(&data), seconds(10)));
    let outcome = bench.run_watched(task, &mut script).unwrap();
    let events = committed(&outcome);
    let times = times(&(&bench.state).into(), &outcome.run);
    times.check();
    assert_eq!(times.distinct() as u64, events);
    assert_eq!(times.events.len() as u64, events);
    // Another speed while it stands still is an anchor too, and no further pause.
    let steps = times.anchors.windows(2);
    let pauses = steps.filter(|two| !two[0].is_paused && two[1].is_paused);
    assert_eq!(pauses.count(), 2, "{:?}", times.anchors);
    let scales: Vec<i128> = times.anchors.iter().map(|anchor| anchor.scale).collect();
    assert!(
        scales.windows(2).any(|two| two[1] == two[0] * 10),
        "{scales:?}"
    );
    // A new anchor is where the one before had got to.
    for two in times.anchors.windows(2) {
        let [before, after] = [two[0], two[1]];
        let played = if before.is_paused {
            0
        } else {
            i128::from(after.wall - before.wall) * before.scale / 1_000_000
        };
        assert!(
            (after.simulated - before.simulated - played).abs() <= 2,
            "{two:?}"
        );
    }
    let (mut states, clocks) = ledger_entries(&(&bench.state).into(), &outcome.run);
    // Another speed is an entry of the same state with another clock.
    states.dedup();
    let is = |state| states.iter().filter(|&&one| one == state).count();
    assert_eq!(is(RunState::Paused), 2, "{states:?}");
    assert_eq!(is(RunState::Running), 3, "{states:?}");
    // Each anchor is in the ledger, where anybody finds what time it is in the replay.
    for anchor in &times.anchors {
        let is_same = |clock: &RunClock| {
            i128::from(clock.simulated_us) == anchor.simulated / 1_000
                && i128::from(clock.scale_millionths) == anchor.scale
                && clock.paused == anchor.is_paused
        };
        assert!(
            clocks.iter().any(is_same),
            "{anchor:?} is not in {clocks:?}"
        );
    }
}

/// The states of a run's entries, and the simulated clocks in them.
fn ledger_entries(log: &Log, run: &RunId) -> (Vec<RunState>, Vec<RunClock>) {
    let (mut states, mut clocks) = (Vec::new(), Vec::new());
    let mut ledger = log.ledger().unwrap();
    while ledger
        .poll(&mut |_, entry| {
            if entry.run_id == run.as_str() {
                states.push(entry.state);
                clocks.extend(entry.clock);
            }
        })
        .unwrap()
        > 0
    {}
    (states, clocks)
}

#[test]
fn an_interrupted_run_goes_on_behind_its_last_event() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(6_000, 13));
    let request = bench.request(Task::Scaled(week(source(&data), seconds(3))));
    let mut attempts = 0;
    let mut due = BTreeMap::new();
    loop {
        attempts += 1;
        let mut script = Script::new([(attempts * 500, Step::Interrupt)]);
        let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
        let outcome = runner.execute(&request, &mut script).unwrap();
        let times = times(&(&bench.state).into(), &outcome.run);
        times.check();
        for event in &times.events {
            let key = (event.order_id.clone(), event.event_type.clone());
            assert_eq!(due.insert(key, event.at), None, "{event:?} came twice");
        }
        if outcome.state == RunState::Committed {
            break;
        }
        assert_eq!(outcome.state, RunState::Interrupted);
    }
    assert!(attempts >= 3, "{attempts}");
    assert_eq!(bench.records(), due.len());
    let clean = Bench::new();
    let data = clean.data("data", &data::orders(6_000, 13));
    clean
        .run(Task::Scaled(week(source(&data), seconds(1))))
        .unwrap();
    assert_eq!(bench.facts(), clean.facts());
}

#[test]
fn amplified_orders_are_orders_of_their_own_and_only_outside_of_main() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(2_000, 14));
    let mut task = week(source(&data), seconds(1));
    task.amplify = Amplify::new(5, 7).unwrap();
    let refused = bench.run(Task::Scaled(task.clone())).unwrap_err();
    assert_eq!(refused.code(), "bad_request", "{refused}");
    assert_eq!(bench.records(), 0);
    task.is_main = false;
    let outcome = bench.run(Task::Scaled(task.clone())).unwrap();
    let amplified = committed(&outcome);
    let facts = bench.facts();
    assert_eq!(facts.len() as u64, amplified);
    times(&(&bench.state).into(), &outcome.run).check();

    task.amplify = Amplify::NONE;
    let once = Bench::new();
    let events = committed(&once.run(Task::Scaled(task)).unwrap());
    // The shift moves a few events over the ends of the week.
    assert!(
        (events * 48 / 10..events * 52 / 10).contains(&amplified),
        "{events} {amplified}"
    );
    for (key, event) in once.facts() {
        assert_eq!(facts.get(&key), Some(&event));
    }
}
