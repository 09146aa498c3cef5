//! Window backfills.

use eip_ingest::run::{
    DayRange, Emit, Observer, Rehearsal, RunError, RunState, Task, WindowTask, list_runs,
};

use crate::bench::{Bench, days, end_of_day, fast, march, source, window};
use crate::data;

#[test]
fn a_window_of_all_days_equals_a_clean_rebuild_after_any_change() {
    for (seed, emit) in [(1, Emit::All), (2, Emit::Changed)] {
        let orders = data::orders(2_000, seed);
        let after = data::changed(&orders, seed);
        let bench = Bench::new();
        bench
            .run(fast(source(&bench.data("data", &orders))))
            .unwrap();
        let data = bench.data("after", &after);
        let task = WindowTask {
            emit,
            ..window(end_of_day(&data), DayRange::ALL)
        };
        let outcome = bench.run(Task::Window(task.clone())).unwrap();
        let clean = Bench::new();
        clean
            .run(fast(end_of_day(&clean.data("after", &after))))
            .unwrap();
        assert!(bench.facts() == clean.facts(), "seed {seed}");
        let report = outcome.rehearsal.unwrap();
        assert_eq!(outcome.summary.tombstones, report.tombstones);
        assert!(report.facts.added > 0 && report.facts.changed > 0 && report.facts.retracted > 0);

        let records = bench.records();
        let again = WindowTask {
            emit: Emit::Changed,
            ..task
        };
        let outcome = bench.run(Task::Window(again)).unwrap();
        assert_eq!(outcome.state, RunState::Committed);
        assert_eq!(outcome.rehearsal.unwrap().facts.differing(), 0);
        assert_eq!(
            bench.records(),
            records,
            "a second, identical run appends nothing"
        );
    }
}

#[test]
fn orders_outside_of_the_window_stay_and_none_is_half_old() {
    let orders = data::orders(1_500, 3);
    let bench = Bench::new();
    let data = bench.data("data", &orders);
    bench.run(fast(source(&data))).unwrap();
    let before = bench.facts();
    let outcome = bench
        .run(Task::Window(window(end_of_day(&data), march())))
        .unwrap();
    let clean = Bench::new();
    clean
        .run(fast(end_of_day(&clean.data("data", &orders))))
        .unwrap();
    let (rebuilt, now) = (clean.facts(), bench.facts());
    let in_window = |facts: &crate::bench::Facts, id: &str| {
        facts
            .iter()
            .any(|((order, _), event)| order == id && march().contains(event.event_at))
    };
    let mut covered = 0;
    for order in &orders {
        let of = |facts: &crate::bench::Facts| {
            let mut facts = facts.clone();
            facts.retain(|(id, _), _| *id == order.id);
            facts
        };
        let is_covered = in_window(&before, &order.id) || in_window(&rebuilt, &order.id);
        covered += u64::from(is_covered);
        assert_eq!(
            of(&now),
            of(if is_covered { &rebuilt } else { &before }),
            "{}",
            order.id
        );
    }
    assert_eq!(outcome.rehearsal.unwrap().orders_covered, covered);
}

#[test]
fn an_order_with_a_rejected_row_is_left_and_named() {
    let mut orders = data::orders(400, 4);
    let bench = Bench::new();
    bench
        .run(fast(source(&bench.data("data", &orders))))
        .unwrap();
    let before = bench.facts();
    let broken = orders
        .iter()
        .position(|order| order.times[0].starts_with("2018-03-1"))
        .unwrap();
    orders[broken].times[3] = "2018-03-32 00:00:00".to_owned();
    let id = orders[broken].id.clone();
    let data = bench.data("after", &orders);
    let task = WindowTask {
        emit: Emit::Changed,
        ..window(end_of_day(&data), march())
    };
    let report = bench.run(Task::Window(task)).unwrap().rehearsal.unwrap();
    assert_eq!(report.rejected_orders.names, std::slice::from_ref(&id));
    assert_eq!(report.vanishing.count, 0);
    let now = bench.facts();
    let of_broken = |facts: &crate::bench::Facts| {
        facts
            .iter()
            .filter(|((order, _), _)| *order == id)
            .map(|f| f.1.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of_broken(&now), of_broken(&before));
    assert_ne!(now, before, "the rest is done");
}

#[test]
fn a_rejected_row_without_an_order_is_named_by_its_place() {
    let orders = data::orders(50, 5);
    let bench = Bench::new();
    let data = bench.data("data", &orders);
    let file = data.join("olist_orders_dataset.csv");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(",c-SP,delivered,2018-03-01 00:00:00,,,,\n");
    std::fs::write(&file, text).unwrap();
    let report = bench
        .run(Task::Window(window(source(&data), march())))
        .unwrap();
    let report = report.rehearsal.unwrap();
    assert_eq!(
        report.rejected_unnamed.names,
        ["olist_orders_dataset.csv:52"]
    );
}

#[test]
fn a_rehearsal_changes_nothing_and_its_token_means_exactly_what_it_announced() {
    let orders = data::orders(800, 6);
    let bench = Bench::new();
    let data = bench.data("data", &orders);
    bench.run(fast(source(&data))).unwrap();
    let records = bench.records();
    let dry = WindowTask {
        dry_run: true,
        ..window(end_of_day(&data), march())
    };
    let rehearsed = bench.run(Task::Window(dry.clone())).unwrap();
    assert_eq!(rehearsed.state, RunState::Rehearsed);
    assert_eq!(bench.records(), records);
    let announced = rehearsed.rehearsal.unwrap();
    let again = bench
        .run(Task::Window(dry.clone()))
        .unwrap()
        .rehearsal
        .unwrap();
    assert_eq!(again.token, announced.token);

    // Facts appended to orders that the plan does not cover leave it as it was.
    let elsewhere = data::orders(3, 60)
        .into_iter()
        .enumerate()
        .map(|(i, mut order)| {
            order.id = format!("elsewhere-{i}");
            order.times = std::array::from_fn(|t| order.times[t].replace("2018-", "2016-"));
            order
        });
    let elsewhere = bench.data("elsewhere", &elsewhere.collect::<Vec<_>>());
    bench.run(fast(source(&elsewhere))).unwrap_err();
    let mixed = eip_ingest::run::FastTask {
        source: source(&elsewhere),
        range: days("2016-01-01", "2017-01-01"),
        mix: true,
    };
    bench.run(Task::Fast(mixed)).unwrap();
    let records = bench.records();

    let applied = WindowTask {
        dry_run: false,
        plan: Some(announced.token.clone()),
        ..dry.clone()
    };
    let outcome = bench.run(Task::Window(applied.clone())).unwrap();
    assert_eq!(outcome.state, RunState::Committed);
    let written = outcome.summary.events_written() + outcome.summary.tombstones;
    assert_eq!(written, announced.events + announced.tombstones);
    assert_eq!(bench.records() as u64, records as u64 + written);

    let error = bench.run(Task::Window(applied)).unwrap_err();
    assert!(matches!(error, RunError::PlanChanged { .. }), "{error}");
    let other_rules = WindowTask {
        plan: Some(announced.token),
        ..window(source(&data), march())
    };
    let error = bench.run(Task::Window(other_rules)).unwrap_err();
    assert!(matches!(error, RunError::PlanChanged { .. }), "{error}");
    assert_eq!(bench.records() as u64, records as u64 + written);
}

#[test]
fn a_plan_is_the_same_whatever_partitions_and_cache_there_are() {
    let orders = data::orders(600, 7);
    let tokens: Vec<_> = [(1, true), (4, true), (7, false)]
        .into_iter()
        .map(|(partitions, cached)| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state");
            let state = eip_log::StateDir::create(path, partitions).unwrap();
            let bench = Bench::of(folder, state);
            let data = bench.data("data", &orders);
            bench.run(fast(source(&data))).unwrap();
            if !cached {
                // A file where the folder should be: no cache can be opened or written.
                std::fs::write(bench.state.path().join("cache"), "").unwrap();
            }
            let task = WindowTask {
                dry_run: true,
                ..window(end_of_day(&data), march())
            };
            bench.run(Task::Window(task)).unwrap().rehearsal.unwrap()
        })
        .collect();
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(tokens[1], tokens[2]);
}

struct Declines(Option<Rehearsal>);

impl Observer for Declines {
    fn approve(&mut self, rehearsal: &Rehearsal) -> bool {
        self.0 = Some(rehearsal.clone());
        false
    }
}

#[test]
fn a_plan_that_is_not_approved_changes_nothing() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(200, 8));
    bench.run(fast(source(&data))).unwrap();
    let records = bench.records();
    let mut declines = Declines(None);
    let task = Task::Window(window(end_of_day(&data), march()));
    let outcome = bench.run_watched(task, &mut declines).unwrap();
    assert_eq!(outcome.state, RunState::Cancelled);
    assert_eq!(declines.0, outcome.rehearsal);
    assert_eq!(bench.records(), records);
    assert_eq!(
        list_runs(&bench.state).unwrap()[1].state,
        RunState::Cancelled
    );
}

#[test]
fn a_rehearsal_reads_well() {
    let bench = Bench::new();
    let orders = data::orders(300, 9);
    bench
        .run(fast(source(&bench.data("data", &orders))))
        .unwrap();
    let data = bench.data("after", &data::changed(&orders, 9));
    let range = days("2018-03-01", "2018-03-04");
    let task = WindowTask {
        dry_run: true,
        ..window(source(&data), range)
    };
    let outcome = bench.run(Task::Window(task)).unwrap();
    insta::assert_snapshot!(outcome.rehearsal.unwrap().to_string(), @"
    orders covered     43
    facts              changed 25, added 2, retracted 9, same 200
      ORDER_PLACED       changed 5, added 0, retracted 1, same 37
      ORDER_APPROVED     changed 4, added 0, retracted 2, same 37
      WAREHOUSE_ASSIGNED changed 3, added 0, retracted 3, same 37
      HANDED_TO_CARRIER  changed 5, added 0, retracted 1, same 37
      DELIVERY_DELAYED   changed 2, added 2, retracted 1, same 16
      DELIVERED          changed 6, added 0, retracted 1, same 36
    days with changes  21 from 2018-02-16 to 2018-05-03
      2018-02-16         changed 1, added 0, retracted 0, same 3
      2018-02-17         changed 3, added 0, retracted 0, same 11
      2018-02-18         changed 2, added 0, retracted 0, same 3
      2018-02-19         changed 1, added 0, retracted 0, same 7
      2018-02-20         changed 1, added 0, retracted 0, same 4
      2018-02-21         changed 3, added 0, retracted 1, same 4
      2018-02-22         changed 0, added 0, retracted 2, same 5
      2018-02-24         changed 1, added 0, retracted 0, same 1
      2018-03-01         changed 3, added 0, retracted 3, same 18
      2018-03-03         changed 2, added 1, retracted 1, same 22
    route_stats_daily  rows added 14, removed 13, changed 26
    figures            2018-02-16 to 2018-05-03
                                   delivered              late           late rate
      all routes                   186 → 185           79 → 80   42.47 % → 43.24 %
      BA-BA                          10 → 11             4 → 5   40.00 % → 45.45 %
      BA-RS                            5 → 4             2 → 1   40.00 % → 25.00 %
      RJ-RJ                            6 → 5             3 → 2   50.00 % → 40.00 %
      SP-MG                            9 → 8             3 → 2   33.33 % → 25.00 %
      SP-RJ                          11 → 12             2 → 3   18.18 % → 25.00 %
      … and 7 more routes
      2018-03-01                       4 → 3             1 → 1   25.00 % → 33.33 %
      2018-02-22                       5 → 5             3 → 3   60.00 % → 60.00 %
      2018-03-03                       3 → 3             0 → 0     0.00 % → 0.00 %
      2018-03-11                       4 → 3             2 → 1   50.00 % → 33.33 %
      2018-04-30                       0 → 1             0 → 1        - → 100.00 %
      … and 18 more days
    to write           227 events, 3 tombstones
    vanishing orders   1: 6b177e86d248c10225041c38ef909ab9
    lose their region  1: 736ae31d6e461e24ca4ec96913388d2d
    lose all items     1: 736ae31d6e461e24ca4ec96913388d2d
    plan               9a3dded3758078975219156732d2497f
    ");
}

#[test]
fn an_order_that_was_pushed_last_and_that_the_data_lacks_is_left_and_named() {
    let bench = Bench::new();
    let orders = data::orders(200, 10);
    let data = bench.data("data", &orders);
    bench.run(fast(source(&data))).unwrap();
    let mut pushed = orders
        .iter()
        .filter(|order| order.times[0].starts_with("2018-03"));
    let (pushed, gone) = (pushed.next().unwrap(), pushed.next().unwrap());
    push_again(&bench, &pushed.id);
    let before = bench.facts();
    let rest = orders
        .iter()
        .filter(|order| ![&pushed.id, &gone.id].contains(&&order.id));
    let rest = bench.data("rest", &rest.cloned().collect::<Vec<_>>());
    let report = bench
        .run(Task::Window(window(source(&rest), march())))
        .unwrap();
    let report = report.rehearsal.unwrap();
    assert_eq!(report.pushed_orders.names, std::slice::from_ref(&pushed.id));
    assert_eq!(report.vanishing.names, std::slice::from_ref(&gone.id));
    let mut expected = before;
    expected.retain(|(order, _), _| *order != gone.id);
    assert_eq!(bench.facts(), expected);
}

/// Asserts all facts of an order again, as a run of kind rows.
fn push_again(bench: &Bench, order: &str) {
    let tag = eip_log::RunTag {
        run_id: "pushed".to_owned(),
        attempt: 1,
    };
    let mut writer = eip_log::JournalWriter::open(&bench.state, "rows").unwrap();
    let entry = |state| eip_log::LedgerEntry::new(&tag, eip_log::RunKind::Rows, state, 1);
    writer.claim(&entry(RunState::Requested)).unwrap();
    for (_, event) in bench.facts().iter().filter(|((id, _), _)| id == order) {
        writer.append_event(Some(&tag), event, None).unwrap();
    }
    writer.append_ledger(&entry(RunState::Committed)).unwrap();
    writer.sync().unwrap();
}

fn files_under(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files_under(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn a_flipped_bit_anywhere_in_the_cache_changes_no_plan() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(200, 11));
    bench.run(fast(source(&data))).unwrap();
    let rehearse = || {
        let task = WindowTask {
            dry_run: true,
            ..window(end_of_day(&data), march())
        };
        bench.run(Task::Window(task)).unwrap().rehearsal.unwrap()
    };
    let plan = rehearse();
    let files = files_under(&bench.state.path().join("cache"));
    assert!(files.len() > 1, "the plan was made from a cache: {files:?}");
    for path in files {
        let Ok(whole) = std::fs::read(&path) else {
            continue;
        };
        let mut broken = whole.clone();
        let Some(byte) = broken.get_mut(whole.len() / 2) else {
            continue;
        };
        *byte ^= 0x10;
        std::fs::write(&path, broken).unwrap();
        assert_eq!(rehearse(), plan, "{}", path.display());
    }
}
