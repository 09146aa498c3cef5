//! Who may write a state folder's views: the holder of `views.lock`.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::error::{Fault, Retry, StoreError};

/// Held as long as it lives; the system gives it up when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock and leaves the holder's name in the file, or says who has it.
    pub(super) fn take(state: &Path, holder: &str) -> Result<Self, StoreError> {
        let path = state.join("views.lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options
            .open(&path)
            .map_err(|error| unusable(&path, error))?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(unusable(&path, error.into()));
            }
            let mut name = String::new();
            // The name is a help only; without it the message is still true.
            let _ = file.read_to_string(&mut name);
            let name = name.trim();
            let name = if name.is_empty() {
                "another dataflow"
            } else {
                name
            };
            return Err(StoreError::new(
                Fault::User,
                Retry::Backoff,
                format!(
                    "{name} is writing the views in {}: stop it, or use another state folder",
                    state.display()
                ),
            ));
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{holder}, pid {}", std::process::id()));
        written.map_err(|error| unusable(&path, error))?;
        Ok(Self { _file: file })
    }
}

fn unusable(path: &Path, error: std::io::Error) -> StoreError {
    let message = format!("cannot lock {}", path.display());
    StoreError::new(Fault::External, Retry::Backoff, message).because(error)
}
