//! `POST /v1/shipments/lookup`: many ids or beginnings of ids at once, answered in the order asked. One bad
//! id fails nothing.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::Response;
use eip_stores::query::{Direction, Moment, Search, Sort};
use eip_views::{SHIPMENTS, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::document::raw;
use super::shipments::{is_id, pasted, search_for};
use crate::api::Api;
use crate::asked::Asked;
use crate::problem::Problem;

/// Most ids of a request.
const MOST: usize = 500;
/// Most candidates of an ambiguous one.
const CANDIDATES: usize = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupBody {
    ids: Vec<String>,
    min_tick: Option<u64>,
}

#[derive(Serialize)]
struct Answer {
    results: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    /// As it was asked.
    asked: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome {
    Found { shipment: Box<RawValue> },
    NotFound,
    Ambiguous { candidates: Vec<String> },
    Invalid { reason: &'static str },
}

pub(crate) async fn lookup(
    State(api): State<Api>,
    body: Result<Json<LookupBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    if body.ids.len() > MOST {
        let detail = format!("ids: {} are more than {MOST}", body.ids.len());
        return Err(Problem::bad_field("ids", detail));
    }
    let asked = Asked::begin(&api, body.min_tick).await?;
    let request = serde_json::to_string(&body.ids).expect("texts are JSON");
    let request = format!("lookup:{request}");
    asked
        .answer(&request, async |moment: &mut Moment| {
            look_up(moment, body.ids).await
        })
        .await
}

async fn look_up(moment: &mut Moment, ids: Vec<String>) -> Result<Answer, Problem> {
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
        let outcome = match shipment {
            Some(shipment) => Outcome::Found {
                shipment: shipment.clone(),
            },
            None if !is_id(wanted) => Outcome::Invalid {
                reason: "an order id has 1 to 512 bytes and no control character",
            },
            None => beginning(moment, wanted).await?,
        };
        results.push(Found { asked, outcome });
    }
    Ok(Answer { results })
}

/// What begins so.
async fn beginning(moment: &mut Moment, wanted: &str) -> Result<Outcome, Problem> {
    let search = Search {
        condition: search_for("ids", wanted)?,
        sort: Sort {
            column: 0,
            direction: Direction::Ascending,
        },
        after: None,
        limit: CANDIDATES as u32 + 1,
        count_all: false,
    };
    let found = moment.search(&search).await?.documents;
    Ok(match &found[..] {
        [] => Outcome::NotFound,
        [only] => Outcome::Found {
            shipment: raw(&SHIPMENTS, only),
        },
        several => {
            let ids = several.iter().filter_map(|document| match &document[0] {
                Value::Text(id) => Some(id.to_string()),
                _ => None,
            });
            Outcome::Ambiguous {
                candidates: ids.take(CANDIDATES).collect(),
            }
        }
    })
}
