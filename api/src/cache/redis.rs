//! Redis as the cache of all APIs together. It may be away: then it is left alone until it answers again,
//! which is found out beside the requests, not by them. It may also refuse to keep anything (it is full,
//! or a replica), or hold something else under a name of ours. All of it is counted, and logged when it
//! begins and when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands as _, Client, RedisError, TlsCertificates};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::RedisConfig;
use crate::views::OpenError;

/// How often one that is away is asked whether it is back.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a connection may take. Requests wait for their patience only.
const CONNECT: Duration = Duration::from_secs(2);

/// What is under a name.
pub(super) enum Got {
    /// A text.
    Bytes(Bytes),
    /// Nothing, or it does not answer.
    Nothing,
    /// A list, a set or the like.
    AnotherType,
}

pub(super) struct Redis {
    manager: ConnectionManager,
    keep: Duration,
    patience: Duration,
    failures: AtomicU64,
    /// Whether it does not answer.
    away: Arc<AtomicBool>,
    /// Whether it refused the last answer.
    refusing: AtomicBool,
    tasks: TaskTracker,
    ended: CancellationToken,
    _end: DropGuard,
}

/// Why there is no answer.
enum Failure {
    /// It did not answer, or is known to be away.
    Away,
    /// Its own words.
    Refused(RedisError),
}

/// Asks Redis once whether it is there; its answer, `PONG`.
///
/// # Errors
/// Its own words, those of TLS, or those of the connection.
pub async fn ping_redis(redis: &RedisConfig) -> Result<String, OpenError> {
    let unusable = |error: RedisError| OpenError::Address("Redis", error.into());
    let mut connection = client(redis)?
        .get_multiplexed_async_connection()
        .await
        .map_err(unusable)?;
    redis::cmd("PING")
        .query_async(&mut connection)
        .await
        .map_err(unusable)
}

fn client(redis: &RedisConfig) -> Result<Client, OpenError> {
    let client = match &redis.ca {
        None => Client::open(&*redis.url),
        Some(path) => {
            let root = std::fs::read(path);
            let root = root.map_err(|error| OpenError::Ca(path.clone(), error))?;
            let trusted = TlsCertificates {
                client_tls: None,
                root_cert: Some(root),
            };
            Client::build_with_tls(&*redis.url, trusted)
        }
    };
    client.map_err(|error| OpenError::Address("Redis", error.into()))
}

impl Redis {
    /// Connects when first asked; must be called inside a runtime.
    pub(super) fn open(redis: &RedisConfig, keep: Duration) -> Result<Self, OpenError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT.max(redis.patience)))
            .set_response_timeout(Some(redis.patience))
            .set_number_of_retries(1);
        let manager = ConnectionManager::new_lazy_with_config(client(redis)?, config);
        let manager = manager.map_err(|error| OpenError::Address("Redis", error.into()))?;
        let ended = CancellationToken::new();
        Ok(Self {
            manager,
            keep,
            patience: redis.patience,
            failures: AtomicU64::new(0),
            away: Arc::default(),
            refusing: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            _end: ended.clone().drop_guard(),
            ended,
        })
    }

    pub(super) async fn get(&self, name: &str) -> Got {
        let mut manager = self.manager.clone();
        let got: Result<Option<Vec<u8>>, Failure> = self.ask(manager.get(name)).await;
        match got {
            Ok(Some(bytes)) => Got::Bytes(bytes.into()),
            Err(Failure::Refused(error)) if error.code() == Some("WRONGTYPE") => Got::AnotherType,
            Ok(None) | Err(_) => Got::Nothing,
        }
    }

    pub(super) async fn put(&self, name: &str, answer: &[u8]) {
        let mut manager = self.manager.clone();
        let seconds = self.keep.as_secs().max(1);
        let put: Result<(), Failure> = self.ask(manager.set_ex(name, answer, seconds)).await;
        match put {
            Ok(()) => {
                if self.refusing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the cache in Redis keeps answers again");
                }
            }
            Err(Failure::Refused(error)) => {
                if !self.refusing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the cache in Redis keeps no answers");
                }
            }
            Err(Failure::Away) => {}
        }
    }

    /// Asks whether it is there, however it did before. This is no failure of the cache.
    pub(super) async fn ping(&self) -> Result<(), String> {
        let mut manager = self.manager.clone();
        let ping = redis::cmd("PING");
        let asked = ping.query_async::<String>(&mut manager);
        match timeout(self.patience, asked).await {
            Ok(answer) => answer.map(drop).map_err(|error| error.to_string()),
            Err(_late) => Err(format!("no answer within {:?}", self.patience)),
        }
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Failure> {
        if self.away.load(Ordering::Relaxed) {
            return Err(Failure::Away);
        }
        let error = match timeout(self.patience, question).await {
            Ok(Ok(answer)) => return Ok(answer),
            // What it says itself, it says at once.
            Ok(Err(error)) if error.code().is_some() => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                return Err(Failure::Refused(error));
            }
            Ok(Err(error)) => error.to_string(),
            Err(_late) => format!("no answer for {:?}", self.patience),
        };
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.leave_alone(&error);
        Err(Failure::Away)
    }

    /// Asks it no more until it answers.
    fn leave_alone(&self, error: &str) {
        if self.away.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::warn!(
            error,
            "the cache in Redis fails; answers come from the stores"
        );
        let (mut manager, away) = (self.manager.clone(), Arc::clone(&self.away));
        let (patience, ended) = (self.patience, self.ended.clone());
        let until_back = async move {
            loop {
                sleep(PAUSE).await;
                let ping = redis::cmd("PING");
                let answer = timeout(patience, ping.query_async::<String>(&mut manager)).await;
                if let Ok(Ok(_)) = answer {
                    break;
                }
            }
            away.store(false, Ordering::Relaxed);
            tracing::info!("the cache in Redis is back");
        };
        self.tasks.spawn(async move {
            ended.run_until_cancelled(until_back).await;
        });
    }
}
