//! One Parquet file while it is written: row groups are appended, the footer comes last.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use parquet::file::metadata::{
    FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};

use super::group::Group;
use crate::codes::Texts;
use crate::error::CacheError;
use crate::manifest::{FileEntry, GroupEntry, Part};
use crate::schema::descriptor;

/// What every Parquet file begins and ends with.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";
/// Version of the Parquet format, in its footer.
const PARQUET_VERSION: i32 = 2;

/// A file that grows. It is open only while something is appended, so that the months of a history
/// do not add up to open files.
pub(super) struct GrowingFile {
    name: String,
    path: PathBuf,
    at: u64,
    groups: Vec<GroupEntry>,
    metadata: Vec<RowGroupMetaData>,
}

impl GrowingFile {
    /// A new file in `folder`.
    pub(super) fn create(folder: &Path, name: String) -> Result<Self, CacheError> {
        let path = folder.join(&name);
        File::create_new(&path)
            .and_then(|mut file| file.write_all(MAGIC))
            .map_err(CacheError::io("create", &path))?;
        let at = MAGIC.len() as u64;
        Ok(Self {
            name,
            path,
            at,
            groups: Vec::new(),
            metadata: Vec::new(),
        })
    }

    /// Appends the rows of a partition as one row group.
    pub(super) fn append(
        &mut self,
        group: Group,
        texts: &Texts,
        partition: u32,
    ) -> Result<(), CacheError> {
        let encoded = group
            .encode(texts, partition, self.at, self.groups.len())
            .map_err(|source| CacheError::Encode {
                path: self.path.clone(),
                source,
            })?;
        self.open()?
            .write_all(&encoded.bytes)
            .map_err(CacheError::io("write", &self.path))?;
        self.at += encoded.bytes.len() as u64;
        self.groups.push(encoded.entry);
        self.metadata.push(encoded.metadata);
        Ok(())
    }

    fn open(&self) -> Result<File, CacheError> {
        OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(CacheError::io("open", &self.path))
    }

    /// Writes the footer and syncs the file.
    pub(super) fn finish(self) -> Result<FileEntry, CacheError> {
        let rows = self.groups.iter().map(|group| u64::from(group.rows)).sum();
        let creator = Some(concat!("eip-parquet-cache ", env!("CARGO_PKG_VERSION")).to_owned());
        let file = FileMetaData::new(
            PARQUET_VERSION,
            rows as i64,
            creator,
            None,
            descriptor().clone(),
            None,
        );
        let metadata = ParquetMetaData::new(file, self.metadata.clone());
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &metadata)
            .finish()
            .map_err(|source| CacheError::Encode {
                path: self.path.clone(),
                source,
            })?;
        let mut file = self.open()?;
        file.write_all(&footer)
            .and_then(|()| file.sync_all())
            .map_err(CacheError::io("write", &self.path))?;
        Ok(FileEntry {
            name: self.name,
            rows,
            bytes: self.at + footer.len() as u64,
            footer: Part::of(&footer),
            groups: self.groups,
        })
    }
}
