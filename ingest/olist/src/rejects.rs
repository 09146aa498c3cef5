//! Bad rows as data: counted all, kept up to a bound.

use std::collections::BTreeMap;

use eip_contract::{Reject, RejectReason};

/// Most rejects whose place is kept; the rest is only counted.
pub const MAX_KEPT_REJECTS: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Rejects {
    pub(crate) kept: Vec<Reject>,
    pub(crate) counts: BTreeMap<(&'static str, RejectReason), u64>,
    pub(crate) unnamed: Vec<u64>,
    pub(crate) unnamed_count: u64,
}

impl Rejects {
    pub(crate) fn add(
        &mut self,
        file: &'static str,
        line: u64,
        field: &str,
        reason: RejectReason,
        order_id: Option<&str>,
    ) {
        *self.counts.entry((file, reason)).or_default() += 1;
        if self.kept.len() < MAX_KEPT_REJECTS {
            let order_id = order_id.map(str::to_owned);
            let (file, field) = (file.to_owned(), field.to_owned());
            self.kept.push(Reject {
                file,
                line,
                field,
                reason,
                order_id,
            });
        }
    }

    /// A row of the orders file whose order nobody can name.
    pub(crate) fn add_unnamed(&mut self, line: u64) {
        self.unnamed_count += 1;
        if self.unnamed.len() < MAX_KEPT_REJECTS {
            self.unnamed.push(line);
        }
    }
}
