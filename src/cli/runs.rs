//! `eip runs`: what the run ledger says.

mod listing;

use clap::Args;
use eip_ingest::run::{RunId, list_runs, run_view};

use super::Exit;
use super::chain::ChainArgs;
use crate::clock::wall_ms;

#[derive(Args)]
pub(crate) struct Runs {
    /// Show this run whole, as JSON.
    run: Option<RunId>,
    #[command(flatten)]
    chain: ChainArgs,
    /// As one JSON array with all that the ledger has of each run, the newest last.
    #[arg(long)]
    json: bool,
}

impl Runs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let log = self.chain.chain()?.log()?;
        if let Some(run) = &self.run {
            let view = run_view(&log, run.as_str())?.ok_or_else(|| {
                anyhow::anyhow!("no run {run} in this log; `eip runs` lists them")
            })?;
            out!("{}", serde_json::to_string_pretty(&view)?);
            return Ok(Exit::Done);
        }
        let runs = list_runs(&log)?;
        if self.json {
            out!("{}", serde_json::to_string_pretty(&runs)?);
        } else {
            out!("{}", listing::listing(&runs, wall_ms()));
        }
        Ok(Exit::Done)
    }
}
