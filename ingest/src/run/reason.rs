//! Why a run was asked for, in its requester's own words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most characters of a reason.
const MAX_CHARS: usize = 500;

/// A line of text for the ledger and the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

impl Reason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a reason is one line of 1 to {MAX_CHARS} characters, none of which controls how it is shown"
)]
pub struct BadReason;

impl FromStr for Reason {
    type Err = BadReason;
    fn from_str(text: &str) -> Result<Self, BadReason> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Reason {
    type Error = BadReason;
    fn try_from(text: String) -> Result<Self, BadReason> {
        let is_said = !text.trim().is_empty() && text.chars().count() <= MAX_CHARS;
        if is_said && !text.chars().any(controls) {
            Ok(Self(text))
        } else {
            Err(BadReason)
        }
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// Control characters, line ends, and what turns the direction of the text around it: with these a
/// reason could show as something that it does not say.
fn controls(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_shows_as_what_it_says() {
        let longest = "é".repeat(500);
        for text in [
            "OPS-17: carriers' times <were> \"late\"",
            "배송 지연 정정",
            &longest,
        ] {
            assert_eq!(text.parse::<Reason>().unwrap().as_str(), text);
        }
        let too_long = "x".repeat(501);
        for text in [
            "",
            "  ",
            "a\nb",
            "a\r",
            "\0",
            "a\u{1b}[31m",
            "a\u{85}",
            "a\u{202e}b",
            "a\u{2028}b",
            &too_long,
        ] {
            assert_eq!(text.parse::<Reason>(), Err(BadReason), "{text:?}");
        }
    }
}
