//! The log behind this API: opened when it is first asked, and only read.
//!
//! Reading a log blocks, so it happens on the runtime's threads for that, a few reads at a time: a read that has
//! no place within a short while is refused (503), not queued. A read goes on after its request has gone, and
//! keeps its place until it ends.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{Log, LogError, StateDir};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Reads at a time.
const READS: usize = 4;
/// How long a read waits for its place.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the log is that the views are made from.
#[derive(Clone, Debug)]
pub enum LogConfig {
    /// In the journal of this state folder.
    Journal(PathBuf),
    /// In Kafka. The folder of the configuration may hold the log's Parquet cache.
    Kafka(KafkaConfig),
}

impl LogConfig {
    fn open(&self) -> Result<Log, LogError> {
        Ok(match self {
            Self::Journal(folder) => StateDir::open(folder)?.into(),
            Self::Kafka(config) => KafkaLog::open(config.clone())?.into(),
        })
    }
}

/// The log of one API, if it has been told of one. Clones share it.
#[derive(Clone)]
pub(crate) struct ApiLog(Option<Arc<Inner>>);

struct Inner {
    config: LogConfig,
    /// None before the first read and after one that failed: the log may be another one by then.
    opened: Mutex<Option<Log>>,
    places: Arc<Semaphore>,
}

impl ApiLog {
    /// Nothing is opened yet.
    pub(crate) fn new(config: Option<LogConfig>) -> Self {
        Self(config.map(|config| {
            Arc::new(Inner {
                config,
                opened: Mutex::default(),
                places: Arc::new(Semaphore::new(READS)),
            })
        }))
    }

    #[expect(dead_code, reason = "for the paths that come next")]
    /// What `work` finds in the log. It may block and runs on a thread of its own.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Log) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, Problem> {
        let Some(inner) = self.0.clone() else {
            let detail = "this API knows no log to read this from (`eip api --state DIR` of an embedded \
                          chain, or `--kafka HOST:PORT`)";
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        };
        let place = Arc::clone(&inner.places).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(PATIENCE, place).await else {
            let detail = format!("{READS} requests are reading the log already; ask again");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        };
        let reading = tokio::task::spawn_blocking(move || {
            let _place = place;
            let found = inner.log().and_then(|log| work(&log));
            if found.is_err() {
                *inner.lock() = None;
            }
            found
        });
        match reading.await {
            Ok(found) => found.map_err(|error| refused(&error)),
            Err(panic) => {
                tracing::error!(%panic, "a read of the log panicked");
                let detail = "the log cannot be read";
                Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail))
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Log>> {
        // A handle is there or not, whatever panicked.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> Result<Log, LogError> {
        if let Some(log) = &*self.lock() {
            return Ok(log.clone());
        }
        // Not under the lock: opening may take as long as a broker is away.
        let log = self.config.open()?;
        Ok(self.lock().get_or_insert(log).clone())
    }
}

/// A log that is away or not there yet is 503; damage is an error of ours.
fn refused(error: &LogError) -> Problem {
    let status = match error {
        LogError::Corrupt { .. } | LogError::MissingFile(_) | LogError::NewerFormat { .. } => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, "the log cannot be read");
    Problem::new(status, format!("the log: {error}"))
}
