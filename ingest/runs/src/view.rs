//! Runs as the ledger tells them, for whoever looks.

use std::collections::BTreeMap;

use eip_contract::{Day, EventTime, Offset};
use eip_log::{LedgerEntry, Log, LogError, RunKind, RunState};
use serde::Serialize;
use utoipa::ToSchema;

use crate::text;

/// A run as the ledger tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunView {
    /// The run.
    pub run: String,
    /// Its kind.
    #[schema(value_type = String, example = "window")]
    pub kind: RunKind,
    /// Where it is.
    #[schema(value_type = String, example = "committed")]
    pub state: RunState,
    /// Number of its last attempt.
    pub attempt: u32,
    /// When it was first asked for, in wall milliseconds.
    pub requested_at_ms: i64,
    /// When it took its last step, in wall milliseconds.
    pub at_ms: i64,
    /// Who asked.
    pub requester: Option<String>,
    /// From where.
    pub origin: Option<String>,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// First day asked for.
    #[serde(serialize_with = "text::optional_day")]
    #[schema(value_type = Option<String>, format = Date)]
    pub start: Option<Day>,
    /// Day behind the last.
    #[serde(serialize_with = "text::optional_day")]
    #[schema(value_type = Option<String>, format = Date)]
    pub end: Option<Day>,
    /// Name of the dataset.
    pub dataset: Option<String>,
    /// SHA-256 of each input file, by name.
    pub files: BTreeMap<String, String>,
    /// The run that made the same events of the same files, when they were read from the cache.
    pub cached_run: Option<String>,
    /// Name of the rules.
    pub rules: Option<String>,
    /// SHA-256 of the rules.
    pub rules_sha256: Option<String>,
    /// asOf, given or by default.
    #[serde(serialize_with = "text::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<EventTime>,
    /// `all` or `changed`.
    pub emit: Option<String>,
    /// Asked to run over facts of other rules or data, or of another dataset.
    pub mix: bool,
    /// Asked to rehearse only.
    pub dry_run: bool,
    /// Of a revert: forced.
    pub force: bool,
    /// Of a revert: the run to revert.
    pub target_run: Option<String>,
    /// Explicit limits.
    pub limits: BTreeMap<String, String>,
    /// Of a scaled run: how many times faster than in life, as given.
    pub scale_factor: Option<String>,
    /// What else was said about its pace, as given.
    pub pace: BTreeMap<String, String>,
    /// Where the instance that runs it takes commands.
    pub owner_url: Option<String>,
    /// The plan's token.
    pub plan: Option<String>,
    /// What it did, by name.
    pub counts: BTreeMap<String, u64>,
    /// What its input is like: rejects by reason with samples, rows of each table, what does not join,
    /// the row that sets asOf.
    #[schema(value_type = Option<Object>)]
    pub input: Option<serde_json::Value>,
    /// What the guards looked at.
    pub guard: BTreeMap<String, u64>,
    /// The log's ends before its first record.
    #[schema(value_type = Option<Vec<u64>>)]
    pub first_offsets: Option<Vec<Offset>>,
    /// The log's ends behind its last record.
    #[schema(value_type = Option<Vec<u64>>)]
    pub end_offsets: Option<Vec<Offset>>,
    /// Why it failed.
    pub error: Option<String>,
}

impl RunView {
    /// A run of the ledger.
    pub fn new(run: &eip_log::RunSummary) -> Self {
        Self::of(run.last.clone(), run.first.at)
    }

    /// A run whose last entry is `last`.
    pub fn of(last: LedgerEntry, requested_at_ms: i64) -> Self {
        let asked = last.parameters.unwrap_or_default();
        Self {
            run: last.run_id,
            kind: last.kind,
            state: last.state,
            attempt: last.attempt,
            requested_at_ms,
            at_ms: last.at,
            requester: last.requester,
            origin: last.origin,
            reason: asked.reason,
            start: asked.start,
            end: asked.end,
            dataset: asked.dataset,
            files: asked.files,
            cached_run: asked.cached_run,
            rules: asked.rules,
            rules_sha256: asked.rules_sha256,
            as_of: asked.as_of,
            emit: asked.emit,
            mix: asked.mix,
            dry_run: asked.dry_run,
            force: asked.force,
            target_run: asked.target_run,
            limits: asked.limits,
            scale_factor: asked.scale_factor,
            pace: asked.pace,
            owner_url: last.owner_url,
            plan: last.plan,
            counts: last.counts,
            input: last.input,
            guard: last.guard,
            first_offsets: last.first,
            end_offsets: last.ends,
            error: last.error,
        }
    }
}

/// All runs in the order in which they were first asked for.
pub fn list_runs(log: impl Into<Log>) -> Result<Vec<RunView>, LogError> {
    Ok(log.into().runs()?.runs().iter().map(RunView::new).collect())
}

/// One run.
pub fn run_view(log: impl Into<Log>, run: &str) -> Result<Option<RunView>, LogError> {
    Ok(log.into().runs()?.get(run).map(RunView::new))
}
