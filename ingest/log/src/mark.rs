//! What is derived from a log belongs to it by content: marks name a record by offset and digest, and
//! a log tells which marks a stretch of it holds now.
//!
//! A log that was cut, restored or written again has other records at the same offsets. Whoever keeps
//! something derived keeps marks beside it and compares them before it counts.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::{Duration, Instant};

use eip_contract::{Offset, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::LogError;
use crate::event_log::{EventLog, LogReader};
use crate::reader::RecordRef;

/// Marks listed of a stretch: one more than a caller expects shows that there are others.
const MOST: usize = 2;
/// Records of a partition that are remembered as its last.
const KEPT: usize = 4;
/// Records read at a time.
const PIECE: usize = 4096;
/// Stretches of a partition that are nearer than this are read in one go.
const NEAR: u64 = 1000;
/// How long all stretches together may take where records may take a while to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first 16 bytes of SHA-256 over all that a record says: offset, key, value, headers, and not when it
/// was appended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordDigest(pub u128);

impl fmt::Display for RecordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for RecordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not 32 lower-case hex digits.
#[derive(Debug, thiserror::Error)]
#[error("a record's digest is 32 lower-case hex digits")]
pub struct BadDigest;

impl FromStr for RecordDigest {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let digits = text.as_bytes().try_into().map_err(|_| BadDigest)?;
        hex::parse_32(digits).map(Self).ok_or(BadDigest)
    }
}

impl TryFrom<String> for RecordDigest {
    type Error = BadDigest;
    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

impl From<RecordDigest> for String {
    fn from(digest: RecordDigest) -> Self {
        digest.to_string()
    }
}

/// A record of a partition, by place and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Its position.
    pub offset: Offset,
    /// Its content.
    pub digest: RecordDigest,
}

impl Mark {
    /// The mark of a record.
    pub fn of(record: &RecordRef<'_>) -> Self {
        let mut bytes = Vec::new();
        write(record, &mut bytes);
        Self::of_bytes(record.offset, &bytes)
    }

    fn of_bytes(offset: Offset, bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        let half = hash[..16].try_into().expect("16 of 32 bytes");
        Self {
            offset,
            digest: RecordDigest(u128::from_be_bytes(half)),
        }
    }
}

/// Writes all that a record says, so that no two records have the same bytes.
#[inline]
fn write(record: &RecordRef<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&record.offset.0.to_le_bytes());
    let (run, parts) = (record.run, record.parts);
    for part in [
        record.key,
        record.value,
        run.map(str::as_bytes),
        parts.map(str::as_bytes),
        record
            .due_micros
            .map(i64::to_le_bytes)
            .as_ref()
            .map(<[u8; 8]>::as_slice),
    ] {
        // A part that is left out is no empty one.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(part.unwrap_or_default());
    }
}

/// The last records seen of each partition. A record costs a copy, a mark a hash.
#[derive(Debug)]
pub struct LastRecords(Vec<Last>);

#[derive(Clone, Debug, Default)]
struct Last {
    /// Where the last records are, as [`write`] gave them; the oldest is replaced next.
    kept: [(Offset, Vec<u8>); KEPT],
    seen: usize,
    /// Of a last record that was not seen.
    given: Option<Mark>,
}

impl LastRecords {
    /// Nothing seen of any of `partitions`.
    pub fn new(partitions: u32) -> Self {
        Self(vec![Last::default(); partitions as usize])
    }

    /// Takes the next record of its partition.
    #[inline]
    pub fn see(&mut self, record: &RecordRef<'_>) {
        let last = &mut self.0[record.partition as usize];
        let (offset, bytes) = &mut last.kept[last.seen % KEPT];
        *offset = record.offset;
        bytes.clear();
        write(record, bytes);
        last.seen += 1;
    }

    /// Takes a mark for the last record of a partition of which nothing was seen yet.
    pub fn set(&mut self, partition: u32, mark: Option<Mark>) {
        self.0[partition as usize].given = mark;
    }

    /// The last record of a partition; none when nothing was seen of it.
    pub fn mark(&self, partition: u32) -> Option<Mark> {
        let last = &self.0[partition as usize];
        last.marks(1).next().or(last.given)
    }

    /// The last records seen of a partition, some more than one: a record of few bytes comes back by
    /// chance, several in a row do not.
    pub fn marks(&self, partition: u32) -> impl Iterator<Item = Mark> {
        self.0[partition as usize].marks(KEPT)
    }
}

impl Last {
    /// Up to `most` marks, the last one first.
    fn marks(&self, most: usize) -> impl Iterator<Item = Mark> {
        let newest_first = (self.seen.saturating_sub(most)..self.seen).rev();
        newest_first.map(|place| {
            let (offset, bytes) = &self.kept[place % KEPT];
            Mark::of_bytes(*offset, bytes)
        })
    }
}

/// A range of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The partition.
    pub partition: u32,
    /// Its offsets.
    pub range: Range<Offset>,
}

/// What a log holds in a stretch: the marks of its first committed records, two at most, or nothing
/// when the log did not give them in time.
pub type Marks = Option<Vec<Mark>>;

/// Stretches that are read in one go, by their places among all.
pub(crate) type Round = Vec<usize>;

/// Stretches that lie near one another in each partition.
pub(crate) fn near_rounds(stretches: &[Stretch]) -> Vec<Round> {
    let mut order: Round = (0..stretches.len()).collect();
    order.sort_by_key(|&place| (stretches[place].partition, stretches[place].range.start));
    let mut rounds: Vec<Round> = Vec::new();
    // The round of the stretch before, and where its partition has been read to by then.
    let mut before: Option<(u32, usize, Offset)> = None;
    for place in order {
        let Stretch { partition, range } = &stretches[place];
        let (round, end) = match before {
            Some((last, round, end)) if last == *partition => {
                if range.start.0 <= end.0.saturating_add(NEAR) {
                    (round, end.max(range.end))
                } else {
                    (round + 1, range.end)
                }
            }
            _ => (0, range.end),
        };
        if round == rounds.len() {
            rounds.push(Round::new());
        }
        rounds[round].push(place);
        before = Some((*partition, round, end));
    }
    rounds
}

/// Reads `stretches` round by round.
pub(crate) fn read(
    log: &(impl EventLog + ?Sized),
    stretches: &[Stretch],
    rounds: &[Round],
) -> Result<Vec<Marks>, LogError> {
    let mut all = vec![None; stretches.len()];
    let begun = Instant::now();
    for round in rounds {
        let partitions = log.partitions() as usize;
        let mut from = vec![Offset(u64::MAX); partitions];
        let mut upto = vec![Offset(0); partitions];
        for Stretch { partition, range } in round.iter().map(|&place| &stretches[place]) {
            let partition = *partition as usize;
            from[partition] = from[partition].min(range.start);
            upto[partition] = upto[partition].max(range.end);
        }
        let chosen: Vec<u32> = (0..)
            .zip(&from)
            .filter(|(_, from)| from.0 < u64::MAX)
            .map(|(partition, _): (u32, _)| partition)
            .collect();
        let mut reader = log.reader(&chosen, &from)?;
        let reading = Reading::new(stretches, round, partitions);
        let mut in_time = true;
        for (place, marks) in reading.run(&mut *reader, &upto, begun)? {
            in_time &= marks.is_some();
            all[place] = marks;
        }
        if !in_time {
            break;
        }
    }
    Ok(all)
}

/// One round under way.
struct Reading<'a> {
    /// By partition.
    wanted: Vec<WantedOfPartition<'a>>,
}

#[derive(Default)]
struct WantedOfPartition<'a> {
    /// By their beginnings.
    all: Vec<Wanted<'a>>,
    /// So many of them are passed.
    done: usize,
}

struct Wanted<'a> {
    place: usize,
    range: &'a Range<Offset>,
    marks: Vec<Mark>,
}

impl<'a> Reading<'a> {
    fn new(stretches: &'a [Stretch], round: &Round, partitions: usize) -> Self {
        let mut wanted: Vec<WantedOfPartition<'_>> = Vec::new();
        wanted.resize_with(partitions, WantedOfPartition::default);
        for &place in round {
            let Stretch { partition, range } = &stretches[place];
            wanted[*partition as usize].all.push(Wanted {
                place,
                range,
                marks: Vec::new(),
            });
        }
        for of_partition in &mut wanted {
            of_partition.all.sort_by_key(|wanted| wanted.range.start);
        }
        Self { wanted }
    }

    fn run(
        mut self,
        reader: &mut dyn LogReader,
        upto: &[Offset],
        begun: Instant,
    ) -> Result<Vec<(usize, Marks)>, LogError> {
        let mut is_end = false;
        while !is_end && !self.is_complete(reader.positions()) {
            let wanted = &mut self.wanted;
            let read = reader.poll(upto, PIECE, &mut |record| {
                let wanted = &mut wanted[record.partition as usize];
                let passed = |wanted: &&Wanted<'_>| wanted.range.end <= record.offset;
                let done =
                    wanted.done + wanted.all[wanted.done..].iter().take_while(passed).count();
                wanted.done = done;
                for wanted in &mut wanted.all[done..] {
                    if wanted.range.start > record.offset {
                        break;
                    }
                    if wanted.range.contains(&record.offset) && wanted.marks.len() < MOST {
                        wanted.marks.push(Mark::of(&record));
                    }
                }
            })?;
            is_end = read == 0 && !reader.waits();
            if reader.waits() && begun.elapsed() > PATIENCE {
                break;
            }
        }
        let positions = reader.positions();
        let mut all = Vec::new();
        for (wanted, &position) in self.wanted.into_iter().zip(positions) {
            for wanted in wanted.all {
                let known = is_end || wanted.is_complete(position);
                all.push((wanted.place, known.then_some(wanted.marks)));
            }
        }
        Ok(all)
    }

    fn is_complete(&self, positions: &[Offset]) -> bool {
        let mut by_partition = self.wanted.iter().zip(positions);
        by_partition
            .all(|(wanted, &position)| wanted.all.iter().all(|one| one.is_complete(position)))
    }
}

impl Wanted<'_> {
    fn is_complete(&self, position: Offset) -> bool {
        self.marks.len() == MOST || position >= self.range.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RecordRef<'static> {
        RecordRef {
            partition: 1,
            offset: Offset(4),
            key: Some(b"ab"),
            value: Some(b"c"),
            run: Some("r/1"),
            parts: None,
            appended_ms: Some(9),
            due_micros: Some(7),
        }
    }

    #[test]
    fn a_mark_tells_records_apart_by_each_of_their_parts() {
        let one = record();
        let others = [
            RecordRef {
                offset: Offset(5),
                ..one
            },
            RecordRef {
                key: Some(b"a"),
                value: Some(b"bc"),
                ..one
            },
            RecordRef { key: None, ..one },
            RecordRef {
                key: Some(b""),
                ..one
            },
            RecordRef { value: None, ..one },
            RecordRef {
                run: Some("r/2"),
                ..one
            },
            RecordRef {
                run: None,
                parts: Some("r/1"),
                ..one
            },
            RecordRef {
                due_micros: None,
                ..one
            },
        ];
        let mut marks: Vec<_> = others.iter().map(Mark::of).collect();
        marks.push(Mark::of(&one));
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), others.len() + 1);
        let mut last = LastRecords::new(2);
        last.set(1, Some(Mark::of(&others[7])));
        assert_eq!(last.mark(1), Some(Mark::of(&others[7])));
        for record in others.iter().chain([&one]) {
            last.see(record);
        }
        assert_eq!((last.mark(0), last.mark(1)), (None, Some(Mark::of(&one))));
        let newest_first: Vec<_> = [&one].into_iter().chain(others.iter().rev()).collect();
        let four: Vec<_> = newest_first.into_iter().take(4).map(Mark::of).collect();
        assert_eq!(last.marks(1).collect::<Vec<_>>(), four);
        // An earlier program's marks stay good, and a copy of the record at another time is the same one.
        let undated = RecordRef {
            appended_ms: None,
            ..one
        };
        assert_eq!(Mark::of(&undated), Mark::of(&one));
        let text = serde_json::to_string(&Mark::of(&one)).unwrap();
        assert_eq!(serde_json::from_str::<Mark>(&text).unwrap(), Mark::of(&one));
    }

    #[test]
    fn stretches_that_are_near_are_read_together_and_others_after_one_another() {
        let stretch = |partition, from, to| Stretch {
            partition,
            range: Offset(from)..Offset(to),
        };
        let stretches = [
            stretch(0, 5000, 5001),
            stretch(0, 0, 1),
            stretch(1, 9, 10),
            stretch(0, 5001, 5002),
            stretch(1, 8, 9),
        ];
        assert_eq!(near_rounds(&stretches), [vec![1, 4, 2], vec![0, 3]]);
        assert!(near_rounds(&[]).is_empty());
    }
}
