//! `eip cache`: the columnar mirror of the log.

use clap::{Args, Subcommand};

use super::Exit;
use super::chain::ChainArgs;
use crate::text::thousands;

#[derive(Subcommand)]
pub(crate) enum Cache {
    /// Say what the cache covers.
    Status {
        #[command(flatten)]
        chain: ChainArgs,
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
    chain: ChainArgs,
}

impl Cache {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        matches!(self, Self::Status { .. })
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Status { chain, deep } => {
                let log = chain.chain()?.log()?;
                let cache = eip_parquet_cache::Cache::open(&log)?;
                out!("{}", cache.status(deep));
                let ends = log.committed_ends()?;
                let behind: u64 = ends
                    .iter()
                    .zip(cache.coverage().ends())
                    .map(|(end, next)| end.0.saturating_sub(next.0))
                    .sum();
                out!("{} offsets of the log are not covered", thousands(behind));
            }
            Self::Rebuild(of) => {
                let log = of.chain.chain()?.log()?;
                let ends = log.committed_ends()?;
                let made = eip_parquet_cache::Cache::open(&log)?.rebuild(&ends)?;
                out!(
                    "rebuilt: {} rows, {} dead letters",
                    thousands(made.rows),
                    thousands(made.dead_letters)
                );
            }
            Self::Compact(of) => {
                let log = of.chain.chain()?.log()?;
                out!("{}", eip_parquet_cache::Cache::open(&log)?.compact()?);
            }
        }
        Ok(Exit::Done)
    }
}
