//! Documents that the document store refused: which are meant, and having them sent again.
//!
//! An entry says that the store did not take a document. Forgotten, the document counts as missing: the next
//! dataflow that starts sends it again if it still stands, and lists it again if it is refused again.

use eip_stores::PostgresStore;
use eip_views::View;

use crate::chain::Chain;

/// View and id.
pub(crate) type Key = (&'static View, String);

/// Which of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Which {
    /// Of this view; of all without.
    pub(crate) view: Option<&'static View>,
    /// These ids; all when there is none.
    pub(crate) ids: Vec<String>,
}

/// Those that are refused now.
pub(crate) fn meant(chain: &Chain, which: &Which) -> anyhow::Result<Vec<Key>> {
    let refused = chain.views()?.refused()?.into_iter().filter(|refused| {
        which.view.is_none_or(|view| view == refused.view)
            && (which.ids.is_empty() || which.ids.contains(&refused.id))
    });
    Ok(refused.map(|refused| (refused.view, refused.id)).collect())
}

/// Forgets them; says how many there were.
pub(crate) fn forget(chain: &Chain, keys: &[Key]) -> anyhow::Result<u64> {
    let topic_id = chain.log()?.topic_id().to_string();
    let mut store = PostgresStore::new(&chain.servers()?.postgres_config(topic_id)?)?;
    Ok(store.forget_refused(keys)?)
}
