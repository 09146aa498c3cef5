//! `/v1/session`: a page signs in with a token, and out again.
//!
//! `POST` with a bearer token answers with a cookie that stands for it: `HttpOnly` (no script reads it),
//! `SameSite=Strict` (no page of another site sends it), without `Domain`, for [`SESSION_LASTS`]. Where the
//! request came over TLS, which the proxy before the service says (`X-Forwarded-Proto: https`), it is `Secure`
//! too and has the name prefix `__Host-`, so that no other host can have set it. `GET` says who one is and the
//! CSRF token, which every write of the session sends as `X-CSRF-Token`; `DELETE` ends the session.

use axum::Extension;
use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Caller, SESSION_LASTS, Session, Who, bearer};
use crate::cookie::cookie;
use crate::openapi::Problems;
use crate::problem::Problem;

/// Who one is.
#[derive(Serialize, ToSchema)]
pub struct Identity {
    /// The name of the token; `null` where no tokens are asked for.
    name: Option<String>,
    /// What it is good for: `read`, `replay`, `approve` or `admin`; each may do what those before it may.
    role: &'static str,
    /// Of a page that has signed in.
    session: Option<SessionAnswer>,
}

/// The session of a page.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionAnswer {
    /// What each write sends in the header `X-CSRF-Token`.
    csrf: String,
    /// In how many seconds it ends.
    ends_in: u64,
}

impl Identity {
    fn of(caller: &Caller, session: Option<&Session>, access: &Access) -> Self {
        let session = session.zip(access.sessions());
        Self {
            name: caller.name().map(ToOwned::to_owned),
            role: caller.role().name(),
            session: session.map(|(session, sessions)| SessionAnswer {
                csrf: session.csrf.to_string(),
                ends_in: sessions.left(session).as_secs(),
            }),
        }
    }
}

/// Its routes; they belong behind [`authenticate`](crate::authenticate).
pub fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(show, begin, end))
}

/// Who one is, and what a page needs for its writes.
#[utoipa::path(get, operation_id = "session", path = "/v1/session", responses((status = 200, body = Identity), Problems))]
async fn show(caller: Caller, Extension(who): Extension<Who>) -> Json<Identity> {
    Json(Identity::of(&caller, caller.session(), &who.access))
}

/// Sign in: exchange a bearer token for a cookie.
#[utoipa::path(post, operation_id = "sign_in", path = "/v1/session", responses(
    (status = 201, body = Identity, headers(("Set-Cookie" = String))), Problems))]
async fn begin(
    caller: Caller,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (Some(name), Some(sessions)) = (caller.key(), who.access.sessions()) else {
        let detail = "no tokens are asked for here, so there is nothing to sign in with";
        return Err(Problem::new(StatusCode::CONFLICT, "no_tokens", detail));
    };
    let token = headers.get(header::AUTHORIZATION);
    let token = token.and_then(|value| bearer(value.to_str().ok()?));
    // A session is not prolonged by itself.
    let Some(token) = token.filter(|_| caller.session().is_none()) else {
        let detail = "sign in with one header Authorization: Bearer TOKEN, not with a session";
        return Err(Problem::unauthorized("no_token", detail));
    };
    let (id, session) = sessions.begin(name, token);
    let cookie = cookie(&headers, &id, SESSION_LASTS.as_secs());
    let identity = Identity::of(&caller, Some(&session), &who.access);
    Ok((StatusCode::CREATED, cookie, Json(identity)).into_response())
}

/// Sign out: end the session of the cookie.
#[utoipa::path(delete, operation_id = "sign_out", path = "/v1/session", responses(
    (status = 204, headers(("Set-Cookie" = String))), Problems))]
async fn end(
    caller: Caller,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (Some(session), Some(sessions)) = (caller.session(), who.access.sessions()) else {
        let detail = "this request comes without a session";
        return Err(Problem::no_such("session", detail));
    };
    sessions.end(session);
    Ok((StatusCode::NO_CONTENT, cookie(&headers, "", 0)).into_response())
}
