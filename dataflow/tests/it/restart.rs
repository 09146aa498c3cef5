//! A restart hydrates, reconciles and writes only what differs; a failing store is heard of.

use std::sync::Arc;
use std::time::Duration;

use eip_contract::Offset;
use eip_dataflow::clock::Clock;
use eip_dataflow::control::Control;
use eip_dataflow::engine::{Engine, EngineConfig, OpenSource};
use eip_dataflow::sink::Sinks;
use eip_dataflow::source::ends::SetEnds;
use eip_dataflow::source::{Batch, RecordSource, SourceError};
use eip_dataflow::views::built_in;
use eip_views::{ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS, Value};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::harness::{Disorder, Running};
use crate::histories::{log_of, say};
use crate::memory::{MemoryStore, StoredDocument};
use crate::plain::{Log, recompute};

const IN_ORDER: Disorder = Disorder { repeat: 1, seed: 0 };

fn sample() -> (Arc<Log>, Vec<Offset>) {
    let mut runner = TestRunner::deterministic();
    let records = proptest::collection::vec(say(), 60..61)
        .new_tree(&mut runner)
        .unwrap()
        .current();
    let (log, ends) = log_of(records.into_iter().map(Into::into).collect(), 4);
    (log, ends.last().unwrap().clone())
}

#[test]
fn a_restart_with_nothing_changed_writes_nothing() {
    let (log, ends) = sample();
    let store = MemoryStore::default();
    Running::start(&log, 2, &store, IN_ORDER, &ends)
        .reach(&ends)
        .unwrap();
    let written = std::mem::take(&mut store.contents().writes);
    assert!(written > 0);
    let again = Running::start(&log, 1, &store, IN_ORDER, &ends);
    again.reach(&ends).unwrap();
    let counts = again.stop();
    assert_eq!(store.contents().writes, 0);
    let mut contents = store.contents();
    for view in [&SHIPMENT_EVENTS, &SHIPMENTS] {
        let stored = contents.documents(view).len() as u64;
        assert_eq!(counts.of(view).unchanged, stored);
    }
    drop(contents);
    assert_eq!(store.views(), recompute(&log, &ends));
}

#[test]
fn a_restart_repairs_what_differs_and_nothing_else() {
    let (log, ends) = sample();
    let store = MemoryStore::default();
    Running::start(&log, 2, &store, IN_ORDER, &ends)
        .reach(&ends)
        .unwrap();
    {
        let mut contents = store.contents();
        for (view, text) in [
            (&SHIPMENT_EVENTS, "00000000000000000000000000000002"),
            (&SHIPMENTS, "some text"),
        ] {
            let documents = contents.documents(view);
            documents.pop_first();
            documents.first_entry().unwrap().get_mut().rev ^= 1;
            let foreign = StoredDocument {
                rev: 0,
                version: 0,
                doc: String::new(),
            };
            documents.insert(text.to_owned(), foreign);
        }
        let rows = contents.rows(&ROUTE_STATS_DAILY);
        rows.pop_first();
        let mut row = rows.pop_last().unwrap().1;
        row[3] = Value::Integer(row[3].as_integer().unwrap() + 1);
        rows.insert(row[..3].to_vec(), row.clone());
        row[1] = "nowhere".into();
        rows.insert(row[..3].to_vec(), row);
        contents.writes = 0;
    }
    Running::start(&log, 2, &store, IN_ORDER, &ends)
        .reach(&ends)
        .unwrap();
    assert_eq!(
        store.contents().writes,
        9,
        "three documents a view and three rows"
    );
    assert_eq!(store.views(), recompute(&log, &ends));
}

#[test]
fn documents_of_an_epoch_that_the_stats_store_does_not_know_are_overwritten_all_the_same() {
    let (log, ends) = sample();
    let store = MemoryStore::default();
    Running::start(&log, 1, &store, IN_ORDER, &ends)
        .reach(&ends)
        .unwrap();
    {
        let mut contents = store.contents();
        contents.progress = None;
        for stored in contents
            .documents
            .values_mut()
            .flat_map(|view| view.values_mut())
        {
            stored.version = 7 << 42;
            stored.rev ^= 1;
        }
    }
    Running::start(&log, 1, &store, IN_ORDER, &ends)
        .reach(&ends)
        .unwrap();
    assert_eq!(store.contents().progress.as_ref().unwrap().epoch, 8);
    assert_eq!(store.views(), recompute(&log, &ends));
}

#[test]
fn a_failing_store_ends_the_dataflow_and_all_who_wait_hear_why() {
    let (log, ends) = sample();
    for workers in [1, 2] {
        for fails_after in [0, 1, 12] {
            let store = MemoryStore::default();
            store.contents().fails_after = Some(fails_after);
            let running = Running::start(&log, workers, &store, IN_ORDER, &ends);
            let error = running.reach(&ends).unwrap_err();
            assert!(error.contains("the disk is full"), "{error}");
            running.stop();
        }
    }
}

/// A source that gives up, on opening or on reading.
struct Broken;

impl RecordSource for Broken {
    fn read(&mut self, _: &[Offset], _: usize, _: &mut Batch) -> Result<bool, SourceError> {
        Err("the log is torn".into())
    }
}

#[test]
fn a_failing_source_ends_the_dataflow_and_all_who_wait_hear_why() {
    for broken_at_once in [true, false] {
        let control = Arc::new(Control::default());
        let ends = SetEnds::default();
        ends.set(&[Offset(1)]);
        let sources = (0..2).map(|worker| {
            let open: OpenSource = Box::new(move || {
                let source: Box<dyn RecordSource> = Box::new(Broken);
                if broken_at_once && worker == 1 {
                    Err("the log is gone".into())
                } else {
                    Ok(source)
                }
            });
            open
        });
        let engine = Engine::start(EngineConfig {
            sources: sources.collect(),
            sockets: None,
            clock: Some(Clock {
                epoch: 1,
                ends: Box::new(ends),
                wall: Arc::new(|| 1),
                last: 0,
                poll: Duration::from_millis(1),
            }),
            views: built_in(),
            sinks: Sinks::Count,
            dictionary: Arc::default(),
            seed: [1, 2],
            control: Arc::clone(&control),
        });
        let error = control.wait_written(&[Offset(1)]).unwrap_err();
        assert!(error.starts_with("the log is "), "{error}");
        engine.unwrap().join();
    }
}
