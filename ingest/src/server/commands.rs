//! Commands to a live run: pause, another speed, cancel. They reach it through any instance.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use eip_http::openapi::Problems;
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::app::{RunAnswer, SpaceQuery};
use super::asked::Asked;
use super::body::scale_factor;
use super::executor::LiveRun;
use super::handlers::require_json;
use super::openapi::RunPath;
use super::problem::Problem;
use crate::run::{RunId, RunKind, RunState, ScaleFactor};

/// How long an answer waits for the run to have heard of a change.
const HEARD: Duration = Duration::from_secs(2);
/// Time between two looks at it.
const EVERY: Duration = Duration::from_millis(20);

/// What may be changed about a scaled run; at least one of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// Whether simulated time stands still.
    paused: Option<bool>,
    /// How many times faster than in life, from now on.
    #[schema(minimum = 1, maximum = 1_000_000)]
    scale_factor: Option<f64>,
}

/// Pause a scaled run, let it go on, or change its speed: at one instant, without a jump.
#[utoipa::path(patch, path = "/v1/runs/{id}", params(RunPath, SpaceQuery), request_body = Change,
    responses((status = 200, body = RunAnswer), Problems))]
pub(super) async fn change(asked: Asked, body: Bytes) -> Result<Response, Problem> {
    require_json(&asked.headers)?;
    let change: Change = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("the body is not what this takes: {error}");
        if error.is_data() {
            Problem::unprocessable("bad_field", detail)
        } else {
            Problem::bad_request(detail)
        }
    })?;
    if change.paused.is_none() && change.scale_factor.is_none() {
        let detail = "nothing to change: give paused, scale_factor or both";
        return Err(Problem::unprocessable("missing_field", detail));
    }
    let scale = change.scale_factor.map(scale_factor).transpose()?;
    match find(&asked, Method::PATCH, body.to_vec()).await? {
        Found::Elsewhere(response) => Ok(response),
        Found::Here(live) => {
            let kind = live.request.task.kind();
            if kind != RunKind::Scaled {
                let run = &asked.run;
                let detail = format!("run {run} is a {kind} run; only scaled runs have a pace");
                return Err(Problem::new(StatusCode::CONFLICT, "not_scaled", detail));
            }
            live.controls.set(change.paused, scale);
            let answer = heard(&asked, change.paused, scale).await?;
            Ok(Json(answer).into_response())
        }
    }
}

/// The run once its pacing has heard of the change and said so, or as it is after [`HEARD`]: one
/// that has not begun to write hears of it when it does.
async fn heard(
    asked: &Asked,
    paused: Option<bool>,
    scale: Option<ScaleFactor>,
) -> Result<RunAnswer, Problem> {
    let deadline = Instant::now() + HEARD;
    loop {
        let answer = asked.answer().await?;
        let state = answer.view.state;
        let pace = answer.progress.and_then(|progress| progress.pace);
        let is_so = pace.is_some_and(|pace| {
            let is_paused = (state == RunState::Paused, pace.is_paused);
            paused.is_none_or(|wished| is_paused == (wished, wished))
                && scale.is_none_or(|wished| pace.scale_factor == wished)
        });
        if is_so || !state.is_live() || Instant::now() >= deadline {
            return Ok(answer);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Cancel a run: a window or revert run then changes nothing.
#[utoipa::path(delete, path = "/v1/runs/{id}", params(RunPath, SpaceQuery),
    responses((status = 202, body = RunAnswer), Problems))]
pub(super) async fn cancel(asked: Asked) -> Result<Response, Problem> {
    match find(&asked, Method::DELETE, Vec::new()).await? {
        Found::Elsewhere(response) => Ok(response),
        Found::Here(live) => {
            live.cancel();
            let answer = asked.answer().await?;
            if answer.view.state.is_live() {
                return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
            }
            Err(has_ended(&asked.run, &answer))
        }
    }
}

enum Found {
    Here(Box<LiveRun>),
    /// What its owner answers.
    Elsewhere(Response),
}

/// Finds who executes a live run, and passes the command on to another instance.
async fn find(asked: &Asked, method: Method, body: Vec<u8>) -> Result<Found, Problem> {
    let live = asked.live();
    let (run, answer) = (&asked.run, asked.answer().await?);
    // One that has ended in the ledger is executed here for a moment longer, and hears nothing more.
    if !answer.view.state.is_live() {
        return Err(has_ended(run, &answer));
    }
    if let Some(live) = live {
        return Ok(Found::Here(Box::new(live)));
    }
    if let Some(response) = asked.pass_on(&answer, method, "", body).await? {
        return Ok(Found::Elsewhere(response));
    }
    let owner = answer.view.owner_url.as_deref();
    let detail = match owner {
        Some(owner) => format!(
            "run {run} belongs to the instance at {owner}, which does not execute it any more; 30 s \
             after its last sign of life it is interrupted"
        ),
        None => format!(
            "run {run} belongs to a program that takes no commands ({})",
            answer.view.origin.as_deref().unwrap_or("unknown")
        ),
    };
    Err(Problem::new(StatusCode::CONFLICT, "not_here", detail))
}

fn has_ended(run: &RunId, answer: &RunAnswer) -> Problem {
    let detail = format!("run {run} has ended already: {}", answer.view.state);
    Problem::new(StatusCode::CONFLICT, "ended", detail)
}
