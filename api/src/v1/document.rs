//! Documents in answers: as their canonical lines.

use eip_stores::query::Document;
use eip_views::View;
use serde_json::value::RawValue;

/// The canonical line of a document.
pub(crate) fn raw(view: &View, document: &Document) -> Box<RawValue> {
    let mut line = Vec::with_capacity(512);
    view.encode(document, &mut line);
    let line = String::from_utf8(line).expect("made of texts");
    RawValue::from_string(line).expect("a canonical line is JSON")
}
