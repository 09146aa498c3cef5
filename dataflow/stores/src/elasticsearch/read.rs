//! Reading the documents from outside of the dataflow.

use eip_contract::Space;
use eip_views::View;
use tokio::runtime::Runtime;

use super::super::error::{Fault, Retry, StoreError};
use super::super::{Look, new_runtime};
use super::client::Client;
use super::config::ElasticsearchConfig;
use super::indices::Indices;
use super::{scan, source};

/// A reader of one space's documents, through the read aliases.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ElasticsearchDocuments {
    runtime: Runtime,
    client: Client,
    space: Space,
    /// Read is what this epoch has filled beside what readers see, instead of that.
    beside: Option<u64>,
}

impl ElasticsearchDocuments {
    /// A reader of what `config` names. The cluster is not asked before the first call.
    pub fn open(config: &ElasticsearchConfig) -> Result<Self, StoreError> {
        Ok(Self {
            runtime: new_runtime()?,
            client: Client::new(config)?,
            space: config.space.clone(),
            beside: None,
        })
    }

    /// A reader of the new indices that a dataflow of `epoch` has filled beside those that readers
    /// see.
    pub fn open_beside(config: &ElasticsearchConfig, epoch: u64) -> Result<Self, StoreError> {
        Ok(Self {
            beside: Some(epoch),
            ..Self::open(config)?
        })
    }

    /// Where the documents are, for people; without a password.
    pub fn place(&self) -> String {
        self.client.place().to_owned()
    }

    /// How many documents a view has.
    pub fn count(&mut self, view: &'static View) -> Result<u64, StoreError> {
        let indices = Indices::new(&self.client, &self.space, view);
        self.runtime.block_on(async {
            let index = index(&indices, self.beside).await?;
            indices.refresh(&index).await?;
            indices.count(&index).await
        })
    }

    /// Calls `each` with id and canonical line of every document, sorted by the bytes of the line.
    /// One that another hand has made unreadable has its own JSON as its line.
    pub fn documents(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        let indices = Indices::new(&self.client, &self.space, view);
        let mut lines: Vec<(Box<[u8]>, Box<str>)> = Vec::new();
        self.runtime.block_on(async {
            let index = index(&indices, self.beside).await?;
            let mut line = Vec::new();
            scan::pages(&indices, &index, Look::Whole, &mut |hit| {
                source::read(view, &hit, &mut line);
                lines.push((line.as_slice().into(), (*hit.id).into()));
            })
            .await
        })?;
        lines.sort_unstable();
        for (line, id) in &lines {
            each(id, line);
        }
        Ok(())
    }
}

async fn index(indices: &Indices, beside: Option<u64>) -> Result<String, StoreError> {
    let generations = indices.generations().await?;
    let found = match beside {
        None => indices.read_one(&generations)?,
        Some(epoch) => generations.iter().find(|g| !g.is_read && g.epoch == epoch),
    };
    match found {
        Some(generation) => Ok(generation.index.clone()),
        None => Err(StoreError::new(
            Fault::User,
            Retry::Never,
            format!(
                "there is no {} in elasticsearch at {}: no dataflow has run there",
                indices.layout.read_alias(),
                indices.client.place()
            ),
        )),
    }
}
