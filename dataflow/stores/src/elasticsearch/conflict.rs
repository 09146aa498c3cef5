//! Version conflicts: whose version is it that is stored?
//!
//! A conflict is an acknowledgement only if this epoch has written just that, under an answer that
//! was lost. Any other version is the work of another hand (a partial update counts the version on
//! by one, and one that is given may be anything), and the write goes again, above it. Unless a
//! newer dataflow is there: one makes itself known in `_meta` and the aliases before it writes.

use std::collections::HashMap;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::error::StoreError;
use super::super::{DocumentWrite, TICK_BITS};
use super::fence::WriteEnd;
use super::indices::Indices;

/// Documents a request.
const DOCUMENTS: usize = 5_000;

/// A conflict that is still to be looked into.
pub(super) struct Conflict {
    pub(super) item: usize,
    pub(super) current: Option<u64>,
}

#[derive(Deserialize)]
struct Documents {
    docs: Vec<Document>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    found: bool,
    #[serde(rename = "_version")]
    version: Option<u64>,
    #[serde(rename = "_source")]
    source: Option<Source>,
    error: Option<serde_json::Value>,
}

#[derive(Default, Deserialize)]
struct Source {
    rev: Option<i64>,
    ver: Option<u64>,
}

/// For each conflict the version with which to send its item again; `None` when it is done.
pub(super) async fn settle(
    indices: &Indices,
    end: &WriteEnd,
    writes: &[DocumentWrite],
    version: u64,
    conflicts: Vec<Conflict>,
) -> Result<Vec<(usize, Option<u64>)>, StoreError> {
    let epoch = end.alias.epoch;
    let mut checked = false;
    let mut settled = Vec::with_capacity(conflicts.len());
    for conflicts in conflicts.chunks(DOCUMENTS) {
        let ids: Vec<&str> = conflicts
            .iter()
            .map(|conflict| writes[conflict.item].id())
            .collect();
        // By id a document is read as it is, not as the last refresh left it.
        let path = format!("{}/_mget?_source_includes=rev,ver", end.index);
        let found: Documents = indices
            .client
            .call(Method::Post, &path, Some(&json!({ "ids": ids })))
            .await
            .map_err(|failure| indices.client.error("read documents", &failure))?;
        let found: HashMap<&str, &Document> = found
            .docs
            .iter()
            .filter(|document| document.error.is_none())
            .map(|document| (document.id.as_str(), document))
            .collect();
        for conflict in conflicts {
            let write = &writes[conflict.item];
            let Some(document) = found.get(write.id()) else {
                // Not readable now: it is sent again and comes back here.
                settled.push((conflict.item, Some(version)));
                continue;
            };
            let current = document.version.max(conflict.current).unwrap_or(0);
            if current >> TICK_BITS > epoch && !checked {
                WriteEnd::find(indices, epoch, end.alias.writer).await?;
                checked = true;
            }
            let again = (!is_done(write, document, version))
                .then(|| current.max(version).saturating_add(1));
            settled.push((conflict.item, again));
        }
    }
    Ok(settled)
}

/// Whether what is stored is what the write wants, and written by this epoch. A document that this very
/// `version` has written is wanted: by hand it was made to look like another worker's, who deletes it as
/// nobody's.
fn is_done(write: &DocumentWrite, document: &Document, version: u64) -> bool {
    let epoch = version >> TICK_BITS;
    let source = document.source.as_ref();
    let written = source.and_then(|source| source.ver);
    match write {
        DocumentWrite::Delete { .. } => {
            !document.found || (written == Some(version) && document.version == written)
        }
        DocumentWrite::Index { rev, .. } => {
            let stored = source.and_then(|source| source.rev);
            document.found
                && stored == Some(*rev as i64)
                && written == document.version
                && written.is_some_and(|written| written >> TICK_BITS == epoch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(version: u64, ver: u64, rev: i64) -> Document {
        Document {
            id: "a".into(),
            found: true,
            version: Some(version),
            source: Some(Source {
                rev: Some(rev),
                ver: Some(ver),
            }),
            error: None,
        }
    }

    #[test]
    fn only_this_epochs_own_write_is_an_acknowledgement() {
        let write = DocumentWrite::Index {
            id: "a".into(),
            rev: 7,
            doc: "{}".into(),
        };
        let ours = (3 << TICK_BITS) + 50;
        let now = (3 << TICK_BITS) + 60;
        assert!(is_done(&write, &stored(ours, ours, 7), now));
        let edited = stored(ours + 1, ours, 7);
        assert!(!is_done(&write, &edited, now), "a partial update");
        assert!(
            !is_done(&write, &stored(ours, ours, 8), now),
            "another content"
        );
        let earlier = (2 << TICK_BITS) + 60;
        assert!(
            !is_done(&write, &stored(ours, ours, 7), earlier),
            "another epoch"
        );
        let delete = DocumentWrite::Delete { id: "a".into() };
        assert!(!is_done(&delete, &stored(ours, ours, 7), now));
        assert!(
            is_done(&delete, &stored(ours, ours, 7), ours),
            "another worker wants it"
        );
        let edited = stored(ours + 1, ours, 7);
        assert!(!is_done(&delete, &edited, ours), "and somebody edited it");
    }
}
