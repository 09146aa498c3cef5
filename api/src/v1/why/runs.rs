//! The runs behind records, as the ledger knows them, and what it does not know any more.

use std::collections::{BTreeMap, BTreeSet};

use eip_contract::EventTime;
use eip_log::{LedgerView, LogError, RunSummary, RunTag};
use serde::Serialize;
use utoipa::ToSchema;

use super::trace::Step;

/// One attempt of a run that wrote records of the order.
#[derive(Serialize, ToSchema)]
pub(super) struct RunBehind {
    /// As records name it: `<run>/<attempt>`.
    run: String,
    /// Whether the ledger has it. If not, nothing more is known.
    known: bool,
    #[serde(flatten)]
    said: Option<Said>,
}

/// What the ledger says.
#[derive(Serialize, ToSchema)]
struct Said {
    #[schema(required = false)]
    kind: &'static str,
    #[schema(required = false)]
    state: &'static str,
    requested_at: Option<String>,
    requester: Option<String>,
    origin: Option<String>,
    reason: Option<String>,
    rules: Option<String>,
    rules_sha256: Option<String>,
    dataset: Option<String>,
    /// SHA-256 of each input file.
    #[schema(required = false)]
    files: BTreeMap<String, String>,
    reader: Option<u32>,
    as_of: Option<String>,
    cached_run: Option<String>,
    target_run: Option<String>,
}

/// The runs of these records in the order of their names; words about what is not known are added to `lost`.
pub(super) fn runs(
    steps: &[Step<'_>],
    ledger: &Result<LedgerView, LogError>,
    lost: &mut Vec<String>,
) -> Vec<RunBehind> {
    let nameless = steps
        .iter()
        .filter(|step| step.record.run.is_none())
        .count();
    if nameless > 0 {
        lost.push(format!(
            "{nameless} of the records name no run: who had them written is not known"
        ));
    }
    if let Err(error) = ledger {
        lost.push(format!("the run ledger cannot be read: {error}"));
    }
    let names: BTreeSet<&str> = steps
        .iter()
        .filter_map(|step| step.record.run.as_deref())
        .collect();
    let run = |name: &str| {
        let tag = RunTag::parse(name);
        let known = ledger.as_ref().ok().zip(tag.as_ref());
        let summary = known.and_then(|(ledger, tag)| ledger.get(&tag.run_id));
        if summary.is_none() && ledger.is_ok() {
            lost.push(format!(
                "the run ledger has no entry of run {name}: its rules, data and requester are not known"
            ));
        }
        RunBehind {
            run: name.to_owned(),
            known: summary.is_some(),
            said: summary.map(said),
        }
    };
    names.into_iter().map(run).collect()
}

fn said(run: &RunSummary) -> Said {
    let asked = run.last.parameters.clone().unwrap_or_default();
    Said {
        kind: run.kind().name(),
        state: run.state().name(),
        requested_at: time_text(run.first.at),
        requester: run.last.requester.clone(),
        origin: run.last.origin.clone(),
        reason: asked.reason,
        rules: asked.rules,
        rules_sha256: asked.rules_sha256,
        dataset: asked.dataset,
        files: asked.files,
        reader: asked.reader,
        as_of: asked.as_of.map(|time| time.to_string()),
        cached_run: asked.cached_run,
        target_run: asked.target_run,
    }
}

/// Milliseconds since the epoch as `2018-03-01T12:00:00.123Z`; none before 1970 and from 2200 on.
pub(super) fn time_text(ms: i64) -> Option<String> {
    let time = EventTime::from_seconds(ms.div_euclid(1_000))?.to_string();
    let seconds = time.strip_suffix('Z')?;
    Some(format!("{seconds}.{:03}Z", ms.rem_euclid(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_time_has_milliseconds() {
        let text = time_text(1_764_510_941_007);
        assert_eq!(text.as_deref(), Some("2025-11-30T13:55:41.007Z"));
        assert_eq!(time_text(-1), None);
    }
}
