//! Which runs stand no more.

use std::collections::HashSet;

use eip_log::{LedgerView, RunKind, RunState};

/// The runs that a committed revert undid whole. A revert that was itself undone undid nothing.
pub fn undone(ledger: &LedgerView) -> HashSet<&str> {
    let mut undone = HashSet::new();
    for run in ledger.runs().iter().rev() {
        let whole = run
            .last
            .counts
            .get("facts_left")
            .is_none_or(|&left| left == 0);
        let counts = run.kind() == RunKind::Revert && run.state() == RunState::Committed && whole;
        let target = run
            .last
            .parameters
            .as_ref()
            .and_then(|asked| asked.target_run.as_deref());
        if let Some(target) = target.filter(|_| counts && !undone.contains(run.run_id())) {
            undone.insert(target);
        }
    }
    undone
}
