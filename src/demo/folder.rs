//! The demo's own folder, the month that it corrects, and those that it keeps back.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use eip_contract::{Day, EventTime};
use eip_ingest::check_dataset;
use eip_ingest::run::{RunOutcome, Source};

use crate::clock::wall_ms;

/// A folder with this file in it was made by a demo, and a demo may remove it.
const MARK: &str = "made-by-eip-demo";

/// How long before the end of the data the corrected month lies: far enough that its orders have
/// been delivered. With Olist's data it is March 2018.
const MONTHS_BEFORE_THE_END: u32 = 7;
/// How long before the end of the data the months begin that are kept back for the dashboard. With
/// Olist's data they begin with July 2018; those orders are dense until the end of August.
const MONTHS_KEPT_BACK: u32 = 3;

/// Makes `folder` empty but for the mark. Refuses a folder that no demo has made.
pub(crate) fn make_clean(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    if folder.exists() {
        let empty = fs::read_dir(folder)
            .with_context(|| format!("{shown} is no folder; choose another with --state"))?
            .next()
            .is_none();
        if !empty && !folder.join(MARK).exists() {
            bail!("{shown} was not made by a demo; choose another with --state, or remove it");
        }
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {shown}"))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}"))?;
    fs::write(folder.join(MARK), "A demo may remove this folder.\n")
        .with_context(|| format!("cannot write into {shown}"))
}

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Month {
    year: u32,
    /// 1 to 12.
    month: u32,
}

impl Month {
    /// The month that the demo corrects, given the backfill it follows.
    pub(crate) fn of_correction(backfill: &RunOutcome) -> Self {
        let end = backfill.summary.as_of.map_or(Day::MIN, EventTime::day);
        Self::of(end).back(MONTHS_BEFORE_THE_END)
    }

    /// The first month that is kept back for the dashboard, given the data.
    pub(crate) fn kept_back(data: &Path) -> anyhow::Result<Self> {
        let check = check_dataset(&Source::folder(data), wall_ms());
        let last = check.as_of_row.as_ref().with_context(|| {
            let why = check.error().unwrap_or("no order has a time");
            format!("{}: {why}", data.display())
        })?;
        Ok(Self::of(last.time.day()).back(MONTHS_KEPT_BACK))
    }

    fn of(day: Day) -> Self {
        let text = day.to_string();
        let number = |range: std::ops::Range<usize>| text[range].parse().expect("a day is digits");
        Self {
            year: number(0..4),
            month: number(5..7),
        }
    }

    /// Not before January 1970.
    fn back(self, months: u32) -> Self {
        let count = (self.year * 12 + self.month - 1)
            .saturating_sub(months)
            .max(1970 * 12);
        Self {
            year: count / 12,
            month: count % 12 + 1,
        }
    }

    fn first_day(self) -> Day {
        format!("{self}-01")
            .parse()
            .expect("a month of 1970 to 2199 has a first day")
    }

    /// Its first day and that of the next month.
    pub(crate) fn days(self) -> super::Days {
        let next = match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                month: month + 1,
                ..self
            },
        };
        (self.first_day(), next.first_day())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_count_back_over_the_year() {
        let month = |text: &str| Month::of(text.parse().unwrap());
        assert_eq!(month("2018-10-17").back(7), month("2018-03-31"));
        assert_eq!(month("2018-03-17").back(7), month("2017-08-01"));
        assert_eq!(month("1970-03-17").back(7), month("1970-01-01"));
        let (first, next) = month("2017-12-24").days();
        assert_eq!(
            (first.to_string(), next.to_string()),
            ("2017-12-01".into(), "2018-01-01".into())
        );
    }

    #[test]
    fn a_folder_that_no_demo_made_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        make_clean(folder.path()).unwrap();
        fs::write(folder.path().join("old"), "x").unwrap();
        make_clean(folder.path()).unwrap();
        assert!(!folder.path().join("old").exists());
        fs::remove_file(folder.path().join(MARK)).unwrap();
        fs::write(folder.path().join("precious"), "x").unwrap();
        assert!(make_clean(folder.path()).is_err());
        assert!(folder.path().join("precious").exists());
    }
}
