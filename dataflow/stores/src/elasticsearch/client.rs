//! One request to Elasticsearch and its answer, or why there is none.
//!
//! Nothing is retried here: whether a request may be sent again depends on what it was.

use std::time::Duration;

use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use elasticsearch::http::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::error::{Fault, Retry, StoreError};
use super::config::ElasticsearchConfig;

/// Of a body that is no JSON of Elasticsearch's (a proxy's page), this much is quoted.
const QUOTED: usize = 200;

/// A connection pool to one cluster. Clones share it.
#[derive(Clone)]
pub(crate) struct Client {
    transport: Transport,
    /// The address without user and password.
    place: String,
    timeout: Duration,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A request that was not answered, or answered with an error.
#[derive(Debug)]
pub(crate) struct Failure {
    /// None when nothing (whole) came back: it may or may not have been done.
    pub(crate) status: Option<u16>,
    /// Elasticsearch's name of the error.
    pub(crate) kind: String,
    /// The error in the words of whoever gave it.
    pub(crate) words: String,
}

impl Client {
    pub(crate) fn new(config: &ElasticsearchConfig) -> Result<Self, StoreError> {
        let user = |message: String| StoreError::new(Fault::User, Retry::Never, message);
        let mut url = Url::parse(&config.url).map_err(|error| {
            user("the address of elasticsearch is no URL like http://127.0.0.1:9200".to_owned())
                .because(error)
        })?;
        let credentials = (!url.username().is_empty()).then(|| {
            let decoded = |text: &str| percent_decoded(text);
            Credentials::Basic(
                decoded(url.username()),
                decoded(url.password().unwrap_or_default()),
            )
        });
        if credentials.is_some() {
            // Fails only for addresses that cannot have a user, and this one has.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let place = url.as_str().trim_end_matches('/').to_owned();
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url))
            .disable_proxy()
            .timeout(config.timeout);
        if let Some(credentials) = credentials {
            builder = builder.auth(credentials);
        }
        if let Some(path) = &config.ca {
            let unusable = |why: String| {
                user(format!(
                    "cannot use the certificates in {}: {why}",
                    path.display()
                ))
            };
            let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
            let chain = Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
            builder = builder.cert_validation(CertificateValidation::Full(chain));
        }
        let transport = builder
            .build()
            .map_err(|error| user(format!("cannot make a client for {place}")).because(error))?;
        Ok(Self {
            transport,
            place,
            timeout: config.timeout,
        })
    }

    /// The address, for people.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Sends one request; any answer counts as one, whatever its status.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if path.contains("/_bulk?") {
            let newline_delimited = HeaderValue::from_static("application/x-ndjson");
            headers.insert(CONTENT_TYPE, newline_delimited);
        }
        let sent = self
            .transport
            .send(method, path, headers, None::<&()>, body, Some(self.timeout))
            .await;
        let response = sent.map_err(|error| Failure::unanswered(&error))?;
        let status = response.status_code().as_u16();
        let body = response.bytes().await;
        let body = body.map_err(|error| Failure::unanswered(&error))?;
        Ok(Answer {
            status,
            body: body.into(),
        })
    }

    /// Sends one request and reads the answer's JSON; a status of 400 or more is a failure.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let body = body.map(|body| body.to_string().into_bytes());
        self.send(method, path, body).await?.json()
    }

    /// The error of a `failure` on the way to do `what`.
    pub(crate) fn error(&self, what: &str, failure: &Failure) -> StoreError {
        let passing = match failure.status {
            None | Some(401 | 403 | 408 | 429) => true,
            Some(status) => status >= 500 || failure.is_missing_index(),
        };
        let retry = if passing {
            Retry::Backoff
        } else {
            Retry::Never
        };
        StoreError::new(
            Fault::External,
            retry,
            format!(
                "cannot {what} in elasticsearch at {}: {failure}",
                self.place
            ),
        )
    }
}

impl Answer {
    /// The body as JSON, unless the status says that the request failed.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if self.status >= 400 {
            return Err(self.failure());
        }
        serde_json::from_slice(&self.body).map_err(|error| Failure {
            status: None,
            kind: "unreadable answer".to_owned(),
            words: format!("{error}: {}", self.quoted()),
        })
    }

    /// What an answer with a status of 400 or more says.
    pub(crate) fn failure(&self) -> Failure {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let error = &body["error"];
        let text = |key: &str| error[key].as_str().map(str::to_owned);
        Failure {
            status: Some(self.status),
            kind: text("type").unwrap_or_else(|| format!("status {}", self.status)),
            words: text("reason")
                .or_else(|| error.as_str().map(str::to_owned))
                .unwrap_or_else(|| self.quoted()),
        }
    }

    fn quoted(&self) -> String {
        String::from_utf8_lossy(&self.body)
            .chars()
            .take(QUOTED)
            .collect()
    }
}

impl Failure {
    fn unanswered(error: &elasticsearch::Error) -> Self {
        // The innermost cause is what an operator knows: refused, reset, timed out, certificate.
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let outer = if error.is_timeout() {
            "no answer in time"
        } else {
            "no answer"
        };
        Self {
            status: None,
            kind: outer.to_owned(),
            words: cause.to_string(),
        }
    }
}

impl Failure {
    /// Whether an index is not there or not open; somebody may bring it back.
    pub(crate) fn is_missing_index(&self) -> bool {
        ["index_not_found_exception", "index_closed_exception"].contains(&self.kind.as_str())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.words)
    }
}

/// `%40` → `@`: what may not stand in a URL's user or password is written so.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = (byte == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten();
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_decoded_and_never_shown() {
        let url = "http://eip:p%40ss%2fw%25@127.0.0.1:1/";
        let config = ElasticsearchConfig::new(url, eip_contract::Space::main());
        assert_eq!(percent_decoded("p%40ss%2fw%25%"), "p@ss/w%%");
        let client = Client::new(&config).unwrap();
        assert_eq!(client.place(), "http://127.0.0.1:1");
        assert!(!format!("{config:?}").contains("p%40ss"));
    }

    #[test]
    fn an_error_is_told_in_the_stores_words() {
        let answer = |status, body: &str| Answer {
            status,
            body: body.into(),
        };
        let told = answer(429, r#"{"error":{"type":"t","reason":"r"},"status":429}"#).failure();
        assert_eq!(told.to_string(), "t: r");
        let told = answer(502, "<html>bad gateway").failure();
        assert_eq!(told.to_string(), "status 502: <html>bad gateway");
    }
}
