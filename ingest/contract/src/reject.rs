//! Why a row of the input is not converted (semantics, section 1), and what a key and a state may be.

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

/// One rejected row: where it is and why. One line of `rejects.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Name of the file, without its folder and `.gz`.
    pub file: String,
    /// Line on which the row begins; the header is line 1.
    pub line: u64,
    /// The column, or empty when the row as a whole is wrong.
    pub field: String,
    /// What is wrong.
    pub reason: RejectReason,
    /// The row's order, when its `order_id` column could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_id: Option<String>,
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
    /// A key that was accepted before in the same file.
    #[error("duplicate")]
    Duplicate,
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
            Self::Duplicate => "duplicate",
            Self::Unresolved => "unresolved",
            Self::DerivedTimeOutOfRange => "derived_time_out_of_range",
        }
    }
}
