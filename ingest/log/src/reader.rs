//! Reading records: committed ones, of chosen partitions, in offset order in each.
//!
//! A transaction is looked through to its end before any of its records is handed over. A reader
//! that was told not to go beyond an offset of one partition may have to go on for another: it
//! then remembers where it passed the first record over, and comes back to it at the next call.

use eip_contract::Offset;

use crate::error::LogError;
use crate::files::{self, Header};
use crate::line::{Kind, Scratch, Switch, body, record_head};
use crate::state::StateDir;
use crate::tail::{Place, Tail};

mod block;

use block::{End, LookAhead};

/// A record as it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its partition.
    pub partition: u32,
    /// Its position there.
    pub offset: Offset,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value, byte for byte as it was appended; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The attempt that wrote it ([`crate::RunTag::parse`]).
    pub run: Option<&'a str>,
    /// How many records its transaction has per partition ([`crate::parse_parts`]).
    pub parts: Option<&'a str>,
    /// When it was appended, in milliseconds since the epoch by its writer's clock; not part of what it
    /// says. `None` in a journal of format 1.
    pub appended_ms: Option<i64>,
    /// When it was due, in microseconds since the epoch.
    pub due_micros: Option<i64>,
}

/// Follows a log from given positions on.
pub struct JournalReader {
    state: StateDir,
    chosen: Vec<bool>,
    positions: Vec<Offset>,
    tail: Option<Tail>,
    first_file: u64,
    /// The next offset of each partition in the journal, chosen or not, handed over or not.
    next: Vec<u64>,
    /// Whether the tail is inside of a block, one that is known to be committed.
    inside: bool,
    look_ahead: Option<LookAhead>,
    /// Where to take up again what was passed over.
    passed_over: Option<Mark>,
    scratch: Scratch,
}

/// A place to come back to.
struct Mark {
    place: Place,
    next: Vec<u64>,
    inside: bool,
}

/// What to do with a line.
enum Step {
    Consume,
    Stop,
    /// Nothing between here and this place of the file is for anybody.
    SkipTo(u64),
}

impl JournalReader {
    /// Opens a log to read `partitions`, each from its place in `from`, which has one for every
    /// partition of the log. Reading begins in the last file that holds all of these.
    pub fn open(
        state: &StateDir,
        partitions: Vec<u32>,
        from: Vec<Offset>,
    ) -> Result<Self, LogError> {
        let count = state.partitions() as usize;
        if from.len() != count {
            let what = format!("{} positions for {count} partitions", from.len());
            return Err(LogError::BadPartitions(what));
        }
        let mut chosen = vec![false; count];
        for partition in partitions {
            *chosen.get_mut(partition as usize).ok_or_else(|| {
                LogError::BadPartitions(format!("there is no partition {partition} of {count}"))
            })? = true;
        }
        let mut first_file = files::last(state)?.max(1);
        while first_file > 1 {
            let begins_before = |header: Header| {
                let mut pairs = header.next.iter().zip(&from).zip(&chosen);
                pairs.all(|((next, from), &chosen)| !chosen || *next <= from.0)
            };
            if Header::read(state, first_file)?.is_some_and(begins_before) {
                break;
            }
            first_file -= 1;
        }
        Ok(Self {
            state: state.clone(),
            chosen,
            positions: from,
            tail: None,
            first_file,
            next: Vec::new(),
            inside: false,
            look_ahead: None,
            passed_over: None,
            scratch: Scratch::default(),
        })
    }

    /// The next offset of each partition; of one that was not chosen, as it was given. It passes
    /// over offsets that no committed record has.
    pub fn positions(&self) -> &[Offset] {
        &self.positions
    }

    /// Hands over what is there and was not yet, at most `max_records`, of each partition only what
    /// lies before its offset in `upto`. Gives the number of records; 0: nothing new for now.
    pub fn poll(
        &mut self,
        upto: Option<&[Offset]>,
        max_records: usize,
        f: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError> {
        assert!(
            upto.is_none_or(|upto| upto.len() == self.chosen.len()),
            "upto has an offset for every partition"
        );
        if max_records == 0 {
            return Ok(0);
        }
        let Some(mut tail) = self.take_tail()? else {
            return Ok(0);
        };
        let result = self.read(&mut tail, upto, max_records, f);
        // A file that a crash left without a header is replaced by another of its name.
        if !self.next.is_empty() {
            self.tail = Some(tail);
        }
        result
    }

    /// The tail at the place where to go on.
    fn take_tail(&mut self) -> Result<Option<Tail>, LogError> {
        let mut tail = self.tail.take();
        if let Some(Mark {
            place,
            next,
            inside,
        }) = self.passed_over.take()
        {
            match &mut tail {
                Some(tail) if tail.place().file == place.file => tail.seek(place.byte),
                _ => tail = Tail::open(&self.state, place)?,
            }
            self.next = next;
            self.inside = inside;
            self.look_ahead = None;
        }
        match tail {
            Some(tail) => Ok(Some(tail)),
            None => Tail::open(
                &self.state,
                Place {
                    file: self.first_file,
                    byte: 0,
                },
            ),
        }
    }

    fn read(
        &mut self,
        tail: &mut Tail,
        upto: Option<&[Offset]>,
        max_records: usize,
        f: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError> {
        let mut count = 0;
        while let Some(range) = tail.peek_across(&self.state)? {
            let line = tail.line(&range);
            if Kind::of(line) != Kind::Record {
                match self.take_mark(tail, line)? {
                    Step::Consume => tail.consume(&range),
                    Step::SkipTo(byte) => tail.seek(byte),
                    Step::Stop => break,
                }
                continue;
            }
            let head = record_head(line).filter(|(p, ..)| (*p as usize) < self.next.len());
            let Some((partition, offset, at)) = head else {
                return Err(tail.corrupt("no record of a partition of this log"));
            };
            let place = partition as usize;
            if offset != self.next[place] {
                let what = format!(
                    "partition {partition} goes from offset {} to {offset}",
                    self.next[place]
                );
                return Err(tail.corrupt(what));
            }
            if self.chosen[place] && offset >= self.positions[place].0 {
                if upto.is_some_and(|upto| offset >= upto[place].0) {
                    if !self.wants_more(upto.expect("it has an offset")) {
                        break;
                    }
                    self.pass_over(tail.place());
                } else {
                    if count == max_records {
                        break;
                    }
                    let Some(body) = body(line, at, &mut self.scratch) else {
                        return Err(tail.corrupt("a record that is not laid out as one"));
                    };
                    f(RecordRef {
                        partition,
                        offset: Offset(offset),
                        key: body.key,
                        value: body.value,
                        run: body.run,
                        parts: body.parts,
                        appended_ms: body.appended_ms,
                        due_micros: body.due_micros,
                    });
                    count += 1;
                    self.positions[place] = Offset(offset + 1);
                }
            }
            self.next[place] = offset + 1;
            tail.consume(&range);
        }
        Ok(count)
    }

    /// Whether a chosen partition is not yet where it may go.
    fn wants_more(&self, upto: &[Offset]) -> bool {
        let mut partitions = self.chosen.iter().zip(&self.positions).zip(upto);
        partitions.any(|((&chosen, position), upto)| chosen && position < upto)
    }

    fn pass_over(&mut self, place: Place) {
        let (next, inside) = (&self.next, self.inside);
        self.passed_over.get_or_insert_with(|| Mark {
            place,
            next: next.clone(),
            inside,
        });
    }

    /// Takes a line that is no record.
    fn take_mark(&mut self, tail: &Tail, line: &[u8]) -> Result<Step, LogError> {
        let kind = Kind::of(line);
        let place = tail.place();
        if (place.byte == 0) != (kind == Kind::Header) {
            return Err(tail.corrupt("a header belongs to a file's beginning, and only there"));
        }
        match kind {
            Kind::Header => {
                let header = Header::parse(line, &self.state, place.file)?;
                if !self.next.is_empty() && header.next != self.next {
                    let what = format!("offsets {:?} after {:?}", header.next, self.next);
                    return Err(tail.corrupt(what));
                }
                self.go_to(header.next);
            }
            Kind::Begin if !self.inside => match self.look_ahead(place)? {
                End::Open => return Ok(Step::Stop),
                End::Committed => self.inside = true,
                End::Aborted { byte, next } => {
                    self.go_to(next);
                    return Ok(Step::SkipTo(byte));
                }
            },
            Kind::Commit if self.inside => {
                let switch: Switch = serde_json::from_slice(line)
                    .map_err(|error| tail.corrupt(error.to_string()))?;
                if switch.next != self.next {
                    let what = format!("offsets {:?} after {:?}", switch.next, self.next);
                    return Err(tail.corrupt(what));
                }
                self.inside = false;
            }
            Kind::Ledger => {}
            _ => return Err(tail.corrupt("a line that does not belong here")),
        }
        Ok(Step::Consume)
    }

    /// Behind offsets that no committed record has. A partition with a record that waits for a
    /// later call stays where it is.
    fn go_to(&mut self, next: Vec<u64>) {
        for (partition, position) in self.positions.iter_mut().enumerate() {
            let nothing_waits = self
                .next
                .get(partition)
                .is_none_or(|next| position.0 >= *next);
            if self.chosen[partition] && nothing_waits && position.0 < next[partition] {
                *position = Offset(next[partition]);
            }
        }
        self.next = next;
    }

    /// How the block that begins at `place` ends.
    fn look_ahead(&mut self, place: Place) -> Result<End, LogError> {
        let mut look_ahead = match self.look_ahead.take() {
            Some(look_ahead) if look_ahead.begin() == place => look_ahead,
            _ => LookAhead::open(&self.state, place)?,
        };
        let end = look_ahead.advance(&self.state)?;
        if matches!(end, End::Open) {
            self.look_ahead = Some(look_ahead);
        }
        Ok(end)
    }
}
