//! `GET /v1/runs/{id}/events`: a run's progress as server-sent events (WHATWG HTML, section 9.2).
//!
//! `run` events carry what `GET /v1/runs/{id}` answers, a few a second while something changes; the
//! last is `end`. Whoever connects again gets the present state first.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::Method;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use eip_http::openapi::Problems;
use futures_util::stream;

use super::app::SpaceQuery;
use super::asked::Asked;
use super::openapi::RunPath;
use super::problem::Problem;

/// Time between two looks at a run.
const EVERY: Duration = Duration::from_millis(250);

/// Where a stream is.
struct Following {
    asked: Asked,
    last: Option<String>,
    has_ended: bool,
}

/// A run's progress as server-sent events: `run` while it goes on, `end` as the last.
#[utoipa::path(get, path = "/v1/runs/{id}/events", params(RunPath, SpaceQuery),
    responses((status = 200, body = str, content_type = "text/event-stream"), Problems))]
pub(super) async fn events(asked: Asked) -> Result<Response, Problem> {
    let now = asked.answer().await?;
    if now.view.state.is_live() && asked.live().is_none() {
        let passed = asked
            .pass_on(&now, Method::GET, "/events", Vec::new())
            .await;
        if let Ok(Some(response)) = passed {
            return Ok(response);
        }
    }
    let following = Following {
        asked,
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
            let answer = self.asked.answer().await.ok()?;
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
