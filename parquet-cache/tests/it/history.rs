//! Histories of a log, and what it says, read plainly and by way of the cache.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use eip_contract::{
    Change, Event, EventTime, EventType, Offset, PackedChange, Packer, RegionCode, decode_record,
    partition_of,
};
use eip_log::{
    JournalReader, JournalWriter, LedgerEntry, NewRecord, RecordRef, RunKind, RunState, RunTag,
    StateDir, TopicId, committed_ends,
};
use eip_parquet_cache::{Cache, CacheOptions};
use proptest::prelude::*;

/// Sizes at which a few dozen records make many groups, segments and merges.
pub(crate) const SMALL: CacheOptions = CacheOptions {
    buffered_bytes: 3_000,
    group_rows: 5,
    segment_rows: 25,
    segment_dead_letters: 4,
    segments: 3,
    small_rows: 10,
};

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Append(Record),
    Transaction { records: Vec<Record>, commits: bool },
    CatchUp,
    Compact,
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    Event {
        order: u8,
        rank: usize,
        days: u16,
        region: u8,
        due: bool,
    },
    Tombstone {
        order: u8,
    },
    Foreign {
        order: u8,
    },
}

pub(crate) fn records() -> impl Strategy<Value = Record> {
    let event = (0..12_u8, 0..6_usize, 0..100_u16, 0..6_u8, any::<bool>()).prop_map(
        |(order, rank, days, region, due)| Record::Event {
            order,
            rank,
            days,
            region,
            due,
        },
    );
    prop_oneof![
        8 => event,
        1 => (0..12_u8).prop_map(|order| Record::Tombstone { order }),
        1 => (0..12_u8).prop_map(|order| Record::Foreign { order }),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let transaction = (prop::collection::vec(records(), 0..12), any::<bool>())
        .prop_map(|(records, commits)| Step::Transaction { records, commits });
    let step = prop_oneof![
        20 => records().prop_map(Step::Append),
        2 => transaction,
        2 => Just(Step::CatchUp),
        1 => Just(Step::Compact),
    ];
    prop::collection::vec(step, 0..120)
}

/// A new state folder.
pub(crate) fn state(path: &Path, partitions: u32) -> StateDir {
    StateDir::create_as(path, partitions, TopicId(0xabc), 0).unwrap()
}

fn order_id(order: u8) -> String {
    match order {
        0 => "an \"other\" id é".to_owned(),
        1 => "1".to_owned(),
        _ => format!("{:032x}", u128::from(order) << 100 | u128::from(order)),
    }
}

/// Appends one record.
pub(crate) fn append(writer: &mut JournalWriter, tag: Option<&RunTag>, record: &Record) {
    match record {
        Record::Event {
            order,
            rank,
            days,
            region,
            due,
        } => {
            let event = Event {
                event_type: EventType::ALL[*rank],
                event_at: EventTime::from_seconds(i64::from(*days) * 86_400 + i64::from(*order))
                    .unwrap(),
                order_id: order_id(*order).into(),
                seller_region: ["SP", "RJ", "", "a longer one", "é", "ZZ"][usize::from(*region)]
                    .into(),
                customer_region: if *due { "SP" } else { "MG" }.into(),
                estimated_delivery_at: (*region > 2).then_some(EventTime::MAX),
            };
            let due = due.then_some(1_700_000_000_000_001);
            if *region == 5 {
                // Another layout and another eventId than the canonical ones.
                let value = event
                    .to_json()
                    .replacen("{\"eventId\":\"", "{ \"eventId\":\"x", 1);
                let key = order_id(*order);
                let record = NewRecord::foreign(Some(key.as_bytes()), value.as_bytes());
                writer.append(tag, record).unwrap();
            } else {
                writer.append_event(tag, &event, due).unwrap();
            }
        }
        Record::Tombstone { order } => {
            writer
                .append(tag, NewRecord::tombstone(order_id(*order).as_bytes()))
                .unwrap();
        }
        Record::Foreign { order } => {
            let key = order_id(*order);
            writer
                .append(tag, NewRecord::foreign(Some(key.as_bytes()), b"{}"))
                .unwrap();
        }
    }
}

/// Plays a history and keeps a cache beside it.
pub(crate) fn play(state: &StateDir, steps: &[Step], options: CacheOptions) {
    let mut writer = JournalWriter::open(state, "test").unwrap();
    let mut cache = Cache::open_with(state, options).unwrap();
    for (number, step) in steps.iter().enumerate() {
        let tag = RunTag {
            run_id: format!("run-{}", number / 30),
            attempt: 1,
        };
        match step {
            Step::Append(record) => append(&mut writer, (number % 3 > 0).then_some(&tag), record),
            Step::Transaction { records, commits } => {
                let mut parts = vec![0; state.partitions() as usize];
                for record in records {
                    let (Record::Event { order, .. }
                    | Record::Tombstone { order }
                    | Record::Foreign { order }) = record;
                    let key = order_id(*order);
                    parts[partition_of(key.as_bytes(), state.partitions()) as usize] += 1;
                }
                writer.begin(&tag, &parts).unwrap();
                for record in records {
                    append(&mut writer, Some(&tag), record);
                }
                if *commits {
                    let entry = LedgerEntry::new(&tag, RunKind::Window, RunState::Committed, 0);
                    writer.commit(&entry).unwrap();
                } else {
                    writer.abort().unwrap();
                }
            }
            Step::CatchUp => {
                writer.sync().unwrap();
                let ends = committed_ends(state).unwrap();
                assert!(cache.catch_up(&ends).unwrap().coverage.reaches(&ends));
            }
            Step::Compact => {
                let before = cache.coverage();
                cache.compact().unwrap();
                assert_eq!(cache.coverage(), before);
                assert!(cache.status(false).segments.len() <= 1);
            }
        }
    }
    writer.sync().unwrap();
}

/// A record in words, by partition and offset.
pub(crate) type Said = BTreeMap<(u32, Offset), String>;

fn fact_words(order: &str, event: &Event<'_>) -> String {
    format!("{order} {}", event.to_json())
}

fn plainly(
    state: &StateDir,
    partitions: &[u32],
    from: Vec<Offset>,
    f: &mut dyn FnMut(RecordRef<'_>),
) {
    let mut reader = JournalReader::open(state, partitions.to_vec(), from).unwrap();
    while reader.poll(None, 1000, f).unwrap() > 0 {}
}

/// What the log says of some partitions, from `from` on, read plainly.
pub(crate) fn log_from(state: &StateDir, partitions: &[u32], from: Vec<Offset>) -> Said {
    let mut said = Said::new();
    plainly(state, partitions, from, &mut |record| {
        let words = match decode_record(
            state.partitions(),
            record.partition,
            record.key,
            record.value,
        ) {
            Ok(Change::Assert(decoded)) => fact_words(&decoded.event.order_id, &decoded.event),
            Ok(Change::Retract(order)) => format!("{order} retracted"),
            Err(reason) => format!("dead: {} {reason}", reason.code()),
        };
        said.insert((record.partition, record.offset), words);
    });
    said
}

/// The beginning of every partition.
pub(crate) fn beginning(state: &StateDir) -> Vec<Offset> {
    vec![Offset(0); state.partitions() as usize]
}

pub(crate) fn all_partitions(state: &StateDir) -> Vec<u32> {
    (0..state.partitions()).collect()
}

/// What the log says.
pub(crate) fn log(state: &StateDir) -> Said {
    log_from(state, &all_partitions(state), beginning(state))
}

/// What was read by way of the cache.
pub(crate) struct Read {
    /// What it says of the asked partitions.
    pub(crate) said: Said,
    /// Where each partition's coverage ended.
    pub(crate) next: Vec<Offset>,
    /// Rows handed over, some of them twice after damage.
    pub(crate) rows: u64,
}

/// Reads some partitions from the cache alone. Checks that rows that come twice are the same.
pub(crate) fn cached(cache: &Cache, partitions: &[u32]) -> Read {
    let mut packer = Packer::new(Arc::default());
    let dictionary = Arc::clone(packer.dictionary());
    let region = |code: RegionCode| dictionary.region(code).to_string();
    let mut said = Said::new();
    let hydrated = cache
        .read_packed(partitions, &mut packer, &mut |partition, rows| {
            assert!(partitions.contains(&partition) && rows.len() <= 1024);
            for (offset, change) in rows {
                let words = match change {
                    PackedChange::Assert(order, event_type, fact) => {
                        let order = dictionary.order_id(*order).into_owned();
                        let event = Event {
                            event_type: *event_type,
                            event_at: fact.event_at,
                            order_id: order.as_str().into(),
                            seller_region: region(fact.seller_region).into(),
                            customer_region: region(fact.customer_region).into(),
                            estimated_delivery_at: fact.estimated_delivery_at,
                        };
                        fact_words(&order, &event)
                    }
                    PackedChange::Retract(order) => {
                        format!("{} retracted", dictionary.order_id(*order))
                    }
                };
                let older = said.insert((partition, *offset), words.clone());
                assert!(
                    older.is_none_or(|older| older == words),
                    "two different rows at one offset"
                );
            }
        })
        .unwrap();
    for dead in hydrated.dead_letters {
        let words = format!("dead: {} {}", dead.code, dead.reason);
        assert_eq!(
            said.insert((dead.partition, dead.offset), words),
            None,
            "a dead letter twice"
        );
    }
    Read {
        said,
        next: hydrated.next,
        rows: hydrated.rows,
    }
}

/// The law: the cache, and the log from where it ends, say what the log says. Gives what was read
/// from the cache.
pub(crate) fn check(state: &StateDir, cache: &Cache, partitions: &[u32]) -> Read {
    let read = cached(cache, partitions);
    let mut whole = log_from(state, partitions, read.next.clone());
    for (place, words) in &read.said {
        let again = whole.insert(*place, words.clone());
        assert!(
            again.is_none_or(|again| again == *words),
            "the log says something else"
        );
    }
    assert_eq!(whole, log_from(state, partitions, beginning(state)));
    read
}
