//! The durability of what is renamed in the cache folder.

use std::fs::File;
use std::path::Path;

use crate::error::CacheError;

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), CacheError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(CacheError::io("sync", path))
}
