//! Who may do what: bearer tokens with roles, and sessions of pages.
//!
//! ```text
//! Authorization: Bearer TOKEN ──► SHA-256 ──► compared with every hash there is ──► Caller { name, role }
//! Cookie: eip-session=ID ──► the session's token, as if it had been sent ──► the same; writes need its CSRF token
//! ```
//! What is stored is the SHA-256 of a token of 256 random bits, so no slow hash is needed: there is
//! nothing to guess. A name has up to [`HASHES_PER_NAME`] hashes at a time, so that a token can be
//! replaced without a gap. Without any token everybody is [`Caller::anybody`] and may do all; the
//! service then listens on loopback only.

mod caller;
mod role;
mod sessions;
mod tokens;

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::cookie;
use crate::problem::Problem;
pub use caller::{Caller, Known};
pub use role::{BadRole, Role};
pub use sessions::SESSION_LASTS;
pub(crate) use sessions::{Session, Sessions};
pub use tokens::{HASHES_PER_NAME, Tokens, TokensError, token_sha256};

/// Where a page signs in and out: who may do so is asked there.
const SESSION_PATH: &str = "/v1/session";

/// Wall milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Who may do what. Clones share the sessions.
#[derive(Clone)]
pub struct Access {
    tokens: Arc<Tokens>,
    /// `None`: cookies mean nothing here.
    sessions: Option<Arc<Sessions>>,
    /// Paths whose POST changes nothing.
    reading: &'static [&'static str],
}

/// What is known of the sender of a request, before it is decided whether that is enough.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) caller: Result<Caller, Problem>,
    pub(crate) access: Access,
}

impl Access {
    /// Access by tokens alone.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens: Arc::new(tokens),
            sessions: None,
            reading: &[],
        }
    }

    /// Pages may exchange a token for a session ([`session`]).
    #[must_use]
    pub fn with_sessions(mut self, clock: Clock) -> Self {
        self.sessions = Some(Arc::new(Sessions::new(clock)));
        self
    }

    /// A POST to these paths, as the router has them, only asks: the role read is enough.
    #[must_use]
    pub fn reading(mut self, paths: &'static [&'static str]) -> Self {
        self.reading = paths;
        self
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_deref()
    }

    /// Who sends this. A session's request goes on as one with the session's token.
    fn caller(&self, headers: &mut HeaderMap) -> Result<Caller, Problem> {
        if self.is_open() {
            return Ok(Caller::anybody());
        }
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(first) = given.next() {
            let only = Some(first).filter(|_| given.next().is_none());
            let only = only.ok_or_else(no_token)?;
            let token = only.to_str().ok().and_then(bearer);
            let known = token.and_then(|token| self.tokens.find(token));
            let (name, role) = known.ok_or_else(|| {
                let detail = "the token is not one that is valid here";
                Problem::unauthorized("bad_token", detail)
            })?;
            return Ok(Caller::new(name, role));
        }
        let sessions = self.sessions.as_ref().ok_or_else(no_token)?;
        let id = cookie::id_in(headers).ok_or_else(no_token)?;
        let ended = || {
            let detail = "the session has ended; sign in again";
            Problem::unauthorized("session_ended", detail)
        };
        let (token, session) = sessions.find(id).ok_or_else(ended)?;
        // A token may have been taken back since.
        let (name, role) = self.tokens.find(&token).ok_or_else(ended)?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| ended())?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
        headers.remove(header::COOKIE);
        Ok(Caller::new(name, role).in_session(session))
    }

    /// What a request needs at least.
    fn needed(&self, request: &Request) -> Role {
        let path = request.extensions().get::<MatchedPath>();
        let path = path.map_or("", MatchedPath::as_str);
        if request.method().is_safe() || path == SESSION_PATH || self.reading.contains(&path) {
            Role::Read
        } else {
            Role::Replay
        }
    }
}

fn no_token() -> Problem {
    let detail = "one header Authorization: Bearer TOKEN is required";
    Problem::unauthorized("no_token", detail)
}

/// Finds out who sends a request, for what comes after it and for the log.
pub(crate) async fn identify(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = access.caller(request.headers_mut());
    if let Ok(caller) = &caller
        && let Some(name) = caller.name()
    {
        tracing::Span::current().record("caller", name);
    }
    request.extensions_mut().insert(Who { caller, access });
    next.run(request).await
}

/// Lets through a caller whose role is enough for the request; a session's write needs its CSRF token too.
/// Handlers behind it may take a [`Caller`] as an argument.
pub async fn authenticate(mut request: Request, next: Next) -> Response {
    match admitted(&request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn admitted(request: &Request) -> Result<Caller, Problem> {
    let who = request.extensions().get::<Who>();
    let Who { caller, access } = who.expect("the routes are inside of Service::wrap");
    let caller = caller.clone()?;
    caller.require(access.needed(request))?;
    if !request.method().is_safe() {
        caller.check_csrf(request.headers())?;
    }
    Ok(caller)
}

/// The token of a header's value; the scheme's case does not count (RFC 9110, section 11.1).
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn tokens(names: &[&str]) -> Tokens {
        let mut tokens = Tokens::default();
        for name in names {
            tokens
                .add(name, Role::Replay, &[token_sha256(name)])
                .unwrap();
        }
        tokens
    }

    #[test]
    fn a_bearer_token_is_one_word_behind_its_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bEARER  abc "), Some("abc"));
        for other in ["", "abc", "Bearer", "Bearer ", "Basic abc"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }

    #[test]
    fn a_session_is_worth_what_its_token_is_worth_now() {
        let now = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&now);
        let clock: Clock = Arc::new(move || clock.load(Ordering::Relaxed));
        let before = Access::new(tokens(&["ann", "bob"])).with_sessions(clock);
        let sessions = before.sessions.clone().unwrap();
        let (id, _) = sessions.begin(&"ann".into(), "ann");
        let asked = |access: &Access| {
            let mut headers = HeaderMap::new();
            let cookie = format!("a=b; eip-session={id}");
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            let caller = access.caller(&mut headers);
            (caller, headers)
        };
        let (caller, headers) = asked(&before);
        assert_eq!(caller.unwrap().name(), Some("ann"));
        assert_eq!(headers[header::AUTHORIZATION], "Bearer ann");
        assert!(headers.get(header::COOKIE).is_none());
        // Ann's token is taken back.
        let after = Access {
            tokens: Arc::new(tokens(&["bob"])),
            ..before.clone()
        };
        let (caller, headers) = asked(&after);
        assert_eq!(caller.unwrap_err().code(), "session_ended");
        assert!(headers.get(header::AUTHORIZATION).is_none());
        // And a session ends by itself.
        now.store(SESSION_LASTS.as_millis() as i64 - 1, Ordering::Relaxed);
        assert!(asked(&before).0.is_ok());
        now.store(SESSION_LASTS.as_millis() as i64, Ordering::Relaxed);
        assert_eq!(asked(&before).0.unwrap_err().code(), "session_ended");
    }
}
