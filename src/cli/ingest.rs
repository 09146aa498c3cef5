//! `eip ingest`: the event factory over HTTP.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use eip_ingest::server::{ServerConfig, serve};

use super::Exit;
use super::chain::NewChainArgs;
use crate::clock::wall_ms;
use crate::interrupt;

#[derive(Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    chain: NewChainArgs,
    #[command(flatten)]
    listen: Listen,
    /// A dataset that runs may name, and its folder; may be given several times.
    #[arg(long = "dataset", value_name = "NAME=DIR", value_parser = named)]
    datasets: Vec<(String, PathBuf)>,
    /// Rules that runs may name, and their file; `default` is always there.
    #[arg(long = "rules", value_name = "NAME=FILE", value_parser = named)]
    rules: Vec<(String, PathBuf)>,
    /// Where other instances reach this one, to pass commands on; without it, where it listens.
    #[arg(long, value_name = "URL")]
    advertise: Option<String>,
    /// Most runs that are executed at once in one space.
    #[arg(long, value_name = "N", default_value_t = 16)]
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
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let (chain, partitions) = (self.chain.chain.clone(), self.chain.partitions());
        let config = ServerConfig {
            space: chain.space().clone(),
            open_space: Arc::new(move |space, create| {
                let opened = chain.chain_of(space).and_then(|chain| {
                    if create || chain.has_log()? {
                        chain.log_or_create(partitions).map(Some)
                    } else {
                        Ok(None)
                    }
                });
                opened.map_err(|error| format!("{error:#}"))
            }),
            advertise: self.advertise,
            max_live_runs: self.max_live_runs,
            datasets: by_name("--dataset", self.datasets)?,
            rules: by_name("--rules", self.rules)?,
            limits: eip_olist::Limits::default(),
            clock: Arc::new(wall_ms),
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

impl Listen {
    pub(crate) async fn bind(&self) -> anyhow::Result<tokio::net::TcpListener> {
        let listener = tokio::net::TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        println!("listening on http://{address}");
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

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(path)))
        }
        _ => Err("is not NAME=PATH".to_owned()),
    }
}

fn by_name(flag: &str, pairs: Vec<(String, PathBuf)>) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut map = BTreeMap::new();
    for (name, path) in pairs {
        if let Some(other) = map.insert(name.clone(), path) {
            bail!("{flag} names {name} twice (first {})", other.display());
        }
    }
    Ok(map)
}
