//! A ledger's entries folded to the present state of each run, and who excludes whom.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::entry::{LedgerEntry, RunKind, RunParameters, RunState};
use super::reader::LedgerReader;
use crate::error::LogError;
use crate::state::StateDir;

/// One run: how it began and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its first entry.
    pub first: LedgerEntry,
    /// Its last entry. What this leaves out is filled in from the same attempt's earlier entries,
    /// requester, origin and parameters also from earlier attempts.
    pub last: LedgerEntry,
    /// The number of the present attempt; they count from 1.
    pub attempts: u32,
    /// The position in the ledger of the present attempt's first entry: its claim.
    pub claim: u64,
}

impl RunSummary {
    pub(crate) fn new(position: u64, entry: LedgerEntry) -> Self {
        let attempts = entry.attempt;
        Self {
            first: entry.clone(),
            last: entry,
            attempts,
            claim: position,
        }
    }

    pub(crate) fn add(&mut self, position: u64, mut entry: LedgerEntry) {
        let last = &mut self.last;
        if entry.attempt < last.attempt {
            // A predecessor that did not know of its successor: it says nothing about the run.
            return;
        }
        if entry.attempt == last.attempt && entry.state.is_live() && !last.state.is_live() {
            // A sign of life that was overtaken by the end. An owner that was taken for gone and
            // was not still says how it ended.
            return;
        }
        entry.requester = entry.requester.or(last.requester.take());
        entry.origin = entry.origin.or(last.origin.take());
        entry.parameters = match (entry.parameters, last.parameters.take()) {
            // A claim says what was asked for. What an earlier attempt found in the input stays known:
            // it may have written from it.
            (Some(asked), Some(known)) if asked.files.is_empty() => Some(RunParameters {
                as_of: asked.as_of.or(known.as_of),
                files: known.files,
                reader: known.reader,
                cached_run: known.cached_run,
                ..asked
            }),
            (parameters, known) => parameters.or(known),
        };
        if entry.attempt > last.attempt {
            self.attempts = entry.attempt;
            self.claim = position;
        } else {
            entry.owner_url = entry.owner_url.or(last.owner_url.take());
            entry.plan = entry.plan.or(last.plan.take());
            entry.input = entry.input.or(last.input.take());
            entry.clock = entry.clock.or(last.clock.take());
            entry.first = entry.first.or(last.first.take());
            entry.ends = entry.ends.or(last.ends.take());
            entry.error = entry.error.or(last.error.take());
            for (name, count) in std::mem::take(&mut last.counts) {
                entry.counts.entry(name).or_insert(count);
            }
            for (name, figure) in std::mem::take(&mut last.guard) {
                entry.guard.entry(name).or_insert(figure);
            }
        }
        self.last = entry;
    }

    /// The run.
    pub fn run_id(&self) -> &str {
        &self.last.run_id
    }

    /// What kind of run.
    pub fn kind(&self) -> RunKind {
        self.last.kind
    }

    /// Where it is.
    pub fn state(&self) -> RunState {
        self.last.state
    }

    /// Whether it has not ended.
    pub fn is_live(&self) -> bool {
        self.state().is_live()
    }
}

/// All runs of a ledger.
#[derive(Clone, Debug, Default)]
pub struct LedgerView {
    runs: Vec<RunSummary>,
    places: HashMap<String, usize>,
}

impl LedgerView {
    /// Reads the whole ledger.
    pub fn read(state: &StateDir) -> Result<Self, LogError> {
        let mut view = Self::default();
        LedgerReader::open(state)?.poll(&mut |position, entry| view.apply(position, entry))?;
        Ok(view)
    }

    /// Folds entries, the first at position 0.
    pub fn fold(entries: impl IntoIterator<Item = LedgerEntry>) -> Self {
        let mut view = Self::default();
        for (position, entry) in (0..).zip(entries) {
            view.apply(position, entry);
        }
        view
    }

    /// Adds the entry at `position`; entries come in the ledger's order.
    pub fn apply(&mut self, position: u64, entry: LedgerEntry) {
        if let Some(&place) = self.places.get(&entry.run_id) {
            self.runs[place].add(position, entry);
        } else {
            self.places.insert(entry.run_id.clone(), self.runs.len());
            self.runs.push(RunSummary::new(position, entry));
        }
    }

    /// All runs in the order of their first entries.
    pub fn runs(&self) -> &[RunSummary] {
        &self.runs
    }

    /// One run.
    pub fn get(&self, run_id: &str) -> Option<&RunSummary> {
        self.places.get(run_id).map(|&place| &self.runs[place])
    }

    /// The runs that have not ended.
    pub fn live(&self) -> impl Iterator<Item = &RunSummary> {
        self.runs.iter().filter(|run| run.is_live())
    }

    /// Whom all other window and revert runs wait for: the earliest live claim among these.
    pub fn exclusive(&self) -> Option<&RunSummary> {
        let excluding = self.live().filter(|run| run.last.excludes_others());
        excluding.min_by_key(|run| run.claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RunTag;

    fn entry(run_id: &str, attempt: u32, kind: RunKind, state: RunState) -> LedgerEntry {
        LedgerEntry::new(
            &RunTag {
                run_id: run_id.into(),
                attempt,
            },
            kind,
            state,
            0,
        )
    }

    #[test]
    fn the_earliest_live_claim_wins_and_an_end_makes_room() {
        use RunKind::{Fast, Revert, Window};
        use RunState::{Failed, Requested, Running};
        let mut entries = vec![
            entry("fast", 1, Fast, Running),
            entry("a", 1, Window, Requested),
            entry("b", 1, Revert, Requested),
            entry("a", 1, Window, Running),
        ];
        let winner = |entries: &[LedgerEntry]| {
            LedgerView::fold(entries.to_vec())
                .exclusive()
                .map(|run| run.run_id().to_owned())
        };
        assert_eq!(winner(&entries).as_deref(), Some("a"));
        entries.push(entry("a", 1, Window, Failed));
        assert_eq!(winner(&entries).as_deref(), Some("b"));
        entries.push(entry("a", 2, Window, Requested));
        assert_eq!(
            winner(&entries).as_deref(),
            Some("b"),
            "a new attempt is a new claim"
        );
        entries.push(entry("b", 1, Revert, Failed));
        assert_eq!(winner(&entries).as_deref(), Some("a"));
    }

    #[test]
    fn a_sign_of_life_behind_the_end_does_not_bring_an_attempt_back() {
        use RunState::{Committed, Interrupted, Running};
        let of = |state| entry("a", 1, RunKind::Window, state);
        let state = |entries: &[RunState]| {
            let view = LedgerView::fold(entries.iter().copied().map(of));
            view.get("a").unwrap().state()
        };
        assert_eq!(state(&[Running, Committed, Running]), Committed);
        assert_eq!(state(&[Running, Interrupted, Running]), Interrupted);
        assert_eq!(
            state(&[Running, Interrupted, Running, Committed]),
            Committed
        );
    }

    #[test]
    fn the_input_that_an_attempt_found_stays_known_when_the_next_one_claims() {
        let with = |attempt, state, files: &[(&str, &str)]| {
            let mut entry = entry("a", attempt, RunKind::Fast, state);
            let own = |&(name, hash): &(&str, &str)| (name.to_owned(), hash.to_owned());
            entry.parameters = Some(RunParameters {
                files: files.iter().map(own).collect(),
                ..RunParameters::default()
            });
            entry
        };
        let entries = [
            with(1, RunState::Requested, &[]),
            with(1, RunState::Running, &[("orders", "hash")]),
            with(2, RunState::Requested, &[]),
            entry("a", 2, RunKind::Fast, RunState::Interrupted),
            with(3, RunState::Requested, &[]),
        ];
        let view = LedgerView::fold(entries);
        let known = view.get("a").unwrap().last.parameters.clone().unwrap();
        assert_eq!(known.files["orders"], "hash");
        assert_eq!(view.get("a").unwrap().attempts, 3);
    }

    #[test]
    fn a_summary_keeps_what_later_entries_leave_out() {
        let mut planned = entry("a", 1, RunKind::Window, RunState::Planned);
        planned.requester = Some("me".into());
        planned.counts.insert("added".into(), 3);
        let failed = entry("a", 1, RunKind::Window, RunState::Failed);
        let again = entry("a", 2, RunKind::Window, RunState::Requested);
        let late = entry("a", 1, RunKind::Window, RunState::Running);
        let view = LedgerView::fold([planned, failed]);
        assert_eq!(view.get("a").unwrap().last.counts["added"], 3);
        assert_eq!(view.get("a").unwrap().state(), RunState::Failed);
        let mut view = view;
        view.apply(2, again);
        view.apply(3, late);
        let run = view.get("a").unwrap();
        assert_eq!(
            (run.attempts, run.claim, run.state()),
            (2, 2, RunState::Requested)
        );
        assert!(run.last.counts.is_empty() && run.last.requester.as_deref() == Some("me"));
        assert_eq!(view.runs().len(), 1);
    }
}
