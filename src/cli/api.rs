//! `eip api`: the Ops Search API over the stored views.

use clap::Args;
use eip_api::{ApiConfig, CacheConfig, LogConfig, ViewsConfig};

use super::Exit;
use super::chain::ChainArgs;
use super::service::{LimitArgs, Listen, TokenArgs};
use super::settings::SettingsArgs;
use crate::chain::Chain;
use crate::clock::wall_ms;
use crate::interrupt;

/// Serve the Ops Search API over the views.
///
/// Each flag can also be a variable of the environment and a key of a TOML file; a flag goes before
/// the environment, that before the file.
#[derive(Args)]
#[command(
    mut_arg("max_body_bytes", |arg| arg.default_value("524288")),
    mut_arg("request_timeout", |arg| arg.default_value("30s"))
)]
pub(crate) struct Api {
    #[command(flatten)]
    pub(super) settings: SettingsArgs,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    listen: Listen,
    /// Ingest's address: requests about runs, rules, data and coverage are passed on to it.
    #[arg(long, value_name = "URL", env = "EIP_INGEST")]
    ingest: Option<String>,
    #[command(flatten)]
    tokens: TokenArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

impl Api {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        self.settings.only_prints()
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if self.settings.print() {
            return Ok(Exit::Done);
        }
        let config = ApiConfig {
            ingest: self.ingest,
            tokens: self.tokens.tokens()?,
            limits: self.limits.limits()?,
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
    let embedded = |folder: &std::path::Path| ApiConfig::embedded(folder, wall_ms);
    Ok(match chain {
        Chain::Embedded { .. } => embedded(chain.log()?.folder()),
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
            log: Some(LogConfig::Kafka(servers.kafka_config())),
            ..embedded(&servers.folder)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn the_limits_that_help_shows_are_those_of_the_service() {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            api: Api,
        }
        let api = Alone::parse_from(["alone"]).api;
        assert_eq!(api.limits.limits().unwrap(), ApiConfig::limits());
    }
}
