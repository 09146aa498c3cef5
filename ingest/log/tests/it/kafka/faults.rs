//! A broker that is killed, hangs or starts again, with an instance of its own.

use std::thread;
use std::time::{Duration, Instant};

use eip_log::{LogEnds, LogError, NewRecord};
use eip_test_servers::Private;

use crate::conformance::{self, put, read_to};
use crate::support::{committed, tag};

/// Polls through errors that pass.
fn patiently<T>(mut call: impl FnMut() -> Result<T, LogError>) -> T {
    let begun = Instant::now();
    loop {
        match call() {
            Ok(answer) => return answer,
            Err(error) => {
                assert!(error.is_passing(), "{error}");
                assert!(begun.elapsed() < Duration::from_mins(2), "{error}");
            }
        }
    }
}

#[test]
fn a_broker_that_is_killed_loses_and_doubles_nothing() {
    let servers = Private::start(&["kafka"]);
    let place = conformance::kafka_at(&servers.address("kafka"), 3);
    let mut writer = place.writer();
    let mut ends = place.log.ends().unwrap();
    let mut reader = place.log.read_all().unwrap();
    let mut read = Vec::new();
    for round in 0..2 {
        thread::scope(|scope| {
            let killing = scope.spawn(|| {
                servers.kill("kafka");
                servers.restart("kafka");
            });
            // Appending goes on while the broker is away, and waits for it at the end.
            for n in 0..20_000_u32 {
                let value = format!("{round}-{n}");
                let record = NewRecord {
                    partition: Some(n % 3),
                    ..NewRecord::foreign(Some(b"k"), value.as_bytes())
                };
                writer.append(None, record).unwrap();
            }
            writer.sync().unwrap();
            killing.join().unwrap();
        });
        let upto = patiently(|| ends.poll());
        read.extend(read_to(&mut *reader, &upto));
        assert_eq!(read.len(), 20_000 * (round + 1));
    }
    let mut texts: Vec<_> = read
        .iter()
        .map(|record| record.value.clone().unwrap())
        .collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 40_000);
}

#[test]
fn a_broker_that_is_killed_inside_a_transaction_ends_it_whole_or_not_at_all() {
    let servers = Private::start(&["kafka"]);
    let place = conformance::kafka_at(&servers.address("kafka"), 3);
    let mut writer = place.writer();
    patiently(|| writer.fence());
    let mut expected = 0;
    for round in 0..3 {
        let run = format!("w{round}");
        writer.begin(&tag(&run), &[100, 100, 100]).unwrap();
        for n in 0..300 {
            put(&mut *writer, None, n % 3, "inside");
        }
        let outcome = thread::scope(|scope| {
            let killing = scope.spawn(|| {
                servers.kill("kafka");
                servers.restart("kafka");
            });
            if round == 1 {
                killing.join().unwrap();
                return writer.commit(&committed(&run));
            }
            // At whatever moment of the commit it comes.
            let outcome = writer.commit(&committed(&run));
            killing.join().unwrap();
            outcome
        });
        let is_committed = patiently(|| place.log.runs())
            .get(&run)
            .is_some_and(|run| run.state() == eip_log::RunState::Committed);
        assert_eq!(is_committed, outcome.is_ok(), "{outcome:?}");
        if is_committed {
            expected += 300;
        } else {
            let _ = writer.abort();
            patiently(|| writer.fence());
        }
        let mut ends: Box<dyn LogEnds> = patiently(|| place.log.ends());
        let mut reader = patiently(|| place.log.read_all());
        let begun = Instant::now();
        let mut seen = 0;
        while seen < expected {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "{seen} of {expected}"
            );
            let upto = patiently(|| ends.poll());
            seen += read_to(&mut *reader, &upto).len();
            assert!(seen % 300 == 0, "{seen}");
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_broker_that_hung_for_longer_than_its_session_is_waited_for() {
    let servers = Private::start(&["kafka"]);
    let place = conformance::kafka_at(&servers.address("kafka"), 3);
    thread::scope(|scope| {
        servers.pause("kafka");
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(8));
            servers.resume("kafka");
        });
        // It goes on leading nothing: its controller took it for dead.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(12) {
            assert!(place.log.runs().unwrap().runs().is_empty());
            place.log.committed_ends().unwrap();
        }
    });
}
