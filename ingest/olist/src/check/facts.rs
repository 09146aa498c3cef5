//! What the values of one column look like: how times are written, which words mean nothing.

use std::collections::BTreeMap;

use eip_contract::EventTime;
use eip_contract::reject::shown;

use super::shape::{FIRST, Order, SECOND, shape_of};
use crate::format::{TimeForms, trimmed};

/// Most forms of one column that are told apart.
const MAX_FORMS: usize = 12;
/// After so many values without a time among them, a column is no time's.
const ENOUGH: u64 = 200;
/// Form of a plain time of section 1.
pub(super) const PLAIN: &str = "%Y-%m-%d %H:%M:%S";

/// Words that people write where there is no value, in lower case. The reader knows some of them.
const NULL_WORDS: [&str; 18] = [
    "-",
    "--",
    "?",
    ".",
    "n/a",
    "#n/a",
    "na",
    "nan",
    "nat",
    "none",
    "null",
    "(null)",
    "\\n",
    "nil",
    "tbd",
    "unknown",
    "0000-00-00",
    "0000-00-00 00:00:00",
];

/// What was seen in one column of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnFacts {
    /// Values that are neither empty nor a word for that.
    pub(super) filled: u64,
    /// Values by how a time is written.
    pub(super) forms: Vec<SeenForm>,
    /// Values that are no times, or in more forms than are told apart.
    pub(super) others: u64,
    /// The first of them, and its line.
    pub(super) other: Option<(String, u64)>,
    /// Values that look like null, as they are written.
    pub(super) nulls: BTreeMap<String, u64>,
    scratch: String,
}

/// Times of one form.
#[derive(Clone, Debug)]
pub(super) struct SeenForm {
    /// As [`shape_of`] writes it.
    pub(super) form: String,
    pub(super) count: u64,
    /// How many of them section 1 reads.
    pub(super) built_in: u64,
    pub(super) sample: String,
    /// A value whose first number can only be a day.
    pub(super) day_first: Option<String>,
    /// A value whose second number can only be a day.
    pub(super) month_first: Option<String>,
}

impl SeenForm {
    fn new(form: &str, value: &[u8]) -> Self {
        Self {
            form: form.to_owned(),
            count: 0,
            built_in: 0,
            sample: shown(value),
            day_first: None,
            month_first: None,
        }
    }

    /// Whether day and month could change places.
    pub(super) fn is_open(&self) -> bool {
        self.form.contains(FIRST)
    }

    /// Whether it names its zone.
    pub(super) fn has_zone(&self) -> bool {
        ["z", "Z", "UTC", "GMT"]
            .iter()
            .any(|end| self.form.ends_with(end))
    }

    /// The form with day and month in this order.
    pub(super) fn in_order(&self, is_day_first: bool) -> String {
        let (first, second) = if is_day_first {
            ("%d", "%m")
        } else {
            ("%m", "%d")
        };
        self.form.replace(FIRST, first).replace(SECOND, second)
    }
}

impl ColumnFacts {
    /// Takes a value in.
    pub(super) fn add(&mut self, value: &[u8], line: u64) {
        let value = trimmed(value);
        if value.is_empty() {
            return;
        }
        if let Some(word) = null_word(value) {
            *self.nulls.entry(word.to_owned()).or_default() += 1;
            return;
        }
        self.filled += 1;
        if self.forms.is_empty() && self.others > ENOUGH {
            self.others += 1;
            return;
        }
        if EventTime::parse_csv(value).is_ok()
            && let Some(seen) = self.seen(PLAIN, value)
        {
            seen.count += 1;
            seen.built_in += 1;
            return;
        }
        let mut form = std::mem::take(&mut self.scratch);
        let shape = shape_of(value, &mut form);
        if let Some((order, seen)) = shape.and_then(|order| Some((order, self.seen(&form, value)?)))
        {
            seen.count += 1;
            seen.built_in += u64::from(TimeForms::default().parse(value, false).is_ok());
            let (first, second) = match order {
                Order::Known => (0, 0),
                Order::Open(first, second) => (first, second),
            };
            if first > 12 && seen.day_first.is_none() {
                seen.day_first = Some(shown(value));
            }
            if second > 12 && seen.month_first.is_none() {
                seen.month_first = Some(shown(value));
            }
        } else {
            self.others += 1;
            self.other.get_or_insert_with(|| (shown(value), line));
        }
        self.scratch = form;
    }

    fn seen(&mut self, form: &str, value: &[u8]) -> Option<&mut SeenForm> {
        let place = self.forms.iter().position(|seen| seen.form == form);
        if place.is_none() && self.forms.len() < MAX_FORMS {
            self.forms.push(SeenForm::new(form, value));
            return self.forms.last_mut();
        }
        self.forms.get_mut(place?)
    }

    /// Whether most of the values are times.
    pub(super) fn is_time(&self) -> bool {
        let times: u64 = self.forms.iter().map(|seen| seen.count).sum();
        times > 0 && times >= self.others
    }
}

fn null_word(value: &[u8]) -> Option<&str> {
    if value.len() > 19 {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    let is_one = NULL_WORDS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text));
    is_one.then_some(text)
}

/// Which of day and month comes first, as the values of some columns show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DayMonth {
    /// No form leaves it open.
    Fixed,
    DayFirst,
    MonthFirst,
    /// Every value can be read both ways; the first.
    Ambiguous(String),
    /// Two values that show different orders.
    Both(String, String),
}

impl DayMonth {
    pub(super) fn of<'a>(columns: impl Iterator<Item = &'a ColumnFacts>) -> Self {
        let open = columns.flat_map(|facts| facts.forms.iter().filter(|seen| seen.is_open()));
        let (mut day, mut month, mut sample) = (None, None, None);
        for seen in open {
            sample = sample.or(Some(&seen.sample));
            day = day.or(seen.day_first.as_ref());
            month = month.or(seen.month_first.as_ref());
        }
        match (day, month, sample) {
            (Some(day), Some(month), _) => Self::Both(day.clone(), month.clone()),
            (Some(_), None, _) => Self::DayFirst,
            (None, Some(_), _) => Self::MonthFirst,
            (None, None, Some(sample)) => Self::Ambiguous(sample.clone()),
            (None, None, None) => Self::Fixed,
        }
    }

    /// The forms that a seen one can be.
    pub(super) fn forms(&self, seen: &SeenForm) -> Vec<String> {
        if !seen.is_open() {
            return vec![seen.form.clone()];
        }
        match self {
            Self::DayFirst => vec![seen.in_order(true)],
            Self::MonthFirst => vec![seen.in_order(false)],
            _ => vec![seen.in_order(true), seen.in_order(false)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(values: &[&str]) -> ColumnFacts {
        let mut facts = ColumnFacts::default();
        for (line, value) in (2..).zip(values) {
            facts.add(value.as_bytes(), line);
        }
        facts
    }

    #[test]
    fn one_value_above_twelve_shows_which_number_is_the_day() {
        let of = |values: &[&str]| DayMonth::of([facts(values)].iter());
        assert_eq!(of(&["2018-03-01", "n/a", ""]), DayMonth::Fixed);
        assert_eq!(of(&["3/1/2018", "13/01/2018"]), DayMonth::DayFirst);
        assert_eq!(of(&["3/1/2018", "01/13/2018"]), DayMonth::MonthFirst);
        assert_eq!(
            of(&["3/1/2018", "4/1/2018"]),
            DayMonth::Ambiguous("3/1/2018".to_owned())
        );
        assert_eq!(
            of(&["13/1/2018", "1/14/2018"]),
            DayMonth::Both("13/1/2018".to_owned(), "1/14/2018".to_owned())
        );
    }

    #[test]
    fn a_column_of_times_may_hold_some_other_values() {
        let facts = facts(&["2018-03-01 10:00:00", "-", "soon", "2018-03-02 10:00", " "]);
        assert!(facts.is_time());
        let forms: Vec<(&str, u64, u64)> = facts
            .forms
            .iter()
            .map(|seen| (seen.form.as_str(), seen.count, seen.built_in))
            .collect();
        assert_eq!(forms, [(PLAIN, 1, 1), ("%Y-%m-%d %H:%M", 1, 0)]);
        assert_eq!(facts.other, Some(("soon".to_owned(), 4)));
        assert_eq!(facts.nulls, BTreeMap::from([("-".to_owned(), 1)]));
        assert!(!super::tests::facts(&["SP", "RJ", "2018-03-01"]).is_time());
    }
}
