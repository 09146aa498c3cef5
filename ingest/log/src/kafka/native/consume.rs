//! Records of chosen partitions in batches, without a copy and with the offsets of partition ends,
//! which the Rust wrapper hides.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use eip_contract::Offset;
use rdkafka::bindings as c;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use super::{Failure, millis};
use crate::reader::RecordRef;

/// Messages taken at once.
const BATCH: usize = 1024;

/// Partitions of one topic being consumed, each into a queue of its own.
pub(crate) struct Consumption<C: ConsumerContext + 'static> {
    topic: NonNull<c::rd_kafka_topic_t>,
    partitions: Vec<u32>,
    consumer: BaseConsumer<C>,
}

// SAFETY: librdkafka's handles may be used from any thread; there is one owner.
unsafe impl<C: ConsumerContext> Send for Consumption<C> {}

impl<C: ConsumerContext> Consumption<C> {
    /// Begins each partition at its offset.
    pub(crate) fn start(
        consumer: BaseConsumer<C>,
        topic: &str,
        partitions: &[(u32, Offset)],
    ) -> Result<Self, Failure> {
        let name = CString::new(topic).map_err(|_| Failure::invalid("a topic's name has a NUL"))?;
        let rk = consumer.client().native_ptr();
        // SAFETY: the client is alive, the name outlives the call, no configuration means the
        // client's own.
        let topic = unsafe { c::rd_kafka_topic_new(rk, name.as_ptr(), ptr::null_mut()) };
        let Some(topic) = NonNull::new(topic) else {
            // SAFETY: reads a number of this thread.
            return Err(Failure::of(unsafe { c::rd_kafka_last_error() }));
        };
        let mut this = Self {
            topic,
            partitions: Vec::with_capacity(partitions.len()),
            consumer,
        };
        for &(partition, from) in partitions {
            let from = i64::try_from(from.0)
                .map_err(|_| Failure::invalid("an offset is above the greatest one"))?;
            // SAFETY: the topic is alive until `this` ends.
            let started =
                unsafe { c::rd_kafka_consume_start(this.topic.as_ptr(), partition as i32, from) };
            if started != 0 {
                // SAFETY: reads a number of this thread.
                return Err(Failure::of(unsafe { c::rd_kafka_last_error() }));
            }
            this.partitions.push(partition);
        }
        Ok(this)
    }

    /// Takes what has come of a partition, waiting for the first at most `wait`.
    pub(crate) fn fetch(&self, partition: u32, wait: Duration, batch: &mut Batch) {
        debug_assert!(batch.is_empty(), "a batch is handed over before the next");
        batch.next = 0;
        batch.messages.clear();
        batch.messages.reserve(BATCH);
        // SAFETY: the vector has room for `BATCH` pointers; librdkafka says how many it has
        // written, each a message that is ours now. They do not outlive the consumer: a reader
        // drops its batches first.
        unsafe {
            let count = c::rd_kafka_consume_batch(
                self.topic.as_ptr(),
                partition as i32,
                millis(wait),
                batch.messages.as_mut_ptr(),
                BATCH,
            );
            batch.messages.set_len(usize::try_from(count).unwrap_or(0));
        }
    }

    /// Serves log lines and errors of connections; no record comes this way.
    pub(crate) fn serve(&self) {
        let _ = self.consumer.poll(Duration::ZERO);
    }

    /// The consumer's context.
    pub(crate) fn context(&self) -> Arc<C> {
        Arc::clone(self.consumer.client().context())
    }
}

impl<C: ConsumerContext> Drop for Consumption<C> {
    fn drop(&mut self) {
        for &partition in &self.partitions {
            // SAFETY: it was started on this topic, which is alive.
            unsafe { c::rd_kafka_consume_stop(self.topic.as_ptr(), partition as i32) };
        }
        // SAFETY: made by `start` and not used after this; the consumer ends after it.
        unsafe { c::rd_kafka_topic_destroy(self.topic.as_ptr()) };
    }
}

/// Messages of one partition in offset order, handed over from the front.
#[derive(Default)]
pub(crate) struct Batch {
    messages: Vec<*mut c::rd_kafka_message_t>,
    next: usize,
}

// SAFETY: messages may be read and destroyed by any thread; there is one owner.
unsafe impl Send for Batch {}

/// What stands at the front of a batch.
pub(crate) enum Item<'a> {
    /// A record at this offset.
    Record(Offset, Message<'a>),
    /// The partition's end.
    End(Offset),
    /// The partition cannot be read.
    Failed(RDKafkaErrorCode, String),
}

/// A record whose parts are looked at only when somebody wants them.
pub(crate) struct Message<'a>(&'a c::rd_kafka_message_t);

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.next == self.messages.len()
    }

    /// The front, if there is one.
    #[inline]
    pub(crate) fn front(&self) -> Option<Item<'_>> {
        let &message = self.messages.get(self.next)?;
        // SAFETY: a message that is not yet destroyed; nobody writes to it.
        let message = unsafe { &*message };
        let offset = Offset(u64::try_from(message.offset).unwrap_or(0));
        Some(match message.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Item::Record(offset, Message(message)),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => Item::End(offset),
            other => {
                let failure = Failure::of(other);
                // An error's payload is its text.
                let text = bytes(message.payload, message.len)
                    .map(|text| String::from_utf8_lossy(text).into_owned());
                Item::Failed(failure.code, text.unwrap_or(failure.text))
            }
        })
    }

    /// Gives the front back to librdkafka.
    #[inline]
    pub(crate) fn pop(&mut self) {
        if let Some(&message) = self.messages.get(self.next) {
            self.next += 1;
            // SAFETY: ours, and never looked at again: `next` is behind it.
            unsafe { c::rd_kafka_message_destroy(message) };
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        while !self.is_empty() {
            self.pop();
        }
    }
}

impl<'a> Message<'a> {
    /// All of the record.
    #[inline]
    pub(crate) fn record(&self) -> RecordRef<'a> {
        let message = self.0;
        let mut record = RecordRef {
            partition: message.partition as u32,
            offset: Offset(message.offset as u64),
            key: bytes(message.key, message.key_len),
            value: bytes(message.payload, message.len),
            run: None,
            parts: None,
            appended_ms: self.timestamp(),
            due_micros: None,
        };
        self.read_headers(&mut record);
        record
    }

    /// When the producer sent it or the broker took it, as the topic's `message.timestamp.type` has it.
    fn timestamp(&self) -> Option<i64> {
        // SAFETY: the message is alive; without a place for the type, none is written.
        let timestamp = unsafe { c::rd_kafka_message_timestamp(self.0, ptr::null_mut()) };
        (timestamp >= 0).then_some(timestamp)
    }

    fn read_headers(&self, record: &mut RecordRef<'a>) {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive; the headers are and stay a part of it.
        let err = unsafe { c::rd_kafka_message_headers(self.0, &raw mut headers) };
        if err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        for place in 0.. {
            let mut name: *const c_char = ptr::null();
            let mut value: *const c_void = ptr::null();
            let mut length = 0;
            // SAFETY: the headers are alive; the call says when there is none at `place`.
            let err = unsafe {
                c::rd_kafka_header_get_all(
                    headers,
                    place,
                    &raw mut name,
                    &raw mut value,
                    &raw mut length,
                )
            };
            if err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                break;
            }
            // SAFETY: a header's name ends with a NUL and lives as long as the message.
            let name = unsafe { CStr::from_ptr(name) };
            let text = bytes(value, length).and_then(|value| str::from_utf8(value).ok());
            match name.to_bytes() {
                b"run" => record.run = text,
                b"parts" => record.parts = text,
                b"due" => record.due_micros = text.and_then(|text| text.parse().ok()),
                _ => {}
            }
        }
    }
}

/// Bytes that live as long as the message that they are a part of.
#[inline]
fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: librdkafka gives start and length of one piece of memory; callers bind `'a` to the
    // message.
    Some(unsafe { slice::from_raw_parts(start.cast(), length) })
}
