//! `eip ingest`: the event factory over HTTP.

use std::sync::Arc;

use anyhow::ensure;
use clap::Args;
use eip_ingest::server::{OpenSpace, ServerConfig, WorkLimits, serve};

use super::Exit;
use super::chain::NewChainArgs;
use super::service::{LimitArgs, Listen, TokenArgs};
use super::settings::{NamedPaths, SettingsArgs};
use crate::clock::wall_ms;
use crate::interrupt;

/// Serve the event factory over HTTP: runs are started and watched here.
///
/// Each flag can also be a variable of the environment and a key of a TOML file; a flag goes before
/// the environment, that before the file.
#[derive(Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    chain: NewChainArgs,
    #[command(flatten)]
    listen: Listen,
    /// The http:// URL under which other instances reach this one; by default the address that it
    /// listens on.
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// A dataset that runs may name, and its folder; may be given several times. The variable holds
    /// all of them, with a comma before each next name.
    #[arg(long = "dataset", value_name = "NAME=DIR")]
    datasets: Vec<NamedPaths>,
    /// Rules that runs may name, and their file; `default` is always there. Given as datasets are.
    #[arg(long = "rules", value_name = "NAME=FILE")]
    rules: Vec<NamedPaths>,
    #[command(flatten)]
    tokens: TokenArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    work: WorkArgs,
}

/// How much work there may be.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
#[expect(clippy::struct_field_names, reason = "they are the flags' names")]
struct WorkArgs {
    /// Most bytes of a request that pushes rows, as it is sent and when it is unpacked.
    #[arg(long, value_name = "BYTES", default_value_t = WorkLimits::default().max_rows_bytes)]
    max_rows_bytes: usize,
    /// Most rows of a request that pushes rows.
    #[arg(long, value_name = "N", default_value_t = WorkLimits::default().max_rows)]
    max_rows: usize,
    /// Runs of one space that are executed at a time.
    #[arg(long, value_name = "N", default_value_t = WorkLimits::default().max_live_runs)]
    max_live_runs: usize,
}

impl Ingest {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        self.settings.only_prints()
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if self.settings.print() {
            return Ok(Exit::Done);
        }
        let place = self.chain.clone();
        let space = place.chain.space().clone();
        let own = place.chain.chain_of(&space);
        let is_new = own.is_ok_and(|own| matches!(own.has_log(), Ok(false)));
        let open_space: OpenSpace = Arc::new(move |space, create| {
            let opened = place.chain.chain_of(space).and_then(|chain| {
                if create || chain.has_log()? {
                    place.log_or_create(&chain, space).map(Some)
                } else {
                    Ok(None)
                }
            });
            opened.map_err(|error| format!("{error:#}"))
        });
        if is_new {
            // Those who wait for the port find the space. What is in the way of it, `serve` says.
            let _ = open_space(&space, true);
        }
        let config = ServerConfig {
            advertise: self.advertise,
            datasets: NamedPaths::by_name("--dataset", self.datasets)?,
            rules: NamedPaths::by_name("--rules", self.rules)?,
            tokens: self.tokens.tokens()?,
            http: self.limits.limits()?,
            work: self.work.limits()?,
            ..ServerConfig::of_spaces(space, open_space, Arc::new(wall_ms))
        };
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let shutdown = interrupt::token();
            let listener = self.listen.bind().await?;
            serve(listener, config, shutdown).await?;
            Ok(Exit::Done)
        })
    }
}

impl WorkArgs {
    fn limits(&self) -> anyhow::Result<WorkLimits> {
        ensure!(
            self.max_live_runs > 0,
            "with a limit of 0 nothing could be done"
        );
        Ok(WorkLimits {
            max_rows_bytes: self.max_rows_bytes,
            max_rows: self.max_rows,
            max_live_runs: self.max_live_runs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn the_limits_that_help_shows_are_those_of_the_service() {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            work: WorkArgs,
        }
        let limits = Alone::parse_from(["alone"]).work.limits().unwrap();
        assert_eq!(limits, WorkLimits::default());
    }
}
