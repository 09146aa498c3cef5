//! What the Elasticsearch store has to be told.

use std::path::PathBuf;
use std::time::Duration;

use eip_contract::Space;
use eip_views::{VIEWS, View};

/// Where the documents are kept, and how they are sent.
#[derive(Clone)]
pub struct ElasticsearchConfig {
    /// Address of the cluster; may carry `user:password@`.
    pub url: String,
    /// Whose indices.
    pub space: Space,
    /// The views, of which those that are documents are meant.
    pub views: Vec<&'static View>,
    /// A file of PEM certificates that are trusted besides the public ones.
    pub ca: Option<PathBuf>,
    /// Primary shards of an index that is made.
    pub shards: u32,
    /// Bytes a bulk request, about; a single larger document is a request of its own.
    pub bulk_bytes: usize,
    /// Bulk requests under way at once.
    pub concurrency: usize,
    /// After how long a request counts as unanswered.
    pub timeout: Duration,
}

impl ElasticsearchConfig {
    /// The usual settings for the cluster at `url`.
    pub fn new(url: impl Into<String>, space: Space) -> Self {
        Self {
            url: url.into(),
            space,
            views: VIEWS.to_vec(),
            ca: None,
            shards: 1,
            bulk_bytes: 1 << 20,
            concurrency: 4,
            timeout: Duration::from_secs(30),
        }
    }
}

impl std::fmt::Debug for ElasticsearchConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.debug_struct("ElasticsearchConfig")
            .field("space", &self.space)
            .field("ca", &self.ca)
            .field("shards", &self.shards)
            .field("bulk_bytes", &self.bulk_bytes)
            .field("concurrency", &self.concurrency)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
