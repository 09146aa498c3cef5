//! Any interleaving of runs of all kinds gives what plain code over plain rows gives.

use std::collections::BTreeMap;

use eip_contract::EventType;
use eip_ingest::run::{DayRange, Emit, FastTask, RevertTask, RunId, Task, WindowTask};
use proptest::prelude::*;

use crate::bench::{Bench, Facts, end_of_day, no_limits, revert, source, window};
use crate::data::{self, Order};

#[derive(Clone, Debug)]
enum Step {
    Fast {
        version: usize,
        other_rules: bool,
    },
    Window {
        version: usize,
        other_rules: bool,
        month: u32,
        changed: bool,
    },
    RevertLast,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, any::<bool>()).prop_map(|(version, other_rules)| Step::Fast {
            version,
            other_rules
        }),
        (0..3_usize, any::<bool>(), 0..4_u32, any::<bool>()).prop_map(
            |(version, other_rules, month, changed)| Step::Window {
                version,
                other_rules,
                month,
                changed
            }
        ),
        Just(Step::RevertLast),
    ]
}

fn month(number: u32) -> DayRange {
    match number {
        0 => DayRange::ALL,
        1 => crate::bench::days("2018-01-01", "2018-02-01"),
        2 => crate::bench::days("2018-02-01", "2018-03-01"),
        _ => crate::bench::days("2018-03-01", "2018-05-01"),
    }
}

/// The facts of a version of the data under one of the rules, from a clean log.
fn rebuilt(orders: &[Order], other_rules: bool) -> Facts {
    let bench = Bench::new();
    let data = bench.data("data", orders);
    let source = if other_rules {
        end_of_day(&data)
    } else {
        source(&data)
    };
    bench.run(crate::bench::fast(source)).unwrap();
    bench.facts()
}

/// A window in plain words: covered orders get their new facts, all others stay.
fn windowed(old: &Facts, new: &Facts, range: DayRange) -> Facts {
    let covered: std::collections::BTreeSet<&String> = old
        .iter()
        .chain(new)
        .filter(|(_, event)| range.contains(event.event_at))
        .map(|((order, _), _)| order)
        .collect();
    let keep = |facts: &Facts, inside: bool| {
        let keep = facts
            .iter()
            .filter(|((order, _), _)| covered.contains(order) == inside);
        keep.map(|(key, event)| (key.clone(), event.clone()))
            .collect::<Vec<((String, EventType), _)>>()
    };
    keep(old, false)
        .into_iter()
        .chain(keep(new, true))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 10, ..ProptestConfig::default() })]
    #[test]
    fn random_histories_of_runs_give_what_plain_code_gives(
        seed in 0..1_000_u64,
        steps in prop::collection::vec(step(), 1..6),
    ) {
        let first = data::orders(60, seed);
        let second = data::changed(&first, seed);
        let third = data::changed(&second, seed + 7);
        let versions = [first, second, third];
        let mut made: BTreeMap<(usize, bool), Facts> = BTreeMap::new();
        let mut made = |version: usize, other_rules: bool| {
            let made = made.entry((version, other_rules));
            made.or_insert_with(|| rebuilt(&versions[version], other_rules)).clone()
        };
        let bench = Bench::new();
        let folders: Vec<_> = (0..3).map(|i| bench.data(&format!("v{i}"), &versions[i])).collect();
        let source_of = |version: usize, other_rules: bool| {
            let data = &folders[version];
            if other_rules { end_of_day(data) } else { source(data) }
        };
        let mut model = Facts::new();
        let mut last: Option<(RunId, Facts)> = None;
        for step in steps {
            let before = model.clone();
            let run = match step {
                Step::Fast { version, other_rules } => {
                    let source = source_of(version, other_rules);
                    let task = FastTask { source, range: DayRange::ALL, mix: true };
                    model.extend(made(version, other_rules));
                    bench.run(Task::Fast(task)).unwrap()
                }
                Step::Window { version, other_rules, month: number, changed } => {
                    let emit = if changed { Emit::Changed } else { Emit::All };
                    let task = window(source_of(version, other_rules), month(number));
                    let task = WindowTask { emit, limits: no_limits(), ..task };
                    model = windowed(&model, &made(version, other_rules), month(number));
                    bench.run(Task::Window(task)).unwrap()
                }
                Step::RevertLast => {
                    let Some((run, before_run)) = last.take() else { continue };
                    model = before_run;
                    let task = RevertTask { force: true, ..revert(&run) };
                    bench.run(Task::Revert(task)).unwrap()
                }
            };
            prop_assert!(bench.facts() == model, "after {:?}", run.kind);
            last = Some((run.run, before));
        }
    }
}
