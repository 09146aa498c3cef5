//! `eip bench ingest`: CSV → journal, the Parquet cache beside it, and replays from the files and from the
//! cache side by side, in events per CPU second.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use eip_ingest::run::{DayRange, FastTask, RunId, RunRequest, Runner, Silent, Source, Task};
use eip_log::StateDir;
use eip_parquet_cache::Cache;
use flate2::read::GzDecoder;

use crate::figures::{Cost, Meter, wall_clock};

/// What to measure.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// The folder with the four Olist files; they are unpacked before the clock starts.
    pub data: PathBuf,
    /// How often; the median counts.
    pub rounds: usize,
}

/// Runs the benchmark and prints its figures.
pub fn ingest(options: &IngestOptions) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("making a folder for the input")?;
    let data = unpacked(&options.data, temporary.path())?;
    let mut journal = Vec::new();
    let mut with_cache = Vec::new();
    let mut replays = (Vec::new(), Vec::new());
    for round in 0..options.rounds.max(1) {
        let state = StateDir::create(temporary.path().join(format!("state-{round}")), 4)?;
        let meter = Meter::start();
        let (events, _) = backfill(&state, &data, "first")?;
        let logged = meter.stop();
        let ends = eip_log::committed_ends(&state)?;
        let cache = Cache::open(&state)?
            .catch_up(&ends)
            .map(|_| state.path().join("cache"))?;
        let cached = meter.stop();
        let from_cache = replay(&state, &data, "again", true)?;
        fs::remove_dir_all(&cache).context("removing the cache")?;
        let from_files = replay(&state, &data, "once more", false)?;
        report("CSV → journal", events, logged);
        report("CSV → journal → cache", events, cached);
        report("replay from the cache", events, from_cache);
        report("replay from the files", events, from_files);
        replays.0.push(per_cpu_second(events, from_cache));
        replays.1.push(per_cpu_second(events, from_files));
        journal.push(per_cpu_second(events, logged));
        with_cache.push(per_cpu_second(events, cached));
        fs::remove_dir_all(state.path())?;
    }
    say!(
        "median: CSV → journal {:.2} M events per CPU second",
        median(journal) / 1e6
    );
    say!(
        "median: with the cache {:.2} M events per CPU second",
        median(with_cache) / 1e6
    );
    let (from_cache, from_files) = (median(replays.0), median(replays.1));
    say!(
        "median: replay from the cache {:.2} M events per CPU second, {:.2} x from the files",
        from_cache / 1e6,
        from_cache / from_files
    );
    Ok(())
}

/// A second backfill of the same data into the same log.
fn replay(state: &StateDir, data: &Path, key: &str, is_cached: bool) -> anyhow::Result<Cost> {
    let meter = Meter::start();
    let (_, made_before) = backfill(state, data, key)?;
    let cost = meter.stop();
    anyhow::ensure!(
        made_before == is_cached,
        "the replay took its events from another place than expected"
    );
    Ok(cost)
}

/// Writes the canonical events of a data folder, in replay order, as a log file.
pub fn write_events(data: &Path, out: &Path) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("making a folder for the log")?;
    let state = StateDir::create(temporary.path().join("state"), 4)?;
    fast_backfill(&state, data)?;
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out)?);
    eip_log::export_facts(&(&state).into(), &mut file)?;
    file.flush()
        .with_context(|| format!("cannot write {}", out.display()))
}

/// Fills a log with all events of a data folder.
pub fn fast_backfill(state: &StateDir, data: &Path) -> anyhow::Result<()> {
    backfill(state, data, "all").map(drop)
}

/// Gives how many events were written, and whether they came from the cache.
fn backfill(state: &StateDir, data: &Path, key: &str) -> anyhow::Result<(u64, bool)> {
    let mut runner = Runner::open(state.clone(), "eip bench", wall_clock())?;
    let task = FastTask {
        source: Source::folder(data),
        range: DayRange::ALL,
        mix: false,
    };
    let request = RunRequest {
        id: RunId::of_key(key),
        requester: "bench".to_owned(),
        origin: "bench".to_owned(),
        reason: None,
        task: Task::Fast(task),
    };
    let summary = runner.execute(&request, &mut Silent)?.summary;
    Ok((summary.events_written(), summary.made_before.is_some()))
}

fn unpacked(data: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    let plain = to.join("data");
    fs::create_dir_all(&plain)?;
    for entry in fs::read_dir(data).with_context(|| format!("cannot read {}", data.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let is = |path: &Path, wanted| path.extension().is_some_and(|found| found == wanted);
        let unpacked = path.with_extension("");
        if is(&path, "gz") && is(&unpacked, "csv") {
            let mut packed = GzDecoder::new(File::open(&path)?);
            let to = plain.join(Path::new(name).with_extension(""));
            io::copy(&mut packed, &mut File::create(to)?)?;
        } else if is(&path, "csv") {
            fs::copy(&path, plain.join(name))?;
        }
    }
    Ok(plain)
}

fn report(what: &str, events: u64, cost: Cost) {
    say!(
        "{what:<24} {events} events: {:.3} CPU s, {:.3} s wall",
        cost.cpu.as_secs_f64(),
        cost.wall.as_secs_f64()
    );
}

fn per_cpu_second(events: u64, cost: Cost) -> f64 {
    events as f64 / cost.cpu.max(Duration::from_micros(1)).as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
