//! One segment as it is read: a folder whose manifest, sizes and footers fit.

mod file;
mod group;
mod read;
mod writer;

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use eip_contract::Offset;
use eip_log::EventLog;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::error::Damage;
use crate::manifest::{DeadRecord, FileEntry, GroupEntry, Manifest};
use crate::page::Section;

pub(crate) use read::PackedSink;
pub(crate) use writer::SegmentWriter;

/// Length of the footer's number and the magic behind it.
const FOOTER_TAIL: usize = 8;

/// Name of a segment's folder.
pub(crate) fn folder_name(number: u64) -> String {
    format!("segment-{number:010}")
}

/// The number in the name of a segment's folder.
pub(crate) fn folder_number(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.parse().ok()
}

/// Name of a folder that is being written; of no meaning to a reader.
pub(crate) fn temporary_name(number: u64) -> String {
    format!("writing-{number:010}")
}

/// Name of a folder that is being removed; of no meaning to a reader.
pub(crate) fn removed_name(number: u64) -> String {
    format!("removing-{number:010}")
}

/// Whether a name is one of the last two, left behind by a writer that died.
pub(crate) fn is_left_over(name: &str) -> bool {
    name.starts_with("writing-") || name.starts_with("removing-")
}

/// A segment that may be read.
pub(crate) struct Segment {
    number: u64,
    folder: PathBuf,
    manifest: Manifest,
    /// By file: its footer, decoded when it is needed first.
    footers: Vec<OnceLock<ParquetMetaData>>,
    /// Set when a read found damage; from then on it is not used.
    given_up: AtomicBool,
}

impl Segment {
    pub(crate) fn new(number: u64, folder: PathBuf, manifest: Manifest) -> Self {
        let footers = manifest.files.iter().map(|_| OnceLock::new()).collect();
        Self {
            number,
            folder,
            manifest,
            footers,
            given_up: AtomicBool::new(false),
        }
    }

    /// Opens the segment in a folder: checks its manifest, that the log reaches as far as what it
    /// mirrors, and the size, magic and footer of each file. Whether its records are the log's is
    /// for the caller to check ([`super::content`]).
    pub(crate) fn open(
        number: u64,
        folder: PathBuf,
        log: &dyn EventLog,
        ends: &[Offset],
    ) -> Result<Self, Damage> {
        let manifest = Manifest::read(&folder)?;
        if manifest.topic_id != log.topic_id() {
            let what = format!(
                "mirrors topic {}, not {}",
                manifest.topic_id,
                log.topic_id()
            );
            return Err(Damage::new(&folder, what));
        }
        let partitions = log.partitions() as usize;
        if manifest.ranges.len() != partitions || manifest.marks.len() != partitions {
            let what = format!(
                "has {} partitions, the log has {partitions}",
                manifest.ranges.len(),
            );
            return Err(Damage::new(&folder, what));
        }
        for (partition, (range, end)) in manifest.ranges.iter().zip(ends).enumerate() {
            if range.end > *end {
                let what = format!(
                    "mirrors partition {partition} up to {}, but the log ends at {end}: it was cut",
                    range.end
                );
                return Err(Damage::stale(&folder, what));
            }
        }
        let segment = Self::new(number, folder, manifest);
        for (file, entry) in segment.manifest.files.iter().enumerate() {
            let path = segment.path(file);
            let opened = File::open(&path).map_err(Damage::io(&path))?;
            let bytes = opened.metadata().map_err(Damage::io(&path))?.len();
            if bytes != entry.bytes {
                let what = format!("has {bytes} bytes instead of {}", entry.bytes);
                return Err(Damage::new(&path, what));
            }
            let mut magic = [0; file::MAGIC.len()];
            opened
                .read_exact_at(&mut magic, 0)
                .map_err(Damage::io(&path))?;
            if &magic != file::MAGIC {
                return Err(Damage::new(&path, "does not begin as a Parquet file"));
            }
            segment.read_footer(file, &opened)?;
        }
        Ok(segment)
    }

    /// Its number: later segments have greater ones.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it holds.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The offsets of a partition that it covers.
    pub(crate) fn range(&self, partition: u32) -> Range<Offset> {
        self.manifest.ranges[partition as usize].clone()
    }

    /// Its dead letters of a partition's range.
    pub(crate) fn dead_letters(
        &self,
        partition: u32,
        range: Range<Offset>,
    ) -> impl Iterator<Item = &DeadRecord> {
        self.manifest
            .dead_letters
            .iter()
            .filter(move |dead| dead.partition == partition && range.contains(&dead.offset))
    }

    /// Never to be used again by this process.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether a read found damage.
    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Reads and checks every byte of every file.
    pub(crate) fn check(&self) -> Result<(), Damage> {
        for (file, entry) in self.manifest.files.iter().enumerate() {
            let path = self.path(file);
            let opened = File::open(&path).map_err(Damage::io(&path))?;
            for group in &entry.groups {
                self.section(file, &opened, group, true)?;
            }
            self.read_footer(file, &opened)?;
        }
        Ok(())
    }

    fn path(&self, file: usize) -> PathBuf {
        self.folder.join(&self.manifest.files[file].name)
    }

    fn read_footer(&self, file: usize, opened: &File) -> Result<Vec<u8>, Damage> {
        let path = self.path(file);
        let FileEntry { bytes, footer, .. } = &self.manifest.files[file];
        let at = bytes.saturating_sub(footer.bytes);
        let text = read_at(opened, at, footer.bytes).map_err(Damage::io(&path))?;
        if crc32fast::hash(&text) != footer.crc32 {
            return Err(Damage::new(&path, "has another footer than was written"));
        }
        Ok(text)
    }

    /// The decoded footer of a file.
    fn footer(&self, file: usize, opened: &File) -> Result<&ParquetMetaData, Damage> {
        if let Some(footer) = self.footers[file].get() {
            return Ok(footer);
        }
        let path = self.path(file);
        let text = self.read_footer(file, opened)?;
        let metadata = text.len().checked_sub(FOOTER_TAIL).map(|end| &text[..end]);
        let footer = ParquetMetaDataReader::decode_metadata(metadata.unwrap_or_default())
            .map_err(Damage::decode(&path))?;
        if footer.num_row_groups() != self.manifest.files[file].groups.len() {
            return Err(Damage::new(
                &path,
                "has another number of row groups than segment.json says",
            ));
        }
        Ok(self.footers[file].get_or_init(|| footer))
    }

    /// The bytes of a row group, checked: the hot columns only, or all.
    fn section(
        &self,
        file: usize,
        opened: &File,
        group: &GroupEntry,
        whole: bool,
    ) -> Result<Section, Damage> {
        let path = self.path(file);
        let wanted = group.hot.bytes + if whole { group.cold.bytes } else { 0 };
        let bytes = read_at(opened, group.at, wanted).map_err(Damage::io(&path))?;
        let (hot, cold) = bytes.split_at(group.hot.bytes as usize);
        if crc32fast::hash(hot) != group.hot.crc32
            || whole && crc32fast::hash(cold) != group.cold.crc32
        {
            let what = format!(
                "has other bytes than were written, from byte {} on",
                group.at
            );
            return Err(Damage::new(&path, what));
        }
        Ok(Section {
            at: group.at,
            bytes: Bytes::from(bytes),
        })
    }
}

/// So many bytes of a file, into memory that nobody had to clear.
fn read_at(file: &File, at: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut buffer = Vec::with_capacity(bytes as usize);
    while (buffer.len() as u64) < bytes {
        let next = at + buffer.len() as u64;
        if rustix::io::pread(file, rustix::buffer::spare_capacity(&mut buffer), next)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    buffer.truncate(bytes as usize);
    Ok(buffer)
}
