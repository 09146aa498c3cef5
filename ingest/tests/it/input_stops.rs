//! A run whose input cannot be meant stops before its first record, says why, and writes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use eip_ingest::run::{
    Bounds, DayRange, FastTask, GuardLimits, InputReport, InputStop, RunError, RunState,
    ScaledTask, Source, Speed, Task, WindowTask, list_runs,
};

use crate::bench::{Bench, fast, source, window};
use crate::data;

const ITEMS: &str = "olist_order_items_dataset.csv";
const ORDERS: &str = "olist_orders_dataset.csv";
const CUSTOMERS: &str = "olist_customers_dataset.csv";

fn loaded() -> (Bench, PathBuf) {
    let bench = Bench::new();
    let folder = bench.data("data", &data::orders(400, 3));
    bench.run(fast(source(&folder))).unwrap();
    (bench, folder)
}

fn change(folder: &Path, file: &str, change: impl Fn(usize, &str) -> String) {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let lines = text.lines().enumerate().map(|(i, line)| {
        if i == 0 {
            line.to_owned()
        } else {
            change(i, line)
        }
    });
    fs::write(
        folder.join(file),
        lines.collect::<Vec<_>>().join("\n") + "\n",
    )
    .unwrap();
}

fn tasks(source: &Source) -> [Task; 3] {
    let window = WindowTask {
        limits: GuardLimits::default(),
        ..window(source.clone(), DayRange::ALL)
    };
    let scaled = ScaledTask {
        source: source.clone(),
        range: DayRange::ALL,
        speed: Speed::DurationMicros(100_000),
        bounds: Bounds::default(),
        amplify: eip_ingest::run::Amplify::NONE,
        is_main: true,
        mix: true,
        record_times: false,
    };
    let fast = FastTask {
        source: source.clone(),
        range: DayRange::ALL,
        mix: true,
    };
    [Task::Window(window), Task::Fast(fast), Task::Scaled(scaled)]
}

/// Every kind of run stops; the last stop.
fn assert_stop(bench: &Bench, source: &Source) -> InputStop {
    let (records, facts) = (bench.records(), bench.facts());
    let mut last = None;
    for task in tasks(source) {
        let error = bench.run(task).unwrap_err();
        let RunError::InputStop(stop) = error else {
            panic!("{}", error.chain())
        };
        let run = list_runs(&bench.state).unwrap().pop().unwrap();
        assert_eq!(run.state, RunState::Failed);
        assert!(
            run.error
                .unwrap()
                .starts_with("guard: stopped before the first record: ")
        );
        // The ledger has the report with samples also of a run that did not begin.
        let report = InputReport::of_json(run.input.as_ref()).unwrap();
        assert!(!report.tables.is_empty());
        last = Some(*stop);
    }
    assert_eq!(bench.records(), records);
    assert_eq!(bench.facts(), facts);
    last.unwrap()
}

#[test]
fn too_many_rejected_rows_stop_every_kind_of_run() {
    let (bench, folder) = loaded();
    change(&folder, ITEMS, |i, line| {
        if i % 15 == 0 {
            line.replace(",1,", ",one,")
        } else {
            line.to_owned()
        }
    });
    let stop = assert_stop(&bench, &source(&folder));
    let said = stop.to_string();
    assert!(
        matches!(&stop, InputStop::Rejected { table, rejected, .. } if table == "items" && *rejected == 26),
        "{said}"
    );
    for part in [
        "order_items_dataset.csv line ",
        "order_item_id \"one\"",
        "--max-rejected 26",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The limit that it names lets the run through, and one less does not; nothing is taken away.
    let before = bench.facts();
    let with = |limit: &str| Source {
        max_rejected: Some(limit.parse().unwrap()),
        ..source(&folder)
    };
    let [window, ..] = tasks(&with("25"));
    assert!(matches!(bench.run(window), Err(RunError::InputStop(_))));
    let [window, ..] = tasks(&with("26"));
    let outcome = bench.run(window).unwrap();
    assert_eq!(outcome.rehearsal.unwrap().rejected_orders.count, 26);
    assert_eq!(bench.facts(), before);
}

#[test]
fn no_accepted_order_stops_every_kind_of_run_and_no_limit_raises_it() {
    let (bench, folder) = loaded();
    change(&folder, ORDERS, |_, line| line.replace("2018-", "18/"));
    let source = Source {
        max_rejected: Some("100%".parse().unwrap()),
        ..source(&folder)
    };
    let stop = assert_stop(&bench, &source);
    assert!(stop.to_string().contains("none of the 400 rows"), "{stop}");
    assert!(stop.to_string().contains("\"18/"), "{stop}");
}

#[test]
fn one_date_far_from_all_others_stops_until_as_of_is_given() {
    let (bench, folder) = loaded();
    change(&folder, ORDERS, |i, line| {
        if i == 9 {
            line.replacen("2018-", "2020-", 1)
        } else {
            line.to_owned()
        }
    });
    let stop = assert_stop(&bench, &source(&folder));
    let said = stop.to_string();
    assert!(matches!(&stop, InputStop::AsOf { now: None, .. }), "{said}");
    assert!(
        said.contains("order_purchase_timestamp") && said.contains("line 10"),
        "{said}"
    );
    let given = Source {
        as_of: Some("2018-04-01T00:00:00Z".parse().unwrap()),
        ..source(&folder)
    };
    let [window, ..] = tasks(&given);
    bench.run(window).unwrap();
}

#[test]
fn a_rehearsal_says_that_the_run_would_stop_and_ends_well() {
    let (bench, folder) = loaded();
    change(&folder, ITEMS, |_, line| line.replace(",1,", ",one,"));
    let dry = WindowTask {
        dry_run: true,
        ..window(source(&folder), DayRange::ALL)
    };
    let outcome = bench.run(Task::Window(dry)).unwrap();
    assert_eq!(outcome.state, RunState::Rehearsed);
    let rehearsal = outcome.rehearsal.unwrap();
    assert!(matches!(
        rehearsal.input_stop,
        Some(InputStop::Rejected { .. })
    ));
    // All orders with items are left alone, by name.
    assert!(
        rehearsal.rejected_orders.count > 390,
        "{}",
        rehearsal.rejected_orders
    );
    assert_eq!(rehearsal.facts.retracted, 0);
}

#[test]
fn orders_that_would_lose_their_region_stop_a_window() {
    let (bench, folder) = loaded();
    change(&folder, CUSTOMERS, |_, line| {
        if line.starts_with("c-SP") {
            "c-XX,SP".to_owned()
        } else {
            line.to_owned()
        }
    });
    let before = bench.facts();
    let [task, ..] = tasks(&source(&folder));
    let error = bench.run(task).unwrap_err();
    let RunError::Guard(stop) = error else {
        panic!("{}", error.chain())
    };
    assert!(
        stop.lost_regions && !stop.vanishing && !stop.retracted,
        "{stop}"
    );
    assert!(
        stop.to_string()
            .contains(&format!("--max-lost-regions {}", stop.figures.lost_regions)),
        "{stop}"
    );
    assert!(stop.to_string().contains("such as "), "{stop}");
    assert_eq!(bench.facts(), before);
    // As many as it says lose it once that is allowed.
    let limits = GuardLimits {
        max_lost_regions: Some(stop.figures.lost_regions.to_string().parse().unwrap()),
        ..GuardLimits::default()
    };
    let task = WindowTask {
        limits,
        ..window(source(&folder), DayRange::ALL)
    };
    let outcome = bench.run(Task::Window(task)).unwrap();
    assert_eq!(
        outcome.rehearsal.unwrap().losing_regions.count,
        stop.figures.lost_regions
    );
    let joins = outcome.summary.input.joins;
    assert_eq!(
        joins.orders_without_customer.count,
        stop.figures.lost_regions
    );
}

#[test]
fn orders_that_a_damaged_row_may_have_swallowed_are_left_and_named() {
    let (bench, folder) = loaded();
    let before = bench.facts();
    let text = fs::read_to_string(folder.join(ORDERS)).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let glued = [lines[2], lines[3]].concat();
    let swallowed = lines[3].split(',').next().unwrap().to_owned();
    lines.splice(2..4, [glued.as_str()]);
    fs::write(folder.join(ORDERS), lines.join("\n") + "\n").unwrap();
    let task = |trust_damaged_files| {
        Task::Window(WindowTask {
            trust_damaged_files,
            limits: GuardLimits::default(),
            ..window(source(&folder), DayRange::ALL)
        })
    };
    let outcome = bench.run(task(false)).unwrap();
    let rehearsal = outcome.rehearsal.unwrap();
    assert_eq!(
        rehearsal.swallowed_orders.names,
        std::slice::from_ref(&swallowed)
    );
    assert_eq!(
        (rehearsal.vanishing.count, rehearsal.rejected_orders.count),
        (0, 1)
    );
    assert_eq!(bench.facts(), before);
    assert_eq!(outcome.summary.input.swallowing_orders.places[0].line, 3);
    // Whoever trusts the files takes it away.
    bench.run(task(true)).unwrap();
    assert!(bench.facts().keys().all(|(order, _)| *order != swallowed));
}

#[test]
fn items_that_a_damaged_row_may_have_swallowed_take_nothing_from_their_orders() {
    let (bench, folder) = loaded();
    let before = bench.facts();
    let text = fs::read_to_string(folder.join(ITEMS)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let order_of = |at: usize| lines[at].split(',').next().unwrap().to_owned();
    let quoted = format!("{},1,\"s-SP", order_of(4));
    let mut changed: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    changed[4] = quoted;
    changed[7] = format!("{}\"", lines[7]);
    fs::write(folder.join(ITEMS), changed.join("\n") + "\n").unwrap();
    let task = WindowTask {
        limits: GuardLimits::default(),
        ..window(source(&folder), DayRange::ALL)
    };
    let outcome = bench.run(Task::Window(task)).unwrap();
    let mut left = outcome.rehearsal.unwrap().swallowed_items.names;
    left.sort();
    let mut wanted = vec![order_of(5), order_of(6), order_of(7)];
    wanted.sort();
    assert_eq!(left, wanted);
    let after = bench.facts();
    for (key, event) in &before {
        if key.0 != order_of(4) {
            assert_eq!(after.get(key), Some(event));
        }
    }
}

#[test]
fn a_fast_run_over_facts_says_that_it_only_asserts() {
    let bench = Bench::new();
    let folder = bench.data("data", &data::orders(50, 3));
    let first = bench.run(fast(source(&folder))).unwrap();
    assert!(first.summary.input.notes.is_empty());
    let Task::Fast(task) = fast(source(&bench.data("less", &data::orders(49, 3)))) else {
        unreachable!()
    };
    let second = bench
        .run(Task::Fast(FastTask { mix: true, ..task }))
        .unwrap();
    let note = &second.summary.input.notes[0];
    assert!(
        note.contains("only asserts") && note.contains("--dry-run"),
        "{note}"
    );
    assert!(second.to_string().contains(note));
}
