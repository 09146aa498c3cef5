//! A dataflow over a log in memory, tick by tick.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use eip_contract::{Dictionary, Offset, Packer};
use eip_dataflow::clock::Clock;
use eip_dataflow::control::{Control, Counts, Written};
use eip_dataflow::engine::{Engine, EngineConfig, OpenSource};
use eip_dataflow::sink::Sinks;
use eip_dataflow::sink::reconcile::Placement;
use eip_dataflow::sink::writer::{Stores, Writer};
use eip_dataflow::source::ends::SetEnds;
use eip_dataflow::source::{Batch, Record, RecordSource, SourceError, partitions_of};
use eip_dataflow::views::built_in;
use eip_stores::{DocumentStore as _, Look, StatsStore as _, StoredDeadLetter};
use eip_views::VIEWS;

use crate::memory::MemoryStore;
use crate::plain::Log;

/// How a log is handed over inside a tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disorder {
    /// Each record so many times, one to three.
    pub(crate) repeat: usize,
    /// Seed of the order.
    pub(crate) seed: u64,
}

/// A running dataflow over a log whose ends the test sets.
pub(crate) struct Running {
    control: Arc<Control>,
    pub(crate) ends: SetEnds,
    engine: Option<Engine>,
    writer: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(
        log: &Arc<Log>,
        workers: usize,
        store: &MemoryStore,
        disorder: Disorder,
        at: &[Offset],
    ) -> Self {
        let control = Arc::new(Control::default());
        let ends = SetEnds::default();
        ends.set(at);
        let mut stats = store.clone();
        let last = stats
            .progress()
            .unwrap()
            .map_or(0, |progress| progress.tick);
        let above = 1 + stats.greatest_epoch().unwrap();
        let epoch = stats.take_epoch(above).unwrap();
        let stores = Stores {
            documents: Box::new(store.clone()),
            stats: Box::new(stats),
        };
        let placement = Placement {
            process: 0,
            processes: 1,
            workers,
            partitions: log.len() as u32,
        };
        let (writer, thread) = Writer::start(
            stores,
            VIEWS.to_vec(),
            placement,
            Look::Listed,
            Arc::clone(&control),
        )
        .unwrap();
        let dictionary = Arc::new(Dictionary::default());
        let sources = (0..workers).map(|worker| {
            let partitions = partitions_of(worker, workers, log.len() as u32);
            let (log, dictionary) = (Arc::clone(log), Arc::clone(&dictionary));
            let open: OpenSource = Box::new(move || {
                let source: Box<dyn RecordSource> = Box::new(LogInMemory {
                    positions: vec![0; log.len()],
                    log,
                    partitions,
                    packer: Packer::new(dictionary),
                    disorder,
                    waiting: Vec::new(),
                    upto: Vec::new(),
                });
                Ok(source)
            });
            open
        });
        let wall = AtomicU64::new(1);
        let engine = Engine::start(EngineConfig {
            sources: sources.collect(),
            sockets: None,
            clock: Some(Clock {
                epoch,
                ends: Box::new(ends.clone()),
                wall: Arc::new(move || wall.fetch_add(3, Ordering::Relaxed)),
                last,
                poll: Duration::from_millis(1),
            }),
            views: built_in(),
            sinks: Sinks::Stores(writer),
            dictionary: Arc::clone(&dictionary),
            seed: [1, 2],
            control: Arc::clone(&control),
        });
        Self {
            control,
            ends,
            engine: Some(engine.unwrap()),
            writer: Some(thread),
        }
    }

    /// Goes to `ends` and waits until they are written.
    pub(crate) fn reach(&self, ends: &[Offset]) -> Result<Written, String> {
        self.ends.set(ends);
        self.control.wait_written(ends)
    }

    pub(crate) fn stop(mut self) -> Counts {
        self.end();
        self.control.counts()
    }

    fn end(&mut self) {
        self.control.stop();
        if let Some(engine) = self.engine.take() {
            engine.join();
        }
        if let Some(writer) = self.writer.take() {
            let joined = writer.join();
            assert!(
                std::thread::panicking() || joined.is_ok(),
                "the stores accept every write"
            );
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Hands each tick's records over in any order, some repeatedly, a few at a time.
struct LogInMemory {
    log: Arc<Log>,
    partitions: Vec<u32>,
    positions: Vec<usize>,
    packer: Packer,
    disorder: Disorder,
    waiting: Vec<Result<Record, StoredDeadLetter>>,
    upto: Vec<Offset>,
}

impl RecordSource for LogInMemory {
    fn read(
        &mut self,
        upto: &[Offset],
        most: usize,
        batch: &mut Batch,
    ) -> Result<bool, SourceError> {
        if self.upto != upto {
            self.upto = upto.to_vec();
            for &partition in &self.partitions {
                let records = &self.log[partition as usize];
                let position = &mut self.positions[partition as usize];
                let end = upto[partition as usize].0 as usize;
                for (offset, record) in records.iter().enumerate().take(end).skip(*position) {
                    let (key, value) = (record.key.as_deref(), record.value.as_deref());
                    match self
                        .packer
                        .record(self.log.len() as u32, partition, key, value)
                    {
                        Ok(change) => {
                            let record = (Offset(offset as u64), change);
                            self.waiting
                                .extend((0..self.disorder.repeat).map(|_| Ok(record)));
                        }
                        Err(letter) => self.waiting.push(Err(StoredDeadLetter {
                            partition,
                            offset: Offset(offset as u64),
                            code: letter.code().to_owned(),
                            reason: letter.to_string(),
                        })),
                    }
                }
                *position = end;
            }
            for at in (1..self.waiting.len()).rev() {
                let other = self.disorder.seed.wrapping_mul(at as u64 * 2 + 1) >> 33;
                self.waiting.swap(at, other as usize % (at + 1));
            }
        }
        // Few at a time, so that a tick takes many steps; more where there is much.
        let most = most.min(7 + self.waiting.len() / 64);
        for record in self
            .waiting
            .drain(self.waiting.len().saturating_sub(most)..)
        {
            match record {
                Ok(record) => batch.records.push(record),
                Err(letter) => batch.dead_letters.push(letter),
            }
        }
        Ok(!self.waiting.is_empty())
    }
}
