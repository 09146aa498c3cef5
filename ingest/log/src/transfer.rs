//! Logs as files in the oracle's form: one event a line, in log order, a tombstone as
//! `{"orderId":"…","retract":null}`.

mod export;
mod import;

pub use export::{ExportSummary, export, export_facts};
pub use import::{ImportSummary, import};

use std::borrow::Cow;

use serde::Deserialize;

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
