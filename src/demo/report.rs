//! What the demo prints.

use std::path::Path;
use std::time::Duration;

use eip_contract::EventType;
use eip_dataflow::control::Counts;
use eip_stores::{BusyRoute, RangeStats, ViewDigest};

use super::folder::Month;
use crate::text::{days, indented, percent, span, table, thousands};
use crate::views::counts_text;

pub(super) fn chapter(title: &str) {
    out!("\n{title}\n");
}

pub(super) fn statuses(counts: &[(EventType, u64)]) -> String {
    let rows = counts
        .iter()
        .map(|(status, count)| vec![status.to_string(), thousands(*count)])
        .collect();
    table(&["shipments by status", ""], 1, rows)
}

pub(super) fn routes(routes: &[BusyRoute]) -> String {
    let rows = routes
        .iter()
        .map(|route| {
            let [p50, p90, p99] = route.stats.lead_seconds_percentiles.map(days);
            vec![
                format!("{} → {}", route.seller_region, route.customer_region),
                thousands(route.stats.counts[EventType::OrderPlaced.rank()]),
                thousands(route.stats.counts[EventType::Delivered.rank()]),
                percent(route.stats.on_time_basis_points()),
                p50,
                p90,
                p99,
            ]
        })
        .collect();
    let header = [
        "busiest routes",
        "orders",
        "delivered",
        "on time",
        "lead p50",
        "lead p90",
        "lead p99",
    ];
    table(&header, 1, rows)
}

pub(super) fn before_and_after(month: &str, before: &RangeStats, after: &RangeStats) -> String {
    let count = |event_type: EventType| {
        let of = |stats: &RangeStats| thousands(stats.counts[event_type.rank()]);
        (of(before), of(after))
    };
    let lead = |i: usize| {
        (
            days(before.lead_seconds_percentiles[i]),
            days(after.lead_seconds_percentiles[i]),
        )
    };
    let rows = [
        ("placed", count(EventType::OrderPlaced)),
        ("delivered", count(EventType::Delivered)),
        ("deadlines missed", count(EventType::DeliveryDelayed)),
        (
            "delivered late",
            (
                thousands(before.delivered_late),
                thousands(after.delivered_late),
            ),
        ),
        (
            "on time",
            (
                percent(before.on_time_basis_points()),
                percent(after.on_time_basis_points()),
            ),
        ),
        ("lead p50", lead(0)),
        ("lead p90", lead(1)),
        ("lead p99", lead(2)),
    ];
    let rows = rows
        .into_iter()
        .map(|(name, (before, after))| vec![name.to_owned(), before, after])
        .collect();
    table(&[month, "before", "after"], 1, rows)
}

pub(super) fn written(done: &Counts, took: Duration) -> String {
    let text = format!("{}\n{} after the log had it", counts_text(done), span(took));
    indented(&text)
}

pub(super) fn digests(digests: &[ViewDigest]) -> String {
    let rows = digests
        .iter()
        .map(|view| {
            vec![
                view.name.to_owned(),
                thousands(view.rows),
                view.sha256.clone(),
            ]
        })
        .collect();
    table(&["view", "rows", "sha256"], 1, rows)
}

pub(super) fn farewell(state: &Path, took: Duration) {
    let state = state.display();
    out!(
        "\nDone in {}. The state lies in {state}; look further:\n",
        span(took)
    );
    for (command, what) in [
        (
            format!("eip verify --state {state}"),
            "recompute the views by other means, and compare",
        ),
        (
            format!("eip runs --state {state}"),
            "who asked for what, and how it ended",
        ),
        (
            format!("eip export --state {state} --out DIR"),
            "the views as files",
        ),
        (format!("eip api --state {state}"), "the views over HTTP"),
        (format!("rm -r {state}"), "remove it all"),
    ] {
        out!("  {command:48} {what}");
    }
}

/// What is served, and where.
pub(super) struct Addresses {
    pub(super) api: String,
    pub(super) ingest: String,
}

impl Addresses {
    /// The dashboard's, with the tour that corrects this month.
    pub(super) fn tour(&self, corrected: Month) -> String {
        format!("{}/?tour={corrected}", self.api)
    }
}

pub(super) fn playing(first: Month, factor: u32, at: &Addresses, corrected: Month) {
    chapter("4. Time moves on: the dashboard");
    out!(
        "The events from {first} on come {} times faster than in life, a day in {} s, until Ctrl-C.\n",
        thousands(factor),
        86_400 / factor
    );
    for (address, what) in [
        (at.tour(corrected), "the dashboard, with a guided tour"),
        (format!("{}/docs", at.api), "the API's reference"),
        (format!("{}/docs", at.ingest), "Ingest's"),
    ] {
        out!("  {address:48} {what}");
    }
}
