//! How far a consumer may read so that it sees every window or revert transaction whole.
//!
//! The last stable offset of a partition never lies inside a transaction's records there, but the
//! markers that end a transaction reach its partitions at different moments, so the vector of all
//! last stable offsets can hold a committed transaction in one partition and not yet in another.
//! The ledger closes this gap, since it knows of such a transaction before it begins and tells of
//! its commit in the transaction itself:
//!
//! 1. The last stable offsets of all partitions are sampled.
//! 2. *Then* the ledger is read to its end. An attempt whose `running` entry is not there begins
//!    its transaction later than the sample, which therefore has nothing of it.
//! 3. While an attempt is `running`, the ends stay at or before its `first` offsets. Once it is
//!    `committed`, they stay there until the sample has reached its `ends` in every partition: then
//!    all markers are there, and all of it is let through at once.
//! 4. Any other end of an attempt lets go of it: nothing of it is ever read. So does silence of 30
//!    seconds, with a warning: then the transaction may be seen in two steps.
//!
//! What was given out is never taken back. [`switch`] has the rule without the broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use super::another_topic;
use super::broker::Broker;
use super::context::Context;
use super::errors::refusal;
use super::ledger::KafkaLedger;
use super::native::End;
use crate::clock::now_ms;
use crate::error::LogError;
use crate::event_log::{LedgerSource as _, LogEnds};
use crate::state::TopicId;

mod switch;

use switch::Switch;

/// How often the topic is looked at, whether it is still the same.
const LOOK: Duration = Duration::from_secs(10);

/// Follows the ends; see the head of this file.
pub(super) struct KafkaEnds {
    broker: Arc<Broker>,
    partitions: u32,
    topic_id: TopicId,
    looked: Instant,
    ledger: KafkaLedger,
    switch: Switch,
    /// The last sample that [`Switch::release`] has seen.
    sampled: Option<Vec<Offset>>,
    group: Option<BaseConsumer<Context>>,
    reported: Vec<Offset>,
}

impl KafkaEnds {
    pub(super) fn open(
        broker: &Arc<Broker>,
        partitions: u32,
        topic_id: TopicId,
    ) -> Result<Self, LogError> {
        Ok(Self {
            partitions,
            topic_id,
            looked: Instant::now(),
            ledger: KafkaLedger::open(broker)?,
            switch: Switch::new(partitions),
            sampled: None,
            group: None,
            reported: Vec::new(),
            broker: Arc::clone(broker),
        })
    }

    /// Refuses a topic that was made anew under the same name.
    fn look_at_topic(&mut self) -> Result<(), LogError> {
        match self.broker.topic_id()? {
            Some(id) if id == self.topic_id => {
                self.looked = Instant::now();
                Ok(())
            }
            Some(_) => Err(another_topic(&self.broker)),
            None => Err(refusal(format!(
                "topic {} is gone: bring it back from a copy, or begin anew with `eip space reset \
                 {}`",
                self.broker.events, self.broker.config.space
            ))),
        }
    }

    fn commit(&mut self, written: &[Offset]) -> Result<(), rdkafka::error::KafkaError> {
        if self.group.is_none() {
            let config = self.broker.config.group_consumer();
            self.group = Some(config.create_with_context(Context::default())?);
        }
        let Some(group) = &self.group else {
            return Ok(());
        };
        let mut offsets = TopicPartitionList::with_capacity(written.len());
        for (partition, offset) in (0..).zip(written) {
            let offset = KafkaOffset::Offset(offset.0 as i64);
            offsets.add_partition_offset(&self.broker.events, partition, offset)?;
        }
        // Serves the answers to earlier ones.
        let _ = group.poll(Duration::ZERO);
        group.commit(&offsets, CommitMode::Async)
    }
}

impl LogEnds for KafkaEnds {
    fn poll(&mut self) -> Result<Vec<Offset>, LogError> {
        let stable = self.broker.ends(self.partitions, End::Stable)?;
        let went_back = self
            .switch
            .given()
            .iter()
            .zip(&stable)
            .any(|(given, now)| now < given);
        if went_back || self.looked.elapsed() > LOOK {
            self.look_at_topic()?;
        }
        if self.sampled.as_ref() == Some(&stable) && !self.switch.holds() {
            return Ok(self.switch.given().to_vec());
        }
        let switch = &mut self.switch;
        self.ledger
            .poll(&mut |_position, entry| switch.note(&entry))?;
        let ends = self.switch.release(&stable, now_ms());
        self.sampled = Some(stable);
        Ok(ends)
    }

    fn report(&mut self, written: &[Offset]) {
        if self.reported == written {
            return;
        }
        match self.commit(written) {
            Ok(()) => self.reported = written.to_vec(),
            // It decides nothing, and the next report says more.
            Err(error) => tracing::debug!(%error, "the consumer lag is not up to date"),
        }
    }
}
