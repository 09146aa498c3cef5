//! Appending: records and ledger entries by an idempotent producer, transactions by another.
//!
//! A record's partition is the contract's, computed here and named, so that no producer setting can
//! move an order. Deliveries are noted by a thread of the producer; [`LogWriter::sync`] waits for
//! all of them and reports the first that failed. When a queue is full, appending waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_contract::{Event, Offset, partition_of};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

use super::broker::Broker;
use super::clients::MAX_RECORD_BYTES;
use super::context::{Deliveries, Kind};
use super::errors;
use super::ledger::{KafkaLedger, encode};
use super::native::{self, End};
use crate::error::LogError;
use crate::event_log::LogWriter;
use crate::ledger::{LedgerEntry, LedgerView, RunSummary, RunTag, is_run_id};
use crate::reader::RecordRef;
use crate::writer::NewRecord;

mod claims;
mod heartbeat;
mod others;
mod transaction;

use heartbeat::Heartbeat;
use transaction::Transactions;

/// How long a full queue is waited for at once.
const FULL: Duration = Duration::from_millis(2);

/// One producer and what became of its records.
pub(super) type Producer = ThreadedProducer<Deliveries>;

/// A writer of the log; see the head of this file.
pub(super) struct KafkaWriter {
    broker: Arc<Broker>,
    partitions: u32,
    producer: Producer,
    transactions: Transactions,
    heartbeat: Heartbeat,
    ledger: KafkaLedger,
    view: LedgerView,
    /// `headers` is made for this run.
    headers_of: Option<RunTag>,
    headers: Option<OwnedHeaders>,
    encoded: Vec<u8>,
}

/// What a record says of its times.
#[derive(Clone, Copy)]
struct Times {
    appended_ms: Option<i64>,
    due_micros: Option<i64>,
}

impl KafkaWriter {
    pub(super) fn open(
        broker: &Arc<Broker>,
        partitions: u32,
        holder: &str,
    ) -> Result<Self, LogError> {
        let config = broker.config.producer();
        let producer: Producer = config
            .create_with_context(Deliveries::new(partitions))
            .map_err(|error| broker.wrapped("open a Kafka producer", &error))?;
        tracing::debug!(holder, topic = broker.events, "writing");
        Ok(Self {
            heartbeat: Heartbeat::start(producer.clone(), &broker.ledger)?,
            ledger: KafkaLedger::open(broker)?,
            view: LedgerView::default(),
            transactions: Transactions::new(broker, partitions),
            broker: Arc::clone(broker),
            partitions,
            producer,
            headers_of: None,
            headers: None,
            encoded: Vec::new(),
        })
    }

    fn partition(&self, key: Option<&[u8]>, given: Option<u32>) -> Result<u32, LogError> {
        match (given, key) {
            (Some(partition), _) if partition >= self.partitions => {
                let partitions = self.partitions;
                Err(LogError::BadPartitions(format!(
                    "there is no partition {partition} among {partitions}"
                )))
            }
            (Some(partition), _) => Ok(partition),
            (None, Some(key)) => Ok(partition_of(key, self.partitions)),
            (None, None) => Ok(0),
        }
    }

    /// Sees that the headers are those of `tag`.
    fn prepare(&mut self, tag: Option<&RunTag>) -> Result<(), LogError> {
        if let Some(open) = self.transactions.open_tag() {
            return match tag {
                Some(tag) if tag != open => Err(LogError::Transaction(
                    "a record of another run cannot go into this transaction",
                )),
                _ => Ok(()),
            };
        }
        if self.headers_of.as_ref() != tag {
            self.headers = tag.map(|tag| run_headers(tag, &[])).transpose()?;
            self.headers_of = tag.cloned();
        }
        Ok(())
    }

    fn send(
        &mut self,
        partition: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        times: Times,
    ) -> Result<(), LogError> {
        let (producer, headers) = match self.transactions.open() {
            Some(open) => open,
            None => (&self.producer, &self.headers),
        };
        if producer.client().context().has_failed() {
            return self.lost(producer);
        }
        let headers = match times.due_micros {
            None => headers.clone(),
            Some(due) => Some(headers.clone().unwrap_or_default().insert(Header {
                key: "due",
                value: Some(&due.to_string()),
            })),
        };
        let mut record = BaseRecord::with_opaque_to(&self.broker.events, Kind::Record as usize)
            .partition(partition as i32);
        record.key = key;
        record.payload = value;
        record.headers = headers;
        // Without one it is the time of sending.
        record.timestamp = times.appended_ms;
        enqueue(producer, record).map_err(|error| self.failed(producer, &error))
    }

    fn failed(&self, producer: &Producer, error: &KafkaError) -> LogError {
        let context = producer.client().context().context();
        errors::wrapped(
            &self.broker.config.bootstrap,
            context,
            "append to the log",
            error,
        )
    }

    /// The first record that was lost, if one was.
    fn lost(&self, producer: &Producer) -> Result<(), LogError> {
        let deliveries = producer.client().context();
        match deliveries.take_error() {
            None => Ok(()),
            Some(error) => {
                let bootstrap = &self.broker.config.bootstrap;
                Err(errors::delivery(bootstrap, deliveries.context(), error))
            }
        }
    }

    /// Sends an entry outside of any transaction.
    fn send_entry(&mut self, entry: &LedgerEntry, kind: Kind) -> Result<(), LogError> {
        if self.transactions.open_tag().is_some() {
            return Err(transaction::ONE_OPEN);
        }
        if !is_run_id(&entry.run_id) {
            return Err(LogError::BadRunId(entry.run_id.clone()));
        }
        let sent = self.heartbeat.send(&self.producer, entry, kind);
        sent.map_err(|error| self.failed(&self.producer, &error))
    }

    /// Brings the view of the ledger up to date.
    fn refresh(&mut self) -> Result<(), LogError> {
        use crate::event_log::LedgerSource as _;
        let view = &mut self.view;
        self.ledger
            .poll(&mut |position, entry| view.apply(position, entry))?;
        Ok(())
    }
}

/// Sends a record, waiting while the queue is full.
fn enqueue(
    producer: &Producer,
    mut record: BaseRecord<'_, [u8], [u8], usize>,
) -> Result<(), KafkaError> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                // Deliveries make room; without a broker they end in a time-out, which does too.
                producer.poll(FULL);
                record = back;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// The record of an entry.
fn entry_record<'a>(
    topic: &'a str,
    entry: &'a LedgerEntry,
    bytes: &'a [u8],
    kind: Kind,
) -> BaseRecord<'a, [u8], [u8], usize> {
    let mut record = BaseRecord::with_opaque_to(topic, kind as usize).partition(0);
    record.key = Some(entry.run_id.as_bytes());
    record.payload = Some(bytes);
    record
}

/// The headers `run` and, when there are any, `parts`.
fn run_headers(tag: &RunTag, parts: &[u64]) -> Result<OwnedHeaders, LogError> {
    if !is_run_id(&tag.run_id) {
        return Err(LogError::BadRunId(tag.run_id.clone()));
    }
    let headers = OwnedHeaders::new().insert(Header {
        key: "run",
        value: Some(&tag.to_string()),
    });
    if parts.is_empty() {
        return Ok(headers);
    }
    let counts: Vec<String> = parts.iter().map(u64::to_string).collect();
    Ok(headers.insert(Header {
        key: "parts",
        value: Some(&counts.join(",")),
    }))
}

/// Waits until all that was sent is delivered or has failed; `false` when that takes too long.
fn flush(producer: &Producer, patience: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if native::flush(producer.client(), Duration::from_secs(1)) {
            return true;
        }
    }
    false
}

impl LogWriter for KafkaWriter {
    fn append(&mut self, tag: Option<&RunTag>, record: NewRecord<'_>) -> Result<(), LogError> {
        let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if size > MAX_RECORD_BYTES as usize {
            return Err(errors::refusal(format!(
                "a record of {size} bytes is above {MAX_RECORD_BYTES}, the most that topic {} takes",
                self.broker.events
            )));
        }
        let partition = self.partition(record.key, record.partition)?;
        self.prepare(tag)?;
        let times = Times {
            appended_ms: record.appended_ms,
            due_micros: record.due_micros,
        };
        self.send(partition, record.key, record.value, times)?;
        self.transactions.count(partition);
        Ok(())
    }

    fn append_event(
        &mut self,
        tag: Option<&RunTag>,
        event: &Event<'_>,
        due_micros: Option<i64>,
    ) -> Result<(), LogError> {
        let key = event.order_id.as_bytes();
        let partition = self.partition(Some(key), None)?;
        self.prepare(tag)?;
        let mut encoded = std::mem::take(&mut self.encoded);
        encoded.clear();
        event.encode(&mut encoded);
        let times = Times {
            appended_ms: None,
            due_micros,
        };
        let sent = self.send(partition, Some(key), Some(&encoded), times);
        self.encoded = encoded;
        sent?;
        self.transactions.count(partition);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        // Each record has its own time-out, so this ends.
        while !flush(&self.producer, Duration::from_mins(1)) {
            tracing::warn!(topic = self.broker.events, "waiting for acknowledgements");
        }
        self.lost(&self.producer)
    }

    fn ends(&mut self) -> Result<Vec<Offset>, LogError> {
        self.broker.ends(self.partitions, End::Stable)
    }

    fn fence(&mut self) -> Result<(), LogError> {
        self.transactions.fence()
    }

    fn begin(&mut self, tag: &RunTag, parts: &[u64]) -> Result<(), LogError> {
        self.begin_transaction(tag, parts)
    }

    fn appended_by_others(
        &mut self,
        base: &[Offset],
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError> {
        self.read_others(base, each)
    }

    fn commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        self.commit_transaction(committed)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.abort_transaction()
    }

    fn claim(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        self.make_claim(entry)
    }

    fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        self.send_entry(entry, Kind::Entry)
    }

    fn check_claim(&mut self, tag: &RunTag) -> Result<(), LogError> {
        self.look_at_claim(tag)
    }

    fn interrupt_unfinished(&mut self, now_ms: i64) -> Result<Vec<RunSummary>, LogError> {
        self.interrupt_silent(now_ms)
    }
}
