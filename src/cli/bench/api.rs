//! `eip bench api`: the API's answers beside the stores' own.

use std::path::{Path, PathBuf};

use clap::Args;
use eip_api::ApiConfig;
use eip_bench::ApiOptions;
use eip_contract::Space;
use eip_log::StateDir;

use crate::chain::Chain;
use crate::cli::api::config;
use crate::cli::chain::ChainArgs;
use crate::clock::wall_ms;
use crate::views::bring_up_to_date;

/// Without a chain (`--state`, with servers too), views of generated orders in SQLite are asked.
#[derive(Args)]
pub(crate) struct Api {
    #[command(flatten)]
    chain: ChainArgs,
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR", conflicts_with = "state")]
    pub(super) data: Option<PathBuf>,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(super) orders: u64,
    /// Questions a second that the cache does not have.
    #[arg(long, value_name = "N", default_value_t = 10)]
    rate: u32,
    /// Questions a second that the cache has.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    cached_rate: u32,
    /// How long each question is asked in a round.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    seconds: u32,
    /// How often; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
}

impl Api {
    /// Whether it asks generated orders.
    pub(super) fn generates(&self) -> bool {
        !self.chain.is_named()
    }

    /// Measures; `folder` is for generated orders, whose files are in `data`.
    pub(super) fn run(self, folder: &Path, data: Option<&Path>) -> anyhow::Result<()> {
        let config = match data {
            Some(data) => ApiConfig::embedded(&generated(folder, data)?, &Space::main(), wall_ms),
            None => config(&self.chain)?,
        };
        eip_bench::api(&ApiOptions {
            config,
            rate: self.rate,
            cached_rate: self.cached_rate,
            seconds: self.seconds,
            rounds: self.rounds,
        })
    }
}

fn generated(folder: &Path, data: &Path) -> anyhow::Result<PathBuf> {
    let folder = folder.join("state");
    let state = StateDir::create(&folder, eip_log::DEFAULT_PARTITIONS)?;
    eip_bench::fast_backfill(&state, data)?;
    let chain = Chain::Embedded {
        folder: folder.clone(),
    };
    bring_up_to_date(&chain, &state.into(), 2)?;
    Ok(folder)
}
