//! The few calls of librdkafka that its Rust wrapper does not offer: topic ids, the last stable
//! offsets of all partitions in one request, and a flush that returns as soon as all is delivered.
//!
//! All `unsafe` of the Kafka side is here and in [`consume`]. What comes out is plain data.
#![expect(
    unsafe_code,
    reason = "librdkafka offers topic ids, stable offsets and batches only through its C interface"
)]

use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings as c;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

mod consume;

pub(super) use consume::{Batch, Consumption, Item};

/// What librdkafka says about a call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: RDKafkaErrorCode,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn of(err: RDKafkaRespErr) -> Self {
        // SAFETY: gives a static text for any code.
        let text = unsafe { text_of(c::rd_kafka_err2str(err)) };
        Self {
            code: err.into(),
            text,
        }
    }

    fn invalid(text: impl Into<String>) -> Self {
        Self {
            code: RDKafkaErrorCode::InvalidArgument,
            text: text.into(),
        }
    }
}

/// A topic that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TopicFacts {
    pub(super) id: u128,
    pub(super) partitions: u32,
}

/// Which end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its first record that is still there.
    Earliest,
    /// Behind the last record that no open transaction holds back.
    Stable,
    /// Behind its last record, committed or not.
    Latest,
}

/// Owns something of librdkafka's.
struct Owned<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    /// # Safety
    /// `pointer` is null or the caller's own, and `destroy` is what ends it.
    unsafe fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Result<Self, Failure> {
        match NonNull::new(pointer) {
            Some(pointer) => Ok(Self(pointer, destroy)),
            None => Err(Failure::invalid("librdkafka gave nothing")),
        }
    }

    fn ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by the contract of `new`, and nothing uses the pointer after this.
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}

/// Waits until everything that was sent is delivered or has failed; `false` after `timeout`. The
/// events must be served by another thread meanwhile.
pub(super) fn flush<C: ClientContext>(client: &Client<C>, timeout: Duration) -> bool {
    // SAFETY: the client lives as long as the reference.
    let err = unsafe { c::rd_kafka_flush(client.native_ptr(), millis(timeout)) };
    err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// What is known of topics, in the order of `names`; `None` for one that is not there.
pub(super) fn describe_topics<C: ClientContext>(
    client: &Client<C>,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<Option<TopicFacts>>, Failure> {
    let texts: Vec<CString> = names
        .iter()
        .map(|name| CString::new(*name).map_err(|_| Failure::invalid("a topic's name has a NUL")))
        .collect::<Result<_, _>>()?;
    let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
    // SAFETY: the names outlive the call, which copies them.
    let collection = unsafe {
        Owned::new(
            c::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            c::rd_kafka_TopicCollection_destroy,
        )?
    };
    let event = ask(
        client,
        c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        false,
        timeout,
        // SAFETY: all four are alive during the call, which copies what it needs.
        |options, queue| unsafe {
            c::rd_kafka_DescribeTopics(client.native_ptr(), collection.ptr(), options, queue);
        },
    )?;
    let mut found = vec![None; names.len()];
    // SAFETY: the result and all in it belong to the event, which lives to the end of this block;
    // pointer and count describe one array.
    unsafe {
        let result = c::rd_kafka_event_DescribeTopics_result(event.ptr());
        let mut count = 0;
        let topics = c::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        for place in 0..count {
            let topic = *topics.add(place);
            let err = c::rd_kafka_error_code(c::rd_kafka_TopicDescription_error(topic));
            match err {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {}
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART => continue,
                other => return Err(Failure::of(other)),
            }
            let name = text_of(c::rd_kafka_TopicDescription_name(topic));
            let id = c::rd_kafka_TopicDescription_topic_id(topic);
            let high = c::rd_kafka_Uuid_most_significant_bits(id) as u64;
            let low = c::rd_kafka_Uuid_least_significant_bits(id) as u64;
            let mut partitions = 0;
            c::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
            if let Some(asked) = names.iter().position(|asked| **asked == name) {
                found[asked] = Some(TopicFacts {
                    id: u128::from(high) << 64 | u128::from(low),
                    partitions: partitions as u32,
                });
            }
        }
    }
    Ok(found)
}

/// The ends of partitions of one topic, in the order of `partitions`, in one request a broker.
pub(super) fn list_offsets<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partitions: &[u32],
    end: End,
    timeout: Duration,
) -> Result<Vec<u64>, Failure> {
    let spec = match end {
        // As the C interface names these two, -2 and -1.
        End::Earliest => KafkaOffset::Beginning,
        End::Stable | End::Latest => KafkaOffset::End,
    };
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for &partition in partitions {
        list.add_partition_offset(topic, partition as i32, spec)
            .map_err(|error| Failure::invalid(error.to_string()))?;
    }
    let event = ask(
        client,
        c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
        end == End::Stable,
        timeout,
        // SAFETY: all four are alive during the call, which copies what it needs.
        |options, queue| unsafe {
            c::rd_kafka_ListOffsets(client.native_ptr(), list.ptr(), options, queue);
        },
    )?;
    let mut offsets = vec![None; partitions.len()];
    // SAFETY: the result and all in it belong to the event, which lives to the end of this block;
    // pointer and count describe one array.
    unsafe {
        let result = c::rd_kafka_event_ListOffsets_result(event.ptr());
        let mut count = 0;
        let infos = c::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        for place in 0..count {
            let info = &*c::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(place));
            if info.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Err(Failure::of(info.err));
            }
            let asked = partitions.iter().position(|&p| p as i32 == info.partition);
            if let (Some(asked), Ok(offset)) = (asked, u64::try_from(info.offset)) {
                offsets[asked] = Some(offset);
            }
        }
    }
    let whole: Option<Vec<u64>> = offsets.into_iter().collect();
    whole.ok_or_else(|| Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE))
}

/// Sends one admin request and waits for its answer.
fn ask<C: ClientContext>(
    client: &Client<C>,
    operation: c::rd_kafka_admin_op_t,
    only_committed: bool,
    timeout: Duration,
    send: impl FnOnce(*const c::rd_kafka_AdminOptions_t, *mut c::rd_kafka_queue_t),
) -> Result<Owned<c::rd_kafka_event_t>, Failure> {
    let rk = client.native_ptr();
    // SAFETY: the client lives as long as the reference; options and queue are ours and end before
    // it; `error_text` has the size that is told; the answer, once polled, is ours.
    unsafe {
        let options = Owned::new(
            c::rd_kafka_AdminOptions_new(rk, operation),
            c::rd_kafka_AdminOptions_destroy,
        )?;
        let mut error_text = [0; 256];
        let err = c::rd_kafka_AdminOptions_set_request_timeout(
            options.ptr(),
            millis(timeout),
            error_text.as_mut_ptr(),
            error_text.len(),
        );
        if err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(Failure::of(err));
        }
        if only_committed {
            let error = c::rd_kafka_AdminOptions_set_isolation_level(
                options.ptr(),
                c::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
            );
            if let Ok(error) = Owned::new(error, c::rd_kafka_error_destroy) {
                return Err(Failure::of(c::rd_kafka_error_code(error.ptr())));
            }
        }
        let queue = Owned::new(c::rd_kafka_queue_new(rk), c::rd_kafka_queue_destroy)?;
        send(options.ptr(), queue.ptr());
        // A little longer than the request, whose own end is an answer too.
        let patience = millis(timeout).saturating_add(1000);
        let event = c::rd_kafka_queue_poll(queue.ptr(), patience);
        let Ok(event) = Owned::new(event, c::rd_kafka_event_destroy) else {
            return Err(Failure::of(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT));
        };
        let err = c::rd_kafka_event_error(event.ptr());
        if err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(event);
        }
        Err(Failure {
            code: err.into(),
            text: text_of(c::rd_kafka_event_error_string(event.ptr())),
        })
    }
}

/// # Safety
/// `text` is null or ends with a NUL.
unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
