//! Pushed rows: raw rows of the four files, whole by themselves, joined, converted and asserted.
//!
//! ```text
//!  lines ─► rows (line) ─► each file's text (read) ─► the files' own reader ─► verdicts (verdict)
//!                                                          │ orders
//!                                                          ▼
//!        claim ─► running ─► events by (eventAt, orderId, rank) ─► synced ─► committed
//! ```
//! Two things differ from a file (semantics, section 5). Of several rows with the same key the last
//! one that is accepted counts. And whoever pushes can be asked at once: an order whose customer or
//! whose items' sellers are not in the push, and an item without its order, are rejected, where a
//! file's would get an unknown region. An empty reference is no missing row. Everything else is as in
//! a file: an order goes with a rejected row that it needs, also with a line that is no row and names
//! it. A line that cannot be read at all may be an item: orders without one are rejected beside it.
//!
//! A [`Rows`] is a pure function of the body, the rules, asOf and the range, so that the same key with
//! the same body is answered with the same verdicts whether it has to write anything or not.

mod line;
mod read;
mod verdict;

use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

use eip_contract::{Event, EventTime};
use eip_log::RunParameters;
use eip_olist::{Dataset, Limits, Source};
use hashbrown::HashSet;

pub use read::{RowsError, RowsLimits};
pub use verdict::VerdictCounts;

use super::amplify::Amplify;
use super::asserting::{EVENTS_A_LOOK, Written, append};
use super::error::RunError;
use super::ledger::Attempt;
use super::observer::{Observer, Phase, Progress};
use super::order::{Due, Order};
use super::outcome::RunOutcome;
use super::request::DayRange;
use super::source::Input;
use super::state::RunState;
use crate::rules::Rules;
use read::Push;
use verdict::{Line, verdicts};

/// Name of the body among the input files of a run.
const BODY: &str = "rows";

/// The rows of one push under its rules, each with its verdict.
pub struct Rows {
    input: Input,
    range: DayRange,
    sha256: String,
    lines: Vec<Line>,
    /// Orders that the reader accepted and that are rejected all the same: they have no item, and a line
    /// that cannot be read may be one.
    incomplete: HashSet<String>,
}

/// What a push says beside its rows.
#[derive(Clone, Debug)]
pub struct RowsTerms {
    /// The conversion rules.
    pub rules: Rules,
    /// Decides about delays of orders that are not delivered.
    pub as_of: EventTime,
    /// Cuts by eventAt.
    pub range: DayRange,
}

/// Rows to assert.
#[derive(Clone, Debug)]
pub struct RowsTask {
    /// The rows.
    pub rows: Arc<Rows>,
}

/// The same words are the same task; what the rows say follows from them.
impl PartialEq for RowsTask {
    fn eq(&self, other: &Self) -> bool {
        self.rows.parameters() == other.rows.parameters()
    }
}

impl Eq for RowsTask {}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("lines", &self.lines.len())
            .field("sha256", &self.sha256)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl Rows {
    /// Reads the unpacked bytes of a push and judges every row. Nothing is written.
    pub fn read(
        text: impl std::io::Read,
        terms: RowsTerms,
        limits: &RowsLimits,
    ) -> Result<Self, RowsError> {
        let mut push = Push::read(text, limits)?;
        let (texts, places) = push.files();
        let sources = texts.map(|text| Source::of(Cursor::new(text)));
        // A line of a push is far below these.
        let dataset = Dataset::read_closed(sources, &Limits::default());
        let dataset = dataset.expect("texts in memory that were just written as CSV are read");
        let input = Input::of(dataset, terms.rules, Some(terms.as_of));
        let (lines, incomplete) = verdicts(push.lines, &places, &input);
        Ok(Self {
            input,
            range: terms.range,
            sha256: push.sha256,
            lines,
            incomplete,
        })
    }

    /// The range of event time.
    pub(crate) fn range(&self) -> DayRange {
        self.range
    }

    /// What the ledger says of the request.
    pub(crate) fn parameters(&self) -> RunParameters {
        let rules = self.input.rules();
        RunParameters {
            start: self.range.start,
            end: self.range.end,
            rules: Some(rules.name().to_owned()),
            rules_sha256: Some(rules.sha256()),
            as_of: self.input.as_of(),
            files: [(BODY.to_owned(), self.sha256.clone())].into(),
            ..RunParameters::default()
        }
    }

    /// The events in the range of an order that is not rejected.
    fn events_of<'a>(&'a self, order_id: &'a str) -> impl Iterator<Item = Event<'a>> {
        let facts = self.input.facts_of(order_id);
        let facts = facts.filter(|_| !self.incomplete.contains(order_id));
        let events = facts.into_iter().flat_map(|facts| facts.events());
        events.filter(|event| self.range.contains(event.event_at))
    }

    /// All events to write.
    fn in_order(&self, order: &Order<'_>) -> Vec<Due> {
        let mut events = order.events(self.range);
        if !self.incomplete.is_empty() {
            events.retain(|&due| !self.incomplete.contains(&order.order_id(due)));
        }
        events
    }
}

pub(crate) fn execute(
    attempt: &mut Attempt<'_>,
    task: &RowsTask,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let asserted = assert(attempt, &task.rows, observer);
    if let Err(RunError::Log(error)) = &asserted {
        // Whoever pushed asks again with the same key, so this is no end. A log that does not take
        // this entry either shows the run as live until somebody finds its owner gone.
        tracing::warn!(run = %attempt.run, %error, "the log failed; the same key goes on");
        let interrupted = attempt.entry(RunState::Interrupted);
        if let Err(second) = attempt.enter(&interrupted) {
            tracing::error!(run = %attempt.run, error = second.chain(), "the ledger does not know it");
        }
    }
    asserted
}

fn assert(
    attempt: &mut Attempt<'_>,
    rows: &Rows,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let started = attempt.now();
    let order = Order::new(&rows.input, Amplify::NONE);
    let events = rows.in_order(&order);
    let counts = rows.counts();
    let mut summary = rows.summary();
    summary.first_offsets = attempt.writer.ends()?;
    let mut progress = Progress {
        total: Some(events.len() as u64),
        rejects: counts.rejected,
        ..Progress::of(Phase::Writing)
    };
    let known = [
        ("events_planned", events.len() as u64),
        ("rows", counts.accepted + counts.rejected),
        ("rows_rejected", counts.rejected),
        ("orders", summary.orders),
    ];
    attempt.start_asserting(&summary, &known)?;

    let mut written = Written::default();
    let counts = (&mut written, &mut progress);
    let stopped = append(attempt, &order, &events, counts, EVENTS_A_LOOK, observer)?;
    let ended = stopped.unwrap_or(RunState::Committed);
    progress.phase = Phase::Committing;
    observer.progress(&progress);
    attempt.writer.sync()?;
    attempt.writer.check_claim(&attempt.tag)?;

    summary.events = written.by_type();
    summary.end_offsets = attempt.writer.ends()?;
    let entry = attempt.end_of_asserting(ended, &summary);
    attempt.enter(&entry)?;
    summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(attempt.outcome(ended, summary, None))
}

#[cfg(test)]
mod tests;
