//! The views of a state folder: brought up to the log, and how far they are.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use eip_contract::Offset;
use eip_dataflow::control::{Counts, DocumentCounts};
use eip_dataflow::store::ViewReader;
use eip_dataflow::{DataflowConfig, DataflowHandle, spawn};
use eip_ingest::run::Clock;
use eip_log::StateDir;
use eip_parquet_cache::Cache;

use crate::text::{span, thousands};

/// Milliseconds since the epoch. Time comes in here and is handed on as a value.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the wall clock is read"
)]
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    since_epoch().as_millis() as i64
}

/// Nanoseconds since the epoch, to tell two runs of one process apart.
pub(crate) fn wall_nanoseconds() -> u128 {
    since_epoch().as_nanos()
}

/// The clock that runs are stamped with.
pub(crate) fn wall_clock() -> Clock {
    Box::new(now_ms)
}

/// Starts a dataflow over the state folder's own SQLite file.
pub(crate) fn start_dataflow(state: &StateDir, workers: usize) -> anyhow::Result<DataflowHandle> {
    let wall = Arc::new(|| since_epoch().as_millis() as u64);
    let config = DataflowConfig::embedded(state.clone(), "eip dataflow", wall)?;
    Ok(spawn(DataflowConfig { workers, ..config })?)
}

/// Brings the cache and then the views up to the log's present end, and says what that wrote.
pub(crate) fn bring_up_to_date(state: &StateDir, workers: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ends = eip_log::committed_ends(state)?;
    catch_up_cache(state, &ends);
    let dataflow = start_dataflow(state, workers)
        .context("the log has it, but the dataflow that writes the views did not start")?;
    let written = dataflow.wait_written(&ends);
    let summary = dataflow.shutdown();
    written.context("the log has it, but the views are not up to it; `eip dataflow` goes on")?;
    println!("{}", counts_text(&summary?.counts));
    println!("views up to date in {}", span(begun.elapsed()));
    Ok(())
}

/// A cache that cannot be written costs time at the next start, never a result.
pub(crate) fn catch_up_cache(state: &StateDir, ends: &[Offset]) {
    let caught_up = Cache::open(state).and_then(|mut cache| cache.catch_up(ends));
    if let Err(error) = caught_up {
        tracing::warn!(%error, "the Parquet cache was not brought up to the log");
    }
}

/// What a dataflow did, as a person reads it.
pub(crate) fn counts_text(counts: &Counts) -> String {
    let documents = |name: &str, counts: DocumentCounts| {
        format!(
            "{name:<18} {} indexed, {} deleted, {} found as they should be",
            thousands(counts.indexed),
            thousands(counts.deleted),
            thousands(counts.unchanged)
        )
    };
    let mut lines = vec![
        documents("shipment_events", counts.shipment_events),
        documents("shipments", counts.shipments),
        format!(
            "{:<18} {} rows written, {} deleted",
            "route_stats_daily",
            thousands(counts.rows_upserted),
            thousands(counts.rows_deleted)
        ),
    ];
    let dead: u64 = counts.dead_letters.values().sum();
    if dead > 0 {
        let by_code: Vec<String> = counts
            .dead_letters
            .iter()
            .map(|(code, count)| format!("{} {code}", thousands(*count)))
            .collect();
        lines.push(format!(
            "{:<18} {} of {} records: {}",
            "dead letters",
            thousands(dead),
            thousands(counts.records),
            by_code.join(", ")
        ));
    }
    lines.join("\n")
}

/// What was done between two moments of one dataflow.
pub(crate) fn counts_since(now: &Counts, then: &Counts) -> Counts {
    let documents = |now: DocumentCounts, then: DocumentCounts| DocumentCounts {
        indexed: now.indexed - then.indexed,
        deleted: now.deleted - then.deleted,
        unchanged: now.unchanged - then.unchanged,
    };
    let before = |code: &String| then.dead_letters.get(code).copied().unwrap_or_default();
    Counts {
        ticks: now.ticks - then.ticks,
        records: now.records - then.records,
        dead_letters: now
            .dead_letters
            .iter()
            .map(|(code, count)| (code.clone(), count - before(code)))
            .filter(|(_, count)| *count > 0)
            .collect(),
        shipment_events: documents(now.shipment_events, then.shipment_events),
        shipments: documents(now.shipments, then.shipments),
        rows_upserted: now.rows_upserted - then.rows_upserted,
        rows_deleted: now.rows_deleted - then.rows_deleted,
    }
}

/// A view that lags is no error, but who reads its figures must know.
pub(crate) fn warn_if_behind(state: &StateDir) -> anyhow::Result<()> {
    let ends = eip_log::committed_ends(state)?;
    let written = ViewReader::open(state.path())?.progress()?;
    let written = written.map_or_else(|| vec![Offset(0); ends.len()], |progress| progress.offsets);
    let behind: u64 = ends
        .iter()
        .zip(&written)
        .map(|(end, next)| end.0.saturating_sub(next.0))
        .sum();
    if behind > 0 {
        eprintln!(
            "warning: the views are {} offsets behind the log; bring them up with \
             `eip dataflow --until-caught-up`",
            thousands(behind)
        );
    }
    Ok(())
}
