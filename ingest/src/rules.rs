//! The conversion rules: a versioned TOML file that Ingest owns (semantics, section 2).
//!
//! ```toml
//! version = 1
//! assignment_delay = "30m"   # whole number and s, m, h or d; at most 365 days
//! promise = "instant"        # or "end_of_day"
//! ```
//! `version` is always there; a rule left out has its default (above). What is not known is refused,
//! so that a misspelt rule never passes for its default.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The version of the rules file that this program reads.
pub const RULES_VERSION: i64 = 1;
/// Most seconds of `assignment_delay`: 365 days.
pub const MAX_ASSIGNMENT_DELAY_SECONDS: i64 = 365 * 86_400;
const KEYS: [&str; 3] = ["version", "assignment_delay", "promise"];
const UNITS: [(char, i64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];

/// By when a customer is to have the parcel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Promise {
    /// At the estimated time itself.
    #[default]
    Instant,
    /// At the end of the estimated day: 00:00:00 of the day after.
    EndOfDay,
}

impl Promise {
    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::EndOfDay => "end_of_day",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Instant, Self::EndOfDay]
            .into_iter()
            .find(|promise| promise.name() == name)
    }
}

/// One set of rules. Two sets say the same exactly when their [`Rules::sha256`] are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    name: String,
    assignment_delay_seconds: i64,
    promise: Promise,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            assignment_delay_seconds: 30 * 60,
            promise: Promise::Instant,
        }
    }
}

impl Rules {
    /// Reads a rules file; its name is the file's stem.
    pub fn load(path: &Path) -> Result<Self, RulesError> {
        let error = |problem| RulesError {
            file: path.to_owned(),
            problem,
        };
        let text = std::fs::read_to_string(path).map_err(|cause| error(Problem::Read(cause)))?;
        let name = path
            .file_stem()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        Self::parse(&text, &name).map_err(error)
    }

    /// Reads rules from a text that is no file; `name` stands for it in messages and summaries.
    pub fn parse_toml(text: &str, name: &str) -> Result<Self, RulesError> {
        Self::parse(text, name).map_err(|problem| RulesError {
            file: name.into(),
            problem,
        })
    }

    fn parse(text: &str, name: &str) -> Result<Self, Problem> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            Problem::Toml {
                line,
                why: error.message().to_owned(),
            }
        })?;
        // First of all: a newer file may have keys that are unknown here for a good reason.
        match table.get("version") {
            None => return Err(Problem::NoVersion),
            Some(toml::Value::Integer(RULES_VERSION)) => {}
            Some(found) => {
                return Err(Problem::Version {
                    found: found.to_string(),
                });
            }
        }
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Problem::UnknownKey { key: key.clone() });
        }
        let mut rules = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        if let Some(value) = table.get("assignment_delay") {
            rules.assignment_delay_seconds =
                value
                    .as_str()
                    .and_then(seconds)
                    .ok_or_else(|| Problem::Delay {
                        found: value.to_string(),
                    })?;
        }
        if let Some(value) = table.get("promise") {
            rules.promise =
                value
                    .as_str()
                    .and_then(Promise::from_name)
                    .ok_or_else(|| Problem::Promise {
                        found: value.to_string(),
                    })?;
        }
        Ok(rules)
    }

    /// The same rules under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }

    /// The same rules with another promise, under another name.
    #[must_use]
    pub fn with_promise(&self, promise: Promise, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            promise,
            ..self.clone()
        }
    }

    /// What they are called: a file's stem, or `default`. Says nothing about the content.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From the approval to the assignment of a warehouse; 0 to 365 days.
    pub fn assignment_delay_seconds(&self) -> i64 {
        self.assignment_delay_seconds
    }

    /// When the promise to the customer ends.
    pub fn promise(&self) -> Promise {
        self.promise
    }

    /// Lower-case hex SHA-256 of the content in one canonical form: `30m` and `1800s`, another
    /// order of keys, a comment or another name give the same hash.
    pub fn sha256(&self) -> String {
        use std::fmt::Write as _;
        let Self {
            name: _,
            assignment_delay_seconds,
            promise,
        } = self;
        let canonical = format!(
            "version = {RULES_VERSION}\nassignment_delay = \"{assignment_delay_seconds}s\"\n\
             promise = \"{}\"\n",
            promise.name()
        );
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(canonical) {
            write!(hex, "{byte:02x}").expect("a string takes all text");
        }
        hex
    }
}

/// A short form for people: `default (assignment_delay 30m, promise instant)`.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.assignment_delay_seconds;
        let (unit, of_unit) = UNITS
            .into_iter()
            .rev()
            .find(|&(_, of_unit)| seconds > 0 && seconds % of_unit == 0)
            .unwrap_or(UNITS[0]);
        let (name, promise) = (&self.name, self.promise.name());
        write!(
            f,
            "{name} (assignment_delay {}{unit}, promise {promise})",
            seconds / of_unit
        )
    }
}

/// The seconds of `30m`; `None` for any other form and for more than 365 days.
fn seconds(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let number = text.strip_suffix(unit)?;
    let (_, of_unit) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = number.parse::<i64>().ok()?.checked_mul(of_unit)?;
    (seconds <= MAX_ASSIGNMENT_DELAY_SECONDS).then_some(seconds)
}

/// Rules that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("rules {}: {problem}", file.display())]
pub struct RulesError {
    /// The file, or the name of the text.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a rules file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// Not TOML.
    #[error("not TOML on line {line}: {why}")]
    Toml {
        /// Line of the file.
        line: usize,
        /// The parser's words.
        why: String,
    },
    /// No version: nobody can say what the rest means.
    #[error("no version; write version = {RULES_VERSION}")]
    NoVersion,
    /// A version that this program does not know.
    #[error(
        "version {found} is not known here; write version = {RULES_VERSION} or use the eip that the file was written for"
    )]
    Version {
        /// As in the file.
        found: String,
    },
    /// A key that is no rule.
    #[error("unknown key {key}; known are version, assignment_delay and promise")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// Not a delay.
    #[error(
        "assignment_delay = {found} is no delay; write a whole number and s, m, h or d in quotes, like \"30m\", at most 365 days"
    )]
    Delay {
        /// As in the file.
        found: String,
    },
    /// Not a promise.
    #[error("promise = {found} is not known; write \"instant\" or \"end_of_day\"")]
    Promise {
        /// As in the file.
        found: String,
    },
}

#[cfg(test)]
mod tests;
