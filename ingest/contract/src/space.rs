//! Spaces: one prefix over all that a chain owns (design, "Spaces").
//!
//! A space separates topics, indices, aliases, the database schema, cache keys and the state folder
//! of one chain from those of another on the same servers. `main` has no prefix, so the contract's
//! own names stay. A dot stands between prefix and name; since no space has a dot in it, no two
//! spaces share a name.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A space's name: 1 to 30 of `a-z`, `0-9` and `-`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(String);

/// The folder of the other spaces in the state folder of `main`.
pub const SPACES: &str = "spaces";
/// Beginnings that would read like something of ours, or of PostgreSQL's.
const RESERVED: [&str; 8] = [
    "eip",
    "fulfillment",
    "shipment",
    "route-stats",
    "public",
    "information-schema",
    "pg-",
    "-",
];

/// Why a text is no space's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a space: 1 to 30 of a-z, 0-9 and -, not beginning with one of {list}",
    list = RESERVED.join(", ")
)]
pub struct BadSpace(String);

impl Space {
    /// The space without a prefix.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// Whether it is `main`.
    pub fn is_main(&self) -> bool {
        self.0 == "main"
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The name of something of ours in this space: `shipments`, or `peak-x100.shipments`.
    pub fn prefixed(&self, name: &str) -> String {
        if self.is_main() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.0)
        }
    }

    /// The reverse of [`Space::prefixed`]: the space in which something of ours has this full name,
    /// when it has the form of `<space>.<name>` or is `name` itself.
    pub fn of_prefixed(full: &str, name: &str) -> Option<Self> {
        if full == name {
            return Some(Self::main());
        }
        full.strip_suffix(name)?.strip_suffix('.')?.parse().ok()
    }

    /// Its state folder in a place with the state folder `root` of `main`.
    pub fn folder(&self, root: &Path) -> PathBuf {
        if self.is_main() {
            root.to_owned()
        } else {
            root.join(SPACES).join(&self.0)
        }
    }

    /// The schema of its tables in PostgreSQL: `public` for `main`, else the name itself.
    pub fn schema(&self) -> &str {
        if self.is_main() { "public" } else { &self.0 }
    }
}

impl Default for Space {
    fn default() -> Self {
        Self::main()
    }
}

impl FromStr for Space {
    type Err = BadSpace;
    fn from_str(text: &str) -> Result<Self, BadSpace> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=30).contains(&text.len())
            && text.bytes().all(allowed)
            && !RESERVED.iter().any(|reserved| text.starts_with(reserved));
        good.then(|| Self(text.to_owned()))
            .ok_or_else(|| BadSpace(text.to_owned()))
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_has_no_prefix_and_others_have_theirs() {
        assert_eq!(Space::main().prefixed("shipments"), "shipments");
        let peak: Space = "peak-x100".parse().unwrap();
        assert_eq!(peak.prefixed("shipments"), "peak-x100.shipments");
        assert_eq!(
            (peak.schema(), Space::main().schema()),
            ("peak-x100", "public")
        );
        assert_eq!(
            Space::of_prefixed("peak-x100.shipments", "shipments"),
            Some(peak)
        );
        assert_eq!(
            Space::of_prefixed("shipments", "shipments"),
            Some(Space::main())
        );
        assert_eq!(Space::of_prefixed("other-shipments", "shipments"), None);
    }

    #[test]
    fn a_name_of_ours_or_of_another_form_is_refused() {
        for bad in [
            "",
            "Peak",
            "a_b",
            "a.b",
            "shipments-w",
            "eip",
            "-a",
            "public",
            &"a".repeat(31),
        ] {
            assert!(bad.parse::<Space>().is_err(), "{bad}");
        }
        for good in ["main", "a", "0", "peak-x100", &"a".repeat(30)] {
            assert!(good.parse::<Space>().is_ok(), "{good}");
        }
    }
}
