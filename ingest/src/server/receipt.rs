//! A run's receipt: one page that needs nothing else, for the ticket of an incident.
//!
//! What was announced stands beside what was done. Every text that comes from outside is escaped.

use std::fmt::{self, Write as _};

use serde_json::Value;

use super::app::RunAnswer;
use crate::run::Grouped;

const STYLE: &str = "
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
p.state{margin:.2rem 0 1.5rem}.state b{padding:.1rem .5rem;border-radius:.3rem;background:var(--soft)}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em;overflow-wrap:anywhere}
.bad{border-left:4px solid #c33;padding:.4rem .8rem;background:var(--soft)}
@media print{body{margin:0;max-width:none}}
";

/// The page of a run; `rehearsal` is its plan's report, as it is in `rehearsal.json`.
pub(super) fn page(answer: &RunAnswer, rehearsal: Option<&Value>) -> String {
    let view = &answer.view;
    let mut page = String::new();
    let title = format!("Run {} ({})", view.run, view.kind);
    put(
        &mut page,
        format_args!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
             content=\"width=device-width\"><title>{}</title><style>{STYLE}</style><h1>{}</h1>",
            Text(&title),
            Text(&title)
        ),
    );
    put(
        &mut page,
        format_args!(
            "<p class=state><b>{}</b> attempt {}, space {}</p>",
            view.state,
            view.attempt,
            Text(&answer.space)
        ),
    );
    if let Some(error) = &view.error {
        put(&mut page, format_args!("<p class=bad>{}</p>", Text(error)));
    }
    who_and_what(&mut page, answer);
    done(&mut page, answer, rehearsal);
    if let Some(rehearsal) = rehearsal {
        announced(&mut page, rehearsal);
    }
    page
}

fn who_and_what(page: &mut String, answer: &RunAnswer) {
    let view = &answer.view;
    let range = match (view.start, view.end) {
        (None, None) => "all days".to_owned(),
        (start, end) => format!(
            "from {} to before {}",
            start.map_or("the first event".to_owned(), |day| day.to_string()),
            end.map_or("the end of the data".to_owned(), |day| day.to_string())
        ),
    };
    let took = (view.at_ms - view.requested_at_ms).max(0);
    let mut rows: Vec<(&str, String)> = vec![
        ("Requested by", view.requester.clone().unwrap_or_default()),
        ("From", view.origin.clone().unwrap_or_default()),
        ("Requested at", utc(view.requested_at_ms)),
        ("Last step at", utc(view.at_ms)),
        (
            "Between them",
            format!("{}.{:03} s", took / 1_000, took % 1_000),
        ),
        ("Range", range),
    ];
    for (name, value) in [
        ("Why", view.reason.clone()),
        ("Dataset", view.dataset.clone()),
        ("Rules", view.rules.clone()),
        ("SHA-256 of the rules", view.rules_sha256.clone()),
        ("As of", view.as_of.map(|time| time.to_string())),
        ("Emit", view.emit.clone()),
        ("Reverts run", view.target_run.clone()),
        ("Plan", view.plan.clone()),
        ("Scale factor", view.scale_factor.clone()),
    ] {
        rows.extend(value.map(|value| (name, value)));
    }
    for (name, value) in view.limits.iter().chain(&view.pace) {
        rows.push((name.as_str(), value.clone()));
    }
    page.push_str("<h2>Who asked for what</h2><table>");
    for (name, value) in rows {
        put(
            page,
            format_args!("<tr><th>{}<td>{}", Text(name), Text(&value)),
        );
    }
    for (name, sha256) in &view.files {
        put(
            page,
            format_args!("<tr><th>{}<td><code>{}</code>", Text(name), Text(sha256)),
        );
    }
    page.push_str("</table>");
}

fn done(page: &mut String, answer: &RunAnswer, rehearsal: Option<&Value>) {
    let view = &answer.view;
    page.push_str(
        "<h2>Announced and done</h2><table><tr><th>Figure<th class=n>Announced<th class=n>Done",
    );
    let announced = |name: &str| {
        let report = rehearsal?;
        match name.split_once('_') {
            Some(("facts", of)) => report["facts"][of].as_u64(),
            _ => report[name].as_u64(),
        }
    };
    // What was planned is what was announced, where there was a plan.
    let told = |name: &str| rehearsal.is_none() || !name.ends_with("_planned");
    for (name, count) in view.counts.iter().filter(|(name, _)| told(name)) {
        let announced = announced(name).map(|count| Grouped(count).to_string());
        let (announced, count) = (announced.unwrap_or_default(), Grouped(*count));
        let name = name.replace('_', " ");
        put(
            page,
            format_args!(
                "<tr><td>{}<td class=n>{announced}<td class=n>{count}",
                Text(&name)
            ),
        );
    }
    page.push_str("</table>");
    let (Some(first), Some(end)) = (&view.first_offsets, &view.end_offsets) else {
        return;
    };
    page.push_str(
        "<h2>In the log</h2><table><tr><th>Partition<th class=n>From<th class=n>To before",
    );
    for (partition, (first, end)) in first.iter().zip(end).enumerate() {
        put(
            page,
            format_args!("<tr><td>{partition}<td class=n>{first}<td class=n>{end}"),
        );
    }
    page.push_str("</table>");
}

fn announced(page: &mut String, report: &Value) {
    page.push_str("<h2>All facts of the log</h2><table>");
    for (title, field) in [("Before", "facts_before"), ("After", "facts_after")] {
        let digest = report[field].as_str().unwrap_or_default();
        put(
            page,
            format_args!("<tr><th>{title}<td><code>{}</code>", Text(digest)),
        );
    }
    page.push_str("</table>");
    page.push_str(
        "<h2>Facts by type</h2><table><tr><th>Type<th class=n>Added<th class=n>Changed<th \
         class=n>Retracted<th class=n>Same",
    );
    for (event_type, deltas) in entries(&report["by_type"]) {
        delta_row(page, event_type, deltas);
    }
    delta_row(page, "all", &report["facts"]);
    page.push_str(
        "</table><h2>Facts by day</h2><table><tr><th>Day<th>Type<th class=n>Added<th \
                   class=n>Changed<th class=n>Retracted<th class=n>Same",
    );
    for day in report["by_day"].as_array().into_iter().flatten() {
        for (event_type, deltas) in entries(&day["by_type"]) {
            put(
                page,
                format_args!("<tr><td>{}", Text(day["day"].as_str().unwrap_or_default())),
            );
            put(page, format_args!("<td>{}", Text(event_type)));
            delta_cells(page, deltas);
        }
    }
    page.push_str("</table><h2>route_stats_daily</h2><table>");
    for name in ["added", "removed", "changed"] {
        let rows = &report["route_stats_daily"][name];
        put(
            page,
            format_args!(
                "<tr><th>Rows {name}<td class=n>{}",
                rows.as_u64().unwrap_or(0)
            ),
        );
    }
    page.push_str("</table>");
    routes(page, &report["routes_most_changed"]);
    for (title, field) in [
        ("Orders that vanish", "vanishing"),
        (
            "Orders left alone: their row was rejected",
            "rejected_orders",
        ),
        ("Rejected rows without an order", "rejected_unnamed"),
        (
            "Orders left alone: pushed, and not in the data",
            "pushed_orders",
        ),
    ] {
        named(page, title, &report[field]);
    }
}

/// The routes with the most facts that change.
fn routes(page: &mut String, routes: &Value) {
    let Some(routes) = routes.as_array().filter(|routes| !routes.is_empty()) else {
        return;
    };
    page.push_str(
        "<h2>Routes that change most</h2><table><tr><th>Seller<th>Customer<th class=n>Rows of \
         route_stats_daily",
    );
    for route in routes {
        put(
            page,
            format_args!(
                "<tr><td>{}<td>{}<td class=n>{}",
                Text(route["seller_region"].as_str().unwrap_or_default()),
                Text(route["customer_region"].as_str().unwrap_or_default()),
                route["rows"].as_u64().unwrap_or(0)
            ),
        );
    }
    page.push_str("</table>");
}

fn named(page: &mut String, title: &str, named: &Value) {
    let count = named["count"].as_u64().unwrap_or(0);
    if count == 0 {
        return;
    }
    put(page, format_args!("<h2>{title}: {count}</h2><p>"));
    for name in named["names"].as_array().into_iter().flatten() {
        put(
            page,
            format_args!("<code>{}</code> ", Text(name.as_str().unwrap_or_default())),
        );
    }
    page.push_str("</p>");
}

fn delta_row(page: &mut String, name: &str, deltas: &Value) {
    put(page, format_args!("<tr><td>{}", Text(name)));
    delta_cells(page, deltas);
}

fn delta_cells(page: &mut String, deltas: &Value) {
    for field in ["added", "changed", "retracted", "same"] {
        put(
            page,
            format_args!(
                "<td class=n>{}",
                Grouped(deltas[field].as_u64().unwrap_or(0))
            ),
        );
    }
}

fn entries(map: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = map.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.as_str(), value))
}

/// Wall milliseconds as a time.
fn utc(millis: i64) -> String {
    let time = eip_contract::EventTime::from_seconds(millis.div_euclid(1_000));
    time.map_or_else(|| format!("{millis} ms"), |time| time.to_string())
}

fn put(page: &mut String, text: fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a String takes everything");
}

/// Text as HTML shows it.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['&', '<', '>', '"', '\'']) {
            let (plain, special) = match part.char_indices().last() {
                Some((at, '&')) => (&part[..at], "&amp;"),
                Some((at, '<')) => (&part[..at], "&lt;"),
                Some((at, '>')) => (&part[..at], "&gt;"),
                Some((at, '"')) => (&part[..at], "&quot;"),
                Some((at, '\'')) => (&part[..at], "&#39;"),
                _ => (part, ""),
            };
            f.write_str(plain)?;
            f.write_str(special)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let text = Text("<a href=\"x\">'&'").to_string();
        assert_eq!(text, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    }
}
