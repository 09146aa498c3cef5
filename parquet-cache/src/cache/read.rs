//! Rows out of all segments: each (partition, offset) from one of them, up to the first gap.

use std::ops::Range;

use eip_contract::{Offset, PackedChange, Packer};
use eip_log::Mark;

use super::Cache;
use crate::coverage::farthest;
use crate::error::{CacheError, Damage};
use crate::manifest::DeadRecord;
use crate::row::CachedRow;
use crate::segment::{PackedSink, Segment};

/// Takes packed rows of a partition, up to 1,024 at a time.
pub type TakePacked<'a> = dyn FnMut(u32, &[(Offset, PackedChange)]) + 'a;

/// Reads a part of a segment.
type ReadPart<'a> = dyn FnMut(&Segment, Range<Offset>) -> Result<(), Damage> + 'a;

/// What [`Cache::read_packed`] gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hydrated {
    /// By partition, where to go on in the log; 0 for those that were not asked for.
    pub next: Vec<Offset>,
    /// By partition, the mark of the last record below `next`; none where there is no record.
    pub last: Vec<Option<Mark>>,
    /// Rows handed over.
    pub rows: u64,
    /// The dead letters of the asked partitions below `next`.
    pub dead_letters: Vec<DeadRecord>,
}

impl Cache {
    /// Hands over all that the cache covers of some partitions, packed, as `(partition, rows)` with
    /// at most 1,024 rows at a time; the log has the rest, from [`Hydrated::next`] on.
    ///
    /// Rows of one partition come month by month, so not in the order of their offsets; the fold
    /// of an order's facts goes by offset. Each row was checked before it is handed over, so it is
    /// always what the log says. When a file proves damaged half way, its segment is given up with a
    /// warning and `next` is where that began: the log then gives some of the rows again, which
    /// count once, as they do in [`eip_contract::OrderFacts`].
    ///
    /// ```no_run
    /// # fn hydrate(log: &eip_log::Log) -> Result<(), Box<dyn std::error::Error>> {
    /// # let dictionary = std::sync::Arc::default();
    /// let cache = eip_parquet_cache::Cache::open(log)?;
    /// let mut packer = eip_contract::Packer::new(dictionary);
    /// let mine = [0, 2];
    /// let hydrated = cache.read_packed(&mine, &mut packer, &mut |partition, rows| {
    ///     println!("{} rows of partition {partition}", rows.len());
    /// })?;
    /// let tail = log.reader(&mine, &hydrated.next)?;
    /// # Ok(()) }
    /// ```
    pub fn read_packed(
        &self,
        partitions: &[u32],
        packer: &mut Packer,
        give: &mut TakePacked<'_>,
    ) -> Result<Hydrated, CacheError> {
        let mut next = vec![Offset(0); self.log.partitions() as usize];
        let mut sink = PackedSink {
            packer,
            batch: Vec::new(),
            rows: 0,
            dead_letters: Vec::new(),
            give,
        };
        let mut last = vec![None; next.len()];
        for &partition in partitions {
            let last = &mut last[partition as usize];
            let all = Offset(0)..Offset(u64::MAX);
            let reached = self.walk(partition, all, &mut |segment, range| {
                let before = sink.dead_letters.len();
                let read = segment.read_packed(partition, &range, &mut sink);
                match &read {
                    Ok(()) => {
                        let marks = &segment.manifest().marks[partition as usize];
                        *last = (*last).max(marks.last().copied());
                        sink.dead_letters
                            .extend(segment.dead_letters(partition, range).cloned());
                    }
                    Err(_) => sink.dead_letters.truncate(before),
                }
                read
            })?;
            next[partition as usize] = reached;
        }
        let PackedSink {
            rows,
            mut dead_letters,
            ..
        } = sink;
        dead_letters.sort_unstable();
        Ok(Hydrated {
            next,
            last,
            rows,
            dead_letters,
        })
    }

    /// Hands over the rows of a partition's range with all their columns, up to the first offset
    /// that the cache does not cover, which it returns. In no order, each checked first; after
    /// damage some rows may come twice or belong behind the returned offset.
    pub fn read_rows(
        &self,
        partition: u32,
        range: Range<Offset>,
        give: &mut dyn FnMut(CachedRow<'_>),
    ) -> Result<Offset, CacheError> {
        self.walk(partition, range, &mut |segment, range| {
            segment.read_rows(partition, &range, None, &mut |row| {
                give(row);
                Ok::<(), Damage>(())
            })
        })
    }

    /// Reads a partition's range segment by segment and tells how far it came. A segment that proves
    /// damaged is given up, and another that holds the same offsets is tried.
    pub(super) fn walk(
        &self,
        partition: u32,
        range: Range<Offset>,
        read: &mut ReadPart<'_>,
    ) -> Result<Offset, CacheError> {
        let partitions = self.log.partitions();
        if partition >= partitions {
            return Err(CacheError::NoPartition {
                partition,
                partitions,
            });
        }
        let mut next = range.start;
        while next < range.end {
            let usable = self.usable();
            let candidates = usable
                .iter()
                .map(|segment| (segment, segment.range(partition)));
            let Some((segment, found)) = farthest(candidates, next) else {
                break;
            };
            let part = found.start..found.end.min(range.end);
            match read(segment, part.clone()) {
                Ok(()) => next = part.end,
                Err(damage) => self.give_up(segment, damage),
            }
        }
        Ok(next)
    }
}
