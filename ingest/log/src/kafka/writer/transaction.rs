//! Transactions: all records of a window or revert run and its last ledger entry, or none.
//!
//! The transactional id belongs to the space, so whoever fences ends what a predecessor left open
//! and shuts it out. Before a transaction begins, the ledger has the attempt as `running` with the
//! offsets where it begins: the readers' rule rests on it (see `ends.rs`).
//!
//! A commit whose outcome is unknown is resolved by fencing, which ends it one way or the other, and
//! then reading the ledger, whose entry is a part of the transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::Producer as _;

use super::{KafkaWriter, Producer, encode, enqueue, entry_record, flush, run_headers};
use crate::clock::now_ms;
use crate::error::LogError;
use crate::kafka::broker::Broker;
use crate::kafka::context::{Deliveries, Kind};
use crate::kafka::errors;
use crate::kafka::native::End;
use crate::ledger::{LedgerEntry, RunKind, RunState, RunTag};

const NONE_OPEN: LogError = LogError::Transaction("no transaction is open");
pub(super) const ONE_OPEN: LogError =
    LogError::Transaction("a transaction is open: commit or abort it first");

/// The shortest time that the broker gives a transaction.
const SHORTEST_MS: u64 = 60_000;
/// The longest that can be said; brokers allow far less.
const LONGEST_MS: u64 = i32::MAX as u64;
/// Records that a transaction can be counted on to have appended in a millisecond.
const RECORDS_A_MS: u64 = 10;
/// How long one step may take before it is tried again.
const STEP: Duration = Duration::from_secs(10);
/// How long a broker that is away is waited for: longer than a restart.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long the markers of a commit may take to be everywhere.
const VISIBLE: Duration = Duration::from_mins(1);

/// The transactional producer and what is open on it.
pub(super) struct Transactions {
    broker: Arc<Broker>,
    partitions: u32,
    producer: Option<Connected>,
    open: Option<Open>,
    /// The last one was ended by a commit that failed.
    given_up: bool,
}

struct Connected {
    producer: Producer,
    timeout_ms: u64,
}

struct Open {
    tag: RunTag,
    announced: Vec<u64>,
    appended: Vec<u64>,
    headers: Option<OwnedHeaders>,
    first: Vec<Offset>,
    /// Nobody had entered the attempt as running, so this writer did and has to take it back.
    announced_here: bool,
}

impl Transactions {
    pub(super) fn new(broker: &Arc<Broker>, partitions: u32) -> Self {
        Self {
            broker: Arc::clone(broker),
            partitions,
            producer: None,
            open: None,
            given_up: false,
        }
    }

    /// The run whose transaction is open.
    pub(super) fn open_tag(&self) -> Option<&RunTag> {
        self.open.as_ref().map(|open| &open.tag)
    }

    /// Where the records of the open transaction go, and with which headers.
    pub(super) fn open(&self) -> Option<(&Producer, &Option<OwnedHeaders>)> {
        let open = self.open.as_ref()?;
        Some((&self.producer.as_ref()?.producer, &open.headers))
    }

    /// A record was appended.
    pub(super) fn count(&mut self, partition: u32) {
        if let Some(open) = &mut self.open {
            open.appended[partition as usize] += 1;
        }
    }

    pub(super) fn fence(&mut self) -> Result<(), LogError> {
        if self.open.is_some() {
            return Err(ONE_OPEN);
        }
        let known = self.producer.as_ref().map(|known| known.timeout_ms);
        self.connect(known.unwrap_or(SHORTEST_MS))
    }

    /// A new producer, which has ended whatever was open under the space's id.
    fn connect(&mut self, timeout_ms: u64) -> Result<(), LogError> {
        self.producer = None;
        let config = self.broker.config.transactional_producer(timeout_ms);
        let producer: Producer = config
            .create_with_context(Deliveries::new(self.partitions))
            .map_err(|error| self.broker.wrapped("open a transactional producer", &error))?;
        let begun = Instant::now();
        while let Err(error) = producer.init_transactions(STEP) {
            let failed = self.failed(&producer, "fence earlier transactions", &error);
            if !(is_retriable(&error) || failed.is_passing()) || begun.elapsed() > PATIENCE {
                return Err(failed);
            }
        }
        self.producer = Some(Connected {
            producer,
            timeout_ms,
        });
        Ok(())
    }

    fn failed(&self, producer: &Producer, action: &str, error: &KafkaError) -> LogError {
        let context = producer.client().context().context();
        errors::wrapped(&self.broker.config.bootstrap, context, action, error)
    }

    /// Ends what is open and gives it; nothing when a commit that failed has ended it.
    fn give_up(&mut self) -> Result<Option<Open>, LogError> {
        let was_given_up = std::mem::take(&mut self.given_up);
        match self.open.take() {
            None if was_given_up => Ok(None),
            None => Err(NONE_OPEN),
            open => {
                self.end_aborted();
                Ok(open)
            }
        }
    }

    /// Aborts at the broker. Where that fails, nothing of it counts all the same: nobody can commit
    /// it, and it ends with the next fence or its time-out.
    fn end_aborted(&mut self) {
        let Some(Connected { producer, .. }) = &self.producer else {
            return;
        };
        let begun = Instant::now();
        while let Err(error) = producer.abort_transaction(STEP) {
            if !is_retriable(&error) || begun.elapsed() > PATIENCE {
                tracing::warn!(%error, "a transaction is left for its time-out or the next fence");
                self.producer = None;
                return;
            }
        }
        // Records that were not yet sent are lost on purpose.
        let _ = producer.client().context().take_error();
    }
}

fn is_retriable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.is_retriable())
}

/// What to do about a commit that has not come back well.
enum Step {
    Again,
    Abort,
    /// Whoever has fenced this producer has ended its transaction.
    Ended,
    Unknown,
}

impl Step {
    fn after(error: &KafkaError) -> Self {
        use RDKafkaErrorCode as Code;
        match error {
            KafkaError::Transaction(error) => match error.code() {
                Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Self::Ended,
                _ if error.is_retriable() => Self::Again,
                _ if error.txn_requires_abort() => Self::Abort,
                _ => Self::Unknown,
            },
            KafkaError::Flush(_) => Self::Again,
            _ => Self::Unknown,
        }
    }
}

impl KafkaWriter {
    pub(super) fn begin_transaction(
        &mut self,
        tag: &RunTag,
        parts: &[u64],
    ) -> Result<(), LogError> {
        if self.transactions.open.is_some() {
            return Err(ONE_OPEN);
        }
        if !parts.is_empty() && parts.len() != self.partitions as usize {
            return Err(LogError::BadPartitions(format!(
                "{} counts for {} partitions",
                parts.len(),
                self.partitions
            )));
        }
        let headers = run_headers(tag, parts)?;
        let needed = SHORTEST_MS + parts.iter().sum::<u64>() / RECORDS_A_MS;
        let needed = needed.min(LONGEST_MS);
        let known = self.transactions.producer.as_ref();
        if known.is_none_or(|known| known.timeout_ms < needed) {
            self.transactions.connect(needed)?;
        }
        let (first, announced_here) = self.announce(tag)?;
        let Some(Connected { producer, .. }) = &self.transactions.producer else {
            return Err(NONE_OPEN);
        };
        let deliveries = producer.client().context();
        deliveries.forget_ends();
        let _ = deliveries.take_error();
        producer.begin_transaction().map_err(|error| {
            self.transactions
                .failed(producer, "begin a transaction", &error)
        })?;
        self.transactions.given_up = false;
        self.transactions.open = Some(Open {
            tag: tag.clone(),
            announced: parts.to_vec(),
            appended: vec![0; self.partitions as usize],
            headers: Some(headers),
            first,
            announced_here,
        });
        Ok(())
    }

    pub(super) fn abort_transaction(&mut self) -> Result<(), LogError> {
        let open = self.transactions.give_up()?;
        self.take_back(open)
    }

    /// Ends in the ledger what only this writer had entered there.
    fn take_back(&mut self, open: Option<Open>) -> Result<(), LogError> {
        if let Some(open) = open.filter(|open| open.announced_here) {
            let (kind, state) = (RunKind::Window, RunState::Cancelled);
            let entry = LedgerEntry::new(&open.tag, kind, state, now_ms());
            self.send_entry(&entry, Kind::Entry)?;
            self.sync_entries()?;
        }
        Ok(())
    }

    /// Sees that the ledger has the attempt as running, with where it begins, and gives that and
    /// whether the ledger had it not.
    fn announce(&mut self, tag: &RunTag) -> Result<(Vec<Offset>, bool), LogError> {
        let last = self.heartbeat.last(tag);
        let kind = last.as_ref().map_or(RunKind::Window, |last| last.kind);
        let announced = last.filter(|last| last.state == RunState::Running);
        let announced = announced.and_then(|last| last.first);
        if let Some(first) = announced.filter(|first| first.len() == self.partitions as usize) {
            self.sync_entries()?;
            return Ok((first, false));
        }
        let first = self.broker.ends(self.partitions, End::Stable)?;
        let mut entry = LedgerEntry::new(tag, kind, RunState::Running, now_ms());
        entry.first = Some(first.clone());
        self.send_entry(&entry, Kind::Entry)?;
        self.sync_entries()?;
        Ok((first, true))
    }

    fn sync_entries(&mut self) -> Result<(), LogError> {
        use crate::event_log::LogWriter as _;
        self.sync()
    }

    pub(super) fn commit_transaction(
        &mut self,
        committed: &LedgerEntry,
    ) -> Result<Vec<Offset>, LogError> {
        let open = self.transactions.open.as_ref().ok_or(NONE_OPEN)?;
        if !open.announced.is_empty() && open.announced != open.appended {
            return Err(LogError::PartsMismatch {
                announced: open.announced.clone(),
                appended: open.appended.clone(),
            });
        }
        let tag = open.tag.clone();
        let sent = self.send_commit(committed);
        let committed = sent.and_then(|ends| self.commit_sent(&tag, ends));
        let open = self.transactions.open.take();
        if let Ok(ends) = &committed {
            self.heartbeat.forget(&tag);
            self.wait_until_visible(&tag, ends);
        } else {
            self.transactions.given_up = true;
            self.take_back(open)?;
        }
        committed
    }

    /// Waits for all records, then sends the entry. Aborted when this fails.
    fn send_commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        let sent = self.try_send_commit(committed);
        if sent.is_err() {
            self.transactions.end_aborted();
        }
        sent
    }

    fn try_send_commit(&self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        let (
            Some(open),
            Some(Connected {
                producer,
                timeout_ms,
            }),
        ) = (&self.transactions.open, &self.transactions.producer)
        else {
            return Err(NONE_OPEN);
        };
        let too_long = || LogError::Kafka {
            what: format!(
                "the records of {} were not acknowledged by {} within its transaction's {} s",
                open.tag,
                self.broker.config.bootstrap,
                timeout_ms / 1000
            ),
            passing: true,
        };
        if !flush(producer, Duration::from_millis(*timeout_ms)) {
            return Err(too_long());
        }
        self.lost(producer)?;
        let ends = producer.client().context().ends();
        let ends: Vec<Offset> = ends
            .into_iter()
            .zip(&open.first)
            .map(|(end, first)| {
                // Where it has no record, it ends where it would have begun.
                if end == 0 { *first } else { Offset(end) }
            })
            .collect();
        let mut entry = committed.clone();
        entry.ends.get_or_insert_with(|| ends.clone());
        let bytes = encode(&entry);
        let mut record = entry_record(&self.broker.ledger, &entry, &bytes, Kind::Entry);
        record.headers.clone_from(&open.headers);
        enqueue(producer, record).map_err(|error| self.failed(producer, &error))?;
        if !flush(producer, Duration::from_millis(*timeout_ms)) {
            return Err(too_long());
        }
        self.lost(producer)?;
        Ok(ends)
    }

    /// Commits what was sent whole, whatever it takes to know how that went.
    fn commit_sent(&mut self, tag: &RunTag, ends: Vec<Offset>) -> Result<Vec<Offset>, LogError> {
        let begun = Instant::now();
        loop {
            let Some(Connected { producer, .. }) = &self.transactions.producer else {
                return Err(NONE_OPEN);
            };
            let Err(error) = producer.commit_transaction(STEP) else {
                return Ok(ends);
            };
            tracing::warn!(run = %tag, %error, "the commit did not come back well");
            match Step::after(&error) {
                Step::Again if begun.elapsed() < PATIENCE => {}
                Step::Abort => {
                    let failed =
                        self.transactions
                            .failed(producer, "commit the transaction", &error);
                    self.transactions.end_aborted();
                    return Err(failed);
                }
                step => {
                    let action = "commit the transaction";
                    let failed = self.transactions.failed(producer, action, &error);
                    if !matches!(step, Step::Ended) {
                        // Ends it one way or the other.
                        self.transactions.connect(SHORTEST_MS)?;
                    }
                    return if self.was_committed(tag)? {
                        Ok(ends)
                    } else {
                        Err(failed)
                    };
                }
            }
        }
    }

    /// The commit counts as soon as the broker has said so; the markers that show it to readers are
    /// in the partitions a moment later, or when a broker that went away meanwhile is back. Whoever
    /// asks for the ends after a commit expects it there.
    fn wait_until_visible(&mut self, tag: &RunTag, ends: &[Offset]) {
        let begun = Instant::now();
        while !self.is_visible(tag, ends).unwrap_or(false) {
            if begun.elapsed() > VISIBLE {
                tracing::warn!(run = %tag, "a committed transaction is not yet shown to readers");
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_visible(&mut self, tag: &RunTag, ends: &[Offset]) -> Result<bool, LogError> {
        let stable = self.broker.ends(self.partitions, End::Stable)?;
        let is_in_all = stable.iter().zip(ends).all(|(stable, end)| stable >= end);
        Ok(is_in_all && self.was_committed(tag)?)
    }

    /// Reads in the ledger how a transaction that has ended did.
    fn was_committed(&mut self, tag: &RunTag) -> Result<bool, LogError> {
        self.refresh()?;
        let run = self.view.get(&tag.run_id);
        Ok(run.is_some_and(|run| {
            run.last.attempt == tag.attempt && run.state() == RunState::Committed
        }))
    }
}
