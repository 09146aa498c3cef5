//! A run's receipt: one page that needs nothing else, for the ticket of an incident.
//!
//! It reads from the top: how it ended and what that comes to, why and who, what was announced beside
//! what was done, what changed where; then what proves it. A plan that was not carried out has nothing
//! done, and the page says so. Every text that comes from outside is escaped.

mod html;
mod input;
mod report;

use serde_json::Value;

use super::app::RunAnswer;
use crate::run::{InputReport, RunState};
use html::{STYLE, Text, count, digest, pair, put, table};

/// The page of a run; `rehearsal` is its plan's report, as it is in `rehearsal.json`.
pub(super) fn page(answer: &RunAnswer, rehearsal: Option<&Value>) -> String {
    let mut page = String::new();
    let is_done = rehearsal.is_none() || answer.view.state == RunState::Committed;
    head(&mut page, answer);
    if let Some(report) = rehearsal {
        report::lead(&mut page, report, is_done);
    }
    why_and_who(&mut page, answer);
    announced_and_done(&mut page, answer, rehearsal, is_done);
    if let Some(report) = rehearsal {
        report::changes(&mut page, report);
        report::digests(&mut page, report, is_done);
    }
    if let Some(report) = InputReport::of_json(answer.view.input.as_ref()) {
        input::sections(&mut page, &report);
    }
    asked(&mut page, answer);
    in_the_log(&mut page, answer);
    page
}

fn head(page: &mut String, answer: &RunAnswer) {
    let view = &answer.view;
    let title = format!("Run {} ({})", view.run, view.kind);
    let title = Text(&title);
    put(
        page,
        format_args!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
             content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
        ),
    );
    let (state, attempt, space) = (view.state, view.attempt, Text(&answer.space));
    put(
        page,
        format_args!("<p class=state><b>{state}</b> attempt {attempt}, space {space}</p>"),
    );
    if let Some(error) = &view.error {
        put(page, format_args!("<p class=bad>{}</p>", Text(error)));
    }
}

fn why_and_who(page: &mut String, answer: &RunAnswer) {
    let view = &answer.view;
    let took = (view.at_ms - view.requested_at_ms).max(0);
    table(page, "Why and who", &[], &[]);
    if let Some(reason) = &view.reason {
        pair(page, "Why", reason);
    }
    pair(
        page,
        "Requested by",
        view.requester.as_deref().unwrap_or(""),
    );
    pair(page, "From", view.origin.as_deref().unwrap_or(""));
    pair(page, "Requested at", &utc(view.requested_at_ms));
    pair(page, "Last step at", &utc(view.at_ms));
    let seconds = format!("{}.{:03} s", took / 1_000, took % 1_000);
    pair(page, "Took", &seconds);
    page.push_str("</table>");
}

fn announced_and_done(
    page: &mut String,
    answer: &RunAnswer,
    rehearsal: Option<&Value>,
    is_done: bool,
) {
    let (title, columns): (_, &[_]) = if is_done {
        ("Announced and done", &["Announced", "Done"])
    } else {
        ("Announced, and not done", &["Announced"])
    };
    table(page, title, &["Figure"], columns);
    // What was planned is what was announced, where there was a plan.
    let told = |name: &str| rehearsal.is_none() || !name.ends_with("_planned");
    let counts = &answer.view.counts;
    for (name, counted) in counts.iter().filter(|(name, _)| told(name)) {
        let words = name.replace('_', " ");
        put(page, format_args!("<tr><td>{}", Text(&words)));
        let announced = rehearsal.and_then(|report| report::announced(report, name));
        if is_done {
            count(page, announced);
            count(page, Some(*counted));
        } else {
            count(page, announced.or(Some(*counted)));
        }
    }
    page.push_str("</table>");
}

/// What was asked for, to the byte.
fn asked(page: &mut String, answer: &RunAnswer) {
    let view = &answer.view;
    let range = match (view.start, view.end) {
        (None, None) => "all days".to_owned(),
        (start, end) => format!(
            "from {} to before {}",
            start.map_or("the first event".to_owned(), |day| day.to_string()),
            end.map_or("the end of the data".to_owned(), |day| day.to_string())
        ),
    };
    table(page, "What was asked for", &[], &[]);
    pair(page, "Range", &range);
    let as_of = view.as_of.map(|time| time.to_string());
    for (name, value) in [
        ("Dataset", &view.dataset),
        ("Rules", &view.rules),
        ("As of", &as_of),
        ("Emit", &view.emit),
        ("Events from the cache of run", &view.cached_run),
        ("Reverts run", &view.target_run),
        ("Scale factor", &view.scale_factor),
    ] {
        if let Some(value) = value {
            pair(page, name, value);
        }
    }
    for (name, value) in view.limits.iter().chain(&view.pace) {
        pair(page, name, value);
    }
    for (name, value) in [
        ("Plan", &view.plan),
        ("SHA-256 of the rules", &view.rules_sha256),
    ] {
        if let Some(value) = value {
            digest(page, name, value);
        }
    }
    for (name, sha256) in &view.files {
        digest(page, name, sha256);
    }
    page.push_str("</table>");
}

fn in_the_log(page: &mut String, answer: &RunAnswer) {
    let view = &answer.view;
    let (Some(first), Some(end)) = (&view.first_offsets, &view.end_offsets) else {
        return;
    };
    let columns = ["From offset", "To before"];
    table(page, "In the log", &["Partition"], &columns);
    for (partition, (first, end)) in first.iter().zip(end).enumerate() {
        put(
            page,
            format_args!("<tr><td>{partition}<td class=n>{first}<td class=n>{end}"),
        );
    }
    page.push_str("</table>");
}

/// Wall milliseconds as a time.
fn utc(millis: i64) -> String {
    let time = eip_contract::EventTime::from_seconds(millis.div_euclid(1_000));
    time.map_or_else(|| format!("{millis} ms"), |time| time.to_string())
}
