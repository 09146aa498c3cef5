//! Whether a segment mirrors the records that the log has now.
//!
//! Offsets do not tell: a log that was cut and grew again has other records at the same offsets. So a
//! segment keeps marks of the first and the last records of each partition's range, and they are
//! compared with the log's own records. The log is read from the range's start to the first mark and
//! from the last mark to the range's end, so offsets that no committed record had are compared too.

use eip_contract::Offset;
use eip_log::{EventLog, LastRecords, Mark, RecordRef, Stretch};

use crate::error::Damage;
use crate::segment::Segment;

/// Most marks that a segment keeps of a partition. Each costs a place in the log to read.
const MOST: usize = 8;
/// How many of them are the last ones.
const LAST: usize = 4;

/// The first and the last records of each partition, while a segment is written.
pub(crate) struct Bounds {
    first: Vec<Option<Mark>>,
    last: LastRecords,
}

impl Bounds {
    pub(crate) fn new(partitions: u32) -> Self {
        Self {
            first: vec![None; partitions as usize],
            last: LastRecords::new(partitions),
        }
    }

    /// Takes the next record of its partition.
    #[inline]
    pub(crate) fn see(&mut self, record: &RecordRef<'_>) {
        let first = &mut self.first[record.partition as usize];
        if first.is_none() {
            *first = Some(Mark::of(record));
        }
        self.last.see(record);
    }

    /// The marks by partition.
    pub(crate) fn marks(self) -> Vec<Vec<Mark>> {
        let by_partition = (0..).zip(self.first);
        let marks = by_partition.map(|(partition, first)| {
            let last: Vec<_> = self.last.marks(partition).collect();
            joined(first.iter().chain(&last))
        });
        marks.collect()
    }
}

/// Marks of one partition in order. Of many the first, the last ones and some between are kept.
pub(crate) fn joined<'a>(marks: impl Iterator<Item = &'a Mark>) -> Vec<Mark> {
    let mut all: Vec<Mark> = marks.copied().collect();
    all.sort_unstable();
    all.dedup();
    if all.len() <= MOST {
        return all;
    }
    // The last ones as they are: what was cut off the log's end is seen there first.
    let (early, late) = all.split_at(all.len() - LAST);
    let spread = MOST - LAST;
    let early = (0..spread).map(|place| early[place * (early.len() - 1) / (spread - 1)]);
    early.chain(late.iter().copied()).collect()
}

/// Part of a segment's range, and what the log must hold there.
struct Expected {
    /// Which segment.
    segment: usize,
    marks: Vec<Mark>,
}

/// Compares segments with the log, and says of each what is wrong with it.
pub(crate) fn check(log: &dyn EventLog, segments: &[&Segment]) -> Vec<Result<(), Damage>> {
    let mut verdicts: Vec<_> = segments.iter().map(|_| Ok(())).collect();
    let (mut stretches, mut expected) = (Vec::new(), Vec::new());
    for (place, segment) in segments.iter().enumerate() {
        for (partition, marks) in (0..).zip(&segment.manifest().marks) {
            for (stretch, marks) in stretches_of(segment, partition, marks) {
                stretches.push(stretch);
                expected.push(Expected {
                    segment: place,
                    marks,
                });
            }
        }
    }
    if stretches.is_empty() {
        return verdicts;
    }
    let found = match log.marks(&stretches) {
        Ok(found) => found,
        Err(error) => {
            let what = format!("cannot be compared with the log: {error}");
            for (verdict, segment) in verdicts.iter_mut().zip(segments) {
                *verdict = Err(Damage::unchecked(segment.folder(), what.clone()));
            }
            return verdicts;
        }
    };
    for ((stretch, expected), found) in stretches.iter().zip(expected).zip(found) {
        let verdict = &mut verdicts[expected.segment];
        let folder = segments[expected.segment].folder();
        match found {
            Some(found) if found == expected.marks => {}
            Some(_) => {
                let Stretch { partition, range } = stretch;
                let at = expected
                    .marks
                    .first()
                    .map_or(range.start, |mark| mark.offset);
                let what = format!(
                    "mirrors other records of partition {partition} than the log has at offset {at}: \
                     the log was cut, restored or written again"
                );
                *verdict = Err(Damage::stale(folder, what));
            }
            None if verdict.is_ok() => {
                let what = "cannot be compared with the log, which gave no records in time";
                *verdict = Err(Damage::unchecked(folder, what));
            }
            None => {}
        }
    }
    verdicts
}

/// The stretches of a partition's range that show whether it is the log's.
fn stretches_of(segment: &Segment, partition: u32, marks: &[Mark]) -> Vec<(Stretch, Vec<Mark>)> {
    let range = segment.range(partition);
    if range.is_empty() {
        return Vec::new();
    }
    let stretch = |from, to, marks: &[Mark]| {
        let range = from..to;
        (Stretch { partition, range }, marks.to_vec())
    };
    let behind = |mark: &Mark| Offset(mark.offset.0 + 1);
    match marks {
        [] => vec![stretch(range.start, range.end, &[])],
        [only] => vec![stretch(range.start, range.end, &[*only])],
        [first, between @ .., last] => {
            let mut stretches = vec![stretch(range.start, behind(first), &[*first])];
            stretches.extend(
                between
                    .iter()
                    .map(|mark| stretch(mark.offset, behind(mark), &[*mark])),
            );
            stretches.push(stretch(last.offset, range.end, &[*last]));
            stretches
        }
    }
}

#[cfg(test)]
mod tests {
    use eip_log::RecordDigest;

    use super::*;

    #[test]
    fn joined_marks_keep_the_first_and_the_last() {
        let mark = |offset| Mark {
            offset: Offset(offset),
            digest: RecordDigest(0),
        };
        for count in [0, 1, 2, 8, 9, 100] {
            let marks: Vec<_> = (0..count).map(mark).collect();
            let twice = marks.iter().rev().chain(&marks);
            let kept = joined(twice);
            assert!(kept.is_sorted() && kept.len() <= MOST);
            assert_eq!(kept.first(), marks.first());
            assert!(marks.ends_with(&kept[kept.len().saturating_sub(4)..]));
        }
    }
}
