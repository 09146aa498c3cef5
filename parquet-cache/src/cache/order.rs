//! The records of one order: what the cache holds of its partition, then what the log has behind that.
//!
//! The cache is what makes this quick: it looks through one column of one partition and reads the rows of
//! the groups in which the order is. Without it, or beyond it, the log is read record by record.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use eip_contract::{Change, Event, Offset, decode_record, partition_of};
use eip_log::{Log, LogError, RecordRef};
use tracing::warn;

use super::Cache;
use crate::error::{CacheError, Damage};
use crate::row::CachedRow;

/// Records read from the log at a time.
const PIECE: usize = 1 << 14;

/// All records of one order that count, and how they were found.
#[derive(Debug)]
pub struct OrderRecords {
    /// The partition that the order's records are in.
    pub partition: u32,
    /// By offset.
    pub records: BTreeMap<Offset, OrderRecord>,
    /// Up to here the cache was read.
    pub cached: Offset,
    /// Up to here the log was read.
    pub upto: Offset,
    /// Why it was not read to the end; what was found stands.
    pub unread: Option<LogError>,
}

/// One record of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// What it asserts; none in a tombstone.
    pub event: Option<Event<'static>>,
    /// Header `run`: which attempt wrote it.
    pub run: Option<String>,
    /// When it was appended, in ms since the epoch; not known of what earlier programs wrote.
    pub appended_ms: Option<i64>,
}

impl OrderRecords {
    /// Of an order whose log cannot be read at all.
    pub fn unread(partition: u32, error: LogError) -> Self {
        Self {
            partition,
            records: BTreeMap::new(),
            cached: Offset(0),
            upto: Offset(0),
            unread: Some(error),
        }
    }

    /// Finds the records of `order_id` before `ends`, one offset a partition. A log that gives nothing
    /// for `patience` is an error; one that has lost records is not ([`OrderRecords::unread`]).
    pub fn find(
        log: &Log,
        cache: Option<&Cache>,
        order_id: &str,
        ends: &[Offset],
        patience: Duration,
    ) -> Result<Self, LogError> {
        let partition = partition_of(order_id.as_bytes(), log.partitions());
        let end = ends[partition as usize];
        let mut found = Self {
            partition,
            records: BTreeMap::new(),
            cached: Offset(0),
            upto: Offset(0),
            unread: None,
        };
        if let Some(cache) = cache {
            found.take_cached(cache, order_id, end);
        }
        match found.take_logged(log, order_id, ends, patience) {
            Err(error) if error.is_passing() => Err(error),
            Err(error @ LogError::Silent { .. }) => Err(error),
            other => {
                found.unread = other.err();
                Ok(found)
            }
        }
    }

    fn take_cached(&mut self, cache: &Cache, order_id: &str, end: Offset) {
        let read = cache.read_order(self.partition, order_id, end, &mut |row| {
            let event = match row.change {
                Change::Assert(decoded) => Some(decoded.event.into_owned()),
                Change::Retract(_) => None,
            };
            let record = OrderRecord {
                event,
                run: row.run.map(str::to_owned),
                appended_ms: row.appended_ms,
            };
            self.records.insert(row.offset, record);
        });
        match read {
            Ok(reached) => self.cached = reached,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, "the cache cannot be read; the log is read instead");
                self.records.clear();
            }
        }
        self.upto = self.cached;
    }

    fn take_logged(
        &mut self,
        log: &Log,
        order_id: &str,
        ends: &[Offset],
        patience: Duration,
    ) -> Result<(), LogError> {
        let place = self.partition as usize;
        if self.upto >= ends[place] {
            return Ok(());
        }
        let partitions = log.partitions();
        let mut from = ends.to_vec();
        from[place] = self.upto;
        let mut reader = log.reader(&[self.partition], &from)?;
        let records = &mut self.records;
        let mut take = |record: RecordRef<'_>| {
            if record.key != Some(order_id.as_bytes()) {
                return;
            }
            let change = decode_record(partitions, record.partition, record.key, record.value);
            let event = match change {
                Ok(Change::Assert(decoded)) => Some(decoded.event.into_owned()),
                Ok(Change::Retract(_)) => None,
                // A dead letter says nothing about any order.
                Err(_) => return,
            };
            let found = OrderRecord {
                event,
                run: record.run.map(str::to_owned),
                appended_ms: record.appended_ms,
            };
            records.insert(record.offset, found);
        };
        let mut heard = Instant::now();
        while reader.positions()[place] < ends[place] {
            let before = reader.positions()[place];
            reader.poll(ends, PIECE, &mut take)?;
            self.upto = reader.positions()[place];
            if self.upto > before {
                heard = Instant::now();
            } else if !reader.waits() {
                break;
            } else if heard.elapsed() > patience {
                return Err(LogError::Silent {
                    positions: reader.positions().to_vec(),
                    upto: ends.to_vec(),
                });
            }
        }
        Ok(())
    }
}

impl Cache {
    /// Hands over the rows of an order before `end`, as [`Cache::read_rows`] does, and gives the first
    /// offset of its partition that the cache does not cover.
    pub fn read_order(
        &self,
        partition: u32,
        order_id: &str,
        end: Offset,
        give: &mut dyn FnMut(CachedRow<'_>),
    ) -> Result<Offset, CacheError> {
        self.walk(partition, Offset(0)..end, &mut |segment, range| {
            segment.read_order(partition, &range, order_id, &mut |row| {
                give(row);
                Ok::<(), Damage>(())
            })
        })
    }

    /// Sees what other processes have written since; what is used already stays so.
    pub fn look_again(&self) -> Result<(), CacheError> {
        self.refresh()
    }
}
