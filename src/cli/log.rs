//! `eip log`: whole log files in and out.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Subcommand;
use eip_ingest::run::RunId;
use eip_log::{LedgerEntry, RunKind, RunState, RunTag};

use super::Exit;
use super::chain::{ChainArgs, NewChainArgs};
use crate::clock::wall_ms;
use crate::out::Stdout;
use crate::text::{span, thousands};

#[derive(Subcommand)]
pub(crate) enum Log {
    /// Append a log file: one event or tombstone (`{"orderId":"…","retract":null}`) a line; any
    /// other line is kept and becomes a dead letter.
    Import {
        /// The file; `-` reads stdin.
        file: PathBuf,
        #[command(flatten)]
        chain: NewChainArgs,
    },
    /// Write the committed records in the same form.
    Export {
        #[command(flatten)]
        chain: ChainArgs,
        /// The file; stdout without it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// End each line with the time of appending (`"appendedMs":…`), which an import keeps.
        #[arg(long)]
        times: bool,
    },
}

impl Log {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        matches!(self, Self::Export { .. })
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Import { file, chain } => import(&file, &chain),
            Self::Export { chain, out, times } => export(&chain, out.as_deref(), times),
        }
    }
}

fn import(file: &PathBuf, chain: &NewChainArgs) -> anyhow::Result<Exit> {
    let input: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("cannot open {}", file.display()))?)
    };
    let (_chain, log) = chain.open_or_create()?;
    let mut writer = log.writer("eip log import")?;
    writer.interrupt_unfinished(wall_ms())?;
    let id = RunId::of_key(&format!("log import {} {}", std::process::id(), wall_ms()));
    let tag = RunTag {
        run_id: id.to_string(),
        attempt: 1,
    };
    out!("run {id}");
    let entry = |state| LedgerEntry::new(&tag, RunKind::Import, state, wall_ms());
    let first = writer.ends()?;
    writer.claim(&LedgerEntry {
        first: Some(first.clone()),
        ..entry(RunState::Running)
    })?;
    let begun = Instant::now();
    let imported = eip_log::import(
        &mut *writer,
        Some(&tag),
        BufReader::with_capacity(1 << 20, input),
    );
    let ended = match &imported {
        Ok(_) => entry(RunState::Committed),
        Err(error) => LedgerEntry {
            error: Some(error.to_string()),
            ..entry(RunState::Failed)
        },
    };
    let ends = writer.ends()?;
    writer.append_ledger(&LedgerEntry {
        first: Some(first),
        ends: Some(ends),
        ..ended
    })?;
    writer.sync()?;
    let summary = imported.context("the import stopped half way; what it appended stands")?;
    out!(
        "appended {} records in {}: {} tombstones, {} foreign lines (dead letters)",
        thousands(summary.records),
        span(begun.elapsed()),
        thousands(summary.tombstones),
        thousands(summary.foreign),
    );
    Ok(Exit::Done)
}

fn export(chain: &ChainArgs, out: Option<&Path>, times: bool) -> anyhow::Result<Exit> {
    let output: Box<dyn Write> = match out {
        Some(path) => Box::new(
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?,
        ),
        None => Box::new(Stdout),
    };
    let mut output = BufWriter::with_capacity(1 << 20, output);
    let log = chain.chain()?.log()?;
    let summary = if times {
        eip_log::export_with_times(&log, &mut output)?
    } else {
        eip_log::export(&log, &mut output)?
    };
    output.flush()?;
    err!(
        "wrote {} events, {} tombstones and {} foreign lines; {} foreign values fit no line",
        thousands(summary.events),
        thousands(summary.tombstones),
        thousands(summary.foreign),
        thousands(summary.skipped),
    );
    Ok(Exit::Done)
}
