//! The record of changes ([`super::super::changes`]): entries of documents that Elasticsearch is about to
//! delete, and from which tick on changes are known.

use eip_views::View;
use sqlx::{Connection as _, PgConnection};

use super::super::changes::horizon;
use super::epoch::check_epoch;
use super::failure::Failure;

/// Keeps the record for the documents of `lineage`. Of other ones than before nothing is known.
///
/// The table's own number belongs to the lineage: tables that were restored from a dump have other ones,
/// and entries that were made after the dump are missing in them.
pub(super) async fn begin(
    connection: &mut PgConnection,
    epoch: u64,
    lineage: Option<&str>,
) -> Result<(), Failure> {
    let mut transaction = connection.begin().await?;
    check_epoch(&mut transaction, epoch).await?;
    let changed = sqlx::query(
        "UPDATE progress SET lineage = own.lineage, changes_from = NULL
         FROM (SELECT $1 || '/' || 'deleted_documents'::regclass::oid AS lineage) AS own
         WHERE progress.lineage IS DISTINCT FROM own.lineage OR own.lineage IS NULL",
    )
    .bind(lineage)
    .execute(&mut *transaction)
    .await?;
    if changed.rows_affected() > 0 {
        sqlx::query("DELETE FROM deleted_documents")
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Notes documents that `tick` is about to delete.
pub(super) async fn note_deleted(
    connection: &mut PgConnection,
    epoch: u64,
    view: &View,
    tick: u64,
    ids: &[&str],
) -> Result<(), Failure> {
    // PostgreSQL has no such text, and no order has such an id.
    let ids: Vec<&str> = ids
        .iter()
        .copied()
        .filter(|id| !id.contains('\0'))
        .collect();
    let mut transaction = connection.begin().await?;
    check_epoch(&mut transaction, epoch).await?;
    sqlx::query(
        "INSERT INTO deleted_documents AS stored (view, id, tick)
         SELECT $1, id, $2 FROM unnest($3::text[]) AS id
         ON CONFLICT (view, id) DO UPDATE SET tick = greatest(stored.tick, excluded.tick)",
    )
    .bind(view.name)
    .bind(tick as i64)
    .bind(ids)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes entries that are too old when `tick` is written, and says from where on changes are known then.
pub(super) async fn written(connection: &mut PgConnection, tick: u64) -> Result<(), Failure> {
    sqlx::query(
        "WITH gone AS (DELETE FROM deleted_documents WHERE tick < $1 RETURNING tick)
         UPDATE progress SET changes_from = CASE WHEN lineage IS NOT NULL THEN
             greatest(coalesce(changes_from, $2), (SELECT max(tick) FROM gone)) END",
    )
    .bind(horizon(tick))
    .bind(tick as i64)
    .execute(connection)
    .await?;
    Ok(())
}
