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
}
