//! What went wrong in a store, whose fault it is and whether to try again.

use std::error::Error;

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever gave the command or the settings.
    User,
    /// Whoever runs the store or the disk.
    External,
    /// Nobody outside: another dataflow took over, or the program is wrong.
    Internal,
}

/// Whether the same call can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// It can, after a while.
    Backoff,
    /// Not the same call: what was known to be stored is gone. A dataflow that begins anew finds out
    /// what is missing and makes it.
    Anew,
}

/// An error of a store. Its text says what, where and, if anything, what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// Who has to act.
    pub fault: Fault,
    /// Whether to try again.
    pub retry: Retry,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error with its text.
    pub fn new(fault: Fault, retry: Retry, message: impl Into<String>) -> Self {
        Self {
            fault,
            retry,
            message: message.into(),
            source: None,
        }
    }

    /// The error with its whole chain of sources.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }

    /// The same error with what led to it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
