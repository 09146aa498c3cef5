//! Random histories of a log equal a plain model of it.

use std::fs;
use std::io::Write as _;

use eip_contract::Offset;
use eip_log::{
    EndsWatcher, JournalReader, JournalWriter, LedgerEntry, LedgerReader, NewRecord, RunKind,
    RunState, StateDir, committed_ends,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::*;

const PARTITIONS: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Append {
        partition: u32,
        key: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    },
    Entry,
    Sync,
    Begin,
    Commit,
    Abort,
    /// The process ends, perhaps in the middle of a line.
    Kill {
        torn: Vec<u8>,
    },
    /// The machine ends: of what was not synced only a part remains.
    PowerLoss {
        kept: Index,
    },
    Poll {
        reader: usize,
        most: usize,
        upto: Option<Vec<u64>>,
    },
    NewReader {
        partitions: Vec<bool>,
        from: Vec<Index>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || {
        prop::option::of(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..30),
            "[a-z\"\\\\]{0,8}".prop_map(String::into_bytes),
            (0..99_u32).prop_map(|n| format!("{{\"n\":{n}}}").into_bytes()),
        ])
    };
    let upto = prop::option::of(prop::collection::vec(0..20_u64, PARTITIONS as usize));
    prop_oneof![
        30 => (0..PARTITIONS, bytes(), bytes())
            .prop_map(|(partition, key, value)| Step::Append { partition, key, value }),
        2 => Just(Step::Entry),
        6 => Just(Step::Sync),
        5 => Just(Step::Begin),
        4 => Just(Step::Commit),
        2 => Just(Step::Abort),
        3 => prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..40)]
            .prop_map(|torn| Step::Kill { torn }),
        2 => any::<Index>().prop_map(|kept| Step::PowerLoss { kept }),
        15 => (0..4_usize, 0..6_usize, upto)
            .prop_map(|(reader, most, upto)| Step::Poll { reader, most, upto }),
        4 => (
            prop::collection::vec(any::<bool>(), PARTITIONS as usize),
            prop::collection::vec(any::<Index>(), PARTITIONS as usize),
        )
            .prop_map(|(partitions, from)| Step::NewReader { partitions, from }),
    ]
}

/// A reader and what it has to have handed over by now.
struct Follower {
    reader: JournalReader,
    chosen: Vec<bool>,
    from: Vec<u64>,
    got: Vec<Record>,
}

struct History {
    state: StateDir,
    writer: Option<JournalWriter>,
    watcher: EndsWatcher,
    ledger: LedgerReader,
    entries: Vec<LedgerEntry>,
    followers: Vec<Follower>,
    /// Records and entries that count, synced or not, by the order of appending.
    records: Vec<Record>,
    appended_entries: Vec<LedgerEntry>,
    /// How many of them were acknowledged.
    acknowledged: (usize, usize),
    /// Bytes of the last file that are on the disk, and which file that was.
    synced: (usize, u64),
    /// Where the partitions would go on if nothing is lost.
    next: Vec<u64>,
    ends: Vec<u64>,
    block: Option<Vec<Record>>,
}

impl History {
    fn new(state: &StateDir) -> Self {
        let none = vec![0; PARTITIONS as usize];
        let mut history = Self {
            state: state.clone(),
            writer: None,
            watcher: EndsWatcher::open(state).unwrap(),
            ledger: LedgerReader::open(state).unwrap(),
            entries: Vec::new(),
            followers: Vec::new(),
            records: Vec::new(),
            appended_entries: Vec::new(),
            acknowledged: (0, 0),
            synced: (0, 0),
            next: none.clone(),
            ends: none,
            block: None,
        };
        history.reopen();
        history
    }

    fn writer(&mut self) -> &mut JournalWriter {
        self.writer.as_mut().expect("open between steps")
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append {
                partition,
                key,
                value,
            } => self.append(partition, key, value),
            Step::Entry if self.block.is_none() => {
                let at = self.appended_entries.len();
                let entry = LedgerEntry::new(
                    &tag(&format!("r{at}")),
                    RunKind::Rows,
                    RunState::Committed,
                    at as i64,
                );
                assert_eq!(self.writer().append_ledger(&entry).unwrap(), at as u64);
                self.appended_entries.push(entry);
            }
            Step::Sync => {
                self.writer().sync().unwrap();
                self.acknowledge();
            }
            Step::Begin if self.block.is_none() => {
                self.writer().begin(&tag("w"), &[]).unwrap();
                self.block = Some(Vec::new());
            }
            Step::Commit if self.block.is_some() => {
                let entry = committed("w");
                let ends = self.writer().commit(&entry).unwrap();
                self.ends.clone_from(&self.next);
                self.records.extend(self.block.take().unwrap());
                self.appended_entries.push(LedgerEntry {
                    ends: Some(ends),
                    ..entry
                });
                self.acknowledge();
            }
            Step::Abort if self.block.is_some() => {
                self.writer().abort().unwrap();
                self.block = None;
                self.ends.clone_from(&self.next);
            }
            Step::Entry | Step::Begin | Step::Commit | Step::Abort => {}
            Step::Kill { torn } => {
                self.writer = None;
                let path = files(&self.state).pop().unwrap();
                let mut file = fs::File::options().append(true).open(path).unwrap();
                file.write_all(&torn).unwrap();
                self.poll(0, 2, None);
                self.reopen();
            }
            Step::PowerLoss { kept } => self.lose_power(kept),
            Step::Poll { reader, most, upto } => {
                let upto = upto.map(|upto| upto.into_iter().map(Offset).collect::<Vec<_>>());
                self.poll(reader, most, upto.as_deref());
            }
            Step::NewReader { partitions, from } => self.follow(partitions, &from),
        }
        let ends: Vec<u64> = self.writer().ends().iter().map(|end| end.0).collect();
        assert_eq!(ends, self.ends);
    }

    fn append(&mut self, partition: u32, key: Option<Vec<u8>>, value: Option<Vec<u8>>) {
        let record = NewRecord {
            key: key.as_deref(),
            value: value.as_deref(),
            partition: Some(partition),
            ..NewRecord::default()
        };
        let at = self.writer().append(None, record).unwrap();
        assert_eq!(at, (partition, Offset(self.next[partition as usize])));
        self.next[partition as usize] += 1;
        let in_block = self.block.is_some();
        let record = Record {
            partition,
            offset: at.1.0,
            key,
            value,
            run: in_block.then(|| "w/1".into()),
            parts: None,
            due_micros: None,
        };
        self.block
            .as_mut()
            .unwrap_or(&mut self.records)
            .push(record);
        if !in_block {
            self.ends.clone_from(&self.next);
        }
    }

    fn lose_power(&mut self, kept: Index) {
        self.writer = None;
        let path = files(&self.state).pop().unwrap();
        let length = fs::metadata(&path).unwrap().len();
        // A file is synced before the next begins, its header before it is there.
        let header = memchr::memchr(b'\n', &fs::read(&path).unwrap()).unwrap() as u64 + 1;
        let in_this = self.synced.0 == files(&self.state).len();
        let synced = if in_this { self.synced.1 } else { header };
        let kept = synced + kept.index((length - synced) as usize + 1) as u64;
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(kept)
            .unwrap();
        // Readers end with the machine; what they saw may be gone.
        self.followers.clear();
        self.watcher = EndsWatcher::open(&self.state).unwrap();
        self.ledger = LedgerReader::open(&self.state).unwrap();
        self.entries.clear();
        self.reopen();
    }

    fn follow(&mut self, chosen: Vec<bool>, from: &[Index]) {
        let from: Vec<u64> = from
            .iter()
            .zip(&self.ends)
            .map(|(from, end)| from.index(*end as usize + 2) as u64)
            .collect();
        let numbers = (0..PARTITIONS).filter(|&p| chosen[p as usize]).collect();
        let offsets = from.iter().copied().map(Offset).collect();
        let reader = JournalReader::open(&self.state, numbers, offsets).unwrap();
        self.followers.truncate(3);
        self.followers.insert(
            0,
            Follower {
                reader,
                chosen,
                from,
                got: vec![],
            },
        );
    }

    /// All that was appended is on the disk.
    fn acknowledge(&mut self) {
        self.acknowledged = (self.records.len(), self.appended_entries.len());
        let files = files(&self.state);
        self.synced = (
            files.len(),
            fs::metadata(files.last().unwrap()).unwrap().len(),
        );
    }

    /// A new writer; what remains is a beginning of what was appended, with all acknowledged.
    fn reopen(&mut self) {
        self.writer = Some(open_small(&self.state));
        let (records, ends, entries) = read_naively(&self.state);
        assert!(records.len() >= self.acknowledged.0 && entries.len() >= self.acknowledged.1);
        assert_eq!(records, self.records[..records.len()]);
        assert_eq!(entries, self.appended_entries[..entries.len()]);
        assert!(ends.iter().zip(&self.next).all(|(end, next)| end <= next));
        self.records = records;
        self.appended_entries = entries;
        self.block = None;
        self.next.clone_from(&ends);
        self.ends = ends;
        self.acknowledge();
    }

    /// Polls one follower, the watcher and the ledger, and compares them with the files.
    fn poll(&mut self, follower: usize, most: usize, upto: Option<&[Offset]>) {
        let (records, ends, entries) = read_naively(&self.state);
        let seen = self.watcher.poll().unwrap();
        assert_eq!(seen.iter().map(|end| end.0).collect::<Vec<_>>(), ends);
        self.ledger
            .poll(&mut |_, entry| self.entries.push(entry))
            .unwrap();
        assert_eq!(self.entries, entries);
        let Some(follower) = self.followers.get_mut(follower) else {
            return;
        };
        let before = follower.got.len();
        let got = &mut follower.got;
        let count = follower
            .reader
            .poll(upto, most, &mut |record| got.push(record.into()))
            .unwrap();
        assert_eq!(count, follower.got.len() - before);
        for partition in 0..PARTITIONS {
            let place = partition as usize;
            let of_this = |record: &&Record| record.partition == partition;
            let got = follower.got.iter().filter(of_this);
            let mut expected = records
                .iter()
                .filter(of_this)
                .filter(|record| follower.chosen[place] && record.offset >= follower.from[place]);
            for record in got {
                assert_eq!(Some(record), expected.next());
            }
            let next = expected.next();
            let may_go_on =
                |record: &&Record| upto.is_none_or(|upto| record.offset < upto[place].0);
            if count < most
                && let Some(left) = next.filter(may_go_on)
            {
                panic!("{left:?} was there and was not handed over");
            }
            let position = follower.reader.positions()[place].0;
            match next {
                Some(next) => assert!(position <= next.offset),
                None if count < most && upto.is_none() && follower.chosen[place] => {
                    assert_eq!(position, ends[place].max(follower.from[place]));
                }
                None => {}
            }
            let new = follower.got[before..].iter().rfind(of_this);
            let within = |record: &Record| upto.is_none_or(|upto| record.offset < upto[place].0);
            assert!(new.is_none_or(within));
        }
    }

    /// Everything there is reaches everybody.
    fn finish(mut self) {
        if self.block.is_some() {
            self.take(Step::Abort);
        }
        self.take(Step::Sync);
        let ends = committed_ends(&self.state).unwrap();
        assert_eq!(ends, self.writer().ends());
        assert_eq!(read_all(&self.state), self.records);
        for follower in 0..self.followers.len() {
            self.poll(follower, usize::MAX, None);
        }
        assert_eq!(
            eip_log::read_ledger(&self.state).unwrap(),
            self.appended_entries
        );
    }
}

proptest! {
    #[test]
    fn any_history_gives_every_reader_what_a_plain_model_says(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (_folder, state) = state(PARTITIONS);
        let mut history = History::new(&state);
        for step in steps {
            history.take(step);
        }
        history.finish();
    }
}
