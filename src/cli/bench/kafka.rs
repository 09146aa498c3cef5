//! `eip bench kafka`: what the log costs beside the client library alone.

use std::path::{Path, PathBuf};

use clap::Args;
use eip_bench::KafkaOptions;
use eip_log::kafka::KafkaConfig;

#[derive(Args)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are those of the flags"
)]
pub(crate) struct Kafka {
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(super) orders: u64,
    /// Kafka's bootstrap servers.
    #[arg(long, value_name = "HOST:PORT,…", env = "EIP_KAFKA")]
    kafka: String,
    /// Further settings of the Kafka clients, in librdkafka's names.
    #[arg(
        long,
        value_name = "NAME=VALUE,…",
        env = "EIP_KAFKA_PROPERTIES",
        hide_env_values = true
    )]
    kafka_properties: Option<String>,
    /// Partitions of the log.
    #[arg(long, value_name = "N", default_value_t = 4)]
    partitions: u32,
    /// How often; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
}

impl Kafka {
    /// What to measure, with these events and room for what is kept meanwhile.
    pub(super) fn options(
        self,
        events: PathBuf,
        data: PathBuf,
        folder: &Path,
    ) -> anyhow::Result<KafkaOptions> {
        // A space of its own, so that nothing of the user's is touched.
        let space = format!("bench-{}", std::process::id()).parse()?;
        let mut config = KafkaConfig::new(self.kafka, space, folder.join("kafka"));
        if let Some(properties) = &self.kafka_properties {
            config.properties = KafkaConfig::parse_properties(properties)?;
        }
        Ok(KafkaOptions {
            events,
            data,
            config,
            partitions: self.partitions,
            rounds: self.rounds,
        })
    }
}
