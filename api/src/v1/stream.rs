//! `GET /v1/stream`: server-sent events of what changes: the overview of each visible tick, which shipments it
//! has changed, runs, and how far the views are behind the log.
//!
//! An event's id is `space:tick:number`, where the number counts the events of this instance, since several may
//! be of one tick. The last ones are kept ([`crate::hub`]), so that a reader that reconnects with
//! `Last-Event-ID` misses none, or gets one `reset` with the present state: a new one, one that was away for
//! too long, one that comes from another instance. A reader that does not keep up is dropped and comes back
//! with its last id. (<https://html.spec.whatwg.org/multipage/server-sent-events.html>)

mod shipments;
mod watch;

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

use crate::api::Api;
use crate::hub::{Change, Place};
use crate::openapi::Problems;
use crate::problem::Problem;

/// Most readers.
const READERS: usize = 1_000;
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

/// What changes, as server-sent events: `reset` with the present state, then `overview` and the ids of the
/// changed `shipments` at each new visible tick, `runs` that took a step, and `pipeline` while it moves.
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
    api.stream.watch_with(watch::watch(api.clone()));
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| place_of(&api, id.to_str().ok()?));
    let missed = last.and_then(|place| api.stream.behind(place));
    let (first, seen) = if let Some(missed) = missed {
        let seen = missed.last().map(|change| change.place).or(last);
        let missed = missed.iter().map(|change| event(&api, change));
        (missed.collect(), seen)
    } else {
        // All that was published until here is in what is read now.
        let seen = api.stream.last();
        let (tick, data) = Box::pin(watch::snapshot(&api)).await?;
        let reset = Change {
            name: "reset",
            place: Place { tick, ..seen },
            data,
        };
        (VecDeque::from([event(&api, &reset)]), Some(seen))
    };
    let reader = Reader {
        api,
        first,
        seen: seen.map_or(0, |place| place.number),
        receiver,
    };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(reader.events())
        .keep_alive(keep_alive)
        .into_response())
}

/// The place that an event's id names.
fn place_of(api: &Api, id: &str) -> Option<Place> {
    let (space, place) = id.split_once(':')?;
    (space == api.space.name())
        .then(|| Place::parse(place))
        .flatten()
}

fn event(api: &Api, change: &Change) -> Event {
    Event::default()
        .event(change.name)
        .id(format!("{}:{}", api.space, change.place))
        .data(&change.data)
}

struct Reader {
    api: Api,
    /// What it gets before anything new.
    first: VecDeque<Event>,
    /// The number of the last change that it has with these.
    seen: u64,
    receiver: Receiver<Arc<Change>>,
}

impl Reader {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, |mut reader| async {
            if let Some(event) = reader.first.pop_front() {
                return Some((Ok(event), reader));
            }
            loop {
                let change = tokio::select! {
                    // One that is too far behind has missed some, and ends.
                    change = reader.receiver.recv() => change.ok()?,
                    () = reader.api.stream.closed() => return None,
                };
                if change.place.number > reader.seen {
                    let event = event(&reader.api, &change);
                    return Some((Ok(event), reader));
                }
            }
        })
    }
}
