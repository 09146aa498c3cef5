//! Answers kept for a while, so that many who ask the same at the same tick ask the stores once.
//!
//! A key names the space, the log, the epoch, and the written and visible ticks, which each request reads again: an
//! answer is never given for a later tick than it was made from, and nothing has to be thrown away
//! when a tick is written. A cache that fails costs time, never an answer.

mod redis;

pub use self::redis::ping_redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use eip_contract::Space;
use moka::future::Cache;

use crate::config::{ApiConfig, CacheConfig};
use crate::problem::Problem;
use crate::views::OpenError;

/// The form of keys and answers; another one never meets this one's.
const FORMAT: u32 = 2;
/// Memory that answers take in this process.
const MEMORY_BYTES: u64 = 64 << 20;
/// A larger answer is not kept: it would push out many, and Redis would stall over it.
const LARGEST: usize = 1 << 20;

/// The cache of one API. Clones share it.
#[derive(Clone)]
pub(crate) struct ResponseCache {
    inner: Arc<Inner>,
}

struct Inner {
    space: Space,
    store: Store,
    counts: Counts,
}

enum Store {
    /// Also joins those who ask the same at the same time.
    Memory(Cache<String, Bytes>),
    Redis(redis::Redis),
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How the cache has done since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheCounts {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) failures: u64,
}

impl ResponseCache {
    /// Opens the cache that `config` names. Redis need not be there yet.
    pub(crate) fn open(config: &ApiConfig) -> Result<Self, OpenError> {
        let store = match &config.cache {
            CacheConfig::Memory => Store::Memory(memory(config.keep)),
            CacheConfig::Redis(redis) => Store::Redis(redis::Redis::open(redis, config.keep)?),
        };
        let inner = Inner {
            space: config.views.space(),
            store,
            counts: Counts::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The answer to `request` at `position` (the moment of the views): the kept one, or what `make`
    /// gives.
    pub(crate) async fn answer(
        &self,
        position: &str,
        request: &str,
        make: impl Future<Output = Result<Bytes, Problem>>,
    ) -> Result<Bytes, Problem> {
        let was_missing = AtomicBool::new(false);
        let making = async {
            was_missing.store(true, Ordering::Relaxed);
            make.await
        };
        let answer = self.kept(position, request, making).await;
        let counts = &self.inner.counts;
        let count = if was_missing.into_inner() {
            &counts.misses
        } else {
            &counts.hits
        };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    /// The same for what belongs to every answer and is none itself: it is not counted.
    pub(crate) async fn kept(
        &self,
        position: &str,
        request: &str,
        make: impl Future<Output = Result<Bytes, Problem>>,
    ) -> Result<Bytes, Problem> {
        let Inner { space, store, .. } = &*self.inner;
        let key = format!("eip:{space}:api:{FORMAT}:{position}:{request}");
        match store {
            Store::Memory(cache) => {
                let answer = cache.try_get_with(key.clone(), make).await;
                let answer = answer.map_err(|problem| Problem::clone(&problem))?;
                if answer.len() > LARGEST {
                    cache.invalidate(&key).await;
                }
                Ok(answer)
            }
            Store::Redis(redis) => {
                if let Some(kept) = redis.get(&key).await {
                    return Ok(kept);
                }
                let answer = make.await?;
                if answer.len() <= LARGEST {
                    redis.put(&key, &answer).await;
                }
                Ok(answer)
            }
        }
    }

    /// How it has done so far.
    pub(crate) fn counts(&self) -> CacheCounts {
        let Inner { store, counts, .. } = &*self.inner;
        CacheCounts {
            hits: counts.hits.load(Ordering::Relaxed),
            misses: counts.misses.load(Ordering::Relaxed),
            failures: match store {
                Store::Memory(_) => 0,
                Store::Redis(redis) => redis.failures(),
            },
        }
    }
}

fn memory(keep: Duration) -> Cache<String, Bytes> {
    let bytes = |key: &String, answer: &Bytes| (key.len() + answer.len()) as u32;
    Cache::builder()
        .max_capacity(MEMORY_BYTES)
        .weigher(bytes)
        .time_to_live(keep)
        .build()
}
