//! What a view is: its name, how it is kept, its columns.

use serde_json::{Map, Value as Json, json};

use crate::columns::{Column, Kind};

/// One view.
#[derive(Debug)]
pub struct View {
    /// Its name, that of its index and tables too.
    pub name: &'static str,
    /// How it is kept.
    pub kept: Kept,
    /// Its columns, in the order of the canonical line.
    pub columns: &'static [Column],
    /// What embedded tables have indexes over: columns, `-` before one for the greatest first.
    pub indexes: &'static [&'static [&'static str]],
    /// Counts up when the columns change: tables of another format are made anew from the log.
    pub format: u32,
}

/// How a view is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As documents in the search store; the first column is the `_id`.
    Documents,
    /// As rows in the stats store; so many of the first columns are the key.
    Rows {
        /// Columns of the key.
        key: usize,
    },
}

impl View {
    /// Whether it is kept as documents.
    pub fn is_documents(&self) -> bool {
        self.kept == Kept::Documents
    }

    /// The columns that name a document or row.
    pub fn key(&self) -> &'static [Column] {
        match self.kept {
            Kept::Documents => &self.columns[..1],
            Kept::Rows { key } => &self.columns[..key],
        }
    }

    /// The place of a column.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The properties of the view's mapping in Elasticsearch (design, "The stores").
    pub fn mapping(&self) -> Map<String, Json> {
        let mut properties = Map::new();
        for column in self.columns {
            let property = match column.kind {
                // The `_id` says the same: found as a term, never sorted or counted by.
                Kind::Id => json!({ "type": "keyword", "doc_values": false }),
                Kind::Text | Kind::EventType => json!({ "type": "keyword" }),
                Kind::Time => json!({ "type": "date", "format": "strict_date_time_no_millis" }),
                Kind::Day => json!({ "type": "date", "format": "strict_date" }),
                Kind::Integer => json!({ "type": "long" }),
                Kind::Boolean => json!({ "type": "boolean" }),
            };
            let Some(object) = column.within else {
                properties.insert(column.name.to_owned(), property);
                continue;
            };
            let outer = properties
                .entry(object)
                .or_insert_with(|| json!({ "dynamic": "strict", "properties": {} }));
            outer["properties"][column.name] = property;
        }
        properties
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for View {}
