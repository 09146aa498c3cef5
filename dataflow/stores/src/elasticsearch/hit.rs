//! A stored document as a search gives it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A document of a page.
#[derive(Deserialize)]
pub(super) struct Hit<'a> {
    #[serde(borrow, rename = "_id")]
    pub(super) id: Cow<'a, str>,
    #[serde(rename = "_version")]
    pub(super) version: u64,
    #[serde(borrow, rename = "_source")]
    pub(super) source: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) fields: Option<Fields<'a>>,
    pub(super) sort: [u64; 1],
}

/// What is asked of it beside its source.
#[derive(Deserialize)]
pub(super) struct Fields<'a> {
    #[serde(default)]
    pub(super) rev: Vec<i64>,
    #[serde(default)]
    pub(super) ver: Vec<i64>,
    /// None in a document of an index that was made before documents had it.
    #[serde(default)]
    pub(super) tick: Vec<i64>,
    #[serde(borrow, default, rename = "orderId")]
    pub(super) order_id: Vec<Cow<'a, str>>,
}
