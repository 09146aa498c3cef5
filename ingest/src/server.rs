//! Runs over HTTP: start a fast, window, scaled or revert run, watch it, change its pace, cancel it;
//! and push rows.
//!
//! ```text
//!  POST /v1/runs ──► checked, named ──► executor: a thread a run, with a writer of its own ──► log, ledger
//!  GET  /v1/runs, /v1/runs/{id} ◄── the ledger, and what the thread is at
//!  PATCH, DELETE, …/events ──► the thread, or the instance that executes the run (its `owner_url`)
//!  POST /v1/rows ──► read whole, judged ──► a writer of its own ──► log, ledger ──► a verdict a row
//!  GET  /v1/datasets, /v1/rules, /v1/coverage ◄── the configuration, and the ledger
//!  POST /v1/datasets/{name}/check ──► the folder, read as a run would read it ──► what it is
//! ```
//! A request names a dataset and rules; the configuration says which folder and file that is, so no
//! request carries a path. Bearer tokens say who may do what ([`eip_http::Role`]); without any, it listens on
//! loopback only, and answers neither under a name that is not its own nor a page of another origin.
//!
//! Any number of instances may serve one log in Kafka; claims in the ledger keep their runs apart. A
//! run has its place in the ledger before its POST is answered. When its instance is gone it becomes
//! `interrupted`, and the same Idempotency-Key goes on with it through any instance.

mod app;
mod asked;
mod body;
mod catalog;
mod check;
mod commands;
mod config;
mod executor;
mod files;
mod follow;
mod handlers;
mod limits;
mod metrics;
mod openapi;
mod owner;
mod problem;
mod receipt;
mod rejects;
mod router;
mod rows;
mod spaces;

pub use config::{ServeError, ServerConfig};
pub use limits::WorkLimits;
pub use spaces::OpenSpace;

use std::sync::Arc;
use std::time::Duration;

use eip_http::{Access, Service};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use app::App;
use owner::takes_requests;

/// How often runs are looked for whose owner is gone.
const SWEEP: Duration = Duration::from_secs(10);

/// Serves until `shutdown`; then the live runs end as `interrupted`, and the same keys go on with
/// them.
pub async fn serve(
    listener: TcpListener,
    mut config: ServerConfig,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listen)?;
    let access = Access::new(config.tokens.clone());
    let service = Service::new("ingest", access, config.http);
    service.check_address(address)?;
    if let Some(url) = config.advertise.take_if(|url| !takes_requests(url)) {
        return Err(ServeError::BadAdvertise(url));
    }
    let advertise = config
        .advertise
        .get_or_insert_with(|| format!("http://{address}"));
    tracing::info!(%address, advertise, "ingest listens");
    let service = service.also_called(config.advertise.as_deref());
    let for_app = service.clone();
    let app = tokio::task::spawn_blocking(|| App::new(config, for_app)).await;
    let app = Arc::new(app.map_err(|_| ServeError::Panicked)??);
    let router = router::router(Arc::clone(&app));
    let beside = TaskTracker::new();
    beside.spawn(sweep(Arc::clone(&app), shutdown.clone()));
    // Streams of progress end with their runs, so these end while connections do.
    let closer = beside.spawn(close(app, shutdown.clone()));
    beside.close();
    service.serve(listener, router, shutdown).await;
    beside.wait().await;
    closer.await.map_err(|_| ServeError::Panicked)?
}

/// Lets the live runs end, once the service is to.
async fn close(app: Arc<App>, shutdown: CancellationToken) -> Result<(), ServeError> {
    shutdown.cancelled().await;
    let closed = tokio::task::spawn_blocking(move || {
        for space in app.spaces.opened() {
            space.executor.close();
        }
    });
    closed.await.map_err(|_| ServeError::Panicked)
}

/// Ends, every now and then, the runs whose owner is gone.
async fn sweep(app: Arc<App>, shutdown: CancellationToken) {
    while shutdown
        .run_until_cancelled(tokio::time::sleep(SWEEP))
        .await
        .is_some()
    {
        for space in app.spaces.opened() {
            let swept = tokio::task::spawn_blocking(move || space.executor.interrupt_unfinished());
            if let Ok(Err(error)) = swept.await {
                tracing::warn!(error = error.chain(), "cannot look for runs left behind");
            }
        }
    }
}
