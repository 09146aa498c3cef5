//! Arguments that kinds of run share: what is replayed, how a plan is approved, what happens after.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use eip_contract::{Day, EventTime};
use eip_ingest::run::{DayRange, Limit, PlanToken, Reason, Source};
use serde_json::{Value, json};

use super::remote::Remote;
use super::{requester, rules};
use crate::cli::Exit;
use crate::cli::chain::{ChainArgs, Workers};
use crate::clock::wall_nanoseconds;

/// What is replayed.
#[derive(Args)]
pub(super) struct Input {
    /// The folder with the data: the four Olist files (.csv, .csv.gz or .csv.zst), or what its
    /// dataset.toml names.
    #[arg(long, value_name = "DIR", required_unless_present = "ingest")]
    data: Option<PathBuf>,
    /// With --ingest: the name of a dataset of the service.
    #[arg(
        long,
        value_name = "NAME",
        requires = "ingest",
        conflicts_with = "data"
    )]
    dataset: Option<String>,
    /// First day of event time; without it, from the first event on.
    #[arg(long, value_name = "DATE")]
    start: Option<Day>,
    /// The day behind the last; without it, past the last event.
    #[arg(long, value_name = "DATE")]
    end: Option<Day>,
    /// Conversion rules (TOML), or with --ingest the name of rules of the service; without it, the
    /// default rules.
    #[arg(long, value_name = "FILE|NAME")]
    rules: Option<String>,
    /// When an order that is not delivered counts as late; without it, the greatest time of the data.
    #[arg(long, value_name = "TIME")]
    as_of: Option<EventTime>,
    /// Most rows that a file may have.
    #[arg(long, value_name = "N", conflicts_with = "ingest")]
    max_rows: Option<u64>,
    /// Begin although so many rows of a table are rejected, as a number or a percentage of its rows;
    /// without it, 5 % once that is at least 10.
    #[arg(long, value_name = "N|P%")]
    max_rejected: Option<Limit>,
}

/// Rehearsal and approval.
#[derive(Args)]
pub(super) struct Plan {
    /// Say what the run would do, with a plan token, and stop.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do exactly what a rehearsal announced under this token, or nothing.
    #[arg(long = "plan", value_name = "TOKEN")]
    pub(super) token: Option<PlanToken>,
    /// Do not ask at the terminal.
    #[arg(long)]
    pub(super) yes: bool,
}

/// What happens once the log has it.
#[derive(Args)]
pub(super) struct After {
    /// Return when the log has acknowledged, without bringing the views up to it. With servers that
    /// is so anyway: a dataflow runs beside.
    #[arg(long)]
    pub(super) no_dataflow: bool,
    /// With servers: return when a dataflow has written the views up to it.
    #[arg(long, conflicts_with = "ingest")]
    pub(super) wait: bool,
    #[command(flatten)]
    pub(super) workers: Workers,
    /// The run's Idempotency-Key: the same key goes on with a run that was interrupted, and shows one
    /// that has ended. Without it, every start is a run of its own.
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// Why, for the run ledger and the receipt: one line of at most 500 characters.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<Reason>,
    #[command(flatten)]
    remote: Remote,
}

impl Input {
    /// The days.
    pub(super) fn range(&self) -> DayRange {
        DayRange {
            start: self.start,
            end: self.end,
        }
    }

    /// The folder under its rules.
    pub(super) fn source(&self) -> anyhow::Result<Source> {
        let data = self.data.as_deref();
        let data = data.context("--data is missing: the folder with the four files")?;
        let mut source = Source::folder(data);
        source.rules = rules(self.rules.as_deref().map(Path::new))?;
        source.as_of = self.as_of;
        if let Some(max_rows) = self.max_rows {
            source.limits.max_rows = max_rows;
        }
        source.max_rejected = self.max_rejected;
        Ok(source)
    }

    /// The request to a service, as far as all kinds share it.
    pub(super) fn body(&self, mode: &str, mix: bool) -> Value {
        let mut body = json!({"mode": mode});
        for (name, value) in [
            ("dataset", self.dataset.clone()),
            ("start", self.start.map(|day| day.to_string())),
            ("end", self.end.map(|day| day.to_string())),
            ("rules", self.rules.clone()),
            ("as_of", self.as_of.map(|time| time.to_string())),
            (
                "max_rejected",
                self.max_rejected.map(|limit| limit.to_string()),
            ),
        ] {
            if let Some(value) = value {
                body[name] = json!(value);
            }
        }
        if mix {
            body["mix"] = json!(true);
        }
        body
    }
}

impl Plan {
    /// Adds it to the request to a service.
    pub(super) fn add_to(&self, body: &mut Value) {
        if self.dry_run {
            body["dry_run"] = json!(true);
        }
        if let Some(token) = &self.token {
            body["plan"] = json!(token.as_str());
        }
    }
}

impl After {
    /// Whether a service executes the run.
    pub(super) fn is_remote(&self) -> bool {
        self.remote.ingest.is_some()
    }

    /// Has a service execute the run.
    pub(super) fn remote(&self, chain: &ChainArgs, mut body: Value) -> anyhow::Result<Exit> {
        if !chain.space().is_main() {
            body["space"] = json!(chain.space().name());
        }
        if let Some(reason) = &self.reason {
            body["reason"] = json!(reason);
        }
        self.remote.run(&body, &self.key(), requester())
    }

    /// The run's key. Without one, every start from the terminal is a run of its own.
    pub(super) fn key(&self) -> String {
        let fresh = || format!("cli {} {}", std::process::id(), wall_nanoseconds());
        self.key.clone().unwrap_or_else(fresh)
    }
}
