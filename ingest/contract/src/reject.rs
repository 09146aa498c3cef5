//! Why a row of the input is not converted (semantics, section 1), and what a key and a state may be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most bytes of an `order_id` or any other row's key.
pub const MAX_KEY_BYTES: usize = 512;
/// Most bytes of a state.
pub const MAX_STATE_BYTES: usize = 16;
/// The region of an order whose seller or customer is unknown (CLDR's code for it).
pub const UNKNOWN_REGION: &str = "ZZ";

/// Whether a text has a control character (U+0000-U+001F, U+007F).
pub fn has_control(text: &[u8]) -> bool {
    text.iter().any(|&byte| byte < 0x20 || byte == 0x7f)
}

/// Whether a text can be an `order_id`.
pub fn is_order_id(text: &[u8]) -> bool {
    !text.is_empty() && text.len() <= MAX_KEY_BYTES && !has_control(text)
}

/// Whether a text can be a region.
pub fn is_region(text: &[u8]) -> bool {
    text.len() <= MAX_STATE_BYTES && !has_control(text)
}

/// Most characters of a value that a reject shows.
pub const MAX_SHOWN_CHARS: usize = 80;

/// One rejected row: where it is and why. One line of `rejects.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Name of the file, without its folder and `.gz` or `.zst`.
    pub file: String,
    /// Line on which the row begins; the header is line 1. Of a Parquet file: the row, from 1.
    pub line: u64,
    /// Line on which the row ends, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_line: Option<u64>,
    /// The column, or empty when the row as a whole is wrong.
    pub field: String,
    /// What is wrong.
    pub reason: RejectReason,
    /// What the field holds, or how the row begins: at most [`MAX_SHOWN_CHARS`] characters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The row's order, when its `order_id` column could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_id: Option<String>,
    /// Of an order that goes with another row: that row.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because_of: Option<RowPlace>,
}

/// Where a row is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowPlace {
    /// Name of the file, without its folder and `.gz` or `.zst`.
    pub file: String,
    /// Line on which the row begins.
    pub line: u64,
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file, self.line)
    }
}

/// `orders.csv line 7: order_approved_at "10/2/2017" is not a time …`, for an operator.
impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file, self.line)?;
        if let Some(last) = self.last_line {
            write!(f, " to {last}")?;
        }
        f.write_str(":")?;
        if !self.field.is_empty() {
            write!(f, " {}", self.field)?;
        }
        if let Some(value) = &self.value {
            write!(f, " {value:?}")?;
        }
        write!(f, " {}", self.reason.sentence())?;
        if let Some(row) = &self.because_of {
            write!(f, " ({row})")?;
        }
        Ok(())
    }
}

/// The start of a text as a reject shows it; bytes that are not UTF-8 and control characters as
/// U+FFFD.
pub fn shown(text: &[u8]) -> String {
    let mut shown = String::new();
    // A character has at most four bytes.
    let start = &text[..text.len().min(4 * (MAX_SHOWN_CHARS + 1))];
    for (count, c) in String::from_utf8_lossy(start).chars().enumerate() {
        if count == MAX_SHOWN_CHARS {
            shown.pop();
            shown.push('…');
            break;
        }
        shown.push(if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        });
    }
    shown
}

/// What is wrong with a row.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// More or fewer fields than the header has.
    #[error("ragged: another number of fields than the header")]
    Ragged,
    /// A row of more than 1 MiB.
    #[error("over 1 MiB")]
    TooLong,
    /// Bytes that are not UTF-8, in a column that is used.
    #[error("not UTF-8")]
    NotUtf8,
    /// A quoted field that goes on behind its closing quote.
    #[error("text after a closing quote")]
    TextAfterQuote,
    /// A key or the purchase time is empty.
    #[error("empty")]
    Empty,
    /// A key of more than 512 bytes.
    #[error("over 512 bytes")]
    KeyTooLong,
    /// A state of more than 16 bytes.
    #[error("over 16 bytes")]
    StateTooLong,
    /// A control character in a key or a state.
    #[error("control character")]
    Control,
    /// A time in another form, not real, or outside of 1970 to 2199.
    #[error("not a time")]
    NotATime,
    /// An `order_item_id` that is no whole number from 0 on.
    #[error("not a number")]
    NotANumber,
    /// A time that two of the data set's forms read differently.
    #[error("two forms read this time differently")]
    AmbiguousTime,
    /// A local time that never was: the clocks were set forward over it.
    #[error("a local time that the clocks skipped")]
    TimeInGap,
    /// A second row with an accepted key that says the same in every column that is used.
    #[error("repeats an accepted row")]
    Repeated,
    /// A second row with an accepted key that says something else.
    #[error("contradicts another row of its key")]
    Contradicting,
    /// An earlier row of a key whose last row counts (`duplicates = "last"`); named by the later one.
    #[error("replaces an earlier row of its key")]
    Replaced,
    /// An order whose item row, or whose customer's or seller's row, was rejected.
    #[error("depends on a rejected row")]
    DependsOnRejected,
    /// A reference to a row that is not there, where an input has to be whole by itself.
    #[error("refers to a row that is not there")]
    Unresolved,
    /// A derived time falls outside of 1970 to 2199.
    #[error("a derived time is out of range")]
    DerivedTimeOutOfRange,
}

impl RejectReason {
    /// A short fixed name to count by; the same as in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ragged => "ragged",
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
            Self::TextAfterQuote => "text_after_quote",
            Self::Empty => "empty",
            Self::KeyTooLong => "key_too_long",
            Self::StateTooLong => "state_too_long",
            Self::Control => "control",
            Self::NotATime => "not_a_time",
            Self::NotANumber => "not_a_number",
            Self::AmbiguousTime => "ambiguous_time",
            Self::TimeInGap => "time_in_gap",
            Self::Repeated => "repeated",
            Self::Contradicting => "contradicting",
            Self::Replaced => "replaced",
            Self::DependsOnRejected => "depends_on_rejected",
            Self::Unresolved => "unresolved",
            Self::DerivedTimeOutOfRange => "derived_time_out_of_range",
        }
    }

    /// The reason as the end of a sentence about the field or the row, with what was expected.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Ragged => "has another number of fields than the header",
            Self::TooLong => "has more than 1 MiB",
            Self::NotUtf8 => "is not UTF-8 (another encoding needs a dataset.toml)",
            Self::TextAfterQuote => "goes on after a closing quote",
            Self::Empty => "is empty",
            Self::KeyTooLong => "has more than 512 bytes",
            Self::StateTooLong => "has more than 16 bytes",
            Self::Control => "holds a control character",
            Self::NotATime => {
                "is not a time (expected 2017-10-02 10:56:33; another form needs a dataset.toml)"
            }
            Self::AmbiguousTime => "is read differently by two of the forms in dataset.toml",
            Self::TimeInGap => "is a local time that the clocks skipped",
            Self::NotANumber => "is not a whole number from 0 on",
            Self::Repeated => "repeats an accepted row",
            Self::Contradicting => "contradicts another row of its key",
            Self::Replaced => "replaces an earlier row of its key",
            Self::DependsOnRejected => "depends on a rejected row",
            Self::Unresolved => "refers to a row that is not there",
            Self::DerivedTimeOutOfRange => "leads to a time outside of 1970 to 2199",
        }
    }

    /// Whether the row says nothing that is lost: it repeats what was accepted, or a later row
    /// counts in place of an earlier one, as the data set asks for.
    pub fn is_harmless(self) -> bool {
        matches!(self, Self::Repeated | Self::Replaced)
    }
}
