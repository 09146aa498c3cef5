//! The view of `examples/own_view.rs` through a correction, in every store.

use eip_dataflow::{DataflowConfig, spawn};
use eip_log::JournalWriter;
use eip_stores::ViewReader;

use crate::postgres::{TestSpace, servers::Servers};
use crate::spawned::{Place, assert_fact, lines, retract};

#[path = "../../examples/own_view.rs"]
#[expect(dead_code, reason = "its main is another program's")]
mod example;

fn is_maintained(place: &Place, mut config: DataflowConfig, reader: impl Fn() -> ViewReader) {
    config.views.push(example::events_by_hour());
    let dataflow = spawn(config).unwrap();
    let mut journal = JournalWriter::open(&place.state, "a test").unwrap();
    // A fact is its order, the rank of its type, its hour.
    let mut after = |gone: &[&str], facts: &[(&'static str, usize, i64)]| {
        retract(&mut journal, gone);
        for &(order, rank, hour) in facts {
            assert_fact(&mut journal, order, rank, hour * 3600 + 61);
        }
        journal.sync().unwrap();
        dataflow.wait_written(&journal.ends()).unwrap();
        lines(&mut reader(), &example::EVENTS_BY_HOUR).join("\n")
    };
    let first = [("a", 0, 10), ("a", 5, 12), ("b", 0, 10)];
    let rows = r#"{"hour":"1970-01-01T10:00:00Z","event_type":"ORDER_PLACED","events":2}
{"hour":"1970-01-01T12:00:00Z","event_type":"DELIVERED","events":1}"#;
    assert_eq!(after(&[], &first), rows);
    // A window again: `a` is placed an hour later and not delivered, `b` is gone.
    let rows = r#"{"hour":"1970-01-01T11:00:00Z","event_type":"ORDER_PLACED","events":1}"#;
    assert_eq!(after(&["a", "b"], &[("a", 0, 11)]), rows);
}

#[test]
fn is_maintained_in_sqlite() {
    let place = Place::new();
    is_maintained(&place, place.config(2, false), || place.reader());
}

#[test]
fn is_maintained_in_postgres() {
    let (place, servers) = (Place::new(), Servers::of(TestSpace::new()));
    let config = place.config_over(servers.stores(place.state.topic_id()));
    is_maintained(&place, config, || servers.reader());
}
