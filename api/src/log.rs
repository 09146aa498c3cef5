//! The log behind this API: opened when it is first asked, and only read.
//!
//! Reading a log blocks, so it happens on the runtime's threads for that, a few reads at a time: a read that has
//! no place within a short while is refused (503), not queued. A read goes on after its request has gone, and
//! keeps its place until it ends. What a read has opened stays open for the next one: the Parquet cache, the
//! watcher of the ends, and the ledger as far as it was read.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use eip_contract::Offset;
use eip_log::kafka::{KafkaConfig, KafkaLog};
use eip_log::{LedgerView, Log, LogEnds, LogError, StateDir};
use eip_parquet_cache::Cache;
use eip_runs::Ledger;
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
    opened: Mutex<Option<Arc<OpenLog>>>,
    places: Arc<Semaphore>,
    /// Whether the cache is being brought up to the log.
    catching_up: AtomicBool,
}

/// A log and what was opened with it.
pub(crate) struct OpenLog {
    log: Log,
    ends: Mutex<Option<Box<dyn LogEnds>>>,
    cache: Mutex<Option<Arc<Cache>>>,
    ledger: Mutex<Option<Ledger>>,
}

impl ApiLog {
    /// Whether there is one to be asked.
    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Nothing is opened yet.
    pub(crate) fn new(config: Option<LogConfig>) -> Self {
        Self(config.map(|config| {
            Arc::new(Inner {
                config,
                opened: Mutex::default(),
                places: Arc::new(Semaphore::new(READS)),
                catching_up: AtomicBool::new(false),
            })
        }))
    }

    /// What `work` finds in the log. It may block and runs on a thread of its own.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&OpenLog) -> Result<T, LogError> + Send + 'static,
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

impl ApiLog {
    /// Brings the Parquet cache up to the log's end on a thread of its own, for the reads that come later. All
    /// that this service ever writes, and it may fail: then later reads take as long as this one.
    pub(crate) fn catch_up_cache(&self) {
        let Some(inner) = self.0.clone() else { return };
        if inner.catching_up.swap(true, Ordering::AcqRel) {
            return;
        }
        tokio::task::spawn_blocking(move || {
            if let Err(error) = inner.catch_up() {
                let error = &*error;
                tracing::warn!(
                    error,
                    "the Parquet cache stays behind the log; reading it takes longer"
                );
            }
            inner.catching_up.store(false, Ordering::Release);
        });
    }
}

impl Inner {
    fn catch_up(&self) -> Result<(), Box<dyn std::error::Error>> {
        let log = self.log()?;
        let ends = log.committed_ends()?;
        Cache::open(&log.log)?.catch_up(&ends)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<OpenLog>>> {
        lock(&self.opened)
    }

    fn log(&self) -> Result<Arc<OpenLog>, LogError> {
        if let Some(log) = &*self.lock() {
            return Ok(Arc::clone(log));
        }
        // Not under the lock: opening may take as long as a broker is away.
        let log = Arc::new(OpenLog {
            log: self.config.open()?,
            ends: Mutex::default(),
            cache: Mutex::default(),
            ledger: Mutex::default(),
        });
        Ok(Arc::clone(self.lock().get_or_insert(log)))
    }
}

impl Deref for OpenLog {
    type Target = Log;
    fn deref(&self) -> &Log {
        &self.log
    }
}

impl OpenLog {
    /// Where each partition ends now.
    pub(crate) fn present_ends(&self) -> Result<Vec<Offset>, LogError> {
        let mut kept = lock(&self.ends);
        let mut watcher = match kept.take() {
            Some(watcher) => watcher,
            None => self.log.ends()?,
        };
        let ends = watcher.poll()?;
        *kept = Some(watcher);
        Ok(ends)
    }

    /// The state of all runs now. Only what is new in the ledger is read.
    pub(crate) fn runs(&self) -> Result<LedgerView, LogError> {
        self.ledger_now(Ledger::view)
    }

    /// What `look` finds in the ledger as it is now. Only what is new in it is read.
    pub(crate) fn ledger_now<T>(&self, look: impl FnOnce(&Ledger) -> T) -> Result<T, LogError> {
        let mut kept = lock(&self.ledger);
        let mut ledger = match kept.take() {
            Some(ledger) => ledger,
            None => Ledger::open(&self.log)?,
        };
        ledger.read_on()?;
        let found = look(&ledger);
        *kept = Some(ledger);
        Ok(found)
    }

    /// The log's Parquet cache as it is now; none where it cannot be used, which costs time only.
    pub(crate) fn cache(&self) -> Option<Arc<Cache>> {
        let mut kept = lock(&self.cache);
        let looked = match &*kept {
            Some(cache) => cache.look_again().map(|()| Arc::clone(cache)),
            None => Cache::open(&self.log).map(Arc::new),
        };
        match looked {
            Ok(cache) => {
                *kept = Some(Arc::clone(&cache));
                Some(cache)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the cache cannot be used; the log is read instead");
                *kept = None;
                None
            }
        }
    }
}

/// What is in there is replaced as a whole, so a panic elsewhere leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_read_without_a_place_is_refused_and_has_one_when_another_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        StateDir::create(&path, 2).unwrap();
        let log = ApiLog::new(Some(LogConfig::Journal(path)));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let reads = (0..READS).map(|_| {
            let held = Arc::clone(&held);
            log.read(move |_log| {
                // Until all are released.
                let _ = lock(&held).recv();
                Ok(())
            })
        });
        let one_more = async {
            tokio::task::yield_now().await;
            let refused = log.read(|_log| Ok(())).await.unwrap_err();
            drop(release);
            refused
        };
        let (read, refused) = tokio::join!(join_all(reads), one_more);
        assert_eq!(refused.into_response().status(), 503);
        assert!(read.iter().all(Result::is_ok));
        assert_eq!(
            log.read(OpenLog::present_ends).await.unwrap(),
            [Offset(0); 2]
        );
    }
}
