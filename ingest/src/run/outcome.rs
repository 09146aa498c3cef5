//! What a run did, in figures, for the operator and the ledger.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use eip_contract::{EventTime, EventType, Offset};
use serde::Serialize;

use super::id::RunId;
use super::input_report::InputReport;
use super::report::Rehearsal;
use super::request::DayRange;
use super::scaled::PaceFigures;
use super::state::{RunKind, RunState};
use super::text::{self, Grouped};

/// How a run ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunOutcome {
    /// The run.
    pub run: RunId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Its kind.
    pub kind: RunKind,
    /// `committed`, `rehearsed` or `cancelled`.
    pub state: RunState,
    /// What it did.
    pub summary: RunSummary,
    /// Of a window or revert run: what it announced.
    pub rehearsal: Option<Rehearsal>,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// Its name.
    pub name: String,
    /// Rows, accepted or not; `None` when only its checksum was looked at.
    pub rows: Option<u64>,
    /// SHA-256 of the unpacked bytes, in hex.
    pub sha256: String,
}

/// An earlier run that made the same events, which were then read from the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MadeBefore {
    /// The run.
    pub run: String,
}

/// The figures of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// The range of event time asked for.
    pub range: DayRange,
    /// asOf, given or by default.
    #[serde(serialize_with = "text::optional_time")]
    pub as_of: Option<EventTime>,
    /// The rules in a few words; empty when the run has none.
    pub rules: String,
    /// SHA-256 of the rules.
    pub rules_sha256: String,
    /// The input files.
    pub files: Vec<FileSummary>,
    /// The run whose events were read from the cache, if they were.
    pub made_before: Option<MadeBefore>,
    /// Orders accepted from the data; of the cache those with an event in the range.
    pub orders: u64,
    /// What the input is like, as this run or the one whose events it took found it.
    pub input: InputReport,
    /// Where the rejected rows are listed, if there are any.
    pub rejects_file: Option<PathBuf>,
    /// Events written, by type.
    pub events: BTreeMap<EventType, u64>,
    /// Tombstones written.
    pub tombstones: u64,
    /// The log's ends before the run's first record, by partition.
    pub first_offsets: Vec<Offset>,
    /// The log's ends behind the run's last record, by partition.
    pub end_offsets: Vec<Offset>,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Of a scaled run: how well it kept its schedule.
    pub pace: Option<PaceFigures>,
}

impl RunSummary {
    /// Events written.
    pub fn events_written(&self) -> u64 {
        self.events.values().sum()
    }

    /// Rows rejected, by this run or by the one whose events it took.
    pub fn rows_rejected(&self) -> u64 {
        self.input.rows_rejected()
    }

    /// Records written per second of the whole run.
    pub fn records_per_second(&self) -> u64 {
        (self.events_written() + self.tombstones) * 1_000 / self.elapsed_ms.max(1)
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            run,
            attempt,
            kind,
            state,
            summary,
            ..
        } = self;
        let seconds = summary.elapsed_ms / 1_000;
        let tenths = summary.elapsed_ms % 1_000 / 100;
        writeln!(
            f,
            "run {run} attempt {attempt} ({kind}) {state} in {seconds}.{tenths} s"
        )?;
        write!(f, "{summary}")
    }
}

impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.files.is_empty() {
            writeln!(f, "range       {}", self.range)?;
            writeln!(f, "rules       {}", self.rules)?;
            if let Some(as_of) = self.as_of {
                write!(f, "as of       {as_of}")?;
                if let Some(row) = &self.input.as_of_row {
                    let (field, order, place) = (&row.field, &row.order_id, &row.place);
                    write!(f, ", {field} of order {order} ({place})")?;
                }
                writeln!(f)?;
            }
            for file in &self.files {
                if let Some(rows) = file.rows {
                    let rows = Grouped(rows);
                    writeln!(f, "read        {rows:>11} rows of {}", file.name)?;
                }
            }
            if let Some(made) = &self.made_before {
                writeln!(
                    f,
                    "read        the cache: run {} made these events of the same files",
                    made.run
                )?;
            }
            writeln!(f, "accepted    {:>11} orders", Grouped(self.orders))?;
        }
        write!(f, "{}", self.input)?;
        if let Some(path) = &self.rejects_file {
            writeln!(f, "rejects     {}", path.display())?;
        }
        for (event_type, events) in &self.events {
            writeln!(f, "written     {:>11} {event_type}", Grouped(*events))?;
        }
        if self.tombstones > 0 {
            writeln!(f, "written     {:>11} tombstones", Grouped(self.tombstones))?;
        }
        for (partition, (first, end)) in
            self.first_offsets.iter().zip(&self.end_offsets).enumerate()
        {
            if first != end {
                writeln!(
                    f,
                    "log         partition {partition}: offsets {first} to before {end}"
                )?;
            }
        }
        if let Some(pace) = self.pace {
            writeln!(f, "{pace}")?;
        }
        let records = self.events_written() + self.tombstones;
        if records == 0 {
            return f.write_str("written     nothing");
        }
        write!(
            f,
            "total       {:>11} records, {}/s",
            Grouped(records),
            Grouped(self.records_per_second())
        )
    }
}
