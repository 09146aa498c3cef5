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
    /// Ingest's address: what changes runs, and what only it knows of them, of rules and data is
    /// passed on to it.
    #[arg(long, value_name = "URL", env = "EIP_INGEST")]
    ingest: Option<String>,
    /// The dataflow's address (its `--listen`): what it waits for is shown in `/v1/pipeline`.
    #[arg(long, value_name = "URL", env = "EIP_DATAFLOW")]
    dataflow: Option<String>,
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
            dataflow: self.dataflow,
            tokens: self.tokens.tokens()?,
            limits: self.limits.limits()?,
            ..config(&self.chain)?
        };
        let runtime = tokio::runtime::Runtime::new()?;
        let exit = runtime.block_on(async {
            let shutdown = interrupt::token();
            let listener = self.listen.bind().await?;
            eip_api::run(listener, config, shutdown).await?;
            Ok(Exit::Done)
        });
        // Reads of the log, or of a space, that nobody waits for any more.
        runtime.shutdown_background();
        exit
    }
}

pub(super) fn config(args: &ChainArgs) -> anyhow::Result<ApiConfig> {
    let chain = args.chain()?;
    Ok(match &chain {
        Chain::Embedded { .. } => {
            // A folder without a log is a mistake that is said at once.
            chain.log()?;
            ApiConfig::embedded(args.root()?, args.space(), wall_ms)
        }
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
            ..ApiConfig::embedded(&servers.folder, &servers.space, wall_ms)
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
