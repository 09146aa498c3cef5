//! The figures of a dataflow, for Prometheus.

use eip_dataflow::Summary;
use eip_dataflow::control::ViewCounts;
use eip_dataflow::latency::LatencyFigures;
use eip_http::Page;
use eip_views::VIEWS;

/// A figure: its name, type, what it is, and its series by label.
type Figure = (&'static str, &'static str, &'static str, Vec<(String, u64)>);

/// All of them, of this space.
pub(super) fn page(space: &str, progress: &Summary) -> Page {
    let mut page = Page::new("eip_dataflow");
    for (name, kind, help, series) in figures(progress) {
        page.head(name, kind, help);
        for (label, value) in series {
            page.line(name, &format!("space=\"{space}\"{label}"), value);
        }
    }
    page
}

fn figures(progress: &Summary) -> Vec<Figure> {
    let counts = &progress.counts;
    let one = |value: u64| vec![(String::new(), value)];
    let by_view = |figure: fn(ViewCounts) -> u64| {
        let documents = VIEWS.into_iter().filter(|view| view.is_documents());
        let series = documents.map(|view| {
            let label = format!(",view=\"{}\"", view.name);
            (label, figure(counts.of(view)))
        });
        series.collect::<Vec<_>>()
    };
    let blocked = ["log", "elasticsearch", "postgres", "sqlite"].map(|what| {
        let is = progress.blocked.iter().any(|blocked| blocked.what == what);
        (format!(",what=\"{what}\""), u64::from(is))
    });
    let written = progress.written.as_ref().map_or(0, |written| written.tick);
    let dead: u64 = counts.dead_letters.values().sum();
    let mut figures = vec![
        (
            "written_tick",
            "gauge",
            "Last tick that both stores acknowledged.",
            one(written),
        ),
        (
            "visible_tick",
            "gauge",
            "Last tick of which searches find everything.",
            one(progress.visible.unwrap_or(0)),
        ),
        (
            "blocked",
            "gauge",
            "Whether it is waited for.",
            blocked.to_vec(),
        ),
        (
            "records_total",
            "counter",
            "Records read.",
            one(counts.records),
        ),
        ("ticks_total", "counter", "Ticks issued.", one(counts.ticks)),
        (
            "documents_indexed_total",
            "counter",
            "Documents written.",
            by_view(|view| view.written),
        ),
        (
            "documents_deleted_total",
            "counter",
            "Documents deleted.",
            by_view(|view| view.deleted),
        ),
        (
            "rows_upserted_total",
            "counter",
            "Rows written.",
            one(counts.rows().written),
        ),
        (
            "rows_deleted_total",
            "counter",
            "Rows deleted.",
            one(counts.rows().deleted),
        ),
        (
            "refused_total",
            "counter",
            "Documents that the store refused.",
            one(counts.refused),
        ),
        (
            "dead_letters_total",
            "counter",
            "Records that were no events.",
            one(dead),
        ),
    ];
    figures.extend(latency_figures(progress.latency));
    figures
}

fn latency_figures(latency: LatencyFigures) -> [Figure; 3] {
    let LatencyFigures {
        records,
        ahead,
        p50,
        p99,
        p999,
        max,
    } = latency;
    let quantiles = [("0.5", p50), ("0.99", p99), ("0.999", p999), ("1", max)];
    let quantiles = quantiles.map(|(q, ms)| (format!(",quantile=\"{q}\""), ms));
    [
        (
            "latency_ms",
            "gauge",
            "From appended to written, of records that came since the start.",
            quantiles.into(),
        ),
        (
            "latency_records_total",
            "counter",
            "Records whose latency was measured: none of what was there at the start.",
            vec![(String::new(), records)],
        ),
        (
            "latency_ahead_total",
            "counter",
            "Of these the ones appended later than written, by the clock of whoever appended them.",
            vec![(String::new(), ahead)],
        ),
    ]
}
