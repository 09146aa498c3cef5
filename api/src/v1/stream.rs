//! `GET /v1/stream`: server-sent events of what changes, with the overview of each visible tick.
//!
//! The views are looked at twice a second while somebody listens. An event's id is `space:tick`; the last
//! [`RING`] are kept, so that whoever reconnects with `Last-Event-ID` misses none, or gets one `reset`
//! with the present state. A reader that does not keep up is dropped and comes back with its last id.
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>)

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use super::overview;
use crate::api::Api;
use crate::problem::Problem;

/// Events that are kept for those who come back.
const RING: usize = 1_000;
/// Events that a reader may be behind before it is dropped.
const BEHIND: usize = 64;
/// Most readers.
const READERS: usize = 1_000;
/// Between two looks at the views.
const LOOK: Duration = Duration::from_millis(500);
/// Something is sent at least this often, so that a connection that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One change.
#[derive(Debug)]
struct Change {
    tick: u64,
    data: String,
}

/// What all readers share.
#[derive(Debug)]
pub(crate) struct Hub {
    sender: Sender<Arc<Change>>,
    ring: Mutex<VecDeque<Arc<Change>>>,
    watching: Mutex<Option<AbortHandle>>,
    tasks: TaskTracker,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(BEHIND).0,
            ring: Mutex::default(),
            watching: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }
}

impl Hub {
    fn ring(&self) -> MutexGuard<'_, VecDeque<Arc<Change>>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, tick: u64, data: String) {
        let change = Arc::new(Change { tick, data });
        let mut ring = self.ring();
        if ring.len() == RING {
            ring.pop_front();
        }
        ring.push_back(Arc::clone(&change));
        // Without a reader there is nobody to tell.
        let _ = self.sender.send(change);
    }

    /// Looks at the views from now on, unless somebody does.
    fn watch(api: &Api) {
        let mut watching = api
            .stream
            .watching
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if watching.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let looking = api.clone();
        let task = api.stream.tasks.spawn(async move {
            let api = looking;
            while api.stream.sender.receiver_count() > 0 {
                Box::pin(look(&api)).await;
                tokio::time::sleep(LOOK).await;
            }
        });
        *watching = Some(task.abort_handle());
    }

    /// Ends the looking; readers end with it.
    pub(crate) fn close(&self) {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = watching.take() {
            task.abort();
        }
    }
}

/// Publishes the present state when it is a new one. What cannot be read now is looked at again.
async fn look(api: &Api) {
    let last = api.stream.ring().back().map(|change| change.tick);
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

pub(crate) async fn stream(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if api.stream.sender.receiver_count() >= READERS {
        let detail = format!("{READERS} readers are connected; come back later");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let receiver = api.stream.sender.subscribe();
    Hub::watch(&api);
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| known(&api, id.to_str().ok()?));
    let first: VecDeque<Event> = if let Some(missed) = last {
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

/// What was published after the event with this id, if it is known.
fn known(api: &Api, id: &str) -> Option<Vec<Arc<Change>>> {
    let tick: u64 = id.strip_prefix(&format!("{}:", api.space))?.parse().ok()?;
    let ring = api.stream.ring();
    let at = ring.iter().position(|change| change.tick == tick)?;
    Some(ring.iter().skip(at + 1).cloned().collect())
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
            // One that is too far behind has missed some, and ends.
            let change = receiver.recv().await.ok()?;
            let event = event(&api, "change", &change);
            Some((Ok(event), (api, first, receiver)))
        },
    )
}
