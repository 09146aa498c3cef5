//! `eip bench engine`: the dataflow alone, fed from memory-mapped files, with sinks that only count.
//!
//! Input: real Olist events (or generated ones) several times over, every copy with ids of its own,
//! in the order of their event time and split by partition; behind them a correction of one month
//! and changes of single orders. Each phase is printed as it ends.

mod cached;
mod input;
mod ndjson;
mod phases;

use std::path::PathBuf;

use anyhow::Context as _;

/// What to measure.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// A file of canonical events in replay order, one a line.
    pub events: PathBuf,
    /// How often the events are taken, each time under other ids.
    pub copies: u32,
    /// Worker threads of the load.
    pub workers: usize,
    /// Partitions of the log.
    pub partitions: u32,
    /// Whether history sizes of 1, 5 and 10 million events are compared.
    pub history: bool,
    /// Where the input is kept between runs; a temporary folder when absent.
    pub folder: Option<PathBuf>,
}

/// Runs the benchmark and prints its figures.
pub fn engine(options: &EngineOptions) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir().context("making a folder for the input")?;
    let folder = options
        .folder
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    let EngineOptions {
        copies, partitions, ..
    } = *options;
    say!("input: {} x {}", options.events.display(), copies);
    let input = input::build(&options.events, copies, copies, partitions, &folder)?;
    say!(
        "  {} events, {} orders, {:.2} GB of NDJSON, {} partitions",
        input.events,
        input.orders,
        input.bytes as f64 / 1e9,
        partitions
    );
    // The first load in a process also pays for its first memory; the second does not.
    say!("cold:");
    phases::load_and_correct(&input, options.workers)?;
    say!("warm:");
    phases::load_and_correct(&input, options.workers)?;
    if options.workers > 1 {
        phases::load_and_correct(&input, 1)?;
    }
    phases::latency(&input)?;
    let cached = cached::Cached::build(&input, &folder.join("state"))?;
    say!(
        "input: the same in a Parquet cache of {:.2} GB",
        cached.bytes as f64 / 1e9
    );
    phases::load_cached(&cached, options.workers)?;
    phases::load_cached(&cached, options.workers)?;
    cached.remove()?;
    if options.history {
        say!("the same correction over histories of any length:");
        for copies in [2, 10, 20] {
            let folder = folder.join("history");
            let input = input::build(&options.events, copies, 2, partitions, &folder)?;
            phases::load_and_correct(&input, options.workers)?;
        }
    }
    Ok(())
}
