//! What every service is told: where it listens, who may do what, how much one client may take.

mod tokens;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use eip_http::{Limits, Tokens};

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

/// Who may do what.
#[derive(Args)]
pub(crate) struct TokenArgs {
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
}

/// How much one client may take.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Most bytes of a request's body.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_body_bytes)]
    max_body_bytes: usize,
    /// A request's head has to be there by then.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    header_timeout: Duration,
    /// A request's body has to be there by then.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    body_timeout: Duration,
    /// An answer has to begin by then.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    request_timeout: Duration,
    /// A client has to take some more of its answer by then; its connection is closed otherwise.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    write_timeout: Duration,
    /// Connections at a time; more wait.
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_connections)]
    max_connections: usize,
    /// Requests that are answered at a time; more are told to come back (429).
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_requests)]
    max_requests: usize,
    /// Requests of one caller (a token's name, or an address) in a second; more are told to come back (429).
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_rate)]
    max_rate: u32,
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

impl TokenArgs {
    pub(crate) fn tokens(&self) -> anyhow::Result<Tokens> {
        tokens::read(&self.tokens, self.tokens_file.as_deref())
    }
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> anyhow::Result<Limits> {
        let places = [self.max_connections, self.max_requests];
        ensure!(
            !places.contains(&0) && self.max_rate > 0,
            "with a limit of 0 nothing could be done"
        );
        Ok(Limits {
            max_body_bytes: self.max_body_bytes,
            header_timeout: self.header_timeout,
            body_timeout: self.body_timeout,
            request_timeout: self.request_timeout,
            write_timeout: self.write_timeout,
            max_connections: self.max_connections,
            max_requests: self.max_requests,
            max_rate: self.max_rate,
        })
    }
}

/// A program that waits for the file never sees half of it.
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
    fn the_limits_that_help_shows_are_those_of_the_services() {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            limits: LimitArgs,
        }
        let limits = Alone::parse_from(["alone"]).limits.limits().unwrap();
        assert_eq!(limits, Limits::default());
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
