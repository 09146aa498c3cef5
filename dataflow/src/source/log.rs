//! The log as a source: first what the Parquet cache holds, then the log itself.
//!
//! The cache hands its rows over by calling back, so it is read on a thread of its own, a few
//! pieces ahead of the worker. It was opened before the first tick's ends were sampled and mirrors
//! committed records only, so nothing in it lies behind them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use eip_contract::{Dictionary, Offset, Packer};
use eip_log::{LastRecords, Log, LogReader};
use eip_parquet_cache::{Cache, CacheError, Hydrated};

use super::{Batch, LastRecord, Record, RecordSource, SourceError};
use crate::latency::Appended;
use eip_stores::StoredDeadLetter;

/// Pieces that the cache may be ahead.
const AHEAD: usize = 8;

/// A log, for some of its partitions.
pub struct LogSource {
    log: Log,
    partitions: Vec<u32>,
    packer: Packer,
    last: LastRecords,
    stage: Stage,
}

enum Stage {
    Cache(CacheReading),
    Log(Box<dyn LogReader>),
    /// Only within a call.
    Between,
}

struct CacheReading {
    pieces: Receiver<Vec<Record>>,
    empty: Sender<Vec<Record>>,
    thread: JoinHandle<Result<Hydrated, CacheError>>,
}

impl LogSource {
    /// Opens the log from its beginning; `cache` saves reading what it holds from the log.
    pub fn open(
        log: &Log,
        cache: Option<Arc<Cache>>,
        partitions: Vec<u32>,
        dictionary: Arc<Dictionary>,
    ) -> Result<Self, SourceError> {
        let packer = Packer::new(Arc::clone(&dictionary));
        let first = if let Some(cache) = cache {
            Stage::Cache(CacheReading::start(cache, partitions.clone(), dictionary)?)
        } else {
            let from = vec![Offset::default(); log.partitions() as usize];
            Stage::Log(log.reader(&partitions, &from)?)
        };
        Ok(Self {
            log: log.clone(),
            partitions,
            packer,
            last: LastRecords::new(log.partitions()),
            stage: first,
        })
    }
}

impl CacheReading {
    fn start(
        cache: Arc<Cache>,
        partitions: Vec<u32>,
        dictionary: Arc<Dictionary>,
    ) -> Result<Self, SourceError> {
        let (full, pieces) = sync_channel::<Vec<Record>>(AHEAD);
        let (empty, emptied) = channel::<Vec<Record>>();
        let thread = std::thread::Builder::new()
            .name("eip-cache".to_owned())
            .spawn(move || {
                let mut packer = Packer::new(dictionary);
                cache.read_packed(&partitions, &mut packer, &mut |_partition, records| {
                    let mut piece = emptied.try_recv().unwrap_or_default();
                    piece.extend_from_slice(records);
                    // A worker that has ended wants no more; what is left is read in vain.
                    let _ = full.send(piece);
                })
            })?;
        Ok(Self {
            pieces,
            empty,
            thread,
        })
    }
}

impl RecordSource for LogSource {
    fn read(
        &mut self,
        upto: &[Offset],
        most: usize,
        batch: &mut Batch,
    ) -> Result<bool, SourceError> {
        if let Stage::Cache(cache) = &self.stage {
            if let Ok(mut piece) = cache.pieces.recv() {
                if batch.records.is_empty() {
                    std::mem::swap(&mut batch.records, &mut piece);
                } else {
                    batch.records.append(&mut piece);
                }
                piece.clear();
                let _ = cache.empty.send(piece);
                return Ok(true);
            }
            let Stage::Cache(cache) = std::mem::replace(&mut self.stage, Stage::Between) else {
                unreachable!("seen above");
            };
            let hydrated = cache
                .thread
                .join()
                .map_err(|_| "reading the cache panicked")??;
            batch
                .dead_letters
                .extend(
                    hydrated
                        .dead_letters
                        .into_iter()
                        .map(|letter| StoredDeadLetter {
                            partition: letter.partition,
                            offset: letter.offset,
                            code: letter.code,
                            reason: letter.reason,
                        }),
                );
            for &partition in &self.partitions {
                self.last.set(partition, hydrated.last[partition as usize]);
            }
            self.stage = Stage::Log(self.log.reader(&self.partitions, &hydrated.next)?);
            return Ok(true);
        }
        let Stage::Log(reader) = &mut self.stage else {
            return Err("the cache could not be read, and the log after it is not".into());
        };
        let (packer, partitions) = (&mut self.packer, self.log.partitions());
        let last = &mut self.last;
        reader
            .poll(upto, most, &mut |record| {
                last.see(&record);
                if let Some(at_ms) = record.appended_ms {
                    Appended::push(&mut batch.appended, at_ms);
                }
                match packer.record(partitions, record.partition, record.key, record.value) {
                    Ok(change) => batch.records.push((record.offset, change)),
                    Err(letter) => batch.dead_letters.push(StoredDeadLetter {
                        partition: record.partition,
                        offset: record.offset,
                        code: letter.code().to_owned(),
                        reason: letter.to_string(),
                    }),
                }
            })
            .map(|_read| ())
            .or_else(|error| {
                if error.is_passing() {
                    Ok(())
                } else {
                    Err(error)
                }
            })?;
        let positions = reader.positions();
        let mut mine = self.partitions.iter().map(|&partition| partition as usize);
        let more = mine.any(|place| positions[place] < upto[place]);
        if !more {
            let mark = |&partition: &u32| {
                let mark = last.mark(partition)?;
                Some(LastRecord { partition, mark })
            };
            batch.last.extend(self.partitions.iter().filter_map(mark));
        }
        Ok(more)
    }
}
