//! Stands in for `bench.rs` in a build without the feature `bench`.

use anyhow::bail;
use clap::Subcommand;

use super::Exit;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Whatever is to be measured.
    #[command(external_subcommand)]
    Any(Vec<String>),
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Self::Any(words) = self;
        bail!(
            "this build has no `eip bench {}`: make one that has with `cargo build --release`",
            words.join(" ")
        )
    }
}
