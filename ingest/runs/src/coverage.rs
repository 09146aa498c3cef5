//! Which run last applied to each day of event time, as the ledger tells it.
//!
//! Counted are committed fast, window and scaled runs over their whole ranges, in the order in which
//! they were committed; the last one has the day. A run that a committed revert undid whole is left
//! out, so that what stood before it shows again; one that was undone in parts still has its days.
//! Rehearsals change nothing, pushed rows and imported files say nothing about whole days, and a run
//! that did not come to its end has no days to vouch for.

use std::collections::BTreeMap;

use eip_contract::Day;
use eip_log::{LedgerEntry, LedgerView, RunKind, RunState};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::text;
use crate::undone::undone;

/// Days that the same run applied to last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CoveredDays {
    /// The first; none: all before `end`.
    #[serde(serialize_with = "text::optional_day")]
    #[schema(value_type = Option<String>, format = Date)]
    pub start: Option<Day>,
    /// The day behind the last; none: all from `start` on.
    #[serde(serialize_with = "text::optional_day")]
    #[schema(value_type = Option<String>, format = Date)]
    pub end: Option<Day>,
    /// The run.
    pub run: String,
    /// Its kind.
    #[schema(value_type = String, example = "window")]
    pub kind: RunKind,
    /// When it was committed, in wall milliseconds.
    pub committed_at_ms: i64,
    /// Name of its rules.
    pub rules: Option<String>,
    /// SHA-256 of its rules.
    pub rules_sha256: Option<String>,
    /// Name of its dataset.
    pub dataset: Option<String>,
    /// SHA-256 of each of its input files, by name.
    pub files: BTreeMap<String, String>,
    /// Names all of its input at once: SHA-256 over a line `hash  name` for each of `files`, by name, as
    /// `sha256sum` prints them. None where the run names no files.
    pub data_sha256: Option<String>,
    /// Rows of its input that were rejected.
    pub rejects: Rejects,
    /// Orders that it would have corrected and left alone.
    pub orders_left: LeftOrders,
}

/// Rejected rows of a run's input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejects {
    /// All of them; none where the run does not say.
    #[schema(value_type = Option<i64>, minimum = 0)]
    pub rows: Option<u64>,
    /// The same by file and reason.
    pub by_reason: Vec<RejectedRows>,
}

/// Rejected rows of one file for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectedRows {
    /// The file.
    pub file: String,
    /// Short fixed name of the reason.
    pub reason: String,
    /// How many rows.
    pub rows: u64,
}

/// Orders that a window run left as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LeftOrders {
    /// All of them.
    pub orders: u64,
    /// The same by the reason: `rejected_orders` (their row was rejected, or one that they need),
    /// `pushed_orders` (pushed, and not in the data), `swallowed_orders` (not in the data, where another row
    /// may have swallowed theirs), `swallowed_items` (without an item, where another row may have swallowed
    /// it). Runs of older programs say only how many.
    pub by_reason: BTreeMap<String, u64>,
}

impl Rejects {
    /// What the last entry of a run says.
    fn of(run: &LedgerEntry) -> Self {
        let rejects = run.input.as_ref().and_then(|input| input.get("rejects"));
        let by_reason = rejects.and_then(|rejects| Vec::deserialize(rejects).ok());
        Self {
            rows: run.counts.get("rows_rejected").copied(),
            by_reason: by_reason.unwrap_or_default(),
        }
    }
}

impl LeftOrders {
    /// What the last entry of a run says.
    fn of(run: &LedgerEntry) -> Self {
        let by_reason = run.counts.iter().filter_map(|(name, &orders)| {
            let reason = name.strip_prefix("orders_left_").filter(|_| orders > 0)?;
            Some((reason.to_owned(), orders))
        });
        Self {
            orders: run.counts.get("orders_left").copied().unwrap_or(0),
            by_reason: by_reason.collect(),
        }
    }
}

/// One hash for all input files.
fn data_sha256(files: &BTreeMap<String, String>) -> Option<String> {
    if files.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    for (name, sha256) in files {
        hash.update(format!("{sha256}  {name}\n"));
    }
    let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
    Some(hash.finalize().iter().fold(String::new(), hex))
}

/// The days that any run applied to, ascending and without an overlap.
pub fn coverage(ledger: &LedgerView, entries: &[LedgerEntry]) -> Vec<CoveredDays> {
    let undone = undone(ledger);
    let mut days: BTreeMap<Day, (Day, &LedgerEntry)> = BTreeMap::new();
    for entry in entries {
        let counts = entry.state == RunState::Committed && applies(entry.kind);
        if !counts || undone.contains(entry.run_id.as_str()) {
            continue;
        }
        let run = ledger.get(&entry.run_id);
        let Some(asked) = run.and_then(|run| run.last.parameters.as_ref()) else {
            continue;
        };
        let (start, end) = (
            asked.start.unwrap_or(Day::MIN),
            asked.end.unwrap_or(Day::END),
        );
        cut(&mut days, start, end);
        days.insert(start, (end, entry));
    }
    let open = |day: Day, limit: Day| Some(day).filter(|&day| day != limit);
    let all = days.into_iter().map(|(start, (end, entry))| {
        let run = ledger.get(&entry.run_id).expect("it was found above");
        let asked = run.last.parameters.clone().unwrap_or_default();
        let data_sha256 = data_sha256(&asked.files);
        CoveredDays {
            start: open(start, Day::MIN),
            end: open(end, Day::END),
            run: entry.run_id.clone(),
            kind: entry.kind,
            committed_at_ms: entry.at,
            rules: asked.rules,
            rules_sha256: asked.rules_sha256,
            dataset: asked.dataset,
            files: asked.files,
            data_sha256,
            rejects: Rejects::of(&run.last),
            orders_left: LeftOrders::of(&run.last),
        }
    });
    all.collect()
}

fn applies(kind: RunKind) -> bool {
    match kind {
        RunKind::Fast | RunKind::Window | RunKind::Scaled => true,
        RunKind::Rows | RunKind::Revert | RunKind::Import => false,
    }
}

/// Takes [start, end) out of what is there.
fn cut<T: Copy>(days: &mut BTreeMap<Day, (Day, T)>, start: Day, end: Day) {
    let reaches_in = days.range(..end).rev();
    let touched: Vec<(Day, Day, T)> = reaches_in
        .take_while(|(_, (last, _))| *last > start)
        .map(|(&first, &(last, run))| (first, last, run))
        .collect();
    for (first, last, run) in touched {
        days.remove(&first);
        if first < start {
            days.insert(first, (start, run));
        }
        if last > end {
            days.insert(end, (last, run));
        }
    }
}

#[cfg(test)]
mod tests {
    use eip_log::{RunParameters, RunTag};

    use super::*;

    fn day(days: u32) -> Day {
        Day::from_days(days).unwrap()
    }

    fn entry(id: &str, kind: RunKind, state: RunState, days: Option<(u32, u32)>) -> LedgerEntry {
        let tag = RunTag {
            run_id: id.to_owned(),
            attempt: 1,
        };
        let mut entry = LedgerEntry::new(&tag, kind, state, 0);
        entry.parameters = Some(RunParameters {
            start: days.map(|days| day(days.0)),
            end: days.map(|days| day(days.1)),
            ..RunParameters::default()
        });
        entry
    }

    fn committed(id: &str, kind: RunKind, days: (u32, u32)) -> LedgerEntry {
        entry(id, kind, RunState::Committed, Some(days))
    }

    fn revert(id: &str, target: &str, left: u64) -> LedgerEntry {
        let mut entry = entry(id, RunKind::Revert, RunState::Committed, None);
        entry.parameters.as_mut().unwrap().target_run = Some(target.to_owned());
        entry.counts.insert("facts_left".to_owned(), left);
        entry
    }

    fn shown(entries: &[LedgerEntry]) -> Vec<String> {
        let days = coverage(&LedgerView::fold(entries.to_vec()), entries);
        let text = |day: Option<Day>| day.map_or("…".to_owned(), |day| day.days().to_string());
        days.iter()
            .map(|days| format!("{} {}-{}", days.run, text(days.start), text(days.end)))
            .collect()
    }

    #[test]
    fn the_run_that_was_committed_last_has_the_day() {
        use RunKind::{Fast, Scaled, Window};
        let mut ledger = vec![committed("a", Fast, (10, 20))];
        assert_eq!(shown(&ledger), ["a 10-20"]);
        ledger.push(committed("b", Window, (13, 16)));
        assert_eq!(shown(&ledger), ["a 10-13", "b 13-16", "a 16-20"]);
        ledger.push(committed("c", Scaled, (15, 18)));
        ledger.push(committed("d", Fast, (30, 40)));
        assert_eq!(
            shown(&ledger),
            ["a 10-13", "b 13-15", "c 15-18", "a 18-20", "d 30-40"]
        );
        ledger.push(entry("e", Window, RunState::Committed, None));
        assert_eq!(shown(&ledger), ["e …-…"]);
        ledger.push(committed("f", Fast, (12, 13)));
        assert_eq!(shown(&ledger), ["e …-12", "f 12-13", "e 13-…"]);
    }

    #[test]
    fn the_days_say_what_was_rejected_and_left_alone() {
        let mut ledger = vec![committed("a", RunKind::Window, (10, 20))];
        let last = &mut ledger[0];
        last.input = Some(serde_json::json!({ "rejects": [
            { "table": "orders", "file": "orders.csv", "reason": "bad_time", "rows": 3,
              "samples": [] },
        ] }));
        for (name, count) in [
            ("rows_rejected", 3),
            ("orders_left", 2),
            ("orders_left_rejected_orders", 2),
            ("orders_left_pushed_orders", 0),
        ] {
            last.counts.insert(name.to_owned(), count);
        }
        let files = &mut last.parameters.as_mut().unwrap().files;
        files.insert("a.csv".to_owned(), "1234".to_owned());
        files.insert("b.csv".to_owned(), "abcd".to_owned());
        let days = coverage(&LedgerView::fold(ledger.clone()), &ledger);
        let reason = RejectedRows {
            file: "orders.csv".to_owned(),
            reason: "bad_time".to_owned(),
            rows: 3,
        };
        assert_eq!(days[0].rejects.rows, Some(3));
        assert_eq!(days[0].rejects.by_reason, [reason]);
        assert_eq!(days[0].orders_left.orders, 2);
        let reasons = [("rejected_orders".to_owned(), 2)];
        assert_eq!(days[0].orders_left.by_reason, BTreeMap::from(reasons));
        // printf '1234  a.csv\nabcd  b.csv\n' | sha256sum
        let sha256 = "c87d81860dbfbd7436e9d5d55b838fd694ce344d359b11b8af71114b3528d7ca";
        assert_eq!(days[0].data_sha256.as_deref(), Some(sha256));
    }

    #[test]
    fn only_what_was_committed_and_stands_has_days() {
        use RunKind::{Fast, Rows, Window};
        let mut ledger = vec![
            committed("a", Fast, (10, 20)),
            entry("b", Window, RunState::Rehearsed, Some((0, 30))),
            entry("c", Fast, RunState::Interrupted, Some((0, 30))),
            committed("d", Rows, (0, 30)),
            committed("e", Window, (12, 14)),
        ];
        assert_eq!(shown(&ledger), ["a 10-12", "e 12-14", "a 14-20"]);
        ledger.push(revert("f", "e", 3));
        assert_eq!(shown(&ledger).len(), 3, "undone in parts");
        ledger.push(revert("g", "e", 0));
        assert_eq!(shown(&ledger), ["a 10-20"]);
        ledger.push(revert("h", "g", 0));
        assert_eq!(shown(&ledger).len(), 3, "the revert was undone");
    }
}
