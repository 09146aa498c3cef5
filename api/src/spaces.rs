//! The spaces of the place where this API's views are: the other schemas and indices on the same servers, or
//! the other folders in the same state folder. A request names a space, never a place.

use std::path::PathBuf;

use eip_contract::Space;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{LogError, StateDir, list_spaces};
use eip_stores::{
    ElasticsearchConfig, ElasticsearchSpaces, FORMAT, POSTGRES_FORMAT, PostgresSpaces, ServerViews,
    SqliteViews, StoreError, ViewReader,
};

use crate::config::ViewsConfig;
use crate::log::LogConfig;

/// Where the spaces are. What is asked of it blocks.
#[derive(Clone)]
pub(crate) struct Spaces {
    views: ViewsConfig,
    log: Option<LogConfig>,
}

/// Why the spaces cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the state folder cannot be read")]
    Folder(#[source] LogError),
}

impl Spaces {
    /// The spaces beside those views.
    pub(crate) fn beside(views: &ViewsConfig, log: Option<&LogConfig>) -> Self {
        Self {
            views: views.clone(),
            log: log.cloned(),
        }
    }

    /// Those that have anything where views are kept, by name. Blocks.
    pub(crate) fn list(&self) -> Result<Vec<Space>, ListError> {
        match &self.views {
            ViewsConfig::Sqlite { root, .. } => list_spaces(root).map_err(ListError::Folder),
            ViewsConfig::Servers {
                postgres,
                elasticsearch: url,
                elasticsearch_ca: ca,
                space,
            } => {
                let documents = elasticsearch(url, ca.as_ref(), space);
                let mut spaces = PostgresSpaces::new(postgres).list()?;
                spaces.extend(ElasticsearchSpaces::new(&documents)?.list()?);
                spaces.sort_unstable();
                spaces.dedup();
                Ok(spaces)
            }
        }
    }

    /// Those that have a log, or why that is not known. Blocks.
    pub(crate) fn with_log(&self, spaces: &[Space]) -> Result<Vec<Space>, String> {
        match (&self.views, &self.log) {
            (ViewsConfig::Sqlite { root, .. }, _) => {
                let has_log = |space: &&Space| StateDir::open(space.folder(root)).is_ok();
                Ok(spaces.iter().filter(has_log).cloned().collect())
            }
            (_, Some(LogConfig::Kafka(kafka))) => {
                let kafka = KafkaConfig::clone(kafka);
                KafkaLog::spaces(kafka).map_err(|error| error.to_string())
            }
            _ => Err("this API knows no Kafka to ask".to_owned()),
        }
    }

    /// Opens the views of a space, which must be one of those that are listed. Blocks.
    pub(crate) fn open(&self, space: &Space) -> Result<ViewReader, StoreError> {
        Ok(match &self.views {
            ViewsConfig::Sqlite { root, .. } => {
                ViewReader::new(SqliteViews::open(&space.folder(root))?)
            }
            ViewsConfig::Servers {
                postgres,
                elasticsearch: url,
                elasticsearch_ca: ca,
                ..
            } => {
                let documents = elasticsearch(url, ca.as_ref(), space);
                ViewReader::new(ServerViews::open(postgres, &documents)?)
            }
        })
    }

    /// The format of what [`Spaces::open`] opens; it refuses another one.
    pub(crate) fn format(&self) -> u32 {
        match &self.views {
            ViewsConfig::Sqlite { .. } => FORMAT,
            ViewsConfig::Servers { .. } => POSTGRES_FORMAT,
        }
    }
}

fn elasticsearch(url: &str, ca: Option<&PathBuf>, space: &Space) -> ElasticsearchConfig {
    let mut config = ElasticsearchConfig::new(url, space.clone());
    config.ca = ca.cloned();
    config
}
