//! The write transactions. How rows are changed is in `rows.rs`.

use std::collections::HashMap;

use eip_views::View;
use sqlx::{Connection as _, PgConnection};

use super::super::{RefusedDocument, TICK_BITS, TickCommit};
use super::epoch::check_epoch;
use super::failure::Failure;
use super::{changes, rows};

/// Rows, dead letters and progress of one tick.
pub(super) async fn tick(
    connection: &mut PgConnection,
    tick: &TickCommit<'_>,
) -> Result<(), Failure> {
    let mut transaction = connection.begin().await?;
    if is_done(&mut transaction, tick).await? {
        transaction.rollback().await?;
        return Ok(());
    }
    for changes in tick.rows {
        rows::write(&mut transaction, changes).await?;
    }
    dead_letters(&mut transaction, tick).await?;
    changes::written(&mut transaction, tick.tick).await?;
    let offsets: Vec<i64> = tick.offsets.iter().map(|offset| offset.0 as i64).collect();
    let last = serde_json::to_string(tick.last).expect("marks are always JSON");
    let sql = "UPDATE progress SET tick = $1, offsets = $2, last_records = $3,
                                   written_at = clock_timestamp()";
    sqlx::query(sql)
        .bind(tick.tick as i64)
        .bind(offsets)
        .bind(last)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Locks the progress row and says whether the tick stands there already. See the table in the
/// head of `postgres.rs`.
async fn is_done(connection: &mut PgConnection, tick: &TickCommit<'_>) -> Result<bool, Failure> {
    Ok(check_epoch(connection, tick.epoch).await? == tick.tick)
}

/// Forgets the positions of a log that is another one now.
pub(super) async fn begin_again(connection: &mut PgConnection, epoch: u64) -> Result<(), Failure> {
    let mut transaction = connection.begin().await?;
    check_epoch(&mut transaction, epoch).await?;
    let sql = "UPDATE progress SET offsets = '{}', last_records = NULL,
                                   written_at = clock_timestamp();
               DELETE FROM dead_letters;
               DELETE FROM refused_documents";
    sqlx::raw_sql(sql).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

async fn dead_letters(connection: &mut PgConnection, tick: &TickCommit<'_>) -> Result<(), Failure> {
    let letters = tick.dead_letters;
    let partitions: Vec<i32> = letters.iter().map(|one| one.partition as i32).collect();
    let offsets: Vec<i64> = letters.iter().map(|one| one.offset.0 as i64).collect();
    let codes: Vec<&str> = letters.iter().map(|one| one.code.as_str()).collect();
    let reasons: Vec<String> = letters.iter().map(|one| storable(&one.reason)).collect();
    if tick.all_dead_letters {
        sqlx::query(
            "DELETE FROM dead_letters AS stored WHERE NOT EXISTS
             (SELECT FROM unnest($1::integer[], $2::bigint[]) AS new (partition, \"offset\")
              WHERE new.partition = stored.partition AND new.\"offset\" = stored.\"offset\")",
        )
        .bind(&partitions)
        .bind(&offsets)
        .execute(&mut *connection)
        .await?;
    }
    if letters.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO dead_letters AS stored (partition, \"offset\", code, reason)
         SELECT * FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::text[])
         ON CONFLICT (partition, \"offset\") DO UPDATE
            SET code = excluded.code, reason = excluded.reason
          WHERE (stored.code, stored.reason) IS DISTINCT FROM (excluded.code, excluded.reason)",
    )
    .bind(partitions)
    .bind(offsets)
    .bind(codes)
    .bind(reasons)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what was refused. An entry of a newer version stays.
pub(super) async fn refuse(
    connection: &mut PgConnection,
    documents: &[RefusedDocument],
) -> Result<(), Failure> {
    // A statement may touch a row once.
    let last: HashMap<_, _> = documents
        .iter()
        .map(|document| ((document.view.name, document.id.as_str()), document))
        .collect();
    let refused: Vec<&RefusedDocument> = last.into_values().collect();
    let views: Vec<&str> = refused.iter().map(|one| one.view.name).collect();
    let ids: Vec<&str> = refused.iter().map(|one| one.id.as_str()).collect();
    let versions: Vec<i64> = refused.iter().map(|one| one.version as i64).collect();
    let docs: Vec<Option<&str>> = refused.iter().map(|one| one.doc.as_deref()).collect();
    let reasons: Vec<String> = refused.iter().map(|one| storable(&one.reason)).collect();
    sqlx::query(
        "INSERT INTO refused_documents AS stored (view, id, version, doc, reason)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
         ON CONFLICT (view, id) DO UPDATE
            SET version = excluded.version, doc = excluded.doc, reason = excluded.reason,
                refused_at = excluded.refused_at
          WHERE stored.version <= excluded.version",
    )
    .bind(views)
    .bind(ids)
    .bind(versions)
    .bind(docs)
    .bind(reasons)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes entries of refused documents, and says how many there were.
pub(super) async fn forget_refused(
    connection: &mut PgConnection,
    keys: &[(&View, String)],
) -> Result<u64, Failure> {
    let views: Vec<&str> = keys.iter().map(|(view, _id)| view.name).collect();
    let ids: Vec<&str> = keys.iter().map(|(_view, id)| id.as_str()).collect();
    let done = sqlx::query(
        "DELETE FROM refused_documents WHERE (view, id) IN
         (SELECT * FROM unnest($1::text[], $2::text[]))",
    )
    .bind(views)
    .bind(ids)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Raises the visible tick.
pub(super) async fn visible(
    connection: &mut PgConnection,
    epoch: u64,
    tick: u64,
) -> Result<(), Failure> {
    assert!(
        tick >> TICK_BITS == 0,
        "a tick is milliseconds and fits 42 bits until 2109"
    );
    sqlx::query("UPDATE progress SET visible_tick = greatest(visible_tick, $1) WHERE epoch = $2")
        .bind(tick as i64)
        .bind(epoch as i64)
        .execute(connection)
        .await?;
    Ok(())
}

/// PostgreSQL has no character U+0000 in a text.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
