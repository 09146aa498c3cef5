//! Reading records by explicit assignment: each partition has a queue of its own, so that one that
//! has come as far as it may holds nothing up.
//!
//! A position is the next offset to read. The offsets of transaction markers and of what was
//! aborted have no record, so a position passes over them when the next record or the partition's
//! end shows that there is none.

use std::time::{Duration, Instant};

use eip_contract::Offset;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::RDKafkaErrorCode;

use super::broker::Broker;
use super::context::Context;
use super::errors::refusal;
use super::native::{Batch, Consumption, End, Failure, Item};
use crate::error::LogError;
use crate::event_log::LogReader;
use crate::reader::RecordRef;

/// How long a call waits when nothing is there.
const WAIT: Duration = Duration::from_millis(20);
/// How long it waits at one partition before it looks at the next.
const TURN: Duration = Duration::from_millis(2);

/// Follows partitions of one topic.
pub(super) struct KafkaReader {
    // Before the consumption: messages end before their consumer.
    partitions: Vec<Partition>,
    consumption: Consumption<Context>,
    positions: Vec<Offset>,
    /// The partition to begin with, so that none starves.
    turn: usize,
    topic: String,
    place: String,
    reset: String,
}

struct Partition {
    number: u32,
    batch: Batch,
}

/// What a partition had to give.
enum Front {
    Nothing,
    End,
    Record,
}

impl KafkaReader {
    /// Begins `partitions` of `topic` at their places in `from`. Refused when records from there on
    /// are gone.
    pub(super) fn open(
        broker: &Broker,
        topic: &str,
        partitions: &[u32],
        from: &[Offset],
        only_committed: bool,
    ) -> Result<Self, LogError> {
        for &partition in partitions {
            if partition as usize >= from.len() {
                return Err(LogError::BadPartitions(format!(
                    "there is no partition {partition} of {}",
                    from.len()
                )));
            }
        }
        let mut this_reset = format!("`eip space reset {}`", broker.config.space);
        this_reset.push_str(" begins anew");
        if !partitions.is_empty() {
            let starts = broker.ends_of(topic, partitions, End::Earliest)?;
            for (&partition, start) in partitions.iter().zip(starts) {
                let from = from[partition as usize];
                if from < start {
                    return Err(refusal(format!(
                        "topic {topic} partition {partition} begins at offset {start} and is needed \
                         from {from} on: its records were removed; bring them back from a copy, or \
                         {this_reset}"
                    )));
                }
            }
        }
        let consumer = broker.config.consumer(only_committed);
        let consumer: BaseConsumer<Context> = consumer
            .create_with_context(Context::default())
            .map_err(|error| broker.wrapped("open a Kafka consumer", &error))?;
        let starts: Vec<(u32, Offset)> = partitions
            .iter()
            .map(|&partition| (partition, from[partition as usize]))
            .collect();
        let consumption = Consumption::start(consumer, topic, &starts)
            .map_err(|failure| broker.error(&format!("read topic {topic}"), failure))?;
        let partition = |&number| Partition {
            number,
            batch: Batch::default(),
        };
        Ok(Self {
            partitions: partitions.iter().map(partition).collect(),
            consumption,
            positions: from.to_vec(),
            turn: 0,
            topic: topic.to_owned(),
            place: broker.config.bootstrap.clone(),
            reset: this_reset,
        })
    }

    /// Hands over what a partition has, beginning with a wait of at most `wait` for it.
    fn drain(
        &mut self,
        place: usize,
        upto: Offset,
        most: usize,
        wait: Duration,
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError> {
        let Partition { number, batch } = &mut self.partitions[place];
        let position = &mut self.positions[*number as usize];
        let mut count = 0;
        let mut wait = wait;
        while count < most && *position < upto {
            if batch.is_empty() {
                self.consumption.fetch(*number, wait, batch);
                wait = Duration::ZERO;
            }
            let front = match batch.front() {
                None => Front::Nothing,
                Some(Item::End(end)) => {
                    *position = (*position).max(end);
                    Front::End
                }
                Some(Item::Record(offset, message)) if offset < upto => {
                    each(message.record());
                    *position = Offset(offset.0 + 1);
                    Front::Record
                }
                Some(Item::Record(offset, _)) => {
                    // It waits for a later call; nothing stands between here and it.
                    *position = (*position).max(offset);
                    break;
                }
                Some(Item::Failed(code, text)) => {
                    let (number, position) = (*number, *position);
                    batch.pop();
                    return self.failed(number, position, code, text).map(|()| count);
                }
            };
            match front {
                Front::Nothing => break,
                Front::End => {}
                Front::Record => count += 1,
            }
            batch.pop();
        }
        Ok(count)
    }

    fn failed(
        &self,
        partition: u32,
        position: Offset,
        code: RDKafkaErrorCode,
        text: String,
    ) -> Result<(), LogError> {
        let Self {
            topic,
            place,
            reset,
            ..
        } = self;
        if code == RDKafkaErrorCode::AutoOffsetReset || code == RDKafkaErrorCode::OffsetOutOfRange {
            return Err(refusal(format!(
                "topic {topic} partition {partition} at {place} has no offset {position}: its \
                 records were removed, or the topic is another one of the same name ({text}); \
                 {reset}"
            )));
        }
        let action = format!("read topic {topic} partition {partition} from offset {position}");
        let failure = Failure { code, text };
        let context = self.consumption.context();
        let error = super::errors::error(place, &context, &action, failure);
        if error.is_passing() {
            // librdkafka tries again by itself.
            tracing::debug!(%error, "reading goes on when the broker is back");
            return Ok(());
        }
        Err(error)
    }
}

impl LogReader for KafkaReader {
    fn positions(&self) -> &[Offset] {
        &self.positions
    }

    fn poll(
        &mut self,
        upto: &[Offset],
        max_records: usize,
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError> {
        assert_eq!(
            upto.len(),
            self.positions.len(),
            "upto has an offset for every partition"
        );
        self.consumption.serve();
        let begun = Instant::now();
        let mut wait = Duration::ZERO;
        let mut count = 0;
        loop {
            let mut unfinished = false;
            for step in 0..self.partitions.len() {
                let place = (self.turn + step) % self.partitions.len();
                let number = self.partitions[place].number as usize;
                if self.positions[number] >= upto[number] {
                    continue;
                }
                let most = max_records - count;
                if most == 0 {
                    // The next call begins here.
                    self.turn = place;
                    return Ok(count);
                }
                count += self.drain(place, upto[number], most, wait, each)?;
                unfinished |= self.positions[number] < upto[number];
                if count > 0 {
                    wait = Duration::ZERO;
                }
            }
            if count > 0 || !unfinished || begun.elapsed() > WAIT {
                return Ok(count);
            }
            wait = TURN;
        }
    }
}
