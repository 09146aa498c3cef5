//! Serving until told to stop.

use std::path::Path;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::router::{TIMEOUT, router};
use crate::views::Views;

/// Why serving ended otherwise than by the caller's wish.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The listener failed.
    #[error("cannot accept connections")]
    Listen(#[source] std::io::Error),
}

/// Serves the views of the state folder `state` on `listener` until `shutdown`; then requests
/// under way are finished, within the time that any request has.
pub async fn run(
    listener: TcpListener,
    state: &Path,
    shutdown: CancellationToken,
) -> Result<(), ApiError> {
    let views = Views::of(state);
    let server = axum::serve(listener, router(views.clone()))
        .with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(TIMEOUT).await;
    };
    let result = tokio::select! {
        result = server => result.map_err(ApiError::Listen),
        // A client that neither sends nor leaves must not hold up the end.
        () = too_late => Ok(()),
    };
    views.close().await;
    result
}
