//! Fast backfills.

use eip_contract::{Change, EventTime, Offset, decode_record};
use eip_ingest::run::{
    DayRange, FastTask, Observer, Progress, RunError, RunState, Silent, Task, list_runs,
};
use eip_ingest::{RunId, RunRequest, Runner};
use eip_log::JournalReader;

use crate::bench::{Bench, clock, days, end_of_day, fast, march, source, window};
use crate::data;

#[test]
fn a_fast_run_writes_history_in_the_order_in_which_it_happened() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(500, 1));
    let outcome = bench.run(fast(source(&data))).unwrap();
    assert_eq!(outcome.state, RunState::Committed);
    assert_eq!(outcome.summary.events_written(), bench.records() as u64);
    let mut reader =
        JournalReader::open(&bench.state, vec![0], vec![Offset::default(); 4]).unwrap();
    let mut last: Option<(EventTime, String, usize)> = None;
    let mut each = |record: eip_log::RecordRef<'_>| {
        let Change::Assert(decoded) = decode_record(4, 0, record.key, record.value).unwrap() else {
            panic!("a fast run never retracts");
        };
        assert!(decoded.id_fits());
        let event = decoded.event;
        let now = (
            event.event_at,
            event.order_id.to_string(),
            event.event_type.rank(),
        );
        assert!(
            last.as_ref().is_none_or(|last| *last < now),
            "{last:?} {now:?}"
        );
        assert_eq!(record.run, Some(format!("{}/1", outcome.run).as_str()));
        last = Some(now);
    };
    while reader.poll(None, 1_000, &mut each).unwrap() > 0 {}
    assert!(last.is_some());
}

#[test]
fn two_ranges_make_the_whole_and_a_second_run_changes_nothing() {
    let orders = data::orders(300, 2);
    let whole = Bench::new();
    whole
        .run(fast(source(&whole.data("data", &orders))))
        .unwrap();
    let parts = Bench::new();
    let data = parts.data("data", &orders);
    let part = |range| {
        Task::Fast(FastTask {
            source: source(&data),
            range,
            mix: false,
        })
    };
    let cut = march().start;
    parts
        .run(part(DayRange {
            start: None,
            end: cut,
        }))
        .unwrap();
    assert!(
        parts
            .facts()
            .values()
            .all(|event| event.event_at.day() < cut.unwrap())
    );
    parts
        .run(part(DayRange {
            start: cut,
            end: None,
        }))
        .unwrap();
    assert_eq!(parts.facts(), whole.facts());
    assert_eq!(parts.records(), whole.records());
    parts.run(part(DayRange::ALL)).unwrap();
    assert_eq!(parts.facts(), whole.facts());
}

#[test]
fn a_fast_run_over_facts_of_other_rules_or_data_is_refused_unless_told_to_mix() {
    let bench = Bench::new();
    let orders = data::orders(200, 3);
    let data = bench.data("data", &orders);
    let other = bench.data("other", &data::changed(&orders, 3));
    let first = bench.run(fast(source(&data))).unwrap();
    let records = bench.records();
    for source in [end_of_day(&data), source(&other)] {
        let error = bench.run(fast(source)).unwrap_err();
        assert!(matches!(&error, RunError::OtherSource { run, .. } if *run == first.run.as_str()));
        assert!(error.to_string().contains("--mix"), "{error}");
    }
    assert_eq!(bench.records(), records);
    let mix = FastTask {
        source: end_of_day(&data),
        range: march(),
        mix: true,
    };
    bench.run(Task::Fast(mix)).unwrap();
    assert!(bench.records() > records);
}

#[test]
fn a_window_of_all_days_makes_its_rules_and_data_the_ones_that_a_fast_run_may_go_on_with() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(200, 4));
    bench.run(fast(source(&data))).unwrap();
    let week = Task::Window(window(end_of_day(&data), days("2018-02-01", "2018-02-08")));
    bench.run(week).unwrap();
    bench.run(fast(end_of_day(&data))).unwrap_err();
    bench.run(fast(source(&data))).unwrap_err();
    bench
        .run(Task::Window(window(end_of_day(&data), DayRange::ALL)))
        .unwrap();
    bench.run(fast(end_of_day(&data))).unwrap();
    bench.run(fast(source(&data))).unwrap_err();
}

#[test]
fn attempts_that_ended_before_they_read_anything_stand_in_nobodys_way() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(200, 6));
    let request = bench.request(fast(source(&data)));
    let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
    for attempt in 1..=3 {
        let mut stop = StopAt::before_anything();
        let outcome = runner.execute(&request, &mut stop).unwrap();
        assert_eq!(
            (outcome.attempt, outcome.state),
            (attempt, RunState::Interrupted)
        );
    }
    let of_other_rules = bench.request(fast(end_of_day(&data)));
    let other = runner.execute(&of_other_rules, &mut Silent).unwrap();
    assert_eq!(other.state, RunState::Committed);
    let error = runner.execute(&request, &mut Silent).unwrap_err();
    assert!(
        matches!(&error, RunError::OtherSource { run, .. } if *run == other.run.as_str()),
        "{error}"
    );
}

#[test]
fn a_run_interrupted_twice_before_it_read_anything_still_runs() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(200, 7));
    let request = bench.request(fast(source(&data)));
    let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
    for _ in 0..2 {
        let mut stop = StopAt::before_anything();
        let outcome = runner.execute(&request, &mut stop).unwrap();
        assert_eq!(outcome.state, RunState::Interrupted);
    }
    let outcome = runner.execute(&request, &mut Silent).unwrap();
    assert_eq!((outcome.attempt, outcome.state), (3, RunState::Committed));
}

/// Stops a run when it has written this many records.
struct StopAt {
    records: u64,
    interrupt: bool,
    reached: bool,
}

impl StopAt {
    /// Interrupts a run that has only its claim.
    fn before_anything() -> Self {
        Self {
            reached: true,
            ..Self::first_record(true)
        }
    }

    fn first_record(interrupt: bool) -> Self {
        Self {
            records: 1,
            interrupt,
            reached: false,
        }
    }
}

impl Observer for StopAt {
    fn progress(&mut self, progress: &Progress) {
        self.reached |= progress.records >= self.records;
    }
    fn cancelled(&self) -> bool {
        self.reached && !self.interrupt
    }
    fn interrupted(&self) -> bool {
        self.reached && self.interrupt
    }
}

#[test]
fn an_interrupted_fast_run_goes_on_under_the_same_key_and_a_cancelled_one_does_not() {
    let bench = Bench::new();
    let orders = data::orders(6_000, 5);
    let data = bench.data("data", &orders);
    let request = bench.request(fast(source(&data)));
    let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
    let mut stop = StopAt::first_record(true);
    let first = runner.execute(&request, &mut stop).unwrap();
    assert_eq!(first.state, RunState::Interrupted);
    let written = first.summary.events_written();
    assert!(written > 0 && written < 25_000, "{written}");
    let second = runner.execute(&request, &mut Silent).unwrap();
    assert_eq!((second.attempt, second.state), (2, RunState::Committed));
    let again = runner.execute(&request, &mut Silent).unwrap_err();
    assert!(
        matches!(
            again,
            RunError::Ended {
                state: RunState::Committed,
                ..
            }
        ),
        "{again}"
    );

    let cancelled = bench.request(fast(source(&data)));
    let mut stop = StopAt::first_record(false);
    let outcome = runner.execute(&cancelled, &mut stop).unwrap();
    assert_eq!(outcome.state, RunState::Cancelled);
    let again = runner.execute(&cancelled, &mut Silent).unwrap_err();
    assert!(
        matches!(
            again,
            RunError::Ended {
                state: RunState::Cancelled,
                ..
            }
        ),
        "{again}"
    );
    drop(runner);

    let clean = Bench::new();
    clean
        .run(fast(source(&clean.data("data", &orders))))
        .unwrap();
    assert_eq!(bench.facts(), clean.facts());
    let runs = list_runs(&bench.state).unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!((runs[0].attempt, runs[0].state), (2, RunState::Committed));
}

#[test]
fn a_run_never_goes_on_with_other_input_and_a_key_never_means_two_things() {
    let bench = Bench::new();
    let orders = data::orders(6_000, 6);
    let data = bench.data("data", &orders);
    let request = bench.request(fast(source(&data)));
    let mut runner = Runner::open(bench.state.clone(), "test", clock()).unwrap();
    let mut stop = StopAt::first_record(true);
    runner.execute(&request, &mut stop).unwrap();
    let other = RunRequest {
        task: fast(end_of_day(&data)),
        ..request.clone()
    };
    let error = runner.execute(&other, &mut Silent).unwrap_err();
    assert!(matches!(error, RunError::KeyReused { .. }), "{error}");
    data::write(&data, &data::changed(&orders, 6));
    let error = runner.execute(&request, &mut Silent).unwrap_err();
    assert!(matches!(error, RunError::OtherInput { .. }), "{error}");
}

#[test]
fn rejected_rows_are_listed_and_the_rest_goes_on() {
    let bench = Bench::new();
    let mut orders = data::orders(100, 7);
    orders[10].times[2] = "2018-02-30 00:00:00".to_owned();
    orders[11].times[0].clear();
    // Under end_of_day the deadline of this one would fall behind the last day.
    orders[12].times[4] = "2199-12-31 00:00:00".to_owned();
    let data = bench.data("data", &orders);
    let outcome = bench.run(fast(end_of_day(&data))).unwrap();
    assert_eq!(outcome.summary.rows_rejected(), 3);
    assert_eq!(outcome.summary.orders, 97);
    let lines = std::fs::read_to_string(outcome.summary.rejects_file.unwrap()).unwrap();
    let orders: std::collections::HashSet<_> =
        bench.facts().into_keys().map(|(order, _)| order).collect();
    assert_eq!(orders.len(), 97);
    insta::assert_snapshot!(lines, @r#"
    {"file":"olist_orders_dataset.csv","line":12,"field":"order_delivered_carrier_date","reason":"not_a_time","value":"2018-02-30 00:00:00","order_id":"cc623af8783354f177bc4423fe379a47"}
    {"file":"olist_orders_dataset.csv","line":13,"field":"order_purchase_timestamp","reason":"empty","order_id":"6a99b4b1f77dd1076b5904845b25627c"}
    {"file":"olist_orders_dataset.csv","line":14,"field":"order_estimated_delivery_date","reason":"derived_time_out_of_range","value":"2199-12-31T00:00:00Z","order_id":"08d12e6b76c84d1d5ef5c4e4b8132ab1"}
    "#);
}

#[test]
fn an_empty_range_and_a_missing_file_are_refused_before_anything_is_written() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(10, 8));
    let empty = FastTask {
        source: source(&data),
        range: days("2018-03-01", "2018-03-01"),
        mix: false,
    };
    assert!(matches!(
        bench.run(Task::Fast(empty)),
        Err(RunError::BadRequest(_))
    ));
    std::fs::remove_file(data.join("olist_sellers_dataset.csv")).unwrap();
    let error = bench.run(fast(source(&data))).unwrap_err();
    assert!(matches!(error, RunError::Input { .. }), "{error}");
    let runs = list_runs(&bench.state).unwrap();
    assert_eq!(runs.len(), 1, "a request that cannot be meant has no run");
    assert_eq!(runs[0].state, RunState::Failed);
    assert!(
        runs[0]
            .error
            .as_ref()
            .unwrap()
            .contains("olist_sellers_dataset")
    );
    assert_eq!(bench.records(), 0);
}

#[test]
fn the_ledger_says_what_a_run_was_made_from_and_what_it_did() {
    let bench = Bench::new();
    let data = bench.data("data", &data::orders(100, 9));
    let outcome = bench.run(fast(source(&data))).unwrap();
    let run = &list_runs(&bench.state).unwrap()[0];
    assert_eq!(run.run, RunId::to_string(&outcome.run));
    assert_eq!(run.files.len(), 4);
    assert_eq!(run.as_of, outcome.summary.as_of);
    assert_eq!(run.rules_sha256, Some(outcome.summary.rules_sha256.clone()));
    assert_eq!(run.counts["events"], outcome.summary.events_written());
    assert_eq!(run.first_offsets, Some(vec![Offset::default(); 4]));
    assert_eq!(run.end_offsets, Some(bench.ends()));
    assert_eq!(
        (run.requester.as_deref(), run.origin.as_deref()),
        (Some("tester"), Some("test"))
    );
}
