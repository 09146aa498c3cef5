//! Under which rules and from which data the ledger says that the facts of a day were made.
//!
//! A fast run adds its range to what is there; a committed window run replaces what was said about
//! its range, since it makes every order with a fact in it again. A run that was reverted whole says
//! nothing. Imported files and pushed rows are not judged.

use std::collections::BTreeMap;

use eip_contract::Day;
use eip_log::{LedgerView, RunKind, RunParameters, RunState, RunSummary};
use eip_runs::undone;

use super::error::RunError;
use super::request::DayRange;

/// What a run made its facts from.
#[derive(Clone, Copy, Debug)]
struct Made<'a> {
    run: &'a str,
    start: Day,
    end: Day,
    rules_sha256: &'a str,
    files: &'a BTreeMap<String, String>,
    /// Version of what reading made of them.
    reader: Option<u32>,
}

/// Refuses a run that asserts over facts made under other rules or from other data.
pub(crate) fn check(
    ledger: &LedgerView,
    asked: &RunParameters,
    range: DayRange,
) -> Result<(), RunError> {
    let (start, end) = range.bounds();
    let rules = asked.rules_sha256.as_deref().unwrap_or_default();
    for made in made(ledger) {
        let (first, last) = (start.max(made.start), end.min(made.end));
        if first >= last {
            continue;
        }
        let other_rules = made.rules_sha256 != rules;
        let other_data = *made.files != asked.files;
        let difference = match (other_rules, other_data) {
            (false, false) if made.reader == asked.reader => continue,
            (false, false) => {
                "by another version of the reader, which reads the same files otherwise"
            }
            (true, false) => "under other rules",
            (false, true) => "from other data",
            (true, true) => "under other rules and from other data",
        };
        let shared = DayRange {
            start: Some(first).filter(|&day| day > Day::MIN),
            end: Some(last).filter(|&day| day < Day::END),
        };
        return Err(RunError::OtherSource {
            run: made.run.to_owned(),
            range: shared.to_string(),
            difference: difference.to_owned(),
        });
    }
    Ok(())
}

/// What stands, in the order of the ledger.
fn made(ledger: &LedgerView) -> Vec<Made<'_>> {
    let undone = undone(ledger);
    let mut all: Vec<Made<'_>> = Vec::new();
    for run in ledger.runs() {
        if undone.contains(run.run_id()) || !has_written(run) {
            continue;
        }
        let Some(parameters) = &run.last.parameters else {
            continue;
        };
        let Some(rules_sha256) = &parameters.rules_sha256 else {
            continue;
        };
        let (start, end) = DayRange {
            start: parameters.start,
            end: parameters.end,
        }
        .bounds();
        if run.kind() == RunKind::Window {
            all = all
                .into_iter()
                .flat_map(|made| without(made, start, end))
                .collect();
        }
        all.push(Made {
            run: run.run_id(),
            start,
            end,
            rules_sha256,
            files: &parameters.files,
            reader: parameters.reader,
        });
    }
    all
}

/// Whether facts of the run may be in the log. What earlier attempts wrote is not in its last entry,
/// but an attempt enters the files of its input before it writes, and these stay known.
pub(super) fn has_written(run: &RunSummary) -> bool {
    let last = &run.last;
    match run.kind() {
        RunKind::Fast | RunKind::Scaled => {
            let knows_input = |asked: &RunParameters| !asked.files.is_empty();
            last.first.is_some() && last.first != last.ends
                || run.attempts > 1 && last.parameters.as_ref().is_some_and(knows_input)
        }
        RunKind::Window => run.state() == RunState::Committed,
        RunKind::Rows | RunKind::Revert | RunKind::Import => false,
    }
}

/// What is left of a range without [start, end).
fn without(made: Made<'_>, start: Day, end: Day) -> impl Iterator<Item = Made<'_>> {
    let before = Made {
        end: made.end.min(start),
        ..made
    };
    let after = Made {
        start: made.start.max(end),
        ..made
    };
    [before, after]
        .into_iter()
        .filter(|made| made.start < made.end)
}

#[cfg(test)]
mod tests {
    use eip_log::{LedgerEntry, RunTag};

    use super::*;

    fn day(day: u32) -> Day {
        Day::from_days(day).unwrap()
    }

    /// A committed run over [start, end) under rules of this name.
    fn run(id: &str, kind: RunKind, days: (u32, u32), rules: &str) -> LedgerEntry {
        let tag = RunTag {
            run_id: id.to_owned(),
            attempt: 1,
        };
        let mut entry = LedgerEntry::new(&tag, kind, RunState::Committed, 0);
        entry.first = Some(vec![]);
        entry.parameters = Some(RunParameters {
            start: Some(day(days.0)),
            end: Some(day(days.1)),
            rules_sha256: Some(rules.to_owned()),
            ..RunParameters::default()
        });
        entry
    }

    fn revert(id: &str, target: &str) -> LedgerEntry {
        let mut entry = run(id, RunKind::Revert, (0, 1), "");
        let target_run = Some(target.to_owned());
        entry.parameters = Some(RunParameters {
            target_run,
            ..RunParameters::default()
        });
        entry
    }

    fn may_assert(ledger: &[LedgerEntry], days: (u32, u32), rules: &str) -> bool {
        let asked = run("asked", RunKind::Fast, days, rules).parameters.unwrap();
        let range = DayRange {
            start: asked.start,
            end: asked.end,
        };
        check(&LedgerView::fold(ledger.to_vec()), &asked, range).is_ok()
    }

    #[test]
    fn only_days_made_in_another_way_are_in_the_way() {
        let ledger = [run("a", RunKind::Fast, (10, 20), "old")];
        assert!(may_assert(&ledger, (0, 10), "new"));
        assert!(may_assert(&ledger, (20, 30), "new"));
        assert!(!may_assert(&ledger, (19, 30), "new"));
        assert!(may_assert(&ledger, (0, 30), "old"));
    }

    #[test]
    fn a_window_replaces_what_was_said_about_its_days_alone() {
        let ledger = [
            run("a", RunKind::Fast, (10, 20), "old"),
            run("b", RunKind::Window, (13, 16), "new"),
        ];
        assert!(may_assert(&ledger, (13, 16), "new"));
        assert!(!may_assert(&ledger, (13, 16), "old"));
        assert!(!may_assert(&ledger, (12, 16), "new"));
        assert!(may_assert(&ledger, (16, 20), "old"));
    }

    #[test]
    fn a_revert_takes_its_run_out_and_its_own_revert_puts_it_in_again() {
        let mut ledger = vec![
            run("a", RunKind::Fast, (10, 20), "old"),
            run("b", RunKind::Window, (0, 30), "new"),
        ];
        ledger.push(revert("c", "b"));
        assert!(may_assert(&ledger, (10, 20), "old"));
        ledger.push(revert("d", "c"));
        assert!(!may_assert(&ledger, (10, 20), "old"));
        assert!(may_assert(&ledger, (10, 20), "new"));
    }
}
