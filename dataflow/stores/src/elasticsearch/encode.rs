//! Writes → the lines of bulk requests.

use std::io::Write as _;

use super::super::DocumentWrite;

/// Bytes of an item beyond its id and document, about.
const OVERHEAD: usize = 150;

/// About how many bytes a write takes in a request.
pub(super) fn size(write: &DocumentWrite) -> usize {
    OVERHEAD
        + match write {
            DocumentWrite::Index { id, doc, .. } => id.len() + doc.len(),
            DocumentWrite::Delete { id } => id.len(),
        }
}

/// Appends the lines of one write: the action and, when it indexes, the document with `rev`, `ver` and
/// `tick` behind its own fields. `version` is that of the tick, or above it where another hand has
/// written a greater one.
pub(super) fn append(out: &mut Vec<u8>, write: &DocumentWrite, tick: u64, version: u64) {
    let (action, id) = match write {
        DocumentWrite::Index { id, .. } => ("index", id),
        DocumentWrite::Delete { id } => ("delete", id),
    };
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(action.as_bytes());
    out.extend_from_slice(b"\":{\"_id\":");
    // An id that somebody else has stored may hold anything.
    serde_json::to_writer(&mut *out, id).expect("a vector takes any text");
    writeln!(
        out,
        ",\"version\":{version},\"version_type\":\"external\"}}}}"
    )
    .expect("a vector takes all bytes");
    if let DocumentWrite::Index { rev, doc, .. } = write {
        let (fields, brace) = doc.split_at(doc.len() - 1);
        assert!(brace == "}", "a document is a JSON object");
        out.extend_from_slice(fields.as_bytes());
        let rev = *rev as i64;
        writeln!(out, ",\"rev\":{rev},\"ver\":{version},\"tick\":{tick}}}")
            .expect("a vector takes all bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_carries_hash_and_version_behind_its_own_fields() {
        let mut out = Vec::new();
        let index = DocumentWrite::Index {
            id: "a\"\n".into(),
            rev: u64::MAX,
            doc: r#"{"orderId":"a"}"#.into(),
        };
        append(&mut out, &index, 5, 7);
        append(&mut out, &DocumentWrite::Delete { id: "b".into() }, 8, 8);
        let lines = String::from_utf8(out).unwrap();
        assert_eq!(
            lines,
            concat!(
                r#"{"index":{"_id":"a\"\n","version":7,"version_type":"external"}}"#,
                "\n",
                r#"{"orderId":"a","rev":-1,"ver":7,"tick":5}"#,
                "\n",
                r#"{"delete":{"_id":"b","version":8,"version_type":"external"}}"#,
                "\n",
            )
        );
    }
}
