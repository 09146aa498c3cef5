//! The Ingest that requests about replays are passed on to.

use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use serde_json::Value;

/// Where Ingest is.
#[derive(Clone, Debug)]
pub(crate) struct Ingest {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

impl Ingest {
    /// Ingest at this address; nothing is asked yet.
    pub(crate) fn at(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            client: client(),
        }
    }

    /// What it answers to a GET, with the caller's token; null where it refuses, or does not answer within
    /// `patience`.
    pub(crate) async fn look(&self, path: &str, headers: &HeaderMap, patience: Duration) -> Value {
        let mut asked = self.client.get(format!("{}{path}", self.url));
        for name in [AUTHORIZATION, HeaderName::from_static("x-request-id")] {
            if let Some(value) = headers.get(&name) {
                asked = asked.header(name, value);
            }
        }
        let answer = async {
            let answer = asked.timeout(patience).send().await?;
            answer.error_for_status()?.bytes().await
        };
        match answer.await {
            Ok(answer) => serde_json::from_slice(&answer).unwrap_or_default(),
            Err(error) => {
                let error = error.without_url();
                tracing::debug!(%error, path, "Ingest does not answer");
                Value::Null
            }
        }
    }
}

/// A client that follows no redirect: it would lead the caller's token elsewhere.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap_or_default()
}
