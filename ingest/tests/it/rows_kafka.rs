//! Pushed rows on a real Kafka: the same facts, and the same key after an owner that died.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eip_contract::{Change, decode_record};
use eip_ingest::run::{Clock, Observer, Progress};
use eip_ingest::{RunId, RunRequest, Runner};
use eip_log::Log;
use eip_log::kafka::{KafkaConfig, KafkaLog};

use crate::bench::{Bench, Facts, fast, source};
use crate::data;
use crate::http::{get, with_server_on};
use crate::pushing::{self, as_of, rows_of, text};
use crate::rows_http::{TERMS, push};

/// The topics of one test.
struct Topics(KafkaConfig);

impl Drop for Topics {
    fn drop(&mut self) {
        // A broker that is gone keeps nothing.
        let _ = KafkaLog::drop_topics(self.0.clone());
    }
}

fn kafka(bench: &Bench, name: &str) -> (Log, Topics) {
    let random = bench.folder.path().file_name().unwrap().to_str().unwrap();
    let random = eip_ingest::RunId::of_key(random);
    let space = format!("rows-{name}-{random}").parse().unwrap();
    let state = bench.folder.path().join("kafka");
    let config = KafkaConfig::new(eip_test_servers::kafka(), space, state);
    let log = KafkaLog::open_or_create(config.clone(), Some(4)).unwrap();
    (Log::new(log), Topics(config))
}

/// Claims are about the wall clock.
fn wall(late_ms: i64) -> Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "heartbeats are about the wall clock"
    )]
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Box::new(move || now().unwrap().as_millis() as i64 - late_ms)
}

fn facts(log: &Log) -> (Facts, usize) {
    let (mut facts, mut records) = (Facts::new(), 0);
    let ends = log.committed_ends().unwrap();
    let mut each = |record: eip_log::RecordRef<'_>| {
        records += 1;
        let change = decode_record(4, record.partition, record.key, record.value).unwrap();
        let Change::Assert(decoded) = change else {
            panic!("pushed rows never retract");
        };
        let event = decoded.event.into_owned();
        facts.insert((event.order_id.to_string(), event.event_type), event);
    };
    log.read_all().unwrap().read_to(&ends, &mut each).unwrap();
    (facts, records)
}

/// Dies when the records are written and nobody has been told.
struct Dies;

impl Observer for Dies {
    fn progress(&mut self, progress: &Progress) {
        assert!(progress.records == 0, "the owner dies here");
    }
}

#[test]
fn rows_on_kafka_make_a_fast_runs_facts_and_go_on_after_their_owner_died() {
    let bench = Bench::new();
    let orders = data::orders(300, 1);
    let folder = bench.data("data", &orders);
    let mut wanted = source(&folder);
    wanted.as_of = Some(as_of());
    bench.run(fast(wanted)).unwrap();
    let pushed = text(&rows_of(&folder));
    let (log, _topics) = kafka(&bench, "push");

    let request = RunRequest {
        id: RunId::of_key("k1"),
        requester: "tester".to_owned(),
        origin: "test".to_owned(),
        reason: None,
        task: pushing::push(&pushed),
    };
    // Longer ago than the silence after which an owner is taken for gone.
    let mut runner = Runner::open(log.clone(), "test", wall(120_000)).unwrap();
    let died = catch_unwind(AssertUnwindSafe(|| runner.execute(&request, &mut Dies)));
    assert!(died.is_err());
    drop(runner);

    let server_log = log.clone();
    let folder = bench.folder.path();
    with_server_on(
        server_log,
        folder,
        wall(0),
        |_| {},
        move |address| {
            let run = get(address, &format!("/v1/runs/{}", request.id)).body;
            assert_eq!(run["state"], "interrupted", "{run}");
            let first = push(address, TERMS, "k1", &pushed);
            assert_eq!(first.lines().last().unwrap()["state"], "committed");
            let again = push(address, TERMS, "k1", &pushed);
            assert_eq!((again.status, again.body), (200, first.body));
            let other = push(address, TERMS, "k1", &pushed.replace("SP", "RJ"));
            assert_eq!(other.problem()["type"], "/problems/key_reused");
            let run = get(address, &format!("/v1/runs/{}", request.id)).body;
            assert_eq!(
                (&run["state"], &run["attempt"]),
                (&"committed".into(), &2.into())
            );
            // Another key asserts the same facts again.
            push(address, TERMS, "k2", &pushed).lines();
        },
    );
    let (facts, records) = facts(&log);
    assert_eq!(facts, bench.facts());
    assert_eq!(records, 3 * bench.records());
}
