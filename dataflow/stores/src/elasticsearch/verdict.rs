//! What the answer to a bulk request means, for the request and for each item.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx, 404 of a delete | done |
//! | 409 | another version is stored: whose is looked up |
//! | 400 for what a document says | refused, a dead letter |
//! | 404 `index_not_found_exception` | the write alias is gone |
//! | 429 | not done, too much at once |
//! | 401, 403, index blocks, closed index | not done, the store is unwell |
//! | 5xx, no answer, an answer cut short | may be done or not |
//! | another 4xx for the whole request | some item is guilty |

use std::borrow::Cow;

use serde::Deserialize;

use super::client::{Answer, Failure};

/// What is asked to be in the answer: enough to judge, and no more to send and to read.
pub(super) const FILTER: &str = "errors,items.*.status,items.*.error.type,items.*.error.reason";

/// What became of one item.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The store has it.
    Done,
    /// A version that is not smaller is stored; which, when the answer says so.
    Conflict(Option<u64>),
    /// The document itself is not acceptable.
    Refused(String),
    /// Not done, or not known to be.
    Setback(Setback),
}

/// Why something is not done; the later ones say more about what has to be done first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hindrance {
    /// Too much at once.
    Throttled,
    /// The store does not take writes at present.
    Unwell,
    /// The write alias is not there.
    Gone,
    /// It may have been done, may not have, or may be done later.
    Unknown,
}

/// A hindrance in the store's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setback {
    pub(super) hindrance: Hindrance,
    pub(super) words: String,
}

/// What became of a request.
pub(super) enum Outcome {
    /// One verdict an item, in their order.
    Items(Vec<Verdict>),
    /// The same for all items.
    Whole(Setback),
    /// Some item makes the whole request unacceptable.
    Guilty(String),
}

#[derive(Deserialize)]
struct BulkAnswer<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "index", alias = "delete")]
    result: ItemResult<'a>,
}

#[derive(Deserialize)]
struct ItemResult<'a> {
    status: u16,
    #[serde(borrow)]
    error: Option<ItemError<'a>>,
}

#[derive(Deserialize)]
struct ItemError<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    reason: Cow<'a, str>,
}

/// Judges what came back for a request of `items` items.
pub(super) fn judge(sent: Result<Answer, Failure>, items: usize) -> Outcome {
    let answer = match sent {
        Ok(answer) => answer,
        Err(failure) => return Outcome::Whole(setback(Hindrance::Unknown, failure.to_string())),
    };
    if answer.status >= 400 {
        let failure = answer.failure();
        let words = failure.to_string();
        return match hindrance(answer.status, &failure.kind, &failure.words) {
            Some(hindrance) => Outcome::Whole(setback(hindrance, words)),
            None => Outcome::Guilty(words),
        };
    }
    match serde_json::from_slice::<BulkAnswer<'_>>(&answer.body) {
        Ok(answer) if answer.items.len() == items => {
            Outcome::Items(answer.items.into_iter().map(judge_item).collect())
        }
        Ok(answer) => {
            let words = format!("an answer of {} items to {items}", answer.items.len());
            Outcome::Whole(setback(Hindrance::Unknown, words))
        }
        Err(error) => {
            let words = format!("an answer that cannot be read: {error}");
            Outcome::Whole(setback(Hindrance::Unknown, words))
        }
    }
}

fn judge_item(item: Item<'_>) -> Verdict {
    let ItemResult { status, error } = item.result;
    let Some(ItemError { kind, reason }) = error else {
        // A delete of what is not there is a 404 without an error.
        return match status {
            200..300 | 404 => Verdict::Done,
            _ => Verdict::Setback(setback(Hindrance::Unknown, format!("status {status}"))),
        };
    };
    if status == 409 {
        return Verdict::Conflict(current_version(&reason));
    }
    let words = format!("{kind}: {reason}");
    match hindrance(status, &kind, &reason) {
        Some(hindrance) => Verdict::Setback(setback(hindrance, words)),
        None => Verdict::Refused(words),
    }
}

/// What stands against a request or an item with this error; `None` when it is its content.
fn hindrance(status: u16, kind: &str, reason: &str) -> Option<Hindrance> {
    match (status, kind) {
        // A block is no passing rush: disk past its flood stage, writes forbidden.
        (400..500, "cluster_block_exception") | (401 | 403, _) | (_, "index_closed_exception") => {
            Some(Hindrance::Unwell)
        }
        (_, "index_not_found_exception") => Some(Hindrance::Gone),
        (400, "illegal_argument_exception") if reason.contains("no write index is defined") => {
            Some(Hindrance::Unwell)
        }
        (429, _) => Some(Hindrance::Throttled),
        (408 | 500.., _) => Some(Hindrance::Unknown),
        _ => None,
    }
}

fn setback(hindrance: Hindrance, words: String) -> Setback {
    Setback { hindrance, words }
}

/// `… current version [5] is higher or equal to the one provided [5]` → 5.
fn current_version(reason: &str) -> Option<u64> {
    let (_, rest) = reason.split_once("current version [")?;
    rest.split_once(']')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(body: &str, count: usize) -> Outcome {
        judge(
            Ok(Answer {
                status: 200,
                body: body.into(),
            }),
            count,
        )
    }

    #[test]
    fn each_item_is_judged_by_its_status_and_kind() {
        let body = r#"{"errors":true,"items":[
            {"index":{"status":201}},
            {"delete":{"status":404}},
            {"index":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"[1]: version conflict, current version [5] is higher or equal to the one provided [5]"}}},
            {"index":{"status":400,"error":{"type":"document_parsing_exception","reason":"no \"number\""}}},
            {"delete":{"status":404,"error":{"type":"index_not_found_exception","reason":"no such index"}}},
            {"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}},
            {"index":{"status":429,"error":{"type":"cluster_block_exception","reason":"flood"}}},
            {"index":{"status":403,"error":{"type":"cluster_block_exception","reason":"write"}}},
            {"index":{"status":503,"error":{"type":"unavailable_shards_exception","reason":"r"}}}]}"#;
        let Outcome::Items(verdicts) = items(body, 9) else {
            panic!("an answer with items");
        };
        let hindrances: Vec<_> = verdicts[4..]
            .iter()
            .map(|verdict| match verdict {
                Verdict::Setback(setback) => setback.hindrance,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            hindrances,
            [
                Hindrance::Gone,
                Hindrance::Throttled,
                Hindrance::Unwell,
                Hindrance::Unwell,
                Hindrance::Unknown,
            ]
        );
        assert_eq!(
            verdicts[..4],
            [
                Verdict::Done,
                Verdict::Done,
                Verdict::Conflict(Some(5)),
                Verdict::Refused("document_parsing_exception: no \"number\"".into()),
            ]
        );
    }

    #[test]
    fn an_answer_that_is_cut_short_says_nothing() {
        for body in [
            "",
            "{\"items\":[{\"index\":{\"status\":201}}",
            "{\"items\":[]}",
        ] {
            let Outcome::Whole(setback) = items(body, 1) else {
                panic!("{body}");
            };
            assert_eq!(setback.hindrance, Hindrance::Unknown);
        }
    }

    #[test]
    fn a_whole_request_is_halved_only_for_what_it_says() {
        let whole = |status, kind: &str| {
            let body = format!(r#"{{"error":{{"type":"{kind}","reason":"r"}}}}"#);
            let body = body.into_bytes();
            match judge(Ok(Answer { status, body }), 1) {
                Outcome::Whole(setback) => Some(setback.hindrance),
                Outcome::Guilty(_) => None,
                Outcome::Items(_) => panic!("an error has no items"),
            }
        };
        assert_eq!(whole(413, "too_large"), None);
        assert_eq!(whole(400, "action_request_validation_exception"), None);
        assert_eq!(whole(401, "security_exception"), Some(Hindrance::Unwell));
        assert_eq!(
            whole(429, "circuit_breaking_exception"),
            Some(Hindrance::Throttled)
        );
        assert_eq!(whole(502, "x"), Some(Hindrance::Unknown));
        assert_eq!(
            whole(404, "index_not_found_exception"),
            Some(Hindrance::Gone)
        );
    }
}
