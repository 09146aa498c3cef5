//! `eip repair`: reads every stored document and row whole, and mends what is not as the log says.
//!
//! A dataflow that runs is asked to do it (`--dataflow`): it reads the log anew, compares, and goes
//! on. Without one this is a dataflow of its own, which ends after reconciling.

use anyhow::{Context as _, bail};
use clap::Args;
use eip_dataflow::control::Counts;
use eip_dataflow::{DataflowConfig, spawn};
use eip_stores::{Look, PostgresSpaces};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Exit;
use super::bearer::Bearer;
use super::chain::{ChainArgs, Workers};
use crate::chain::Chain;
use crate::text::thousands;

#[derive(Args)]
pub(crate) struct Repair {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    workers: Workers,
    /// The address of the dataflow that runs (its `--listen`).
    #[arg(long, value_name = "URL", env = "EIP_DATAFLOW")]
    dataflow: Option<String>,
    #[command(flatten)]
    bearer: Bearer,
    /// Take the stores over from a dataflow that runs; it ends then.
    #[arg(long)]
    take_over: bool,
}

/// What was mended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mended {
    /// Documents written anew: missing, edited, or behind the log.
    pub(crate) documents_written: u64,
    /// Documents that should not have been there.
    pub(crate) documents_deleted: u64,
    /// Documents found as they should be.
    pub(crate) documents_right: u64,
    /// Rows written anew.
    pub(crate) rows_written: u64,
    /// Rows that should not have been there.
    pub(crate) rows_deleted: u64,
}

impl Mended {
    /// Of the counts of a dataflow that has only reconciled.
    pub(crate) fn of(counts: &Counts) -> Self {
        let (documents, rows) = (counts.documents(), counts.rows());
        Self {
            documents_written: documents.written,
            documents_deleted: documents.deleted,
            documents_right: documents.unchanged,
            rows_written: rows.written,
            rows_deleted: rows.deleted,
        }
    }
}

impl Repair {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let mended = match &self.dataflow {
            Some(url) => ask(url, self.bearer.token()?.as_deref())?,
            None => self.mend()?,
        };
        out!(
            "documents: {} written, {} deleted, {} found as they should be",
            thousands(mended.documents_written),
            thousands(mended.documents_deleted),
            thousands(mended.documents_right)
        );
        out!(
            "rows: {} written, {} deleted",
            thousands(mended.rows_written),
            thousands(mended.rows_deleted)
        );
        Ok(Exit::Done)
    }

    fn mend(&self) -> anyhow::Result<Mended> {
        let chain = self.chain.chain()?;
        if let Chain::Servers(servers) = &chain
            && !self.take_over
            && PostgresSpaces::new(servers.postgres()?).has_dataflow(&servers.space)?
        {
            bail!(
                "a dataflow of this space is at work: name it (--dataflow URL, its --listen), or \
                 take the stores over from it (--take-over), which ends it"
            );
        }
        let log = chain.log()?;
        let ends = log.committed_ends()?;
        let dataflow = spawn(DataflowConfig {
            workers: self.workers.count(),
            look: Look::Whole,
            ..chain.dataflow(&log, "eip repair")?
        })?;
        let written = dataflow.wait_written(&ends);
        let summary = dataflow.shutdown();
        written?;
        Ok(Mended::of(&summary?.counts))
    }
}

/// Asks a running dataflow and waits until it has done it.
fn ask(url: &str, token: Option<&str>) -> anyhow::Result<Mended> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let url = format!("{}/repair", url.trim_end_matches('/'));
        let mut request = reqwest::Client::new().post(&url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("cannot reach the dataflow at {url}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            let problem: Value = serde_json::from_str(&text).unwrap_or_default();
            let why = problem["detail"].as_str().unwrap_or(&text);
            bail!("the dataflow at {url} refused ({status}): {why}");
        }
        serde_json::from_str(&text).with_context(|| format!("{url} answered {text:?}"))
    })
}
