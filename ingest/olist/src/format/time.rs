//! Times that are not in the plain form: ISO variants, the forms of a `dataset.toml`, local times.
//!
//! The built-in forms are `YYYY-MM-DD`, with a blank or `T` and `HH:MM:SS`, a fraction that is cut
//! off, and `Z`, ` UTC` or `±HH:MM` at the end. Forms of a data set take their place; those are
//! strptime's, read by jiff. A time without an offset is UTC, or local in the data set's zone. The
//! zones come from the database built into jiff, not from the machine, so that the same bytes mean
//! the same everywhere.

use eip_contract::{EventTime, RejectReason};
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// How the times of a table are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeForms {
    /// In place of the built-in forms, when there are any.
    forms: Vec<String>,
    /// Where times without an offset are local; UTC without.
    zone: Option<TimeZone>,
}

/// A form or a zone in a `dataset.toml` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTimeForm {
    /// The form cannot read what it would write, or reads no date.
    #[error("time: {form:?} is no form of a time: {why}")]
    Form {
        /// As given.
        form: String,
        /// In jiff's words, or ours.
        why: String,
    },
    /// No such zone.
    #[error(
        "time_zone: unknown time zone {0:?} (expected a name of the IANA database, such as \
         America/Sao_Paulo or UTC)"
    )]
    Zone(String),
}

/// A time as it is written: on a calendar, with or without an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    date: Date,
    /// `None` of a date alone.
    time: Option<Time>,
    offset: Option<Offset>,
}

impl TimeForms {
    /// Forms of a data set, empty for the built-in ones, and its zone.
    pub(crate) fn new(forms: &[String], zone: Option<&str>) -> Result<Self, BadTimeForm> {
        for form in forms {
            check(form)?;
        }
        let zone = match zone {
            None => None,
            Some(name) => {
                let zone = TimeZoneDatabase::bundled().get(name);
                Some(zone.map_err(|_| BadTimeForm::Zone(name.to_owned()))?)
            }
        };
        Ok(Self {
            forms: forms.to_vec(),
            zone,
        })
    }

    /// Whether the plain form of section 1 is read, as UTC.
    pub(crate) fn is_plain(&self) -> bool {
        self.forms.is_empty() && self.zone.is_none()
    }

    /// Reads a text without blanks around it. `is_typed`: made from a typed value, so that it is in a
    /// built-in form whatever the data set's forms are.
    pub(crate) fn parse(&self, text: &[u8], is_typed: bool) -> Result<EventTime, RejectReason> {
        if self.forms.is_empty() || is_typed {
            let written = built_in(text).ok_or(RejectReason::NotATime)?;
            return self.instant(written);
        }
        let text = std::str::from_utf8(text).map_err(|_| RejectReason::NotUtf8)?;
        let mut read: Option<Result<EventTime, RejectReason>> = None;
        for written in self.forms.iter().filter_map(|form| by_form(form, text)) {
            let instant = self.instant(written);
            match read {
                None => read = Some(instant),
                Some(other) if other == instant => {}
                Some(_) => return Err(RejectReason::AmbiguousTime),
            }
        }
        read.unwrap_or(Err(RejectReason::NotATime))
    }

    /// The instant of a written time: a local one that the clocks skipped is none, of two that they
    /// showed the same way it is the earlier; a date alone is the start of its day.
    fn instant(&self, written: Written) -> Result<EventTime, RejectReason> {
        let Written { date, time, offset } = written;
        let local = DateTime::from_parts(date, time.unwrap_or(Time::midnight()));
        let out_of_range = |_| RejectReason::NotATime;
        let timestamp = match (offset, &self.zone) {
            (Some(offset), _) => offset.to_timestamp(local).map_err(out_of_range)?,
            (None, None) => Offset::UTC.to_timestamp(local).map_err(out_of_range)?,
            (None, Some(zone)) => {
                let ambiguous = zone.to_ambiguous_timestamp(local);
                match ambiguous.offset() {
                    AmbiguousOffset::Gap { .. } if time.is_some() => {
                        return Err(RejectReason::TimeInGap);
                    }
                    // The day begins where the gap ends: the skipped midnight by the offset before.
                    AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => {
                        before.to_timestamp(local).map_err(out_of_range)?
                    }
                    AmbiguousOffset::Unambiguous { offset } => {
                        offset.to_timestamp(local).map_err(out_of_range)?
                    }
                }
            }
        };
        EventTime::from_seconds(timestamp.as_second()).ok_or(RejectReason::NotATime)
    }
}

/// Refuses a form that jiff does not know, or that leaves out the date.
fn check(form: &str) -> Result<(), BadTimeForm> {
    let bad = |why: String| BadTimeForm::Form {
        form: form.to_owned(),
        why,
    };
    let sample = DateTime::constant(2017, 10, 22, 10, 56, 33, 0);
    let sample = Offset::constant(-3)
        .to_timestamp(sample)
        .expect("a time of our days");
    let sample = sample.to_zoned_datetime(TimeZone::fixed(Offset::constant(-3)));
    let written =
        jiff::fmt::strtime::format(form, &sample).map_err(|error| bad(error.to_string()))?;
    let tm = BrokenDownTime::parse(form, &written).map_err(|error| bad(error.to_string()))?;
    match read(&tm) {
        Some(written) if written.date == sample.date() => Ok(()),
        _ => Err(bad("it does not say year, month and day".to_owned())),
    }
}

fn by_form(form: &str, text: &str) -> Option<Written> {
    let tm = BrokenDownTime::parse(form, text).ok()?;
    if tm.second() == Some(59) && is_second_60(form, text) {
        return None;
    }
    read(&tm)
}

/// Whether the second is written as 60, which jiff reads as 59: then another number in its place
/// shows.
fn is_second_60(form: &str, text: &str) -> bool {
    text.match_indices("60").any(|(at, _)| {
        let other = [&text[..at], "58", &text[at + 2..]].concat();
        BrokenDownTime::parse(form, &other).is_ok_and(|tm| tm.second() == Some(58))
    })
}

fn read(tm: &BrokenDownTime) -> Option<Written> {
    if let Some(timestamp) = tm.timestamp() {
        let utc = Offset::UTC.to_datetime(timestamp);
        return Some(Written {
            date: utc.date(),
            time: Some(utc.time()),
            offset: Some(Offset::UTC),
        });
    }
    let date = tm.to_date().ok()?;
    let time = if tm.hour().is_some() {
        let time = tm.to_time().ok()?;
        // Fractions are cut off.
        Some(Time::new(time.hour(), time.minute(), time.second(), 0).ok()?)
    } else {
        None
    };
    Some(Written {
        date,
        time,
        offset: tm.offset(),
    })
}

/// Reads one of the built-in forms.
fn built_in(text: &[u8]) -> Option<Written> {
    let (date, rest) = text.split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else {
        return None;
    };
    let year = number([y1, y2])? * 100 + number([y3, y4])?;
    let date = Date::new(year, number([m1, m2])? as i8, number([d1, d2])? as i8).ok()?;
    let Some((between, rest)) = rest.split_first() else {
        return Some(Written {
            date,
            time: None,
            offset: None,
        });
    };
    let (clock, mut rest) = rest.split_at_checked(8)?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *clock else {
        return None;
    };
    if !matches!(between, b' ' | b'T') {
        return None;
    }
    let (hour, minute, second) = (number([h1, h2])?, number([m1, m2])?, number([s1, s2])?);
    let time = Time::new(hour as i8, minute as i8, second as i8, 0).ok()?;
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return None;
        }
        rest = &fraction[digits..];
    }
    let offset = match *rest {
        [] => None,
        [b'Z'] | [b' ', b'U', b'T', b'C'] => Some(Offset::UTC),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (i32::from(number([h1, h2])?), i32::from(number([m1, m2])?));
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            let seconds = if sign == b'-' { -seconds } else { seconds };
            Some(Offset::from_seconds(seconds).ok()?)
        }
        _ => return None,
    };
    Some(Written {
        date,
        time: Some(time),
        offset,
    })
}

/// Two digits.
fn number([tens, ones]: [u8; 2]) -> Option<i16> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(i16::from(tens) * 10 + i16::from(ones))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(forms: &[&str], zone: Option<&str>) -> TimeForms {
        let forms: Vec<String> = forms.iter().map(|&form| form.to_owned()).collect();
        TimeForms::new(&forms, zone).unwrap()
    }

    fn parse(forms: &TimeForms, text: &str) -> String {
        match forms.parse(text.as_bytes(), false) {
            Ok(time) => time.to_string(),
            Err(reason) => reason.code().to_owned(),
        }
    }

    #[test]
    fn the_built_in_forms_lead_to_the_same_instant() {
        let built_in = TimeForms::default();
        for text in [
            "2018-03-01 10:00:00",
            "2018-03-01T10:00:00",
            "2018-03-01 10:00:00.999999999",
            "2018-03-01T10:00:00Z",
            "2018-03-01 10:00:00Z",
            "2018-03-01T10:00:00.5Z",
            "2018-03-01 10:00:00 UTC",
            "2018-03-01 10:00:00.123 UTC",
            "2018-03-01T07:00:00-03:00",
            "2018-03-01 15:30:00.25+05:30",
            "2018-03-02T00:00:00+14:00",
            "2018-03-01T10:00:00-00:00",
        ] {
            assert_eq!(parse(&built_in, text), "2018-03-01T10:00:00Z", "{text}");
        }
        assert_eq!(parse(&built_in, "2018-03-01"), "2018-03-01T00:00:00Z");
        // An offset leads out of what the digits say, in both directions.
        assert_eq!(
            parse(&built_in, "2200-01-01T01:00:00+02:00"),
            "2199-12-31T23:00:00Z"
        );
        assert_eq!(
            parse(&built_in, "1969-12-31 22:00:00-03:00"),
            "1970-01-01T01:00:00Z"
        );
        for text in [
            "1970-01-01T00:00:00+00:01",
            "2199-12-31T23:59:59-00:01",
            "1969-12-31",
            "2017-02-29",
            "2018-03-01 24:00:00",
            "2018-03-01 10:00:60",
            "2018-03-01 10:00",
            "2018-3-1 10:00:00",
            "2018-03-01t10:00:00",
            "2018-03-01  10:00:00",
            "2018-03-01 10:00:00.",
            "2018-03-01 10:00:00,5",
            "2018-03-01T10:00:00z",
            "2018-03-01T10:00:00 Z",
            "2018-03-01T10:00:00UTC",
            "2018-03-01T10:00:00+3",
            "2018-03-01T10:00:00+0300",
            "2018-03-01T10:00:00+24:00",
            "2018-03-01T10:00:00+03:60",
            "2018-03-01Z",
            "20180301",
            "3/1/2018 10:00",
            "43160",
            "",
        ] {
            assert_eq!(parse(&built_in, text), "not_a_time", "{text}");
        }
    }

    #[test]
    fn forms_of_a_data_set_take_the_place_of_the_built_in_ones() {
        let forms = forms(
            &["%d/%m/%Y %H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S %z"],
            None,
        );
        assert_eq!(parse(&forms, "01/03/2018 10:05"), "2018-03-01T10:05:00Z");
        assert_eq!(parse(&forms, "2018-03-01"), "2018-03-01T00:00:00Z");
        assert_eq!(
            parse(&forms, "01/03/2018 10:05:09 -0300"),
            "2018-03-01T13:05:09Z"
        );
        assert_eq!(parse(&forms, "2018-03-01 10:05:00"), "not_a_time");
        assert_eq!(parse(&forms, "13/13/2018 10:05"), "not_a_time");
        assert_eq!(
            parse(&forms, "01/03/2018 10:05:59 +0000"),
            "2018-03-01T10:05:59Z"
        );
        assert_eq!(parse(&forms, "01/03/2018 10:05:60 +0000"), "not_a_time");
        // A typed value is in its own form.
        let typed = forms.parse(b"2018-03-01 10:05:00", true).unwrap();
        assert_eq!(typed.to_string(), "2018-03-01T10:05:00Z");
    }

    #[test]
    fn a_time_that_two_forms_read_differently_is_rejected() {
        let forms = forms(&["%d/%m/%Y", "%m/%d/%Y"], None);
        assert_eq!(parse(&forms, "03/03/2018"), "2018-03-03T00:00:00Z");
        assert_eq!(parse(&forms, "25/03/2018"), "2018-03-25T00:00:00Z");
        assert_eq!(parse(&forms, "03/25/2018"), "2018-03-25T00:00:00Z");
        assert_eq!(parse(&forms, "03/04/2018"), "ambiguous_time");
    }

    #[test]
    fn local_times_become_utc_and_gaps_and_folds_are_as_fixed() {
        let brazil = forms(&[], Some("America/Sao_Paulo"));
        assert!(!brazil.is_plain());
        assert_eq!(
            parse(&brazil, "2018-07-01 10:00:00"),
            "2018-07-01T13:00:00Z"
        );
        assert_eq!(
            parse(&brazil, "2018-01-01 10:00:00"),
            "2018-01-01T12:00:00Z"
        );
        assert_eq!(
            parse(&brazil, "2018-01-01 10:00:00Z"),
            "2018-01-01T10:00:00Z"
        );
        // On 15 October 2017 the clocks went from 00:00 to 01:00.
        assert_eq!(parse(&brazil, "2017-10-15 00:30:00"), "time_in_gap");
        assert_eq!(parse(&brazil, "2017-10-15 00:00:00"), "time_in_gap");
        assert_eq!(
            parse(&brazil, "2017-10-15 01:00:00"),
            "2017-10-15T03:00:00Z"
        );
        assert_eq!(parse(&brazil, "2017-10-15"), "2017-10-15T03:00:00Z");
        // On 18 February 2018, 00:00 was 23:00 again.
        assert_eq!(
            parse(&brazil, "2018-02-17 23:30:00"),
            "2018-02-18T01:30:00Z"
        );
        assert_eq!(
            parse(&brazil, "2018-02-18 00:00:00"),
            "2018-02-18T03:00:00Z"
        );
        // In a fold the earlier, also where the whole day begins in one (Cuba, 1:00 to 0:00).
        let cuba = forms(&["%Y-%m-%d %H:%M", "%F"], Some("America/Havana"));
        assert_eq!(parse(&cuba, "2018-11-04 00:30"), "2018-11-04T04:30:00Z");
        assert_eq!(parse(&cuba, "2018-11-04"), "2018-11-04T04:00:00Z");
    }

    #[test]
    fn what_is_no_form_or_zone_is_refused() {
        let refused = |form: &str| {
            TimeForms::new(&[form.to_owned()], None)
                .unwrap_err()
                .to_string()
        };
        for form in ["%Q%!", "%H:%M", "%Y-%m", "yesterday", ""] {
            assert!(refused(form).contains(&format!("{form:?}")), "{form}");
        }
        for form in [
            "%s",
            "%Y-%j",
            "%y%m%d",
            "%-d.%-m.%Y",
            "%b %d, %Y %I:%M %p",
            "%d/%m/%Y %H:%M:%S%.f",
        ] {
            assert_eq!(
                TimeForms::new(&[form.to_owned()], None).err(),
                None,
                "{form}"
            );
        }
        let zone = TimeForms::new(&[], Some("America/Sao Paulo")).unwrap_err();
        assert!(zone.to_string().contains("America/Sao_Paulo"));
    }
}
