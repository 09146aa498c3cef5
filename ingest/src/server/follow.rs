//! `GET /v1/runs/{id}/events`: a run's progress as server-sent events (WHATWG HTML, section 9.2).
//!
//! `run` events carry what `GET /v1/runs/{id}` answers, a few a second while something changes; the
//! last is `end`. Whoever connects again gets the present state first.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::app::{App, SpaceQuery, answer, named_run};
use super::handlers::{named_space, run_path};
use super::openapi::{Problems, RunPath};
use super::owner::Passed;
use super::problem::Problem;
use super::spaces::SpaceRuns;
use crate::run::RunId;

/// Time between two looks at a run.
const EVERY: Duration = Duration::from_millis(250);

/// Where a stream is.
struct Following {
    space: Arc<SpaceRuns>,
    run: RunId,
    last: Option<String>,
    has_ended: bool,
}

/// A run's progress as server-sent events: `run` while it goes on, `end` as the last.
#[utoipa::path(get, path = "/v1/runs/{id}/events", params(RunPath, SpaceQuery),
    responses((status = 200, body = str, content_type = "text/event-stream"), Problems))]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<SpaceQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (run, query) = (named_run(id)?, named_space(query)?);
    let space = app.space_of(&query, &run).await?;
    let now = answer(&space, &run).await?;
    if now.view.state.is_live() && space.executor.live(&run).is_none() {
        let path = run_path(&space, &run).replacen(run.as_str(), &format!("{run}/events"), 1);
        let passed = Passed {
            method: Method::GET,
            path,
            headers: &headers,
            body: Vec::new(),
        };
        let owner = now.view.owner_url.as_deref();
        if let Ok(Some(response)) = app.owners.pass_on(owner, passed).await {
            return Ok(response);
        }
    }
    let following = Following {
        space,
        run,
        last: None,
        has_ended: false,
    };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok::<_, Infallible>(event), following))
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}

impl Following {
    /// The next event, once something has changed.
    async fn next(&mut self) -> Option<Event> {
        if self.has_ended {
            return None;
        }
        loop {
            if self.last.is_some() {
                tokio::time::sleep(EVERY).await;
            }
            // At an error the stream ends; the client asks again and is told why.
            let answer = answer(&self.space, &self.run).await.ok()?;
            self.has_ended = !answer.view.state.is_live();
            let name = if self.has_ended { "end" } else { "run" };
            let text = serde_json::to_string(&answer).ok()?;
            if self.has_ended || self.last.as_ref() != Some(&text) {
                self.last = Some(text.clone());
                return Some(Event::default().event(name).data(text));
            }
        }
    }
}
