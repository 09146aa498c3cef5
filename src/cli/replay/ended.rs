//! A run that has ended, as the ledger and a service show it: its state, its figures, its error, and
//! the exit code of whoever asked for it.

use eip_ingest::run::{InputReport, RunId, run_file, run_view};
use eip_log::Log;
use serde_json::Value;

use crate::cli::Exit;
use crate::text::thousands;

/// What is said when a key is used again after its run has ended.
pub(super) const ENDED_BEFORE: &str =
    "the run of this key has ended before, so nothing is done again; use a new key for a new run";

/// Whether a run in this state has ended.
pub(super) fn has_ended(state: &str) -> bool {
    !["requested", "planned", "running", "paused"].contains(&state)
}

/// Shows how the run of a key that is used again has ended.
pub(super) fn show_again(log: &Log, run: &RunId) -> anyhow::Result<Exit> {
    let view = run_view(log, run.as_str())?;
    let view = view.ok_or_else(|| anyhow::anyhow!("the ledger has no run {run}"))?;
    out!("run {run}");
    out!("{ENDED_BEFORE}");
    let exit = show(&serde_json::to_value(&view)?);
    Ok(match exit {
        Exit::Done if would_stop(log, run) => Exit::Guard,
        exit => exit,
    })
}

/// Whether the run was a rehearsal of one that a guard would stop, as far as its file is here.
fn would_stop(log: &Log, run: &RunId) -> bool {
    let rehearsal = std::fs::read(run_file(log, run, "rehearsal.json")).ok();
    let rehearsal = rehearsal.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    rehearsal.is_some_and(|report| !report["guard"].is_null() || !report["input_stop"].is_null())
}

/// Shows how a run ended.
pub(super) fn show(run: &Value) -> Exit {
    let state = run["state"].as_str().unwrap_or_default();
    out!("{state}, attempt {}", run["attempt"]);
    for (name, count) in run["counts"].as_object().into_iter().flatten() {
        out!("{name:<32}{:>12}", thousands(count.as_u64().unwrap_or(0)));
    }
    if let Some(input) = InputReport::of_json(run.get("input")) {
        out!("{}", input.to_string().trim_end());
    }
    if let Some(error) = run["error"].as_str() {
        err!("{error}");
        return if error.starts_with("guard: ") {
            Exit::Guard
        } else {
            Exit::Failed
        };
    }
    match state {
        "committed" | "rehearsed" => {
            if let Some(plan) = run["plan"].as_str() {
                out!("plan {plan}");
            }
            Exit::Done
        }
        _ => Exit::Interrupted,
    }
}
