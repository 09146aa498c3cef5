//! A kept answer, and its form outside of this process.
//!
//! ```text
//! "EIPK" | format: u8 | check: 16 bytes | head length: u32 LE | head: JSON of the moment | body
//! ```
//!
//! The check is the beginning of a SHA-256 over the key and all that follows: an answer that was cut,
//! changed, or moved under another key is none.

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};

use super::{FORMAT, Key};
use crate::present::Present;

const MAGIC: &[u8; 4] = b"EIPK";
const CHECK: usize = 16;

/// An answer with the moment that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The moment.
    pub(crate) present: Present,
    /// A JSON object.
    pub(crate) body: Bytes,
}

impl Kept {
    /// The answer under its key.
    pub(super) fn write(&self, key: Key) -> Vec<u8> {
        let head = serde_json::to_vec(&self.present).expect("texts and numbers are JSON");
        let mut rest = Vec::with_capacity(4 + head.len() + self.body.len());
        rest.extend_from_slice(&(head.len() as u32).to_le_bytes());
        rest.extend_from_slice(&head);
        rest.extend_from_slice(&self.body);
        let mut bytes = Vec::with_capacity(MAGIC.len() + 1 + CHECK + rest.len());
        bytes.extend_from_slice(MAGIC);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&check(key, &rest));
        bytes.extend_from_slice(&rest);
        bytes
    }

    /// The answer that was written under this key; none for anything else.
    pub(super) fn read(key: Key, bytes: &Bytes) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&[FORMAT])?;
        let (given, rest) = rest.split_at_checked(CHECK)?;
        if given != check(key, rest) {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (head, body) = rest.split_at_checked(length)?;
        Some(Self {
            present: serde_json::from_slice(head).ok()?,
            body: bytes.slice_ref(body),
        })
    }
}

fn check(key: Key, rest: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::new()
        .chain_update(key.bytes())
        .chain_update(rest)
        .finalize();
    let (check, _) = hash.split_first_chunk().expect("32 are more than 16");
    *check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_under_a_key_is_read_under_it() {
        let kept = Kept {
            present: Present::example(7),
            body: Bytes::from_static(b"{\"a\":1}"),
        };
        let space = eip_contract::Space::main();
        let [key, other] = ["a", "b"].map(|name| Key::of(&space, &kept.present, name));
        let bytes = Bytes::from(kept.write(key));
        assert_eq!(Kept::read(key, &bytes), Some(kept));
        assert_eq!(Kept::read(other, &bytes), None, "moved under another key");
        for at in 0..bytes.len() {
            assert_eq!(Kept::read(key, &bytes.slice(..at)), None, "cut at {at}");
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 0x40;
            assert_eq!(Kept::read(key, &flipped.into()), None, "flipped at {at}");
        }
        let mut longer = bytes.to_vec();
        longer.push(b' ');
        assert_eq!(Kept::read(key, &longer.into()), None);
        assert_eq!(Kept::read(key, &Bytes::from_static(b"{\"a\":2}")), None);
    }
}
