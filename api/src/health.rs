//! `/healthz`: does the process answer. `/readyz`: are there views, and how far do they go.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eip_contract::Offset;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::openapi::Problems;
use crate::problem::Problem;

#[derive(Serialize, ToSchema)]
pub(crate) struct Alive {
    /// `ok`
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`
    status: &'static str,
    progress: Written,
}

/// How far the views are written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Written {
    /// The log that they are made from.
    topic_id: String,
    /// Counts the writers.
    epoch: u64,
    /// The tick of the rows.
    tick: u64,
    /// The next offset of each partition.
    #[schema(value_type = Vec<u64>)]
    offsets: Vec<Offset>,
    /// Searches find every document up to this tick.
    visible_tick: u64,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Alive), Problems))]
pub(crate) async fn alive() -> Response {
    Json(Alive { status: "ok" }).into_response()
}

/// Whether there are views, and how far they are written.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = Ready), Problems))]
pub(crate) async fn ready(State(api): State<Api>) -> Result<Response, Problem> {
    let moment = api.views.moment().await?;
    let progress = moment.progress();
    let progress = Written {
        topic_id: progress.topic_id.clone(),
        epoch: progress.epoch,
        tick: progress.tick,
        offsets: progress.offsets.clone(),
        visible_tick: moment.visible_tick(),
    };
    let ready = Ready {
        status: "ready",
        progress,
    };
    Ok(Json(ready).into_response())
}
