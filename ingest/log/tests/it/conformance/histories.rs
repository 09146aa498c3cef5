//! Random histories of a log, through the seam, equal a plain model of it.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use eip_log::{LogReader, LogWriter, NewRecord};

use super::{Place, journal, kafka, read_to};
use crate::support::{Record, committed, tag};

const PARTITIONS: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Append {
        partition: u32,
        value: Option<Vec<u8>>,
    },
    Sync,
    Begin,
    Commit,
    Abort,
    /// The writer ends without a word and another one follows.
    Kill,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..30));
    prop_oneof![
        30 => (0..PARTITIONS, value).prop_map(|(partition, value)| Step::Append { partition, value }),
        5 => Just(Step::Sync),
        5 => Just(Step::Begin),
        4 => Just(Step::Commit),
        2 => Just(Step::Abort),
        1 => Just(Step::Kill),
        6 => Just(Step::Read),
    ]
}

/// The log and what it has to hold.
struct History {
    place: Place,
    writer: Option<Box<dyn LogWriter>>,
    reader: Box<dyn LogReader>,
    /// By partition, in order.
    model: Vec<Vec<Record>>,
    read: Vec<Vec<Record>>,
    open: Option<(String, Vec<Record>)>,
    runs: u32,
}

impl History {
    fn new(place: Place) -> Self {
        Self {
            writer: Some(place.writer()),
            reader: place.log.read_all().unwrap(),
            place,
            model: vec![Vec::new(); PARTITIONS as usize],
            read: vec![Vec::new(); PARTITIONS as usize],
            open: None,
            runs: 0,
        }
    }

    fn writer(&mut self) -> &mut dyn LogWriter {
        &mut **self.writer.as_mut().unwrap()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append { partition, value } => self.append(partition, value),
            Step::Sync => self.writer().sync().unwrap(),
            Step::Begin if self.open.is_none() => {
                self.runs += 1;
                let run = format!("w{}", self.runs);
                self.writer().begin(&tag(&run), &[]).unwrap();
                self.open = Some((run, Vec::new()));
            }
            Step::Commit => {
                if let Some((run, records)) = self.open.take() {
                    self.writer().sync().unwrap();
                    self.writer().commit(&committed(&run)).unwrap();
                    for record in records {
                        self.model[record.partition as usize].push(record);
                    }
                }
            }
            Step::Abort if self.open.take().is_some() => self.writer().abort().unwrap(),
            Step::Kill => {
                // What was not synced may be there or not; the model has it, so it is synced.
                self.writer().sync().unwrap();
                self.open = None;
                self.writer = None;
                self.writer = Some(self.place.writer());
                // Long after the last sign of life.
                let later = super::now_ms() + 60_000;
                self.writer().interrupt_unfinished(later).unwrap();
                self.writer().fence().unwrap();
            }
            Step::Read => self.read(),
            Step::Begin | Step::Abort => {}
        }
    }

    fn append(&mut self, partition: u32, value: Option<Vec<u8>>) {
        let record = NewRecord {
            key: Some(b"k"),
            value: value.as_deref(),
            partition: Some(partition),
            ..NewRecord::default()
        };
        self.writer().append(None, record).unwrap();
        let run = self.open.as_ref().map(|(run, _)| tag(run).to_string());
        let record = Record {
            partition,
            offset: 0,
            key: Some(b"k".to_vec()),
            value,
            run,
            parts: None,
            due_micros: None,
        };
        if let Some((_, records)) = &mut self.open {
            records.push(record);
        } else {
            // Appended between transactions, so the next one comes behind it.
            self.writer().sync().unwrap();
            self.model[partition as usize].push(record);
        }
    }

    fn read(&mut self) {
        let ends = self.place.log.committed_ends().unwrap();
        for record in read_to(&mut *self.reader, &ends) {
            self.read[record.partition as usize].push(record);
        }
        for (read, model) in self.read.iter().zip(&self.model) {
            assert!(read.len() <= model.len() && *read == model[..read.len()]);
            // An open transaction of Kafka holds back what comes behind it; nothing else does.
            assert!(
                self.open.is_some() || read.len() == model.len(),
                "{read:?} {model:?}"
            );
        }
    }
}

fn check(cases: u32, place: fn(u32) -> Place) {
    let config = Config {
        cases,
        max_shrink_iters: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), 1..60);
    let run = |steps| {
        let mut history = History::new(place(PARTITIONS));
        for step in steps {
            history.take(step);
        }
        history.take(Step::Abort);
        history.take(Step::Read);
        Ok(())
    };
    TestRunner::new(config).run(&steps, run).unwrap();
}

#[test]
fn any_history_of_a_journal_reads_as_the_model_says() {
    check(64, journal);
}

#[test]
fn any_history_of_kafka_reads_as_the_model_says() {
    check(12, kafka);
}
