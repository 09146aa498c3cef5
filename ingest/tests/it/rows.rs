//! Pushed rows: what they assert, how each is judged, and what survives a crash.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use eip_contract::{EventType, Offset};
use eip_ingest::run::{
    DayRange, Observer, Phase, Progress, RowsTask, RunError, RunKind, RunState, Silent, Source,
    Task, WindowTask, list_runs,
};
use eip_ingest::{RunRequest, Runner};
use eip_log::{JournalReader, StateDir};

use crate::bench::{Bench, clock, days, end_of_day, fast, march, revert, source, window};
use crate::crash::{copy_folder, cut_journal, last_file};
use crate::data::{self, Order};
use crate::oracle::olist;
use crate::pushing::{
    as_of, customer_row, item_row, order_row, push, rows, rows_of, seller_row, shuffle, text,
    verdicts,
};

fn with_as_of(source: Source) -> Source {
    Source {
        as_of: Some(as_of()),
        ..source
    }
}

#[test]
fn rows_in_any_order_and_doubled_make_the_facts_of_a_fast_run_of_the_same_data() {
    let bench = Bench::new();
    let folder = bench.folder.path().join("generated");
    eip_olist::generate(900, 1, &folder).unwrap();
    for (rules, range) in [
        (source(&folder), DayRange::ALL),
        (end_of_day(&folder), DayRange::ALL),
        (source(&folder), days("2017-11-01", "2018-02-01")),
    ] {
        let files = Bench::new();
        let task = eip_ingest::run::FastTask {
            source: with_as_of(rules.clone()),
            range,
            mix: false,
        };
        files.run(Task::Fast(task)).unwrap();
        let plain = rows_of(&folder);
        let mut shuffled = [plain.clone(), plain.clone()].concat();
        shuffle(&mut shuffled, 1);
        for pushed in [plain, shuffled] {
            let rows = rows(&text(&pushed), rules.rules.clone(), range);
            assert_eq!(rows.counts().rejected, 0);
            let task = RowsTask { rows: rows.into() };
            let other = Bench::new();
            let outcome = other.run(Task::Rows(task)).unwrap();
            assert_eq!(outcome.state, RunState::Committed);
            assert_eq!(other.facts(), files.facts());
            assert_eq!(other.records(), files.records(), "each fact once");
        }
    }
}

#[test]
fn a_month_of_the_real_data_pushed_has_the_facts_of_a_fast_run() {
    let Some(data) = olist() else { return };
    let all = rows_of(&data);
    let is_of = |column: &str, row: &serde_json::Map<String, serde_json::Value>| {
        row[column].as_str().unwrap().to_owned()
    };
    let (mut orders, mut customers, mut sellers) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (_, row) in all.iter().filter(|(file, _)| *file == "orders") {
        if is_of("order_purchase_timestamp", row).starts_with("2017-11") {
            orders.insert(is_of("order_id", row));
            customers.insert(is_of("customer_id", row));
        }
    }
    for (_, row) in all.iter().filter(|(file, _)| *file == "order_items") {
        if orders.contains(&is_of("order_id", row)) {
            sellers.insert(is_of("seller_id", row));
        }
    }
    assert_eq!(orders.len(), 7_544);
    let mut pushed = all.clone();
    pushed.retain(|(file, row)| match *file {
        "orders" | "order_items" => orders.contains(&is_of("order_id", row)),
        "customers" => customers.contains(&is_of("customer_id", row)),
        _ => sellers.contains(&is_of("seller_id", row)),
    });
    shuffle(&mut pushed, 2);

    let files = Bench::new();
    files.run(fast(with_as_of(source(&data)))).unwrap();
    let mut wanted = files.facts();
    wanted.retain(|(order, _), _| orders.contains(order));
    let bench = Bench::new();
    let outcome = bench.run(push(&text(&pushed))).unwrap();
    assert_eq!(outcome.summary.rows_rejected(), 0);
    assert_eq!(outcome.summary.orders, 7_544);
    assert_eq!(bench.facts(), wanted);
}

#[test]
fn pushed_rows_are_written_as_history_with_their_runs_name() {
    let bench = Bench::new();
    let folder = bench.data("data", &data::orders(300, 1));
    let outcome = bench.run(push(&text(&rows_of(&folder)))).unwrap();
    let all = (0..4).collect();
    let mut reader = JournalReader::open(&bench.state, all, vec![Offset::default(); 4]).unwrap();
    let mut last = vec![String::new(); 4];
    let mut each = |record: eip_log::RecordRef<'_>| {
        let event: serde_json::Value = serde_json::from_slice(record.value.unwrap()).unwrap();
        let event_type = EventType::ALL
            .into_iter()
            .find(|known| known.name() == event["eventType"]);
        let (event_at, order) = (&event["eventAt"], &event["orderId"]);
        let now = format!("{event_at} {order} {}", event_type.unwrap().rank());
        assert!(last[record.partition as usize] < now);
        last[record.partition as usize] = now;
        let tag = format!("{}/1", outcome.run);
        assert_eq!(record.run, Some(tag.as_str()));
    };
    while reader.poll(None, 1_000, &mut each).unwrap() > 0 {}
    let run = &list_runs(&bench.state).unwrap()[0];
    assert_eq!((run.kind, run.state), (RunKind::Rows, RunState::Committed));
    assert_eq!(run.counts["events"], bench.records() as u64);
    assert_eq!(run.counts["orders"], 300);
    assert_eq!(run.end_offsets, Some(bench.ends()));
    assert_eq!(run.files["rows"].len(), 64);
}

#[test]
fn every_row_is_answered_with_its_events_or_with_field_and_reason() {
    let day = "2018-01-01 10:00:00";
    let mut lines = [
        order_row("good", "c1", day),
        item_row("good", "1", "s1"),
        customer_row("c1", "SP"),
        seller_row("s1", "RJ"),
        "\n".to_owned(),
        // The same order again: the later row counts.
        order_row("again", "c1", "2018-01-01 09:00:00"),
        order_row("again", "c1", day),
        item_row("again", "1", "s1"),
        // A later row that is rejected displaces nothing.
        order_row("stays", "c1", day),
        order_row("stays", "c1", "2018-02-30 10:00:00"),
        item_row("stays", "1", "s1").replace("\"1\"", "1.0"),
        // Not whole: no customer, no seller, no order.
        order_row("no-customer", "c9", day),
        item_row("no-customer", "1", "s1"),
        order_row("no-seller", "c1", day),
        item_row("no-seller", "1", "s1"),
        item_row("no-seller", "2", "s9"),
        item_row("nobody", "1", "s1"),
        // A reference that is empty is no missing row.
        order_row("unknown", "", day),
        item_row("unknown", "1", ""),
        // Wrong for their own values; an order goes with its item.
        order_row("spoilt", "c1", day),
        item_row("spoilt", "1", "s1"),
        item_row("spoilt", "two", "s1"),
        order_row("number", "c1", day),
        item_row("number", "1", "7").replace("\"7\"", "7"),
        seller_row("s2", "a state of more than 16 bytes"),
        order_row("", "c1", day),
        order_row("a\nb", "c1", day),
        // No rows; one of them may be an item of an order that has none.
        order_row("itemless", "c1", day),
        "nonsense\n".to_owned(),
        "{\"file\":\"parcels\",\"row\":{}}\n".to_owned(),
        "{\"file\":\"sellers\",\"row\":{\"seller_id\":\"s3\"}}\n".to_owned(),
    ]
    .concat();
    let late = order_row("late", "c1", day).replace(
        "\"order_estimated_delivery_date\":\"\"",
        "\"order_estimated_delivery_date\":\"2199-12-31 00:00:00\"",
    );
    write!(
        lines,
        "{}{late}{}",
        order_row("late", "c1", day),
        item_row("late", "1", "s1")
    )
    .unwrap();
    let end_of_day = end_of_day(std::path::Path::new("x")).rules;
    let judged = rows(&lines, end_of_day, DayRange::ALL);
    let counts = judged.counts();
    assert_eq!((counts.accepted, counts.rejected), (11, 22));
    insta::assert_snapshot!(verdicts(&judged), @r#"
    {"line":1,"file":"orders","status":"accepted","order_id":"good","event_ids":["97c3d86e0921dd84784613230398c0eb"]}
    {"line":2,"file":"order_items","status":"accepted","order_id":"good","event_ids":[]}
    {"line":3,"file":"customers","status":"accepted","event_ids":[]}
    {"line":4,"file":"sellers","status":"accepted","event_ids":[]}
    {"line":6,"file":"orders","status":"accepted","order_id":"again","event_ids":[],"superseded":true}
    {"line":7,"file":"orders","status":"accepted","order_id":"again","event_ids":["5e2a1cb2625610a3553227f32d50ec89"]}
    {"line":8,"file":"order_items","status":"accepted","order_id":"again","event_ids":[]}
    {"line":9,"file":"orders","status":"accepted","order_id":"stays","event_ids":["769b5646fd926a85ee1cbc3ac2fc93b1"]}
    {"line":10,"file":"orders","status":"rejected","order_id":"stays","field":"order_purchase_timestamp","reason":"not_a_time"}
    {"line":11,"file":"order_items","status":"accepted","order_id":"stays","event_ids":[]}
    {"line":12,"file":"orders","status":"rejected","order_id":"no-customer","field":"customer_id","reason":"unresolved"}
    {"line":13,"file":"order_items","status":"rejected","order_id":"no-customer","field":"order_id","reason":"unresolved"}
    {"line":14,"file":"orders","status":"rejected","order_id":"no-seller","field":"order_id","reason":"depends_on_rejected"}
    {"line":15,"file":"order_items","status":"rejected","order_id":"no-seller","field":"order_id","reason":"order_rejected"}
    {"line":16,"file":"order_items","status":"rejected","order_id":"no-seller","field":"seller_id","reason":"unresolved"}
    {"line":17,"file":"order_items","status":"rejected","order_id":"nobody","field":"order_id","reason":"unresolved"}
    {"line":18,"file":"orders","status":"accepted","order_id":"unknown","event_ids":["b0fd2d7087d5b5173426a66399ffae2f"]}
    {"line":19,"file":"order_items","status":"accepted","order_id":"unknown","event_ids":[]}
    {"line":20,"file":"orders","status":"rejected","order_id":"spoilt","field":"order_id","reason":"depends_on_rejected"}
    {"line":21,"file":"order_items","status":"rejected","order_id":"spoilt","field":"order_id","reason":"order_rejected"}
    {"line":22,"file":"order_items","status":"rejected","order_id":"spoilt","field":"order_item_id","reason":"not_a_number"}
    {"line":23,"file":"orders","status":"rejected","order_id":"number","field":"order_id","reason":"depends_on_rejected"}
    {"line":24,"file":"order_items","status":"rejected","order_id":"number","field":"seller_id","reason":"not_text"}
    {"line":25,"file":"sellers","status":"rejected","field":"seller_state","reason":"state_too_long"}
    {"line":26,"file":"orders","status":"rejected","order_id":"","field":"order_id","reason":"empty"}
    {"line":27,"file":"orders","status":"rejected","order_id":"a\nb","field":"order_id","reason":"control"}
    {"line":28,"file":"orders","status":"rejected","order_id":"itemless","field":"order_id","reason":"unreadable_line"}
    {"line":29,"file":null,"status":"rejected","field":"","reason":"not_json"}
    {"line":30,"file":null,"status":"rejected","field":"file","reason":"unknown_file"}
    {"line":31,"file":"sellers","status":"rejected","field":"seller_state","reason":"missing"}
    {"line":32,"file":"orders","status":"rejected","order_id":"late","field":"order_id","reason":"contradicting"}
    {"line":33,"file":"orders","status":"rejected","order_id":"late","field":"order_estimated_delivery_date","reason":"derived_time_out_of_range"}
    {"line":34,"file":"order_items","status":"rejected","order_id":"late","field":"order_id","reason":"order_rejected"}
    "#);

    let bench = Bench::new();
    let task = Task::Rows(RowsTask {
        rows: judged.into(),
    });
    let outcome = bench.run(task).unwrap();
    let orders = ["again", "good", "stays", "unknown"];
    assert_eq!(outcome.summary.orders, orders.len() as u64);
    for ((order, _), event) in bench.facts() {
        assert!(orders.contains(&order.as_str()));
        assert_eq!(event.event_at.to_string(), "2018-01-01T10:00:00Z");
    }
}

/// Stops when the first records are written.
struct Stop;

impl Observer for Stop {
    fn interrupted(&self) -> bool {
        true
    }
}

#[test]
fn the_same_key_goes_on_when_interrupted_writes_nothing_when_done_and_never_means_two_things() {
    let bench = Bench::new();
    let orders = data::orders(200, 3);
    let pushed = text(&rows_of(&bench.data("data", &orders)));
    let request = bench.request(push(&pushed));
    let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
    let first = runner.execute(&request, &mut Stop).unwrap();
    assert_eq!(first.state, RunState::Interrupted);
    let second = runner.execute(&request, &mut Silent).unwrap();
    assert_eq!((second.attempt, second.state), (2, RunState::Committed));
    let records = bench.records();
    assert_eq!(records as u64, second.summary.events_written());
    let again = runner.execute(&request, &mut Silent).unwrap_err();
    let state = RunState::Committed;
    assert!(matches!(again, RunError::Ended { state: ended, .. } if ended == state));
    let other = rows(&pushed, eip_ingest::Rules::default(), march());
    for task in [
        push(&pushed.replace("SP", "RJ")),
        Task::Rows(RowsTask { rows: other.into() }),
        fast(source(&bench.folder.path().join("data"))),
    ] {
        let other = RunRequest {
            task,
            ..request.clone()
        };
        let error = runner.execute(&other, &mut Silent).unwrap_err();
        assert!(matches!(error, RunError::KeyReused { .. }), "{error}");
    }
    assert_eq!(bench.records(), records);
}

#[test]
fn a_push_cut_off_at_any_byte_completes_when_pushed_again() {
    let bench = Bench::new();
    let orders = data::orders(60, 4);
    let folder = bench.data("data", &orders);
    bench.run(fast(source(&folder))).unwrap();
    let pushed = text(&rows_of(&bench.data("after", &data::changed(&orders, 4))));
    let start = fs::metadata(last_file(bench.state.path())).unwrap().len();
    let request = bench.request(push(&pushed));
    let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
    runner.execute(&request, &mut Silent).unwrap();
    drop(runner);
    let done = bench.facts();
    let end = fs::metadata(last_file(bench.state.path())).unwrap().len();
    let cuts = (0..20).map(|i| start + (end - start) * i / 20);
    for cut in cuts.chain([end - 1, end - 40]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        copy_folder(bench.state.path(), &path);
        let _ = fs::remove_dir_all(path.join("cache"));
        cut_journal(&path, cut);
        let crashed = Bench::of(folder, StateDir::open(&path).unwrap());
        let mut runner = Runner::open(crashed.state.clone(), "test", clock()).unwrap();
        let outcome = runner.execute(&request, &mut Silent).unwrap();
        assert_eq!(outcome.state, RunState::Committed);
        drop(runner);
        assert_eq!(crashed.facts(), done, "cut at {cut} of {start} to {end}");
    }
}

fn march_orders(ids: &[&str]) -> String {
    let mut text = customer_row("c1", "SP");
    for id in ids {
        text += &order_row(id, "c1", "2018-03-10 10:00:00");
    }
    text
}

#[test]
fn a_window_leaves_and_names_orders_that_were_pushed_and_that_its_data_does_not_have() {
    let bench = Bench::new();
    let orders = data::orders(300, 5);
    let data = bench.data("data", &orders);
    bench.run(fast(source(&data))).unwrap();
    bench.run(push(&march_orders(&["p1", "p2"]))).unwrap();
    let dry = WindowTask {
        dry_run: true,
        ..window(end_of_day(&data), march())
    };
    let report = bench.run(Task::Window(dry)).unwrap().rehearsal.unwrap();
    assert_eq!(report.pushed_orders.count, 2);
    assert_eq!(report.pushed_orders.names, ["p1", "p2"]);
    bench
        .run(Task::Window(window(end_of_day(&data), march())))
        .unwrap();
    let of = |id: &str| {
        let key = (id.to_owned(), EventType::OrderPlaced);
        bench.facts().contains_key(&key)
    };
    assert!(of("p1") && of("p2"));

    // Facts that came last from a file are the data's own: without its row the order vanishes.
    let mut more = orders.clone();
    let mut known: Order = orders[0].clone();
    known.id = "p1".to_owned();
    known.times[0] = "2018-03-10 10:00:00".to_owned();
    more.push(known);
    let with = bench.data("with", &more);
    bench
        .run(Task::Window(window(source(&with), march())))
        .unwrap();
    bench
        .run(Task::Window(window(source(&data), march())))
        .unwrap();
    assert!(!of("p1") && of("p2"));
}

/// Pushes rows when a window has its claim and has not looked at the log yet.
struct PushMeanwhile<'a>(&'a Bench, bool);

impl Observer for PushMeanwhile<'_> {
    fn progress(&mut self, progress: &Progress) {
        if progress.phase == Phase::Comparing && !self.1 {
            self.1 = true;
            self.0.run(push(&march_orders(&["p1"]))).unwrap();
        }
    }
}

#[test]
fn a_window_knows_rows_that_were_pushed_after_its_claim() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(100, 6));
    bench.run(fast(source(&data))).unwrap();
    let task = Task::Window(window(end_of_day(&data), march()));
    let outcome = bench
        .run_watched(task, &mut PushMeanwhile(&bench, false))
        .unwrap();
    assert_eq!(outcome.rehearsal.unwrap().pushed_orders.names, ["p1"]);
    let key = ("p1".to_owned(), EventType::OrderPlaced);
    assert!(bench.facts().contains_key(&key));
}

#[test]
fn a_push_is_reverted_as_any_run_is() {
    let bench = Bench::new();
    let orders = data::orders(200, 7);
    bench
        .run(fast(source(&bench.data("data", &orders))))
        .unwrap();
    let before = bench.facts();
    let after = bench.data("after", &data::changed(&orders, 7));
    let pushed = bench.run(push(&text(&rows_of(&after)))).unwrap();
    assert_ne!(bench.facts(), before);
    let task = eip_ingest::run::RevertTask {
        force: true,
        ..revert(&pushed.run)
    };
    bench.run(Task::Revert(task)).unwrap();
    assert_eq!(bench.facts(), before);
}
