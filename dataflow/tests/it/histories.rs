//! Random histories: whatever the log says and however it is read, the views are a plain recomputation's.

use std::sync::Arc;

use eip_contract::{Event, EventTime, EventType, Offset, partition_of};
use proptest::prelude::*;

use crate::harness::{Disorder, Running};
use crate::memory::MemoryStore;
use crate::plain::{Log, LogRecord, recompute};

const ORDERS: [&str; 6] = [
    "00000000000000000000000000000001",
    "00112233445566778899aabbccddeeff",
    "00112233445566778899aabbccddeef0",
    "new|ORDER_PLACED|1970-01-01T00:00:00Z",
    "é",
    "00112233445566778899AABBCCDDEEFF",
];
const REGIONS: [&str; 3] = ["SP", "RJ", "elsewhere \"x\""];

#[derive(Clone, Debug)]
enum Say {
    Assert {
        order: usize,
        rank: usize,
        time: i64,
        seller: usize,
        customer: usize,
        estimate: Option<i64>,
    },
    Tombstone(usize),
    Garbage {
        order: usize,
        key: bool,
    },
}

pub(crate) fn say() -> impl Strategy<Value = impl std::fmt::Debug + Clone + Into<LogRecord>> {
    let assert = (
        0..6_usize,
        0..6_usize,
        0..8_i64,
        0..3_usize,
        0..2_usize,
        prop::option::of(0..3_i64),
    )
        .prop_map(
            |(order, rank, time, seller, customer, estimate)| Say::Assert {
                order,
                rank,
                time: time * 50_000,
                seller,
                customer,
                estimate,
            },
        );
    prop_oneof![
        12 => assert,
        2 => (0..6_usize).prop_map(Say::Tombstone),
        1 => (0..6_usize, any::<bool>()).prop_map(|(order, key)| Say::Garbage { order, key }),
    ]
}

impl From<Say> for LogRecord {
    fn from(say: Say) -> Self {
        match say {
            Say::Assert {
                order,
                rank,
                time,
                seller,
                customer,
                estimate,
            } => {
                let event = Event {
                    event_type: EventType::ALL[rank],
                    event_at: EventTime::from_seconds(time).unwrap(),
                    order_id: ORDERS[order].into(),
                    seller_region: REGIONS[seller].into(),
                    customer_region: REGIONS[customer].into(),
                    estimated_delivery_at: estimate.and_then(EventTime::from_seconds),
                };
                Self {
                    key: Some(ORDERS[order].into()),
                    value: Some(event.to_json().into_bytes()),
                }
            }
            Say::Tombstone(order) => Self {
                key: Some(ORDERS[order].into()),
                value: None,
            },
            Say::Garbage { order, key } => Self {
                key: key.then(|| ORDERS[order].into()),
                value: Some(b"{\"eventType\":\"LOST\"}".to_vec()),
            },
        }
    }
}

/// Puts records into their partitions; gives the log and its ends after each record.
pub(crate) fn log_of(records: Vec<LogRecord>, partitions: usize) -> (Arc<Log>, Vec<Vec<Offset>>) {
    let mut log: Log = vec![Vec::new(); partitions];
    let mut ends = vec![vec![Offset(0); partitions]];
    for record in records {
        let key = record.key.as_deref().unwrap_or_default();
        log[partition_of(key, partitions as u32) as usize].push(record);
        ends.push(
            log.iter()
                .map(|records| Offset(records.len() as u64))
                .collect(),
        );
    }
    (Arc::new(log), ends)
}

#[derive(Clone, Debug)]
struct Step {
    /// Where the log ends then.
    at: prop::sample::Index,
    /// Whether that is waited for before the next step.
    wait: bool,
    /// Whether the dataflow is started anew first.
    restart: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases * 3 / 8, ..ProptestConfig::default() })]

    #[test]
    fn the_views_are_those_of_a_plain_recomputation(
        records in prop::collection::vec(say(), 0..80),
        steps in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::bool::weighted(0.7), prop::bool::weighted(0.2))
                .prop_map(|(at, wait, restart)| Step { at, wait, restart }),
            1..6,
        ),
        workers in prop::sample::select(vec![1_usize, 2, 4]),
        partitions in prop::sample::select(vec![1_usize, 4, 7]),
        repeat in 1..4_usize,
        seed in any::<u64>(),
    ) {
        let (log, ends) = log_of(records.into_iter().map(Into::into).collect(), partitions);
        let store = MemoryStore::default();
        let mut steps = steps;
        steps.sort_by_key(|step| step.at.index(ends.len()));
        let disorder = Disorder { repeat, seed };
        let mut running = Running::start(&log, workers, &store, disorder, &ends[0]);
        for step in &steps {
            let upto = &ends[step.at.index(ends.len())];
            if step.restart {
                running.stop();
                running = Running::start(&log, workers, &store, disorder, upto);
            }
            running.ends.set(upto);
            if step.wait {
                running.reach(upto).unwrap();
                prop_assert_eq!(store.views(), recompute(&log, upto));
            }
        }
        let last = &ends[ends.len() - 1];
        running.reach(last).unwrap();
        prop_assert_eq!(store.views(), recompute(&log, last));
        let progress = store.contents().progress.clone().unwrap();
        prop_assert_eq!(&progress.offsets, last);
    }
}
