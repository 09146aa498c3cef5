//! `POST /v1/pipeline/refused_documents/retry`: documents that Elasticsearch refused are sent again.
//!
//! The dataflow does it: it alone writes to the stores. It gets the caller's token, so it has to know it too.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::openapi::Problems;
use crate::problem::Problem;

/// Where the dataflow takes it.
const PATH: &str = "/refused_documents/retry";

/// Which refused documents; all without members.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    /// Those of this view.
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    /// Those with these ids.
    #[serde(default)]
    ids: Vec<String>,
}

/// What became of them.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RetryAnswer {
    /// Documents that are sent again where they still stand.
    sent_again: u64,
    /// How many of them were refused again; null as long as that is not known (202).
    refused_again: Option<u64>,
}

/// Has refused documents sent again. The dataflow begins again for it and reads the log; what is refused again
/// is listed again.
#[utoipa::path(post, operation_id = "retry_refused_documents", path = "/v1/pipeline/refused_documents/retry",
    request_body = RetryBody,
    responses((status = 200, description = "Sent again.", body = RetryAnswer),
        (status = 202, description = "Not done yet; `/v1/pipeline` shows what is refused again.", body = RetryAnswer),
        Problems))]
pub(crate) async fn retry(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Json<RetryBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let Some(dataflow) = &api.dataflow else {
        let detail = "this API knows no dataflow to pass this on to (`eip api --dataflow URL`)";
        return Err(Problem::named(StatusCode::NOT_FOUND, "no_dataflow", detail));
    };
    let (status, said) = dataflow.post(PATH, &headers, &body).await.map_err(|why| {
        tracing::warn!(why, "refused documents cannot be sent again");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::named(status, "dataflow_away", "the dataflow does not answer now")
    })?;
    if !status.is_success() {
        let text = |member: &str| said[member].as_str().map(ToOwned::to_owned);
        let code = text("code").unwrap_or_else(|| "dataflow".to_owned());
        let detail = text("detail").unwrap_or_else(|| format!("the dataflow answered {status}"));
        return Err(Problem::named(status, code, detail));
    }
    let answer: RetryAnswer = serde_json::from_value(said).map_err(|error| {
        tracing::error!(%error, "the dataflow's answer is not understood");
        Problem::named(
            StatusCode::BAD_GATEWAY,
            "dataflow",
            "the dataflow's answer is not understood",
        )
    })?;
    Ok((status, Json(answer)).into_response())
}
