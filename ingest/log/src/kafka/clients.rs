//! How the Kafka clients are set: one place for every librdkafka property.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::config::KafkaConfig;

/// Greatest record, its headers included, that a producer sends and each topic takes.
pub(super) const MAX_RECORD_BYTES: u32 = 2 << 20;

impl KafkaConfig {
    /// For questions only.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "eip")
            .set("socket.keepalive.enable", "true")
            // A broker that comes back is used at once.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(RDKafkaLogLevel::Warning);
        self.with_properties(config)
    }

    /// How a consumer is set that reads committed records, or all.
    pub fn consumer(&self, only_committed: bool) -> ClientConfig {
        let isolation = if only_committed {
            "read_committed"
        } else {
            "read_uncommitted"
        };
        let mut config = self.client();
        config
            .set("isolation.level", isolation)
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A place that is gone is an error: going on elsewhere would be a gap.
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "100")
            // A queue that was full is filled again as soon as it is not.
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.message.max.bytes", "4194304");
        self.with_properties(config)
    }

    /// Commits offsets for others to see.
    pub(super) fn group_consumer(&self) -> ClientConfig {
        let mut config = self.consumer(true);
        config.set("group.id", self.group());
        config
    }

    /// How a producer is set: idempotent, acknowledged by all in-sync replicas.
    pub fn producer(&self) -> ClientConfig {
        let mut config = self.batching();
        // Longer than a broker's restart.
        config.set("message.timeout.ms", "300000");
        self.with_properties(config)
    }

    /// As [`KafkaConfig::producer`] with transactions.
    pub(super) fn transactional_producer(&self, timeout_ms: u64) -> ClientConfig {
        let mut config = self.batching();
        config
            .set("transactional.id", self.transactional_id())
            .set("transaction.timeout.ms", timeout_ms.to_string());
        self.with_properties(config)
    }

    fn batching(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("batch.num.messages", "10000")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "262144")
            .set("message.max.bytes", MAX_RECORD_BYTES.to_string());
        config
    }

    fn with_properties(&self, mut config: ClientConfig) -> ClientConfig {
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config
    }
}
