//! The lock of a file's or folder's one writer: of the journal, and of what others keep in a state
//! folder. It is the kernel's (`flock`), so it ends with its process whatever happens; the file's
//! text only says who that is.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::LogError;

/// Held for as long as it lives.
#[derive(Debug)]
pub struct WriterLock {
    file: File,
}

impl WriterLock {
    /// Takes the lock at once, or says who has it ([`LogError::Locked`]). The file is made if need
    /// be; `program` names the holder to others.
    pub fn take(path: &Path, program: &str) -> Result<Self, LogError> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(LogError::io("open", path))?;
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
                    path: path.to_owned(),
                    holder: holder.to_owned(),
                });
            }
            Err(error) => return Err(LogError::io("lock", path)(error.into())),
        }
        let program: String = program
            .chars()
            .filter(|char| !char.is_control())
            .take(200)
            .collect();
        file.set_len(0)
            .and_then(|()| writeln!(file, "pid {}, {program}", std::process::id()))
            .map_err(LogError::io("write", path))?;
        Ok(Self { file })
    }
}

impl Drop for WriterLock {
    /// Closing the file would not be enough: a process that is just being forked by another thread
    /// holds the lock as well until it has become its program.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::WriterLock;

    #[test]
    fn a_lock_ends_also_where_a_fork_still_holds_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = WriterLock::take(&path, "the first").unwrap();
        // What a fork has until it becomes its program: the same open file.
        let forked = lock.file.try_clone().unwrap();
        let refused = WriterLock::take(&path, "the second").unwrap_err();
        assert!(refused.to_string().contains("the first"), "{refused}");
        drop(lock);
        WriterLock::take(&path, "the second").unwrap();
        drop(forked);
    }
}
