//! `eip bench`: the figures that the project claims.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use eip_bench::{EngineOptions, IngestOptions};

use super::Exit;

mod api;
mod kafka;
mod pacing;
mod sinks;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The API's answers, cached and not, each beside the stores' own.
    Api(Box<api::Api>),
    /// The dataflow alone, sinks that only count: load, correction, latency, memory.
    Engine(Engine),
    /// CSV to journal and cache.
    Ingest(Ingest),
    /// Producing to and consuming from Kafka, each beside a bare loop of its client library.
    Kafka(kafka::Kafka),
    /// A scaled replay at half of what the machine can take, beside a thread that only sleeps.
    Pacing(pacing::Pacing),
    /// The stores, each beside its raw limit.
    Sinks(sinks::Sinks),
}

#[derive(Args)]
pub(crate) struct Engine {
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    orders: u64,
    /// How often the data is taken, each time under other ids.
    #[arg(long, value_name = "N", default_value_t = 10)]
    copies: u32,
    /// Worker threads.
    #[arg(short = 'w', long, value_name = "N", default_value_t = 2)]
    workers: usize,
    /// Partitions of the log.
    #[arg(long, value_name = "N", default_value_t = 4)]
    partitions: u32,
    /// Also compare histories of 1, 5 and 10 million events.
    #[arg(long)]
    history: bool,
}

#[derive(Args)]
pub(crate) struct Ingest {
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    orders: u64,
    /// How often; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
}

/// Seed of generated data: every run measures the same bytes.
const SEED: u64 = 1;

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let folder = tempfile::tempdir()?;
        let data = |given: Option<PathBuf>, orders| -> anyhow::Result<PathBuf> {
            if let Some(data) = given {
                return Ok(data);
            }
            let out = folder.path().join("data");
            eip_olist::generate(orders, SEED, &out)?;
            Ok(out)
        };
        match self {
            Self::Api(bench) if bench.generates() => {
                let data = data(bench.data.clone(), bench.orders)?;
                bench.run(folder.path(), Some(&data))?;
            }
            Self::Api(bench) => bench.run(folder.path(), None)?,
            Self::Engine(bench) => {
                let events = folder.path().join("events.ndjson");
                eip_bench::write_events(&data(bench.data, bench.orders)?, &events)?;
                eip_bench::engine(&EngineOptions {
                    events,
                    copies: bench.copies,
                    workers: bench.workers,
                    partitions: bench.partitions,
                    history: bench.history,
                    folder: None,
                })?;
            }
            Self::Ingest(bench) => eip_bench::ingest(&IngestOptions {
                data: data(bench.data, bench.orders)?,
                rounds: bench.rounds,
            })?,
            Self::Kafka(bench) => {
                let events = folder.path().join("events.ndjson");
                let data = data(bench.data.clone(), bench.orders)?;
                eip_bench::write_events(&data, &events)?;
                eip_bench::kafka(&bench.options(events, data, folder.path())?)?;
            }
            Self::Pacing(bench) => {
                bench.run(data(bench.data.clone(), bench.orders)?, folder.path())?;
            }
            Self::Sinks(bench) => {
                let events = folder.path().join("events.ndjson");
                eip_bench::write_events(&data(bench.data.clone(), bench.orders)?, &events)?;
                eip_bench::sinks(&bench.options(events))?;
            }
        }
        Ok(Exit::Done)
    }
}
