//! What `eip cache status` shows.

use std::fmt;
use std::ops::Range;

use eip_contract::Offset;
use eip_log::TopicId;

use crate::coverage::Coverage;
use crate::error::Damage;
use crate::segment::{Segment, folder_name};

/// All segments and what they cover together. Displays as a table.
#[derive(Clone, Debug)]
pub struct Status {
    /// The log that is mirrored.
    pub topic_id: TopicId,
    /// What is covered from the beginning on.
    pub coverage: Coverage,
    /// All segments by number, also those that are not used.
    pub segments: Vec<SegmentStatus>,
}

/// One segment.
#[derive(Clone, Debug)]
pub struct SegmentStatus {
    /// Its number.
    pub number: u64,
    /// By partition, the offsets it covers; empty when that could not be read.
    pub ranges: Vec<Range<Offset>>,
    /// Rows.
    pub rows: u64,
    /// Parquet files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Records that are no canonical events.
    pub dead_letters: u64,
    /// Why it is not used, if it is not.
    pub unused: Option<String>,
}

impl SegmentStatus {
    pub(crate) fn of(segment: &Segment, coverage: &Coverage) -> Self {
        let manifest = segment.manifest();
        let is_beyond = (0_u32..)
            .zip(&manifest.ranges)
            .any(|(p, range)| range.start > coverage.next(p));
        Self {
            number: segment.number(),
            ranges: manifest.ranges.clone(),
            rows: manifest.rows,
            files: manifest.files.len(),
            bytes: manifest.bytes(),
            dead_letters: manifest.dead_letters.len() as u64,
            unused: is_beyond.then(|| "lies beyond a gap".to_owned()),
        }
    }

    pub(crate) fn ignored((number, damage): &(u64, Damage)) -> Self {
        Self {
            number: *number,
            ranges: Vec::new(),
            rows: 0,
            files: 0,
            bytes: 0,
            dead_letters: 0,
            unused: Some(damage.to_string()),
        }
    }

    fn ranges_text(&self) -> String {
        let ranges: Vec<_> = (0..)
            .zip(&self.ranges)
            .filter(|(_, range)| !range.is_empty())
            .map(|(partition, range): (u32, _)| {
                format!("{partition}:{}-{}", range.start, range.end)
            })
            .collect();
        ranges.join(" ")
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "topic {}", self.topic_id)?;
        writeln!(
            f,
            "{:18} {:>11} {:>6} {:>14} {:>12}  {:24}  ranges (partition:from-to)",
            "segment", "rows", "files", "bytes", "dead letters", "state"
        )?;
        for segment in &self.segments {
            writeln!(
                f,
                "{:18} {:>11} {:>6} {:>14} {:>12}  {:24}  {}",
                folder_name(segment.number),
                segment.rows,
                segment.files,
                segment.bytes,
                segment.dead_letters,
                segment
                    .unused
                    .as_deref()
                    .map_or("used".to_owned(), |why| format!("not used: {why}")),
                segment.ranges_text(),
            )?;
        }
        write!(f, "covered from offset 0 to:")?;
        for (partition, end) in self.coverage.ends().iter().enumerate() {
            write!(f, " {partition}:{end}")?;
        }
        Ok(())
    }
}
