//! `eip bench pacing`: how punctual a scaled replay is at half of what the machine can take.
//!
//! First the range is due faster than anything can take it: the rate at which the log acknowledges
//! it is the capacity. Then it is played at half of that, beside a bare thread of the same priority
//! that does nothing but sleep until its next due time: what that one is late is the machine's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use eip_ingest::run::{
    Amplify, Bounds, DayRange, Observer, PaceFigures, Phase, Progress, Quantiles, RunId,
    RunRequest, Runner, ScaleFactor, ScaledTask, Source, Speed, Task, be_punctual,
};
use eip_log::Log;

use crate::figures::{Cost, Meter, histogram, wall_clock};

/// The bare thread's due times are this far apart.
const BARE_PERIOD: Duration = Duration::from_micros(500);

/// What to measure.
#[derive(Clone, Debug)]
pub struct PacingOptions {
    /// The folder with the four Olist files.
    pub data: std::path::PathBuf,
    /// Which days.
    pub range: DayRange,
    /// Every order so many times.
    pub amplify: Amplify,
    /// How often; the medians count.
    pub rounds: usize,
}

/// Runs the benchmark and prints its figures; `anew` makes an empty log.
pub fn pacing(
    options: &PacingOptions,
    anew: &mut dyn FnMut() -> anyhow::Result<Log>,
) -> anyhow::Result<()> {
    let (mut late, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(1) {
        let (events, _, taken) = play(&anew()?, options, Speed::Factor(ScaleFactor::MAX))?;
        let capacity = events as f64 / taken.wall.as_secs_f64();
        say!("all due at once    {events} events, {capacity:.0} a second are acknowledged");

        let duration = Duration::from_secs_f64(2.0 * events as f64 / capacity);
        let log = anew()?;
        let half = Speed::DurationMicros(duration.as_micros() as u64);
        let (played, sleeper) = beside_a_sleeper(|| play(&log, options, half));
        let (_, pace, cost) = played?;
        say!(
            "due at half of it  {:.0} events/s for {:.1} s, {:.1} s CPU",
            capacity / 2.0,
            duration.as_secs_f64(),
            cost.cpu.as_secs_f64()
        );
        say!("{pace}");
        print("bare", sleeper, "a thread that only sleeps");
        late.push(pace.lateness_us.p999);
        bare.push(sleeper.p999);
    }
    say!(
        "median: lateness p99.9 {:.2} ms; of a thread that only sleeps {:.2} ms",
        median(late) as f64 / 1e3,
        median(bare) as f64 / 1e3
    );
    Ok(())
}

/// Plays the range. Gives the events, the pace that was kept, and the cost from the first event on.
fn play(
    log: &Log,
    options: &PacingOptions,
    speed: Speed,
) -> anyhow::Result<(u64, PaceFigures, Cost)> {
    let mut runner = Runner::open(log.clone(), "eip bench", wall_clock())?;
    let request = RunRequest {
        id: RunId::of_key("bench"),
        requester: "eip bench".to_owned(),
        origin: "bench".to_owned(),
        reason: None,
        task: Task::Scaled(ScaledTask {
            source: Source::folder(&options.data),
            range: options.range,
            speed,
            bounds: Bounds::default(),
            amplify: options.amplify,
            is_main: false,
            mix: false,
            record_times: false,
        }),
    };
    let mut first = FirstEvent::default();
    let summary = runner.execute(&request, &mut first)?.summary;
    let cost = first.0.context("no event was written")?.stop();
    ensure!(
        summary.events_written() > 0,
        "the range has no event; give one that has"
    );
    let pace = summary.pace.context("the run has no figures of its pace")?;
    Ok((summary.events_written(), pace, cost))
}

/// Notes when the first event has been written.
#[derive(Default)]
struct FirstEvent(Option<Meter>);

impl Observer for FirstEvent {
    fn progress(&mut self, progress: &Progress) {
        if progress.phase == Phase::Writing {
            self.0.get_or_insert_with(Meter::start);
        }
    }
}

/// Does something while a bare thread sleeps and wakes up, and tells how late that did.
fn beside_a_sleeper<T>(work: impl FnOnce() -> T) -> (T, Quantiles) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            be_punctual();
            let mut late = histogram();
            let mut due = Instant::now();
            while !is_over.load(Ordering::Relaxed) {
                due += BARE_PERIOD;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                late.saturating_record(due.elapsed().as_micros() as u64);
            }
            late
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        let late = sleeper.join().expect("a thread that only sleeps");
        let at = |quantile| late.value_at_quantile(quantile);
        let quantiles = Quantiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: late.max(),
        };
        (done, quantiles)
    })
}

fn print(what: &str, late: Quantiles, whose: &str) {
    let ms = |micros: u64| micros as f64 / 1e3;
    say!(
        "{what:<12}p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms, {whose}",
        ms(late.p50),
        ms(late.p99),
        ms(late.p999),
        ms(late.max)
    );
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}
