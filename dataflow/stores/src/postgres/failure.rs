//! What an error of PostgreSQL means: whose fault it is and whether to try again.
//!
//! The codes are PostgreSQL's (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use super::super::error::{Fault, Retry, StoreError};

/// What ended a call, before it is told to anybody.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The driver's or the server's error.
    Sql(sqlx::Error),
    /// The tables could not be brought up to date.
    Migrate(MigrateError),
    /// No answer for so long.
    Silent(Duration),
    /// Something of ours, told already.
    Told(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::Sql(error)
            }
            other => Self::Migrate(other),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}

impl Failure {
    /// The server's code of the error, if it is one of the server's.
    pub(super) fn code(&self) -> Option<String> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => Some(error.code()?.into_owned()),
            _ => None,
        }
    }

    /// Whether the wait for a lock was given up.
    pub(super) fn is_lock_timeout(&self) -> bool {
        self.code().as_deref() == Some("55P03")
    }

    /// The error as it is told: "cannot `doing` in `place`: …", with the server's own words.
    pub(crate) fn told(self, doing: &str, place: &str) -> StoreError {
        let error = match self {
            Self::Told(error) => return error,
            Self::Migrate(error) => {
                let message = format!("cannot bring the tables up to date in {place}: {error}");
                return StoreError::new(Fault::External, Retry::Never, message);
            }
            Self::Silent(limit) => {
                let silence = format!("cannot {doing} in {place}: no answer for {limit:?}");
                return StoreError::new(Fault::External, Retry::Backoff, silence);
            }
            Self::Sql(error) => error,
        };
        let (fault, retry, words) = match &error {
            sqlx::Error::Database(database) => {
                let (fault, retry, hint) = verdict(&database.code().unwrap_or_default());
                (fault, retry, format!("{}{hint}", words(database.as_ref())))
            }
            sqlx::Error::Configuration(_)
            | sqlx::Error::InvalidArgument(_)
            | sqlx::Error::Tls(_) => (Fault::User, Retry::Never, error.to_string()),
            // The connection is gone or its stream makes no sense any more: a new one may do.
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                (Fault::External, Retry::Backoff, error.to_string())
            }
            _ => (Fault::Internal, Retry::Never, error.to_string()),
        };
        StoreError::new(fault, retry, format!("cannot {doing} in {place}: {words}"))
    }
}

fn words(error: &dyn DatabaseError) -> String {
    let code = error.code().unwrap_or_default();
    format!("{} ({code})", error.message())
}

fn verdict(code: &str) -> (Fault, Retry, &'static str) {
    match code {
        // The database is another than the one that was written to: a restart writes it anew.
        "42P01" | "3F000" | "42703" => (
            Fault::External,
            Retry::Never,
            "; the tables were removed or changed: start the dataflow again, it makes and fills them",
        ),
        // Credentials and rights that were taken away may be given back.
        "28000" | "28P01" | "42501" => (Fault::External, Retry::Backoff, ""),
        // Deadlock and serialization, locks, a key that somebody wrote by hand meanwhile, a server
        // that only reads (a standby, or a full disk's emergency brake), time-outs.
        "40001" | "40P01" | "55P03" | "55006" | "23505" | "25006" | "25P03" | "57014" => {
            (Fault::External, Retry::Backoff, "")
        }
        // Connections, resources (too many connections, disk full), shutdowns, the system below.
        _ if ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            (Fault::External, Retry::Backoff, "")
        }
        "3D000" => (Fault::User, Retry::Never, ""),
        _ => (Fault::Internal, Retry::Never, ""),
    }
}
