//! Reverts.

use eip_contract::{Event, EventTime, EventType};
use eip_ingest::run::{
    Emit, FastTask, RevertTask, RunError, RunState, Task, WindowTask, list_runs,
};
use eip_log::{JournalWriter, NewRecord};

use crate::bench::{Bench, Facts, end_of_day, fast, march, revert, source, window};
use crate::data;

#[test]
fn window_then_revert_gives_the_facts_before_and_a_second_revert_appends_nothing() {
    for emit in [Emit::All, Emit::Changed] {
        let orders = data::orders(1_500, 1);
        let bench = Bench::new();
        bench
            .run(fast(source(&bench.data("data", &orders))))
            .unwrap();
        let before = bench.facts();
        let data = bench.data("after", &data::changed(&orders, 1));
        let task = WindowTask {
            emit,
            ..window(end_of_day(&data), march())
        };
        let run = bench.run(Task::Window(task)).unwrap().run;
        let after = bench.facts();
        assert_ne!(after, before);

        let forced = RevertTask {
            force: true,
            ..revert(&run)
        };
        let rehearsed = bench
            .run(Task::Revert(RevertTask {
                dry_run: true,
                ..forced.clone()
            }))
            .unwrap();
        assert_eq!(rehearsed.state, RunState::Rehearsed);
        assert_eq!(bench.facts(), after);
        let plan = Some(rehearsed.rehearsal.unwrap().token);
        let undone = bench
            .run(Task::Revert(RevertTask {
                plan,
                ..forced.clone()
            }))
            .unwrap();
        assert_eq!(undone.state, RunState::Committed);
        assert_eq!(bench.facts(), before);
        let records = bench.records();
        let again = bench.run(Task::Revert(forced)).unwrap();
        assert_eq!(again.state, RunState::Committed);
        assert_eq!(bench.records(), records);

        // The revert is a run too.
        let redone = RevertTask {
            force: true,
            ..revert(&undone.run)
        };
        bench.run(Task::Revert(redone)).unwrap();
        assert_eq!(bench.facts(), after);
    }
}

#[test]
fn the_revert_of_a_fast_run_into_an_empty_log_needs_force_and_leaves_nothing() {
    let bench = Bench::new();
    let run = bench
        .run(fast(source(&bench.data("data", &data::orders(300, 2)))))
        .unwrap()
        .run;
    let error = bench.run(Task::Revert(revert(&run))).unwrap_err();
    let RunError::Guard(stop) = error else {
        panic!("{error}")
    };
    assert_eq!(stop.flags(), "--force");
    bench
        .run(Task::Revert(RevertTask {
            force: true,
            ..revert(&run)
        }))
        .unwrap();
    assert_eq!(bench.facts(), Facts::new());
    // What was undone whole no longer counts as made under other rules.
    bench
        .run(fast(end_of_day(&bench.data("data", &data::orders(300, 2)))))
        .unwrap();
}

fn assert_by_hand(bench: &Bench, order: &str, seller: &str, second: i64) {
    let event = Event {
        event_type: EventType::OrderPlaced,
        event_at: EventTime::from_seconds(data::START + second).unwrap(),
        order_id: order.into(),
        seller_region: seller.into(),
        customer_region: "SP".into(),
        estimated_delivery_at: None,
    };
    let mut writer = JournalWriter::open(&bench.state, "hand").unwrap();
    writer.append_event(None, &event, None).unwrap();
    writer.sync().unwrap();
}

fn take_away_by_hand(bench: &Bench, order: &str) {
    let mut writer = JournalWriter::open(&bench.state, "hand").unwrap();
    writer
        .append(None, NewRecord::tombstone(order.as_bytes()))
        .unwrap();
    writer.sync().unwrap();
}

/// Three orders with one fact each; a window run over them gives each another content.
fn three_corrected() -> (Bench, Facts, eip_ingest::RunId) {
    let order = |id: &str| data::Order {
        id: id.to_owned(),
        customer: "SP",
        seller: None,
        status: "delivered",
        times: [
            data::csv_time(data::START + 60 * data::DAY),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ],
    };
    let bench = Bench::new();
    let mut orders = vec![order("a"), order("b"), order("c")];
    bench
        .run(fast(source(&bench.data("data", &orders))))
        .unwrap();
    let before = bench.facts();
    for order in &mut orders {
        order.times[0] = data::csv_time(data::START + 61 * data::DAY);
    }
    let data = bench.data("after", &orders);
    let run = bench
        .run(Task::Window(window(source(&data), march())))
        .unwrap()
        .run;
    (bench, before, run)
}

#[test]
fn a_fact_that_somebody_changed_since_is_left_and_listed_unless_forced() {
    let (bench, before, run) = three_corrected();
    assert_by_hand(&bench, "b", "RJ", 5);
    take_away_by_hand(&bench, "c");
    let placed = |id: &str| (id.to_owned(), EventType::OrderPlaced);
    let report = bench
        .run(Task::Revert(revert(&run)))
        .unwrap()
        .rehearsal
        .unwrap();
    let left: Vec<_> = report
        .left_facts
        .iter()
        .map(|left| left.order_id.as_str())
        .collect();
    assert_eq!(left, ["b", "c"]);
    assert_eq!(report.left_count, 2);
    let facts = bench.facts();
    assert_eq!(facts[&placed("a")], before[&placed("a")]);
    assert_eq!(facts[&placed("b")].seller_region, "RJ");
    assert!(!facts.contains_key(&placed("c")));
    let records = bench.records();
    bench.run(Task::Revert(revert(&run))).unwrap();
    assert_eq!(bench.records(), records, "what is left stays left");
    bench
        .run(Task::Revert(RevertTask {
            force: true,
            ..revert(&run)
        }))
        .unwrap();
    assert_eq!(bench.facts(), before);
}

#[test]
fn the_same_content_asserted_again_is_no_change() {
    let (bench, before, run) = three_corrected();
    let data = bench.folder.path().join("after");
    // Another window run over the same data asserts the same facts, and a fast run does so too.
    bench
        .run(Task::Window(window(source(&data), march())))
        .unwrap();
    let again = FastTask {
        source: source(&data),
        range: march(),
        mix: true,
    };
    bench.run(Task::Fast(again)).unwrap();
    let report = bench
        .run(Task::Revert(revert(&run)))
        .unwrap()
        .rehearsal
        .unwrap();
    assert_eq!(report.left_count, 0);
    assert_eq!(bench.facts(), before);
}

#[test]
fn a_window_that_takes_one_fact_of_an_order_has_not_changed_its_others() {
    let bench = Bench::new();
    let mut orders = data::orders(40, 3);
    let at = orders.iter().position(|order| {
        order.times.iter().all(|time| !time.is_empty()) && order.times[0].starts_with("2018-03")
    });
    let at = at.unwrap();
    bench
        .run(fast(source(&bench.data("data", &orders))))
        .unwrap();
    orders[at].customer = if orders[at].customer == "SP" {
        "RJ"
    } else {
        "SP"
    };
    let before = bench.facts();
    let regions = bench.data("regions", &orders);
    let first = bench
        .run(Task::Window(window(source(&regions), march())))
        .unwrap()
        .run;
    orders[at].times[3].clear();
    let lost = bench.data("lost", &orders);
    bench
        .run(Task::Window(window(source(&lost), march())))
        .unwrap();
    // The second run's tombstone and the facts asserted again behind it are no change of these.
    let report = bench
        .run(Task::Revert(revert(&first)))
        .unwrap()
        .rehearsal
        .unwrap();
    let delivered = (orders[at].id.clone(), EventType::Delivered);
    let left: Vec<_> = report
        .left_facts
        .iter()
        .map(|left| (left.order_id.clone(), left.event_type))
        .collect();
    assert!(left.contains(&delivered), "{left:?}");
    for ((id, event_type), event) in bench.facts() {
        if id == orders[at].id && event_type <= EventType::HandedToCarrier {
            assert_eq!(event, before[&(id, event_type)]);
        }
    }
}

#[test]
fn only_an_ended_run_that_could_write_is_reverted() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(50, 4));
    bench.run(fast(source(&data))).unwrap();
    let dry = WindowTask {
        dry_run: true,
        ..window(end_of_day(&data), march())
    };
    let rehearsal = bench.run(Task::Window(dry)).unwrap().run;
    let error = bench.run(Task::Revert(revert(&rehearsal))).unwrap_err();
    assert!(matches!(error, RunError::NotRevertible { .. }), "{error}");
    let unknown = eip_ingest::RunId::of_key("never");
    let error = bench.run(Task::Revert(revert(&unknown))).unwrap_err();
    assert!(matches!(error, RunError::NoSuchRun(_)), "{error}");
    let failed = list_runs(&bench.state).unwrap().pop().unwrap();
    let failed = failed.run.parse().unwrap();
    let outcome = bench.run(Task::Revert(revert(&failed))).unwrap();
    assert_eq!(outcome.rehearsal.unwrap().orders_covered, 0);
}
