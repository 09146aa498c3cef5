//! `eip bench sinks`: what the stores take, beside their raw limits.

use std::path::PathBuf;

use clap::Args;
use eip_bench::SinksOptions;

#[derive(Args)]
pub(crate) struct Sinks {
    /// The folder with the four Olist files; without it, data of that shape is generated.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Orders to generate.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    pub(super) orders: u64,
    /// Elasticsearch's address.
    #[arg(
        long,
        value_name = "URL",
        env = "EIP_ELASTICSEARCH",
        hide_env_values = true
    )]
    elasticsearch: String,
    /// PostgreSQL's address.
    #[arg(long, value_name = "URL", env = "EIP_POSTGRES", hide_env_values = true)]
    postgres: String,
    /// How often; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
}

impl Sinks {
    /// What to measure, with these events.
    pub(super) fn options(self, events: PathBuf) -> SinksOptions {
        SinksOptions {
            events,
            elasticsearch: self.elasticsearch,
            postgres: self.postgres,
            rounds: self.rounds,
        }
    }
}
