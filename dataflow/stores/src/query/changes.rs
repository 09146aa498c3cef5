//! Which shipments have changed since a tick: documents that a later tick wrote, and entries of those that
//! one deleted ([`crate::changes`]), in order of tick and id.
//!
//! A document that is written again moves on to the later tick, so a stretch of ticks that is walked while
//! a dataflow writes may lose some: those are in the stretch behind it.

use super::Document;

/// A page of changes.
#[derive(Clone, Debug)]
pub struct ChangeQuery {
    /// After this tick.
    pub since: u64,
    /// Up to this one; not beyond what is visible.
    pub upto: u64,
    /// Tick and id of the last change of the page before.
    pub after: Option<(u64, String)>,
    /// Most changes of the page.
    pub limit: u32,
}

/// A shipment that a tick has written or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The tick.
    pub tick: u64,
    /// The order.
    pub id: String,
    /// The shipment as it is now; none when there is none.
    pub document: Option<Document>,
}

impl ChangeQuery {
    /// Where the page begins: behind this tick and id.
    pub(super) fn place(&self) -> (i64, &str) {
        match &self.after {
            Some((tick, id)) => (*tick as i64, id),
            // No id is empty.
            None => (self.since as i64 + 1, ""),
        }
    }

    /// Puts documents and entries together, each in order and no more than a page.
    pub(super) fn joined(&self, written: Vec<Change>, deleted: Vec<Change>) -> Vec<Change> {
        let mut changes = written;
        changes.extend(deleted);
        changes.sort_by(|left, right| (left.tick, &left.id).cmp(&(right.tick, &right.id)));
        changes.truncate(self.limit as usize);
        changes
    }
}
