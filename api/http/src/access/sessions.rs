//! The sessions of pages: a table in this process.
//!
//! A session stands for the token that it was exchanged for. The token is kept here and never in the
//! cookie, so that requests can be passed on with it, and so that a session is worth what its token is
//! worth at that moment. A session ends with the process, after [`SESSION_LASTS`], or when it is ended.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::Clock;
use super::tokens::hex;

/// How long a session lasts, whether it is used or not.
pub const SESSION_LASTS: Duration = Duration::from_hours(8);
/// Sessions of one name at a time; one more ends the oldest.
const MOST_OF_A_NAME: usize = 64;

/// What a session is found by: the SHA-256 of its id, so that no comparison says anything about ids.
type Key = [u8; 32];

/// One session, as the request that it came with knows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Session {
    key: Key,
    /// What a page sends with each write.
    pub(crate) csrf: Arc<str>,
    /// Until when it lasts, in wall milliseconds.
    ends_at: i64,
}

/// Neither what finds it nor what it writes with.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("ends_at", &self.ends_at)
            .finish_non_exhaustive()
    }
}

struct Open {
    name: Arc<str>,
    token: Arc<str>,
    session: Session,
}

/// All of them.
pub(crate) struct Sessions {
    clock: Clock,
    open: Mutex<HashMap<Key, Open>>,
}

impl Sessions {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            open: Mutex::default(),
        }
    }

    /// A new session of this token of `name`, and its id for the cookie.
    pub(crate) fn begin(&self, name: &Arc<str>, token: &str) -> (String, Session) {
        let (id, csrf) = (secret(), secret());
        let now = (self.clock)();
        let session = Session {
            key: key(&id),
            csrf: csrf.into(),
            ends_at: now + SESSION_LASTS.as_millis() as i64,
        };
        let mut open = self.open();
        open.retain(|_, open| open.session.ends_at > now);
        let of_name = open.values().filter(|open| open.name == *name);
        if of_name.clone().count() >= MOST_OF_A_NAME {
            let oldest = of_name.min_by_key(|open| open.session.ends_at);
            if let Some(key) = oldest.map(|open| open.session.key) {
                open.remove(&key);
            }
        }
        let begun = Open {
            name: Arc::clone(name),
            token: token.into(),
            session: session.clone(),
        };
        open.insert(session.key, begun);
        (id, session)
    }

    /// The session with this id, and its token.
    pub(crate) fn find(&self, id: &str) -> Option<(Arc<str>, Session)> {
        let now = (self.clock)();
        let open = self.open();
        let found = open.get(&key(id))?;
        let is_open = found.session.ends_at > now;
        is_open.then(|| (Arc::clone(&found.token), found.session.clone()))
    }

    /// Ends it.
    pub(crate) fn end(&self, session: &Session) {
        self.open().remove(&session.key);
    }

    /// How long it still lasts.
    pub(crate) fn left(&self, session: &Session) -> Duration {
        let left = session.ends_at - (self.clock)();
        Duration::from_millis(left.max(0).cast_unsigned())
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Key, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 random bits.
fn secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex(&bytes)
}

fn key(id: &str) -> Key {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_bounded_number_of_sessions_and_the_oldest_goes_first() {
        let now = std::sync::atomic::AtomicI64::new(0);
        let tick = move || now.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let sessions = Sessions::new(Arc::new(tick));
        let (other, _) = sessions.begin(&"bob".into(), "b");
        let name: Arc<str> = "ann".into();
        let ids: Vec<String> = (0..=MOST_OF_A_NAME)
            .map(|_| sessions.begin(&name, "a").0)
            .collect();
        assert!(sessions.find(&ids[0]).is_none());
        assert!(ids[1..].iter().all(|id| sessions.find(id).is_some()));
        let (token, session) = sessions.find(&other).unwrap();
        assert_eq!(&*token, "b");
        sessions.end(&session);
        assert!(sessions.find(&other).is_none());
    }

    #[test]
    fn what_is_printed_of_a_session_opens_nothing() {
        let sessions = Sessions::new(Arc::new(|| 0));
        let (id, session) = sessions.begin(&"ann".into(), "a");
        let printed = format!("{session:?}");
        assert!(
            !printed.contains(&id) && !printed.contains(&*session.csrf),
            "{printed}"
        );
    }
}
