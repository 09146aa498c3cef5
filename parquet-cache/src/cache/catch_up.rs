//! The log's new records → new segments.

use eip_contract::{DeadLetter, Offset, decode_record};
use eip_log::{LogReader, RecordRef};

use super::{Cache, Ranges};
use crate::content::Bounds;
use crate::coverage::Coverage;
use crate::error::CacheError;
use crate::manifest::DeadRecord;
use crate::row::CachedRow;
use crate::segment::SegmentWriter;

/// Most records taken from the log at a time.
const POLL: u64 = 1 << 16;

/// What a catch-up wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// Rows.
    pub rows: u64,
    /// Records that are no canonical events.
    pub dead_letters: u64,
    /// Segments.
    pub segments: u32,
    /// What the cache covers now.
    pub coverage: Coverage,
}

impl Cache {
    /// Mirrors the log's committed records from where the coverage ends up to `ends` (by partition;
    /// [`eip_log::committed_ends`] gives them, durable: the cache must never know more than the
    /// log). Where it covers all of that already, it writes nothing.
    ///
    /// Small segments that have piled up are merged. Fails with [`eip_log::LogError::Locked`] while another
    /// process writes the cache.
    pub fn catch_up(&mut self, ends: &[Offset]) -> Result<CatchUp, CacheError> {
        let lock = self.begin_change()?;
        let mut caught_up = self.append_segments(self.next_number()?, ends)?;
        match self.merge_small() {
            // A damaged segment was found, warned about and given up: what it held is mirrored anew,
            // and the next merge goes by that one.
            Err(CacheError::Damaged(_)) => {
                let again = self.append_segments(self.next_number()?, ends)?;
                caught_up.rows += again.rows;
                caught_up.dead_letters += again.dead_letters;
                caught_up.segments += again.segments;
                caught_up.coverage = again.coverage;
            }
            merged => merged?,
        }
        drop(lock);
        Ok(caught_up)
    }

    /// Removes every segment, also the ignored ones, and mirrors the log anew. Ended half way, it
    /// leaves a smaller cache.
    pub fn rebuild(&mut self, ends: &[Offset]) -> Result<CatchUp, CacheError> {
        let _lock = self.begin_change()?;
        // A number is never used again: another process may have the old segment of that name open.
        let first = self.next_number()?;
        self.remove(&self.numbers()?)?;
        self.append_segments(first, ends)
    }

    fn append_segments(&self, mut number: u64, ends: &[Offset]) -> Result<CatchUp, CacheError> {
        let mut position = self.coverage().ends().to_vec();
        let ends: Vec<_> = position
            .iter()
            .zip(ends)
            .map(|(&from, &end)| from.max(end))
            .collect();
        let (mut rows, mut dead_letters, mut segments) = (0, 0, 0);
        let partitions = self.log.partitions();
        let all: Vec<u32> = (0..partitions).collect();
        let mut reader = self.log.reader(&all, &position)?;
        while position.iter().zip(&ends).any(|(from, end)| from < end) {
            let mut writer = SegmentWriter::create(&self.folder, number, partitions, self.options)?;
            let mut bounds = Bounds::new(partitions);
            fill(&mut writer, &mut bounds, &mut *reader, &ends)?;
            // The reader also passes over aborted offsets beyond `ends`, which nobody said are
            // durable: after a loss of power the log might use them for other records.
            let reached: Vec<_> = reader
                .positions()
                .iter()
                .zip(&ends)
                .map(|(&to, &end)| to.min(end))
                .collect();
            if reached == position {
                // `ends` lie beyond what the log has: nothing to cover.
                break;
            }
            let ranges: Ranges = position
                .iter()
                .zip(&reached)
                .map(|(&from, &to)| from..to)
                .collect();
            let segment = self.add(writer.finish(self.log.topic_id(), ranges, bounds.marks())?);
            rows += segment.manifest().rows;
            dead_letters += segment.manifest().dead_letters.len() as u64;
            segments += 1;
            number += 1;
            position = reached;
        }
        Ok(CatchUp {
            rows,
            dead_letters,
            segments,
            coverage: self.coverage(),
        })
    }
}

/// Takes records until the segment is full or the log has no more below `ends`.
fn fill(
    writer: &mut SegmentWriter,
    bounds: &mut Bounds,
    reader: &mut dyn LogReader,
    ends: &[Offset],
) -> Result<(), CacheError> {
    let partitions = ends.len() as u32;
    while writer.room() > 0 {
        let most = writer.room().min(POLL) as usize;
        let mut taken = Ok(());
        let records = reader.poll_patiently(ends, most, &mut |record| {
            if taken.is_ok() {
                bounds.see(&record);
                taken = take(writer, partitions, &record);
            }
        })?;
        taken?;
        if records == 0 {
            break;
        }
    }
    Ok(())
}

#[inline]
fn take(
    writer: &mut SegmentWriter,
    partitions: u32,
    record: &RecordRef<'_>,
) -> Result<(), CacheError> {
    match decode_record(partitions, record.partition, record.key, record.value) {
        Ok(change) => writer.push(&CachedRow {
            partition: record.partition,
            offset: record.offset,
            change,
            run: record.run,
            parts: record.parts,
            appended_ms: record.appended_ms,
            due_micros: record.due_micros,
        }),
        Err(reason) => {
            writer.dead_letter(dead_record(record.partition, record.offset, &reason));
            Ok(())
        }
    }
}

/// A dead letter as the cache keeps it.
pub(crate) fn dead_record(partition: u32, offset: Offset, reason: &DeadLetter) -> DeadRecord {
    DeadRecord {
        partition,
        offset,
        code: reason.code().to_owned(),
        reason: reason.to_string(),
    }
}
