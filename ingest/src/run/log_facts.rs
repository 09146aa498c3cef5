//! The current facts of all orders at a snapshot of the log, from the cache and the log.
//!
//! The cache only saves time: whatever it does not cover, or cannot give, is read from the log,
//! and a record that both give counts once, since the fold goes by offsets.

use std::sync::Arc;

use eip_contract::{Dictionary, Fact, Offset, OrderFacts, OrderKey, PackedChange, Packer};
use eip_log::{Log, RecordRef};
use eip_parquet_cache::Cache;
use hashbrown::{HashMap, HashSet};

use super::error::RunError;

/// The facts of one order by rank.
pub(crate) type FactsByRank = [Option<Fact>; 6];

/// What the log says at a snapshot.
pub(crate) struct LogFacts {
    pub(crate) packer: Packer,
    orders: HashMap<OrderKey, OrderFacts>,
    /// Orders whose last record is of a run of kind rows.
    pushed: HashSet<OrderKey>,
}

impl LogFacts {
    /// Reads the log up to `base`, which is its end, and brings the cache up to it. `pushing_runs`
    /// are the runs of kind rows that the ledger knows; when there are any, who wrote a record
    /// matters and the log is read throughout.
    pub(crate) fn read(
        event_log: &Log,
        base: &[Offset],
        pushing_runs: &HashSet<String>,
    ) -> Result<Self, RunError> {
        let mut packer = Packer::new(Arc::new(Dictionary::default()));
        let (mut orders, mut pushed) = (HashMap::new(), HashSet::new());
        if pushing_runs.is_empty() {
            let mut cache = open_cache(event_log);
            if let Some(cache) = &mut cache
                && let Err(error) = cache.catch_up(base)
            {
                tracing::warn!(%error, "the cache stays behind; reading the rest from the log");
            }
            orders = fold(event_log, cache.as_ref(), &mut packer, base, |_| true)?;
        } else {
            for_each_record(
                event_log,
                &vec![Offset::default(); base.len()],
                base,
                |record| {
                    let Some(change) = packed(&mut packer, event_log.partitions(), &record) else {
                        return;
                    };
                    apply(&mut orders, record.offset, change);
                    if record
                        .run
                        .is_some_and(|run| pushing_runs.contains(run_id(run)))
                    {
                        pushed.insert(order_of(change));
                    } else {
                        pushed.remove(&order_of(change));
                    }
                },
            )?;
        }
        Ok(Self {
            packer,
            orders,
            pushed,
        })
    }

    /// The facts that some of the orders had when the log ended at `upto`, which is not behind this
    /// snapshot's end.
    pub(crate) fn earlier(
        &mut self,
        event_log: &Log,
        upto: &[Offset],
        keep: impl Fn(OrderKey) -> bool,
    ) -> Result<HashMap<OrderKey, OrderFacts>, RunError> {
        fold(
            event_log,
            open_cache(event_log).as_ref(),
            &mut self.packer,
            upto,
            keep,
        )
    }

    /// The current facts of an order; none when the log does not know it.
    pub(crate) fn of(&self, order: OrderKey) -> FactsByRank {
        self.orders
            .get(&order)
            .map_or([None; 6], |facts| *facts.current())
    }

    /// All orders of the log with their current facts, in no order; some have none.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (OrderKey, &FactsByRank)> {
        self.orders
            .iter()
            .map(|(&order, facts)| (order, facts.current()))
    }

    /// Whether the order's facts came last from pushed rows.
    pub(crate) fn is_pushed(&self, order: OrderKey) -> bool {
        self.pushed.contains(&order)
    }

    /// The text of an order.
    pub(crate) fn order_id(&self, order: OrderKey) -> String {
        self.packer.dictionary().order_id(order).into_owned()
    }
}

/// The cache, if it can be opened.
pub(crate) fn open_cache(event_log: &Log) -> Option<Cache> {
    Cache::open(event_log)
        .inspect_err(|error| tracing::warn!(%error, "no cache; reading the log instead"))
        .ok()
}

/// Folds the log up to `upto`: what the cache has, then the log from there on.
fn fold(
    event_log: &Log,
    cache: Option<&Cache>,
    packer: &mut Packer,
    upto: &[Offset],
    keep: impl Fn(OrderKey) -> bool,
) -> Result<HashMap<OrderKey, OrderFacts>, RunError> {
    let mut orders = HashMap::new();
    let mut from = vec![Offset::default(); upto.len()];
    if let Some(cache) = cache {
        let all: Vec<u32> = (0..event_log.partitions()).collect();
        let read = cache.read_packed(&all, packer, &mut |partition, batch| {
            for &(offset, change) in batch {
                if offset < upto[partition as usize] && keep(order_of(change)) {
                    apply(&mut orders, offset, change);
                }
            }
        });
        match read {
            Ok(hydrated) => {
                from = hydrated
                    .next
                    .iter()
                    .zip(upto)
                    .map(|(next, upto)| *next.min(upto))
                    .collect();
            }
            Err(error) => {
                tracing::warn!(%error, "the cache cannot be read; reading the log instead");
            }
        }
    }
    for_each_record(event_log, &from, upto, |record| {
        if let Some(change) = packed(packer, event_log.partitions(), &record)
            && keep(order_of(change))
        {
            apply(&mut orders, record.offset, change);
        }
    })?;
    Ok(orders)
}

fn apply(orders: &mut HashMap<OrderKey, OrderFacts>, offset: Offset, change: PackedChange) {
    match change {
        PackedChange::Assert(order, event_type, fact) => {
            orders
                .entry(order)
                .or_default()
                .assert(event_type, fact, offset);
        }
        PackedChange::Retract(order) => {
            orders.entry(order).or_default().retract(offset);
        }
    }
}

/// The change that a record makes; a dead letter makes none.
pub(crate) fn packed(
    packer: &mut Packer,
    partitions: u32,
    record: &RecordRef<'_>,
) -> Option<PackedChange> {
    packer
        .record(partitions, record.partition, record.key, record.value)
        .ok()
}

/// The order that a change is about.
pub(crate) fn order_of(change: PackedChange) -> OrderKey {
    match change {
        PackedChange::Assert(order, ..) | PackedChange::Retract(order) => order,
    }
}

/// The run in a record's header `run`, without the attempt.
pub(crate) fn run_id(header: &str) -> &str {
    header.rsplit_once('/').map_or(header, |(run_id, _)| run_id)
}

/// All records from `from` to before `upto`, in offset order per partition.
pub(crate) fn for_each_record(
    event_log: &Log,
    from: &[Offset],
    upto: &[Offset],
    mut f: impl FnMut(RecordRef<'_>),
) -> Result<(), RunError> {
    let all: Vec<u32> = (0..event_log.partitions()).collect();
    Ok(event_log.reader(&all, from)?.read_to(upto, &mut f)?)
}
