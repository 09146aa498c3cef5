//! `action.auto_create_index`: a write to an index of ours that is not there must fail.
//!
//! Every bulk of ours says `require_alias`; this setting is for everybody else's writes, which
//! would make an index under the name of an alias that is gone. It is one list for the cluster, of
//! which the first pattern that fits decides; what else is in it stays.

use eip_views::View;
use elasticsearch::http::Method;
use serde_json::{Value, json};

use super::super::error::StoreError;
use super::client::{Client, Failure};
use super::indices::{Indices, change};
use super::layout::WriteAlias;

const SETTING: &str = "action.auto_create_index";

/// What is forbidden of a view, for all spaces at once, so that the list does not grow with them.
fn forbidden(view: &View) -> [String; 4] {
    let name = view.name;
    [
        format!("-{name}"),
        format!("-{name}-*"),
        format!("-*.{name}"),
        format!("-*.{name}-*"),
    ]
}

/// Makes sure that none of our names makes an index.
pub(super) async fn forbid(client: &Client, views: &[Indices]) -> Result<(), StoreError> {
    let path = format!(
        "_cluster/settings?include_defaults=true&flat_settings=false&filter_path=*.{SETTING}"
    );
    let error = |failure: &Failure| client.error("forbid that writes make indices", failure);
    let found: Value = client
        .call(Method::Get, &path, None)
        .await
        .map_err(|failure| error(&failure))?;
    // A transient setting goes before a persistent one, and both before the node's own file.
    let of = |kind: &str| found[kind]["action"]["auto_create_index"].as_str();
    let transient = of("transient");
    let list = transient
        .or_else(|| of("persistent"))
        .or_else(|| of("defaults"))
        .unwrap_or("true");
    let alias = WriteAlias {
        epoch: 1,
        writer: 0,
        n: 1,
    };
    let allowed = views.iter().filter(|Indices { layout, .. }| {
        let read = layout.read_alias().to_owned();
        let ours = [read, layout.write_alias(alias), layout.index(1)];
        ours.iter().any(|name| allows(list, name))
    });
    let new: Vec<String> = allowed
        .flat_map(|allowed| forbidden(allowed.view))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let rest = if list == "true" { "*" } else { list };
    let list = format!("{},{rest}", new.join(","));
    let kind = if transient.is_some() {
        "transient"
    } else {
        "persistent"
    };
    let body = json!({ kind: { SETTING: list } });
    change(client, Method::Put, "_cluster/settings", &body)
        .await
        .map_err(|failure| error(&failure))
}

/// Whether a list lets a write make the index `name`.
fn allows(list: &str, name: &str) -> bool {
    match list {
        "true" => return true,
        "false" => return false,
        _ => {}
    }
    for pattern in list.split(',').map(str::trim) {
        let (allowed, pattern) = match pattern.strip_prefix('-') {
            Some(pattern) => (false, pattern),
            None => (true, pattern.strip_prefix('+').unwrap_or(pattern)),
        };
        if fits(pattern, name) {
            return allowed;
        }
    }
    false
}

/// Whether a pattern, in which `*` stands for any text, fits the whole name.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|tail| fits(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use eip_views::{SHIPMENT_EVENTS, SHIPMENTS};

    use super::*;

    #[test]
    fn the_first_pattern_that_fits_decides() {
        assert!(allows("true", "shipments") && !allows("false", "shipments"));
        assert!(!allows("-*shipments*,+*", "peak.shipments-w-1-0-1"));
        assert!(allows("+*,-shipments", "shipments"));
        assert!(!allows("logs-*", "shipments") && allows("logs-*", "logs-a"));
        let ours = [&SHIPMENTS, &SHIPMENT_EVENTS].map(|view| forbidden(view).join(","));
        let ours = format!("{},*", ours.join(","));
        for name in [
            "shipments",
            "shipment_events",
            "shipments-w-1-0-1",
            "shipments-v1-1",
            "peak.shipments",
            "peak.shipment_events-w-1-0-1",
        ] {
            assert!(!allows(&ours, name), "{name}");
        }
        for name in ["customer_shipments", "logs", "shipment_notes", "shipping"] {
            assert!(allows(&ours, name), "{name}");
        }
    }
}
