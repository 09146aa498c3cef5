//! What to answer to a day or a time that a person wrote and that cannot be read.
//!
//! The hot readers of this module's parent return a bare [`TimeError`]; command lines, bodies and
//! queries go through `FromStr`, whose error is this one and names the value and the form expected.

use std::fmt;

use super::{Day, TimeError};

/// Longest part of a value that is shown, in characters.
const SHOWN: usize = 40;

/// A text that is no day, or no time. It names the text, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTime {
    text: String,
    expected: Expected,
    why: TimeError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Day,
    Time,
}

impl BadTime {
    pub(super) fn day(text: &str, why: TimeError) -> Self {
        Self::new(text, Expected::Day, why)
    }

    pub(super) fn time(text: &str, why: TimeError) -> Self {
        Self::new(text, Expected::Time, why)
    }

    fn new(text: &str, expected: Expected, why: TimeError) -> Self {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self {
            text: shown,
            expected,
            why,
        }
    }

    /// Why it is none.
    pub fn why(&self) -> TimeError {
        self.why
    }
}

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        let (noun, form) = match self.expected {
            Expected::Day => ("day", "YYYY-MM-DD, for example 2018-03-01"),
            Expected::Time => (
                "time",
                "YYYY-MM-DDTHH:MM:SSZ, for example 2018-03-01T10:00:00Z",
            ),
        };
        match self.why {
            TimeError::Form => write!(f, "{text:?} is not a {noun} (expected {form})"),
            TimeError::NotReal => match self.unreal_day() {
                Some(day) => write!(f, "there is no such day as {day} (expected {form})"),
                None => write!(f, "no day has the time of {text} (expected {form})"),
            },
            TimeError::OutOfRange => {
                write!(
                    f,
                    "{text} is not in the years 1970 to 2199 (expected {form})"
                )
            }
        }
    }
}

impl BadTime {
    /// The day in it, when that is what does not exist.
    fn unreal_day(&self) -> Option<&str> {
        let day = self.text.get(..10)?;
        (Day::parse(day.as_bytes()) == Err(TimeError::NotReal)).then_some(day)
    }
}

impl std::error::Error for BadTime {}

#[cfg(test)]
mod tests {
    use crate::{Day, EventTime};

    #[test]
    fn a_day_in_another_form_is_answered_with_the_form_wanted() {
        for text in [
            "2018-3-1",
            "2018/03/01",
            "01/03/2018",
            "2018-03-01T00:00:00",
            "20180301",
            " 2018-03-01",
            "2018-03-01 ",
            "yesterday",
            "２０１８-03-01",
            "",
        ] {
            let said = text.parse::<Day>().unwrap_err().to_string();
            let wanted =
                format!("{text:?} is not a day (expected YYYY-MM-DD, for example 2018-03-01)");
            assert_eq!(said, wanted);
        }
    }

    #[test]
    fn a_time_in_another_form_is_answered_with_the_form_wanted() {
        for text in [
            "2018-3-1 10:00",
            "2018-03-01",
            "2018-03-01T10:00:00",
            "now",
            "",
        ] {
            let said = text.parse::<EventTime>().unwrap_err().to_string();
            let form = "YYYY-MM-DDTHH:MM:SSZ, for example 2018-03-01T10:00:00Z";
            assert_eq!(said, format!("{text:?} is not a time (expected {form})"));
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_said_not_to() {
        let said = |text: &str| text.parse::<Day>().unwrap_err().to_string();
        for day in [
            "2018-02-30",
            "2017-02-29",
            "2018-13-01",
            "2018-00-10",
            "2018-04-31",
        ] {
            assert!(
                said(day).contains(&format!("no such day as {day}")),
                "{}",
                said(day)
            );
        }
        assert!(
            said("2201-01-01").contains("1970 to 2199"),
            "{}",
            said("2201-01-01")
        );
        let said = |text: &str| text.parse::<EventTime>().unwrap_err().to_string();
        let no_day = said("2018-02-30T10:00:00Z");
        assert!(no_day.contains("no such day as 2018-02-30"), "{no_day}");
        let no_time = said("2018-02-28T25:00:00Z");
        assert!(
            no_time.contains("no day has the time of 2018-02-28T25:00:00Z"),
            "{no_time}"
        );
    }

    #[test]
    fn a_long_or_odd_text_is_shown_short_and_on_one_line() {
        let text = "\n\u{1b}[31m".to_owned() + &"9".repeat(5_000);
        let said = text.parse::<Day>().unwrap_err().to_string();
        assert!(
            said.len() < 200 && !said.contains(['\n', '\u{1b}']),
            "{said}"
        );
    }
}
