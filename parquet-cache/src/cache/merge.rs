//! Many segments → one. No record is dropped; a crash leaves the old, the new, or both.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use eip_contract::Offset;
use eip_log::Mark;

use super::{Cache, Ranges};
use crate::content;
use crate::coverage::farthest;
use crate::error::CacheError;
use crate::segment::{Segment, SegmentWriter};

/// What a compaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Segments that are now one.
    pub merged: usize,
    /// Rows of the new segment; 0 when there was nothing to merge.
    pub rows: u64,
}

impl fmt::Display for Compaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.merged {
            0 => f.write_str("nothing to merge"),
            merged => write!(f, "{merged} segments are now one of {} rows", self.rows),
        }
    }
}

impl Cache {
    /// Merges all segments of the coverage into one. What lies beyond a gap and what is ignored
    /// stays as it is: [`Cache::catch_up`] and [`Cache::rebuild`] are the means against these.
    pub fn compact(&mut self) -> Result<Compaction, CacheError> {
        let _lock = self.begin_change()?;
        let coverage = self.coverage();
        let is_reached = |segment: &Arc<Segment>| {
            (0..self.log.partitions()).all(|p| segment.range(p).start <= coverage.next(p))
        };
        let parts: Vec<_> = self.usable().into_iter().filter(is_reached).collect();
        self.merge(&parts)
    }

    /// Merges the last segments when there are too many. A large one is left alone until those
    /// behind it have grown to its size, so that a row is rewritten a logarithmic number of times.
    pub(super) fn merge_small(&self) -> Result<(), CacheError> {
        let segments = self.usable();
        if segments.len() <= self.options.segments {
            return Ok(());
        }
        let mut sum = 0;
        let is_small = |segment: &&Arc<Segment>| {
            let rows = segment.manifest().rows;
            let small = rows <= sum.max(self.options.small_rows);
            sum += rows;
            small
        };
        let small = segments.iter().rev().take_while(is_small).count();
        self.merge(&segments[segments.len() - small..]).map(drop)
    }

    /// Merges some segments; does nothing when their ranges do not join.
    fn merge(&self, parts: &[Arc<Segment>]) -> Result<Compaction, CacheError> {
        let nothing = Compaction { merged: 0, rows: 0 };
        let partitions = self.log.partitions();
        let Some(plans) = (0..partitions)
            .map(|p| plan(parts, p))
            .collect::<Option<Vec<_>>>()
        else {
            return Ok(nothing);
        };
        if parts.len() < 2 {
            return Ok(nothing);
        }
        let number = self.next_number()?;
        let mut writer = SegmentWriter::create(&self.folder, number, partitions, self.options)?;
        let files = parts.iter().flat_map(|segment| &segment.manifest().files);
        let names: BTreeSet<&str> = files.map(|file| file.name.as_str()).collect();
        // File by file, so that only one month waits in memory.
        for name in names {
            for (partition, plan) in (0..).zip(&plans) {
                for (segment, range) in &plan.steps {
                    let copied = segment
                        .read_rows(partition, range, Some(name), &mut |row| writer.push(&row));
                    if let Err(CacheError::Damaged(damage)) = &copied {
                        self.give_up(segment, damage.clone());
                    }
                    copied?;
                }
            }
            writer.flush_all()?;
        }
        for (partition, plan) in (0..).zip(&plans) {
            for (segment, range) in &plan.steps {
                for dead in segment.dead_letters(partition, range.clone()) {
                    writer.dead_letter(dead.clone());
                }
            }
        }
        let marks = plans.iter().zip(0..).map(Plan::marks).collect();
        let ranges: Ranges = plans.into_iter().map(|plan| plan.whole).collect();
        let merged = self.add(writer.finish(self.log.topic_id(), ranges, marks)?);
        let old: Vec<_> = parts.iter().map(|segment| segment.number()).collect();
        self.remove(&old)?;
        Ok(Compaction {
            merged: old.len(),
            rows: merged.manifest().rows,
        })
    }
}

/// Which segment gives which offsets of a partition.
struct Plan<'a> {
    whole: Range<Offset>,
    steps: Vec<(&'a Arc<Segment>, Range<Offset>)>,
}

impl Plan<'_> {
    /// The marks of the whole range: the first and the last of those of its segments are its own.
    fn marks((plan, partition): (&Self, usize)) -> Vec<Mark> {
        let segments = plan.steps.iter().map(|(segment, _)| segment.manifest());
        content::joined(segments.flat_map(|manifest| &manifest.marks[partition]))
    }
}

/// The plan for all offsets of a partition that the segments hold; `None` when there is a gap.
fn plan(parts: &[Arc<Segment>], partition: u32) -> Option<Plan<'_>> {
    let ranges = || {
        parts
            .iter()
            .map(|segment| (segment, segment.range(partition)))
    };
    let start = ranges().map(|(_, range)| range.start).min()?;
    let end = ranges().map(|(_, range)| range.end).max()?;
    let mut steps = Vec::new();
    let mut next = start;
    while let Some((segment, range)) = farthest(ranges(), next) {
        next = range.end;
        steps.push((segment, range));
    }
    (next == end).then_some(Plan {
        whole: start..end,
        steps,
    })
}
