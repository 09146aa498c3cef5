//! Bad rows as data: counted all, kept up to a bound.

use std::collections::BTreeMap;

use eip_contract::reject::shown;
use eip_contract::{Reject, RejectReason, RowPlace};
use serde::{Deserialize, Serialize};

/// Most rejects whose place is kept; the rest is only counted.
pub const MAX_KEPT_REJECTS: usize = 100_000;
/// Most rejects of one file and reason that are kept as samples whatever else there is.
const MAX_SAMPLES: usize = 3;

/// Rejected rows of one file for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectCount {
    /// The table.
    pub table: String,
    /// The file.
    pub file: String,
    /// What is wrong.
    pub reason: RejectReason,
    /// How many rows.
    pub rows: u64,
    /// The first of them.
    pub samples: Vec<Reject>,
}

#[derive(Debug, Default)]
pub(crate) struct Rejects {
    pub(crate) kept: Vec<Reject>,
    /// By table, file and reason.
    counts: BTreeMap<(usize, String, RejectReason), (u64, Vec<Reject>)>,
    pub(crate) unnamed: Vec<RowPlace>,
    pub(crate) unnamed_count: u64,
}

impl Rejects {
    /// Adds a reject of a table, given by its place in [`crate::TABLES`].
    pub(crate) fn add(&mut self, table: usize, reject: Reject) {
        let key = (table, reject.file.clone(), reject.reason);
        let (count, samples) = self.counts.entry(key).or_default();
        *count += 1;
        if samples.len() < MAX_SAMPLES {
            samples.push(reject.clone());
        }
        if self.kept.len() < MAX_KEPT_REJECTS {
            self.kept.push(reject);
        }
    }

    /// A row of the orders whose order nobody can name.
    pub(crate) fn add_unnamed(&mut self, place: RowPlace) {
        self.unnamed_count += 1;
        if self.unnamed.len() < MAX_KEPT_REJECTS {
            self.unnamed.push(place);
        }
    }

    /// What was counted, table by table in the order in which they are read.
    pub(crate) fn counts(&self) -> impl Iterator<Item = RejectCount> {
        self.counts
            .iter()
            .map(|((table, file, reason), (rows, samples))| RejectCount {
                table: crate::TABLES[*table].to_owned(),
                file: file.clone(),
                reason: *reason,
                rows: *rows,
                samples: samples.clone(),
            })
    }

    /// Rows of a table that were rejected for a reason that `is` picks.
    pub(crate) fn of_table(&self, table: usize, is: impl Fn(RejectReason) -> bool) -> u64 {
        let counts = self.counts.iter();
        counts
            .filter(|((of, _, reason), _)| *of == table && is(*reason))
            .map(|(_, (rows, _))| rows)
            .sum()
    }

    /// All rejects.
    pub(crate) fn count(&self) -> u64 {
        self.counts.values().map(|(rows, _)| rows).sum()
    }
}

/// A reject of a row that says no more than where it is and why.
pub(crate) fn reject(place: RowPlace, field: &str, reason: RejectReason) -> Reject {
    Reject {
        file: place.file,
        line: place.line,
        last_line: None,
        field: field.to_owned(),
        reason,
        value: None,
        order_id: None,
        because_of: None,
    }
}

/// The text that a reject shows; `None` of an empty one.
pub(crate) fn value(text: &[u8]) -> Option<String> {
    (!text.is_empty()).then(|| shown(text))
}
