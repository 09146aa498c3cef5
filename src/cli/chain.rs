//! Which log and which views a command works on, the same for every command that has them.
//!
//! A folder (`--state`), or servers (`--kafka` and the others). Where the servers are named,
//! `--state` is the local folder for what is derived from the log. A space other than `main` has a
//! folder of its own below it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use eip_contract::Space;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{Log, list_spaces};

use crate::chain::{Chain, Servers};

/// The log and the views of one space.
#[derive(Args, Clone)]
pub(crate) struct ChainArgs {
    /// The state folder: log, run ledger, cache and views; with servers, cache and files of runs.
    #[arg(id = "state", long = "state", value_name = "DIR", env = "EIP_STATE")]
    folder: Option<PathBuf>,
    /// The space: a prefix over all that one chain owns.
    #[arg(long, value_name = "NAME", env = "EIP_SPACE", default_value = "main")]
    space: Space,
    #[command(flatten)]
    servers: ServerArgs,
}

/// Where the servers are.
#[derive(Args, Clone)]
#[command(next_help_heading = "Servers")]
struct ServerArgs {
    /// Kafka's bootstrap servers; with them the log is there and not in the state folder.
    #[arg(long, value_name = "HOST:PORT,…", env = "EIP_KAFKA")]
    kafka: Option<String>,
    /// Further settings of the Kafka clients, in librdkafka's names.
    #[arg(
        long,
        value_name = "NAME=VALUE,…",
        env = "EIP_KAFKA_PROPERTIES",
        hide_env_values = true
    )]
    kafka_properties: Option<String>,
    /// A file with settings of the Kafka clients.
    #[arg(
        long,
        value_name = "FILE",
        env = "EIP_KAFKA_PROPERTIES_FILE",
        conflicts_with = "kafka_properties"
    )]
    kafka_properties_file: Option<PathBuf>,
    /// Elasticsearch's address, `https://user:password@host:9200`.
    #[arg(
        long,
        value_name = "URL",
        env = "EIP_ELASTICSEARCH",
        hide_env_values = true
    )]
    elasticsearch: Option<String>,
    /// A file with Elasticsearch's address.
    #[arg(
        long,
        value_name = "FILE",
        env = "EIP_ELASTICSEARCH_FILE",
        conflicts_with = "elasticsearch"
    )]
    elasticsearch_file: Option<PathBuf>,
    /// Certificates (PEM) that Elasticsearch's may be signed by.
    #[arg(long, value_name = "FILE", env = "EIP_ELASTICSEARCH_CA")]
    elasticsearch_ca: Option<PathBuf>,
    /// PostgreSQL's address, `postgres://user:password@host/database?sslmode=verify-full`.
    #[arg(long, value_name = "URL", env = "EIP_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
    /// A file with PostgreSQL's address.
    #[arg(
        long,
        value_name = "FILE",
        env = "EIP_POSTGRES_FILE",
        conflicts_with = "postgres"
    )]
    postgres_file: Option<PathBuf>,
    /// Redis's address, for what the API caches.
    #[arg(long, value_name = "URL", env = "EIP_REDIS", hide_env_values = true)]
    redis: Option<String>,
    /// A file with Redis's address.
    #[arg(
        long,
        value_name = "FILE",
        env = "EIP_REDIS_FILE",
        conflicts_with = "redis"
    )]
    redis_file: Option<PathBuf>,
    /// Certificates (PEM) that Redis's may be signed by, for a `rediss://` address.
    #[arg(long, value_name = "FILE", env = "EIP_REDIS_CA")]
    redis_ca: Option<PathBuf>,
}

impl ChainArgs {
    /// Whether any chain is meant.
    #[cfg(feature = "bench")]
    pub(crate) fn is_named(&self) -> bool {
        self.folder.is_some()
    }

    /// The chain that is meant; nothing is opened yet.
    pub(crate) fn chain(&self) -> anyhow::Result<Chain> {
        self.chain_of(&self.space)
    }

    /// The same place with another space.
    pub(crate) fn chain_of(&self, space: &Space) -> anyhow::Result<Chain> {
        let folder = space.folder(self.root()?);
        let ServerArgs {
            kafka,
            kafka_properties,
            kafka_properties_file,
            elasticsearch,
            elasticsearch_file,
            elasticsearch_ca,
            postgres,
            postgres_file,
            redis,
            redis_file,
            redis_ca,
        } = self.servers.clone();
        let Some(kafka) = kafka else {
            return Ok(Chain::Embedded { folder });
        };
        let kafka_properties = secret(kafka_properties, kafka_properties_file.as_deref())?
            .map(|text| KafkaConfig::parse_properties(&text))
            .transpose()?
            .unwrap_or_default();
        Ok(Chain::Servers(Servers {
            space: space.clone(),
            folder,
            kafka,
            kafka_properties,
            elasticsearch: secret(elasticsearch, elasticsearch_file.as_deref())?,
            elasticsearch_ca,
            postgres: secret(postgres, postgres_file.as_deref())?,
            redis: secret(redis, redis_file.as_deref())?,
            redis_ca,
        }))
    }

    /// The state folder of `main`.
    pub(crate) fn root(&self) -> anyhow::Result<&Path> {
        self.folder
            .as_deref()
            .context("the state folder is missing: --state DIR or EIP_STATE")
    }

    /// The chain, whose log has to be there: `what` never makes one, so a name without one has an
    /// error in it.
    pub(crate) fn existing(&self, what: &str) -> anyhow::Result<Chain> {
        let chain = self.chain()?;
        if chain.has_log()? {
            return Ok(chain);
        }
        let missing = match &chain {
            Chain::Embedded { folder } if self.space.is_main() => {
                format!("no log in {}", folder.display())
            }
            _ => format!("there is no space {}", self.space),
        };
        let spaces: Vec<String> = self.spaces()?.iter().map(Space::to_string).collect();
        let there = match spaces.as_slice() {
            [] => "no space is there".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        bail!(
            "{missing}; {there}; {what} never makes a space: correct --state or --space, or make it \
             with a fast or scaled replay or `eip space create`"
        )
    }

    /// The spaces that have a log.
    fn spaces(&self) -> anyhow::Result<Vec<Space>> {
        if let Chain::Servers(servers) = self.chain()? {
            return Ok(KafkaLog::spaces(servers.kafka_config())?
                .into_iter()
                .collect());
        }
        let mut spaces = Vec::new();
        for space in self.folders()? {
            if matches!(self.chain_of(&space)?.has_log(), Ok(true)) {
                spaces.push(space);
            }
        }
        Ok(spaces)
    }

    /// Of a state folder: `main`, and the names below `spaces` in their order.
    pub(crate) fn folders(&self) -> anyhow::Result<Vec<Space>> {
        match self.chain_of(&Space::main())? {
            Chain::Embedded { folder: root } => Ok(list_spaces(&root)?),
            Chain::Servers(_) => Ok(vec![Space::main()]),
        }
    }

    /// The environment that means the same chain, for a process that is started: unlike arguments,
    /// nobody else reads it.
    pub(crate) fn as_environment(&self) -> Vec<(&'static str, OsString)> {
        let ServerArgs {
            kafka,
            kafka_properties,
            kafka_properties_file,
            elasticsearch,
            elasticsearch_file,
            elasticsearch_ca,
            postgres,
            postgres_file,
            redis,
            redis_file,
            redis_ca,
        } = self.servers.clone();
        let named: [(&str, Option<OsString>); 13] = [
            ("EIP_STATE", self.folder.clone().map(Into::into)),
            ("EIP_SPACE", Some(self.space.name().into())),
            ("EIP_KAFKA", kafka.map(Into::into)),
            ("EIP_KAFKA_PROPERTIES", kafka_properties.map(Into::into)),
            (
                "EIP_KAFKA_PROPERTIES_FILE",
                kafka_properties_file.map(Into::into),
            ),
            ("EIP_ELASTICSEARCH", elasticsearch.map(Into::into)),
            ("EIP_ELASTICSEARCH_FILE", elasticsearch_file.map(Into::into)),
            ("EIP_ELASTICSEARCH_CA", elasticsearch_ca.map(Into::into)),
            ("EIP_POSTGRES", postgres.map(Into::into)),
            ("EIP_POSTGRES_FILE", postgres_file.map(Into::into)),
            ("EIP_REDIS", redis.map(Into::into)),
            ("EIP_REDIS_FILE", redis_file.map(Into::into)),
            ("EIP_REDIS_CA", redis_ca.map(Into::into)),
        ];
        let given = named
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)));
        given.collect()
    }

    /// The space that is meant.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }
}

/// A secret that is given as such or is in a file, with or without a line's end.
fn secret(given: Option<String>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let Some(file) = file.filter(|_| given.is_none()) else {
        return Ok(given);
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the secret in {}", file.display()))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// As [`ChainArgs`], for commands that make the log when it is not there.
#[derive(Args, Clone)]
pub(crate) struct NewChainArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// Partitions of the log; fixed when the log is made (then 4 by default).
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,
}

impl NewChainArgs {
    /// The chain with its log open, which is made when it is not there.
    pub(crate) fn open_or_create(&self) -> anyhow::Result<(Chain, Log)> {
        let chain = self.chain.chain()?;
        let log = self.log_or_create(&chain, self.chain.space())?;
        Ok((chain, log))
    }

    /// The log of a space of this place, which is made when it is not there. That is said, since the
    /// name may have an error in it.
    pub(crate) fn log_or_create(&self, chain: &Chain, space: &Space) -> anyhow::Result<Log> {
        // What is wrong with a log that cannot be opened, opening it says better.
        let is_new = matches!(chain.has_log(), Ok(false));
        let log = chain.log_or_create(self.partitions)?;
        if is_new {
            err!("made the space {space}: {}", log.place());
        }
        Ok(log)
    }

    /// The chain with its log open, which `what` needs and never makes.
    pub(crate) fn open(&self, what: &str) -> anyhow::Result<(Chain, Log)> {
        let chain = self.chain.existing(what)?;
        // It is there, and has as many partitions as asked for.
        let log = chain.log_or_create(self.partitions)?;
        Ok((chain, log))
    }
}

/// How many threads the dataflow has.
#[derive(Args)]
pub(crate) struct Workers {
    /// Worker threads of the dataflow.
    #[arg(short = 'w', long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
}

impl Workers {
    pub(crate) fn count(&self) -> usize {
        usize::from(self.workers)
    }
}
