//! The phases of the engine benchmark and what they print.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use eip_contract::{Dictionary, Offset};
use eip_dataflow::clock::Clock;
use eip_dataflow::control::{Control, Counts};
use eip_dataflow::engine::{Engine, EngineConfig, OpenSource};
use eip_dataflow::graph::{self, Parts};
use eip_dataflow::sink::Sinks;
use eip_dataflow::source::ends::SetEnds;
use eip_dataflow::source::{RecordSource, partitions_of};
use eip_dataflow::tick::WallClock;
use eip_dataflow::views::built_in;
use eip_views::{ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS};
use hdrhistogram::Histogram;

use super::cached::Cached;
use super::input::Input;
use super::ndjson::NdjsonSource;
use crate::figures::{Meter, peak_memory, reset_peak_memory};

/// Single changes before the measured ones.
const WARM_UP: usize = 500;

/// Loads the whole history, then corrects a month.
pub(crate) fn load_and_correct(input: &Input, workers: usize) -> anyhow::Result<()> {
    let dictionary = Arc::new(Dictionary::default());
    let sources = (0..workers)
        .map(|worker| open(input, worker, workers, &dictionary))
        .collect();
    let loaded = load("NDJSON", sources, &dictionary, &input.loaded, input.bytes)?;
    let meter = Meter::start();
    loaded.ends.set(&input.corrected);
    loaded
        .control
        .wait_written(&input.corrected)
        .map_err(anyhow::Error::msg)?;
    let cost = meter.stop();
    let (before, after) = (loaded.counts, loaded.control.counts());
    let updates = |view| after.of(view).written - before.of(view).written;
    say!(
        "  correction of a month: {} records, {:.3} s wall, {:.3} s CPU; updates: shipment_events {}, shipments {}, route_stats_daily {}",
        input.corrections,
        cost.wall.as_secs_f64(),
        cost.cpu.as_secs_f64(),
        updates(&SHIPMENT_EVENTS),
        updates(&SHIPMENTS),
        updates(&ROUTE_STATS_DAILY),
    );
    loaded.control.stop();
    loaded.engine.join();
    Ok(())
}

/// Loads the whole history from the Parquet cache.
pub(crate) fn load_cached(cached: &Cached, workers: usize) -> anyhow::Result<()> {
    let dictionary = Arc::new(Dictionary::default());
    let sources = cached.sources(workers, &dictionary)?;
    let loaded = load("the Parquet cache", sources, &dictionary, &cached.ends, 0)?;
    loaded.control.stop();
    loaded.engine.join();
    Ok(())
}

/// A dataflow that holds the history.
struct Loaded {
    engine: Engine,
    ends: SetEnds,
    control: Arc<Control>,
    counts: Counts,
}

fn load(
    from: &str,
    sources: Vec<OpenSource>,
    dictionary: &Arc<Dictionary>,
    upto: &[Offset],
    mapped: u64,
) -> anyhow::Result<Loaded> {
    let workers = sources.len();
    let control = Arc::new(Control::default());
    let ends = SetEnds::default();
    ends.set(upto);
    reset_peak_memory();
    let meter = Meter::start();
    let engine = Engine::start(EngineConfig {
        sources,
        clock: Some(clock(&ends, Duration::from_micros(200))),
        sockets: None,
        views: built_in(),
        sinks: Sinks::Count,
        dictionary: Arc::clone(dictionary),
        seed: [0x5eed, 0xf00d],
        control: Arc::clone(&control),
    })
    .map_err(anyhow::Error::msg)?;
    control.wait_written(upto).map_err(anyhow::Error::msg)?;
    let cost = meter.stop();
    let counts = control.counts();
    say!(
        "load from {from}, {workers} workers: {:.2} s wall, {:.2} s CPU, {:.2} M events/s, {:.2} M events per CPU second",
        cost.wall.as_secs_f64(),
        cost.cpu.as_secs_f64(),
        counts.records as f64 / cost.wall.as_secs_f64() / 1e6,
        counts.records as f64 / cost.cpu.as_secs_f64() / 1e6,
    );
    say!(
        "  updates: shipment_events {}, shipments {}, route_stats_daily {}; peak memory {} MB beyond mapped input",
        counts.of(&SHIPMENT_EVENTS).written,
        counts.of(&SHIPMENTS).written,
        counts.of(&ROUTE_STATS_DAILY).written,
        peak_memory()?.saturating_sub(mapped) / 1_000_000,
    );
    Ok(Loaded {
        engine,
        ends,
        control,
        counts,
    })
}

/// Changes single orders on an idle dataflow, on this thread, which spins.
pub(crate) fn latency(input: &Input) -> anyhow::Result<()> {
    let control = Arc::new(Control::default());
    let ends = SetEnds::default();
    ends.set(&input.loaded);
    let dictionary = Arc::new(Dictionary::default());
    // The worker's closure has to be shareable; the source is opened once, inside it.
    let open = Mutex::new(Some(open(input, 0, 1, &dictionary)));
    let (corrected, singles) = (input.corrected.clone(), input.singles.clone());
    let histogram = timely::execute_directly(move |worker| -> anyhow::Result<_> {
        let open = open.into_inner().unwrap_or_else(PoisonError::into_inner);
        let open = open.context("opened once")?;
        let parts = Parts {
            clock: Some(clock(&ends, Duration::ZERO)),
            source: open().map_err(anyhow::Error::from_boxed)?,
            views: built_in(),
            sinks: Sinks::Count,
            dictionary,
            several_processes: false,
            seed: [0x5eed, 0xf00d],
            control: Arc::clone(&control),
        };
        worker.dataflow::<u64, _, _>(|scope| graph::build(scope, parts));
        let mut until = |upto: &[Offset]| {
            let start = Instant::now();
            ends.set(upto);
            while control
                .written()
                .is_none_or(|written| written.offsets != upto)
            {
                worker.step();
            }
            start.elapsed()
        };
        until(&corrected);
        let mut histogram = Histogram::<u64>::new(3).expect("three digits are allowed");
        for (n, upto) in singles.iter().enumerate() {
            let taken = until(upto);
            if n >= WARM_UP {
                histogram
                    .record(taken.as_nanos() as u64)
                    .context("a histogram that grows")?;
            }
        }
        control.stop();
        Ok(histogram)
    })?;
    let micros = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    say!(
        "one order's change, idle, one spinning worker: p50 {:.0} us, p90 {:.0} us, p99 {:.0} us, max {:.0} us ({} changes)",
        micros(0.5),
        micros(0.9),
        micros(0.99),
        histogram.max() as f64 / 1e3,
        histogram.len(),
    );
    Ok(())
}

fn open(input: &Input, worker: usize, workers: usize, dictionary: &Arc<Dictionary>) -> OpenSource {
    let partitions = input.files.len() as u32;
    let files: Vec<_> = partitions_of(worker, workers, partitions)
        .into_iter()
        .map(|partition| (partition, input.files[partition as usize].clone()))
        .collect();
    let dictionary = Arc::clone(dictionary);
    Box::new(move || {
        let source: Box<dyn RecordSource> = Box::new(NdjsonSource::open(&files, dictionary)?);
        Ok(source)
    })
}

/// Ticks that count up: results do not depend on the time, and a run is like the next.
fn clock(ends: &SetEnds, poll: Duration) -> Clock {
    let ticks = AtomicU64::new(1);
    let wall: WallClock = Arc::new(move || ticks.fetch_add(1, Ordering::Relaxed));
    Clock {
        ends: Box::new(ends.clone()),
        epoch: 1,
        wall,
        last: 0,
        poll,
    }
}
