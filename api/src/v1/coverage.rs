//! `GET /v1/coverage`: which run last applied to each day of event time, under which rules and from which
//! data, what it rejected and which orders it left alone.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use eip_runs::CoveredDays;
use serde::Serialize;
use utoipa::ToSchema;

use super::runs::{LedgerMoment, SpaceQuery};
use crate::api::Api;
use crate::ingest;
use crate::openapi::Problems;
use crate::problem::Problem;

/// Which run last applied to each day, ascending and without an overlap.
// A generated Python class with a member of its own name does not type-check.
#[derive(Serialize, ToSchema)]
#[schema(as = CoverageByDays)]
pub(crate) struct Coverage {
    ledger: LedgerMoment,
    coverage: Vec<CoveredDays>,
}

/// Per day of event time: the run, rules and data that were last applied to it, what was rejected and what
/// was left alone.
#[utoipa::path(get, path = "/v1/coverage", params(SpaceQuery),
    responses((status = 200, body = Coverage), Problems))]
pub(crate) async fn coverage(
    State(api): State<Api>,
    query: Result<Query<SpaceQuery>, QueryRejection>,
    request: Request,
) -> Result<Response, Problem> {
    if !SpaceQuery::is_ours(&api, query)? {
        return ingest::pass_on(State(api), request).await;
    }
    let known = api.ledger.now().await?;
    let ledger = LedgerMoment::of(&api, &known);
    let coverage = known.coverage.clone();
    Ok(Json(Coverage { ledger, coverage }).into_response())
}
