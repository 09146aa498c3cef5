//! What a command works on: the log and the stores of one space, embedded in a folder or on servers.
//!
//! The one place that knows which of the two it is; everything else sees a [`Log`], the stores of a
//! dataflow and a [`ViewReader`].

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use eip_api::RedisConfig;
use eip_contract::Space;
use eip_dataflow::DataflowConfig;
use eip_dataflow::sink::writer::Stores;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{Log, LogError, StateDir};
use eip_stores::{
    ElasticsearchConfig, ElasticsearchStore, PostgresConfig, PostgresStore, ServerViews,
    SqliteViews, ViewReader,
};

use crate::clock::wall_ms;

/// How often a dataflow looks at Kafka for more when nothing happens.
const KAFKA_POLL: std::time::Duration = std::time::Duration::from_millis(20);

/// The log, the views and what belongs to them, of one space.
#[derive(Clone, Debug)]
pub(crate) enum Chain {
    /// A folder with a journal and a SQLite file.
    Embedded {
        /// The folder of this space.
        folder: PathBuf,
    },
    /// Kafka, Elasticsearch, PostgreSQL.
    Servers(Servers),
}

/// Where the servers are.
#[derive(Clone)]
pub(crate) struct Servers {
    /// The space.
    pub(crate) space: Space,
    /// The local folder of this space: Parquet cache and files of runs.
    pub(crate) folder: PathBuf,
    /// Kafka's bootstrap servers.
    pub(crate) kafka: String,
    /// Further settings of the Kafka clients.
    pub(crate) kafka_properties: Vec<(String, String)>,
    /// Elasticsearch's address.
    pub(crate) elasticsearch: Option<String>,
    /// Certificates that Elasticsearch's may be signed by.
    pub(crate) elasticsearch_ca: Option<PathBuf>,
    /// PostgreSQL's address.
    pub(crate) postgres: Option<String>,
    /// Redis's address.
    pub(crate) redis: Option<String>,
    /// Certificates that Redis's may be signed by.
    pub(crate) redis_ca: Option<PathBuf>,
}

impl Chain {
    /// Opens a log that must be there.
    pub(crate) fn log(&self) -> anyhow::Result<Log> {
        Ok(match self {
            Self::Embedded { folder } => StateDir::open(folder)
                .context("cannot open the state folder (--state)")?
                .into(),
            Self::Servers(servers) => KafkaLog::open(servers.kafka_config())
                .context("cannot open the log in Kafka")?
                .into(),
        })
    }

    /// Whether there is a log.
    pub(crate) fn has_log(&self) -> anyhow::Result<bool> {
        match self {
            Self::Embedded { folder } => match StateDir::open(folder) {
                Ok(_) => Ok(true),
                Err(LogError::NotAState(_)) => Ok(false),
                Err(error) => Err(error.into()),
            },
            Self::Servers(servers) => {
                Ok(KafkaLog::spaces(servers.kafka_config())?.contains(&servers.space))
            }
        }
    }

    /// Opens the log, or makes it when there is none.
    pub(crate) fn log_or_create(&self, partitions: Option<u32>) -> anyhow::Result<Log> {
        Ok(match self {
            Self::Embedded { folder } => StateDir::open_or_create(folder, partitions)
                .context("cannot open or make the state folder (--state)")?
                .into(),
            Self::Servers(servers) => KafkaLog::open_or_create(servers.kafka_config(), partitions)
                .context("cannot open or make the log in Kafka")?
                .into(),
        })
    }

    /// The space, for people and metrics; a folder's name says it for those.
    pub(crate) fn space_name(&self) -> String {
        match self {
            Self::Embedded { .. } => "embedded".to_owned(),
            Self::Servers(servers) => servers.space.to_string(),
        }
    }

    /// Whether all of it is in one folder of this machine.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded { .. })
    }

    /// What a dataflow over `log` is made from. `holder` names this program to others.
    pub(crate) fn dataflow(&self, log: &Log, holder: &str) -> anyhow::Result<DataflowConfig> {
        let wall = Arc::new(|| wall_ms() as u64);
        match self {
            Self::Embedded { .. } => Ok(DataflowConfig::embedded(log, holder, wall)?),
            Self::Servers(servers) => {
                let topic_id = log.topic_id().to_string();
                let documents =
                    ElasticsearchStore::open(servers.elasticsearch_config()?, &topic_id)?;
                let stats = PostgresStore::new(&servers.postgres_config(topic_id)?)?;
                let stores = Stores {
                    documents: Box::new(documents),
                    stats: Box::new(stats),
                };
                Ok(DataflowConfig {
                    poll: KAFKA_POLL,
                    ..DataflowConfig::new(log.clone(), stores, wall)
                })
            }
        }
    }

    /// Opens the views for reading.
    pub(crate) fn views(&self) -> anyhow::Result<ViewReader> {
        Ok(match self {
            Self::Embedded { folder } => ViewReader::new(SqliteViews::open(folder)?),
            Self::Servers(servers) => ViewReader::new(ServerViews::open(
                servers.postgres()?,
                &servers.elasticsearch_config()?,
            )?),
        })
    }

    /// The servers; an error for a command that has nothing to do with a folder.
    pub(crate) fn servers(&self) -> anyhow::Result<&Servers> {
        match self {
            Self::Servers(servers) => Ok(servers),
            Self::Embedded { .. } => bail!(
                "this command is for servers: name them (--kafka, --elasticsearch, --postgres, or \
                 `eval \"$(dev/services env)\"`)"
            ),
        }
    }
}

impl Servers {
    /// For the Kafka clients.
    pub(crate) fn kafka_config(&self) -> KafkaConfig {
        let mut config =
            KafkaConfig::new(self.kafka.clone(), self.space.clone(), self.folder.clone());
        config.properties.clone_from(&self.kafka_properties);
        config
    }

    /// For the Elasticsearch store.
    pub(crate) fn elasticsearch_config(&self) -> anyhow::Result<ElasticsearchConfig> {
        let url = self
            .elasticsearch
            .as_ref()
            .context("Elasticsearch's address is missing: --elasticsearch or EIP_ELASTICSEARCH")?;
        let mut config = ElasticsearchConfig::new(url, self.space.clone());
        config.ca.clone_from(&self.elasticsearch_ca);
        Ok(config)
    }

    /// PostgreSQL's address.
    pub(crate) fn postgres(&self) -> anyhow::Result<&str> {
        self.postgres
            .as_deref()
            .context("PostgreSQL's address is missing: --postgres or EIP_POSTGRES")
    }

    /// For the cache of the API, where there is a Redis.
    pub(crate) fn redis_config(&self) -> Option<RedisConfig> {
        let url = self.redis.clone()?;
        let ca = self.redis_ca.clone();
        Some(RedisConfig {
            ca,
            ..RedisConfig::new(url)
        })
    }

    /// For the PostgreSQL store.
    pub(crate) fn postgres_config(&self, topic_id: String) -> anyhow::Result<PostgresConfig> {
        Ok(PostgresConfig {
            url: self.postgres()?.to_owned(),
            space: self.space.clone(),
            topic_id,
        })
    }
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Addresses may hold passwords.
        f.debug_struct("Servers")
            .field("space", &self.space)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
