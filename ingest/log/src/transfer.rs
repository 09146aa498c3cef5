//! Logs as files in the oracle's form: one event a line, in log order, a tombstone as
//! `{"orderId":"…","retract":null}`. On request each line says at its end when the record was appended,
//! `,"appendedMs":1764510941123}`, and an import keeps that; the oracle does not read this form.

mod export;
mod import;

pub use export::{ExportSummary, export, export_facts, export_with_times};
pub use import::{ImportSummary, import};

use std::borrow::Cow;

use serde::Deserialize;

/// Before the time of appending, in milliseconds since the epoch.
const APPENDED: &[u8] = b",\"appendedMs\":";

/// A tombstone's line.
#[derive(Deserialize)]
struct Tombstone<'a> {
    #[serde(rename = "orderId", borrow)]
    order_id: Cow<'a, str>,
    #[serde(rename = "retract")]
    _retract: (),
}

impl<'a> Tombstone<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}
