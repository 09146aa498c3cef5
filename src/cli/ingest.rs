//! `eip ingest`: the event factory over HTTP.

mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use eip_ingest::server::{HttpLimits, OpenSpace, ServerConfig, serve};

use super::Exit;
use super::chain::NewChainArgs;
use super::settings::{NamedPaths, Setting};
use crate::clock::wall_ms;
use crate::interrupt;

/// Serve the event factory over HTTP: runs are started and watched here.
///
/// Each flag can also be a variable of the environment and a key of a TOML file; a flag goes before
/// the environment, that before the file.
#[derive(Args)]
pub(crate) struct Ingest {
    /// A TOML file of settings: the flags' names with _ for -, limits in a table [limits].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print every setting and where it comes from, secrets masked, and end.
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    chain: NewChainArgs,
    #[command(flatten)]
    listen: Listen,
    /// The http:// URL under which other instances reach this one; by default the address that it
    /// listens on.
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// A dataset that runs may name, and its folder; may be given several times. The variable holds
    /// all of them, with a comma before each next name.
    #[arg(long = "dataset", value_name = "NAME=DIR")]
    datasets: Vec<NamedPaths>,
    /// Rules that runs may name, and their file; `default` is always there. Given as datasets are.
    #[arg(long = "rules", value_name = "NAME=FILE")]
    rules: Vec<NamedPaths>,
    /// Who may do what (`eip token new`): the SHA-256 of one token or two, and the role read, replay,
    /// approve or admin. In the file: a table [tokens.NAME] with role and sha256.
    #[arg(
        long = "token",
        value_name = "NAME:ROLE:SHA256[+SHA256]",
        value_delimiter = ',',
        hide_env_values = true
    )]
    tokens: Vec<String>,
    /// A file of such tokens, one a line.
    #[arg(long, value_name = "FILE", conflicts_with = "tokens")]
    tokens_file: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
    #[arg(skip)]
    pub(super) settings: Vec<Setting>,
}

/// How much one client may take.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Most bytes of a request's body, other than of pushed rows.
    #[arg(long, value_name = "BYTES", default_value_t = HttpLimits::default().max_body_bytes)]
    max_body_bytes: usize,
    /// Most bytes of a request that pushes rows, as it is sent and when it is unpacked.
    #[arg(long, value_name = "BYTES", default_value_t = HttpLimits::default().max_rows_bytes)]
    max_rows_bytes: usize,
    /// Most rows of a request that pushes rows.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().max_rows)]
    max_rows: usize,
    /// A request's head has to be there by then.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    header_timeout: Duration,
    /// A request's body has to be there by then.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    body_timeout: Duration,
    /// An answer has to begin by then.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    request_timeout: Duration,
    /// Connections at a time.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().max_connections)]
    max_connections: usize,
    /// Runs of one space that are executed at a time.
    #[arg(long, value_name = "N", default_value_t = HttpLimits::default().max_live_runs)]
    max_live_runs: usize,
}

/// Where a server listens, and how others learn of it.
#[derive(Args)]
pub(crate) struct Listen {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: std::net::SocketAddr,
    /// Write the port to this file once connections are taken.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

impl Ingest {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        self.print_config
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        if self.print_config {
            for setting in &self.settings {
                out!("{setting}");
            }
            return Ok(Exit::Done);
        }
        let http = self.limits.limits()?;
        let tokens = tokens::read(&self.tokens, self.tokens_file.as_deref())?;
        let place = self.chain.clone();
        let space = place.chain.space().clone();
        let open_space: OpenSpace = Arc::new(move |space, create| {
            let opened = place.chain.chain_of(space).and_then(|chain| {
                if create || chain.has_log()? {
                    place.log_or_create(&chain, space).map(Some)
                } else {
                    Ok(None)
                }
            });
            opened.map_err(|error| format!("{error:#}"))
        });
        let config = ServerConfig {
            advertise: self.advertise,
            datasets: NamedPaths::by_name("--dataset", self.datasets)?,
            rules: NamedPaths::by_name("--rules", self.rules)?,
            tokens,
            http,
            ..ServerConfig::of_spaces(space, open_space, Arc::new(wall_ms))
        };
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let shutdown = interrupt::token();
            let listener = self.listen.bind().await?;
            serve(listener, config, shutdown).await?;
            Ok(Exit::Done)
        })
    }
}

impl LimitArgs {
    fn limits(&self) -> anyhow::Result<HttpLimits> {
        let places = [self.max_connections, self.max_live_runs];
        ensure!(
            !places.contains(&0),
            "with a limit of 0 nothing could be done"
        );
        Ok(HttpLimits {
            max_body_bytes: self.max_body_bytes,
            max_rows_bytes: self.max_rows_bytes,
            max_rows: self.max_rows,
            header_timeout: self.header_timeout,
            body_timeout: self.body_timeout,
            request_timeout: self.request_timeout,
            max_connections: self.max_connections,
            max_live_runs: self.max_live_runs,
        })
    }
}

impl Listen {
    pub(crate) async fn bind(&self) -> anyhow::Result<tokio::net::TcpListener> {
        let listener = tokio::net::TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        out!("listening on http://{address}");
        if let Some(file) = &self.port_file {
            write_whole(file, &format!("{}\n", address.port()))?;
        }
        Ok(listener)
    }
}

/// Whoever waits for the file never sees half of it.
fn write_whole(file: &Path, text: &str) -> anyhow::Result<()> {
    let half = file.with_extension("tmp");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// `500ms`, `30s`, `2m`; more than nothing.
fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000)];
    let read = units.into_iter().find_map(|(unit, of_unit)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_millis(number.checked_mul(of_unit)?))
    });
    let read = read.filter(|duration| !duration.is_zero());
    read.ok_or_else(|| "write a whole number and ms, s or m, like 30s".to_owned())
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
            limits: LimitArgs,
        }
        let limits = Alone::parse_from(["alone"]).limits.limits().unwrap();
        assert_eq!(limits, HttpLimits::default());
    }

    #[test]
    fn a_time_is_a_whole_number_and_its_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for wrong in [
            "",
            "5",
            "0s",
            "-1s",
            "1.5s",
            "s",
            "1h",
            "99999999999999999999s",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
