//! No honest correction of the real data trips a guard: a change of the promise, its undoing, an
//! earlier asOf, over any window of a day, a week or a month. Skipped where the data is not there.

use std::collections::BTreeSet;
use std::convert::Infallible;

use eip_contract::{Day, EventTime};
use eip_ingest::convert::convert;
use eip_ingest::rules::{Promise, Rules};
use eip_ingest::run::{GuardFigures, GuardLimits, GuardNames, RunKind};
use eip_olist::{Dataset, Limits};

use crate::events_digest::olist;

/// The times of each order's facts, and whether a region is unknown.
type Made = Vec<([Option<EventTime>; 6], bool)>;

fn make(data: &Dataset, rules: &Rules, as_of: Option<EventTime>) -> Made {
    let mut made = Vec::new();
    let Ok(()) = data.for_each_order(|_, row| {
        let facts = convert(row, rules, as_of).expect("no time is near 2199");
        let is_unknown = facts.seller_region == "ZZ" || facts.customer_region == "ZZ";
        made.push((facts.times, is_unknown));
        Ok::<(), Infallible>(())
    });
    made
}

/// The figures of the window [start, end), by the words of the semantics.
fn figures(before: &Made, after: &Made, window: std::ops::Range<u32>) -> GuardFigures {
    let mut figures = GuardFigures::default();
    for ((old, old_unknown), (new, new_unknown)) in before.iter().zip(after) {
        let touches = |times: &[Option<EventTime>; 6]| {
            times
                .iter()
                .flatten()
                .any(|time| window.contains(&time.day().days()))
        };
        if touches(old) || touches(new) {
            figures.covered += 1;
            figures.facts += old.iter().flatten().count() as u64;
            let lost = old
                .iter()
                .zip(new)
                .filter(|(old, new)| old.is_some() && new.is_none());
            figures.retracted += lost.count() as u64;
            figures.lost_regions += u64::from(!old_unknown && *new_unknown);
        }
    }
    figures
}

#[test]
fn no_window_of_the_real_data_trips_a_guard() {
    let Some(folder) = olist() else { return };
    let data = Dataset::open(&folder, &Limits::default()).unwrap();
    let as_of = data.default_as_of();
    let earlier = Some("2018-09-01T00:00:00Z".parse().unwrap());
    let end_of_day = Rules::default().with_promise(Promise::EndOfDay, "end-of-day");
    let instant = make(&data, &Rules::default(), as_of);
    let later = make(&data, &end_of_day, as_of);
    let sooner = make(&data, &Rules::default(), earlier);
    let times = instant.iter().flat_map(|(times, _)| times.iter().flatten());
    let days: BTreeSet<u32> = times.map(|time| time.day().days()).collect();
    let (first, last) = (*days.first().unwrap(), *days.last().unwrap());
    let is_whole = std::env::var_os("EIP_SOAK").is_some();
    for (name, before, after) in [
        ("instant to end of day", &instant, &later),
        ("and back", &later, &instant),
        ("an earlier asOf", &instant, &sooner),
    ] {
        for length in [1, 7, 31] {
            let step = if is_whole {
                1
            } else {
                37 * (1 + length as usize / 7)
            };
            for start in (first..=last).step_by(step) {
                let figures = figures(before, after, start..start + length);
                let guard = figures.check(
                    &GuardLimits::default(),
                    RunKind::Window,
                    GuardNames::default(),
                );
                let day = Day::from_days(start).unwrap();
                assert_eq!(guard, None, "{name}, {length} days from {day}: {figures:?}");
            }
        }
    }
}
