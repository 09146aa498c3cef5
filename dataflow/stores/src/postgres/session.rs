//! One connection and the thread-bound runtime under it: made when needed, given up at an error.

use std::time::Duration;

use eip_contract::Space;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::super::error::StoreError;
use super::super::new_runtime;
use super::failure::Failure;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// A call that has no answer by then is given up: a server that vanished without a word would
/// otherwise hold it for as long as the kernel keeps trying.
const ANSWER: Duration = Duration::from_mins(2);
/// How long to say goodbye.
const CLOSE: Duration = Duration::from_secs(1);

/// For what a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one dataflow that writes. A successor ends the connections of this role.
    Dataflow,
    /// Reading only; may hold one moment for as long as an export takes.
    Reader,
    /// Making, changing and removing spaces.
    Admin,
}

/// A connection that comes back by itself.
pub(super) struct Session {
    options: PgConnectOptions,
    settings: String,
    place: String,
    connection: Option<PgConnection>,
    runtime: Runtime,
}

/// The name under which a dataflow's connections are seen in `pg_stat_activity`.
pub(super) fn dataflow_name(space: &Space) -> String {
    space.prefixed("eip-dataflow")
}

impl Session {
    /// A session that has not connected yet.
    pub(super) fn new(url: &str, space: &Space, role: Role) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url
            .parse()
            .map_err(|error| Failure::from(error).told("read the address", "PostgreSQL's URL"))?;
        let name = match role {
            Role::Dataflow => dataflow_name(space),
            Role::Reader => space.prefixed("eip-reader"),
            Role::Admin => "eip-space".to_owned(),
        };
        let place = format!(
            "PostgreSQL {}:{}/{}, space {space}",
            options.get_host(),
            options.get_port(),
            options.get_database().unwrap_or("(the user's own)"),
        );
        Ok(Self {
            options: options.application_name(&name).disable_statement_logging(),
            settings: settings(space, role),
            place,
            connection: None,
            runtime: new_runtime()?,
        })
    }

    /// Where it leads, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether a connection stands from an earlier call.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Runs `operation` on the connection. Any error ends it, and with it what was under way.
    /// `doing` is for the error: "cannot `doing`".
    pub(super) fn run<T>(
        &mut self,
        doing: &str,
        operation: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let Self {
            options,
            settings,
            connection,
            runtime,
            ..
        } = self;
        let result = runtime.block_on(async {
            let answer = timeout(ANSWER, async {
                if connection.is_none() {
                    *connection = Some(connect(options, settings).await?);
                }
                operation(connection.as_mut().expect("made above")).await
            });
            let result = answer.await.unwrap_or(Err(Failure::Silent(ANSWER)));
            if result.is_err() {
                *connection = None;
            }
            result
        });
        result.map_err(|failure| failure.told(doing, &self.place))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The server notices either way; a goodbye only keeps its log quiet.
            let _closed = self
                .runtime
                .block_on(async { timeout(CLOSE, connection.close()).await });
        }
    }
}

async fn connect(options: &PgConnectOptions, settings: &str) -> Result<PgConnection, Failure> {
    let made = timeout(CONNECT, async {
        let mut connection = options.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(settings))
            .execute(&mut connection)
            .await?;
        // Not every platform's server has these, and it is slower to notice a lost client then.
        let keepalives = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 3;
                          SET tcp_keepalives_count = 3; SET tcp_user_timeout = 15000;";
        if let Err(error) = sqlx::raw_sql(keepalives).execute(&mut connection).await {
            tracing::debug!(%error, "the server does not watch its connections closely");
        }
        Ok(connection)
    });
    made.await.unwrap_or(Err(Failure::Silent(CONNECT)))
}

/// `SET` of what every connection of the role has.
fn settings(space: &Space, role: Role) -> String {
    // A name of a space has no quote in it.
    let path = format!("SET search_path TO \"{}\";", space.schema());
    match role {
        Role::Dataflow => format!(
            "{path} SET default_transaction_isolation = 'read committed';
             SET lock_timeout = '3s'; SET idle_in_transaction_session_timeout = '10s';"
        ),
        // It idles inside its moment while the documents are read.
        Role::Reader => format!("{path} SET idle_in_transaction_session_timeout = '30min';"),
        Role::Admin => format!("{path} SET lock_timeout = '10s';"),
    }
}
