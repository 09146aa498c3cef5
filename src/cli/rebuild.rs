//! `eip rebuild`: new Elasticsearch indices beside the present ones, verified, then swapped in.

use anyhow::Context as _;
use clap::Args;
use eip_dataflow::{DataflowConfig, spawn};
use eip_stores::{
    ElasticsearchDocuments, ElasticsearchRebuild, ElasticsearchStore, PostgresViews, ServerViews,
    ViewReader,
};

use super::Exit;
use super::chain::{ChainArgs, Workers};
use crate::chain::{Chain, Servers};
use crate::text::{table, thousands};
use crate::verify::verify;
use crate::views::{catch_up_cache, counts_text};

/// Makes new Elasticsearch indices from the log, verifies them and lets readers see them.
///
/// A dataflow that runs ends when this one takes over, and is started again afterwards; readers see
/// the present indices until the new ones are verified. The old ones stay for `--rollback`.
#[derive(Args)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    workers: Workers,
    #[command(flatten)]
    instead: Instead,
}

/// What to do with the indices that are there.
#[derive(Args)]
#[group(multiple = false)]
struct Instead {
    /// List the indices.
    #[arg(long)]
    list: bool,
    /// Let readers see the indices before the present ones again; the next dataflow brings them up
    /// to date.
    #[arg(long)]
    rollback: bool,
    /// Remove the indices that readers do not see.
    #[arg(long)]
    drop_old: bool,
}

impl Rebuild {
    /// Whether output is all that it makes.
    pub(crate) fn only_prints(&self) -> bool {
        self.instead.list
    }

    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let chain = self.chain.chain()?;
        let servers = chain.servers()?;
        let indices = ElasticsearchRebuild::new(&servers.elasticsearch_config()?)?;
        if self.instead.list {
            out!("{}", list(&indices)?);
        } else if self.instead.rollback {
            for index in indices.roll_back()? {
                out!("readers see {index} again");
            }
            out!("start the dataflow: it brings them up to the log");
        } else if self.instead.drop_old {
            for index in indices.drop_old()? {
                out!("removed {index}");
            }
        } else {
            return rebuild(&chain, servers, &indices, self.workers.count());
        }
        Ok(Exit::Done)
    }
}

fn list(indices: &ElasticsearchRebuild) -> anyhow::Result<String> {
    let rows = indices.list()?.into_iter().map(|index| {
        vec![
            index.index,
            if index.is_read { "readers" } else { "kept" }.to_owned(),
            index.epoch.to_string(),
            thousands(index.documents),
        ]
    });
    Ok(table(
        &["index", "seen by", "epoch", "documents"],
        2,
        rows.collect(),
    ))
}

fn rebuild(
    chain: &Chain,
    servers: &Servers,
    indices: &ElasticsearchRebuild,
    workers: usize,
) -> anyhow::Result<Exit> {
    let log = chain.log()?;
    let ends = log.committed_ends()?;
    catch_up_cache(&log, &ends);
    let elasticsearch = servers.elasticsearch_config()?;
    let beside =
        ElasticsearchStore::open_beside(elasticsearch.clone(), &log.topic_id().to_string())?;
    let mut config = chain.dataflow(&log, "eip rebuild")?;
    config.stores.documents = Box::new(beside);
    let dataflow = spawn(DataflowConfig { workers, ..config })?;
    let written = dataflow.wait_written(&ends);
    let summary = dataflow.shutdown();
    written.context("the new indices are not filled; readers see the old ones")?;
    out!("{}", counts_text(&summary?.counts));

    let mut postgres = PostgresViews::open(servers.postgres()?, &servers.space)?;
    let epoch = postgres
        .progress()?
        .context("the dataflow that filled the indices left no progress")?
        .epoch;
    let documents = ElasticsearchDocuments::open_beside(&elasticsearch, epoch)?;
    let mut reader = ViewReader::new(ServerViews::of(postgres, documents));
    let report = verify(&log, &mut reader, None)?;
    out!("{report}");
    if !report.is_equal() {
        out!("readers still see the old indices; nothing was swapped");
        return Ok(Exit::Failed);
    }
    for index in indices.flip(epoch)? {
        out!("readers see {index}");
    }
    out!("the old indices are kept: --rollback goes back to them, --drop-old removes them");
    Ok(Exit::Done)
}
