//! `eip data`: what a folder of data is, before anything is replayed from it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use eip_contract::EventTime;
use eip_ingest::run::{Limit, Source};
use eip_ingest::{DataCheck, check_dataset};
use eip_olist::DESCRIPTION_FILE;

use super::Exit;
use super::replay::rules;
use crate::clock::wall_ms;

#[derive(Subcommand)]
pub(crate) enum Data {
    /// Say what the files of a folder are, what would be rejected and why, and which dataset.toml
    /// would read them.
    ///
    /// Exit codes: 0 a run would begin, 1 the folder cannot be read, 3 a run would stop before its
    /// first record.
    Check(Check),
}

#[derive(Args)]
pub(crate) struct Check {
    /// The folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Conversion rules (TOML); without it, the default rules.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// When an order that is not delivered counts as late; without it, the greatest time of the data.
    #[arg(long, value_name = "TIME")]
    as_of: Option<EventTime>,
    /// Most rows that a file may have.
    #[arg(long, value_name = "N")]
    max_rows: Option<u64>,
    /// Say that a run begins although so many rows of a table are rejected, as a number or a
    /// percentage of its rows; without it, 5 % once that is at least 10.
    #[arg(long, value_name = "N|P%")]
    max_rejected: Option<Limit>,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
    /// Write the suggested dataset.toml into the folder. One that is there is never overwritten.
    #[arg(long)]
    write: bool,
}

impl Data {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        let Self::Check(check) = self;
        !check.write
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Self::Check(check) = self;
        check.run()
    }
}

impl Check {
    fn run(self) -> anyhow::Result<Exit> {
        let path = self.folder.join(DESCRIPTION_FILE);
        if self.write && path.exists() {
            bail!(
                "{} is there already and is not overwritten; check without --write, or move it away",
                path.display()
            );
        }
        let mut source = Source::folder(&self.folder);
        source.rules = rules(self.rules.as_deref())?;
        source.as_of = self.as_of;
        source.max_rejected = self.max_rejected;
        if let Some(max_rows) = self.max_rows {
            source.limits.max_rows = max_rows;
        }
        let check = check_dataset(&source, wall_ms());
        if self.json {
            out!("{:#}", check.to_json());
        } else {
            out!("{}\n", self.folder.display());
            out!("{}", check.to_string().trim_end());
        }
        if !self.write {
            return Ok(exit(check.error(), check.stops.is_empty()));
        }
        let Some(text) = check.dataset_toml() else {
            err!("nothing was written: there is no dataset.toml to suggest");
            return Ok(exit(check.error(), check.stops.is_empty()));
        };
        write(&path, text)?;
        err!("wrote {}", path.display());
        Ok(after_writing(&check))
    }
}

fn exit(error: Option<&str>, begins: bool) -> Exit {
    match error {
        Some(_) => Exit::Failed,
        None if begins => Exit::Done,
        None => Exit::Guard,
    }
}

/// As a second check would end, now that the suggestion is in the folder.
fn after_writing(check: &DataCheck) -> Exit {
    let suggestion = check.report.suggestion.as_ref();
    let is_read = suggestion.is_some_and(|suggestion| suggestion.orders.is_some());
    if is_read && check.suggestion_stops.is_empty() {
        Exit::Done
    } else if is_read {
        Exit::Guard
    } else {
        Exit::Failed
    }
}

/// Makes the file, unless there is one by now.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).open(path);
    let mut file = match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there already and is not overwritten", path.display());
        }
        made => made.with_context(|| format!("{} cannot be written", path.display()))?,
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written", path.display()))
}
