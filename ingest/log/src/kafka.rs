//! Kafka as the event log: the topics `fulfillment-events` and `fulfillment-runs` of a space.
//!
//! ```text
//!  KafkaConfig ─► KafkaLog ──┬─ writer() ─► KafkaWriter   idempotent and transactional producer  [writer]
//!   [config,      [topics]   ├─ reader() ─► KafkaReader   explicit assignment, read_committed    [reader]
//!    clients]                ├─ ends()   ─► KafkaEnds     last stable offsets and the ledger     [ends]
//!                            └─ ledger() ─► KafkaLedger   one partition, position = offset       [ledger]
//!                 Broker: one connection for questions    [broker, native: what C alone offers]
//! ```
//!
//! Promises: both topics are looked at whenever a log is opened, so that nothing that compaction or
//! retention would remove is taken for kept; a topic that was made anew, cut or partitioned
//! otherwise is refused with the way out named; a reader never skips a record.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use eip_contract::{Offset, Space};
use serde::{Deserialize, Serialize};

use crate::error::LogError;
use crate::event_log::{EventLog, LedgerSource, LogEnds, LogReader, LogWriter};
use crate::state::TopicId;

mod broker;
mod clients;
mod config;
mod context;
mod ends;
mod errors;
mod ledger;
mod native;
mod reader;
mod topics;
mod writer;

pub use config::KafkaConfig;

use broker::Broker;
use ends::KafkaEnds;
use errors::refusal;
use ledger::KafkaLedger;
use native::TopicFacts;
use reader::KafkaReader;
use topics::Missing;
use writer::KafkaWriter;

/// A run that was not heard of for so long has no owner any more.
pub const SILENCE_MS: i64 = 30_000;

/// The file in the local folder that remembers which topic it belongs to.
const MEMORY: &str = "kafka.json";
/// The newest format of that file that this program reads and the one it writes.
const MEMORY_FORMAT: u32 = 1;

/// The log of one space. Cheap to clone.
#[derive(Clone)]
pub struct KafkaLog {
    broker: Arc<Broker>,
    partitions: u32,
    topic_id: TopicId,
}

/// What the local folder remembers.
#[derive(Serialize, Deserialize)]
struct Memory {
    format: u32,
    topic_id: TopicId,
    partitions: u32,
}

impl KafkaLog {
    /// Opens the log of a space that is there.
    pub fn open(config: KafkaConfig) -> Result<Self, LogError> {
        Self::find(config, Missing::Refuse)?.recognized()
    }

    /// Opens it, or makes its topics when there are none. `partitions` must be those of existing
    /// ones.
    pub fn open_or_create(config: KafkaConfig, partitions: Option<u32>) -> Result<Self, LogError> {
        Self::find(config, Missing::Create { partitions })?.recognized()
    }

    /// Opens it and takes it for the folder's log from now on, whatever that was before. What is
    /// derived from another one is left to whoever owns it.
    pub fn adopt(config: KafkaConfig) -> Result<Self, LogError> {
        let log = Self::find(config, Missing::Refuse)?;
        log.remember()?;
        Ok(log)
    }

    /// The spaces that have a log at this broker.
    pub fn spaces(config: KafkaConfig) -> Result<Vec<Space>, LogError> {
        topics::spaces(&Broker::new(config)?)
    }

    /// Removes both topics of the space and its consumer group for good. The local folder is left
    /// but for what it remembers of the topic.
    pub fn drop_topics(config: KafkaConfig) -> Result<(), LogError> {
        let broker = Broker::new(config)?;
        topics::drop_all(&broker)?;
        match fs::remove_file(broker.config.folder.join(MEMORY)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LogError::io(
                "remove",
                &broker.config.folder.join(MEMORY),
            )(error)),
            _ => Ok(()),
        }
    }

    /// Makes the space's topics anew and empty.
    pub fn recreate(config: KafkaConfig, partitions: Option<u32>) -> Result<Self, LogError> {
        Self::drop_topics(config.clone())?;
        Self::open_or_create(config, partitions)
    }

    /// The configuration.
    pub fn config(&self) -> &KafkaConfig {
        &self.broker.config
    }

    fn find(config: KafkaConfig, missing: Missing) -> Result<Self, LogError> {
        let broker = Broker::new(config)?;
        let TopicFacts { id, partitions } = topics::find(&broker, missing)?;
        Ok(Self {
            broker: Arc::new(broker),
            partitions,
            topic_id: TopicId(id),
        })
    }

    /// Refuses a log that is not the one that the folder belongs to.
    fn recognized(self) -> Result<Self, LogError> {
        let path = self.folder().join(MEMORY);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.remember()?;
                return Ok(self);
            }
            Err(error) => return Err(LogError::io("read", &path)(error)),
        };
        let damaged = |error: serde_json::Error| LogError::corrupt(&path, 0, error.to_string());
        let memory: serde_json::Value = serde_json::from_slice(&text).map_err(damaged)?;
        let found = memory["format"].as_u64().unwrap_or(0) as u32;
        if found > MEMORY_FORMAT {
            return Err(LogError::NewerFormat {
                path,
                found,
                supported: MEMORY_FORMAT,
            });
        }
        let memory: Memory = serde_json::from_value(memory).map_err(damaged)?;
        if memory.topic_id != self.topic_id {
            return Err(another_topic(&self.broker));
        }
        if memory.partitions != self.partitions {
            let Broker { events, config, .. } = &*self.broker;
            return Err(LogError::BadPartitions(format!(
                "topic {events} has {} partitions and had {}, so orders are not where they were: \
                 begin anew with `eip space reset {}`",
                self.partitions, memory.partitions, config.space
            )));
        }
        Ok(self)
    }

    fn remember(&self) -> Result<(), LogError> {
        let folder = self.folder();
        fs::create_dir_all(folder).map_err(LogError::io("create", folder))?;
        let memory = Memory {
            format: MEMORY_FORMAT,
            topic_id: self.topic_id,
            partitions: self.partitions,
        };
        let mut text = serde_json::to_vec(&memory).expect("a memory is plain data");
        text.push(b'\n');
        let new = folder.join(format!("{MEMORY}.{}.tmp", std::process::id()));
        let path = folder.join(MEMORY);
        fs::write(&new, text).map_err(LogError::io("write", &new))?;
        fs::rename(&new, &path).map_err(LogError::io("replace", &path))
    }
}

fn another_topic(broker: &Broker) -> LogError {
    let Broker { events, config, .. } = broker;
    refusal(format!(
        "topic {events} at {} was made anew, so what is derived from the old one does not belong to \
         it: `eip space adopt {space}` takes the new one as it is, `eip space reset {space}` begins \
         anew",
        config.bootstrap,
        space = config.space
    ))
}

impl EventLog for KafkaLog {
    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    fn folder(&self) -> &Path {
        &self.broker.config.folder
    }

    fn place(&self) -> String {
        format!(
            "topic {} at {}",
            self.broker.events, self.broker.config.bootstrap
        )
    }

    fn writer(&self, holder: &str) -> Result<Box<dyn LogWriter>, LogError> {
        Ok(Box::new(KafkaWriter::open(
            &self.broker,
            self.partitions,
            holder,
        )?))
    }

    fn reader(&self, partitions: &[u32], from: &[Offset]) -> Result<Box<dyn LogReader>, LogError> {
        if from.len() != self.partitions as usize {
            return Err(LogError::BadPartitions(format!(
                "{} positions for {} partitions",
                from.len(),
                self.partitions
            )));
        }
        let topic = &self.broker.events;
        Ok(Box::new(KafkaReader::open(
            &self.broker,
            topic,
            partitions,
            from,
            true,
        )?))
    }

    fn ends(&self) -> Result<Box<dyn LogEnds>, LogError> {
        Ok(Box::new(KafkaEnds::open(
            &self.broker,
            self.partitions,
            self.topic_id,
        )?))
    }

    fn committed_ends(&self) -> Result<Vec<Offset>, LogError> {
        self.ends()?.poll()
    }

    fn ledger(&self) -> Result<Box<dyn LedgerSource>, LogError> {
        Ok(Box::new(KafkaLedger::open(&self.broker)?))
    }
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog")
            .field("config", &self.broker.config)
            .field("partitions", &self.partitions)
            .field("topic_id", &self.topic_id)
            .finish()
    }
}
