//! Who may do what: bearer tokens with roles.
//!
//! ```text
//! Authorization: Bearer TOKEN ──► SHA-256 ──► compared with every hash there is ──► Caller { name, role }
//! ```
//! What is stored is the SHA-256 of a token of 256 random bits, so no slow hash is needed: there is
//! nothing to guess. A name has up to [`HASHES_PER_NAME`] hashes at a time, so that a token can be
//! replaced without a gap. Without any token everybody is [`Caller::anybody`] and may do all; the
//! service then listens on loopback only.

mod tokens;

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
pub use tokens::{HASHES_PER_NAME, Tokens, TokensError, token_sha256};

/// What a token is good for; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything.
    Read,
    /// Start, change and cancel runs within the guards.
    Replay,
    /// Start runs that may take away more than the guards' defaults let them.
    Approve,
    /// Everything there is.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Replay, Self::Approve, Self::Admin];

    /// The word in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Replay => "replay",
            Self::Approve => "approve",
            Self::Admin => "admin",
        }
    }

    /// What any request with this method needs at least.
    fn of_method(method: &Method) -> Self {
        if method.is_safe() {
            Self::Read
        } else {
            Self::Replay
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; there are read, replay, approve and admin")]
pub struct BadRole(String);

impl FromStr for Role {
    type Err = BadRole;
    fn from_str(text: &str) -> Result<Self, BadRole> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.name() == text)
            .ok_or_else(|| BadRole(text.to_owned()))
    }
}

/// Who sends a request. Every handler behind [`authenticate`] can take one as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// `None` where no tokens are asked for.
    name: Option<Arc<str>>,
    role: Role,
}

impl Caller {
    /// Whoever reaches a service without tokens.
    fn anybody() -> Self {
        let role = Role::Admin;
        Self { name: None, role }
    }

    /// Refuses a caller whose role is not enough.
    pub(super) fn require(&self, needed: Role) -> Result<(), Problem> {
        if self.role >= needed {
            return Ok(());
        }
        let detail = format!(
            "this needs a token with the role {needed}; yours has the role {}",
            self.role
        );
        Err(Problem::new(StatusCode::FORBIDDEN, "role", detail))
    }

    /// Who asked, for the ledger: the name of the token first, because `claimed` is the client's
    /// own word.
    pub(super) fn requester(&self, claimed: Option<&str>) -> String {
        match (&self.name, claimed) {
            (None, None) => "anonymous".to_owned(),
            (None, Some(claimed)) => claimed.to_owned(),
            (Some(name), None) => name.to_string(),
            (Some(name), Some(claimed)) if claimed == &**name => claimed.to_owned(),
            (Some(name), Some(claimed)) => format!("{name}: {claimed}"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Self>();
        Ok(caller.expect("the route is behind authenticate").clone())
    }
}

/// Lets through who has a token that is good for the request's method, and says who it is.
pub(super) async fn authenticate(
    State(tokens): State<Arc<Tokens>>,
    mut request: Request,
    next: Next,
) -> Response {
    let checked = caller(&tokens, &request).and_then(|caller| {
        caller.require(Role::of_method(request.method()))?;
        Ok(caller)
    });
    match checked {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn caller(tokens: &Tokens, request: &Request) -> Result<Caller, Problem> {
    if tokens.is_empty() {
        return Ok(Caller::anybody());
    }
    let mut given = request.headers().get_all(header::AUTHORIZATION).iter();
    let Some(only) = given.next().filter(|_| given.next().is_none()) else {
        let detail = "one header Authorization: Bearer TOKEN is required";
        return Err(Problem::unauthorized("no_token", detail));
    };
    let token = only.to_str().ok().and_then(bearer);
    let known = token.and_then(|token| tokens.find(token));
    known.map_or_else(
        || {
            let detail = "the token is not one that is valid here";
            Err(Problem::unauthorized("bad_token", detail))
        },
        |(name, role)| {
            let name = Some(name);
            Ok(Caller { name, role })
        },
    )
}

/// The token of a header's value; the scheme's case does not count (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        for (place, role) in Role::ALL.into_iter().enumerate() {
            let caller = Caller { name: None, role };
            for (other, needed) in Role::ALL.into_iter().enumerate() {
                assert_eq!(caller.require(needed).is_ok(), other <= place);
            }
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }

    #[test]
    fn the_name_of_a_token_stands_before_what_its_holder_claims() {
        let anybody = Caller::anybody();
        assert_eq!(anybody.requester(None), "anonymous");
        assert_eq!(anybody.requester(Some("me")), "me");
        let airflow = Caller {
            name: Some("airflow".into()),
            role: Role::Replay,
        };
        assert_eq!(airflow.requester(None), "airflow");
        assert_eq!(airflow.requester(Some("root")), "airflow: root");
    }

    #[test]
    fn a_bearer_token_is_one_word_behind_its_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bEARER  abc "), Some("abc"));
        for other in ["", "abc", "Bearer", "Bearer ", "Basic abc"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }
}
