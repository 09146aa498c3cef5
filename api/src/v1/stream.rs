//! `GET /v1/stream`: server-sent events of what changes, with the overview of each visible tick.
//!
//! The views are looked at twice a second while somebody listens. An event's id is `space:tick`; the last
//! ones are kept ([`crate::hub`]), so that a reader that reconnects with `Last-Event-ID` misses none, or
//! gets one `reset` with the present state. A reader that does not keep up is dropped and comes back with
//! its last id. (<https://html.spec.whatwg.org/multipage/server-sent-events.html>)

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast::Receiver;
use utoipa::IntoParams;

use super::overview;
use crate::api::Api;
use crate::hub::Change;
use crate::openapi::Problems;
use crate::problem::Problem;

/// Most readers.
const READERS: usize = 1_000;
/// Between two looks at the views.
const LOOK: Duration = Duration::from_millis(500);
/// Something is sent at least this often, so that a connection that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What comes along with a request for the stream.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct StreamHeaders {
    /// The id of the last event that was received.
    #[param(rename = "Last-Event-ID", value_type = String, required = false)]
    last_event_id: Option<String>,
}

/// What changes, as server-sent events: `reset` with the present overview, then `change` with that of
/// each new visible tick.
#[utoipa::path(get, path = "/v1/stream", params(StreamHeaders),
    responses((status = 200, body = str, content_type = "text/event-stream"), Problems))]
pub(crate) async fn stream(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if api.stream.readers() >= READERS {
        let detail = format!("{READERS} readers are connected; come back later");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let receiver = api.stream.subscribe();
    api.stream.watch_with(watch(api.clone()));
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| tick_of(&api, id.to_str().ok()?));
    let missed = last.and_then(|tick| api.stream.after(tick));
    let first: VecDeque<Event> = if let Some(missed) = missed {
        let missed = missed.iter();
        missed.map(|change| event(&api, "change", change)).collect()
    } else {
        // New, or gone for too long: all of the present state.
        let (tick, data) = overview::present(&api).await?;
        let change = Change { tick, data };
        VecDeque::from([event(&api, "reset", &change)])
    };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(events(api, first, receiver))
        .keep_alive(keep_alive)
        .into_response())
}

/// Looks at the views for as long as somebody reads.
async fn watch(api: Api) {
    while !api.stream.is_left() {
        Box::pin(look(&api)).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Publishes the present state when it is a new one. What cannot be read now is looked at again.
async fn look(api: &Api) {
    let last = api.stream.last();
    let Ok(moment) = api.views.moment().await else {
        return;
    };
    let visible = moment.visible_tick();
    drop(moment);
    if last == Some(visible) {
        return;
    }
    match overview::present(api).await {
        Ok((tick, data)) if last != Some(tick) => api.stream.publish(tick, data),
        Ok(_) => {}
        Err(problem) => tracing::debug!(?problem, "no overview for the stream"),
    }
}

/// The tick of an event's id.
fn tick_of(api: &Api, id: &str) -> Option<u64> {
    let (space, tick) = id.split_once(':')?;
    (space == api.space.name())
        .then(|| tick.parse().ok())
        .flatten()
}

fn event(api: &Api, name: &str, change: &Change) -> Event {
    Event::default()
        .event(name)
        .id(format!("{}:{}", api.space, change.tick))
        .data(&change.data)
}

fn events(
    api: Api,
    first: VecDeque<Event>,
    receiver: Receiver<Arc<Change>>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(
        (api, first, receiver),
        |(api, mut first, mut receiver)| async {
            if let Some(event) = first.pop_front() {
                return Some((Ok(event), (api, first, receiver)));
            }
            let change = tokio::select! {
                // One that is too far behind has missed some, and ends.
                change = receiver.recv() => change.ok()?,
                () = api.stream.closed() => return None,
            };
            let event = event(&api, "change", &change);
            Some((Ok(event), (api, first, receiver)))
        },
    )
}
