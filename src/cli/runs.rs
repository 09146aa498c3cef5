//! `eip runs`: what the run ledger says.

use clap::Args;
use eip_ingest::run::{RunId, list_runs, run_view};

use super::Exit;
use super::chain::ChainArgs;
use crate::text::table;

#[derive(Args)]
pub(crate) struct Runs {
    /// Show this run whole, as JSON.
    run: Option<RunId>,
    #[command(flatten)]
    chain: ChainArgs,
}

impl Runs {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let log = self.chain.chain()?.log()?;
        if let Some(run) = &self.run {
            let view = run_view(&log, run)?.ok_or_else(|| {
                anyhow::anyhow!("no run {run} in this log; `eip runs` lists them")
            })?;
            out!("{}", serde_json::to_string_pretty(&view)?);
            return Ok(Exit::Done);
        }
        let rows = list_runs(&log)?
            .into_iter()
            .map(|run| {
                let day = |day: Option<eip_contract::Day>| {
                    day.map_or_else(|| "-".to_owned(), |day| day.to_string())
                };
                vec![
                    run.run.clone(),
                    run.kind.to_string(),
                    run.state.to_string(),
                    run.attempt.to_string(),
                    day(run.start),
                    day(run.end),
                    run.rules.clone().unwrap_or_else(|| "-".to_owned()),
                ]
            })
            .collect();
        out!(
            "{}",
            table(
                &["run", "kind", "state", "attempt", "start", "end", "rules"],
                7,
                rows
            )
        );
        Ok(Exit::Done)
    }
}
