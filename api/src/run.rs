//! Serving until told to stop.

use eip_http::NotLoopback;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::config::ApiConfig;
use crate::router::router;
use crate::views::OpenError;

/// Why serving ended otherwise than by the caller's wish.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The settings are wrong.
    #[error("cannot open the views or the cache")]
    Open(#[from] OpenError),
    /// Anybody who can reach it could ask everything and start runs.
    #[error(transparent)]
    NotLoopback(#[from] NotLoopback),
    /// The listener failed.
    #[error("cannot accept connections")]
    Listen(#[source] std::io::Error),
}

/// Serves what `config` names on `listener` until `shutdown`; then requests under way are finished,
/// within the time that any request has.
pub async fn run(
    listener: TcpListener,
    config: ApiConfig,
    shutdown: CancellationToken,
) -> Result<(), ApiError> {
    let address = listener.local_addr().map_err(ApiError::Listen)?;
    let api = Api::open(&config)?;
    api.service.check_address(address)?;
    let served = api
        .service
        .serve(listener, router(api.clone()), shutdown.clone());
    let ended = async {
        shutdown.cancelled().await;
        // A stream has no end of its own.
        api.stream.close();
    };
    tokio::join!(served, ended);
    api.close().await;
    Ok(())
}
