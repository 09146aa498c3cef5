//! Which ends may be given out, from samples of the last stable offsets and the ledger's entries.

use std::collections::BTreeMap;

use eip_contract::Offset;

use crate::kafka::SILENCE_MS;
use crate::ledger::{LedgerEntry, RunState, RunTag};

/// The rule of [`super`], without the broker.
pub(super) struct Switch {
    given: Vec<Offset>,
    attempts: BTreeMap<RunTag, Attempt>,
}

/// A window or revert attempt that may be in some partitions and not in others.
struct Attempt {
    first: Vec<Offset>,
    /// Once it is committed.
    ends: Option<Vec<Offset>>,
    /// When it was last heard of.
    at: i64,
}

impl Switch {
    pub(super) fn new(partitions: u32) -> Self {
        Self {
            given: vec![Offset(0); partitions as usize],
            attempts: BTreeMap::new(),
        }
    }

    /// What was given out last.
    pub(super) fn given(&self) -> &[Offset] {
        &self.given
    }

    /// Whether an attempt holds the ends back.
    pub(super) fn holds(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// Takes the ledger's next entry.
    pub(super) fn note(&mut self, entry: &LedgerEntry) {
        if !entry.kind.excludes_others() {
            return;
        }
        let whole = |offsets: &Option<Vec<Offset>>| {
            let offsets = offsets.clone();
            offsets.filter(|offsets| offsets.len() == self.given.len())
        };
        let tag = entry.tag();
        match entry.state {
            RunState::Running => {
                let known = self.attempts.get_mut(&tag);
                match (known, whole(&entry.first)) {
                    // A heartbeat that came behind the commit does not undo it.
                    (Some(attempt), _) if attempt.ends.is_some() => {}
                    (Some(attempt), first) => {
                        attempt.at = entry.at;
                        // A later transaction of the same attempt.
                        attempt.first = first.unwrap_or_else(|| std::mem::take(&mut attempt.first));
                    }
                    (None, Some(first)) => {
                        let (ends, at) = (None, entry.at);
                        self.attempts.insert(tag, Attempt { first, ends, at });
                    }
                    (None, None) => {}
                }
            }
            RunState::Committed => {
                let known = self.attempts.remove(&tag).map(|attempt| attempt.first);
                let first = known.or_else(|| whole(&entry.first));
                if let (Some(first), Some(ends)) = (first, whole(&entry.ends)) {
                    let (ends, at) = (Some(ends), entry.at);
                    self.attempts.insert(tag, Attempt { first, ends, at });
                }
            }
            // Between two plans its transaction is aborted.
            _ => {
                let is_committed = |attempt: &Attempt| attempt.ends.is_some();
                if !self.attempts.get(&tag).is_some_and(is_committed) {
                    self.attempts.remove(&tag);
                }
            }
        }
    }

    /// The ends to give out, after the ledger was read behind the sample `stable`.
    pub(super) fn release(&mut self, stable: &[Offset], now_ms: i64) -> Vec<Offset> {
        self.attempts.retain(|tag, attempt| match &attempt.ends {
            Some(ends) => stable.iter().zip(ends).any(|(stable, end)| stable < end),
            None if now_ms.saturating_sub(attempt.at) > SILENCE_MS => {
                tracing::warn!(run = %tag, "silent for 30 s; its records may be seen in two steps");
                false
            }
            None => true,
        });
        for (partition, given) in self.given.iter_mut().enumerate() {
            let firsts = self
                .attempts
                .values()
                .map(|attempt| attempt.first[partition]);
            let end = firsts.fold(stable[partition], Offset::min);
            *given = (*given).max(end);
        }
        self.given.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RunKind;

    fn entry(state: RunState) -> LedgerEntry {
        let tag = RunTag {
            run_id: "w".into(),
            attempt: 1,
        };
        LedgerEntry::new(&tag, RunKind::Window, state, 0)
    }

    fn offsets<const N: usize>(numbers: [u64; N]) -> Vec<Offset> {
        numbers.map(Offset).to_vec()
    }

    fn running<const N: usize>(first: [u64; N]) -> LedgerEntry {
        LedgerEntry {
            first: Some(offsets(first)),
            ..entry(RunState::Running)
        }
    }

    fn committed<const N: usize>(ends: [u64; N]) -> LedgerEntry {
        LedgerEntry {
            ends: Some(offsets(ends)),
            ..entry(RunState::Committed)
        }
    }

    #[test]
    fn a_commit_is_let_through_when_its_markers_are_everywhere_and_not_before() {
        let mut switch = Switch::new(2);
        assert_eq!(switch.release(&offsets([5, 5]), 0), offsets([5, 5]));
        switch.note(&running([5, 5]));
        // The marker is in the first partition only; another run goes on in both.
        assert_eq!(switch.release(&offsets([9, 5]), 0), offsets([5, 5]));
        switch.note(&committed([8, 7]));
        assert_eq!(switch.release(&offsets([9, 5]), 0), offsets([5, 5]));
        assert_eq!(switch.release(&offsets([10, 8]), 0), offsets([10, 8]));
        assert!(!switch.holds());
    }

    #[test]
    fn what_was_given_out_is_never_taken_back() {
        let mut switch = Switch::new(1);
        assert_eq!(switch.release(&offsets([5]), 0), offsets([5]));
        switch.note(&running([3]));
        assert_eq!(switch.release(&offsets([7]), 0), offsets([5]));
        assert_eq!(switch.release(&offsets([4]), 0), offsets([5]));
    }

    #[test]
    fn any_other_end_and_a_long_silence_let_go() {
        for state in [RunState::Failed, RunState::Interrupted, RunState::Planned] {
            let mut switch = Switch::new(1);
            switch.note(&running([0]));
            assert_eq!(switch.release(&offsets([4]), 0), offsets([0]));
            switch.note(&entry(state));
            assert_eq!(switch.release(&offsets([4]), 0), offsets([4]), "{state}");
        }
        let mut switch = Switch::new(1);
        switch.note(&running([0]));
        assert_eq!(switch.release(&offsets([4]), SILENCE_MS), offsets([0]));
        let mut heartbeat = entry(RunState::Running);
        heartbeat.at = 10;
        switch.note(&heartbeat);
        assert_eq!(switch.release(&offsets([4]), SILENCE_MS + 1), offsets([0]));
        assert_eq!(switch.release(&offsets([4]), SILENCE_MS + 11), offsets([4]));
    }

    #[test]
    fn a_heartbeat_behind_the_commit_holds_nothing_back() {
        let mut switch = Switch::new(1);
        switch.note(&running([0]));
        switch.note(&committed([4]));
        switch.note(&entry(RunState::Running));
        assert_eq!(switch.release(&offsets([5]), 0), offsets([5]));
        switch.note(&entry(RunState::Running));
        assert_eq!(switch.release(&offsets([6]), 0), offsets([6]));
    }
}
