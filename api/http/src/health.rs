//! Whether a service is alive, and whether it is ready: `/livez`, `/readyz`, `/readyz?verbose`.
//!
//! Alive: the process answers; it says nothing about what it depends on. Ready: it can do its work now. With
//! `verbose` each dependency is a line of text, its name, its state and its words, for people; then the whole:
//!
//! ```text
//! postgres       away     postgres cannot be read now: connection refused
//! elasticsearch  ready    99441 shipments are found
//! cache          away     no answer within 250ms (answers come from the stores)
//! not ready
//! ```

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::openapi::Problems;
use crate::problem::AsItIs;

/// Paths that are asked by what watches over a service, whatever else is going on.
pub const PROBES: [&str; 2] = ["/livez", "/readyz"];

/// What stands behind `/readyz`.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReadyQuery {
    /// A line of text for each dependency. Has no value, or any.
    verbose: Option<String>,
}

impl ReadyQuery {
    /// Whether each dependency is asked for.
    pub fn is_verbose(&self) -> bool {
        self.verbose.is_some()
    }
}

/// How something is that a service depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Ready,
    /// It answers, and is not so far yet.
    Waiting,
    /// It does not answer, or what it holds cannot be used.
    Away,
}

/// Something that a service depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    name: &'static str,
    state: State,
    words: String,
    /// What is so without it, where the service goes on.
    without: Option<&'static str>,
}

impl Dependency {
    /// One without which the service is not ready, and what to say about it.
    pub fn new(name: &'static str, state: State, words: impl Into<String>) -> Self {
        Self {
            name,
            state,
            words: words.into(),
            without: None,
        }
    }

    /// One without which it goes on, and what is so then.
    #[must_use]
    pub fn only_for(mut self, without: &'static str) -> Self {
        self.without = Some(without);
        self
    }

    /// Whether the service can go on.
    pub fn is_enough(&self) -> bool {
        self.without.is_some() || self.state == State::Ready
    }
}

/// The answer for people: a line a dependency, then the whole.
pub fn report(dependencies: &[Dependency]) -> Response {
    let is_ready = dependencies.iter().all(Dependency::is_enough);
    let width = dependencies.iter().map(|one| one.name.len()).max();
    let mut text = String::new();
    for one in dependencies {
        let state = match one.state {
            State::Ready => "ready",
            State::Waiting => "waiting",
            State::Away => "away",
        };
        let note = match one.without {
            Some(without) if one.state != State::Ready => format!(" ({without})"),
            _ => String::new(),
        };
        // A store's own words may have several lines.
        let words = one.words.split_whitespace().collect::<Vec<_>>().join(" ");
        let (name, width) = (one.name, width.unwrap_or(0));
        writeln!(text, "{name:width$}  {state:7}  {words}{note}").expect("a string takes all text");
    }
    text.push_str(if is_ready { "ready\n" } else { "not ready\n" });
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    let mut response = (status, kind, text).into_response();
    response.extensions_mut().insert(AsItIs);
    response
}

/// Whether the process answers.
#[utoipa::path(get, path = "/livez", security(()), responses((status = 200, body = str), Problems))]
#[expect(clippy::unused_async, reason = "a handler is a future")]
pub async fn alive() -> &'static str {
    "ok\n"
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn each_dependency_is_a_line_and_one_that_is_needed_decides() {
        let log = Dependency::new("log", State::Ready, "3 runs");
        let cache = Dependency::new("cache", State::Away, "no\nanswer").only_for("it is slow");
        let search = Dependency::new("elasticsearch", State::Waiting, "no views");
        let said = async |all: &[Dependency]| {
            let response = report(all);
            let status = response.status().as_u16();
            let text = to_bytes(response.into_body(), 1_000).await.unwrap();
            (status, String::from_utf8(text.to_vec()).unwrap())
        };
        assert_eq!(
            said(&[log.clone(), cache.clone()]).await,
            (
                200,
                "log    ready    3 runs\ncache  away     no answer (it is slow)\nready\n"
                    .to_owned()
            )
        );
        let (status, text) = said(&[log, search, cache]).await;
        assert_eq!(status, 503);
        assert!(
            text.contains("elasticsearch  waiting  no views\n") && text.ends_with("\nnot ready\n"),
            "{text}"
        );
    }
}
