//! Documents by their ids, from Elasticsearch. By id, what was acknowledged is found at once; only
//! searches wait for a refresh.

use std::path::Path;
use std::time::Duration;

use eip_contract::Space;
use eip_contract::document::VIEWS;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::HeaderMap;
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use elasticsearch::http::{Method, Url};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{OpenError, ViewsError};

/// Below the time that a request has.
const TIMEOUT: Duration = Duration::from_secs(8);

/// The documents of one space.
#[derive(Clone)]
pub(crate) struct Documents {
    transport: Transport,
    /// Paths to ask for documents of a view.
    events: String,
    shipments: String,
}

/// The answer to `_mget` (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-mget>).
#[derive(Deserialize)]
struct Found<'a> {
    #[serde(borrow)]
    docs: Vec<FoundDocument<'a>>,
}

#[derive(Deserialize)]
struct FoundDocument<'a> {
    #[serde(borrow, rename = "_source")]
    source: Option<&'a RawValue>,
    error: Option<Cause>,
}

#[derive(Deserialize)]
struct Refused {
    error: Cause,
}

#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{kind}: {}", reason.as_deref().unwrap_or("no reason given"))]
struct Cause {
    #[serde(rename = "type")]
    kind: String,
    reason: Option<String>,
}

impl Documents {
    pub(super) fn open(url: &str, ca: Option<&Path>, space: &Space) -> Result<Self, OpenError> {
        type Source = Box<dyn std::error::Error + Send + Sync>;
        let unusable = |error: Source| OpenError::Address("Elasticsearch", error);
        let mut url = Url::parse(url).map_err(|error| unusable(error.into()))?;
        let credentials = (!url.username().is_empty()).then(|| {
            let (user, password) = (url.username(), url.password().unwrap_or_default());
            Credentials::Basic(percent_decoded(user), percent_decoded(password))
        });
        if credentials.is_some() {
            // Fails only for addresses that cannot have a user, and this one has.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url))
            .disable_proxy()
            .timeout(TIMEOUT);
        if let Some(credentials) = credentials {
            builder = builder.auth(credentials);
        }
        if let Some(path) = ca {
            let pem = std::fs::read(path).map_err(|error| unusable(error.into()))?;
            let chain = Certificate::from_pem(&pem).map_err(|error| unusable(error.into()))?;
            builder = builder.cert_validation(CertificateValidation::Full(chain));
        }
        let path = |view: &str| format!("/{}/_mget", space.prefixed(view));
        Ok(Self {
            transport: builder.build().map_err(|error| unusable(error.into()))?,
            events: path(VIEWS[0]),
            shipments: path(VIEWS[1]),
        })
    }

    /// The document of one order.
    pub(super) async fn shipment(
        &self,
        order_id: &str,
    ) -> Result<Option<Box<RawValue>>, ViewsError> {
        let found = self.get(&self.shipments, &[order_id]).await?;
        Ok(found.into_iter().next())
    }

    /// The events with these ids, in their order; one that is not there is left out.
    pub(super) async fn events(
        &self,
        event_ids: &[String],
    ) -> Result<Vec<Box<RawValue>>, ViewsError> {
        if event_ids.is_empty() {
            return Ok(Vec::new());
        }
        self.get(&self.events, event_ids).await
    }

    async fn get(
        &self,
        path: &str,
        ids: &[impl AsRef<str>],
    ) -> Result<Vec<Box<RawValue>>, ViewsError> {
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        let body = json!({ "ids": ids }).to_string();
        let (method, headers) = (Method::Post, HeaderMap::new());
        let response = self
            .transport
            .send(
                method,
                path,
                headers,
                None::<&()>,
                Some(body),
                Some(TIMEOUT),
            )
            .await
            .map_err(unavailable)?;
        let status = response.status_code();
        let text = response.text().await.map_err(unavailable)?;
        if !status.is_success() {
            let refused: Result<Refused, _> = serde_json::from_str(&text);
            return Err(match refused {
                Ok(refused) => refused.error.into(),
                Err(_) => unavailable(format!("HTTP status {status}")),
            });
        }
        let found: Found = serde_json::from_str(&text).map_err(unavailable)?;
        let mut documents = Vec::with_capacity(found.docs.len());
        for document in found.docs {
            if let Some(cause) = document.error {
                return Err(cause.into());
            }
            if let Some(source) = document.source {
                documents.push(content(source.get())?);
            }
        }
        Ok(documents)
    }
}

/// The document without what the dataflow notes behind it: `{…,"rev":1,"ver":2}` → `{…}`.
fn content(source: &str) -> Result<Box<RawValue>, ViewsError> {
    let (content, notes) = source
        .rsplit_once(",\"rev\":")
        .ok_or(ViewsError::Document)?;
    let of_ours = notes
        .strip_suffix('}')
        .and_then(|notes| notes.split_once(",\"ver\":"))
        .is_some_and(|(rev, ver)| rev.parse::<i64>().is_ok() && ver.parse::<i64>().is_ok());
    if !of_ours {
        return Err(ViewsError::Document);
    }
    RawValue::from_string(format!("{content}}}")).map_err(ViewsError::Json)
}

/// A URL's user and password are written with `%40` for `@` and the like.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_digits| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
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

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ViewsError {
    ViewsError::Elasticsearch(error.into())
}

impl From<Cause> for ViewsError {
    fn from(cause: Cause) -> Self {
        if cause.kind == "index_not_found_exception" {
            Self::NotYet
        } else {
            unavailable(cause)
        }
    }
}
