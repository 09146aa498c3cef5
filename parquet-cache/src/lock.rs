//! The writer's lock of the cache folder, and the durability of what is renamed in it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::CacheError;

/// Held while one process writes; the system lets go of it when the process ends, however it ends.
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of a cache folder, which is made if need be.
    pub(crate) fn take(cache: &Path) -> Result<Self, CacheError> {
        fs::create_dir_all(cache).map_err(CacheError::io("make", cache))?;
        let path = cache.join("writer.lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(CacheError::io("open", &path))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            file.read_to_string(&mut holder)
                .map_err(CacheError::io("read", &path))?;
            return Err(CacheError::Locked {
                path,
                holder: holder.trim().to_owned(),
            });
        }
        let write_name = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "process {}", std::process::id())
        };
        write_name(&mut file).map_err(CacheError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), CacheError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(CacheError::io("sync", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_at_a_time_and_the_second_hears_who_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let first = WriterLock::take(dir.path()).unwrap();
        match WriterLock::take(dir.path()) {
            Err(CacheError::Locked { holder, .. }) => {
                assert_eq!(holder, format!("process {}", std::process::id()));
            }
            _ => panic!("taken twice"),
        }
        drop(first);
        assert!(WriterLock::take(dir.path()).is_ok());
    }
}
