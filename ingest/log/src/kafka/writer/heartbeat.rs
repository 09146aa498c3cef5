//! Signs of life: while this writer has live claims, a thread repeats their last state in the
//! ledger every ten seconds.
//!
//! Entries and heartbeats of one run go out under one lock, so that none says less than the one
//! before it.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::error::KafkaError;

use super::{Producer, enqueue, entry_record};
use crate::clock::now_ms;
use crate::error::LogError;
use crate::kafka::context::{Kind, lock};
use crate::kafka::ledger::encode;
use crate::ledger::{LedgerEntry, RunTag};

const INTERVAL: Duration = Duration::from_secs(10);

/// The live claims of one writer and the thread that keeps them so.
pub(super) struct Heartbeat {
    claims: Arc<Mutex<Claims>>,
    topic: String,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The last entry of each run under way.
type Claims = BTreeMap<RunTag, LedgerEntry>;

impl Heartbeat {
    pub(super) fn start(producer: Producer, topic: &str) -> Result<Self, LogError> {
        let claims = Arc::new(Mutex::new(Claims::new()));
        let (stop, stopped) = mpsc::channel();
        let thread = {
            let (claims, topic) = (Arc::clone(&claims), topic.to_owned());
            let run = move || {
                while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    beat(&producer, &topic, &lock(&claims));
                }
            };
            let thread = thread::Builder::new().name("ledger heartbeat".into());
            thread.spawn(run).map_err(|source| LogError::Transfer {
                action: "start a thread for the heartbeats of runs",
                source,
            })?
        };
        Ok(Self {
            claims,
            topic: topic.to_owned(),
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Sends an entry and notes what it says about a claim of this writer.
    pub(super) fn send(
        &self,
        producer: &Producer,
        entry: &LedgerEntry,
        kind: Kind,
    ) -> Result<(), KafkaError> {
        let mut claims = lock(&self.claims);
        enqueue(
            producer,
            entry_record(&self.topic, entry, &encode(entry), kind),
        )?;
        if kind == Kind::Claim || claims.contains_key(&entry.tag()) {
            note(&mut claims, entry);
        }
        Ok(())
    }

    /// The run has ended, or is not this writer's.
    pub(super) fn forget(&self, tag: &RunTag) {
        lock(&self.claims).remove(tag);
    }

    /// The last entry of a run under way.
    pub(super) fn last(&self, tag: &RunTag) -> Option<LedgerEntry> {
        lock(&self.claims).get(tag).cloned()
    }
}

fn note(claims: &mut Claims, entry: &LedgerEntry) {
    if entry.state.is_live() {
        claims.insert(entry.tag(), entry.clone());
    } else {
        claims.remove(&entry.tag());
    }
}

fn beat(producer: &Producer, topic: &str, claims: &Claims) {
    for (tag, last) in claims {
        let entry = LedgerEntry::new(tag, last.kind, last.state, now_ms());
        let record = entry_record(topic, &entry, &[], Kind::Entry);
        let bytes = encode(&entry);
        let record = rdkafka::producer::BaseRecord {
            payload: Some(&*bytes),
            ..record
        };
        // A full queue is no place to wait with the lock: the next beat says the same.
        if let Err((error, _)) = producer.send(record) {
            tracing::warn!(run = %tag, %error, "a sign of life could not be sent");
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It holds the lock for no longer than an entry takes.
            let _ = thread.join();
        }
    }
}
