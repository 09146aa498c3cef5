//! `--state` and `--workers`, the same for every command that has them.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use eip_log::StateDir;

/// The folder that holds log, cache and views.
#[derive(Args)]
pub(crate) struct State {
    /// The state folder: log, run ledger, cache and views.
    #[arg(long = "state", value_name = "DIR", env = "EIP_STATE")]
    path: PathBuf,
}

impl State {
    /// Opens a folder that must be there.
    pub(crate) fn open(&self) -> anyhow::Result<StateDir> {
        StateDir::open(&self.path).context("cannot open the state folder (--state)")
    }
}

/// As [`State`], for commands that make the folder when it is not there.
#[derive(Args)]
pub(crate) struct NewState {
    #[command(flatten)]
    state: State,
    /// Partitions of the log; fixed when the state folder is made (then 4 by default).
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
}

impl NewState {
    pub(crate) fn open_or_create(&self) -> anyhow::Result<StateDir> {
        StateDir::open_or_create(&self.state.path, self.partitions)
            .context("cannot open or make the state folder (--state)")
    }
}

/// How many threads the dataflow has.
#[derive(Args)]
pub(crate) struct Workers {
    /// Worker threads of the dataflow.
    #[arg(short = 'w', long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
}

impl Workers {
    pub(crate) fn count(&self) -> usize {
        usize::from(self.workers)
    }
}
