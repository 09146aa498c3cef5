//! What did not get into the views: records that were no canonical events, and documents that the document
//! store refused.

use eip_contract::Offset;

use crate::StoredDeadLetter;

/// How many there are, and the last ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Dead letters by the short name of their reason.
    pub dead_letters: Vec<(String, u64)>,
    /// Those with the greatest offsets.
    pub latest_dead_letters: Vec<StoredDeadLetter>,
    /// Documents that the document store refused.
    pub refused: u64,
    /// Those that were refused last.
    pub latest_refused: Vec<RefusedHead>,
}

/// A refused document, without what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedHead {
    /// The name of its view.
    pub view: String,
    /// Its id.
    pub id: String,
    /// The store's own words.
    pub reason: String,
}

pub(super) const BY_CODE: &str =
    "SELECT code, count(*) FROM dead_letters GROUP BY code ORDER BY code";
pub(super) const LATEST: &str = "SELECT partition, \"offset\", code, reason FROM dead_letters
                                 ORDER BY \"offset\" DESC, partition LIMIT ";

pub(super) fn dead_letter(
    (partition, offset, code, reason): (i64, i64, String, String),
) -> StoredDeadLetter {
    StoredDeadLetter {
        partition: partition as u32,
        offset: Offset(offset as u64),
        code,
        reason,
    }
}
