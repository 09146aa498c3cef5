//! `eip export`: the files of the semantics, section 6.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::chain::ChainArgs;
use crate::text::{table, thousands};
use crate::views::warn_if_behind;

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    chain: ChainArgs,
    /// Where the files go; made when it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Export {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        warn_if_behind(&chain, &chain.log()?)?;
        let digests = chain.views()?.export(&self.out)?;
        let rows = digests
            .into_iter()
            .map(|view| vec![view.name.to_owned(), thousands(view.rows), view.sha256])
            .collect();
        out!("{}", table(&["view", "rows", "sha256"], 1, rows));
        Ok(Exit::Done)
    }
}
