//! The dataflow that keeps the views, as it answers over HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ingest_client::client;

/// How long it may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(1);
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
        let answer = async {
            // One that is not ready says so with another status and the same members.
            let mut answer = asked.timeout(PATIENCE).send().await?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_BYTES {
                    break;
                }
            }
            Ok(body)
        };
        match answer.await {
            Ok(body) => serde_json::from_slice(&body)
                .map_err(|error| format!("the dataflow's answer is not understood: {error}")),
            Err(error) => {
                let error: reqwest::Error = error;
                Err(format!(
                    "the dataflow does not answer: {}",
                    error.without_url()
                ))
            }
        }
    }
}
