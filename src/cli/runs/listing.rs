//! The runs of a ledger as a table: who, when, why, how many, and what a revert reverted.
//!
//! A row has the same columns for every run. What only some runs have follows below the row: the
//! reason, the error, and the run that reverted this one. Figures in parentheses are planned and
//! not written.

use eip_contract::{Day, EventTime, Offset};
use eip_ingest::run::{RunKind, RunState, RunView};

use crate::text::{table, thousands};

/// Longest name of a dataset, of rules or of a requester that is shown whole.
const NAME: usize = 12;
/// Longest reason or error that is shown whole.
const WHY: usize = 110;

const HEADER: [&str; 12] = [
    "run",
    "kind",
    "state",
    "attempt",
    "days",
    "rules",
    "dataset",
    "who",
    "when (UTC)",
    "took",
    "events",
    "retracted",
];
/// Columns that are no figures.
const WORDS: usize = 9;

/// The table. `now_ms` is for runs that have not ended.
pub(super) fn listing(runs: &[RunView], now_ms: i64) -> String {
    let rows = runs.iter().map(|run| row(run, now_ms)).collect();
    let table = table(&HEADER, WORDS, rows);
    let mut lines = table.lines();
    let mut text: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
    for (line, run) in lines.zip(runs) {
        text.push(line.to_owned());
        let notes = notes(run, runs);
        text.extend(notes.map(|(name, note)| format!("     {name:<8} {note}")));
    }
    text.join("\n")
}

fn row(run: &RunView, now_ms: i64) -> Vec<String> {
    let name = |name: &Option<String>| {
        let name = name.as_deref().filter(|name| !name.is_empty());
        name.map_or_else(dash, |name| cut(name, NAME))
    };
    vec![
        run.run.clone(),
        run.kind.to_string(),
        run.state.to_string(),
        run.attempt.to_string(),
        subject(run),
        name(&run.rules),
        name(&run.dataset),
        name(&run.requester),
        minute(run.requested_at_ms),
        took(run, now_ms),
        events(run),
        retracted(run),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

/// The days that a run is about, or of a revert the run that it reverts.
fn subject(run: &RunView) -> String {
    if let Some(target) = &run.target_run {
        return format!("reverts {target}");
    }
    let text = |day: Option<Day>| day.map_or_else(String::new, |day| day.to_string());
    match (run.start, run.end) {
        (None, None) if run.kind == RunKind::Import => dash(),
        (None, None) => "all".to_owned(),
        (start, end) => format!("{}..{}", text(start), text(end)),
    }
}

/// Wall time as `2026-11-29 23:59`.
fn minute(ms: i64) -> String {
    let time = EventTime::from_seconds(ms.div_euclid(1_000));
    time.map_or_else(dash, |time| time.to_string()[..16].replace('T', " "))
}

/// From when it was asked for to its end, or until now.
fn took(run: &RunView, now_ms: i64) -> String {
    let end = if run.state.is_live() {
        now_ms
    } else {
        run.at_ms
    };
    let ms = end.saturating_sub(run.requested_at_ms).max(0);
    match ms / 1_000 {
        0..100 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        seconds @ 100..6_000 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

fn events(run: &RunView) -> String {
    let count = |name: &str| run.counts.get(name).copied();
    if run.state == RunState::Rehearsed {
        return count("events_planned").map_or_else(dash, planned);
    }
    if let Some(events) = count("events") {
        // What earlier attempts had written counts too.
        return thousands(events + count("events_before").unwrap_or(0));
    }
    match (&run.first_offsets, &run.end_offsets) {
        (Some(first), Some(ends)) if run.kind == RunKind::Import => thousands(between(first, ends)),
        _ if run.state == RunState::Committed => thousands(0),
        _ => dash(),
    }
}

fn between(first: &[Offset], ends: &[Offset]) -> u64 {
    let pairs = first.iter().zip(ends);
    pairs
        .map(|(first, end)| end.0.saturating_sub(first.0))
        .sum()
}

/// Facts that it retracted; only window and revert runs ever do.
fn retracted(run: &RunView) -> String {
    let facts = run.counts.get("facts_retracted");
    match (facts, run.state) {
        (Some(&facts), RunState::Committed) => thousands(facts),
        (Some(&facts), RunState::Rehearsed) => planned(facts),
        _ => dash(),
    }
}

fn planned(count: u64) -> String {
    format!("({})", thousands(count))
}

/// What only some runs have.
fn notes<'a>(
    run: &'a RunView,
    runs: &'a [RunView],
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let why = run
        .reason
        .as_deref()
        .map(|reason| ("why", cut(reason, WHY)));
    let error = run.error.as_deref().map(|error| ("error", cut(error, WHY)));
    let reverts = runs.iter().filter(|other| {
        other.target_run.as_ref() == Some(&run.run) && other.state == RunState::Committed
    });
    let reverted = reverts.map(|revert| ("reverted", format!("by run {}", revert.run)));
    why.into_iter().chain(error).chain(reverted)
}

/// At most so many characters, on one line.
fn cut(text: &str, most: usize) -> String {
    let clean = |c: char| if c.is_control() { '?' } else { c };
    let mut shown: String = text.chars().take(most).map(clean).collect();
    if text.chars().nth(most).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A committed fast run of 12,345 events.
    fn run(id: &str) -> RunView {
        RunView {
            run: id.to_owned(),
            kind: RunKind::Fast,
            state: RunState::Committed,
            attempt: 1,
            requested_at_ms: 1_511_999_940_000,
            at_ms: 1_511_999_941_250,
            requester: Some("kim".to_owned()),
            origin: Some("cli".to_owned()),
            reason: None,
            start: None,
            end: None,
            dataset: Some("olist".to_owned()),
            files: BTreeMap::new(),
            cached_run: None,
            rules: Some("default".to_owned()),
            rules_sha256: None,
            as_of: None,
            emit: None,
            mix: false,
            dry_run: false,
            force: false,
            target_run: None,
            limits: BTreeMap::new(),
            scale_factor: None,
            pace: BTreeMap::new(),
            owner_url: None,
            plan: None,
            counts: BTreeMap::from([("events".to_owned(), 12_345)]),
            input: None,
            guard: BTreeMap::new(),
            first_offsets: None,
            end_offsets: None,
            error: None,
        }
    }

    fn counted(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts
            .iter()
            .map(|&(name, count)| (name.to_owned(), count))
            .collect()
    }

    #[test]
    fn a_run_is_shown_with_who_when_why_and_how_many() {
        let fast = run("aaaaaaaaaaaaaaaa");
        let window = RunView {
            kind: RunKind::Window,
            start: "2018-03-01".parse().ok(),
            end: "2018-04-01".parse().ok(),
            reason: Some("OPS-17: carrier times were late".to_owned()),
            counts: counted(&[("events", 900), ("facts_retracted", 17)]),
            at_ms: 1_512_000_245_000,
            ..run("bbbbbbbbbbbbbbbb")
        };
        let revert = RunView {
            kind: RunKind::Revert,
            target_run: Some(window.run.clone()),
            rules: None,
            dataset: None,
            counts: counted(&[("events", 917), ("facts_retracted", 0)]),
            ..run("cccccccccccccccc")
        };
        let failed = RunView {
            state: RunState::Failed,
            error: Some("input: too many rows".to_owned()),
            counts: BTreeMap::new(),
            ..run("dddddddddddddddd")
        };
        let rehearsed = RunView {
            kind: RunKind::Window,
            state: RunState::Rehearsed,
            counts: counted(&[("events_planned", 900), ("facts_retracted", 17)]),
            ..run("eeeeeeeeeeeeeeee")
        };
        let text = listing(&[fast, window, revert, failed, rehearsed], 0);
        let wanted = "   run               kind    state      attempt  days                      rules    dataset  who  when (UTC)         took  events  retracted
   aaaaaaaaaaaaaaaa  fast    committed  1        all                       default  olist    kim  2017-11-29 23:59  1.2 s  12,345          -
   bbbbbbbbbbbbbbbb  window  committed  1        2018-03-01..2018-04-01    default  olist    kim  2017-11-29 23:59  5m05s     900         17
     why      OPS-17: carrier times were late
     reverted by run cccccccccccccccc
   cccccccccccccccc  revert  committed  1        reverts bbbbbbbbbbbbbbbb  -        -        kim  2017-11-29 23:59  1.2 s     917          0
   dddddddddddddddd  fast    failed     1        all                       default  olist    kim  2017-11-29 23:59  1.2 s       -          -
     error    input: too many rows
   eeeeeeeeeeeeeeee  window  rehearsed  1        all                       default  olist    kim  2017-11-29 23:59  1.2 s   (900)       (17)";
        assert_eq!(text, wanted, "\n{text}");
    }

    #[test]
    fn events_of_all_attempts_count() {
        let resumed = RunView {
            attempt: 2,
            counts: counted(&[("events", 5), ("events_before", 7)]),
            ..run("aaaaaaaaaaaaaaaa")
        };
        assert_eq!(events(&resumed), "12");
    }

    #[test]
    fn whatever_a_requester_wrote_a_row_stays_a_line_of_readable_length() {
        let odd = RunView {
            requester: Some("kim\n\u{1b}[31m".repeat(200)),
            dataset: Some("d".repeat(500)),
            reason: Some("é".repeat(500)),
            ..run("aaaaaaaaaaaaaaaa")
        };
        let text = listing(&[odd], 0);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 160),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
