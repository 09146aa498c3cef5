//! The columns of times of one file, for a person: how they are written, and whether they can be read.

use serde::Serialize;

use super::facts::{ColumnFacts, DayMonth, SeenForm};

/// A column of times.
#[derive(Clone, Debug, Serialize)]
pub struct TimeColumn {
    /// The column.
    pub column: String,
    /// How its values are written, the most frequent first.
    pub forms: Vec<TimeForm>,
    /// Values that are no times, and the first with its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<(u64, String, u64)>,
}

/// One way in which times are written.
#[derive(Clone, Debug, Serialize)]
pub struct TimeForm {
    /// Whether it is read as it is, without a `dataset.toml`.
    pub built_in: bool,
    /// The forms of strptime that read it: two where day and month cannot be told apart.
    pub forms: Vec<String>,
    /// How many values.
    pub values: u64,
    /// One of them.
    pub sample: String,
}

/// The columns of a file that hold times.
pub(super) fn time_columns(columns: &[String], facts: &[ColumnFacts]) -> Vec<TimeColumn> {
    let of_times = || {
        columns
            .iter()
            .zip(facts)
            .filter(|(_, facts)| facts.is_time())
    };
    let order = DayMonth::of(of_times().map(|(_, facts)| facts));
    of_times()
        .map(|(column, facts)| {
            let mut seen: Vec<&SeenForm> = facts.forms.iter().collect();
            seen.sort_by_key(|seen| std::cmp::Reverse(seen.count));
            TimeColumn {
                column: column.clone(),
                forms: seen
                    .into_iter()
                    .map(|seen| TimeForm {
                        built_in: seen.built_in == seen.count,
                        forms: order.forms(seen),
                        values: seen.count,
                        sample: seen.sample.clone(),
                    })
                    .collect(),
                others: facts
                    .other
                    .as_ref()
                    .map(|(sample, line)| (facts.others, sample.clone(), *line)),
            }
        })
        .collect()
}
