//! What a plan announced, as sections of a receipt; the report is that of `rehearsal.json`.

use eip_contract::EventType;
use serde_json::Value;

use super::html::{Text, count, digest, put, table};
use crate::run::Grouped;

/// Most routes of a receipt; the rehearsal has more of them.
const MAX_ROUTES: usize = 20;
const DELTAS: [&str; 4] = ["added", "changed", "retracted", "same"];
const DELTA_COLUMNS: [&str; 4] = ["Added", "Changed", "Retracted", "Same"];

/// The whole of it in a sentence; `is_done` when it was carried out.
pub(super) fn lead(page: &mut String, report: &Value, is_done: bool) {
    let [added, changed, retracted, same] = deltas(&report["facts"]).map(Grouped);
    let orders = Grouped(number(&report["orders_covered"]));
    let (would, but) = if is_done {
        ("", "")
    } else {
        ("would be ", " None of it is done.")
    };
    put(
        page,
        format_args!(
            "<p class=lead>{orders} orders covered. Of their facts {added} {would}added, {changed} \
             changed, {retracted} retracted, {same} as before.{but}</p>"
        ),
    );
}

/// What was announced for a count of the ledger, by its name there.
pub(super) fn announced(report: &Value, name: &str) -> Option<u64> {
    if let Some(reason) = name.strip_prefix("orders_left_") {
        return report[reason]["count"].as_u64();
    }
    match name {
        "facts_left" => report["left_count"].as_u64(),
        "orders_left" => {
            let of = |sort: &str| report[sort]["count"].as_u64();
            let sorts = [
                "rejected_orders",
                "pushed_orders",
                "swallowed_orders",
                "swallowed_items",
            ];
            sorts.into_iter().map(of).sum()
        }
        _ => match name.split_once('_') {
            Some(("facts", of)) => report["facts"][of].as_u64(),
            _ => report[name].as_u64(),
        },
    }
}

/// What changes, by type, route and day, and who by name.
pub(super) fn changes(page: &mut String, report: &Value) {
    table(page, "Facts by type", &["Type"], &DELTA_COLUMNS);
    for (event_type, deltas) in by_rank(&report["by_type"]) {
        put(page, format_args!("<tr><td>{event_type}"));
        delta_cells(page, deltas);
    }
    page.push_str("<tr><td>all");
    delta_cells(page, &report["facts"]);
    page.push_str("</table>");

    table(page, "Rows of route_stats_daily", &[], &[]);
    for name in ["added", "removed", "changed"] {
        put(page, format_args!("<tr><td>{name}"));
        count(page, Some(number(&report["route_stats_daily"][name])));
    }
    page.push_str("</table>");
    routes(page, &report["route_figures"]["by_route"]["listed"]);

    days(page, &report["by_day"]);
    for (title, field) in [
        ("Orders that vanish", "vanishing"),
        ("Orders that lose a known region", "losing_regions"),
        ("Orders that lose all their items", "losing_items"),
        (
            "Orders left alone: their row was rejected",
            "rejected_orders",
        ),
        ("Rejected rows without an order", "rejected_unnamed"),
        (
            "Orders left alone: pushed, and not in the data",
            "pushed_orders",
        ),
        (
            "Orders left alone: not in the data, and another row may have swallowed theirs",
            "swallowed_orders",
        ),
        (
            "Orders left alone: without items, and another row may have swallowed them",
            "swallowed_items",
        ),
    ] {
        named(page, title, &report[field]);
    }
}

/// One number over all facts, before and after.
pub(super) fn digests(page: &mut String, report: &Value, is_done: bool) {
    table(page, "All facts of the log", &[], &[]);
    digest(page, "Before", text(&report["facts_before"]));
    let after = if is_done {
        "After"
    } else {
        "After, were it done"
    };
    digest(page, after, text(&report["facts_after"]));
    page.push_str("</table>");
}

/// The routes that change most, over the days on which rows change.
fn routes(page: &mut String, routes: &Value) {
    if list(routes).next().is_none() {
        return;
    }
    let texts = ["Seller", "Customer"];
    let counts = ["Delivered", "Then", "Late", "Then", "Rows that change"];
    table(page, "Routes that change most", &texts, &counts);
    for route in list(routes).take(MAX_ROUTES) {
        let regions = ["seller_region", "customer_region"];
        let [seller, customer] = regions.map(|region| Text(text(&route[region])));
        put(page, format_args!("<tr><td>{seller}<td>{customer}"));
        for figure in ["delivered", "delivered_late"] {
            for side in ["before", "after"] {
                count(page, Some(number(&route[side][figure])));
            }
        }
        count(page, Some(number(&route["rows"])));
    }
    page.push_str("</table>");
}

/// Facts by day and type; those that all stay the same are only counted.
fn days(page: &mut String, days: &Value) {
    table(page, "Facts by day", &["Day", "Type"], &DELTA_COLUMNS);
    let mut same = 0;
    for day in list(days) {
        for (event_type, of) in by_rank(&day["by_type"]) {
            if deltas(of)[..3] == [0; 3] {
                same += 1;
                continue;
            }
            let day = Text(text(&day["day"]));
            put(page, format_args!("<tr><td>{day}<td>{event_type}"));
            delta_cells(page, of);
        }
    }
    page.push_str("</table>");
    if same > 0 {
        put(
            page,
            format_args!(
                "<p>Left out: {same} rows of a day and type whose facts all stay the same.</p>"
            ),
        );
    }
}

fn named(page: &mut String, title: &str, named: &Value) {
    let found = number(&named["count"]);
    if found == 0 {
        return;
    }
    put(
        page,
        format_args!("<h2>{title}: {}</h2><p>", Grouped(found)),
    );
    for name in list(&named["names"]) {
        put(page, format_args!("<code>{}</code> ", Text(text(name))));
    }
    page.push_str("</p>");
}

fn delta_cells(page: &mut String, of: &Value) {
    for delta in deltas(of) {
        count(page, Some(delta));
    }
}

fn deltas(of: &Value) -> [u64; 4] {
    DELTAS.map(|name| number(&of[name]))
}

/// The entries of a map by type, in the order in which an order lives through them.
fn by_rank(map: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let entry = |event_type: EventType| Some((event_type.name(), map.get(event_type.name())?));
    EventType::ALL.into_iter().filter_map(entry)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
