//! What the tests share: a state folder, and a naive reading of a journal by whole-line JSON.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use eip_contract::Offset;
use eip_log::{
    JournalReader, JournalWriter, LedgerEntry, NewRecord, RecordRef, RunKind, RunState, RunTag,
    StateDir, TopicId, WriterOptions,
};
use serde_json::Value;
use tempfile::TempDir;

/// A record with its own bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) run: Option<String>,
    pub(crate) parts: Option<String>,
    pub(crate) due_micros: Option<i64>,
}

impl From<RecordRef<'_>> for Record {
    fn from(record: RecordRef<'_>) -> Self {
        Self {
            partition: record.partition,
            offset: record.offset.0,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            run: record.run.map(str::to_owned),
            parts: record.parts.map(str::to_owned),
            due_micros: record.due_micros,
        }
    }
}

pub(crate) fn state(partitions: u32) -> (TempDir, StateDir) {
    let folder = tempfile::tempdir().unwrap();
    let state =
        StateDir::create_as(folder.path().join("state"), partitions, TopicId(7), 0).unwrap();
    (folder, state)
}

/// Nothing here outlives the machine, so nothing waits for the disk.
pub(crate) fn open(state: &StateDir) -> JournalWriter {
    let options = WriterOptions {
        durable: false,
        ..WriterOptions::default()
    };
    JournalWriter::open_with(state, "a test", options).unwrap()
}

/// A writer that writes and rolls often.
pub(crate) fn open_small(state: &StateDir) -> JournalWriter {
    let options = WriterOptions {
        roll_bytes: 1000,
        flush_bytes: 150,
        durable: false,
        ..WriterOptions::default()
    };
    JournalWriter::open_with(state, "a test", options).unwrap()
}

pub(crate) fn tag(run_id: &str) -> RunTag {
    RunTag {
        run_id: run_id.into(),
        attempt: 1,
    }
}

pub(crate) fn committed(run_id: &str) -> LedgerEntry {
    LedgerEntry::new(&tag(run_id), RunKind::Window, RunState::Committed, 1)
}

/// Appends a record to a partition of choice.
pub(crate) fn put(writer: &mut JournalWriter, partition: u32, key: &str, value: &str) -> u64 {
    let record = NewRecord {
        partition: Some(partition),
        ..NewRecord::foreign(Some(key.as_bytes()), value.as_bytes())
    };
    writer.append(None, record).unwrap().1.0
}

/// All committed records as a new reader gives them.
pub(crate) fn read_all(state: &StateDir) -> Vec<Record> {
    let mut reader = reader(state);
    let mut records = Vec::new();
    while reader
        .poll(None, 3, &mut |record| records.push(record.into()))
        .unwrap()
        > 0
    {}
    records
}

pub(crate) fn reader(state: &StateDir) -> JournalReader {
    let from = vec![Offset(0); state.partitions() as usize];
    JournalReader::open(state, (0..state.partitions()).collect(), from).unwrap()
}

pub(crate) fn files(state: &StateDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.journal_path()).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "ndjson")
    });
    files.sort();
    files
}

/// A copy of the state folder, for another attempt at the same journal.
pub(crate) fn copy(state: &StateDir) -> (TempDir, StateDir) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("state");
    fs::create_dir_all(target.join("journal")).unwrap();
    fs::copy(
        state.path().join("eip-state.json"),
        target.join("eip-state.json"),
    )
    .unwrap();
    for file in files(state) {
        let name = file.file_name().unwrap();
        fs::copy(&file, target.join("journal").join(name)).unwrap();
    }
    let state = StateDir::open(&target).unwrap();
    (folder, state)
}

/// What a journal says, read by whole-line JSON: committed records, ends, committed ledger entries.
/// Stops at the first line that is no JSON.
pub(crate) fn read_naively(state: &StateDir) -> (Vec<Record>, Vec<u64>, Vec<LedgerEntry>) {
    let decode = |text: &Value| {
        base64::engine::general_purpose::STANDARD
            .decode(text.as_str().unwrap())
            .unwrap()
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut records = Vec::new();
    let mut ledger = Vec::new();
    let mut ends = vec![0; state.partitions() as usize];
    let mut block: Option<(Vec<Record>, Vec<LedgerEntry>)> = None;
    for file in files(state) {
        let bytes = fs::read(file).unwrap();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Ok(json) = serde_json::from_slice::<Value>(line) else {
                break;
            };
            if line.last() != Some(&b'\n') {
                break;
            }
            if json.get("journal").is_some() {
                continue;
            }
            if json.get("begin").is_some() {
                block = Some(Default::default());
            } else if json.get("commit").is_some() || json.get("abort").is_some() {
                let (block, entries) = block.take().unwrap();
                if json.get("commit").is_some() {
                    records.extend(block);
                    ledger.extend(entries);
                }
                ends = serde_json::from_value(json["next"].clone()).unwrap();
            } else if let Some(entry) = json.get("ledger") {
                let entry = serde_json::from_value(entry.clone()).unwrap();
                block
                    .as_mut()
                    .map_or(&mut ledger, |block| &mut block.1)
                    .push(entry);
            } else if json.get("p").is_some() {
                let value_bytes = |line: &[u8]| {
                    let start = memchr::memmem::find(line, b",\"v\":").unwrap() + 5;
                    let end = memchr::memmem::rfind(line, b",\"c\":").unwrap();
                    line[start..end].to_vec()
                };
                let record = Record {
                    partition: json["p"].as_u64().unwrap() as u32,
                    offset: json["o"].as_u64().unwrap(),
                    key: match (json.get("k"), json.get("k64")) {
                        (Some(key), _) => key.as_str().map(|key| key.as_bytes().to_vec()),
                        (_, key) => key.map(decode),
                    },
                    value: match (json.get("v"), json.get("b64")) {
                        (Some(Value::Null), _) => None,
                        (Some(_), _) => Some(value_bytes(line)),
                        (_, value) => value.map(decode),
                    },
                    run: text(&json["run"]),
                    parts: text(&json["parts"]),
                    due_micros: json["due"].as_i64(),
                };
                if let Some(block) = &mut block {
                    block.0.push(record);
                } else {
                    ends[record.partition as usize] = record.offset + 1;
                    records.push(record);
                }
            }
        }
    }
    (records, ends, ledger)
}
