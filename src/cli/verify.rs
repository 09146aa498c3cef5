//! `eip verify`: the stored views against a plain recomputation from the log.

use clap::Args;
use eip_contract::Day;

use super::Exit;
use super::chain::ChainArgs;
use crate::verify::verify;
use crate::views::warn_if_behind;

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    chain: ChainArgs,
    /// First day to compare.
    #[arg(long, value_name = "DATE")]
    start: Option<Day>,
    /// The day behind the last to compare.
    #[arg(long, value_name = "DATE")]
    end: Option<Day>,
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        let log = chain.log()?;
        warn_if_behind(&chain, &log)?;
        let range = match (self.start, self.end) {
            (None, None) => None,
            (start, end) => Some((start.unwrap_or(Day::MIN), end.unwrap_or(Day::END))),
        };
        let report = verify(&log, &mut chain.views()?, range)?;
        out!("{report}");
        Ok(if report.is_equal() {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}
