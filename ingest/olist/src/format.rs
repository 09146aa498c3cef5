//! What the text of one table's files looks like, and what a field of it means (semantics, sections
//! 1 and 7).
//!
//! Most fields are in the plain form of section 1 and are read by the caller's fast path; everything
//! here is for the others.

mod time;

use encoding_rs::Encoding;

use eip_contract::{EventTime, RejectReason};

pub(crate) use time::TimeForms;

/// The words that mean an empty time or state when they stand without quotes.
const NULL_WORDS: [&[u8]; 7] = [b"NULL", b"NaN", b"NaT", b"None", b"\\N", b"nan", b"null"];

/// Which of several rows with one key counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// The first that is accepted.
    #[default]
    First,
    /// The last that is accepted.
    Last,
    /// None of them, once two of them contradict one another.
    Reject,
}

/// How one table is written.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    /// Between two fields; one ASCII byte, neither a quote nor a line break.
    pub(crate) delimiter: u8,
    /// Of the unpacked bytes, unless they begin with a byte order mark.
    pub(crate) encoding: &'static Encoding,
    /// How times are written.
    pub(crate) times: TimeForms,
    /// Whole fields that mean an empty one.
    pub(crate) nulls: Vec<String>,
    /// What becomes of a second row with the same key.
    pub(crate) duplicates: Duplicates,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            delimiter: b',',
            encoding: encoding_rs::UTF_8,
            times: TimeForms::default(),
            nulls: Vec::new(),
            duplicates: Duplicates::First,
        }
    }
}

/// A field as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) bytes: &'a [u8],
    /// In quotes: then it is no null word.
    pub(crate) is_quoted: bool,
    /// Made from a typed value of a Parquet file: then a time has the form of section 1.
    pub(crate) is_typed: bool,
}

impl Format {
    /// Whether a time may be in the plain form of section 1 and mean what that says, without a
    /// further look.
    pub(crate) fn takes_plain_times(&self) -> bool {
        self.nulls.is_empty() && self.times.is_plain()
    }

    /// Reads a time that is not in the plain form; `None` when it is empty.
    #[cold]
    pub(crate) fn time(&self, text: Text<'_>) -> Result<Option<EventTime>, RejectReason> {
        if self.is_null(text.bytes) {
            return Ok(None);
        }
        let bytes = trimmed(text.bytes);
        if bytes.is_empty() || self.is_null(bytes) || is_null_word(bytes, text.is_quoted) {
            return Ok(None);
        }
        self.times.parse(bytes, text.is_typed).map(Some)
    }

    /// A state without the blanks around it; empty when a word says so.
    pub(crate) fn state<'a>(&self, text: Text<'a>) -> &'a [u8] {
        let state = trimmed(text.bytes);
        if self.is_null(state) || is_null_word(state, text.is_quoted) {
            b""
        } else {
            state
        }
    }

    /// Any other field: empty when the data set says that this text means that.
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        if self.is_null(bytes) { b"" } else { bytes }
    }

    fn is_null(&self, bytes: &[u8]) -> bool {
        self.nulls.iter().any(|null| null.as_bytes() == bytes)
    }
}

fn is_null_word(bytes: &[u8], is_quoted: bool) -> bool {
    !is_quoted && NULL_WORDS.contains(&bytes)
}

/// Without the blanks (U+0020) around it.
pub(crate) fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

/// A whole number from 0 to 2⁶³ − 1, with any number of zeros before it, and after a point: `3.0`.
pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    let digits = match text.iter().position(|&byte| byte == b'.') {
        None => text,
        Some(point) => {
            let zeros = &text[point + 1..];
            let is_whole = !zeros.is_empty() && zeros.iter().all(|&byte| byte == b'0');
            is_whole.then_some(&text[..point])?
        }
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            None
        } else {
            number.checked_mul(10)?.checked_add(u64::from(digit))
        }
    })?;
    i64::try_from(number).ok().map(i64::cast_unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], is_quoted: bool) -> Text<'_> {
        Text {
            bytes,
            is_quoted,
            is_typed: false,
        }
    }

    #[test]
    fn a_number_of_an_item_is_a_whole_number_of_63_bits() {
        for (text, number) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("3.0", Some(3)),
            ("3.000", Some(3)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("0000000000000000000000000000009", Some(9)),
            ("9223372036854775808", None),
            ("18446744073709551616", None),
            ("", None),
            ("3.", None),
            (".0", None),
            ("3.5", None),
            ("3.0.0", None),
            ("3,0", None),
            ("3e0", None),
            ("-1", None),
            ("+1", None),
            (" 1", None),
            ("one", None),
            ("١", None),
        ] {
            assert_eq!(whole_number(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn a_word_means_empty_as_a_whole_unquoted_time_or_state_alone() {
        let format = Format::default();
        for word in [
            "NULL", "NaN", "NaT", "None", "\\N", "nan", "null", " NULL ", "", "  ",
        ] {
            assert_eq!(
                format.time(text(word.as_bytes(), false)),
                Ok(None),
                "{word:?}"
            );
            assert_eq!(format.state(text(word.as_bytes(), false)), b"", "{word:?}");
        }
        for word in ["Null", "N/A", "-", "NONE", "nulls"] {
            let read = format.time(text(word.as_bytes(), false));
            assert_eq!(read, Err(RejectReason::NotATime), "{word:?}");
            assert_eq!(format.state(text(word.as_bytes(), false)), word.as_bytes());
        }
        assert_eq!(
            format.time(text(b"NULL", true)),
            Err(RejectReason::NotATime)
        );
        assert_eq!(format.state(text(b"NULL", true)), b"NULL");
        assert_eq!(format.value(b"NULL"), b"NULL");
        assert_eq!(format.state(text(b"  SP ", true)), b"SP");
    }

    #[test]
    fn a_null_of_the_data_set_means_empty_in_every_column() {
        let format = Format {
            nulls: vec!["-".to_owned(), "0001-01-01 00:00:00".to_owned()],
            ..Format::default()
        };
        assert!(!format.takes_plain_times());
        assert_eq!(format.time(text(b"0001-01-01 00:00:00", true)), Ok(None));
        assert_eq!(format.time(text(b" - ", false)), Ok(None));
        assert_eq!(format.time(text(b"NULL", false)), Ok(None));
        assert_eq!(format.state(text(b"-", true)), b"");
        assert_eq!(format.value(b"-"), b"");
        assert_eq!(format.value(b"--"), b"--");
    }
}
