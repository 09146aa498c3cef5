//! Elasticsearch as the document store (design, "The stores").
//!
//! ```text
//!  config ─► client                      one request and its answer
//!  layout, mapping ─► indices            names, settings, and what is in the cluster
//!                       ├─► auto_create  no write of anybody makes an index of ours
//!                       └─► fence        write aliases: who may write
//!  encode ─► bulk ─► verdict, conflict   documents go out, item by item they are judged
//!  scan ─► source                        documents come back
//!  read, rebuild, spaces                 for readers and for the command line
//! ```
//! Versions are external, epoch · 2⁴² + tick: they order retries, and the alias is the fence.

mod auto_create;
mod bulk;
mod client;
mod config;
mod conflict;
mod encode;
mod fence;
mod hit;
mod indices;
mod layout;
mod mapping;
mod read;
mod rebuild;
mod scan;
mod source;
mod spaces;
mod verdict;

use eip_views::View;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::error::{Fault, Retry, StoreError};
use super::{
    DocumentStore, DocumentWrite, Look, RefusedDocument, StoredDocument, leaves_entries,
    new_runtime,
};
use bulk::Lane;
pub(crate) use client::{Answer, Client, Failure};
use fence::{WriteEnd, superseded};
use indices::{Generation, Indices};
pub(crate) use layout::Layout;
pub(crate) use source::NOTES;

pub use config::ElasticsearchConfig;
pub use layout::FORMAT as ELASTICSEARCH_FORMAT;
pub use read::ElasticsearchDocuments;
pub use rebuild::{ElasticsearchRebuild, IndexInfo};
pub use spaces::ElasticsearchSpaces;

/// Into which indices a dataflow writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// Those that readers see.
    Read,
    /// New ones beside them.
    Beside,
}

/// A writer of one space's documents.
///
/// Must not be called, used or dropped inside an async task: it waits on a runtime of its own.
pub struct ElasticsearchStore {
    runtime: Runtime,
    views: Views,
}

struct Views {
    config: ElasticsearchConfig,
    topic_id: String,
    target: Target,
    client: Client,
    indices: Vec<Indices>,
    /// One a view, since [`DocumentStore::write_as`].
    lanes: Option<Vec<Lane>>,
}

impl ElasticsearchStore {
    /// A store in the cluster and space that `config` names, for views of the log `topic_id`. The
    /// cluster is not asked before the first call.
    pub fn open(config: ElasticsearchConfig, topic_id: &str) -> Result<Self, StoreError> {
        Self::with_target(config, topic_id, Target::Read)
    }

    /// As [`ElasticsearchStore::open`], but what takes over makes new, empty indices beside those
    /// that readers see, and writes there.
    pub fn open_beside(config: ElasticsearchConfig, topic_id: &str) -> Result<Self, StoreError> {
        Self::with_target(config, topic_id, Target::Beside)
    }

    fn with_target(
        config: ElasticsearchConfig,
        topic_id: &str,
        target: Target,
    ) -> Result<Self, StoreError> {
        let client = Client::new(&config)?;
        Ok(Self {
            runtime: new_runtime()?,
            views: Views {
                topic_id: topic_id.to_owned(),
                target,
                indices: Indices::all(&client, &config),
                client,
                lanes: None,
                config,
            },
        })
    }
}

impl Views {
    async fn greatest_epoch(&self) -> Result<u64, StoreError> {
        let mut greatest = 0;
        for indices in &self.indices {
            greatest = greatest.max(indices.greatest_epoch().await?);
        }
        Ok(greatest)
    }

    async fn take_over(&self, epoch: u64, writers: usize) -> Result<(), StoreError> {
        auto_create::forbid(&self.client, &self.indices).await?;
        let mut targets = Vec::new();
        for indices in &self.indices {
            let target = self.target(indices, epoch).await?;
            indices.mark(&target, &self.meta(epoch)).await?;
            targets.push((indices.clone(), target.index));
        }
        fence::take_over(&targets, epoch, writers).await
    }

    /// The index to write to, made if it is missing.
    async fn target(&self, indices: &Indices, epoch: u64) -> Result<Generation, StoreError> {
        let meta = self.meta(epoch);
        let mut made = None;
        loop {
            let generations = indices.generations().await?;
            if let Some(newer) = generations.iter().find(|g| g.epoch > epoch) {
                return Err(superseded(newer.epoch, epoch));
            }
            let found = match (self.target, made) {
                (Target::Read, _) => indices.read_one(&generations)?,
                (Target::Beside, Some(number)) => generations.iter().find(|g| g.number == number),
                // One that this epoch has begun to make and did not finish.
                (Target::Beside, None) => {
                    generations.iter().find(|g| !g.is_read && g.epoch == epoch)
                }
            };
            if let Some(found) = found {
                return Ok(found.clone());
            }
            let number = generations.last().map_or(1, |last| last.number + 1);
            indices
                .create(
                    number,
                    self.target == Target::Read,
                    self.config.shards,
                    &meta,
                )
                .await?;
            made = Some(number);
        }
    }

    /// What an index says about itself.
    fn meta(&self, epoch: u64) -> Value {
        json!({ "format": layout::FORMAT, "epoch": epoch, "topic": self.topic_id })
    }

    async fn lanes(&self, epoch: u64, writer: usize) -> Result<Vec<Lane>, StoreError> {
        let mut lanes = Vec::with_capacity(self.indices.len());
        for indices in &self.indices {
            let end = WriteEnd::find(indices, epoch, writer).await?;
            let Some(end) = end else {
                let message = format!(
                    "elasticsearch at {} has no write alias of epoch {epoch} for writer {writer}",
                    indices.client.place()
                );
                // An epoch is told after it has taken over: whoever removed the alias since, it
                // does not come back by waiting.
                return Err(StoreError::new(Fault::External, Retry::Anew, message));
            };
            lanes.push(Lane {
                indices: indices.clone(),
                end,
                request_bytes: self.config.bulk_bytes,
                concurrency: self.config.concurrency.max(1),
                refused: Vec::new(),
                refused_in_a_row: 0,
            });
        }
        Ok(lanes)
    }

    /// Where the view is among those that are kept.
    fn place(&self, view: &View) -> usize {
        let place = self.indices.iter().position(|known| known.view == view);
        place.unwrap_or_else(|| panic!("{} is kept as documents", view.name))
    }

    /// The index of a view that this writer writes to; before it writes, that of the readers.
    async fn index(&self, view: &'static View) -> Result<Option<String>, StoreError> {
        if let Some(lanes) = &self.lanes {
            return Ok(Some(lanes[self.place(view)].end.index.clone()));
        }
        let current = self.indices[self.place(view)].current().await?;
        Ok(current.map(|generation| generation.index))
    }

    /// See [`WriteEnd::meaning_of`]; before it writes, a store only waits.
    async fn meaning_of(&self, view: &'static View, error: StoreError) -> StoreError {
        match &self.lanes {
            Some(lanes) => {
                let place = self.place(view);
                let indices = &self.indices[place];
                lanes[place].end.meaning_of(indices, error).await
            }
            None => error,
        }
    }
}

impl DocumentStore for ElasticsearchStore {
    fn name(&self) -> &'static str {
        "elasticsearch"
    }

    fn keep(&mut self, views: &[&'static View]) {
        self.views.config.views = views.to_vec();
        self.views.indices = Indices::all(&self.views.client, &self.views.config);
    }

    fn greatest_epoch(&mut self) -> Result<u64, StoreError> {
        self.runtime.block_on(self.views.greatest_epoch())
    }

    fn take_over(&mut self, epoch: u64, writers: usize) -> Result<(), StoreError> {
        self.runtime.block_on(self.views.take_over(epoch, writers))
    }

    fn lineage(&mut self) -> Result<Option<String>, StoreError> {
        let Views {
            target, indices, ..
        } = &self.views;
        if *target == Target::Beside {
            return Ok(None);
        }
        let tracked = indices
            .iter()
            .filter(|indices| leaves_entries(indices.view));
        self.runtime.block_on(async {
            let mut lineage = Vec::new();
            for indices in tracked {
                match indices.current().await? {
                    Some(generation) => lineage.push(generation.lineage),
                    None => return Ok(None),
                }
            }
            Ok(Some(lineage.join("/")))
        })
    }

    fn write_as(&mut self, epoch: u64, writer: usize) -> Result<(), StoreError> {
        let lanes = self.runtime.block_on(self.views.lanes(epoch, writer))?;
        self.views.lanes = Some(lanes);
        Ok(())
    }

    fn bulk(
        &mut self,
        view: &'static View,
        version: u64,
        writes: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError> {
        let place = self.views.place(view);
        let lanes = self.views.lanes.as_mut();
        let lane = &mut lanes.expect("a store is a writer before it writes")[place];
        self.runtime.block_on(lane.bulk(version, writes))
    }

    fn scan(
        &mut self,
        view: &'static View,
        look: Look,
        each: &mut dyn FnMut(StoredDocument<'_>),
    ) -> Result<(), StoreError> {
        self.runtime.block_on(async {
            let Some(index) = self.views.index(view).await? else {
                return Ok(());
            };
            let indices = &self.views.indices[self.views.place(view)];
            match scan::scan(indices, &index, look, each).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.views.meaning_of(view, error).await),
            }
        })
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        self.runtime.block_on(async {
            for indices in &self.views.indices {
                if let Some(index) = self.views.index(indices.view).await?
                    && let Err(error) = indices.refresh(&index).await
                {
                    return Err(self.views.meaning_of(indices.view, error).await);
                }
            }
            Ok(())
        })
    }
}
