//! What a request says in the ledger, before the data adds to it.

use eip_log::{LedgerEntry, RunParameters, RunState, RunTag};
use eip_olist::Limits;
use eip_runs::RunView;

use super::id::PlanToken;
use super::request::{Emit, FastTask, RunRequest, ScaledTask, Source, Speed, Task, WindowTask};

/// Whether the run in the ledger was asked for with the same words.
pub(crate) fn is_same_request(known: &eip_log::RunSummary, request: &RunRequest) -> bool {
    let plan = asked_plan(&request.task).map(PlanToken::as_str);
    known.kind() == request.task.kind()
        && known.first.parameters.as_ref() == Some(&asked_parameters(request))
        && known.first.plan.as_deref() == plan
}

/// A run that waits for its claim, as the ledger will have it.
pub(crate) fn waiting(request: &RunRequest, attempt: u32, since_ms: i64) -> RunView {
    let tag = RunTag {
        run_id: request.id.to_string(),
        attempt,
    };
    let mut entry = LedgerEntry::new(&tag, request.task.kind(), RunState::Requested, since_ms);
    entry.requester = Some(request.requester.clone());
    entry.origin = Some(request.origin.clone());
    entry.parameters = Some(asked_parameters(request));
    RunView::of(entry, since_ms)
}

/// What the request says, without what the data adds later.
pub(crate) fn asked_parameters(request: &RunRequest) -> RunParameters {
    let mut asked = RunParameters::default();
    match &request.task {
        Task::Fast(task) => {
            (asked.start, asked.end) = (task.range.start, task.range.end);
            asked.mix = task.mix;
        }
        Task::Scaled(task) => {
            (asked.start, asked.end) = (task.range.start, task.range.end);
            asked.mix = task.mix;
            describe_pace(task, &mut asked);
        }
        Task::Window(task) => {
            (asked.start, asked.end) = (task.range.start, task.range.end);
            let emit = if task.emit == Emit::All {
                "all"
            } else {
                "changed"
            };
            asked.emit = Some(emit.to_owned());
            asked.dry_run = task.dry_run;
            asked.mix = task.mix;
            for (name, limit) in [
                ("max_vanishing", task.limits.max_vanishing),
                ("max_retracted", task.limits.max_retracted),
                ("max_lost_regions", task.limits.max_lost_regions),
            ] {
                if let Some(limit) = limit {
                    asked.limits.insert(name.to_owned(), limit.to_string());
                }
            }
            if task.trust_damaged_files {
                let name = "trust_damaged_files".to_owned();
                asked.limits.insert(name, "true".to_owned());
            }
        }
        Task::Revert(task) => {
            asked.target_run = Some(task.target.to_string());
            asked.force = task.force;
            asked.dry_run = task.dry_run;
        }
        Task::Rows(task) => asked = task.rows.parameters(),
    }
    if let Task::Fast(FastTask { source, .. })
    | Task::Scaled(ScaledTask { source, .. })
    | Task::Window(WindowTask { source, .. }) = &request.task
    {
        describe_source(source, &mut asked);
    }
    asked.reason = request.reason.as_ref().map(ToString::to_string);
    asked
}

/// Limits that decide which rows of a file are rejected; that of its rows only fails a run.
pub(super) const READING: [&str; 2] = ["max_row_bytes", "max_columns"];

fn describe_source(source: &Source, asked: &mut RunParameters) {
    let (given, usual) = (&source.limits, Limits::default());
    let [row_bytes, columns] = READING;
    for (name, limit, usual) in [
        (
            row_bytes,
            given.max_row_bytes as u64,
            usual.max_row_bytes as u64,
        ),
        (columns, given.max_columns as u64, usual.max_columns as u64),
        ("max_rows", given.max_rows, usual.max_rows),
    ] {
        if limit != usual {
            asked.limits.insert(name.to_owned(), limit.to_string());
        }
    }
    asked.dataset = Some(source.dataset.clone());
    asked.folder = source.is_folder;
    asked.rules = Some(source.rules.name().to_owned());
    asked.rules_sha256 = Some(source.rules.sha256());
    asked.as_of = source.as_of;
    if let Some(limit) = source.max_rejected {
        let name = "max_rejected".to_owned();
        asked.limits.insert(name, limit.to_string());
    }
}

/// What a request says about the pace, by the names of the HTTP interface.
fn describe_pace(task: &ScaledTask, asked: &mut RunParameters) {
    let mut pace = |name: &str, value: String| asked.pace.insert(name.to_owned(), value);
    match task.speed {
        Speed::Factor(factor) => asked.scale_factor = Some(factor.to_string()),
        Speed::DurationMicros(micros) => {
            pace("duration_us", micros.to_string());
        }
    }
    if let Some(seconds) = task.bounds.max_gap_seconds {
        pace("max_gap", seconds.to_string());
    }
    if let Some(most) = task.bounds.max_events_per_second {
        pace("max_events_per_second", most.to_string());
    }
    if task.amplify.copies() > 1 {
        pace("amplify", task.amplify.copies().to_string());
        pace("seed", task.amplify.seed().to_string());
    }
}

/// The plan that the request is bound to.
pub(super) fn asked_plan(task: &Task) -> Option<&PlanToken> {
    match task {
        Task::Fast(_) | Task::Scaled(_) | Task::Rows(_) => None,
        Task::Window(task) => task.plan.as_ref(),
        Task::Revert(task) => task.plan.as_ref(),
    }
}
