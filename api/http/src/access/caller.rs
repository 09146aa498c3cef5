//! Who sends a request, and what that is enough for.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use super::{Role, Session, Who};
use crate::problem::Problem;

/// The header that a page sends with a write.
const CSRF_HEADER: &str = "x-csrf-token";

/// Who sends a request. Every handler behind [`authenticate`](crate::authenticate) can take one as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `None` where no tokens are asked for.
    name: Option<Arc<str>>,
    role: Role,
    session: Option<Session>,
}

impl Caller {
    /// The holder of a token.
    pub(super) fn new(name: Arc<str>, role: Role) -> Self {
        Self {
            name: Some(name),
            role,
            session: None,
        }
    }

    /// Everybody who reaches a service without tokens.
    pub(super) fn anybody() -> Self {
        Self {
            name: None,
            role: Role::Admin,
            session: None,
        }
    }

    /// The same, through a page.
    pub(super) fn in_session(mut self, session: Session) -> Self {
        self.session = Some(session);
        self
    }

    /// The name of the token.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the token is good for.
    pub fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Refuses a caller whose role is not enough.
    pub fn require(&self, needed: Role) -> Result<(), Problem> {
        if self.role >= needed {
            return Ok(());
        }
        let detail = format!(
            "this needs a token with the role {needed}; yours has the role {}",
            self.role
        );
        Err(Problem::new(StatusCode::FORBIDDEN, "role", detail))
    }

    /// Refuses a write of a session without the session's CSRF token. A bearer token is sent by nobody's
    /// browser on its own, so it needs none.
    pub(super) fn check_csrf(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let mut given = headers.get_all(CSRF_HEADER).iter();
        let only = given.next().filter(|_| given.next().is_none());
        let is_right =
            only.is_some_and(|token| token.as_bytes().ct_eq(session.csrf.as_bytes()).into());
        if is_right {
            return Ok(());
        }
        let detail = "a write of a session needs one header x-csrf-token, with the token that \
                      GET /v1/session gives";
        Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail))
    }

    /// Who asked, for the ledger: the name of the token first, because `claimed` is the client's
    /// own word.
    pub fn requester(&self, claimed: Option<&str>) -> String {
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

/// Who sends a request to a route that is for everybody, as far as it is known: the refusal otherwise.
#[derive(Clone, Debug)]
pub struct Known(pub Result<Caller, Problem>);

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let who = parts.extensions.get::<Who>();
        let who = who.expect("the route is inside of Service::wrap");
        Ok(Self(who.caller.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        for (place, role) in Role::ALL.into_iter().enumerate() {
            let caller = Caller::new("x".into(), role);
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
        let airflow = Caller::new("airflow".into(), Role::Replay);
        assert_eq!(airflow.requester(None), "airflow");
        assert_eq!(airflow.requester(Some("root")), "airflow: root");
    }
}
