//! The one dataset name of a space.
//!
//! The first run that asserts facts of a dataset by its name fixes it; a run that names another one
//! is refused unless it is told to mix. A run that never wrote, a rehearsal and a run that was
//! reverted whole fix nothing. Pushed rows and imported files name no dataset, and neither does a run
//! that was given a folder at a terminal: the folder's name says nothing about what is in it.

use eip_log::{LedgerView, RunParameters, RunSummary};
use eip_runs::undone;

use super::error::RunError;
use super::provenance::has_written;

/// The name that a space has, and who fixed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpaceDataset<'a> {
    pub(crate) name: &'a str,
    pub(crate) run: &'a str,
}

/// The dataset of a space, once a run has fixed it. A run that is live counts: it is about to write.
pub(crate) fn of_space(ledger: &LedgerView) -> Option<SpaceDataset<'_>> {
    let undone = undone(ledger);
    let asserts =
        |run: &&RunSummary| (run.is_live() || has_written(run)) && !undone.contains(run.run_id());
    let mut asserting = ledger.runs().iter().filter(asserts);
    asserting.find_map(|run| {
        let asked = run.last.parameters.as_ref();
        let name = asked.filter(|asked| !asked.dry_run).and_then(named)?;
        let run = run.run_id();
        Some(SpaceDataset { name, run })
    })
}

/// Refuses a run that names another dataset than the space has.
pub(crate) fn check(ledger: &LedgerView, asked: &RunParameters) -> Result<(), RunError> {
    let Some(name) = named(asked).filter(|_| !asked.mix) else {
        return Ok(());
    };
    match of_space(ledger) {
        Some(space) if space.name != name => Err(RunError::OtherDataset {
            run: space.run.to_owned(),
            space: space.name.to_owned(),
            asked: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The dataset that a run names.
fn named(asked: &RunParameters) -> Option<&str> {
    asked.dataset.as_deref().filter(|_| !asked.folder)
}

#[cfg(test)]
mod tests {
    use eip_log::{LedgerEntry, RunKind, RunState, RunTag};

    use super::*;

    fn named_parameters(dataset: &str) -> RunParameters {
        RunParameters {
            dataset: Some(dataset.to_owned()),
            ..RunParameters::default()
        }
    }

    fn run(id: &str, kind: RunKind, state: RunState, dataset: &str) -> LedgerEntry {
        let tag = RunTag {
            run_id: id.to_owned(),
            attempt: 1,
        };
        let mut entry = LedgerEntry::new(&tag, kind, state, 0);
        entry.parameters = Some(named_parameters(dataset));
        // It has begun to write.
        entry.first = Some(vec![]);
        entry
    }

    fn with(mut entry: LedgerEntry, change: impl FnOnce(&mut LedgerEntry)) -> LedgerEntry {
        change(&mut entry);
        entry
    }

    fn parameters(entry: &mut LedgerEntry) -> &mut RunParameters {
        entry.parameters.as_mut().unwrap()
    }

    /// The name that the space has after these entries.
    fn fixed(entries: &[LedgerEntry]) -> Option<String> {
        let view = LedgerView::fold(entries.to_vec());
        of_space(&view).map(|space| space.name.to_owned())
    }

    #[test]
    fn the_first_run_that_asserts_by_name_fixes_it() {
        use RunKind::{Fast, Rows, Scaled, Window};
        use RunState::{Committed, Failed, Interrupted, Rehearsed, Requested};
        let fixes_nothing = [
            with(run("rows", Rows, Committed, ""), |entry| {
                entry.parameters = None;
            }),
            with(run("folder", Fast, Committed, "data"), |entry| {
                parameters(entry).folder = true;
            }),
            with(run("unread", Fast, Failed, "lost"), |entry| {
                entry.first = None;
            }),
            with(run("idle", Fast, Failed, "lost"), |entry| {
                entry.ends.clone_from(&entry.first);
            }),
            with(run("early", Scaled, Interrupted, "lost"), |entry| {
                entry.first = None;
            }),
            run("stopped", Window, Failed, "lost"),
            with(run("rehearsal", Window, Rehearsed, "lost"), |entry| {
                parameters(entry).dry_run = true;
            }),
            with(run("rehearses", Window, Requested, "lost"), |entry| {
                parameters(entry).dry_run = true;
            }),
        ];
        assert_eq!(fixed(&fixes_nothing), None);
        for first in [
            run("a", Fast, Committed, "first"),
            run("a", Fast, Interrupted, "first"),
            run("a", Scaled, Failed, "first"),
            run("a", Window, Committed, "first"),
            with(run("a", Window, Requested, "first"), |entry| {
                entry.first = None;
            }),
            with(run("a", Fast, Committed, "first"), |entry| {
                parameters(entry).mix = true;
            }),
        ] {
            let mut entries = fixes_nothing.to_vec();
            entries.push(first);
            entries.push(run("b", Fast, Committed, "second"));
            assert_eq!(fixed(&entries).as_deref(), Some("first"), "{entries:?}");
        }
    }

    #[test]
    fn another_name_is_refused_unless_it_is_to_be_mixed() {
        let ledger = [run("a", RunKind::Fast, RunState::Committed, "olist")];
        let ledger = LedgerView::fold(ledger);
        let mut asked = named_parameters("olist");
        assert!(check(&ledger, &asked).is_ok());
        asked.dataset = Some("peak".to_owned());
        let refused = check(&ledger, &asked).unwrap_err().to_string();
        for part in ["olist", "peak", "run a", "mix", "another space"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        asked.mix = true;
        assert!(check(&ledger, &asked).is_ok());
        asked.mix = false;
        asked.folder = true;
        assert!(check(&ledger, &asked).is_ok());
        assert!(check(&ledger, &RunParameters::default()).is_ok());
    }

    #[test]
    fn a_space_whose_run_was_reverted_whole_takes_another_name() {
        let mut revert = run("undo", RunKind::Revert, RunState::Committed, "");
        revert.parameters = Some(RunParameters {
            target_run: Some("a".to_owned()),
            ..RunParameters::default()
        });
        let mut entries = vec![
            run("a", RunKind::Fast, RunState::Committed, "olist"),
            revert,
        ];
        assert_eq!(fixed(&entries), None);
        entries[1].counts.insert("facts_left".to_owned(), 1);
        assert_eq!(fixed(&entries).as_deref(), Some("olist"));
    }
}
