//! Answers kept for a while, so that many who ask the same of the same moment ask the stores once.
//!
//! A key is the hash of the space, the moment of the views ([`Present`]: log, epoch, both ticks, data now)
//! and the request in its one spelling. A kept answer carries the moment that it was made from, never an
//! earlier one than its key's, so an answer is never older than the view it names, and nothing has to be
//! thrown away when a tick is written.
//!
//! Answers are kept in this process, which also joins those who ask the same at the same time, and behind
//! it in Redis, if there is one, for all processes together. What comes back from Redis is checked
//! ([`kept`]): garbage is a miss. A cache that fails costs time, never an answer.

mod kept;
#[cfg_attr(not(feature = "servers"), path = "cache/no_redis.rs")]
mod redis;

pub(crate) use self::kept::Kept;
pub use self::redis::ping_redis;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use eip_contract::Space;
use moka::future::Cache;
use sha2::{Digest as _, Sha256};

use crate::config::{ApiConfig, CacheConfig};
use crate::present::Present;
use crate::problem::Problem;
use crate::views::OpenError;

/// The form of keys and answers; another one never meets this one's.
const FORMAT: u8 = 3;
/// Memory that answers take in this process.
const MEMORY_BYTES: u64 = 64 << 20;
/// A larger answer is not kept: it would push out many, and Redis would stall over it.
const LARGEST: usize = 1 << 20;

/// What names an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The answer to `request` (in one spelling, with all that it depends on) at this moment of a space.
    /// Another version of the program may answer otherwise.
    pub(crate) fn of(space: &Space, present: &Present, request: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let present = serde_json::to_string(present).expect("texts and numbers are JSON");
        let text = format!("{FORMAT}\n{version}\n{space}\n{present}\n{request}");
        Self(Sha256::digest(text).into())
    }

    /// As bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The cache of one API. Clones share it.
#[derive(Clone)]
pub(crate) struct ResponseCache {
    inner: Arc<Inner>,
}

struct Inner {
    space: Space,
    memory: Cache<Key, Kept>,
    redis: Option<redis::Redis>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    refused: AtomicU64,
}

/// How the cache has done since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheCounts {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// Times that Redis did not answer.
    pub(crate) failures: u64,
    /// Times that Redis held something else under an answer's key.
    pub(crate) refused: u64,
}

impl ResponseCache {
    /// Opens the cache that `config` names. Redis need not be there yet.
    pub(crate) fn open(config: &ApiConfig) -> Result<Self, OpenError> {
        let redis = match &config.cache {
            CacheConfig::Memory => None,
            CacheConfig::Redis(redis) => Some(redis::Redis::open(redis, config.keep)?),
        };
        let inner = Inner {
            space: config.views.space(),
            memory: memory(config.keep),
            redis,
            counts: Counts::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The answer of this key: the kept one, or what `make` returns. Those who ask at the same time
    /// wait for one of them.
    pub(crate) async fn answer(
        &self,
        key: Key,
        make: impl Future<Output = Result<Kept, Problem>>,
    ) -> Result<Kept, Problem> {
        let Inner { memory, counts, .. } = &*self.inner;
        let was_missing = AtomicBool::new(false);
        let found = async {
            if let Some(kept) = self.in_redis(key).await {
                return Ok(kept);
            }
            was_missing.store(true, Ordering::Relaxed);
            let answer = make.await?;
            if answer.body.len() <= LARGEST {
                self.put_in_redis(key, &answer).await;
            }
            Ok(answer)
        };
        let answer = memory.try_get_with(key, found).await;
        let answer = answer.map_err(|problem: Arc<Problem>| Problem::clone(&problem));
        let count = if was_missing.into_inner() {
            &counts.misses
        } else {
            &counts.hits
        };
        count.fetch_add(1, Ordering::Relaxed);
        let answer = answer?;
        if answer.body.len() > LARGEST {
            memory.invalidate(&key).await;
        }
        Ok(answer)
    }

    async fn in_redis(&self, key: Key) -> Option<Kept> {
        let Inner { redis, counts, .. } = &*self.inner;
        let bytes = match redis.as_ref()?.get(&self.name(key)).await {
            redis::Got::Bytes(bytes) => bytes,
            redis::Got::Nothing => return None,
            redis::Got::AnotherType => {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        };
        let kept = Kept::read(key, &bytes);
        if kept.is_none() {
            counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        kept
    }

    async fn put_in_redis(&self, key: Key, answer: &Kept) {
        if let Some(redis) = &self.inner.redis {
            redis.put(&self.name(key), &answer.write(key)).await;
        }
    }

    /// Under which name Redis keeps an answer.
    fn name(&self, key: Key) -> String {
        let mut name = format!("eip:{}:api:{FORMAT}:", self.inner.space);
        for byte in key.0 {
            write!(name, "{byte:02x}").expect("a string takes all text");
        }
        name
    }

    /// Where it is, or why it does not answer.
    pub(crate) async fn ask(&self) -> Result<&'static str, String> {
        match &self.inner.redis {
            None => Ok("in this process"),
            Some(redis) => redis.ping().await.map(|()| "in this process and in Redis"),
        }
    }

    /// How it has done so far.
    pub(crate) fn counts(&self) -> CacheCounts {
        let Inner { redis, counts, .. } = &*self.inner;
        CacheCounts {
            hits: counts.hits.load(Ordering::Relaxed),
            misses: counts.misses.load(Ordering::Relaxed),
            failures: redis.as_ref().map_or(0, redis::Redis::failures),
            refused: counts.refused.load(Ordering::Relaxed),
        }
    }
}

fn memory(keep: Duration) -> Cache<Key, Kept> {
    // A key, the moment, and what the map needs, beside the answer itself.
    let bytes = |_: &Key, kept: &Kept| (256 + kept.body.len()) as u32;
    Cache::builder()
        .max_capacity(MEMORY_BYTES)
        .weigher(bytes)
        .time_to_live(keep)
        .build()
}
