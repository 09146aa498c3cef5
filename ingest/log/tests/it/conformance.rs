//! One set of laws, run against the journal and against a real Kafka through the same traits.

use std::sync::atomic::{AtomicU32, Ordering};

use eip_contract::Offset;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{
    LedgerEntry, Log, LogReader, LogWriter, NewRecord, RunKind, RunState, RunTag, StateDir,
};
use tempfile::TempDir;

use crate::support::{Record, tag};

mod claims;
mod histories;
mod records;
mod several;
mod switch;
mod transactions;

/// Makes one test a backend of each law.
macro_rules! laws {
    ($($law:ident($partitions:expr),)*) => {
        mod journal {
            $(#[test] fn $law() { super::$law(&crate::conformance::journal($partitions)); })*
        }
        mod kafka {
            $(#[test] fn $law() { super::$law(&crate::conformance::kafka($partitions)); })*
        }
    };
}
use laws;

/// A log of one test.
pub(crate) struct Place {
    pub(crate) log: Log,
    pub(crate) config: Option<KafkaConfig>,
    _folder: TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(config) = self.config.take() {
            // A broker that a test has stopped keeps nothing.
            let _ = KafkaLog::drop_topics(config);
        }
    }
}

pub(crate) fn journal(partitions: u32) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::create(folder.path().join("state"), partitions).unwrap();
    Place {
        log: Log::from(&state),
        config: None,
        _folder: folder,
    }
}

pub(crate) fn kafka(partitions: u32) -> Place {
    kafka_at(&eip_test_servers::kafka(), partitions)
}

pub(crate) fn kafka_at(bootstrap: &str, partitions: u32) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let config = KafkaConfig::new(bootstrap, space(&folder), folder.path().join("state"));
    let log = KafkaLog::open_or_create(config.clone(), Some(partitions)).unwrap();
    Place {
        log: Log::new(log),
        config: Some(config),
        _folder: folder,
    }
}

/// A space that no other test has.
fn space(folder: &TempDir) -> eip_contract::Space {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // `.tmpAbCdEf`, in which case counts and a space has none.
    let random = folder.path().file_name().unwrap().to_str().unwrap();
    let random = random
        .bytes()
        .fold(0_u64, |sum, byte| sum << 8 ^ sum >> 56 ^ u64::from(byte));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("t-{random:x}-{count}").parse().unwrap()
}

impl Place {
    pub(crate) fn writer(&self) -> Box<dyn LogWriter> {
        self.log.writer("a test").unwrap()
    }

    /// All committed records by partition, without their offsets, which backends choose.
    pub(crate) fn all(&self) -> Vec<Record> {
        let mut reader = self.log.read_all().unwrap();
        let ends = self.log.committed_ends().unwrap();
        read_to(&mut *reader, &ends)
    }
}

pub(crate) fn read_to(reader: &mut dyn LogReader, upto: &[Offset]) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut each = |record: eip_log::RecordRef<'_>| records.push(record.into());
    reader.read_to(upto, &mut each).unwrap();
    let mut last = vec![None; upto.len()];
    for record in &records {
        assert!(
            record.offset < upto[record.partition as usize].0,
            "{record:?}"
        );
        assert!(
            last[record.partition as usize] < Some(record.offset),
            "offsets rise"
        );
        last[record.partition as usize] = Some(record.offset);
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    for record in &mut records {
        record.offset = 0;
    }
    records
}

/// Appends a record to a partition of choice.
pub(crate) fn put(writer: &mut dyn LogWriter, run: Option<&RunTag>, partition: u32, value: &str) {
    let record = NewRecord {
        partition: Some(partition),
        ..NewRecord::foreign(Some(b"k"), value.as_bytes())
    };
    writer.append(run, record).unwrap();
}

pub(crate) fn values(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| String::from_utf8(record.value.clone().unwrap()).unwrap();
    records.iter().map(text).collect()
}

/// What a run enters with the clock of this host.
pub(crate) fn entry(run_id: &str, kind: RunKind, state: RunState) -> LedgerEntry {
    LedgerEntry::new(&tag(run_id), kind, state, now_ms())
}

#[expect(
    clippy::disallowed_methods,
    reason = "heartbeats are about the wall clock"
)]
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_millis() as i64
}
