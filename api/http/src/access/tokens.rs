//! The tokens that are valid, as their hashes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::Role;

/// Tokens of one name that are valid at a time: the old one and the new one.
pub const HASHES_PER_NAME: usize = 2;

type Hash = [u8; 32];

/// All tokens that are valid, by name.
#[derive(Clone, Default)]
pub struct Tokens(BTreeMap<Arc<str>, (Role, Vec<Hash>)>);

/// Tokens that cannot be used. The text names the holder, never a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokensError {
    /// The name of a holder.
    #[error("{0:?} is no name of a token; use 1 to 64 letters, digits and . _ -")]
    Name(String),
    /// Two entries of one name.
    #[error("the name {0} has two entries; give its hashes in one")]
    Twice(String),
    /// No hash, or too many.
    #[error("token {0} has {1} hashes; one or two can be valid at a time")]
    Count(String, usize),
    /// Not a hash.
    #[error(
        "a hash of token {0} is not 64 hex digits; `eip token new` prints a token and its hash"
    )]
    Hash(String),
    /// The same hash again.
    #[error("token {0} has a hash that is given already; each token is one holder's")]
    Shared(String),
}

impl Tokens {
    /// Adds the holder `name`: its role, and the SHA-256 of each of its tokens in hex.
    pub fn add<H: AsRef<str>>(
        &mut self,
        name: &str,
        role: Role,
        sha256: &[H],
    ) -> Result<(), TokensError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(TokensError::Name(name.to_owned()));
        }
        if self.0.contains_key(name) {
            return Err(TokensError::Twice(name.to_owned()));
        }
        if !(1..=HASHES_PER_NAME).contains(&sha256.len()) {
            return Err(TokensError::Count(name.to_owned(), sha256.len()));
        }
        let mut hashes = Vec::new();
        for text in sha256 {
            let hash = hash_of_hex(text.as_ref());
            let hash = hash.ok_or_else(|| TokensError::Hash(name.to_owned()))?;
            let mut known = self.0.values().flat_map(|(_, hashes)| hashes);
            if hashes.contains(&hash) || known.any(|known| *known == hash) {
                return Err(TokensError::Shared(name.to_owned()));
            }
            hashes.push(hash);
        }
        self.0.insert(name.into(), (role, hashes));
        Ok(())
    }

    /// Whether nobody has a token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token it is. Looks at every hash to its end, whatever it finds, so that the time that
    /// it takes tells nothing about the hashes.
    pub(crate) fn find(&self, token: &str) -> Option<(Arc<str>, Role)> {
        let given: Hash = Sha256::digest(token).into();
        let mut found = None;
        for (name, (role, hashes)) in &self.0 {
            let equal = |all: Choice, hash: &Hash| all | hash.ct_eq(&given);
            if bool::from(hashes.iter().fold(Choice::from(0), equal)) {
                found = Some((Arc::clone(name), *role));
            }
        }
        found
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = self.0.iter().map(|(name, (role, _))| (name, role));
        f.debug_map().entries(roles).finish()
    }
}

/// What the configuration holds of a token: its SHA-256 in lower-case hex.
pub fn token_sha256(token: &str) -> String {
    hex(&Sha256::digest(token))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

fn hash_of_hex(text: &str) -> Option<Hash> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut hash = Hash::default();
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tokens_of_a_name_are_valid_and_no_other() {
        let mut tokens = Tokens::default();
        let hashes = [token_sha256("old"), token_sha256("new").to_uppercase()];
        tokens.add("airflow", Role::Replay, &hashes).unwrap();
        let reader = [token_sha256("r")];
        tokens.add("grafana", Role::Read, &reader).unwrap();
        for (token, name, role) in [
            ("old", "airflow", Role::Replay),
            ("new", "airflow", Role::Replay),
            ("r", "grafana", Role::Read),
        ] {
            assert_eq!(tokens.find(token), Some((name.into(), role)));
        }
        for wrong in ["", "olds", &hashes[0]] {
            assert_eq!(tokens.find(wrong), None);
        }
    }

    #[test]
    fn what_cannot_be_a_set_of_tokens_is_refused() {
        let mut tokens = Tokens::default();
        let [a, b, c] = ["a", "b", "c"].map(token_sha256);
        let none: [&str; 0] = [];
        tokens.add("first", Role::Read, &[&a]).unwrap();
        let name = || "x".to_owned();
        for (result, error) in [
            (
                tokens.add("x", Role::Read, &none),
                TokensError::Count(name(), 0),
            ),
            (
                tokens.add("x", Role::Read, &[&a, &b, &c]),
                TokensError::Count(name(), 3),
            ),
            (
                tokens.add("x", Role::Read, &["abc"]),
                TokensError::Hash(name()),
            ),
            (
                tokens.add("x", Role::Read, &[&a]),
                TokensError::Shared(name()),
            ),
            (
                tokens.add("x", Role::Read, &[&b, &b]),
                TokensError::Shared(name()),
            ),
            (
                tokens.add("first", Role::Read, &[&b]),
                TokensError::Twice("first".to_owned()),
            ),
            (
                tokens.add("a b", Role::Read, &[&b]),
                TokensError::Name("a b".to_owned()),
            ),
        ] {
            assert_eq!(result, Err(error));
        }
    }

    #[test]
    fn what_is_printed_of_tokens_holds_no_hash() {
        let mut tokens = Tokens::default();
        tokens
            .add("ops", Role::Admin, &[token_sha256("t")])
            .unwrap();
        assert_eq!(format!("{tokens:?}"), r#"{"ops": Admin}"#);
    }
}
