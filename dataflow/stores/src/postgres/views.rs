//! Reading what PostgreSQL has of a space, from outside of the dataflow.

use eip_contract::Space;
use eip_views::{Row, View};

use super::super::error::{Fault, Retry, StoreError};
use super::super::{Progress, RefusedDocument, StoredDeadLetter};
use super::session::{Role, Session};
use super::{rows, schema};

/// A reader of the rows, dead letters and progress of one space.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct PostgresViews {
    session: Session,
    holds_moment: bool,
}

impl PostgresViews {
    /// Opens the tables of `space`; refuses where there are none, or newer ones.
    pub fn open(url: &str, space: &Space) -> Result<Self, StoreError> {
        let mut session = Session::new(url, space, Role::Reader)?;
        let place = session.place().to_owned();
        session.run("read the views", async |connection| {
            if !schema::has_tables(connection).await? {
                let message = format!("there are no views in {place}: no dataflow has run there");
                return Err(StoreError::new(Fault::User, Retry::Never, message).into());
            }
            schema::check_format(connection, space).await
        })?;
        Ok(Self {
            session,
            holds_moment: false,
        })
    }

    /// Where it is, for people.
    pub fn place(&self) -> &str {
        self.session.place()
    }

    /// Holds the present moment until [`PostgresViews::end`].
    pub fn begin(&mut self) -> Result<(), StoreError> {
        // The moment is that of the first statement, so one is sent.
        self.session.run("read the views", async |connection| {
            let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
            sqlx::raw_sql(sql).execute(connection).await?;
            Ok(())
        })?;
        self.holds_moment = true;
        Ok(())
    }

    /// Lets the moment go.
    pub fn end(&mut self) -> Result<(), StoreError> {
        if !std::mem::take(&mut self.holds_moment) || !self.session.is_connected() {
            return Ok(());
        }
        self.session.run("read the views", async |connection| {
            sqlx::raw_sql("ROLLBACK").execute(connection).await?;
            Ok(())
        })
    }

    /// How far the views are written; none as long as no dataflow has begun.
    pub fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        self.read("read the progress", async |connection| {
            schema::read_progress(connection).await
        })
    }

    /// Up to which tick searches find every document, as far as the dataflow has said.
    pub fn visible_tick(&mut self) -> Result<u64, StoreError> {
        self.read("read the progress", async |connection| {
            let tick: i64 = sqlx::query_scalar("SELECT visible_tick FROM progress")
                .fetch_one(connection)
                .await?;
            Ok(tick as u64)
        })
    }

    /// How many rows a view has.
    pub fn count(&mut self, view: &View) -> Result<u64, StoreError> {
        self.read("count the rows", async |connection| {
            schema::count(connection, view).await
        })
    }

    /// How many records were no canonical events.
    pub fn count_dead_letters(&mut self) -> Result<u64, StoreError> {
        self.read("count the dead letters", async |connection| {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM dead_letters")
                .fetch_one(connection)
                .await?;
            Ok(count as u64)
        })
    }

    /// Records that were no canonical events, by position.
    pub fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.read("read the dead letters", async |connection| {
            schema::read_dead_letters(connection).await
        })
    }

    /// Documents of a view that the document store refused, by id.
    pub fn refused(&mut self, view: &'static View) -> Result<Vec<RefusedDocument>, StoreError> {
        self.read("read the refused documents", async |connection| {
            schema::read_refused(connection, view).await
        })
    }

    /// All rows of a view, in the order of their key.
    pub fn rows(&mut self, view: &View) -> Result<Vec<Row>, StoreError> {
        self.read("read the rows", async |connection| {
            rows::read(connection, view).await
        })
    }

    fn read<T>(
        &mut self,
        doing: &str,
        operation: impl AsyncFnOnce(&mut sqlx::PgConnection) -> Result<T, super::failure::Failure>,
    ) -> Result<T, StoreError> {
        if self.holds_moment && !self.session.is_connected() {
            let message = format!(
                "cannot {doing} in {}: the connection that held the moment was lost",
                self.session.place()
            );
            return Err(StoreError::new(Fault::External, Retry::Backoff, message));
        }
        self.session.run(doing, operation)
    }
}
