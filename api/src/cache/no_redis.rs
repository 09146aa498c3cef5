//! Stands in for `redis.rs` in a build without the feature `servers`: the same names, and a cache
//! that cannot be opened.

use std::time::Duration;

use axum::body::Bytes;

use crate::config::RedisConfig;
use crate::views::OpenError;

/// What is under a name.
#[expect(dead_code, reason = "there is nobody to say it")]
pub(super) enum Got {
    /// A text.
    Bytes(Bytes),
    /// Nothing.
    Nothing,
    /// A list, a set or the like.
    AnotherType,
}

/// No Redis.
pub(super) enum Redis {}

/// Says that this build has no client.
///
/// # Errors
/// Always.
pub async fn ping_redis(_: &RedisConfig) -> Result<String, OpenError> {
    Err(absent())
}

fn absent() -> OpenError {
    let text = "this build has no client of Redis: make one that has with `cargo build --release`";
    OpenError::Address("Redis", text.into())
}

impl Redis {
    pub(super) fn open(_: &RedisConfig, _: Duration) -> Result<Self, OpenError> {
        Err(absent())
    }

    pub(super) async fn get(&self, _: &str) -> Got {
        match *self {}
    }

    pub(super) async fn put(&self, _: &str, _: &[u8]) {
        match *self {}
    }

    pub(super) async fn ping(&self) -> Result<(), String> {
        match *self {}
    }

    pub(super) fn failures(&self) -> u64 {
        match *self {}
    }
}
