//! `eip verify`: are the stored views what the log says?
//!
//! The log is read anew and the views are made from it by the plainest code that can do it
//! ([`recompute`]), which shares nothing with the dataflow. Then both sides are walked in the order
//! of their lines and compared row by row ([`compare`]). Where the views stand is where they are
//! compared: what the log holds beyond the store's progress is no difference but counts as behind.

mod compare;
mod recompute;
mod report;

use anyhow::{Context as _, ensure};
use eip_contract::{Day, Offset};
use eip_log::Log;
use eip_stores::ViewReader;
use eip_views::VIEWS;

pub(crate) use compare::{Difference, ViewComparison};
pub(crate) use recompute::ForeignId;

/// How often a comparison is made again when a dataflow wrote in the midst of it.
const ATTEMPTS: usize = 3;

/// What a verification found.
#[derive(Debug)]
pub(crate) struct VerifyReport {
    /// The half-open range of days that was compared; all days when there is none.
    pub(crate) range: Option<(Day, Day)>,
    /// One comparison a view.
    pub(crate) views: Vec<ViewComparison>,
    /// Committed records that were read.
    pub(crate) records: u64,
    /// Records that the views do not contain yet.
    pub(crate) behind: u64,
    /// Records that are no canonical events, by the reason's short name.
    pub(crate) dead_letters: std::collections::BTreeMap<&'static str, u64>,
    /// Dead letters that the store lists.
    pub(crate) stored_dead_letters: u64,
    /// Records whose written eventId is not the one that follows from their fields.
    pub(crate) foreign_ids: u64,
    /// The first of them.
    pub(crate) first_foreign_id: Option<ForeignId>,
}

impl VerifyReport {
    /// Whether the views are all that the log says, and nothing else.
    pub(crate) fn is_equal(&self) -> bool {
        self.behind == 0 && self.views.iter().all(ViewComparison::is_equal)
    }
}

/// Compares the stored views of a chain with its log; with a range, only events of these
/// days, shipments with a fact in them, and rows of them.
pub(crate) fn verify(
    log: &Log,
    reader: &mut ViewReader,
    range: Option<(Day, Day)>,
) -> anyhow::Result<VerifyReport> {
    let mut attempt = 1;
    loop {
        let tick = stored_tick(reader)?;
        let report = reader.snapshot(|reader| compare_once(log, reader, range))?;
        // Documents of a tick are there before its progress is, so a difference under a running
        // dataflow may be gone with the next tick.
        let moved = stored_tick(reader)? != tick;
        if report.is_equal() || !moved || attempt == ATTEMPTS {
            return Ok(report);
        }
        attempt += 1;
    }
}

fn stored_tick(reader: &mut ViewReader) -> anyhow::Result<Option<(u64, u64)>> {
    Ok(reader
        .progress()?
        .map(|progress| (progress.epoch, progress.tick)))
}

fn compare_once(
    event_log: &Log,
    reader: &mut ViewReader,
    range: Option<(Day, Day)>,
) -> anyhow::Result<VerifyReport> {
    let progress = reader.progress()?;
    let (mut written, topic_id) = match progress {
        Some(progress) => (progress.offsets, progress.topic_id),
        None => (Vec::new(), event_log.topic_id().to_string()),
    };
    ensure!(
        topic_id == event_log.topic_id().to_string(),
        "the views in {} are of log {topic_id}, the log there is {}: have them made again (`eip space \
         reset`, or remove views.sqlite*)",
        reader.place(),
        event_log.topic_id()
    );
    written.resize(event_log.partitions() as usize, Offset(0));
    let ends = event_log
        .committed_ends()
        .context("cannot find the end of the log")?;
    let behind = ends
        .iter()
        .zip(&written)
        .map(|(end, next)| end.0.saturating_sub(next.0))
        .sum();

    let log = recompute::read(event_log, &written).context("cannot read the log")?;
    let mut views = Vec::new();
    for view in VIEWS {
        let expected = log.lines(view, range);
        let mut comparison = compare::Comparison::new(view, expected, range);
        if view.is_documents() {
            let mut each = |id: &str, line: &[u8]| comparison.stored(Some(id), line);
            reader.for_each_document(view, &mut each)?;
        } else {
            reader.for_each_line(view, &mut |line| comparison.stored(None, line))?;
        }
        views.push(comparison.finish());
    }
    let stored_dead_letters = reader.counts()?.dead_letters;
    Ok(VerifyReport {
        range,
        views,
        records: log.records,
        behind,
        dead_letters: log.dead_letters,
        stored_dead_letters,
        foreign_ids: log.foreign_ids,
        first_foreign_id: log.first_foreign_id,
    })
}
