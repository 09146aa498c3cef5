//! What has changed since a tick ([`super::super::changes`]).

use eip_views::SHIPMENTS;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::super::QueryError;
use super::super::changes::{Change, ChangeQuery};
use super::{SqliteMoment, document, failed};
use crate::sqlite::{TICK, select};

impl SqliteMoment {
    pub(in crate::query) async fn changes_known_from(&mut self) -> Result<Option<u64>, QueryError> {
        let tick: Option<i64> = sqlx::query_scalar("SELECT changes_from FROM progress")
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        Ok(tick.map(|tick| tick as u64))
    }

    pub(in crate::query) async fn changes(
        &mut self,
        query: &ChangeQuery,
    ) -> Result<Vec<Change>, QueryError> {
        let view = &SHIPMENTS;
        let documents = format!("{} WHERE", select(view, TICK));
        let entries = format!(
            "SELECT id, tick FROM deleted_documents WHERE view = '{}' AND",
            view.name
        );
        let mut written = Vec::new();
        for row in self.in_ticks(&documents, TICK, query).await? {
            let document = document(view, &row)?;
            let (tick, id) = tick_and_id(&row)?;
            written.push(Change {
                tick,
                id,
                document: Some(document),
            });
        }
        let mut deleted = Vec::new();
        for row in self.in_ticks(&entries, "tick", query).await? {
            let (tick, id) = tick_and_id(&row)?;
            deleted.push(Change {
                tick,
                id,
                document: None,
            });
        }
        Ok(query.joined(written, deleted))
    }

    pub(in crate::query) async fn count_changes(
        &mut self,
        since: u64,
        upto: u64,
    ) -> Result<u64, QueryError> {
        let sql = format!(
            "SELECT (SELECT count(*) FROM {name} WHERE {TICK} > ?1 AND {TICK} <= ?2)
                  + (SELECT count(*) FROM deleted_documents
                     WHERE view = '{name}' AND tick > ?1 AND tick <= ?2)",
            name = SHIPMENTS.name
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(since as i64)
            .bind(upto as i64)
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        Ok(count as u64)
    }

    /// The page of what `select` finds: the rest of the tick in which the page before ended, then the
    /// ticks behind it. Each is one range of an index over tick and id.
    async fn in_ticks(
        &mut self,
        select: &str,
        tick: &str,
        query: &ChangeQuery,
    ) -> Result<Vec<SqliteRow>, QueryError> {
        let (place, id) = query.place();
        if place > query.upto as i64 {
            return Ok(Vec::new());
        }
        let sql = format!("{select} {tick} = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
        let mut rows = sqlx::query(AssertSqlSafe(sql))
            .bind(place)
            .bind(id)
            .bind(query.limit)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        let rest = query.limit as usize - rows.len();
        let sql = format!("{select} {tick} > ?1 AND {tick} <= ?2 ORDER BY {tick}, id LIMIT ?3");
        let later = sqlx::query(AssertSqlSafe(sql))
            .bind(place)
            .bind(query.upto as i64)
            .bind(rest as i64)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        rows.extend(later);
        Ok(rows)
    }
}

/// Of a row that begins with id and tick.
fn tick_and_id(row: &SqliteRow) -> Result<(u64, String), QueryError> {
    let tick: i64 = row.try_get(1).map_err(failed)?;
    Ok((tick as u64, row.try_get(0).map_err(failed)?))
}
