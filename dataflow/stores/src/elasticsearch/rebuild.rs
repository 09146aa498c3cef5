//! New indices beside those that readers see: what there is, flipping the read aliases, going
//! back, and dropping what is old. A dataflow fills them
//! ([`super::ElasticsearchStore::open_beside`]) under an epoch of its own, so from its start on
//! nothing else writes; readers stay where they are until the flip.
//!
//! ```text
//!  shipments ──► shipments-v2-3     dataflow ──► shipments-v2-4        while it is filled
//!  shipments ──────────────────────────────────► shipments-v2-4        after the flip
//!  shipments ──► shipments-v2-3                  shipments-v2-4        after going back
//! ```
//! After the flip, or after going back, a dataflow that starts goes on in the index that readers
//! see and reconciles it first.

use eip_views::View;
use elasticsearch::http::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::super::error::{Fault, Retry, StoreError};
use super::super::new_runtime;
use super::client::{Client, Failure};
use super::config::ElasticsearchConfig;
use super::indices::{Generation, Indices, change};
use super::layout::WriteAlias;

/// One index, as `eip rebuild` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexInfo {
    /// Of which view.
    pub view: &'static View,
    /// Its name.
    pub index: String,
    /// Whether readers see it.
    pub is_read: bool,
    /// The last epoch that wrote to it.
    pub epoch: u64,
    /// Its documents.
    pub documents: u64,
}

/// The generations of one space's indices.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ElasticsearchRebuild {
    runtime: Runtime,
    client: Client,
    views: Vec<Indices>,
}

impl ElasticsearchRebuild {
    /// Of the space that `config` names.
    pub fn new(config: &ElasticsearchConfig) -> Result<Self, StoreError> {
        let client = Client::new(config)?;
        Ok(Self {
            runtime: new_runtime()?,
            views: Indices::all(&client, config),
            client,
        })
    }

    /// All indices, by view and age.
    pub fn list(&self) -> Result<Vec<IndexInfo>, StoreError> {
        self.runtime.block_on(async {
            let mut list = Vec::new();
            for indices in &self.views {
                for generation in indices.generations().await? {
                    indices.refresh(&generation.index).await?;
                    list.push(IndexInfo {
                        view: indices.view,
                        documents: indices.count(&generation.index).await?,
                        is_read: generation.is_read,
                        epoch: generation.epoch,
                        index: generation.index,
                    });
                }
            }
            Ok(list)
        })
    }

    /// Lets readers see the indices that the dataflow of `epoch` has filled beside, all views in
    /// one step. Refused when another dataflow has taken over since. Gives the indices.
    pub fn flip(&self, epoch: u64) -> Result<Vec<String>, StoreError> {
        self.runtime.block_on(async {
            let mut actions = Vec::new();
            let mut now = Vec::new();
            for indices in &self.views {
                let generations = indices.generations().await?;
                let filled = generations
                    .iter()
                    .find(|generation| !generation.is_read && generation.epoch == epoch);
                let fence = filled.and_then(|filled| filled.write_aliases.first());
                let (Some(filled), Some(&fence)) = (filled, fence) else {
                    let view = indices.view.name;
                    return Err(self.refusal(&format!(
                        "the rebuild of epoch {epoch} has no index of {view} to flip to: a newer \
                         dataflow took over, or it was never filled; rebuild again"
                    )));
                };
                actions.extend(show(indices, &generations, filled));
                actions.extend(pass_fence(indices, filled, fence));
                now.push(filled.index.clone());
            }
            self.aliases(actions, "flip the read aliases").await?;
            Ok(now)
        })
    }

    /// Lets readers see the indices before the present ones again, all views in one step, and
    /// takes the right to write from whoever has it. Gives the indices.
    pub fn roll_back(&self) -> Result<Vec<String>, StoreError> {
        self.runtime.block_on(async {
            let mut actions = Vec::new();
            let mut now = Vec::new();
            for indices in &self.views {
                let generations = indices.generations().await?;
                let read = indices.read_one(&generations)?;
                let before = generations
                    .iter()
                    .rfind(|generation| read.is_some_and(|read| generation.number < read.number));
                let Some(before) = before else {
                    let view = indices.view.name;
                    return Err(self.refusal(&format!("{view} has no older index to go back to")));
                };
                actions.extend(show(indices, &generations, before));
                for generation in &generations {
                    for &alias in &generation.write_aliases {
                        actions.push(remove(indices, generation, alias));
                    }
                }
                now.push(before.index.clone());
            }
            self.aliases(actions, "go back").await?;
            Ok(now)
        })
    }

    /// Removes every index that readers do not see and no dataflow writes to. Gives what is gone.
    pub fn drop_old(&self) -> Result<Vec<String>, StoreError> {
        self.runtime.block_on(async {
            let mut gone = Vec::new();
            for indices in &self.views {
                for generation in indices.generations().await? {
                    if generation.is_read || !generation.write_aliases.is_empty() {
                        continue;
                    }
                    let dropped: Result<Value, Failure> = indices
                        .client
                        .call(Method::Delete, &generation.index, None)
                        .await;
                    match dropped {
                        Err(failure) if failure.status != Some(404) => {
                            let what = format!("drop {}", generation.index);
                            return Err(indices.client.error(&what, &failure));
                        }
                        _ => gone.push(generation.index),
                    }
                }
            }
            Ok(gone)
        })
    }

    async fn aliases(&self, actions: Vec<Value>, what: &str) -> Result<(), StoreError> {
        let body = json!({ "actions": actions });
        change(&self.client, Method::Post, "_aliases", &body)
            .await
            .map_err(|failure| self.client.error(what, &failure))
    }

    fn refusal(&self, message: &str) -> StoreError {
        let place = self.client.place();
        let message = format!("elasticsearch at {place}: {message}");
        StoreError::new(Fault::User, Retry::Never, message)
    }
}

/// Moves the read alias to `target`.
fn show(indices: &Indices, generations: &[Generation], target: &Generation) -> Vec<Value> {
    let alias = indices.layout.read_alias();
    let hide = generations
        .iter()
        .filter(|generation| generation.is_read)
        .map(|generation| json!({ "remove": { "index": generation.index, "alias": alias } }));
    let show = json!({ "add": { "index": target.index, "alias": alias } });
    hide.chain([show]).collect()
}

/// Fails the whole step where the fence is not ours any more.
fn pass_fence(indices: &Indices, generation: &Generation, alias: WriteAlias) -> [Value; 2] {
    let next = WriteAlias {
        n: alias.n + 1,
        ..alias
    };
    [
        remove(indices, generation, alias),
        json!({ "add": {
            "index": generation.index,
            "alias": indices.layout.write_alias(next),
        } }),
    ]
}

fn remove(indices: &Indices, generation: &Generation, alias: WriteAlias) -> Value {
    json!({ "remove": {
        "index": generation.index,
        "alias": indices.layout.write_alias(alias),
        "must_exist": true,
    } })
}
