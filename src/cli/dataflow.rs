//! `eip dataflow`: keeps the views up to date with a log that others write, as one process or as one
//! of several.

mod follow;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use eip_dataflow::cluster::{ClusterConfig, connect};
use eip_dataflow::crash::Crash;
use eip_dataflow::{Cluster, DataflowConfig, spawn};
use eip_log::Log;
use sha2::{Digest as _, Sha256};

use self::follow::Follower;
use super::Exit;
use super::chain::{ChainArgs, Workers};
use super::service::TokenArgs;
use crate::chain::Chain;
use crate::health::{Health, RepairDesk};
use crate::text::{hex, span, thousands};
use crate::views::{catch_up_cache, counts_text};

#[derive(Args)]
#[command(
    mut_arg("tokens", |arg| arg.env("EIP_DATAFLOW_TOKENS")),
    mut_arg("tokens_file", |arg| arg.env("EIP_DATAFLOW_TOKENS_FILE"))
)]
pub(crate) struct Dataflow {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    workers: Workers,
    /// End when the views hold everything that the log held at the start.
    #[arg(long)]
    until_caught_up: bool,
    #[command(flatten)]
    peers: Peers,
    /// Serve `/readyz` and `/metrics` here; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<std::net::SocketAddr>,
    #[command(flatten)]
    tokens: TokenArgs,
    /// Die at a named point of a tick, as by kill -9, or stand still there; for tests.
    #[arg(
        long,
        value_name = "POINT[:TIMES[:stop]]",
        env = "EIP_CRASH_AT",
        hide = true
    )]
    crash_at: Option<String>,
}

/// The processes of one dataflow.
#[derive(Args)]
#[command(next_help_heading = "Several processes")]
pub(crate) struct Peers {
    /// Processes of the dataflow; all have the same number of workers.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    processes: u16,
    /// Which of them this is, from 0 on.
    #[arg(short = 'p', long, value_name = "I", default_value_t = 0)]
    process: u16,
    /// Where each process listens: a line `host:port` each, in their order.
    #[arg(long, value_name = "FILE")]
    hosts: Option<PathBuf>,
    /// The file with the secret that all processes share.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The secret itself, for whoever starts the processes.
    #[arg(long, env = "EIP_CLUSTER_SECRET", hide = true, hide_env_values = true)]
    secret: Option<String>,
    /// Listen for other processes on an address that other hosts reach. What passes between workers
    /// is checked at the door and not encrypted.
    #[arg(long)]
    any_address: bool,
    /// How many seconds to wait for the other processes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

impl Dataflow {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        let log = chain.log()?;
        let crash = self
            .crash_at
            .as_deref()
            .map(str::parse::<Crash>)
            .transpose();
        let crash = crash.context("--crash-at")?;
        let target = if self.until_caught_up && self.peers.process == 0 {
            let ends = log.committed_ends()?;
            catch_up_cache(&log, &ends);
            Some(ends)
        } else {
            None
        };
        if self.peers.processes > 1 {
            check_several(&chain)?;
        }
        let cluster = self.peers.join(&log, self.workers.count())?;
        let first = DataflowConfig {
            workers: self.workers.count(),
            cluster,
            crash,
            ..chain.dataflow(&log, "eip dataflow")?
        };
        let begun = std::time::Instant::now();
        let desk = RepairDesk::new(self.peers.processes == 1);
        let dataflow = spawn(first)?;
        let health = match self.listen {
            Some(address) => {
                let tokens = self.tokens.tokens()?;
                let watch = dataflow.watch();
                Some(Health::serve(address, tokens, watch, &desk, &chain)?)
            }
            None => None,
        };
        let follower = Follower {
            chain: &chain,
            log: &log,
            workers: self.workers.count(),
            is_alone: self.peers.processes == 1,
            target: target.as_deref(),
            desk: &desk,
            health: health.as_ref(),
        };
        let summary = follower.follow(dataflow)?;
        out!("{}", counts_text(&summary.counts));
        if target.is_some() {
            let records = thousands(summary.counts.records);
            let took = span(begun.elapsed());
            out!("views up to date: {records} records in {took}");
        }
        Ok(Exit::Done)
    }
}

impl Peers {
    /// Connects to the other processes, where there are any.
    fn join(&self, log: &Log, workers: usize) -> anyhow::Result<Option<Cluster>> {
        let (process, processes) = (usize::from(self.process), usize::from(self.processes));
        if processes == 1 {
            return Ok(None);
        }
        let hosts = self
            .hosts
            .as_ref()
            .context("several processes need --hosts FILE with a line host:port for each")?;
        let text = std::fs::read_to_string(hosts)
            .with_context(|| format!("cannot read {}", hosts.display()))?;
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let addresses: Vec<String> = lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        anyhow::ensure!(
            addresses.len() == processes,
            "{} has {} addresses for {processes} processes",
            hosts.display(),
            addresses.len()
        );
        end_with_a_lost_peer();
        let config = ClusterConfig {
            process,
            addresses,
            workers,
            secret: self.secret()?,
            build: build()?,
            log: format!("{} with {} partitions", log.topic_id(), log.partitions()),
            patience: Duration::from_secs(self.patience),
            any_address: self.any_address,
        };
        let sockets = connect(&config, &mut |missing| {
            let named: Vec<_> = missing.iter().map(ToString::to_string).collect();
            err!("process {process} waits for process {}", named.join(", "));
        })?;
        err!("process {process} is connected with all {processes}");
        Ok(Some(Cluster {
            process,
            processes,
            sockets,
        }))
    }

    fn secret(&self) -> anyhow::Result<Vec<u8>> {
        if let Some(secret) = &self.secret {
            return Ok(secret.clone().into_bytes());
        }
        let file = self.secret_file.as_ref().context(
            "several processes need a secret that they share: --secret-file FILE (make one with \
             `head -c 32 /dev/urandom | base64`)",
        )?;
        let secret =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        anyhow::ensure!(
            secret.trim_ascii().len() >= 16,
            "the secret in {} is too short: 16 bytes or more",
            file.display()
        );
        Ok(secret.trim_ascii().to_vec())
    }
}

/// Names this program to the byte: workers send one another Rust's own layout of their messages.
fn build() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let bytes = std::fs::read(&program)
        .with_context(|| format!("cannot read this program's own file {}", program.display()))?;
    let hash = Sha256::digest(&bytes);
    Ok(format!("{} {}", env!("CARGO_PKG_VERSION"), hex(&hash[..8])))
}

/// Timely's threads panic when a peer is gone, and the workers wait for ever; a process that has
/// lost a peer can only end and be started again with all of them.
fn end_with_a_lost_peer() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        if name.starts_with("timely:") {
            let peer = name.rsplit('-').next().unwrap_or("?");
            err!(
                "error: the connection to process {peer} broke: it has ended or cannot be reached; \
                 all processes of a dataflow start together"
            );
            std::process::exit(1);
        }
        usual(panic);
    }));
}

/// Whether a chain's dataflow may be spread over processes.
pub(crate) fn check_several(chain: &Chain) -> anyhow::Result<()> {
    anyhow::ensure!(
        !chain.is_embedded(),
        "the views of a state folder have one process; several need servers (--kafka and others)"
    );
    Ok(())
}
