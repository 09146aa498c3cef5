//! How much one client may take of Ingest beside what every service bounds, each with its default.

/// The limits of pushed rows and of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Most bytes of a body of `POST /v1/rows`, as they are sent and when they are unpacked.
    pub max_rows_bytes: usize,
    /// Most rows of one `POST /v1/rows`.
    pub max_rows: usize,
    /// Runs of one space that are executed at a time, a thread each.
    pub max_live_runs: usize,
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self {
            max_rows_bytes: 64 << 20,
            max_rows: 100_000,
            max_live_runs: 16,
        }
    }
}
