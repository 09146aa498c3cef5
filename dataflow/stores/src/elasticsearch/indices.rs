//! The indices of a view as they are in the cluster, and the requests that make and change them.

use std::collections::BTreeMap;

use eip_contract::Space;
use eip_views::View;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::error::{Fault, Retry, StoreError};
use super::super::{TICK_BITS, document_views};
use super::client::{Client, Failure};
use super::config::ElasticsearchConfig;
use super::layout::{FORMAT, Layout, WriteAlias};
use super::mapping;

/// A `ver` from here on was written by no dataflow of this world: it would be the millionth.
const IMPOSSIBLE_VERSION: u64 = 1 << 62;

/// One index of a view.
#[derive(Clone, Debug)]
pub(super) struct Generation {
    /// The index.
    pub(super) index: String,
    /// Which one: each rebuild makes the next.
    pub(super) number: u32,
    /// The last epoch that took it over.
    pub(super) epoch: u64,
    /// Whether readers see it.
    pub(super) is_read: bool,
    /// Who may write to it.
    pub(super) write_aliases: Vec<WriteAlias>,
    /// Other documents under this name have another one: an index that was rebuilt or restored.
    pub(super) lineage: String,
    meta: serde_json::Map<String, Value>,
    refresh_interval: Option<String>,
}

#[derive(Deserialize)]
struct IndexAnswer {
    #[serde(default)]
    aliases: BTreeMap<String, Value>,
    #[serde(default)]
    mappings: Value,
    #[serde(default)]
    settings: Value,
}

/// One view in one cluster.
#[derive(Clone)]
pub(super) struct Indices {
    pub(super) client: Client,
    pub(super) layout: Layout,
    pub(super) view: &'static View,
}

impl Indices {
    /// Those of one view of a space.
    pub(super) fn new(client: &Client, space: &Space, view: &'static View) -> Self {
        Self {
            client: client.clone(),
            layout: Layout::new(space, view),
            view,
        }
    }

    /// Those of all document views that `config` names.
    pub(super) fn all(client: &Client, config: &ElasticsearchConfig) -> Vec<Self> {
        document_views(&config.views)
            .map(|view| Self::new(client, &config.space, view))
            .collect()
    }

    /// All generations, oldest first. Refused: a newer format than this program's.
    pub(super) async fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let alias = self.layout.read_alias();
        let path = format!(
            "{alias},{}?ignore_unavailable=true&expand_wildcards=all",
            self.layout.all_indices()
        );
        let found: BTreeMap<String, IndexAnswer> = self
            .client
            .call(Method::Get, &path, None)
            .await
            .map_err(|failure| self.client.error("read the indices", &failure))?;
        let mut generations = Vec::new();
        for (index, answer) in found {
            let is_read = answer.aliases.contains_key(alias);
            let Some((format, number)) = self.layout.parse_index(&index) else {
                if is_read || index == alias {
                    return Err(self.refusal(&format!(
                        "{alias} is or names the index {index}, which is none of ours: \
                         remove or rename it"
                    )));
                }
                continue;
            };
            let meta = answer.mappings["_meta"].as_object().cloned();
            let meta = meta.unwrap_or_default();
            let stored = meta.get("format").and_then(Value::as_u64);
            let stored = stored.unwrap_or_default().max(u64::from(format));
            if stored > u64::from(FORMAT) {
                return Err(self.refusal(&format!(
                    "{index} has format {stored}, this program knows formats up to {FORMAT}: \
                     use a newer program"
                )));
            }
            let setting = |name: &str| answer.settings["index"][name].as_str();
            let lineage = ["uuid", "history_uuid"].map(|name| setting(name).unwrap_or_default());
            let refresh_interval = setting("refresh_interval");
            generations.push(Generation {
                number,
                epoch: meta.get("epoch").and_then(Value::as_u64).unwrap_or(0),
                is_read,
                write_aliases: answer
                    .aliases
                    .keys()
                    .filter_map(|name| self.layout.parse_write_alias(name))
                    .collect(),
                refresh_interval: refresh_interval.map(str::to_owned),
                lineage: lineage.join("/"),
                meta,
                index,
            });
        }
        generations.sort_unstable_by_key(|generation| generation.number);
        Ok(generations)
    }

    /// The generation that readers see; none where there is none.
    pub(super) async fn current(&self) -> Result<Option<Generation>, StoreError> {
        let generations = self.generations().await?;
        self.read_one(&generations).map(Option::<&_>::cloned)
    }

    /// The one of `generations` that readers see.
    pub(super) fn read_one<'g>(
        &self,
        generations: &'g [Generation],
    ) -> Result<Option<&'g Generation>, StoreError> {
        let mut read = generations.iter().filter(|generation| generation.is_read);
        let one = read.next();
        match (one, read.next()) {
            (Some(one), Some(other)) => Err(self.refusal(&format!(
                "{} names both {} and {}: take it from one of them",
                self.layout.read_alias(),
                one.index,
                other.index
            ))),
            _ => Ok(one),
        }
    }

    /// Makes the template and an index of this generation, with the read alias if `is_read`.
    pub(super) async fn create(
        &self,
        number: u32,
        is_read: bool,
        shards: u32,
        meta: &Value,
    ) -> Result<(), StoreError> {
        let template = mapping::template(&self.layout, self.view);
        let path = format!("_index_template/{}", self.layout.template());
        self.change(Method::Put, &path, &template, "make the index template")
            .await?;
        let mut body = json!({
            "settings": { "index": { "number_of_shards": shards } },
            "mappings": { "_meta": meta },
        });
        if is_read {
            body["aliases"] = json!({ self.layout.read_alias(): {} });
        }
        let path = self.layout.index(number);
        let made: Result<Value, Failure> = self.client.call(Method::Put, &path, Some(&body)).await;
        match made {
            // An earlier try whose answer was lost, or another process of this dataflow.
            Err(failure) if failure.kind == "resource_already_exists_exception" => Ok(()),
            Err(failure) => Err(self.client.error(&format!("make {path}"), &failure)),
            Ok(_made) => Ok(()),
        }
    }

    /// Writes `_meta` and the refresh interval of an index, where they are not so already. An index of an
    /// older format gets the fields that it lacks.
    pub(super) async fn mark(
        &self,
        generation: &Generation,
        meta: &Value,
    ) -> Result<(), StoreError> {
        let index = &generation.index;
        if Some(&generation.meta) != meta.as_object() {
            let path = format!("{index}/_mapping");
            let mut body = json!({ "_meta": meta });
            if generation.meta.get("format") != meta.get("format") {
                body["properties"] = json!(mapping::properties(self.view));
            }
            self.change(Method::Put, &path, &body, "set the epoch")
                .await?;
        }
        // A crash may have left another, and so may a hand.
        if generation.refresh_interval.as_deref() != Some(mapping::REFRESH_INTERVAL) {
            let path = format!("{index}/_settings");
            let body = json!({ "index": { "refresh_interval": mapping::REFRESH_INTERVAL } });
            self.change(Method::Put, &path, &body, "set the refresh interval")
                .await?;
        }
        Ok(())
    }

    /// The greatest epoch that anything of this view names.
    pub(super) async fn greatest_epoch(&self) -> Result<u64, StoreError> {
        let mut greatest = 0;
        for generation in self.generations().await? {
            let aliases = generation.write_aliases.iter().map(|alias| alias.epoch);
            greatest = aliases.fold(greatest.max(generation.epoch), u64::max);
            greatest = greatest.max(self.greatest_version(&generation.index).await? >> TICK_BITS);
        }
        Ok(greatest)
    }

    /// The greatest `ver` of an index. Sorted and not aggregated: an aggregation answers in
    /// floating point.
    async fn greatest_version(&self, index: &str) -> Result<u64, StoreError> {
        let body = json!({
            "size": 1,
            "track_total_hits": false,
            "_source": false,
            "query": { "range": { "ver": { "gte": 0, "lt": IMPOSSIBLE_VERSION } } },
            "sort": [{ "ver": "desc" }],
        });
        self.refresh(index).await?;
        let path = format!("{index}/_search?allow_partial_search_results=false");
        let found: Value = self
            .client
            .call(Method::Post, &path, Some(&body))
            .await
            .map_err(|failure| self.client.error("find the last version", &failure))?;
        Ok(found["hits"]["hits"][0]["sort"][0].as_u64().unwrap_or(0))
    }

    /// Makes what was written to `index` visible.
    pub(super) async fn refresh(&self, index: &str) -> Result<(), StoreError> {
        let what = format!("refresh {index}");
        let done: Result<Value, Failure> = self
            .client
            .call(Method::Post, &format!("{index}/_refresh"), None)
            .await;
        let done = done.map_err(|failure| self.client.error(&what, &failure))?;
        let shards = &done["_shards"];
        let reason = &shards["failures"][0]["reason"];
        if reason.is_null() && shards["successful"] != 0 {
            return Ok(());
        }
        let text = |key: &str, or: &str| reason[key].as_str().unwrap_or(or).to_owned();
        let failure = Failure {
            status: None,
            kind: text("type", "no shard"),
            words: text("reason", "none of its shards is there"),
        };
        Err(self.client.error(&what, &failure))
    }

    /// How many documents a search finds.
    pub(super) async fn count(&self, index: &str) -> Result<u64, StoreError> {
        let counted: Value = self
            .client
            .call(Method::Get, &format!("{index}/_count"), None)
            .await
            .map_err(|failure| self.client.error("count", &failure))?;
        Ok(counted["count"].as_u64().unwrap_or(0))
    }

    /// Sends a request that changes the cluster and waits until all of it knows.
    pub(super) async fn change(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        what: &str,
    ) -> Result<(), StoreError> {
        change(&self.client, method, path, body)
            .await
            .map_err(|failure| self.client.error(what, &failure))
    }

    fn refusal(&self, message: &str) -> StoreError {
        let message = format!("elasticsearch at {}: {message}", self.client.place());
        StoreError::new(Fault::User, Retry::Never, message)
    }
}

/// One request that changes the cluster's state, known to all its nodes when this returns.
pub(super) async fn change(
    client: &Client,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<(), Failure> {
    let done: Value = client.call(method, path, Some(body)).await?;
    if done["acknowledged"] == false {
        return Err(Failure {
            status: None,
            kind: "not acknowledged".to_owned(),
            words: format!("not all nodes of the cluster have done {path} in time"),
        });
    }
    Ok(())
}
