//! What the PostgreSQL store has to be told. Also in builds without its client.

use std::fmt;

use eip_contract::Space;

/// The format of the tables that this program reads and writes, kept in the progress row.
pub const POSTGRES_FORMAT: u32 = 1;

/// Where the rows of one space are.
#[derive(Clone)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database?sslmode=…`.
    pub url: String,
    /// The space, whose schema is used.
    pub space: Space,
    /// The identity of the log that the views are made from.
    pub topic_id: String,
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("PostgresConfig")
            .field("space", &self.space)
            .field("topic_id", &self.topic_id)
            .finish_non_exhaustive()
    }
}
