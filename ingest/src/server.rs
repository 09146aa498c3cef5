//! Runs over HTTP, thin: start a fast, window or revert run and look at it.
//!
//! ```text
//!  POST /v1/runs ──► checked, named ──► queue ──► one thread with the journal's writer ──► log, ledger
//!  GET  /v1/runs, /v1/runs/{id} ◄── the ledger, and what the thread is at
//! ```
//! A request names a dataset and rules; the configuration says which folder and file that is, so no
//! request carries a path. Bearer tokens say who may do what ([`Role`]); without any, it listens on
//! loopback only.
//!
//! A run has its place in the ledger from the moment on that the thread takes it up; a process that
//! is killed forgets the runs that still waited, and the same Idempotency-Key asks for them again.

mod access;
mod body;
mod config;
mod connections;
mod handlers;
mod limits;
mod metrics;
mod openapi;
mod page;
mod problem;
mod queue;
mod receive;
mod request_id;
mod router;

pub use access::{BadRole, HASHES_PER_NAME, Role, Tokens, TokensError, token_sha256};
pub use config::{ServeError, ServerConfig};
pub use limits::HttpLimits;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::run::{Clock, Runner};
use connections::serve_connections;
use metrics::Metrics;
use queue::Queue;

/// Serves until `shutdown`; then the live run and those that wait end as `interrupted`, and the same
/// keys go on with them.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listen)?;
    if config.tokens.is_empty() {
        if !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
        tracing::warn!(%address, "there are no tokens: whoever is on this machine may do everything");
    }
    let clock = Arc::clone(&config.clock);
    let clock: Clock = Box::new(move || clock());
    let runner = Runner::open(config.log.clone(), "eip ingest", clock)?;
    let metrics = Arc::<Metrics>::default();
    let (queue, worker) = Queue::start(runner, Arc::clone(&metrics))?;
    let (tokens, limits) = (config.tokens.clone(), config.http);
    let advertise = config.advertise.clone();
    let app = handlers::App::new(config, queue.clone(), Arc::clone(&metrics))?;
    let router = router::router(Arc::new(app), tokens, limits, metrics);
    let advertise = advertise.unwrap_or_else(|| format!("http://{address}"));
    tracing::info!(%address, advertise, "ingest listens");
    serve_connections(listener, router, limits, shutdown).await;
    queue.close();
    // The thread ends its run at the next look at its observer.
    let joined = tokio::task::spawn_blocking(move || worker.join()).await;
    match joined {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(ServeError::WorkerPanicked),
    }
}
