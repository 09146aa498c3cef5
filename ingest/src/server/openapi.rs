//! The frame of `/openapi.json` and `/docs`: what the routes take and answer, from the handlers' own words.
//!
//! A route is documented where it is written: `#[utoipa::path(get, path = "…", responses(…,
//! Problems))]` above its handler, `routes!(handler)` in `router.rs`.

use eip_http::Problem;
use eip_http::openapi::Bearer;
use utoipa::openapi::OpenApi;
use utoipa::{IntoParams, OpenApi as _};

use crate::run::Pace;

/// A run in a path.
#[derive(IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub(super) struct RunPath(
    /// The run's id: 16 hex digits.
    #[param(pattern = "^[0-9a-f]{16}$")]
    #[expect(dead_code, reason = "only its description is used")]
    String,
);

/// What comes along with a run's request.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct RunHeaders {
    /// The same key always means the same request; 1 to 255 printable characters.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$"
    )]
    key: String,
    /// Who asks, for the run ledger.
    #[param(rename = "Eip-Requester", max_length = 255)]
    requester: Option<String>,
    /// From where, for the run ledger: a program, a DAG's run.
    #[param(rename = "Eip-Origin", max_length = 255)]
    origin: Option<String>,
}

/// The frame of the document; the routes add themselves.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ingest",
        description = "The event factory: starts, watches, cancels and undoes runs, which put \
                       fulfillment events into the log."
    ),
    components(schemas(Problem, Pace)),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Frame;

/// The document before any route.
pub(super) fn frame() -> OpenApi {
    Frame::openapi()
}
