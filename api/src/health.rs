//! `/healthz`: does the process answer. `/readyz`: are there views, and how far do they go.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::api::Api;
use crate::problem::Problem;

pub(crate) async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

pub(crate) async fn ready(State(api): State<Api>) -> Result<Response, Problem> {
    let progress = api.views.snapshot().await?.progress;
    Ok(Json(json!({ "status": "ready", "progress": progress })).into_response())
}
