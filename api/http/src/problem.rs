//! Answers that say no: `application/problem+json` (RFC 9457), in one form for all services.
//!
//! A handler's own come as [`Problem`], which travels as an extension of an answer without a body; what axum
//! and the layers refuse (a query, a timeout) comes as whatever text it has. [`render`], around all of them,
//! writes the body of both: only it knows the path and the request's id.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::request_id;

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// Longest text of a foreign refusal that is passed on.
const MAX_FOREIGN_BYTES: usize = 4 << 10;
/// In how many seconds to ask again for what is not there now, unless the problem says it.
const AWAY: u64 = 5;

/// What went wrong, and whose turn it is.
#[derive(Clone, Debug)]
pub struct Problem(Box<Said>);

#[derive(Clone, Debug)]
struct Said {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    field: Option<Cow<'static, str>>,
    run: Option<String>,
    store: Option<&'static str>,
    retry_after: Option<u64>,
    reset: bool,
    more: Map<String, Value>,
}

/// A refusal, as it is sent.
#[derive(Serialize, ToSchema)]
struct Wire<'a> {
    /// Short fixed name, as a relative URI.
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// The short fixed name alone.
    code: &'a str,
    /// What to know about this one.
    detail: &'a str,
    /// The parameter or member that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// The id of the request: in the header `X-Request-Id` and the log too.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// The run that goes first, in answers about a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    /// The store that does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
    /// In how many seconds to ask again; the header `Retry-After` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// With 410: what the caller goes on from is not known any more, a copy is to be made again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reset: bool,
    #[serde(flatten)]
    #[schema(ignore)]
    more: &'a Map<String, Value>,
}

impl Problem {
    /// A problem with its status, its short fixed name and what to know about it.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Said {
            status,
            code: code.into(),
            detail: detail.into(),
            field: None,
            run: None,
            store: None,
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(AWAY),
            reset: false,
            more: Map::new(),
        }))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The short fixed name.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What it says.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The same about one parameter or member.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// The same with the run that goes first.
    #[must_use]
    pub fn run(mut self, run: impl Into<String>) -> Self {
        self.0.run = Some(run.into());
        self
    }

    /// The same with the store that does not answer.
    #[must_use]
    pub fn store(mut self, store: &'static str) -> Self {
        self.0.store = Some(store);
        self
    }

    /// The same with members of the service's own.
    #[must_use]
    pub fn with(mut self, members: Map<String, Value>) -> Self {
        self.0.more.extend(members);
        self
    }

    /// With when to ask again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// There is no such thing: `no_such_<thing>`.
    pub fn no_such(thing: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("no_such_{thing}"), detail)
    }

    /// What the caller goes on from is not known any more: it has to begin again.
    pub fn reset(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::GONE, "reset", detail);
        problem.0.reset = true;
        problem
    }

    /// Too much at once.
    pub fn too_many(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).retry_after(retry_after)
    }

    /// Something that this needs is not there now.
    pub fn unavailable(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// A defect. The cause goes into the log alone.
    pub fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request failed");
        let detail = "the service failed; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// No token, or not one that is known.
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// The request can be read and cannot be meant.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// The body of an answer about `instance` (a path) to the request with this id.
    pub(crate) fn body(&self, instance: Option<&str>, request_id: Option<&str>) -> Vec<u8> {
        let Said {
            status,
            code,
            detail,
            field,
            run,
            store,
            retry_after,
            reset,
            more,
        } = &*self.0;
        let wire = Wire {
            r#type: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            code,
            detail,
            field: field.as_deref(),
            instance,
            request_id,
            run: run.as_deref(),
            store: *store,
            retry_after: *retry_after,
            reset: *reset,
            more,
        };
        serde_json::to_vec(&wire).expect("texts and numbers are JSON")
    }
}

/// For OpenAPI documents: what is sent.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Wire::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an answer whose body stays as it is, whatever its status: another service's, or one for people.
#[derive(Clone, Copy, Debug)]
pub struct AsItIs;

/// Gives every refusal its body.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let id = request_id::of(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let stays = response.extensions().get::<AsItIs>().is_some() || is_rendered(response.headers());
    if !is_error || stays {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let problem = match parts.extensions.remove::<Problem>() {
        Some(problem) => problem,
        None => foreign(status, body).await,
    };
    let headers = &mut parts.headers;
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Some(seconds) = problem.0.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static(r#"Bearer realm="eip""#);
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    let id = id.as_ref().and_then(|id| id.to_str().ok());
    Response::from_parts(parts, Body::from(problem.body(Some(&path), id)))
}

/// What axum or a layer had to say.
async fn foreign(status: StatusCode, body: Body) -> Problem {
    let text = to_bytes(body, MAX_FOREIGN_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let (code, detail) = match status {
        StatusCode::GATEWAY_TIMEOUT => ("timeout", "no answer in time; look before trying again"),
        StatusCode::METHOD_NOT_ALLOWED => ("no_such_method", "the header Allow names the methods"),
        _ if text.is_empty() => ("bad_request", "the request is not what this takes"),
        _ => ("bad_request", &*text),
    };
    Problem::new(status, code, detail)
}

/// Whether it is a problem already: another instance's that was passed on.
fn is_rendered(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes() == MEDIA_TYPE.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_has_one_form_with_what_is_known_about_it() {
        let body = |problem: &Problem, instance, id| -> Value {
            serde_json::from_slice(&problem.body(instance, id)).unwrap()
        };
        let plain = Problem::no_such("run", "there is none");
        assert_eq!(
            body(&plain, None, None),
            json!({"type": "/problems/no_such_run", "title": "Not Found", "status": 404,
                "code": "no_such_run", "detail": "there is none"})
        );
        let mut more = Map::new();
        more.insert("state".to_owned(), json!("blocked"));
        let full = Problem::too_many("slowly", Duration::from_millis(1_200))
            .field("ids")
            .run("0123456789abcdef")
            .with(more);
        assert_eq!(
            body(&full, Some("/v1/runs"), Some("me-1")),
            json!({"type": "/problems/too_many", "title": "Too Many Requests", "status": 429,
                "code": "too_many", "detail": "slowly", "field": "ids", "instance": "/v1/runs",
                "requestId": "me-1", "run": "0123456789abcdef", "retry_after": 2, "state": "blocked"})
        );
    }
}
