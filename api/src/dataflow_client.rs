//! The dataflow that keeps the views, as it answers over HTTP.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::ingest_client::client;

/// How long it may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it may take to change something: it answers after 20 s, done or not.
const WRITE_PATIENCE: Duration = Duration::from_secs(25);
/// What of a request goes along.
const PASSED_ON: [&str; 3] = ["authorization", "eip-requester", "x-request-id"];
/// Longest text of an answer that is read.
const ANSWER_BYTES: usize = 64 << 10;

/// Where the dataflow is.
#[derive(Clone, Debug)]
pub(crate) struct Dataflow {
    url: String,
    client: reqwest::Client,
}

/// How it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DataflowState {
    /// `ready`, `hydrating`, `blocked`, `failed`.
    state: String,
    /// What it waits for, with the words of whatever does not do its part.
    #[serde(default)]
    pub(crate) blocked: Vec<Blocked>,
}

/// Something that does not do its part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Blocked {
    /// `log`, or the name of a store.
    pub(crate) what: String,
    /// Its own words.
    pub(crate) words: String,
}

impl Dataflow {
    /// The dataflow at this address; nothing is asked yet.
    pub(crate) fn at(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            client: client(),
        }
    }

    /// How it is, or why that is not known.
    pub(crate) async fn state(&self) -> Result<DataflowState, String> {
        let asked = self.client.get(format!("{}/readyz", self.url));
        // One that is not ready says so with another status and the same members.
        let (_, answer) = answered(asked.timeout(PATIENCE)).await?;
        serde_json::from_value(answer)
            .map_err(|error| format!("the dataflow's answer is not understood: {error}"))
    }

    /// Its status and answer to a POST of `body`, with the caller's token and name; or why there is none.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: &impl Serialize,
    ) -> Result<(StatusCode, Value), String> {
        let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
        let asked = self.client.post(format!("{}{path}", self.url)).body(body);
        let mut asked = asked.header(CONTENT_TYPE, "application/json");
        for name in PASSED_ON {
            if let Some(value) = headers.get(name) {
                asked = asked.header(name, value);
            }
        }
        answered(asked.timeout(WRITE_PATIENCE)).await
    }
}

/// Status and JSON of an answer; null where it is none.
async fn answered(asked: reqwest::RequestBuilder) -> Result<(StatusCode, Value), String> {
    let answer = async {
        let mut answer = asked.send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES {
                break;
            }
        }
        Ok((answer.status(), body))
    };
    match answer.await {
        Ok((status, body)) => Ok((status, serde_json::from_slice(&body).unwrap_or_default())),
        Err(error) => {
            let error: reqwest::Error = error;
            let error = error.without_url();
            Err(format!("the dataflow does not answer: {error}"))
        }
    }
}
