//! Nothing is taken away by accident.

use std::path::{Path, PathBuf};

use eip_ingest::run::{GuardLimits, RunError, RunOutcome, RunState, Task, WindowTask, list_runs};

use crate::bench::{Bench, fast, march, source, window};
use crate::data;

/// 12,000 orders, of which a window over March covers more than 3,000.
fn loaded() -> (Bench, PathBuf) {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(12_000, 1));
    bench.run(fast(source(&data))).unwrap();
    (bench, data)
}

fn cut_in_half(folder: &Path, name: &str) {
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let half: Vec<&str> = text.lines().take(text.lines().count() / 2).collect();
    std::fs::write(&path, half.join("\n") + "\n").unwrap();
}

fn guarded(bench: &Bench, data: &Path, limits: GuardLimits) -> Result<RunOutcome, RunError> {
    bench.run(Task::Window(WindowTask {
        limits,
        ..window(source(data), march())
    }))
}

fn assert_stopped(bench: &Bench, data: &Path) -> eip_ingest::run::GuardStop {
    let (records, facts) = (bench.records(), bench.facts());
    let error = guarded(bench, data, GuardLimits::default()).unwrap_err();
    let RunError::Guard(stop) = error else {
        panic!("{error}")
    };
    assert_eq!(bench.records(), records);
    assert_eq!(bench.facts(), facts);
    let run = list_runs(&bench.state).unwrap().pop().unwrap();
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.guard["vanishing"], stop.figures.vanishing);
    assert_eq!(run.guard["retracted"], stop.figures.retracted);
    assert!(stop.figures.covered >= 3_000, "{stop:?}");
    *stop
}

#[test]
fn half_of_the_items_stops_a_window_by_the_facts_that_it_would_retract() {
    let (bench, data) = loaded();
    cut_in_half(&data, "olist_order_items_dataset.csv");
    let stop = assert_stopped(&bench, &data);
    assert!(stop.retracted && !stop.vanishing, "{stop:?}");
    assert!(stop.to_string().contains("--max-retracted"), "{stop}");
}

#[test]
fn half_of_the_orders_stops_a_window_by_the_orders_that_would_vanish() {
    let (bench, data) = loaded();
    cut_in_half(&data, "olist_orders_dataset.csv");
    let stop = assert_stopped(&bench, &data);
    assert!(stop.vanishing && !stop.retracted, "{stop:?}");
    let flags = stop.flags();
    assert_eq!(flags, format!("--max-vanishing {}", stop.figures.vanishing));

    // A rehearsal tells the same and ends well; what it names lets the run through, and nothing less.
    let dry = WindowTask {
        dry_run: true,
        limits: GuardLimits::default(),
        ..window(source(&data), march())
    };
    let rehearsed = bench.run(Task::Window(dry)).unwrap();
    assert_eq!(rehearsed.rehearsal.unwrap().guard, Some(stop.clone()));
    let limit = |n: u64| GuardLimits {
        max_vanishing: Some(n.to_string().parse().unwrap()),
        ..GuardLimits::default()
    };
    guarded(&bench, &data, limit(stop.figures.vanishing - 1)).unwrap_err();
    let outcome = guarded(&bench, &data, limit(stop.figures.vanishing)).unwrap();
    assert_eq!(outcome.state, RunState::Committed);
}

#[test]
fn the_wrong_folder_stops_a_window() {
    let (bench, _) = loaded();
    let mut other = data::orders(12_000, 2);
    for order in &mut other {
        order.id = format!("x{}", order.id);
    }
    let stop = assert_stopped(&bench, &bench.data("wrong", &other));
    assert!(stop.vanishing, "{stop:?}");
}

#[test]
fn a_few_vanished_orders_and_lost_facts_pass() {
    let (bench, _) = loaded();
    let mut orders = data::orders(12_000, 1);
    let mut gone = 0;
    orders.retain(|order| {
        let goes = gone < 9 && order.times[0].starts_with("2018-03-10");
        gone += usize::from(goes);
        !goes
    });
    let outcome = guarded(
        &bench,
        &bench.data("after", &orders),
        GuardLimits::default(),
    )
    .unwrap();
    assert_eq!(outcome.rehearsal.unwrap().vanishing.count, 9);
    assert_eq!(outcome.summary.tombstones, 9);
}
