//! The laws of the cache: it says what the log says, whatever happened to its files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod content;
mod damage;
mod earlier;
mod files;
mod history;
mod mirror;
mod writers;
