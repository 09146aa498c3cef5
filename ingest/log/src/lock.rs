//! The lock of the journal's one writer. It is the kernel's (`flock`), so it ends with its process
//! whatever happens; the file's text only says who that is.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::fs::{FlockOperation, flock};

use crate::error::LogError;
use crate::state::StateDir;

/// Held for as long as it lives.
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock at once, or says who has it.
    pub(crate) fn take(state: &StateDir, program: &str) -> Result<Self, LogError> {
        let path = state.journal_path().join("writer.lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(LogError::io("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Between locking and writing its name a holder is nameless for a moment.
                let _ = (&file).take(1024).read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() {
                    "another process"
                } else {
                    holder
                };
                return Err(LogError::Locked {
                    path,
                    holder: holder.to_owned(),
                });
            }
            Err(error) => return Err(LogError::io("lock", &path)(error.into())),
        }
        let program: String = program
            .chars()
            .filter(|char| !char.is_control())
            .take(200)
            .collect();
        file.set_len(0)
            .and_then(|()| writeln!(file, "pid {}, {program}", std::process::id()))
            .map_err(LogError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}
