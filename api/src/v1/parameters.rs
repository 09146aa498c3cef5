//! Parameters of queries as they are written, and what they mean.

use eip_contract::{Day, EventTime};
use eip_stores::TICK_BITS;

use crate::problem::Problem;

/// Seconds a day.
pub(crate) const DAY: i64 = 86_400;

/// A day `YYYY-MM-DD`.
pub(crate) fn day(field: &'static str, text: Option<&str>) -> Result<Option<Day>, Problem> {
    let Some(text) = text else { return Ok(None) };
    text.parse::<Day>()
        .map(Some)
        .map_err(|bad| Problem::bad_field(field, format!("{field}: {bad}")))
}

/// An instant: `YYYY-MM-DDTHH:MM:SSZ`, or a day for its beginning.
pub(crate) fn instant(field: &'static str, text: &str) -> Result<EventTime, Problem> {
    let day = text.parse::<Day>().ok();
    day.and_then(|day| EventTime::from_seconds(i64::from(day.days()) * DAY))
        .or_else(|| text.parse().ok())
        .ok_or_else(|| {
            let form = "YYYY-MM-DDTHH:MM:SSZ or YYYY-MM-DD, from 1970 to 2199";
            Problem::bad_field(field, format!("{field}: {form}, not {text:?}"))
        })
}

/// A length of time: seconds, or a number with `d`, `h`, `m` or `s` behind it.
pub(crate) fn seconds(field: &'static str, text: &str) -> Result<i64, Problem> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'd')) => (&text[..at], DAY),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 's')) => (&text[..at], 1),
        _ => (text, 1),
    };
    let number: Option<i64> = digits.parse::<u32>().ok().map(i64::from);
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| {
            let form = "a number of seconds, or one with d, h, m or s behind it";
            Problem::bad_field(field, format!("{field}: {form}, not {text:?}"))
        })
}

/// A whole number in a range.
pub(crate) fn number(
    field: &'static str,
    text: Option<&str>,
    usual: u32,
    greatest: u32,
) -> Result<u32, Problem> {
    let Some(text) = text else { return Ok(usual) };
    text.parse()
        .ok()
        .filter(|number| (1..=greatest).contains(number))
        .ok_or_else(|| {
            let form = format!("{field} must be a number from 1 to {greatest}, not {text:?}");
            Problem::bad_field(field, form)
        })
}

/// `true` or `false`.
pub(crate) fn truth(field: &'static str, text: Option<&str>) -> Result<Option<bool>, Problem> {
    match text {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(text) => Err(Problem::bad_field(
            field,
            format!("{field} must be true or false, not {text:?}"),
        )),
    }
}

/// The greatest tick that there can be: a document's version has 42 bits for it.
const LAST_TICK: u64 = (1 << TICK_BITS) - 1;

/// The parameter `min_tick`.
pub(crate) fn tick(text: Option<&str>) -> Result<Option<u64>, Problem> {
    tick_of("min_tick", text)
}

/// A tick.
pub(crate) fn tick_of(field: &'static str, text: Option<&str>) -> Result<Option<u64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let tick = text.parse().ok().filter(|tick| *tick <= LAST_TICK);
    tick.map(Some).ok_or_else(|| {
        let form = format!("{field} must be a tick, 0 to {LAST_TICK}, not {text:?}");
        Problem::bad_field(field, form)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_instants_have_several_forms() {
        assert_eq!(seconds("late", "90").unwrap(), 90);
        assert_eq!(seconds("late", "2d").unwrap(), 2 * DAY);
        assert_eq!(seconds("late", "3h").unwrap(), 10_800);
        for bad in ["", "d", "-1", "1w", "99999999999d", "1.5h", "é"] {
            assert!(seconds("late", bad).is_err(), "{bad}");
        }
        let noon = instant("from", "2018-03-01T12:00:00Z").unwrap();
        assert_eq!(
            noon.seconds() - instant("from", "2018-03-01").unwrap().seconds(),
            43_200
        );
        for bad in ["", "2018-3-1", "2018-03-01 12:00:00", "now"] {
            assert!(instant("from", bad).is_err(), "{bad}");
        }
    }
}
