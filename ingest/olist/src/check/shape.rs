//! How a time is written, seen from the text alone: `3/1/2018 10:00` → `{1}/{2}/%Y %H:%M`.
//!
//! The result is a form of strptime, where `{1}` and `{2}` stand for day and month in an order that
//! one value does not show when both numbers are at most 12.

use std::fmt::Write as _;

/// Whether the text says which of day and month comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It does.
    Known,
    /// It does not: the first and the second number.
    Open(u8, u8),
}

/// Stands in a form for the first of day and month.
pub(super) const FIRST: &str = "{1}";
/// And for the second.
pub(super) const SECOND: &str = "{2}";

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The form of a time without blanks around it, written to `form`; `None` when it is no time.
/// `form` is scratch space, so that a file of times makes no garbage.
pub(super) fn shape_of(text: &[u8], form: &mut String) -> Option<Order> {
    form.clear();
    if !(6..=40).contains(&text.len()) || !text.is_ascii() {
        return None;
    }
    let mut rest = Cursor(text);
    let order = date(&mut rest, form)?;
    if rest.0.is_empty() {
        return Some(order);
    }
    between(&mut rest, form)?;
    clock(&mut rest, form)?;
    zone(&mut rest, form)?;
    rest.0.is_empty().then_some(order)
}

/// What is not read yet.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// A number of at most four digits, and how many it has.
    fn number(&mut self) -> Option<(u16, usize)> {
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=4).contains(&digits) {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        let value = number
            .iter()
            .fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
        Some((value, digits))
    }

    fn word(&mut self, word: &str) -> bool {
        let is_next = self
            .0
            .get(..word.len())
            .is_some_and(|next| next.eq_ignore_ascii_case(word.as_bytes()));
        if is_next {
            self.0 = &self.0[word.len()..];
        }
        is_next
    }

    fn month_name(&mut self) -> bool {
        MONTHS.iter().any(|month| self.word(month))
    }

    fn separator(&mut self, allowed: &[u8]) -> Option<char> {
        let (&byte, rest) = self.0.split_first()?;
        if !allowed.contains(&byte) {
            return None;
        }
        self.0 = rest;
        Some(char::from(byte))
    }
}

fn date(rest: &mut Cursor<'_>, form: &mut String) -> Option<Order> {
    if rest.month_name() {
        // Mar 1, 2018
        rest.separator(b" ")?;
        let (day, _) = rest.number()?;
        let comma = if rest.word(",") { "," } else { "" };
        rest.separator(b" ")?;
        let (_, digits) = rest.number()?;
        write!(form, "%b %d{comma} %Y").ok()?;
        return (digits == 4 && is_day(day)).then_some(Order::Known);
    }
    let (first, digits) = rest.number()?;
    let separator = rest.separator(b"/-. ")?;
    if digits == 4 {
        let (month, _) = rest.number()?;
        rest.separator(&[separator as u8])?;
        let (day, _) = rest.number()?;
        write!(form, "%Y{separator}%m{separator}%d").ok()?;
        return (separator != ' ' && is_month(month) && is_day(day)).then_some(Order::Known);
    }
    if rest.month_name() {
        // 1 Mar 2018, 01-Mar-2018
        rest.separator(&[separator as u8])?;
        let (_, digits) = rest.number()?;
        write!(form, "%d{separator}%b{separator}{}", year(digits)?).ok()?;
        return is_day(first).then_some(Order::Known);
    }
    let (second, second_digits) = rest.number()?;
    rest.separator(&[separator as u8])?;
    let (_, digits) = rest.number()?;
    let year = year(digits)?;
    write!(form, "{FIRST}{separator}{SECOND}{separator}{year}").ok()?;
    let is_date = is_day(first) && is_day(second) && (is_month(first) || is_month(second));
    let is_read = second_digits <= 2 && separator != ' ' && is_date;
    is_read.then_some(Order::Open(first as u8, second as u8))
}

fn year(digits: usize) -> Option<&'static str> {
    match digits {
        4 => Some("%Y"),
        2 => Some("%y"),
        _ => None,
    }
}

fn is_day(number: u16) -> bool {
    (1..=31).contains(&number)
}

fn is_month(number: u16) -> bool {
    (1..=12).contains(&number)
}

fn between(rest: &mut Cursor<'_>, form: &mut String) -> Option<()> {
    if rest.word(", ") {
        form.push_str(", ");
    } else {
        let between = rest.separator(b" T")?;
        form.push(between);
    }
    Some(())
}

fn clock(rest: &mut Cursor<'_>, form: &mut String) -> Option<()> {
    let (hour, _) = rest.number()?;
    rest.separator(b":")?;
    let (minute, minute_digits) = rest.number()?;
    let mut after = ":%M".to_owned();
    let mut is_read = hour <= 23 && minute <= 59 && minute_digits == 2;
    if rest.separator(b":").is_some() {
        let (second, digits) = rest.number()?;
        is_read &= second <= 59 && digits == 2;
        after.push_str(":%S");
        if rest.separator(b".").is_some() {
            let digits = rest.0.iter().take_while(|b| b.is_ascii_digit()).count();
            is_read &= (1..=9).contains(&digits);
            rest.0 = &rest.0[digits..];
            after.push_str("%.f");
        }
    }
    let blank = rest.0.first() == Some(&b' ');
    let half = &rest.0[usize::from(blank)..];
    if half.len() == 2 && matches!(half, [b'A' | b'a' | b'P' | b'p', b'M' | b'm']) {
        rest.0 = &[];
        is_read &= (1..=12).contains(&hour);
        write!(form, "%I{after}{}%p", if blank { " " } else { "" }).ok()?;
    } else {
        write!(form, "%H{after}").ok()?;
    }
    is_read.then_some(())
}

fn zone(rest: &mut Cursor<'_>, form: &mut String) -> Option<()> {
    let blank = if rest.separator(b" ").is_some() {
        " "
    } else {
        ""
    };
    let zone = match rest.0 {
        [] if blank.is_empty() => return Some(()),
        [b'Z'] => "Z",
        b"UTC" => "UTC",
        b"GMT" => "GMT",
        [b'+' | b'-', h1, h2, b':', m1, m2] if are_digits([*h1, *h2, *m1, *m2]) => "%:z",
        [b'+' | b'-', h1, h2, m1, m2] if are_digits([*h1, *h2, *m1, *m2]) => "%z",
        _ => return None,
    };
    rest.0 = &[];
    write!(form, "{blank}{zone}").ok()
}

fn are_digits(bytes: [u8; 4]) -> bool {
    bytes.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::TimeForms;

    #[test]
    fn the_form_of_a_time_reads_it() {
        for (text, form) in [
            ("2018-03-01 10:00:00", "%Y-%m-%d %H:%M:%S"),
            ("2018-3-1 9:05", "%Y-%m-%d %H:%M"),
            ("2018/03/01", "%Y/%m/%d"),
            ("2018.03.01T10:00:00.25Z", "%Y.%m.%dT%H:%M:%S%.fZ"),
            ("3/1/2018 10:00", "{1}/{2}/%Y %H:%M"),
            ("13.01.2018 9:00:00", "{1}.{2}.%Y %H:%M:%S"),
            ("01-03-18", "{1}-{2}-%y"),
            ("3/1/2018 10:00 PM", "{1}/{2}/%Y %I:%M %p"),
            ("3/1/2018, 10:00:09am", "{1}/{2}/%Y, %I:%M:%S%p"),
            ("01/03/2018 10:00 +0100", "{1}/{2}/%Y %H:%M %z"),
            ("01/03/2018 10:00:00-03:00", "{1}/{2}/%Y %H:%M:%S%:z"),
            ("01-Mar-2018 10:00", "%d-%b-%Y %H:%M"),
            ("Mar 1, 2018 10:00 AM", "%b %d, %Y %I:%M %p"),
            ("1 mar 2018", "%d %b %Y"),
            ("2018/03/01 10:00 UTC", "%Y/%m/%d %H:%M UTC"),
        ] {
            let mut found = String::new();
            assert!(shape_of(text.as_bytes(), &mut found).is_some(), "{text}");
            assert_eq!(found, form, "{text}");
            let form = form.replace(FIRST, "%d").replace(SECOND, "%m");
            let forms = TimeForms::new(&[form], None).unwrap();
            assert_ne!(forms.parse(text.as_bytes(), false).ok(), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_has_no_form() {
        for text in [
            "",
            "10:00",
            "43160.4",
            "00e7f6c4b0a1",
            "31/31/2018",
            "0/1/2018",
            "1/2/3",
            "2018-13-01",
            "2018-03-01 24:00",
            "2018-03-01 10:60",
            "2018-03-01 10",
            "1 2 2018",
            "3/1-2018",
            "2018-03-01 13:00 PM",
            "192.168.10.1 ",
        ] {
            let found = shape_of(text.as_bytes(), &mut String::new());
            assert_eq!(found, None, "{text}");
        }
    }
}
