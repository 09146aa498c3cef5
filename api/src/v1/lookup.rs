//! `POST /v1/shipments/lookup`: many ids or beginnings of ids at once, answered in the order asked. One bad
//! id fails nothing.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::Response;
use eip_stores::query::{Count, Direction, Document, Moment, Search, Sort};
use eip_views::{SHIPMENTS, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::document::raw;
use super::parameters::tick;
use super::shipments::{is_id, pasted, search_for};
use crate::api::Api;
use crate::asked::{Answer, Asked, Question};
use crate::openapi::Problems;
use crate::openapi::views::Shipment;
use crate::problem::Problem;

/// Most ids of a request.
const MOST: usize = 500;
/// Most candidates of an ambiguous one.
const CANDIDATES: usize = 5;

/// What is looked up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupBody {
    /// Ids, or beginnings of ids of at least 4 characters.
    #[schema(max_items = 500)]
    ids: Vec<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[schema(maximum = 4_398_046_511_103_u64)]
    min_tick: Option<u64>,
}

/// What was found, in the order asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct LookupResults {
    results: Vec<LookupResult>,
}

/// What one of them is.
#[derive(Serialize, ToSchema)]
struct LookupResult {
    /// As it was asked.
    asked: String,
    outcome: Outcome,
    /// Where it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Shipment>)]
    shipment: Option<Box<RawValue>>,
    /// Where it is ambiguous: up to five ids that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<String>>,
    /// Where it is invalid: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// There is one.
    Found,
    /// There is none.
    NotFound,
    /// Several ids begin so.
    Ambiguous,
    /// It cannot be an order's id.
    Invalid,
}

impl LookupResult {
    fn of(asked: String, outcome: Outcome) -> Self {
        Self {
            asked,
            outcome,
            shipment: None,
            candidates: None,
            reason: None,
        }
    }

    fn found(asked: String, shipment: Box<RawValue>) -> Self {
        Self {
            shipment: Some(shipment),
            ..Self::of(asked, Outcome::Found)
        }
    }
}

/// Many shipments by their ids or the beginnings of them; one bad id fails nothing.
#[utoipa::path(post, operation_id = "lookup_shipments", path = "/v1/shipments/lookup", request_body = LookupBody,
    responses((status = 200, body = Answer<LookupResults>), Problems))]
pub(crate) async fn lookup(
    State(api): State<Api>,
    body: Result<Json<LookupBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    if body.ids.len() > MOST {
        let detail = format!("ids: {} are more than {MOST}", body.ids.len());
        return Err(Problem::bad_field("ids", detail));
    }
    let min_tick = tick(body.min_tick.map(|tick| tick.to_string()).as_deref())?;
    let question = Question::named(format!("lookup:{:?}", body.ids)).at_least(min_tick);
    let made = async |asked: &mut Asked| look_up(&mut asked.moment, body.ids).await;
    api.answer(question, made).await
}

async fn look_up(moment: &mut Moment, ids: Vec<String>) -> Result<LookupResults, Problem> {
    let mut exact: Vec<String> = Vec::new();
    for id in ids.iter().map(|id| pasted(id)).filter(|id| is_id(id)) {
        exact.push(id.to_owned());
        exact.push(id.to_lowercase());
    }
    exact.sort_unstable();
    exact.dedup();
    let mut known: HashMap<String, Box<RawValue>> = HashMap::new();
    for document in moment.shipments(&exact).await? {
        if let Value::Text(id) = &document[0] {
            known.insert(id.to_string(), raw(&SHIPMENTS, &document));
        }
    }
    let mut results = Vec::with_capacity(ids.len());
    for asked in ids {
        let wanted = pasted(&asked);
        let shipment = known
            .get(wanted)
            .or_else(|| known.get(&wanted.to_lowercase()));
        let shipment = shipment.cloned();
        results.push(match shipment {
            Some(shipment) => LookupResult::found(asked, shipment),
            None if !is_id(wanted) => LookupResult {
                reason: Some("an order id has 1 to 512 bytes and no control character"),
                ..LookupResult::of(asked, Outcome::Invalid)
            },
            None => {
                let found = beginning(moment, wanted).await?;
                of_candidates(asked, &found)
            }
        });
    }
    Ok(LookupResults { results })
}

/// The first ids that begin so, one more than are shown.
async fn beginning(moment: &mut Moment, wanted: &str) -> Result<Vec<Document>, Problem> {
    let search = Search {
        condition: search_for("ids", wanted)?,
        sort: Sort {
            column: 0,
            direction: Direction::Ascending,
        },
        after: None,
        limit: CANDIDATES as u32 + 1,
        count: Count::Nothing,
    };
    Ok(moment.search(&search).await?.documents)
}

fn of_candidates(asked: String, found: &[Document]) -> LookupResult {
    match found {
        [] => LookupResult::of(asked, Outcome::NotFound),
        [only] => LookupResult::found(asked, raw(&SHIPMENTS, only)),
        several => {
            let ids = several.iter().filter_map(|document| match &document[0] {
                Value::Text(id) => Some(id.to_string()),
                _ => None,
            });
            LookupResult {
                candidates: Some(ids.take(CANDIDATES).collect()),
                ..LookupResult::of(asked, Outcome::Ambiguous)
            }
        }
    }
}
