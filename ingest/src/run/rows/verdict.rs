//! What becomes of every row, and how it is told.

use std::collections::BTreeMap;

use eip_contract::RejectReason;
use eip_olist::{COLUMNS, FILES};
use hashbrown::HashSet;
use serde::Serialize;

use super::line::{NAMES, NoRow};
use super::{Rows, read};
use crate::run::input_report::{InputReport, RejectCount};
use crate::run::outcome::RunSummary;
use crate::run::source::Input;

/// Places in [`NAMES`].
const ORDERS: usize = 2;
const ITEMS: usize = 3;
/// An item whose order is rejected.
const ORDER_REJECTED: &str = "order_rejected";
/// An order without items beside a line that may be one of them.
const UNREADABLE_LINE: &str = "unreadable_line";

/// One row as it is answered.
pub(super) struct Line {
    number: u64,
    /// The place of its file in [`NAMES`].
    file: Option<usize>,
    /// Of a row of the files that have it.
    order_id: Option<Box<str>>,
    verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It says what is so.
    Accepted,
    /// It is well, and a later row with the same key says what is so.
    Superseded,
    Rejected {
        field: &'static str,
        reason: &'static str,
    },
}

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts {
    /// Rows that are well.
    pub accepted: u64,
    /// Rows that are not.
    pub rejected: u64,
}

/// The verdict about every line, and the orders that the reader accepted and that are left out all the
/// same: they have no item, and a line that cannot be read may be one. `places` is that of
/// [`read::Push::files`].
pub(super) fn verdicts(
    lines: Vec<read::Line>,
    places: &read::Places,
    input: &Input,
) -> (Vec<Line>, HashSet<String>) {
    let mut lines: Vec<Line> = lines.into_iter().map(Line::new).collect();
    let (mut incomplete, mut left_out) = (HashSet::new(), HashSet::new());
    for reject in input.rejects() {
        let file = FILES.iter().position(|name| *name == reject.file);
        let file = file.expect("the reader names its own files");
        let at = places[file].binary_search_by_key(&reject.line, |&(line, _)| line);
        let (_, place) = places[file][at.expect("a reject is of a row that was given")];
        let columns = COLUMNS[file].iter();
        let field = columns.copied().find(|column| *column == reject.field);
        let field = field.unwrap_or_default();
        // A line that is no row went in as its key alone; it was said before what is wrong with it.
        if !lines[place].is_rejected() {
            lines[place].verdict = match reject.reason {
                RejectReason::Repeated | RejectReason::Contradicting => Verdict::Superseded,
                reason => Verdict::Rejected {
                    field,
                    reason: reason.code(),
                },
            };
        }
        let takes_order = matches!(
            reject.reason,
            RejectReason::DependsOnRejected | RejectReason::DerivedTimeOutOfRange
        );
        left_out.extend(reject.order_id.clone().filter(|_| takes_order));
    }
    if lines.iter().any(Line::may_be_an_item) {
        for line in &mut lines {
            let order_id = line
                .order_id
                .as_deref()
                .filter(|_| line.file == Some(ORDERS));
            let has_none = |id: &&str| input.facts_of(id).is_some_and(|facts| !facts.has_item);
            if let Some(id) = order_id
                .filter(has_none)
                .filter(|_| line.verdict == Verdict::Accepted)
            {
                incomplete.insert(id.to_owned());
                left_out.insert(id.to_owned());
                line.verdict = Verdict::Rejected {
                    field: COLUMNS[ORDERS][0],
                    reason: UNREADABLE_LINE,
                };
            }
        }
    }
    if !left_out.is_empty() {
        for line in &mut lines {
            line.follow(&left_out);
        }
    }
    (lines, incomplete)
}

impl Line {
    fn new(line: read::Line) -> Self {
        let number = line.number;
        match line.read {
            Ok(row) => Self {
                number,
                file: Some(row.file),
                order_id: (row.file >= ORDERS).then_some(row.key),
                verdict: Verdict::Accepted,
            },
            Err(NoRow {
                file,
                field,
                reason,
                key,
            }) => Self {
                number,
                file,
                order_id: key.filter(|_| file >= Some(ORDERS)),
                verdict: Verdict::Rejected { field, reason },
            },
        }
    }

    /// Rejects what belongs to an order that is left out.
    fn follow(&mut self, left_out: &HashSet<String>) {
        let is_left_out = (self.order_id.as_deref()).is_some_and(|id| left_out.contains(id));
        if !is_left_out || self.is_rejected() {
            return;
        }
        let (field, reason) = match (self.file, self.verdict) {
            (Some(ITEMS), _) => (COLUMNS[ITEMS][0], ORDER_REJECTED),
            // The rules came after the reader had made this one a duplicate.
            (_, Verdict::Superseded) => (COLUMNS[ORDERS][0], RejectReason::Contradicting.code()),
            _ => (COLUMNS[ORDERS][0], RejectReason::DependsOnRejected.code()),
        };
        self.verdict = Verdict::Rejected { field, reason };
    }

    /// Whether it cannot be read so far that it names an order, and may be an item of any.
    fn may_be_an_item(&self) -> bool {
        self.is_rejected() && self.order_id.is_none() && matches!(self.file, None | Some(ITEMS))
    }

    fn is_rejected(&self) -> bool {
        matches!(self.verdict, Verdict::Rejected { .. })
    }
}

/// The answer about one row.
#[derive(Serialize)]
struct Answer<'a> {
    line: u64,
    file: Option<&'static str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    superseded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Rows {
    /// How many rows were pushed.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many became what.
    pub fn counts(&self) -> VerdictCounts {
        let rejected = self.lines.iter().filter(|line| line.is_rejected()).count();
        VerdictCounts {
            accepted: (self.lines.len() - rejected) as u64,
            rejected: rejected as u64,
        }
    }

    /// Writes the verdict about a row, below [`Rows::len`] in the order of the push, as one line. The
    /// row of an order lists the ids of the events that come of it; the other rows, and one that a
    /// later row has superseded, list none. Gives how many there are.
    pub fn write_verdict(&self, place: usize, out: &mut Vec<u8>) -> usize {
        let line = &self.lines[place];
        let order_id = line.order_id.as_deref();
        let mut answer = Answer {
            line: line.number,
            file: line.file.map(|file| NAMES[file]),
            status: "accepted",
            order_id,
            event_ids: None,
            superseded: line.verdict == Verdict::Superseded,
            field: None,
            reason: None,
        };
        let mut count = 0;
        if let Verdict::Rejected { field, reason } = line.verdict {
            answer.status = "rejected";
            (answer.field, answer.reason) = (Some(field), Some(reason));
        } else {
            let makes_events = line.file == Some(ORDERS) && !answer.superseded;
            let events = order_id
                .filter(|_| makes_events)
                .map(|id| self.events_of(id));
            let ids = events.into_iter().flatten();
            let ids: Vec<String> = ids.map(|event| event.event_id().to_string()).collect();
            count = ids.len();
            answer.event_ids = Some(ids);
        }
        serde_json::to_writer(&mut *out, &answer).expect("an answer is plain data");
        out.push(b'\n');
        count
    }

    /// The figures that the rows fix.
    pub(super) fn summary(&self) -> RunSummary {
        let mut rejects: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let mut orders = 0;
        for line in &self.lines {
            let file = line.file.map_or("", |file| NAMES[file]);
            match line.verdict {
                Verdict::Rejected { reason, .. } => {
                    *rejects.entry((file, reason)).or_default() += 1;
                }
                Verdict::Accepted if line.file == Some(ORDERS) => orders += 1,
                Verdict::Accepted | Verdict::Superseded => {}
            }
        }
        let rejects = rejects
            .into_iter()
            .map(|((file, reason), rows)| RejectCount {
                file: file.to_owned(),
                reason: reason.to_owned(),
                rows,
                ..RejectCount::default()
            });
        RunSummary {
            range: self.range,
            as_of: self.input.as_of(),
            rules: self.input.rules().to_string(),
            rules_sha256: self.input.rules().sha256(),
            orders,
            input: InputReport {
                rejects: rejects.collect(),
                orders,
                ..InputReport::default()
            },
            ..RunSummary::default()
        }
    }
}
