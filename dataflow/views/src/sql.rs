//! The tables of views, as SQL.

use crate::columns::{Column, Kind};
use crate::view::{Kept, View};

/// Whose SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite: times are seconds since 1970-01-01, types their rank, booleans 0 and 1.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Column {
    /// Its name in tables: `estimatedDeliveryAt` is `estimated_delivery_at`.
    pub fn sql_name(&self) -> String {
        let mut name = String::with_capacity(self.name.len() + 4);
        for character in self.name.chars() {
            if character.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(character.to_ascii_lowercase());
        }
        name
    }

    fn sql_type(&self, dialect: Dialect) -> &'static str {
        match (dialect, self.kind) {
            (Dialect::Sqlite, Kind::Id | Kind::Text | Kind::Day) => "TEXT",
            (Dialect::Sqlite, _) => "INTEGER",
            // By bytes, so that an ORDER BY is that of the exports on every server.
            (Dialect::Postgres, Kind::Id | Kind::Text | Kind::EventType) => "text COLLATE \"C\"",
            (Dialect::Postgres, Kind::Time) => "timestamptz",
            (Dialect::Postgres, Kind::Day) => "date",
            (Dialect::Postgres, Kind::Integer) => "bigint",
            (Dialect::Postgres, Kind::Boolean) => "boolean",
        }
    }
}

impl View {
    /// The names of the columns in tables, in their order.
    pub fn sql_columns(&self) -> Vec<String> {
        self.columns.iter().map(Column::sql_name).collect()
    }

    /// `CREATE TABLE` for the view.
    ///
    /// A document's table has its `id`, `rev` and `ver` (design, "The stores"), then its columns
    /// without the first, which is the id, and `doc`: the document as it was written where it is not
    /// the canonical line of the columns, which no dataflow writes.
    pub fn create_table(&self, dialect: Dialect) -> String {
        let mut parts: Vec<String> = Vec::new();
        let keyed =
            match self.kept {
                Kept::Documents => {
                    assert!(
                        dialect == Dialect::Sqlite,
                        "documents are rows in SQLite only"
                    );
                    parts.push("id TEXT PRIMARY KEY NOT NULL".to_owned());
                    parts.push("rev INTEGER NOT NULL".to_owned());
                    parts.push("ver INTEGER NOT NULL".to_owned());
                    parts.extend(self.columns[1..].iter().map(|column| {
                        format!("{} {}", column.sql_name(), column.sql_type(dialect))
                    }));
                    parts.push("doc TEXT".to_owned());
                    // With a rowid: bulks of random ids touch the small index and append to the table.
                    ""
                }
                Kept::Rows { key } => {
                    parts.extend(self.columns.iter().map(|column| {
                        let null = if column.nullable { "" } else { " NOT NULL" };
                        format!("{} {}{null}", column.sql_name(), column.sql_type(dialect))
                    }));
                    let names = self.sql_columns();
                    parts.push(format!("PRIMARY KEY ({})", names[..key].join(", ")));
                    ", WITHOUT ROWID"
                }
            };
        let end = match dialect {
            Dialect::Sqlite => format!(") STRICT{keyed}"),
            Dialect::Postgres => ")".to_owned(),
        };
        format!("CREATE TABLE {} ({}{end}", self.name, parts.join(", "))
    }

    /// The name of an index of an embedded table.
    pub fn index_name(&self, number: usize) -> String {
        format!("{}_{number}", self.name)
    }

    /// `CREATE INDEX` for each index of an embedded table.
    pub fn create_indexes(&self) -> Vec<String> {
        let column = |name: &&str| {
            let (name, direction) = match name.strip_prefix('-') {
                Some(name) => (name, " DESC"),
                None => (*name, ""),
            };
            let place = self.place(name).expect("an index is over columns");
            let name = match (self.kept, place) {
                (Kept::Documents, 0) => "id".to_owned(),
                _ => self.columns[place].sql_name(),
            };
            format!("{name}{direction}")
        };
        let indexes = self.indexes.iter().enumerate();
        indexes
            .map(|(number, columns)| {
                let columns: Vec<String> = columns.iter().map(column).collect();
                format!(
                    "CREATE INDEX {} ON {} ({})",
                    self.index_name(number),
                    self.name,
                    columns.join(", ")
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS};

    #[test]
    fn tables_and_indexes_follow_from_the_columns() {
        let table = SHIPMENT_EVENTS.create_table(Dialect::Sqlite);
        let wanted = "CREATE TABLE shipment_events (id TEXT PRIMARY KEY NOT NULL, \
                      rev INTEGER NOT NULL, ver INTEGER NOT NULL, event_type INTEGER, \
                      event_at INTEGER, order_id TEXT, source TEXT, seller_region TEXT, \
                      customer_region TEXT, estimated_delivery_at INTEGER, doc TEXT) STRICT";
        assert_eq!(table, wanted);
        let table = ROUTE_STATS_DAILY.create_table(Dialect::Postgres);
        assert!(table.contains("stat_date date NOT NULL, seller_region text COLLATE \"C\""));
        assert!(table.contains("lead_seconds_p50 bigint, "));
        assert!(table.ends_with("PRIMARY KEY (stat_date, seller_region, customer_region))"));
        assert_eq!(
            SHIPMENTS.create_indexes()[0],
            "CREATE INDEX shipments_0 ON shipments (placed_at DESC, id)"
        );
    }
}
