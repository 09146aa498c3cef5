//! The spaces of one cluster: listing them and dropping one.

use std::collections::{BTreeMap, BTreeSet};

use eip_contract::Space;
use eip_views::View;
use elasticsearch::http::Method;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::super::error::StoreError;
use super::super::{document_views, new_runtime};
use super::client::{Client, Failure};
use super::config::ElasticsearchConfig;
use super::layout::Layout;

/// What Elasticsearch has of the spaces.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ElasticsearchSpaces {
    runtime: Runtime,
    client: Client,
    views: Vec<&'static View>,
}

impl ElasticsearchSpaces {
    /// The spaces of the cluster at `config.url`; the space that `config` names does not matter.
    pub fn new(config: &ElasticsearchConfig) -> Result<Self, StoreError> {
        Ok(Self {
            runtime: new_runtime()?,
            client: Client::new(config)?,
            views: document_views(&config.views).collect(),
        })
    }

    /// The version of the node that answers.
    pub fn version(&self) -> Result<String, StoreError> {
        #[derive(serde::Deserialize)]
        struct Nodes {
            nodes: BTreeMap<String, Node>,
        }
        #[derive(serde::Deserialize)]
        struct Node {
            version: String,
        }
        let path = "_nodes/_local?filter_path=nodes.*.version";
        let found: Result<Nodes, Failure> =
            self.runtime
                .block_on(self.client.call(Method::Get, path, None));
        let found = found.map_err(|failure| self.client.error("ask for the version", &failure))?;
        let first = found.nodes.into_values().next();
        Ok(first.map_or_else(|| "unknown".to_owned(), |node| node.version))
    }

    /// Every space that has indices, by name.
    pub fn list(&self) -> Result<Vec<Space>, StoreError> {
        let patterns = self.views.iter().map(|view| format!("*{}-v*", view.name));
        let patterns: Vec<String> = patterns.collect();
        let path = format!(
            "{}?expand_wildcards=all&filter_path=*.settings.index.uuid",
            patterns.join(",")
        );
        let names = self.names(&path, "list the spaces")?;
        let spaces: BTreeSet<Space> = names
            .iter()
            .filter_map(|name| space_of(&self.views, name))
            .collect();
        Ok(spaces.into_iter().collect())
    }

    /// Removes all indices and templates of a space; says whether there was anything.
    pub fn drop(&self, space: &Space) -> Result<bool, StoreError> {
        let mut any = false;
        for &view in &self.views {
            let layout = Layout::new(space, view);
            let path = format!(
                "{}?expand_wildcards=all&filter_path=*.settings.index.uuid",
                layout.all_indices()
            );
            for index in self.names(&path, "read the indices")? {
                if layout.parse_index(&index).is_some() {
                    any = true;
                    self.delete(&index)?;
                }
            }
            for template in layout.all_templates() {
                self.delete(&format!("_index_template/{template}"))?;
            }
        }
        Ok(any)
    }

    fn names(&self, path: &str, what: &str) -> Result<Vec<String>, StoreError> {
        let found: Result<BTreeMap<String, Value>, Failure> = self
            .runtime
            .block_on(self.client.call(Method::Get, path, None));
        match found {
            Ok(found) => Ok(found.into_keys().collect()),
            Err(failure) => Err(self.client.error(what, &failure)),
        }
    }

    fn delete(&self, path: &str) -> Result<(), StoreError> {
        let gone: Result<Value, Failure> =
            self.runtime
                .block_on(self.client.call(Method::Delete, path, None));
        match gone {
            Err(failure) if failure.status != Some(404) => {
                Err(self.client.error(&format!("remove {path}"), &failure))
            }
            _ => Ok(()),
        }
    }
}

/// The space of an index of ours.
fn space_of(views: &[&View], index: &str) -> Option<Space> {
    views.iter().find_map(|view| {
        let (base, _version) = index.rsplit_once("-v")?;
        let space = Space::of_prefixed(base, view.name)?;
        let layout = Layout::new(&space, view);
        layout.parse_index(index).map(|_| space)
    })
}

#[cfg(test)]
mod tests {
    use eip_views::{SHIPMENT_EVENTS, SHIPMENTS};

    use super::*;

    #[test]
    fn only_indices_of_ours_have_a_space() {
        let of = |index| space_of(&[&SHIPMENT_EVENTS, &SHIPMENTS], index);
        assert_eq!(of("shipments-v1-2"), Some(Space::main()));
        let versioned: Space = "a-v".parse().unwrap();
        assert_eq!(of("a-v.shipment_events-v1-2"), Some(versioned));
        let space: Space = "a-v1".parse().unwrap();
        assert_eq!(of("a-v1.shipment_events-v1-2"), Some(space));
        for foreign in [
            "my-shipments-v1-2",
            "shipments-vendor",
            "other",
            "Peak.shipments-v1-1",
        ] {
            assert_eq!(of(foreign), None, "{foreign}");
        }
    }
}
