//! A log that stalls for a second, and what the figures say of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eip_contract::{Event, Offset};
use eip_ingest::run::{Runner, Silent, Task, run_file};
use eip_log::{
    EventLog, LedgerEntry, LedgerSource, Log, LogEnds, LogError, LogReader, LogWriter, NewRecord,
    RecordRef, RunSummary, RunTag, TopicId,
};

use super::{Timed, committed, seconds, times, week};
use crate::bench::{Bench, clock, source};
use crate::data;

/// A log whose acknowledgement takes a second, once.
#[derive(Debug)]
struct Stalling {
    log: Log,
    has_stalled: Arc<AtomicBool>,
}

struct StallingWriter {
    writer: Box<dyn LogWriter>,
    appended: u64,
    has_stalled: Arc<AtomicBool>,
}

impl EventLog for Stalling {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }
    fn topic_id(&self) -> TopicId {
        self.log.topic_id()
    }
    fn folder(&self) -> &std::path::Path {
        self.log.folder()
    }
    fn place(&self) -> String {
        self.log.place()
    }
    fn writer(&self, holder: &str) -> Result<Box<dyn LogWriter>, LogError> {
        Ok(Box::new(StallingWriter {
            writer: self.log.writer(holder)?,
            appended: 0,
            has_stalled: Arc::clone(&self.has_stalled),
        }))
    }
    fn reader(&self, partitions: &[u32], from: &[Offset]) -> Result<Box<dyn LogReader>, LogError> {
        self.log.reader(partitions, from)
    }
    fn ends(&self) -> Result<Box<dyn LogEnds>, LogError> {
        self.log.ends()
    }
    fn committed_ends(&self) -> Result<Vec<Offset>, LogError> {
        self.log.committed_ends()
    }
    fn ledger(&self) -> Result<Box<dyn LedgerSource>, LogError> {
        self.log.ledger()
    }
}

impl LogWriter for StallingWriter {
    fn append(&mut self, tag: Option<&RunTag>, record: NewRecord<'_>) -> Result<(), LogError> {
        self.writer.append(tag, record)
    }
    fn append_event(
        &mut self,
        tag: Option<&RunTag>,
        event: &Event<'_>,
        due_micros: Option<i64>,
    ) -> Result<(), LogError> {
        self.appended += 1;
        assert!(due_micros.is_some(), "a paced record says when it was due");
        self.writer.append_event(tag, event, due_micros)
    }
    fn sync(&mut self) -> Result<(), LogError> {
        if self.appended > 500 && !self.has_stalled.swap(true, Ordering::Relaxed) {
            std::thread::sleep(Duration::from_secs(1));
        }
        self.writer.sync()
    }
    fn ends(&mut self) -> Result<Vec<Offset>, LogError> {
        self.writer.ends()
    }
    fn fence(&mut self) -> Result<(), LogError> {
        self.writer.fence()
    }
    fn begin(&mut self, tag: &RunTag, parts: &[u64]) -> Result<(), LogError> {
        self.writer.begin(tag, parts)
    }
    fn appended_by_others(
        &mut self,
        base: &[Offset],
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError> {
        self.writer.appended_by_others(base, each)
    }
    fn commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        self.writer.commit(committed)
    }
    fn abort(&mut self) -> Result<(), LogError> {
        self.writer.abort()
    }
    fn claim(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        self.writer.claim(entry)
    }
    fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        self.writer.append_ledger(entry)
    }
    fn check_claim(&mut self, tag: &RunTag) -> Result<(), LogError> {
        self.writer.check_claim(tag)
    }
    fn interrupt_unfinished(&mut self, now_ms: i64) -> Result<Vec<RunSummary>, LogError> {
        self.writer.interrupt_unfinished(now_ms)
    }
}

#[test]
fn a_log_that_stalls_shows_in_the_latency_from_the_due_time_and_nowhere_else() {
    let bench = Bench::new();
    let data: PathBuf = bench.data("data", &data::orders(8_000, 15));
    let log = Log::new(Stalling {
        log: (&bench.state).into(),
        has_stalled: Arc::default(),
    });
    let mut runner = Runner::open(log.clone(), "test", clock()).unwrap();
    let task = week(source(&data), seconds(4));
    let outcome = runner
        .execute(&bench.request(Task::Scaled(task)), &mut Silent)
        .unwrap();
    let events = committed(&outcome);
    let pace = outcome.summary.pace.unwrap();
    println!("{pace}");
    assert!(pace.latency_us.p999 >= 500_000, "{pace}");
    assert!(pace.latency_uncorrected_us.p90 < 500_000, "{pace}");
    // What was due meanwhile was handed over when it was due, by a thread that waits for no log.
    let times = times(&log, &outcome.run);
    times.check();
    let stalled = |event: &&Timed| event.acknowledged - event.due > 500_000_000;
    let waiting = times.events.iter().filter(stalled).count();
    assert!(waiting > 50, "{waiting} of {events} waited");
    let file = std::fs::read_to_string(run_file(&log, &outcome.run, "latency.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(file["latency_us"]["p999"], pace.latency_us.p999);
}
