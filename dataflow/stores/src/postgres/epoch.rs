//! Taking over: the epoch is raised, then the predecessor's connections are ended.
//!
//! A predecessor that was stopped inside its transaction holds the lock of the progress row, and the
//! server cannot know that its client will never go on. So whenever the lock is not free, the
//! backends that could hold it are ended, by the name that a dataflow's connections of this space
//! have. What a predecessor writes from then on finds a greater epoch.
//!
//! Nobody is ended before the lock was waited for, and after that only who connected earlier: several
//! that start at once would otherwise end one another for as long as the server is slow.

use eip_contract::Space;
use eip_views::View;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::super::error::{Fault, Retry, StoreError};
use super::failure::Failure;
use super::schema;
use super::session::dataflow_name;

/// How often the lock is waited for, three seconds (`lock_timeout`) each.
const ATTEMPTS: usize = 4;

/// Makes the caller the one dataflow of `space`, under the next epoch from `least` on.
pub(super) async fn take(
    connection: &mut PgConnection,
    space: &Space,
    topic_id: &str,
    views: &[&'static View],
    least: u64,
) -> Result<u64, Failure> {
    let mut attempt = 1;
    loop {
        let taken = match schema::prepare(connection, space, topic_id).await {
            Ok(()) => raise(connection, views, least).await,
            Err(failure) => Err(failure),
        };
        match taken {
            Err(failure) if failure.is_lock_timeout() && attempt < ATTEMPTS => {
                attempt += 1;
                end_connections(connection, space, Which::All).await?;
            }
            Ok(epoch) => {
                end_connections(connection, space, Which::Earlier).await?;
                return Ok(epoch);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Raises the epoch and makes the tables ready, in one transaction: who read under the old epoch is
/// fenced before a table is another.
async fn raise(
    connection: &mut PgConnection,
    views: &[&'static View],
    least: u64,
) -> Result<u64, Failure> {
    let least = i64::try_from(least).map_err(|_| {
        let message = format!("epoch {least} is greater than PostgreSQL's bigint");
        StoreError::new(Fault::Internal, Retry::Never, message)
    })?;
    let mut transaction = connection.begin().await?;
    let epoch: i64 = sqlx::query_scalar(
        "UPDATE progress SET epoch = greatest(epoch + 1, $1), written_at = clock_timestamp()
         RETURNING epoch",
    )
    .bind(least)
    .fetch_one(&mut *transaction)
    .await?;
    schema::keep_tables(&mut transaction, views).await?;
    transaction.commit().await?;
    Ok(epoch as u64)
}

/// Whose connections are ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Everybody's but one's own.
    All,
    /// Those that were made before one's own.
    Earlier,
}

/// Ends other connections of a dataflow of this space.
async fn end_connections(
    connection: &mut PgConnection,
    space: &Space,
    which: Which,
) -> Result<(), Failure> {
    let ended = sqlx::query(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = $1
           AND pid <> pg_backend_pid()
           AND ($2 OR backend_start < (SELECT backend_start FROM pg_stat_activity
                                       WHERE pid = pg_backend_pid()))",
    )
    .bind(dataflow_name(space))
    .bind(which == Which::All)
    .fetch_all(connection)
    .await
    .map_err(Failure::from);
    match ended {
        Ok(rows) => {
            for row in rows {
                let pid: i32 = row.try_get(0)?;
                tracing::info!(pid, %space, "ended a predecessor's connection to PostgreSQL");
            }
            Ok(())
        }
        // Another user's connection: the server ends it after its own idle time-out.
        Err(failure) if failure.code().as_deref() == Some("42501") => {
            tracing::warn!(
                %space,
                "a predecessor is connected to PostgreSQL as another user and cannot be ended"
            );
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// Locks the progress row, refuses any other epoch than `ours` and gives the tick that is written.
pub(super) async fn check_epoch(connection: &mut PgConnection, ours: u64) -> Result<u64, Failure> {
    let row = sqlx::query("SELECT epoch, tick FROM progress FOR UPDATE")
        .fetch_optional(connection)
        .await?;
    let (stored, written) = match row {
        Some(row) => (
            row.try_get::<i64, _>(0)? as u64,
            row.try_get::<i64, _>(1)? as u64,
        ),
        None => (0, 0),
    };
    if stored > ours {
        return Err(StoreError::new(
            Fault::Internal,
            Retry::Never,
            format!("a newer dataflow took over (its epoch is {stored}, ours {ours})"),
        )
        .into());
    }
    if stored < ours {
        return Err(StoreError::new(
            Fault::External,
            Retry::Never,
            format!(
                "the tables in PostgreSQL are older than this dataflow (their epoch is {stored}, \
                 ours {ours}): they were restored or emptied; start the dataflow again, it writes \
                 what is missing"
            ),
        )
        .into());
    }
    Ok(written)
}
