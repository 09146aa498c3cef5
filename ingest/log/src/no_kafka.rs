//! Stands in for `kafka.rs` in a build without the feature `kafka`: the same names, and a log that
//! cannot be opened. The error says what to build instead.

use std::fmt;
use std::path::Path;

use eip_contract::{Offset, Space};

use crate::error::LogError;
use crate::event_log::{EventLog, LedgerSource, LogEnds, LogReader, LogWriter};
use crate::state::TopicId;

#[path = "kafka/config.rs"]
mod config;

pub use config::KafkaConfig;

/// A log in Kafka, of which this build has none.
#[derive(Clone)]
pub enum KafkaLog {}

impl KafkaLog {
    /// Says that this build has no Kafka client.
    pub fn open(_: KafkaConfig) -> Result<Self, LogError> {
        Err(absent())
    }

    /// As [`KafkaLog::open`].
    pub fn open_or_create(_: KafkaConfig, _: Option<u32>) -> Result<Self, LogError> {
        Err(absent())
    }

    /// As [`KafkaLog::open`].
    pub fn adopt(_: KafkaConfig) -> Result<Self, LogError> {
        Err(absent())
    }

    /// As [`KafkaLog::open`].
    pub fn spaces(_: KafkaConfig) -> Result<Vec<Space>, LogError> {
        Err(absent())
    }

    /// As [`KafkaLog::open`].
    pub fn drop_topics(_: KafkaConfig) -> Result<(), LogError> {
        Err(absent())
    }
}

fn absent() -> LogError {
    LogError::Kafka {
        what: "this build has no Kafka client: make one that has with `cargo build --release`"
            .to_owned(),
        passing: false,
    }
}

impl EventLog for KafkaLog {
    fn partitions(&self) -> u32 {
        match *self {}
    }

    fn topic_id(&self) -> TopicId {
        match *self {}
    }

    fn folder(&self) -> &Path {
        match *self {}
    }

    fn place(&self) -> String {
        match *self {}
    }

    fn writer(&self, _: &str) -> Result<Box<dyn LogWriter>, LogError> {
        match *self {}
    }

    fn reader(&self, _: &[u32], _: &[Offset]) -> Result<Box<dyn LogReader>, LogError> {
        match *self {}
    }

    fn ends(&self) -> Result<Box<dyn LogEnds>, LogError> {
        match *self {}
    }

    fn committed_ends(&self) -> Result<Vec<Offset>, LogError> {
        match *self {}
    }

    fn ledger(&self) -> Result<Box<dyn LedgerSource>, LogError> {
        match *self {}
    }
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
