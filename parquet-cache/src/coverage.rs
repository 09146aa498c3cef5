//! Which offsets the segments cover, and which segment serves which of them.

use std::ops::Range;

use eip_contract::Offset;

/// Per partition, how far the cache mirrors the log from its beginning without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    ends: Vec<Offset>,
}

impl Coverage {
    /// Of `ends`, by partition.
    pub(crate) fn new(ends: Vec<Offset>) -> Self {
        Self { ends }
    }

    /// The first offset of a partition that is not covered.
    pub fn next(&self, partition: u32) -> Offset {
        self.ends[partition as usize]
    }

    /// The first offset that is not covered, by partition.
    pub fn ends(&self) -> &[Offset] {
        &self.ends
    }

    /// Whether all offsets below `ends` are covered.
    pub fn reaches(&self, ends: &[Offset]) -> bool {
        self.ends
            .iter()
            .zip(ends)
            .all(|(covered, end)| covered >= end)
    }
}

/// The range to read next at `next`: of all that hold it the one that reaches farthest, the later
/// one among equals (the earlier may have been found wanting when the later was written).
pub(crate) fn farthest<T>(
    candidates: impl IntoIterator<Item = (T, Range<Offset>)>,
    next: Offset,
) -> Option<(T, Range<Offset>)> {
    candidates
        .into_iter()
        .filter(|(_, range)| range.contains(&next))
        .max_by_key(|(_, range)| range.end)
        .map(|(candidate, range)| (candidate, next..range.end))
}

/// Where a walk along `ranges` from `next` on ends.
pub(crate) fn reach(ranges: &[Range<Offset>], mut next: Offset) -> Offset {
    while let Some(((), range)) = farthest(ranges.iter().map(|range| ((), range.clone())), next) {
        next = range.end;
    }
    next
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range((from, to): (u64, u64)) -> Range<Offset> {
        Offset(from)..Offset(to)
    }

    proptest! {
        #[test]
        fn the_walk_ends_before_the_first_gap_and_meets_each_offset_once(
            ranges in prop::collection::vec((0..20_u64, 0..8_u64), 0..8),
        ) {
            let ranges: Vec<_> = ranges.iter().map(|&(from, n)| range((from, from + n))).collect();
            let first_gap = (0..40)
                .map(Offset)
                .find(|offset| !ranges.iter().any(|range| range.contains(offset)))
                .unwrap();
            prop_assert_eq!(reach(&ranges, Offset(0)), first_gap);

            let mut met = Vec::new();
            let mut next = Offset(0);
            let named = || ranges.iter().cloned().enumerate();
            while let Some((which, part)) = farthest(named(), next) {
                prop_assert!(ranges[which].start <= part.start && part.end == ranges[which].end);
                met.extend(part.start.0..part.end.0);
                next = part.end;
            }
            prop_assert_eq!(met, (0..first_gap.0).collect::<Vec<_>>());
        }
    }
}
