//! `eip api`: the Ops Search API over the stored views.

use clap::Args;
use eip_api::{ApiConfig, CacheConfig, LogConfig, ViewsConfig};

use super::Exit;
use super::chain::ChainArgs;
use super::ingest::Listen;
use crate::chain::Chain;
use crate::clock::wall_ms;
use crate::interrupt;

#[derive(Args)]
pub(crate) struct Api {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    listen: Listen,
    /// Ingest's address: requests about runs, rules, data and coverage are passed on to it.
    #[arg(long, value_name = "URL", env = "EIP_INGEST")]
    ingest: Option<String>,
}

impl Api {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let config = ApiConfig {
            ingest: self.ingest,
            ..config(&self.chain.chain()?)?
        };
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let shutdown = interrupt::token();
            let listener = self.listen.bind().await?;
            eip_api::run(listener, config, shutdown).await?;
            Ok(Exit::Done)
        })
    }
}

pub(super) fn config(chain: &Chain) -> anyhow::Result<ApiConfig> {
    Ok(match chain {
        Chain::Embedded { .. } => ApiConfig::embedded(chain.log()?.folder(), wall_ms),
        Chain::Servers(servers) => ApiConfig {
            views: ViewsConfig::Servers {
                postgres: servers.postgres()?.to_owned(),
                elasticsearch: servers.elasticsearch_config()?.url,
                elasticsearch_ca: servers.elasticsearch_ca.clone(),
                space: servers.space.clone(),
            },
            cache: match servers.redis_config() {
                Some(redis) => CacheConfig::Redis(redis),
                None => CacheConfig::Memory,
            },
            keep: ApiConfig::KEEP,
            fresh: ApiConfig::FRESH,
            ingest: None,
            log: Some(LogConfig::Kafka(servers.kafka_config())),
            wall_ms,
        },
    })
}
