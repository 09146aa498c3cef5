//! `segment.json`: what a segment holds, sealed by a checksum of its own.

use std::cmp::Ordering;
use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use eip_contract::Offset;
use eip_log::{Mark, TopicId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::{CacheError, Damage};

/// Name of the file; a folder without it is no segment.
pub(crate) const MANIFEST: &str = "segment.json";
/// The format that this program writes, and the only one that it reads.
const FORMAT: u32 = 2;

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The log that it mirrors.
    pub(crate) topic_id: TopicId,
    /// By partition: the first offset covered, and the first behind it that is not.
    pub(crate) ranges: Vec<Range<Offset>>,
    /// By partition: the first and the last records of the range, and some between; none where the
    /// range has no committed record.
    pub(crate) marks: Vec<Vec<Mark>>,
    /// Rows in all files.
    pub(crate) rows: u64,
    /// The files.
    pub(crate) files: Vec<FileEntry>,
    /// Records of the ranges that are no rows, by partition and offset.
    pub(crate) dead_letters: Vec<DeadRecord>,
}

/// One Parquet file: four bytes of magic, its row groups, its footer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) footer: Part,
    pub(crate) groups: Vec<GroupEntry>,
}

/// One row group, of one partition; by its place the group of the same number in the footer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupEntry {
    pub(crate) partition: u32,
    pub(crate) rows: u32,
    /// Least and greatest offset in it.
    pub(crate) first: Offset,
    pub(crate) last: Offset,
    /// Where it begins in the file.
    pub(crate) at: u64,
    /// The columns of the packed facts, and right behind them the others.
    pub(crate) hot: Part,
    pub(crate) cold: Part,
}

/// Some bytes of a file and their CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
}

impl Part {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            crc32: crc32fast::hash(bytes),
        }
    }
}

/// A record of the log that is no canonical event: where it is and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeadRecord {
    /// Partition of the log.
    pub partition: u32,
    /// Position in it.
    pub offset: Offset,
    /// The reason as a short fixed name ([`eip_contract::DeadLetter::code`]).
    pub code: String,
    /// The reason in words.
    pub reason: String,
}

/// The file: its format in sight of any later program, the content under a checksum.
#[derive(Serialize)]
struct Sealed<'a> {
    format: u32,
    crc32: u32,
    segment: &'a RawValue,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
struct Opened<'a> {
    crc32: u32,
    #[serde(borrow)]
    segment: &'a RawValue,
}

impl Manifest {
    /// Writes and syncs it into `folder`.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), CacheError> {
        let path = folder.join(MANIFEST);
        let content = serde_json::value::to_raw_value(self).expect("a manifest is plain data");
        let crc32 = crc32fast::hash(content.get().as_bytes());
        let sealed = Sealed {
            format: FORMAT,
            crc32,
            segment: &content,
        };
        // Without a line end, so that every byte counts.
        let text = serde_json::to_vec(&sealed).expect("a manifest is plain data");
        fs::File::create(&path)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .map_err(CacheError::io("write", &path))
    }

    /// Reads it back; whatever is wrong with it is damage.
    pub(crate) fn read(folder: &Path) -> Result<Self, Damage> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(Damage::io(&path))?;
        Self::parse(&path, &text)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, Damage> {
        let damaged = |what: &str| Damage::new(path, what);
        let Format { format } =
            serde_json::from_slice(text).map_err(|_| damaged("is no segment.json"))?;
        let other = || format!("has format {format}; this program reads format {FORMAT}");
        match format.cmp(&FORMAT) {
            Ordering::Less => return Err(Damage::stale(path, other())),
            Ordering::Greater => return Err(Damage::new(path, other())),
            Ordering::Equal => {}
        }
        let Opened { crc32, segment } =
            serde_json::from_slice(text).map_err(|_| damaged("is no segment.json"))?;
        if crc32fast::hash(segment.get().as_bytes()) != crc32 {
            return Err(damaged("has another checksum than was written"));
        }
        serde_json::from_str(segment.get()).map_err(|_| damaged("is no segment.json"))
    }

    /// Bytes of all Parquet files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use eip_log::RecordDigest;

    use super::*;
    use crate::error::DamageKind;

    fn manifest() -> Manifest {
        Manifest {
            topic_id: TopicId(7),
            ranges: vec![Offset(3)..Offset(5), Offset(0)..Offset(0)],
            marks: vec![
                vec![Mark {
                    offset: Offset(3),
                    digest: RecordDigest(7 << 100),
                }],
                Vec::new(),
            ],
            rows: 1,
            files: vec![FileEntry {
                name: "2018-03.parquet".to_owned(),
                rows: 1,
                bytes: 9,
                footer: Part::of(b"x"),
                groups: Vec::new(),
            }],
            dead_letters: vec![DeadRecord {
                partition: 0,
                offset: Offset(4),
                code: "not_json".to_owned(),
                reason: "not a JSON \"object\"".to_owned(),
            }],
        }
    }

    #[test]
    fn a_manifest_comes_back_and_any_flipped_bit_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        manifest().write(dir.path()).unwrap();
        assert_eq!(Manifest::read(dir.path()), Ok(manifest()));
        let path = dir.path().join(MANIFEST);
        let good = fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::parse(&path, &bad).is_err(), "bit {bit}");
        }
        fs::remove_file(&path).unwrap();
        let missing = Manifest::read(dir.path()).unwrap_err();
        assert_eq!(missing.kind, DamageKind::Gone);
    }
}
