//! What the runs of this instance are counted in, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use eip_http::Page;

use crate::run::RunOutcome;

/// The runs that have ended here.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    runs: BTreeMap<(&'static str, &'static str), u64>,
    runs_failed: u64,
    events: u64,
    tombstones: u64,
    rejects: u64,
}

impl Metrics {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Every change is an addition, so a panic elsewhere leaves the counts usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run of this process has ended in the ledger.
    pub(super) fn run_ended(&self, outcome: &RunOutcome) {
        let mut counts = self.counts();
        let key = (outcome.kind.name(), outcome.state.name());
        *counts.runs.entry(key).or_default() += 1;
        counts.events += outcome.summary.events_written();
        counts.tombstones += outcome.summary.tombstones;
        counts.rejects += outcome.summary.rows_rejected();
    }

    /// A run of this process has failed.
    pub(super) fn run_failed(&self) {
        self.counts().runs_failed += 1;
    }

    /// Adds them to a page. `live_runs` is what is so now.
    pub(super) fn write(&self, page: &mut Page, live_runs: usize) {
        let counts = self.counts();
        page.head("runs_total", "counter", "Runs that ended as they should.");
        for ((kind, state), count) in &counts.runs {
            let labels = format!(r#"kind="{kind}",state="{state}""#);
            page.line("runs_total", &labels, count);
        }
        for (name, help, value) in [
            ("runs_failed_total", "Runs that failed.", counts.runs_failed),
            ("events_total", "Events written to the log.", counts.events),
            (
                "tombstones_total",
                "Tombstones written to the log.",
                counts.tombstones,
            ),
            ("rejects_total", "Rows rejected.", counts.rejects),
        ] {
            page.one(name, "counter", help, value);
        }
        let help = "Runs that are being executed.";
        page.one("live_runs", "gauge", help, live_runs);
    }
}
