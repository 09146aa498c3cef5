//! A stored `_source` → the canonical line that it says.
//!
//! Elasticsearch keeps the bytes that were sent, so an untouched document is its canonical line
//! with `rev`, `ver` and `tick` behind, which its hash confirms. What another hand has written (a partial
//! update writes all fields again) is read field by field and rendered again.

use serde_json::{Map, Value as Json};

use eip_views::{Value, View};

use super::super::content_hash;
use super::hit::Hit;

/// What a dataflow notes in a document beside the view's columns.
pub(crate) const NOTES: [&str; 3] = ["rev", "ver", "tick"];

/// What a document says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// The order that it is about.
    pub(super) order_id: Option<String>,
    /// The hash of its content; none when it is not as a dataflow writes it: content and `rev`, or
    /// `ver` and version do not fit one another, it has no `tick`, or it cannot be a document of its
    /// view and id.
    pub(super) rev: Option<u64>,
}

/// Reads a hit's source. `line` is made its canonical line, or, where it has none, its JSON
/// without [`NOTES`].
pub(super) fn read(view: &View, hit: &Hit<'_>, line: &mut Vec<u8>) -> Stored {
    line.clear();
    let Some(source) = hit.source.map(serde_json::value::RawValue::get) else {
        return Stored::default();
    };
    if let Some((content, rev, ver)) = split(source) {
        line.extend_from_slice(content.as_bytes());
        line.push(b'}');
        let values = std::str::from_utf8(line)
            .ok()
            .and_then(|line| view.decode_exact(line));
        if let Some(values) = values
            && ver as u64 == hit.version
            && is_text(&values[0], &hit.id)
            && content_hash(line) == rev as u64
        {
            return Stored {
                order_id: order_id(view, &values),
                rev: Some(rev as u64),
            };
        }
        line.clear();
    }
    read_fields(view, hit, source, line)
}

/// `{…,"rev":1,"ver":2,"tick":2}` → (`{…`, 1, 2).
fn split(source: &str) -> Option<(&str, i64, i64)> {
    let (content, tail) = source.rsplit_once(",\"rev\":")?;
    let (rev, tail) = tail.strip_suffix('}')?.split_once(",\"ver\":")?;
    let (ver, tick) = tail.split_once(",\"tick\":")?;
    tick.parse::<u64>().ok()?;
    Some((content, rev.parse().ok()?, ver.parse().ok()?))
}

fn is_text(value: &Value<'_>, wanted: &str) -> bool {
    matches!(value, Value::Text(text) if text == wanted)
}

fn order_id(view: &View, values: &[Value<'_>]) -> Option<String> {
    match &values[view.place("orderId")?] {
        Value::Text(order_id) => Some(order_id.clone().into_owned()),
        _ => None,
    }
}

fn read_fields(view: &View, hit: &Hit<'_>, source: &str, line: &mut Vec<u8>) -> Stored {
    let mut fields: Map<String, Json> = serde_json::from_str(source).unwrap_or_default();
    let [rev, ver, tick] = NOTES.map(|note| fields.remove(note));
    let order_id = fields.get("orderId").and_then(Json::as_str);
    let mut stored = Stored {
        order_id: order_id.map(str::to_owned),
        rev: None,
    };
    match view.decode(source, &NOTES) {
        Ok(values) => {
            view.encode(&values, line);
            let hash = content_hash(line);
            let as_written = rev.as_ref().and_then(Json::as_i64) == Some(hash as i64)
                && ver.as_ref().and_then(Json::as_u64) == Some(hit.version)
                && tick.is_some_and(|tick| tick.is_u64())
                && is_text(&values[0], &hit.id);
            stored.rev = as_written.then_some(hash);
        }
        Err(_) => line.extend_from_slice(Json::Object(fields).to_string().as_bytes()),
    }
    stored
}
