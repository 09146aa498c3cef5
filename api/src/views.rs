//! The views that an API asks, as its settings name them.

use eip_stores::StoreError;
use eip_stores::query::Queries;

use crate::config::ViewsConfig;

/// Why an API cannot begin: its settings are wrong.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address that is none.
    #[error("the address of {0} cannot be used")]
    Address(
        &'static str,
        #[source] Box<dyn std::error::Error + Send + Sync>,
    ),
    /// The file with trusted certificates.
    #[error("{} cannot be read", .0.display())]
    Ca(std::path::PathBuf, #[source] std::io::Error),
    /// The settings of a store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The views that `config` names, whether they are there yet or not.
pub(crate) fn open(config: &ViewsConfig) -> Result<Queries, OpenError> {
    match config {
        ViewsConfig::Sqlite { root, space } => Ok(Queries::sqlite(&space.folder(root))),
        ViewsConfig::Servers {
            postgres,
            elasticsearch,
            elasticsearch_ca,
            space,
        } => Ok(Queries::servers(
            postgres,
            elasticsearch,
            elasticsearch_ca.clone(),
            space,
        )?),
    }
}
