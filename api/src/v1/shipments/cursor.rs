//! Where a page ended, as an opaque text that is bound to its query and space.
//!
//! It is JSON and a check over it: one that was changed anywhere is refused. It holds no secret and opens
//! nothing that its query does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eip_contract::Space;
use eip_stores::query::{After, Sort};
use eip_views::{Kind, SHIPMENTS, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Wanted;
use crate::problem::Problem;

/// Bytes of the check.
const CHECK: usize = 8;

/// A cursor that was read.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// The visible tick of the page that it ends.
    pub(super) tick: u64,
    /// The last shipment of that page.
    pub(super) after: After,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    /// Of which query.
    of: String,
    tick: u64,
    value: Value<'a>,
    id: String,
}

impl Cursor {
    /// What a cursor is bound to: the space, the filter and the order.
    pub(super) fn bound_to(space: &Space, wanted: &Wanted, sort: Sort) -> String {
        let hash = Sha256::digest(format!("{space}\n{sort:?}\n{wanted:?}"));
        URL_SAFE_NO_PAD.encode(&hash[..12])
    }

    pub(super) fn write(bound_to: &str, tick: u64, after: &After) -> String {
        let text = Text {
            of: bound_to.to_owned(),
            tick,
            value: after.value.clone(),
            id: after.id.clone(),
        };
        let mut bytes = serde_json::to_vec(&text).expect("texts and numbers are JSON");
        bytes.extend_from_slice(&check(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Refuses what [`Cursor::write`] has not written for this query.
    pub(super) fn read(text: &str, bound_to: &str, column: usize) -> Result<Self, Problem> {
        let bad = |why: &str| Problem::bad_field("cursor", format!("cursor: {why}"));
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| bad("not one that was given"))?;
        let parts = bytes.split_last_chunk::<CHECK>();
        let (json, _) = parts
            .filter(|(json, given)| check(json) == **given)
            .ok_or_else(|| bad("not one that was given"))?;
        let read: Result<Text<'_>, _> = serde_json::from_slice(json);
        let read = read.map_err(|_| bad("not one that was given"))?;
        if read.of != bound_to {
            return Err(bad("given for another query or space; ask without one"));
        }
        if !fits(column, &read.value) {
            return Err(bad("not one that was given"));
        }
        Ok(Self {
            tick: read.tick,
            after: After {
                value: read.value.into_owned(),
                id: read.id,
            },
        })
    }
}

/// The beginning of its hash.
fn check(json: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::digest(json);
    let (check, _) = hash.split_first_chunk().expect("32 are more than 8");
    *check
}

fn fits(column: usize, value: &Value<'_>) -> bool {
    let column = &SHIPMENTS.columns[column];
    match value {
        Value::Null => column.nullable,
        Value::Text(_) => matches!(column.kind, Kind::Text | Kind::Id),
        Value::Time(_) => column.kind == Kind::Time,
        Value::Integer(_) => column.kind == Kind::Integer,
        Value::Day(_) | Value::Boolean(_) | Value::EventType(_) => false,
    }
}
