//! What time it is in a replay that is running.

use eip_contract::EventTime;
use eip_log::{LedgerView, RunKind};

/// For how long after a sign of life a run counts as running, in milliseconds. A scaled run enters its
/// clock every ten seconds at the latest.
pub const LIFE_SIGN: i64 = 30_000;

/// The run that is playing and its simulated clock at `wall_ms`; of several the one claimed last. A run
/// without a sign of life for [`LIFE_SIGN`] plays no more, whatever its state.
pub fn replay_clock(ledger: &LedgerView, wall_ms: i64) -> Option<(&str, EventTime)> {
    let playing = ledger.live().filter(|run| {
        run.kind() == RunKind::Scaled && wall_ms.saturating_sub(run.last.at) <= LIFE_SIGN
    });
    let with_clock = playing.filter_map(|run| Some((run, run.last.clock?)));
    let (run, clock) = with_clock.max_by_key(|(run, _)| run.claim)?;
    Some((run.run_id(), clock.at(wall_ms)))
}

#[cfg(test)]
mod tests {
    use eip_log::{LedgerEntry, RunClock, RunState, RunTag};

    use super::*;

    fn entry(id: &str, state: RunState, at: i64, simulated: Option<i64>) -> LedgerEntry {
        let tag = RunTag {
            run_id: id.to_owned(),
            attempt: 1,
        };
        let mut entry = LedgerEntry::new(&tag, RunKind::Scaled, state, at);
        entry.clock = simulated.map(|seconds| RunClock {
            wall_us: at * 1_000,
            simulated_us: seconds * 1_000_000,
            scale_millionths: 60_000_000,
            paused: state == RunState::Paused,
            end: EventTime::MAX,
        });
        entry
    }

    fn clock(entries: &[LedgerEntry], now: i64) -> Option<(String, i64)> {
        let view = LedgerView::fold(entries.to_vec());
        replay_clock(&view, now).map(|(run, time)| (run.to_owned(), time.seconds()))
    }

    #[test]
    fn the_clock_is_that_of_the_live_run_claimed_last() {
        let found = |run: &str, seconds| Some((run.to_owned(), seconds));
        let mut ledger = vec![entry("a", RunState::Requested, 0, None)];
        assert_eq!(clock(&ledger, 0), None, "its schedule has not begun");
        ledger.push(entry("a", RunState::Running, 1_000, Some(500)));
        assert_eq!(clock(&ledger, 3_000), found("a", 620));
        // A sign of life without a clock keeps what is known of it.
        ledger.push(entry("a", RunState::Running, 11_000, None));
        assert_eq!(clock(&ledger, 41_000), found("a", 500 + 40 * 60));
        assert_eq!(clock(&ledger, 41_001), None, "no sign of life");
        ledger.push(entry("b", RunState::Running, 40_000, Some(9_000)));
        ledger.push(entry("a", RunState::Running, 40_000, Some(700)));
        assert_eq!(clock(&ledger, 41_000), found("b", 9_060));
        ledger.push(entry("b", RunState::Paused, 42_000, Some(9_120)));
        assert_eq!(clock(&ledger, 50_000), found("b", 9_120));
        ledger.push(entry("b", RunState::Committed, 50_000, None));
        assert_eq!(clock(&ledger, 50_000), found("a", 700 + 600));
    }
}
