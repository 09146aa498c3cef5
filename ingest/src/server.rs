//! Runs over HTTP, thin: start a fast, window or revert run and look at it, and push rows.
//!
//! ```text
//!  POST /v1/runs ──► checked, named ──► queue ──► one thread with the journal's writer ──► log, ledger
//!  GET  /v1/runs, /v1/runs/{id} ◄── the ledger, and what the thread is at
//!  POST /v1/rows ──► read whole, judged ──► a writer of its own ──► log, ledger ──► a verdict a row
//!  GET  /v1/datasets, /v1/rules, /v1/coverage ◄── the configuration, and the ledger
//! ```
//! A request names a dataset and rules; the configuration says which folder and file that is, so no
//! request carries a path. There are no accounts yet: it listens on loopback only.
//!
//! A run has its place in the ledger from the moment on that the thread takes it up; a process that
//! is killed forgets the runs that still waited, and the same Idempotency-Key asks for them again.

mod body;
mod catalog;
mod config;
mod handlers;
mod problem;
mod queue;
mod router;
mod rows;

pub use config::{ServeError, ServerConfig};

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::run::{Clock, Runner};
use queue::Queue;

/// Serves until `shutdown`; then the live run and those that wait end as `interrupted`, and the same
/// keys go on with them.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listen)?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback(address));
    }
    let clock = Arc::clone(&config.clock);
    let clock: Clock = Box::new(move || clock());
    let runner = Runner::open(config.log.clone(), "eip ingest", clock)?;
    let (queue, worker) = Queue::start(runner)?;
    let router = router::router(Arc::new(handlers::App::new(config, queue.clone())?));
    tracing::info!(%address, "ingest listens");
    let served = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    let served = served.await.map_err(ServeError::Listen);
    queue.close();
    // The thread ends its run at the next look at its observer.
    let joined = tokio::task::spawn_blocking(move || worker.join()).await;
    match joined {
        Ok(Ok(())) => served,
        Ok(Err(_)) | Err(_) => Err(ServeError::WorkerPanicked),
    }
}
