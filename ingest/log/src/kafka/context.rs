//! What librdkafka tells beside its answers: log lines, errors of connections, deliveries.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::ProducerContext;

/// Passes log lines on and remembers why connections fail.
#[derive(Default)]
pub(super) struct Context {
    last_error: Mutex<Option<(RDKafkaErrorCode, String)>>,
}

impl Context {
    /// The last error of a connection, which says more than the time-out that follows from it.
    pub(super) fn last_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        lock(&self.last_error).clone()
    }

    /// A request was answered, so what was is over.
    pub(super) fn forget_error(&self) {
        *lock(&self.last_error) = None;
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What is wrong with a certificate comes in a log line; the error event behind it says no
        // more than that the connection failed, if it comes at all.
        if facility == "FAIL"
            && let Some((_, reason)) = message.split_once("SSL handshake failed: ")
        {
            let reason = format!("TLS handshake failed: {reason}");
            *lock(&self.last_error) = Some((RDKafkaErrorCode::SSL, reason));
        }
        // A broker that is away for a while is no reason for anybody to act.
        match level {
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => {
                tracing::debug!(facility, "librdkafka: {message}");
            }
            _ => tracing::warn!(facility, "librdkafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka reports an error");
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let mut last = lock(&self.last_error);
        // "All brokers are down" and "disconnected" come behind the reason why they are.
        let says_less = matches!(
            code,
            RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure
        );
        if !says_less || last.is_none() {
            *last = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Context {}

/// What a record's delivery is to be noted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An event.
    Record,
    /// An entry of the ledger.
    Entry,
    /// The entry of which the writer wants to know where it is.
    Claim,
}

/// How the records of a producer came out.
pub(super) struct Deliveries {
    context: Context,
    /// Per partition of the events the offset behind the last delivered record; 0 for none.
    ends: Vec<AtomicI64>,
    claim: AtomicI64,
    has_failed: AtomicBool,
    first_error: Mutex<Option<(RDKafkaErrorCode, String)>>,
}

impl Deliveries {
    pub(super) fn new(partitions: u32) -> Self {
        Self {
            context: Context::default(),
            ends: (0..partitions).map(|_| AtomicI64::new(0)).collect(),
            claim: AtomicI64::new(-1),
            has_failed: AtomicBool::new(false),
            first_error: Mutex::default(),
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Whether a record was lost since the last look at [`Deliveries::take_error`].
    #[inline]
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Why the first record that was lost was lost.
    pub(super) fn take_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        let error = lock(&self.first_error).take();
        self.has_failed.store(false, Ordering::Relaxed);
        error
    }

    /// Where the last claim is.
    pub(super) fn claim(&self) -> Option<u64> {
        u64::try_from(self.claim.load(Ordering::Acquire)).ok()
    }

    /// Forgets where records are, for a new transaction.
    pub(super) fn forget_ends(&self) {
        for end in &self.ends {
            end.store(0, Ordering::Release);
        }
    }

    /// Per partition the offset behind the last delivered record, 0 for none.
    pub(super) fn ends(&self) -> Vec<u64> {
        let load = |end: &AtomicI64| end.load(Ordering::Acquire) as u64;
        self.ends.iter().map(load).collect()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        match result {
            Ok(message) if opaque == Kind::Record as usize => {
                if let Some(end) = self.ends.get(message.partition() as usize) {
                    end.fetch_max(message.offset() + 1, Ordering::AcqRel);
                }
            }
            Ok(message) if opaque == Kind::Claim as usize => {
                self.claim.store(message.offset(), Ordering::Release);
            }
            Ok(_) => {}
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
                let place = format!(
                    "topic {} partition {}",
                    message.topic(),
                    message.partition()
                );
                let mut first = lock(&self.first_error);
                first.get_or_insert_with(|| (code, format!("{place}: {error}")));
                self.has_failed.store(true, Ordering::Release);
            }
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is inside is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
