//! Serving until told to stop.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::config::ApiConfig;
use crate::router::{TIMEOUT, router};
use crate::views::OpenError;

/// Why serving ended otherwise than by the caller's wish.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The settings are wrong.
    #[error("cannot open the views or the cache")]
    Open(#[from] OpenError),
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
    let api = Api::open(&config)?;
    let server = axum::serve(listener, router(api.clone())).with_graceful_shutdown({
        let (shutdown, api) = (shutdown.clone(), api.clone());
        async move {
            shutdown.cancelled().await;
            // A stream has no end of its own.
            api.stream.close();
        }
    });
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(TIMEOUT).await;
    };
    let result = tokio::select! {
        result = server => result.map_err(ApiError::Listen),
        // A client that neither sends nor leaves must not hold up the end.
        () = too_late => Ok(()),
    };
    api.close().await;
    result
}
