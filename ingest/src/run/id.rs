//! Names of runs and of plans.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Names a run: the first 16 hex digits of SHA-256 over its Idempotency-Key, so that the same key
/// always means the same run and a key itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The run of an Idempotency-Key.
    pub fn of_key(key: &str) -> Self {
        Self(hex(&Sha256::digest(key.as_bytes())[..8]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run id is 16 lower-case hex digits")]
pub struct BadRunId;

impl FromStr for RunId {
    type Err = BadRunId;
    fn from_str(text: &str) -> Result<Self, BadRunId> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for RunId {
    type Error = BadRunId;
    fn try_from(text: String) -> Result<Self, BadRunId> {
        if is_hex(&text, 16) {
            Ok(Self(text))
        } else {
            Err(BadRunId)
        }
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

/// Names a plan by its content: what a rehearsal announced, and what a run that carries it does or
/// refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanToken(String);

impl PlanToken {
    pub(crate) fn of_digest(digest: &[u8]) -> Self {
        Self(hex(&digest[..16]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is no plan token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan token is 32 lower-case hex digits, as a rehearsal prints it")]
pub struct BadPlanToken;

impl FromStr for PlanToken {
    type Err = BadPlanToken;
    fn from_str(text: &str) -> Result<Self, BadPlanToken> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for PlanToken {
    type Error = BadPlanToken;
    fn try_from(text: String) -> Result<Self, BadPlanToken> {
        if is_hex(&text, 32) {
            Ok(Self(text))
        } else {
            Err(BadPlanToken)
        }
    }
}

impl From<PlanToken> for String {
    fn from(token: PlanToken) -> Self {
        token.0
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lower-case hex of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes all text");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_names_the_same_run_and_only_its_own_form_is_read() {
        let id = RunId::of_key("airflow/fast/2018-03");
        assert_eq!(id, RunId::of_key("airflow/fast/2018-03"));
        assert_ne!(id, RunId::of_key("airflow/fast/2018-04"));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for wrong in [
            "",
            "abc",
            "../../../../../x",
            "ABCDEF0123456789",
            "0123456789abcdef0",
        ] {
            assert_eq!(wrong.parse::<RunId>(), Err(BadRunId), "{wrong}");
        }
    }
}
