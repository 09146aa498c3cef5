//! Statements about shipments with the values of their placeholders.

use eip_views::{SHIPMENTS, Value};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::super::condition::{Condition, Direction, Search};
use super::super::{FACETS, QueryError, TIMES};
use super::{SqliteMoment, failed};

/// SQL with its values.
pub(super) struct Sql {
    pub(super) text: String,
    values: SqliteArguments,
    unused: Unused,
}

/// Columns whose index is not looked into. Neither a status, a region nor a range of days is a rare thing,
/// and looking each shipment up that an index finds takes several times as long as going over all of them.
/// (<https://sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_>)
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unused {
    /// Any may be.
    None,
    /// Not the time of placing.
    Placed,
    /// Not those that facets count by: shipments come in the order of their placing.
    Facets,
    /// Neither.
    Both,
}

impl Unused {
    fn has(self, column: &str) -> bool {
        let (placed, facets) = match self {
            Self::None => (false, false),
            Self::Placed => (true, false),
            Self::Facets => (false, true),
            Self::Both => (true, true),
        };
        placed && column == TIMES[0] || facets && FACETS.contains(&column)
    }
}

impl Sql {
    pub(super) fn begin(text: impl Into<String>, unused: Unused) -> Self {
        Self {
            text: text.into(),
            values: SqliteArguments::default(),
            unused,
        }
    }

    pub(super) fn value(&mut self, value: &Value<'_>) {
        self.text.push('?');
        let added = match value {
            Value::Text(text) => self.values.add(text.as_ref()),
            Value::Day(day) => self.values.add(day.to_string()),
            value => self.values.add(value.as_integer()),
        };
        added.expect("texts and integers always encode");
    }

    pub(super) fn name(&mut self, column: usize) {
        if column == 0 {
            self.text.push_str("id");
            return;
        }
        let column = &SHIPMENTS.columns[column];
        if self.unused.has(column.name) {
            self.text.push('+');
        }
        self.text.push_str(&column.sql_name());
    }

    pub(super) fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(all) => self.joined(all, " AND ", "1"),
            Condition::Any(any) => self.joined(any, " OR ", "0"),
            Condition::Not(not) => {
                if let Condition::Known(column) = **not {
                    self.name(column);
                    self.text.push_str(" IS NULL");
                    return;
                }
                // What is not known is not so: NULL counts as false before it is turned round.
                self.text.push_str("NOT coalesce(");
                self.condition(not);
                self.text.push_str(", 0)");
            }
            Condition::OneOf(column, values) => {
                self.name(*column);
                self.text.push_str(" IN (");
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.value(value);
                }
                self.text.push(')');
            }
            Condition::Range {
                column,
                from,
                below,
            } => {
                self.text.push('(');
                self.name(*column);
                self.text.push_str(" IS NOT NULL");
                for (sign, bound) in [(" >= ", from), (" < ", below)] {
                    if let Some(bound) = bound {
                        self.text.push_str(" AND ");
                        self.name(*column);
                        self.text.push_str(sign);
                        self.value(bound);
                    }
                }
                self.text.push(')');
            }
            Condition::Known(column) => {
                self.name(*column);
                self.text.push_str(" IS NOT NULL");
            }
            Condition::Prefix(column, prefix) => {
                // Bytes are compared, so what begins so lies between it and the greatest character.
                self.text.push('(');
                self.name(*column);
                self.text.push_str(" >= ");
                self.value(&Value::from(prefix.as_str()));
                self.text.push_str(" AND ");
                self.name(*column);
                self.text.push_str(" < ");
                self.value(&Value::from(format!("{prefix}\u{10ffff}").as_str()));
                self.text.push(')');
            }
        }
    }

    fn joined(&mut self, conditions: &[Condition], between: &str, none: &str) {
        if conditions.is_empty() {
            self.text.push_str(none);
            return;
        }
        self.text.push('(');
        for (place, condition) in conditions.iter().enumerate() {
            if place > 0 {
                self.text.push_str(between);
            }
            self.condition(condition);
        }
        self.text.push(')');
    }

    /// What comes after the last shipment of a page.
    pub(super) fn after(&mut self, search: &Search) {
        let Some(after) = &search.after else { return };
        let column = search.sort.column;
        if column == 0 {
            // One range of the index: an id is never unknown, nor twice there.
            self.text.push_str(match search.sort.direction {
                Direction::Ascending => " AND id > ",
                Direction::Descending => " AND id < ",
            });
            self.value(&after.value);
            return;
        }
        self.text.push_str(" AND (");
        let is_known = after.value != Value::Null;
        if is_known {
            self.name(column);
            self.text.push_str(match search.sort.direction {
                Direction::Ascending => " > ",
                Direction::Descending => " < ",
            });
            self.value(&after.value);
            self.text.push_str(" OR ");
            self.name(column);
            self.text.push_str(" IS NULL OR ");
        }
        self.text.push('(');
        self.name(column);
        self.text.push_str(" IS ");
        self.value(&after.value);
        self.text.push_str(" AND id > ");
        self.value(&Value::from(after.id.as_str()));
        self.text.push_str("))");
    }

    /// All rows that it finds.
    pub(super) async fn all(self, moment: &mut SqliteMoment) -> Result<Vec<SqliteRow>, QueryError> {
        self.fetch(moment).await.map_err(failed)
    }

    /// The same, with the error as it is.
    pub(super) async fn fetch(
        self,
        moment: &mut SqliteMoment,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        sqlx::query_with(AssertSqlSafe(self.text), self.values)
            .fetch_all(&mut *moment.transaction)
            .await
    }
}
