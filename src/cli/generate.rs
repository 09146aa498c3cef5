//! `eip generate`: data of the Olist shape.

use std::path::PathBuf;

use clap::Args;
use eip_olist::GeneratedSummary;

use super::Exit;
use crate::text::thousands;

#[derive(Args)]
pub(crate) struct Generate {
    /// Orders to make.
    #[arg(long, value_name = "N")]
    orders: u64,
    /// The same seed gives the same bytes.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Where the four files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Generate {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let summary = eip_olist::generate(self.orders, self.seed, &self.out)?;
        out!("{}", summary_text(&summary));
        Ok(Exit::Done)
    }
}

/// What was generated, as a person reads it.
pub(crate) fn summary_text(summary: &GeneratedSummary) -> String {
    format!(
        "{} orders, {} items, {} sellers, {} MB",
        thousands(summary.orders),
        thousands(summary.items),
        thousands(summary.sellers),
        thousands(summary.bytes / 1_000_000)
    )
}
