//! `eip space`: what each space has in each place, and what becomes of one.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use eip_contract::Space as Name;
use eip_log::StateDir;
use eip_log::kafka::KafkaLog;
use eip_stores::{ElasticsearchSpaces, PostgresSpaces};

use super::Exit;
use super::chain::{ChainArgs, NewChainArgs};
use crate::chain::{Chain, Servers};
use crate::out;
use crate::text::table;

#[derive(Subcommand)]
pub(crate) enum Space {
    /// All spaces, and where each has something.
    List(Of),
    /// Make the log of the space (`--space`); its stores are made by the first dataflow.
    Create(NewChainArgs),
    /// Remove all that the space owns, for good.
    Drop(Forced),
    /// Let the views belong to the log that is there now: for a topic that was mirrored or restored
    /// under its name. The next dataflow reads it whole and writes what differs.
    Adopt(Forced),
    /// Empty the views, and let them belong to the log that is there now.
    Reset(Forced),
}

#[derive(Args)]
pub(crate) struct Of {
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Args)]
pub(crate) struct Forced {
    #[command(flatten)]
    chain: ChainArgs,
    /// Do not ask; `main` is never dropped or emptied without it.
    #[arg(long)]
    force: bool,
}

impl Space {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        matches!(self, Self::List(_))
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::List(of) => list(&of.chain),
            Self::Create(new) => {
                let (_chain, log) = new.open_or_create()?;
                out!(
                    "space {}: {} with {} partitions",
                    new.chain.space(),
                    log.place(),
                    log.partitions()
                );
                Ok(Exit::Done)
            }
            Self::Drop(of) => of.drop_space(),
            Self::Adopt(of) => {
                of.change("takes the log that is there now for its own", |servers| {
                    let log = KafkaLog::adopt(servers.kafka_config())?;
                    let topic_id = eip_log::EventLog::topic_id(&log).to_string();
                    Ok(postgres(servers)?.adopt(&servers.space, &topic_id)?)
                })
            }
            Self::Reset(of) => of.change("empties its views", |servers| {
                let log = KafkaLog::adopt(servers.kafka_config())?;
                let topic_id = eip_log::EventLog::topic_id(&log).to_string();
                elasticsearch(servers)?.drop(&servers.space)?;
                Ok(postgres(servers)?.reset(&servers.space, &topic_id)?)
            }),
        }
    }
}

impl Forced {
    fn confirm(&self, what: &str) -> anyhow::Result<bool> {
        let space = self.chain.space();
        if self.force {
            return Ok(true);
        }
        if space.is_main() {
            bail!("{what}: this is the space main, so it takes --force");
        }
        if !std::io::stdin().is_terminal() {
            bail!("{what}: nobody is there to be asked; say --force");
        }
        let answer = out::ask(&format!("{what}: type the name of the space to go on: "))?;
        Ok(answer.trim() == space.name())
    }

    fn drop_space(&self) -> anyhow::Result<Exit> {
        let space = self.chain.space();
        if !self.confirm(&format!("this removes all of the space {space}"))? {
            return Ok(Exit::Interrupted);
        }
        let folder = match self.chain.chain()? {
            Chain::Embedded { folder } => folder,
            Chain::Servers(servers) => {
                // The views first: what is left when this ends half way can be made again.
                for (what, gone) in [
                    ("documents", elasticsearch(&servers)?.drop(space)?),
                    ("rows", postgres(&servers)?.drop(space)?),
                ] {
                    out!("{what}: {}", if gone { "removed" } else { "none there" });
                }
                KafkaLog::drop_topics(servers.kafka_config())?;
                out!("topics: removed");
                servers.folder
            }
        };
        remove_folder(&folder)?;
        Ok(Exit::Done)
    }

    fn change(
        &self,
        what: &str,
        change: impl FnOnce(&Servers) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        let servers = chain.servers()?;
        let space = self.chain.space();
        if !self.confirm(&format!("the space {space} {what}"))? {
            return Ok(Exit::Interrupted);
        }
        let any = change(servers)?;
        out!(
            "space {space}: {}; the next `eip dataflow` writes what differs",
            if any { "done" } else { "it had no views" }
        );
        Ok(Exit::Done)
    }
}

/// Removes what we put there and the folder, when nothing else is in it.
fn remove_folder(folder: &std::path::Path) -> anyhow::Result<()> {
    for name in ["journal", "cache", "runs"] {
        remove(std::fs::remove_dir_all(folder.join(name)))
            .with_context(|| format!("cannot remove {}", folder.join(name).display()))?;
    }
    for name in [
        "eip-state.json",
        "kafka.json",
        "views.lock",
        "views.sqlite",
        "views.sqlite-wal",
        "views.sqlite-shm",
    ] {
        remove(std::fs::remove_file(folder.join(name)))
            .with_context(|| format!("cannot remove {}", folder.join(name).display()))?;
    }
    match std::fs::remove_dir(folder) {
        Ok(()) => out!("folder: removed"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            out!("folder: none there");
        }
        Err(_) => out!(
            "folder: kept, since other files are in it: {}",
            folder.display()
        ),
    }
    Ok(())
}

fn remove(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn postgres(servers: &Servers) -> anyhow::Result<PostgresSpaces> {
    Ok(PostgresSpaces::new(servers.postgres()?))
}

fn elasticsearch(servers: &Servers) -> anyhow::Result<ElasticsearchSpaces> {
    Ok(ElasticsearchSpaces::new(&servers.elasticsearch_config()?)?)
}

fn list(of: &ChainArgs) -> anyhow::Result<Exit> {
    let mut found: BTreeMap<Name, [bool; 3]> = BTreeMap::new();
    let columns = match of.chain()? {
        Chain::Servers(servers) => {
            let places = [
                KafkaLog::spaces(servers.kafka_config())?,
                elasticsearch(&servers)?.list()?,
                postgres(&servers)?.list()?,
            ];
            for (place, spaces) in places.into_iter().enumerate() {
                for space in spaces {
                    found.entry(space).or_default()[place] = true;
                }
            }
            ["space", "Kafka", "Elasticsearch", "PostgreSQL"]
        }
        Chain::Embedded { .. } => {
            for space in of.folders()? {
                let Chain::Embedded { folder } = of.chain_of(&space)? else {
                    continue;
                };
                let has = [
                    StateDir::open(&folder).is_ok(),
                    folder.join("views.sqlite").is_file(),
                    folder.join("cache").is_dir(),
                ];
                found.insert(space, has);
            }
            ["space", "journal", "views", "cache"]
        }
    };
    let rows = found
        .into_iter()
        .map(|(space, has)| {
            let marks = has.map(|has| if has { "yes" } else { "-" }.to_owned());
            [space.to_string()].into_iter().chain(marks).collect()
        })
        .collect();
    out!("{}", table(&columns, columns.len(), rows));
    Ok(Exit::Done)
}
