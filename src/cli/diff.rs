//! `eip diff A B`: the views of two spaces side by side.

use anyhow::Context as _;
use clap::Args;
use eip_contract::Space;
use eip_stores::ViewDigest;

use super::Exit;
use super::chain::ChainArgs;
use crate::text::{table, thousands};

#[derive(Args)]
pub(crate) struct Diff {
    /// One space.
    one: Space,
    /// The other.
    other: Space,
    #[command(flatten)]
    chain: ChainArgs,
}

impl Diff {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let digests = |space: &Space| -> anyhow::Result<Vec<ViewDigest>> {
            let mut views = self
                .chain
                .chain_of(space)?
                .views()
                .with_context(|| format!("space {space}"))?;
            Ok(views.digests()?)
        };
        let (one, other) = (digests(&self.one)?, digests(&self.other)?);
        let equal = one == other;
        let rows = one
            .into_iter()
            .zip(other)
            .map(|(one, other)| {
                vec![
                    one.name.to_owned(),
                    thousands(one.rows),
                    thousands(other.rows),
                    one.sha256[..16].to_owned(),
                    other.sha256[..16].to_owned(),
                    if one == other { "equal" } else { "DIFFERENT" }.to_owned(),
                ]
            })
            .collect();
        let (a, b) = (self.one.name(), self.other.name());
        let (rows_a, rows_b) = (format!("rows {a}"), format!("rows {b}"));
        let (sha_a, sha_b) = (format!("sha256 {a}"), format!("sha256 {b}"));
        out!(
            "{}",
            table(&["view", &rows_a, &rows_b, &sha_a, &sha_b, ""], 1, rows)
        );
        Ok(if equal { Exit::Done } else { Exit::Failed })
    }
}
