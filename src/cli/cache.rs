//! `eip cache`: the columnar mirror of the log.

use clap::{Args, Subcommand};

use super::Exit;
use super::state::State;
use crate::text::thousands;

#[derive(Subcommand)]
pub(crate) enum Cache {
    /// Say what the cache covers.
    Status {
        #[command(flatten)]
        state: State,
        /// Read and check every byte.
        #[arg(long)]
        deep: bool,
    },
    /// Throw it away and make it anew from the log.
    Rebuild(OfState),
    /// Merge its segments into one.
    Compact(OfState),
}

#[derive(Args)]
pub(crate) struct OfState {
    #[command(flatten)]
    state: State,
}

impl Cache {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Status { state, deep } => {
                let state = state.open()?;
                let cache = eip_parquet_cache::Cache::open(&state)?;
                println!("{}", cache.status(deep));
                let ends = eip_log::committed_ends(&state)?;
                let behind: u64 = ends
                    .iter()
                    .zip(cache.coverage().ends())
                    .map(|(end, next)| end.0.saturating_sub(next.0))
                    .sum();
                println!("{} offsets of the log are not covered", thousands(behind));
            }
            Self::Rebuild(of) => {
                let state = of.state.open()?;
                let ends = eip_log::committed_ends(&state)?;
                let made = eip_parquet_cache::Cache::open(&state)?.rebuild(&ends)?;
                println!(
                    "rebuilt: {} rows, {} dead letters",
                    thousands(made.rows),
                    thousands(made.dead_letters)
                );
            }
            Self::Compact(of) => {
                let state = of.state.open()?;
                println!("{}", eip_parquet_cache::Cache::open(&state)?.compact()?);
            }
        }
        Ok(Exit::Done)
    }
}
