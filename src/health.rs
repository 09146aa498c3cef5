//! What a running dataflow reports over HTTP: whether it is ready, and its figures.
//!
//! `/livez` answers as long as the process does; `/readyz` is 200 when the views are written and
//! nothing is blocked, else 503 with the store's own words, and with `verbose` a line a store; `/metrics` is for
//! Prometheus. A POST to `/repair` has everything stored read and mended: with tokens that needs the role admin,
//! without any it is for programs on this machine. A POST to `/refused_documents/retry` needs the role replay.
//! Figures are for everybody where there are no tokens.

mod desk;
mod figures;
mod retry;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use eip_dataflow::{Summary, Watch};
use eip_http::health::{self, Dependency, ReadyQuery, State as Condition, report};
use eip_http::{Access, Caller, Known, Limits, Page, Problem, Role, Service, Tokens, authenticate};
use eip_stores::Look;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::chain::Chain;
use crate::cli::Mended;
pub(crate) use desk::RepairDesk;

/// A repair reads all that is stored, and is answered when it is done.
const LONGEST_REPAIR: Duration = Duration::from_hours(24);

/// The service; it ends when this is dropped.
pub(crate) struct Health {
    watched: Arc<Mutex<Watch>>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Health {
    /// Serves on a thread of its own.
    pub(crate) fn serve(
        address: SocketAddr,
        tokens: Tokens,
        dataflow: Watch,
        desk: &RepairDesk,
        chain: &Chain,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .with_context(|| format!("cannot listen on {address}"))?;
        out!("listening on http://{}", listener.local_addr()?);
        let limits = Limits {
            request_timeout: LONGEST_REPAIR,
            ..Limits::default()
        };
        let service = Service::new("the dataflow", Access::new(tokens), limits).shown_to_all();
        let watched = Arc::new(Mutex::new(dataflow));
        let stop = CancellationToken::new();
        let routes = router(&service).with_state(Watched {
            dataflow: Arc::clone(&watched),
            desk: desk.clone(),
            chain: chain.clone(),
            stop: stop.clone(),
        });
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("eip-health".to_owned())
            .spawn(move || runtime.block_on(service.serve(listener, routes, stopped)))?;
        Ok(Self {
            watched,
            stop,
            thread: Some(thread),
        })
    }

    /// From now on it tells about this dataflow.
    pub(crate) fn watch(&self, dataflow: Watch) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = dataflow;
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed and takes nothing with it.
            let _ = thread.join();
        }
    }
}

fn router(service: &Service) -> Router<Watched> {
    let writes = Router::new()
        .route("/repair", post(repair))
        .route("/refused_documents/retry", post(retry::retry));
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .merge(service.local(writes))
        .route_layer(from_fn(authenticate));
    let routes = guarded
        .route("/livez", get(health::alive))
        .route("/readyz", get(ready));
    service.wrap(routes)
}

#[derive(Clone)]
struct Watched {
    dataflow: Arc<Mutex<Watch>>,
    desk: RepairDesk,
    chain: Chain,
    stop: CancellationToken,
}

impl Watched {
    fn now(&self) -> Watch {
        self.dataflow
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What `look` finds in the stores, on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Chain) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let chain = self.chain.clone();
        let found = tokio::task::spawn_blocking(move || look(&chain)).await;
        match found {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                // Its words may name machines.
                tracing::error!(?error, "refused documents cannot be read or forgotten");
                let detail = "the stores do not answer; the dataflow's log says more";
                Err(Problem::unavailable("store_away", detail))
            }
            Err(panic) => Err(Problem::internal(&panic.to_string())),
        }
    }
}

/// Reads everything that is stored and mends it; answers when it is done.
async fn repair(State(watched): State<Watched>, caller: Caller) -> Result<Json<Mended>, Problem> {
    caller.require(Role::Admin)?;
    if !watched.desk.is_open {
        return Err(several_processes("stop them and run `eip repair`"));
    }
    let request = watched.desk.ask(Look::Whole);
    let answer = watched.stop.run_until_cancelled(request.answer()).await;
    let mended = answer.flatten().map(Json);
    mended.ok_or_else(|| Problem::unavailable("ended", "the dataflow has ended"))
}

fn several_processes(way_out: &str) -> Problem {
    let why = format!("this dataflow has several processes: {way_out}");
    Problem::new(StatusCode::CONFLICT, "several_processes", why)
}

async fn ready(
    State(watched): State<Watched>,
    known: Known,
    query: Result<Query<ReadyQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    let dataflow = watched.now();
    let progress = dataflow.progress();
    if query.is_verbose() {
        // What the stores say may name machines.
        known.0?.require(Role::Read)?;
        let all = dependencies(&watched.chain, &progress, dataflow.has_failed());
        return Ok(report(&all));
    }
    let state = if dataflow.has_failed() {
        "failed"
    } else if !progress.blocked.is_empty() {
        "blocked"
    } else if progress.written.is_none() {
        "hydrating"
    } else {
        "ready"
    };
    let said = json!({
        "state": state,
        "blocked": progress.blocked,
        "writtenTick": progress.written.as_ref().map(|written| written.tick),
        "visibleTick": progress.visible,
        "offsets": progress.written.map(|written| written.offsets),
    });
    if state == "ready" {
        return Ok(Json(said).into_response());
    }
    let members: Map<String, Value> = serde_json::from_value(said).unwrap_or_default();
    let detail = format!("the dataflow is not ready: {state}");
    Err(Problem::unavailable(state, detail).with(members))
}

/// What the dataflow reads from and writes to, and whether it waits for it.
fn dependencies(chain: &Chain, progress: &Summary, has_failed: bool) -> Vec<Dependency> {
    let stores: &[&'static str] = if chain.is_embedded() {
        &["log", "sqlite"]
    } else {
        &["log", "elasticsearch", "postgres"]
    };
    let mut all: Vec<Dependency> = stores
        .iter()
        .map(|store| {
            let blocked = progress
                .blocked
                .iter()
                .find(|blocked| blocked.what == *store);
            match blocked {
                Some(blocked) => Dependency::new(store, Condition::Away, blocked.words.clone()),
                None => Dependency::new(store, Condition::Ready, "nothing waits for it"),
            }
        })
        .collect();
    all.push(match &progress.written {
        _ if has_failed => Dependency::new("views", Condition::Away, "the dataflow has failed"),
        None => Dependency::new("views", Condition::Waiting, "the log is being read"),
        Some(written) => {
            let words = format!("tick {} is written", written.tick);
            Dependency::new("views", Condition::Ready, words)
        }
    });
    all
}

async fn metrics(State(watched): State<Watched>) -> Page {
    let space = watched.chain.space_name();
    figures::page(&space, &watched.now().progress())
}
