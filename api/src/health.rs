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
    let moment = api.views.moment().await?;
    let progress = moment.progress();
    let progress = json!({
        "topicId": progress.topic_id, "epoch": progress.epoch, "tick": progress.tick,
        "offsets": progress.offsets, "visibleTick": moment.visible_tick(),
    });
    Ok(Json(json!({ "status": "ready", "progress": progress })).into_response())
}
