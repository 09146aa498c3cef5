//! Roles: what a token is good for.

use std::fmt;
use std::str::FromStr;

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
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {0:?}; one of read, replay, approve, admin")]
pub struct BadRole(String);

impl FromStr for Role {
    type Err = BadRole;
    fn from_str(text: &str) -> Result<Self, BadRole> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.name() == text)
            .ok_or_else(|| BadRole(text.to_owned()))
    }
}
