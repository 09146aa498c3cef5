//! Where a page ended, as an opaque text that is bound to its query and space.
//!
//! It is JSON and a check over it: one that was changed anywhere is refused. It holds no secret and opens
//! nothing that its query does not.

use std::fmt::Debug;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eip_contract::Space;
use eip_stores::query::After;
use eip_views::{Kind, SHIPMENTS, Value};
use serde::de::DeserializeOwned;
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
    pub(super) fn bound_to(space: &Space, wanted: &Wanted, order: impl Debug) -> String {
        let hash = Sha256::digest(format!("{space}\n{order:?}\n{wanted:?}"));
        URL_SAFE_NO_PAD.encode(&hash[..12])
    }

    pub(super) fn write(bound_to: &str, tick: u64, after: &After) -> String {
        let text = Text {
            of: bound_to.to_owned(),
            tick,
            value: after.value.clone(),
            id: after.id.clone(),
        };
        to_text(&text)
    }

    /// Refuses what [`Cursor::write`] has not written for this query.
    pub(super) fn read(text: &str, bound_to: &str, column: usize) -> Result<Self, Problem> {
        let read: Text<'static> = from_text(text)?;
        if read.of != bound_to {
            return Err(of_another());
        }
        if !fits(column, &read.value) {
            return Err(foreign());
        }
        Ok(Self {
            tick: read.tick,
            after: After {
                value: read.value,
                id: read.id,
            },
        })
    }
}

/// A place as an opaque text.
pub(super) fn to_text(place: &impl Serialize) -> String {
    let mut bytes = serde_json::to_vec(place).expect("texts and numbers are JSON");
    bytes.extend_from_slice(&check(&bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// And back.
pub(super) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign())?;
    let parts = bytes.split_last_chunk::<CHECK>();
    let (json, _) = parts
        .filter(|(json, given)| check(json) == **given)
        .ok_or_else(foreign)?;
    serde_json::from_slice(json).map_err(|_| foreign())
}

/// The beginning of its hash.
fn check(json: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::digest(json);
    let (check, _) = hash.split_first_chunk().expect("32 are more than 8");
    *check
}

/// What is no place that was given.
pub(super) fn foreign() -> Problem {
    Problem::bad_field("cursor", "cursor: not one that was given")
}

/// What was given for another question.
pub(super) fn of_another() -> Problem {
    let detail = "cursor: given for another query or space; ask without one";
    Problem::bad_field("cursor", detail)
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
