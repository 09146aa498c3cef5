//! The views of a chain: brought up to the log, and how far they are.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use eip_contract::Offset;
use eip_dataflow::control::{Counts, ViewCounts};
use eip_dataflow::{DataflowConfig, DataflowHandle, departures, spawn};
use eip_log::Log;
use eip_parquet_cache::Cache;
use eip_views::VIEWS;

use crate::chain::Chain;
use crate::interrupt;
use crate::text::{span, thousands};

/// Between two looks at how far the views are.
const LOOK: Duration = Duration::from_millis(100);
/// Between two words about it.
const TELL: Duration = Duration::from_secs(10);

/// Starts a dataflow over a chain's log and views.
pub(crate) fn start_dataflow(
    chain: &Chain,
    log: &Log,
    workers: usize,
) -> anyhow::Result<DataflowHandle> {
    let config = chain.dataflow(log, "eip dataflow")?;
    Ok(spawn(DataflowConfig { workers, ..config })?)
}

/// Brings the cache and then the views up to the log's present end, and says what that wrote.
pub(crate) fn bring_up_to_date(chain: &Chain, log: &Log, workers: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ends = log.committed_ends()?;
    catch_up_cache(log, &ends);
    let dataflow = start_dataflow(chain, log, workers)
        .context("the log has it, but the dataflow that writes the views did not start")?;
    let written = dataflow.wait_written(&ends);
    let summary = dataflow.shutdown();
    written.context("the log has it, but the views are not up to it; `eip dataflow` goes on")?;
    out!("{}", counts_text(&summary?.counts));
    out!("views up to date in {}", span(begun.elapsed()));
    Ok(())
}

/// Waits until the dataflow that runs elsewhere has written the views up to the log's present end.
pub(crate) fn wait_for_views(chain: &Chain, log: &Log) -> anyhow::Result<()> {
    let begun = Instant::now();
    let ends = log.committed_ends()?;
    let mut told = Instant::now();
    loop {
        let behind = behind(chain, &ends)?;
        if behind == 0 {
            out!("views up to date after {}", span(begun.elapsed()));
            return Ok(());
        }
        if told.elapsed() > TELL {
            told = Instant::now();
            err!(
                "the views are {} offsets behind; does a dataflow run (`eip status`)?",
                thousands(behind)
            );
        }
        if interrupt::asked() {
            bail!("stopped waiting; the log has it, and the next dataflow writes the views");
        }
        std::thread::sleep(LOOK);
    }
}

/// How many offsets the views are behind `ends`; all of them where no dataflow has run yet.
fn behind(chain: &Chain, ends: &[Offset]) -> anyhow::Result<u64> {
    let written = match chain.views() {
        Ok(mut views) => views
            .progress()?
            .map_or(Vec::new(), |progress| progress.offsets),
        Err(error) => {
            tracing::debug!(%error, "no views yet");
            Vec::new()
        }
    };
    let written = written.iter().copied().chain(std::iter::repeat(Offset(0)));
    Ok(ends
        .iter()
        .zip(written)
        .map(|(end, next)| end.0.saturating_sub(next.0))
        .sum())
}

/// A cache that cannot be written costs time at the next start, never a result.
pub(crate) fn catch_up_cache(log: &Log, ends: &[Offset]) {
    let caught_up = Cache::open(log).and_then(|mut cache| cache.catch_up(ends));
    if let Err(error) = caught_up {
        tracing::warn!(%error, "the Parquet cache was not brought up to the log");
    }
}

/// What a dataflow did, as a person reads it.
pub(crate) fn counts_text(counts: &Counts) -> String {
    let mut lines: Vec<String> = VIEWS
        .into_iter()
        .map(|view| {
            let (name, counts) = (view.name, counts.of(view));
            let (written, deleted) = (thousands(counts.written), thousands(counts.deleted));
            if view.is_documents() {
                let unchanged = thousands(counts.unchanged);
                format!(
                    "{name:<18} {written} indexed, {deleted} deleted, {unchanged} found as they \
                     should be"
                )
            } else {
                format!("{name:<18} {written} rows written, {deleted} deleted")
            }
        })
        .collect();
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
    if counts.refused > 0 {
        lines.push(format!(
            "{:<18} {} documents: see `eip deadletters list`",
            "refused",
            thousands(counts.refused)
        ));
    }
    lines.join("\n")
}

/// What was done between two moments of one dataflow.
pub(crate) fn counts_since(now: &Counts, then: &Counts) -> Counts {
    let views = now.views.iter().map(|&(view, now)| {
        let then = then.of(view);
        let since = ViewCounts {
            written: now.written - then.written,
            deleted: now.deleted - then.deleted,
            unchanged: now.unchanged - then.unchanged,
        };
        (view, since)
    });
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
        views: views.collect(),
        refused: now.refused - then.refused,
    }
}

/// A view that lags is no error, but who reads its figures must know; likewise of one that was made
/// from records that the log does not have.
pub(crate) fn warn_if_behind(chain: &Chain, log: &Log) -> anyhow::Result<()> {
    let progress = chain
        .views()
        .ok()
        .map(|mut views| views.progress())
        .transpose()?;
    if let Some(progress) = progress.flatten()
        && !departures(log, &progress)?.is_empty()
    {
        err!(
            "warning: the views were made from records that the log does not have: it was cut, \
             restored or written again; `eip dataflow --until-caught-up` writes the views of the \
             log that is there"
        );
        return Ok(());
    }
    let behind = behind(chain, &log.committed_ends()?)?;
    if behind > 0 {
        err!(
            "warning: the views are {} offsets behind the log; bring them up with \
             `eip dataflow --until-caught-up`",
            thousands(behind)
        );
    }
    Ok(())
}
