//! Redis as the cache of all APIs together. It may be down: then nothing is kept, which is logged
//! when it begins and when it ends, and counted.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands as _, Client, RedisError, TlsCertificates};
use tokio::time::timeout;

use crate::config::RedisConfig;
use crate::views::OpenError;

/// After a failure it is left alone for so long, so that not every request waits for it.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Redis {
    manager: ConnectionManager,
    keep: Duration,
    patience: Duration,
    failures: AtomicU64,
    /// When it failed last, while it is failing.
    failing: Mutex<Option<Instant>>,
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
            .set_connection_timeout(Some(redis.patience))
            .set_response_timeout(Some(redis.patience))
            .set_number_of_retries(1);
        let manager = ConnectionManager::new_lazy_with_config(client(redis)?, config);
        let manager = manager.map_err(|error| OpenError::Address("Redis", error.into()))?;
        Ok(Self {
            manager,
            keep,
            patience: redis.patience,
            failures: AtomicU64::new(0),
            failing: Mutex::new(None),
        })
    }

    pub(super) async fn get(&self, key: &str) -> Option<Bytes> {
        let mut manager = self.manager.clone();
        let kept: Option<Vec<u8>> = self.ask(manager.get(key)).await?;
        kept.map(Bytes::from)
    }

    pub(super) async fn put(&self, key: &str, answer: &Bytes) {
        let mut manager = self.manager.clone();
        let seconds = self.keep.as_secs().max(1);
        let _kept: Option<()> = self.ask(manager.set_ex(key, &answer[..], seconds)).await;
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        let failed = *self.failing();
        if failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return None;
        }
        let answer = match timeout(self.patience, question).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_late) => Err(format!("no answer for {:?}", self.patience)),
        };
        match answer {
            Ok(answer) => {
                if self.failing().take().is_some() {
                    tracing::info!("the cache in Redis is back");
                }
                Some(answer)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                if self.failing().replace(Instant::now()).is_none() {
                    tracing::warn!(
                        error,
                        "the cache in Redis fails; answers come from the stores"
                    );
                }
                None
            }
        }
    }

    fn failing(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
