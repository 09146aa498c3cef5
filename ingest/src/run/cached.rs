//! The orders of a replay as an earlier run made them, out of the Parquet cache.
//!
//! A committed run under the same rules, from the same files and with the same asOf made exactly the
//! events that converting the files again would make. Where the cache holds all that it wrote, a
//! replay takes them from there and of the files only the checksums. Whatever the cache lacks, or
//! has and should not have, the files are converted: it saves time and decides nothing. Limits of the
//! input hold as if it were read: files that have more rows, or an unknown number, are converted.

use std::sync::Arc;

use eip_contract::{
    Change, Dictionary, EventTime, Fact, OrderKey, PackedChange, Packer, RegionCode,
};
use eip_log::{LedgerEntry, LedgerView, Log, RunKind, RunParameters, RunState, RunSummary};
use eip_olist::{Limits, READER_VERSION};
use eip_parquet_cache::Cache;
use hashbrown::HashMap;

use super::asked::READING;
use super::input_report::InputReport;
use super::log_facts::{open_cache, run_id};
use super::order::{IdRoom, Orders, PlacedOrder};
use super::request::{DayRange, Source};

/// Events that a run made, order by order.
pub(crate) struct CachedOrders {
    /// The run that made them.
    pub(crate) run: String,
    /// Its parameters: files, rules and asOf are those of the replay.
    pub(crate) parameters: RunParameters,
    /// What it found the input to be like.
    pub(crate) report: InputReport,
    orders: Vec<CachedOrder>,
    dictionary: Arc<Dictionary>,
    regions: Vec<Arc<str>>,
}

/// What all events of one order share, and their times by rank.
struct CachedOrder {
    key: OrderKey,
    seller_region: RegionCode,
    customer_region: RegionCode,
    estimated_delivery_at: Option<EventTime>,
    times: [Option<EventTime>; 6],
}

impl CachedOrders {
    /// The events in `range`, when one run made them all and the cache has them, of the latest such run.
    pub(crate) fn find(
        event_log: &Log,
        (ledger, entries): (&LedgerView, &[LedgerEntry]),
        source: &Source,
        range: DayRange,
    ) -> Option<Self> {
        let rules_sha256 = source.rules.sha256();
        let mut runs = ledger
            .runs()
            .iter()
            .rev()
            .filter(|run| made_all(run, &rules_sha256, source.as_of, range))
            .peekable();
        runs.peek()?;
        // What is wrong with a file, converting it says better.
        let files = eip_olist::sha256_of_files(&source.data).ok()?;
        let cache = open_cache(event_log)?;
        let is_same =
            |made: &RunParameters| made.files == files && reads_alike(made, &source.limits);
        runs.filter(|run| parameters(run).is_some_and(is_same))
            .filter(|run| has_few_rows(run, &source.limits))
            .find_map(|run| read(&cache, run, entries, range))
    }

    /// How many orders have an event in the range.
    pub(crate) fn order_count(&self) -> u64 {
        self.orders.len() as u64
    }
}

impl Orders for CachedOrders {
    fn for_each_place(&self, f: &mut dyn FnMut(u32, &[Option<EventTime>; 6])) {
        for (place, order) in (0..).zip(&self.orders) {
            f(place, &order.times);
        }
    }

    fn order<'a>(&'a self, place: u32, room: &'a mut IdRoom) -> PlacedOrder<'a> {
        let order = &self.orders[place as usize];
        room.text.clear();
        room.text += &self.dictionary.order_id(order.key);
        PlacedOrder {
            order_id: &room.text,
            seller_region: &self.regions[order.seller_region.0 as usize],
            customer_region: &self.regions[order.customer_region.0 as usize],
            estimated_delivery_at: order.estimated_delivery_at,
        }
    }
}

fn parameters(run: &RunSummary) -> Option<&RunParameters> {
    run.last.parameters.as_ref()
}

/// Whether the ledger says that the run wrote every event of `range`, each order once, under these
/// rules and with this asOf. Without one the default is meant, which the same files give again.
fn made_all(
    run: &RunSummary,
    rules_sha256: &str,
    as_of: Option<EventTime>,
    range: DayRange,
) -> bool {
    let (Some(made), Some(asked)) = (parameters(run), &run.first.parameters) else {
        return false;
    };
    let wrote_all = match run.kind() {
        RunKind::Fast => true,
        RunKind::Scaled => !made.pace.contains_key("amplify"),
        // A window leaves orders alone whose items may have been swallowed; converting makes them.
        RunKind::Window => {
            let report = InputReport::of_json(run.last.input.as_ref());
            let is_whole = report.is_some_and(|report| report.swallowing_items.count == 0);
            made.emit.as_deref() == Some("all") && is_whole
        }
        RunKind::Rows | RunKind::Revert | RunKind::Import => false,
    };
    let same_as_of = match as_of {
        Some(as_of) => made.as_of == Some(as_of),
        None => asked.as_of.is_none(),
    };
    let days = DayRange {
        start: made.start,
        end: made.end,
    };
    wrote_all
        && run.state() == RunState::Committed
        && same_as_of
        && made.rules_sha256.as_deref() == Some(rules_sha256)
        // The same bytes read otherwise are other data.
        && made.reader == Some(READER_VERSION)
        && days.holds(range)
}

/// Whether converting the files again under these limits would take the same rows of them.
fn reads_alike(made: &RunParameters, limits: &Limits) -> bool {
    let usual = Limits::default();
    let reads_alike = Limits {
        max_rows: usual.max_rows,
        ..*limits
    } == usual;
    let made_alike = made.limits.keys().all(|name| !READING.contains(&&**name));
    reads_alike && made_alike
}

/// Whether the tables have no more rows than they may. A run that does not say how many they have is
/// not taken at its word.
fn has_few_rows(run: &RunSummary, limits: &Limits) -> bool {
    let report = InputReport::of_json(run.last.input.as_ref());
    report.is_some_and(|report| {
        report
            .tables
            .iter()
            .all(|table| table.rows <= limits.max_rows)
    })
}

/// How many events a committed run wrote over all its attempts.
fn events_of(run: &RunSummary) -> Option<u64> {
    let name = match run.kind() {
        RunKind::Window => "events",
        _ => "events_planned",
    };
    run.last.counts.get(name).copied()
}

/// Reads what the run wrote. `None` when that is not in the cache as the ledger counted it.
fn read(
    cache: &Cache,
    run: &RunSummary,
    entries: &[LedgerEntry],
    range: DayRange,
) -> Option<CachedOrders> {
    let attempts = entries.iter().filter(|entry| entry.run_id == run.run_id());
    let first = attempts
        .filter_map(|entry| entry.first.clone())
        .reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| a.min(b)).collect())?;
    let covered = cache.coverage();
    // A transaction ends somewhere behind its first record; its count tells whether all was seen.
    let ends = run.last.ends.as_deref().unwrap_or(covered.ends());
    if !covered.reaches(ends) {
        return None;
    }
    let mut gathered = Gathered::default();
    for (partition, (&from, &end)) in (0..).zip(first.iter().zip(ends)) {
        let read = cache.read_rows(partition, from..end, &mut |row| {
            if row.run.is_some_and(|header| run_id(header) == run.run_id()) {
                gathered.add(&row.change, range);
            }
        });
        match read {
            Ok(reached) if reached >= end => {}
            Ok(_) => return None,
            Err(error) => {
                tracing::warn!(%error, "the cache cannot be read; converting the files");
                return None;
            }
        }
    }
    if gathered.is_odd || Some(gathered.events) != events_of(run) {
        return None;
    }
    let dictionary = Arc::clone(gathered.packer.dictionary());
    Some(CachedOrders {
        run: run.run_id().to_owned(),
        parameters: parameters(run)?.clone(),
        report: InputReport::of_json(run.last.input.as_ref())?,
        orders: gathered.orders,
        regions: dictionary.regions(),
        dictionary,
    })
}

/// Rows of a run, put together order by order.
struct Gathered {
    packer: Packer,
    orders: Vec<CachedOrder>,
    places: HashMap<OrderKey, usize>,
    /// Events of the run, in the range or not.
    events: u64,
    /// One row does not go with another, or cannot be told: this is not what one conversion makes.
    is_odd: bool,
}

impl Default for Gathered {
    fn default() -> Self {
        Self {
            packer: Packer::new(Arc::default()),
            orders: Vec::new(),
            places: HashMap::new(),
            events: 0,
            is_odd: false,
        }
    }
}

impl Gathered {
    fn add(&mut self, change: &Change<'_>, range: DayRange) {
        // A window run also retracts.
        let Change::Assert(decoded) = change else {
            return;
        };
        self.events += 1;
        if !range.contains(decoded.event.event_at) {
            return;
        }
        let Ok(PackedChange::Assert(key, event_type, fact)) = self.packer.event(&decoded.event)
        else {
            self.is_odd = true;
            return;
        };
        let place = *self.places.entry(key).or_insert(self.orders.len());
        if place == self.orders.len() {
            self.orders.push(CachedOrder::new(key, fact));
        }
        let order = &mut self.orders[place];
        let known = order.times[event_type.rank()].replace(fact.event_at);
        self.is_odd |= known.is_some() || !order.goes_with(fact);
    }
}

impl CachedOrder {
    fn new(key: OrderKey, fact: Fact) -> Self {
        Self {
            key,
            seller_region: fact.seller_region,
            customer_region: fact.customer_region,
            estimated_delivery_at: fact.estimated_delivery_at,
            times: [None; 6],
        }
    }

    fn goes_with(&self, fact: Fact) -> bool {
        self.seller_region == fact.seller_region
            && self.customer_region == fact.customer_region
            && self.estimated_delivery_at == fact.estimated_delivery_at
    }
}
