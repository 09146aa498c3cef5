//! Every document of an index at one moment: a point in time, read in slices and in the order of
//! the shards, which costs the least.

use std::collections::VecDeque;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::super::error::StoreError;
use super::super::{Look, StoredDocument};
use super::client::{Answer, Client, Failure};
use super::hit::Hit;
use super::indices::Indices;
use super::source;

/// Documents a page when only their hashes are read; the most that an index gives by default.
const LISTED: usize = 10_000;
/// Documents a page when they are read whole.
const WHOLE: usize = 5_000;
/// Slices, each read page by page.
const SLICES: usize = 2;
/// How long the point in time is kept from one page to the next.
const KEEP_ALIVE: &str = "2m";

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    pit_id: Option<std::borrow::Cow<'a, str>>,
    // A page without hits says nothing of them.
    #[serde(borrow, default)]
    hits: Hits<'a>,
}

#[derive(Default, Deserialize)]
struct Hits<'a> {
    #[serde(borrow, default)]
    hits: Vec<Hit<'a>>,
}

/// Calls `each` with every document of `index` that was written before the call.
pub(super) async fn scan(
    indices: &Indices,
    index: &str,
    look: Look,
    each: &mut dyn FnMut(StoredDocument<'_>),
) -> Result<(), StoreError> {
    let mut line = Vec::new();
    // Whatever another hand has written into such a document, it is that order's.
    let id_is_order = indices.view.place("orderId") == Some(0);
    pages(indices, index, look, &mut |hit| {
        if look == Look::Whole {
            let stored = source::read(indices.view, &hit, &mut line);
            let order_id = stored.order_id.as_deref().filter(|_| !id_is_order);
            each(StoredDocument {
                id: &hit.id,
                order_id: order_id.unwrap_or(&hit.id),
                rev: stored.rev,
            });
            return;
        }
        let fields = hit.fields.as_ref();
        let rev = fields.and_then(|fields| fields.rev.first());
        let ver = fields.and_then(|fields| fields.ver.first());
        let has_tick = fields.is_some_and(|fields| !fields.tick.is_empty());
        let as_written = has_tick && ver.is_some_and(|&ver| ver as u64 == hit.version);
        each(StoredDocument {
            id: &hit.id,
            order_id: fields
                .and_then(|fields| fields.order_id.first())
                .filter(|_| !id_is_order)
                .map_or(&*hit.id, |order_id| order_id),
            rev: rev.filter(|_| as_written).map(|&rev| rev as u64),
        });
    })
    .await
}

/// Calls `each` with every document of every page.
pub(super) async fn pages(
    indices: &Indices,
    index: &str,
    look: Look,
    each: &mut dyn FnMut(Hit<'_>),
) -> Result<(), StoreError> {
    indices.refresh(index).await?;
    let client = &indices.client;
    let error = |failure: &Failure| client.error(&format!("read {index}"), failure);
    let path = format!("{index}/_pit?keep_alive={KEEP_ALIVE}");
    let opened: Value = client
        .call(Method::Post, &path, None)
        .await
        .map_err(|failure| error(&failure))?;
    let point = opened["id"].as_str().unwrap_or_default().to_owned();
    let result = slices(client, &point, look, each).await;
    // Where this fails, it ends by itself a little later.
    let closed: Result<Value, Failure> = client
        .call(Method::Delete, "_pit", Some(&json!({ "id": point })))
        .await;
    if let Err(failure) = closed {
        tracing::debug!(%failure, "a point in time was not closed");
    }
    result.map_err(|failure| error(&failure))
}

async fn slices(
    client: &Client,
    point: &str,
    look: Look,
    each: &mut dyn FnMut(Hit<'_>),
) -> Result<(), Failure> {
    let mut pages = JoinSet::new();
    let mut points: VecDeque<String> = VecDeque::new();
    for slice in 0..SLICES {
        points.push_back(point.to_owned());
        request(client, &mut pages, slice, point, look, None);
    }
    while let Some(page) = pages.join_next().await {
        let (slice, answer): (usize, Result<Answer, Failure>) =
            page.expect("a request neither panics nor is cancelled");
        let answer = answer?;
        if answer.status >= 400 {
            return Err(answer.failure());
        }
        let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(|error| Failure {
            status: None,
            kind: "unreadable answer".to_owned(),
            words: error.to_string(),
        })?;
        if let Some(id) = page.pit_id {
            points[slice] = id.into_owned();
        }
        if let Some(last) = page.hits.hits.last() {
            // The next page is on its way while this one is looked at.
            request(
                client,
                &mut pages,
                slice,
                &points[slice],
                look,
                Some(last.sort),
            );
        }
        for hit in page.hits.hits {
            each(hit);
        }
    }
    Ok(())
}

/// Asks for the page of a slice behind `after`.
fn request(
    client: &Client,
    pages: &mut JoinSet<(usize, Result<Answer, Failure>)>,
    slice: usize,
    point: &str,
    look: Look,
    after: Option<[u64; 1]>,
) {
    let mut body = json!({
        "pit": { "id": point, "keep_alive": KEEP_ALIVE },
        "slice": { "id": slice, "max": SLICES },
        "sort": ["_shard_doc"],
        "track_total_hits": false,
        "version": true,
    });
    let fields = match look {
        Look::Whole => {
            body["size"] = json!(WHOLE);
            "hits.hits._source"
        }
        Look::Listed => {
            body["size"] = json!(LISTED);
            body["_source"] = json!(false);
            body["docvalue_fields"] = json!(["rev", "ver", "tick", "orderId"]);
            "hits.hits.fields"
        }
    };
    if let Some(after) = after {
        body["search_after"] = json!(after);
    }
    let path = format!(
        "_search?allow_partial_search_results=false\
         &filter_path=pit_id,hits.hits._id,hits.hits._version,hits.hits.sort,{fields}"
    );
    let client = client.clone();
    pages.spawn(async move {
        let body = body.to_string().into_bytes();
        let answer = client.send(Method::Post, &path, Some(body)).await;
        (slice, answer)
    });
}
