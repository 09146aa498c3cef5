//! Which state of a run may follow which.

pub use eip_log::{RunKind, RunState};

/// Whether an attempt of this kind may go from `state` to `next`.
pub fn may_follow(kind: RunKind, state: RunState, next: RunState) -> bool {
    use RunState::{
        Cancelled, Committed, Failed, Interrupted, Paused, Planned, Rehearsed, Requested, Running,
    };
    match (state, next) {
        (Requested, Running) => !kind.excludes_others(),
        (Running, Paused) => kind == RunKind::Scaled,
        // From running: others wrote about a covered order meanwhile, so the transaction is given up
        // and planned anew.
        (Requested | Running, Planned) => kind.excludes_others(),
        (Planned, Rehearsed | Running | Committed)
        | (Running, Committed)
        | (Paused, Running)
        | (Requested | Planned | Running | Paused, Cancelled | Failed | Interrupted) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_STATES: [RunState; 9] = [
        RunState::Requested,
        RunState::Planned,
        RunState::Rehearsed,
        RunState::Running,
        RunState::Paused,
        RunState::Committed,
        RunState::Cancelled,
        RunState::Failed,
        RunState::Interrupted,
    ];

    #[test]
    fn nothing_follows_an_end_and_every_other_state_can_end() {
        for kind in [
            RunKind::Fast,
            RunKind::Window,
            RunKind::Revert,
            RunKind::Scaled,
        ] {
            for state in ALL_STATES {
                let has_followers = ALL_STATES.iter().any(|&next| may_follow(kind, state, next));
                assert_eq!(has_followers, state.is_live(), "{kind} {state}");
                assert!(!may_follow(kind, state, RunState::Requested));
                assert_eq!(
                    may_follow(kind, state, RunState::Interrupted),
                    state.is_live()
                );
            }
        }
    }

    #[test]
    fn a_window_never_writes_without_a_plan_and_a_fast_run_has_none() {
        for kind in [RunKind::Window, RunKind::Revert] {
            assert!(!may_follow(kind, RunState::Requested, RunState::Running));
            assert!(!may_follow(kind, RunState::Requested, RunState::Committed));
        }
        assert!(!may_follow(
            RunKind::Fast,
            RunState::Requested,
            RunState::Planned
        ));
        assert!(!may_follow(
            RunKind::Fast,
            RunState::Requested,
            RunState::Committed
        ));
    }
}
