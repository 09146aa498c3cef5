//! The real data, when it is there: the figures of the independent oracle.

use std::path::PathBuf;
use std::process::Command;

use eip_ingest::Rules;
use eip_ingest::run::{Deltas, GuardLimits, RevertTask, RouteChange, Source, Task, WindowTask};

use crate::bench::{Bench, fast, march, revert, source, window};

/// `$EIP_OLIST`, else `shared/olist` beside the workspace.
pub(crate) fn olist() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where shared test data is, is no configuration"
    )]
    let given = std::env::var("EIP_OLIST").ok().map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/olist");
    let folder = given.unwrap_or(beside);
    if folder.join("olist_orders_dataset.csv.gz").exists() {
        return Some(folder);
    }
    eprintln!("skipped: no real Olist data; set EIP_OLIST to its folder");
    None
}

#[test]
fn the_rules_change_over_march_2018_has_the_oracles_figures() {
    let Some(data) = olist() else { return };
    let bench = Bench::new();
    let outcome = bench.run(fast(source(&data))).unwrap();
    let events: Vec<u64> = outcome.summary.events.values().copied().collect();
    assert_eq!(events, [99_441, 99_281, 98_652, 97_658, 9_564, 96_476]);
    let rules = Rules::parse_toml("version = 1\npromise = \"end_of_day\"\n", "eod").unwrap();
    let task = window(
        Source {
            rules,
            ..source(&data)
        },
        march(),
    );
    let outcome = bench
        .run(Task::Window(WindowTask {
            limits: GuardLimits::default(),
            ..task
        }))
        .unwrap();
    let report = outcome.rehearsal.unwrap();
    assert_eq!(report.orders_covered, 10_935);
    assert_eq!(
        report.facts,
        Deltas {
            added: 0,
            changed: 2_621,
            retracted: 285,
            same: 54_277
        }
    );
    assert_eq!(
        report.route_stats_daily,
        RouteChange {
            added: 128,
            removed: 130,
            changed: 1_870
        }
    );
    assert_eq!(outcome.summary.events_written(), 2_621 + 54_277);
    assert_eq!(outcome.summary.tombstones, 285);

    let undone = bench.run(Task::Revert(revert(&outcome.run))).unwrap();
    let report = undone.rehearsal.unwrap();
    assert_eq!(
        report.facts,
        Deltas {
            added: 285,
            changed: 2_621,
            retracted: 0,
            same: 54_277
        }
    );
    assert_eq!(
        report.route_stats_daily,
        RouteChange {
            added: 130,
            removed: 128,
            changed: 1_870
        }
    );
    let records = bench.records();
    bench
        .run(Task::Revert(RevertTask {
            force: true,
            ..revert(&outcome.run)
        }))
        .unwrap();
    assert_eq!(bench.records(), records);
}

#[test]
fn corrected_data_over_march_2018_has_the_oracles_figures() {
    let Some(data) = olist() else { return };
    let bench = Bench::new();
    let changed = bench.folder.path().join("changed");
    let oracle = data.join("../oracle/oracle.py");
    let made = Command::new("python3")
        .arg(&oracle)
        .args(["mutate", "--seed", "1", "--bad-rows", "12", "--data"])
        .arg(&data)
        .arg("--out")
        .arg(&changed)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!(
            "skipped: {} does not run here; it needs python3 with duckdb",
            oracle.display()
        );
        return;
    }
    bench.run(fast(source(&data))).unwrap();
    let task = WindowTask {
        limits: GuardLimits::default(),
        ..window(source(&changed), march())
    };
    let outcome = bench.run(Task::Window(task)).unwrap();
    assert_eq!(outcome.summary.rows_rejected(), 12);
    let report = outcome.rehearsal.unwrap();
    assert_eq!(report.orders_covered, 10_962);
    assert_eq!(
        report.facts,
        Deltas {
            added: 177,
            changed: 825,
            retracted: 308,
            same: 56_060
        }
    );
    assert_eq!(
        report.route_stats_daily,
        RouteChange {
            added: 244,
            removed: 41,
            changed: 610
        }
    );
}
