//! Which columns a header may mean: Olist's own names, the same in other letters, and names that
//! order systems commonly use.

mod synonyms;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::files::{COLUMNS, FILES, TABLES};
use synonyms::SYNONYMS;

/// What of each table tells that a file is of it, by its place in [`TABLES`].
const TELLING: [&[&str]; 4] = [
    &["seller_id", "seller_state"],
    &["customer_id", "customer_state"],
    &["order_id", "order_purchase_timestamp"],
    &["order_id", "seller_id"],
];

/// Words in the name of a file that tell its table.
const NAME_WORDS: [&[&str]; 4] = [
    &["seller", "vendor", "merchant", "supplier", "warehouse"],
    &["customer", "client", "buyer", "consignee"],
    &["order", "shipment"],
    &["item", "line"],
];

/// How well a name fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Olist's own name.
    Exact,
    /// It differs by case or blanks.
    Alike,
    /// Another name that is commonly used.
    Synonym,
}

/// A table that a file can be.
#[derive(Clone, Debug, Serialize)]
pub struct TableMatch {
    /// One of [`TABLES`].
    pub table: &'static str,
    /// The loosest fit of its columns.
    pub fit: Fit,
    /// Olist's column → the file's.
    pub columns: BTreeMap<&'static str, String>,
    /// Olist's columns that were not found.
    pub missing: Vec<&'static str>,
}

/// The tables that a file with these columns can be, each with what was found of it.
pub(super) fn matches(file: &str, columns: &[String]) -> Vec<TableMatch> {
    let tables = (0..TABLES.len()).map(|at| found_of(at, columns));
    let told = tables.enumerate().filter(|(at, found)| {
        let has = |column: &&str| found.columns.contains_key(*column);
        FILES[*at] == file || TELLING[*at].iter().all(has)
    });
    told.map(|(_, found)| found)
        .filter(|found| !found.columns.is_empty())
        .collect()
}

/// What of a table the columns are.
pub(super) fn found_of(at: usize, columns: &[String]) -> TableMatch {
    let mut found = TableMatch {
        table: TABLES[at],
        fit: Fit::Exact,
        columns: BTreeMap::new(),
        missing: Vec::new(),
    };
    for wanted in COLUMNS[at] {
        match find(wanted, columns) {
            Some((name, fit)) => {
                found.fit = found.fit.max(fit);
                found.columns.insert(wanted, name.clone());
            }
            None => found.missing.push(wanted),
        }
    }
    found
}

fn find<'a>(wanted: &str, columns: &'a [String]) -> Option<(&'a String, Fit)> {
    let by = |is: &dyn Fn(&str) -> bool, fit| {
        let name = columns.iter().find(|name| is(name))?;
        Some((name, fit))
    };
    let synonyms = SYNONYMS.iter().find(|(column, _)| *column == wanted);
    let synonyms = synonyms.map_or("", |(_, synonyms)| synonyms);
    by(&|name| name == wanted, Fit::Exact)
        .or_else(|| by(&|name| name.trim().eq_ignore_ascii_case(wanted), Fit::Alike))
        .or_else(|| by(&|name| bare(name) == bare(wanted), Fit::Synonym))
        .or_else(|| {
            let mut synonyms = synonyms.split_whitespace();
            synonyms.find_map(|word| by(&|name| bare(name) == word, Fit::Synonym))
        })
}

/// Letters and digits alone, in lower case.
fn bare(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// How much the name of a file says that it is of a table: 2 Olist's own, 1 a word of it.
pub(super) fn name_fit(at: usize, file: &str) -> u8 {
    let file = file.to_lowercase();
    let has = |at: usize| NAME_WORDS[at].iter().any(|word| file.contains(word));
    // order_items is of the items.
    let is_items = has(3);
    if file.starts_with(FILES[at].trim_end_matches(".csv")) {
        2
    } else {
        u8::from(has(at) && (at == 3 || !is_items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &[&str]) -> Vec<String> {
        columns.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn every_synonym_is_bare_and_means_one_column_of_a_table() {
        for (at, wanted) in COLUMNS.iter().enumerate() {
            let mut seen = std::collections::BTreeSet::new();
            for column in *wanted {
                let (_, synonyms) = SYNONYMS.iter().find(|(name, _)| name == column).unwrap();
                for word in synonyms.split_whitespace() {
                    assert_eq!(bare(word), word);
                    assert!(seen.insert(word), "{}: {word}", TABLES[at]);
                }
            }
        }
    }

    #[test]
    fn one_export_can_be_several_tables() {
        let found = matches(
            "shipments.csv",
            &names(&[
                "Order No",
                "Bought at",
                "Shipped at",
                "Warehouse",
                "Warehouse region",
                "Ship-to state",
            ]),
        );
        let tables: Vec<(&str, usize)> = found
            .iter()
            .map(|found| (found.table, found.missing.len()))
            .collect();
        assert_eq!(tables, [("sellers", 0), ("orders", 5), ("items", 1)]);
        assert_eq!(found[1].columns["order_purchase_timestamp"], "Bought at");
        assert_eq!(found[1].fit, Fit::Synonym);
    }

    #[test]
    fn own_names_come_before_others() {
        let columns = names(&["state", "Customer_State ", "customer_id"]);
        let found = found_of(1, &columns);
        assert_eq!(found.columns["customer_state"], "Customer_State ");
        assert_eq!(found.fit, Fit::Alike);
        assert_eq!(name_fit(3, "order_items.csv"), 1);
        assert_eq!(name_fit(2, "order_items.csv"), 0);
        assert_eq!(name_fit(2, "olist_orders_dataset.csv.gz"), 2);
    }
}
