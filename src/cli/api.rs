//! `eip api`: the Ops Search API over the stored views.

use clap::Args;

use super::Exit;
use super::ingest::Listen;
use super::state::State;
use crate::interrupt;

#[derive(Args)]
pub(crate) struct Api {
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    listen: Listen,
}

impl Api {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let state = self.state.open()?;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let shutdown = interrupt::token();
            let listener = self.listen.bind().await?;
            eip_api::run(listener, state.path(), shutdown).await?;
            Ok(Exit::Done)
        })
    }
}
