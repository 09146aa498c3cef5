//! What a caller has already (RFC 9110, section 13.1.2).
//!
//! Tags are weak: two answers of one tag mean the same, but differ in the wall clock that they are as of,
//! and in their bytes where they are compressed.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use utoipa::openapi::{RefOr, ResponseBuilder, response};
use utoipa::{IntoParams, IntoResponses};

use crate::cache::Key;

/// Bytes of a key that make a tag.
const TAG_BYTES: usize = 18;

/// The tag of the answer of this key.
pub(super) fn tag(key: Key) -> HeaderValue {
    let text = URL_SAFE_NO_PAD.encode(&key.bytes()[..TAG_BYTES]);
    HeaderValue::try_from(format!("W/\"{text}\"")).expect("letters, digits and signs")
}

/// The tags that a caller has, and whether it wants the views to be looked at again in any case.
#[derive(Clone, Debug)]
pub(crate) struct IfNoneMatch {
    tags: Vec<String>,
    look: bool,
}

impl IfNoneMatch {
    fn of(headers: &HeaderMap) -> Self {
        let elements = |name: HeaderName| {
            headers
                .get_all(name)
                .into_iter()
                .filter_map(|value| value.to_str().ok())
                // No tag of ours has a comma in it.
                .flat_map(|text| text.split(','))
                .map(|element| element.trim().to_owned())
        };
        Self {
            tags: elements(IF_NONE_MATCH).collect(),
            look: elements(CACHE_CONTROL).any(|element| element.eq_ignore_ascii_case("no-cache")),
        }
    }

    /// Whether the caller has this one; strong and weak tags are compared alike.
    pub(super) fn has(&self, tag: &HeaderValue) -> bool {
        let opaque = |text: &str| text.strip_prefix("W/").unwrap_or(text).to_owned();
        let wanted = tag.to_str().map(opaque).unwrap_or_default();
        self.tags.iter().any(|known| opaque(known) == wanted)
    }

    /// Whether the caller wants none if there is one.
    pub(super) fn has_any(&self) -> bool {
        self.tags.iter().any(|known| known == "*")
    }

    /// Whether a moment that was seen a while ago will not do.
    pub(super) fn wants_look(&self) -> bool {
        self.look
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// For the document: what a conditional request carries, and its answer.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct Conditional {
    /// The `ETag` of an answer that the caller has.
    #[param(rename = "If-None-Match", value_type = String, required = false)]
    if_none_match: Option<String>,
}

impl IntoResponses for Conditional {
    fn responses() -> std::collections::BTreeMap<String, RefOr<response::Response>> {
        let text = "The caller has the answer already.";
        let unchanged = ResponseBuilder::new().description(text).build();
        [("304".to_owned(), RefOr::T(unchanged))].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_without_their_strength() {
        let known = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(text));
            IfNoneMatch::of(&headers)
        };
        let tag = HeaderValue::from_static("W/\"abc\"");
        for has in ["W/\"abc\"", "\"abc\"", "\"x\", W/\"abc\"", "\"x\",\"abc\" "] {
            assert!(known(has).has(&tag), "{has}");
        }
        for has_not in ["", "abc", "\"abd\"", "W/\"abc", "*", "w/\"abc\""] {
            assert!(!known(has_not).has(&tag), "{has_not}");
        }
        assert!(known("*").has_any());
    }
}
