//! A plan: what becomes of each covered order, in records to write and in figures to report.
//!
//! The same builder serves window and revert runs. It never holds more than one entry an order.

use std::collections::BTreeMap;
use std::sync::Arc;

use eip_contract::reject::UNKNOWN_REGION;
use eip_contract::{Day, EventTime, EventType, Fact, Offset, OrderKey, partition_of};
use hashbrown::HashSet;
use sha2::{Digest as _, Sha256};

use super::guard::GuardFigures;
use super::id::PlanToken;
use super::log_facts::{FactsByRank, LogFacts};
use super::report::{DayDeltas, Deltas, FactText, MAX_SAMPLES, Named, Rehearsal, Sample};
use super::request::Emit;
use super::{facts_digest, routes};

/// What becomes of one order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderPlan {
    pub(crate) order: OrderKey,
    /// Its facts after the run.
    pub(crate) after: FactsByRank,
    /// Whether a tombstone comes first.
    pub(crate) tombstone: bool,
    /// By rank: whether the fact is written.
    pub(crate) write: [bool; 6],
}

impl OrderPlan {
    fn records(&self) -> u64 {
        u64::from(self.tombstone) + self.write.iter().filter(|&&write| write).count() as u64
    }
}

/// A whole plan, ready to be reported and applied.
pub(crate) struct Plan {
    /// Orders with something to write, in the order of writing.
    pub(crate) orders: Vec<OrderPlan>,
    /// Records of each partition.
    pub(crate) parts: Vec<u64>,
    /// Events to write, by type.
    pub(crate) events: BTreeMap<EventType, u64>,
    /// Every order that the run decides about, also those with nothing to write.
    pub(crate) covered: HashSet<OrderKey>,
    /// The snapshot that it was made on.
    pub(crate) base: Vec<Offset>,
    /// What to tell about it.
    pub(crate) report: Rehearsal,
}

impl Plan {
    /// Records to write.
    pub(crate) fn records(&self) -> u64 {
        self.parts.iter().sum()
    }
}

/// Orders that a window run leaves alone, by the reason.
#[derive(Default)]
pub(crate) struct LeftAlone {
    pub(crate) rejected_orders: Named,
    pub(crate) rejected_unnamed: Named,
    pub(crate) pushed_orders: Named,
    /// They would vanish, and rows of the orders may have swallowed theirs.
    pub(crate) swallowed_orders: Named,
    /// They would lose all their items, and rows of the items may have swallowed theirs.
    pub(crate) swallowed_items: Named,
}

/// Gathers a plan order by order. Orders must come in an order that depends on the input alone.
pub(crate) struct PlanBuilder {
    emit: Emit,
    orders: Vec<OrderPlan>,
    /// Facts before of the orders whose facts differ, beside their facts after: for the routes.
    differing: Vec<(OrderKey, FactsByRank)>,
    parts: Vec<u64>,
    written: [u64; 6],
    tombstones: u64,
    covered: HashSet<OrderKey>,
    by_type: [Deltas; 6],
    by_day: BTreeMap<Day, [Deltas; 6]>,
    vanishing: Named,
    /// Orders that lose a fact and do not vanish.
    losing_facts: Named,
    losing_regions: Named,
    losing_items: Named,
    figures: GuardFigures,
    samples: Vec<(OrderKey, EventType, Option<Fact>, Option<Fact>)>,
    content: Sha256,
}

impl PlanBuilder {
    /// `inputs` goes into the token beside the plan's content: what the plan was made from.
    pub(crate) fn new(partitions: u32, emit: Emit, inputs: &str) -> Self {
        let mut content = Sha256::new();
        hash_text(&mut content, inputs);
        Self {
            emit,
            orders: Vec::new(),
            differing: Vec::new(),
            parts: vec![0; partitions as usize],
            written: [0; 6],
            tombstones: 0,
            covered: HashSet::new(),
            by_type: [Deltas::default(); 6],
            by_day: BTreeMap::new(),
            vanishing: Named::default(),
            losing_facts: Named::default(),
            losing_regions: Named::default(),
            losing_items: Named::default(),
            figures: GuardFigures::default(),
            samples: Vec::new(),
            content,
        }
    }

    /// A covered order goes from `before` to `after`.
    pub(crate) fn add(
        &mut self,
        order: OrderKey,
        order_id: &str,
        before: &FactsByRank,
        after: &FactsByRank,
        regions: &mut RegionTexts,
    ) {
        self.covered.insert(order);
        hash_text(&mut self.content, order_id);
        let loses = before
            .iter()
            .zip(after)
            .any(|(old, new)| old.is_some() && new.is_none());
        let vanishes = loses && after.iter().all(Option::is_none);
        let mut plan = OrderPlan {
            order,
            after: *after,
            tombstone: loses,
            write: [false; 6],
        };
        for (rank, (old, new)) in before.iter().zip(after).enumerate() {
            self.compare(order, EventType::ALL[rank], *old, *new);
            hash_fact(&mut self.content, *old, regions);
            hash_fact(&mut self.content, *new, regions);
            let wanted = loses || self.emit == Emit::All || old != new;
            plan.write[rank] = new.is_some() && wanted;
            self.written[rank] += u64::from(plan.write[rank]);
        }
        self.tombstones += u64::from(plan.tombstone);
        let facts = before.iter().flatten().count() as u64;
        if vanishes {
            self.vanishing.add(|| order_id.to_owned());
            self.figures.vanishing += 1;
        } else {
            let lost = before
                .iter()
                .zip(after)
                .filter(|(old, new)| old.is_some() && new.is_none());
            let lost = lost.count() as u64;
            self.figures.facts += facts;
            self.figures.retracted += lost;
            if lost > 0 {
                self.losing_facts.add(|| order_id.to_owned());
            }
            if loses_region(before, after, regions) {
                self.losing_regions.add(|| order_id.to_owned());
                self.figures.lost_regions += 1;
            }
            if loses_items(before, after) {
                self.losing_items.add(|| order_id.to_owned());
            }
        }
        self.content.update([u8::from(plan.tombstone)]);
        self.content.update(plan.write.map(u8::from));
        if plan.records() > 0 {
            let partition = partition_of(order_id.as_bytes(), self.parts.len() as u32);
            self.parts[partition as usize] += plan.records();
            self.orders.push(plan);
        }
        if before != after {
            self.differing.push((order, *after));
        }
    }

    fn compare(
        &mut self,
        order: OrderKey,
        event_type: EventType,
        old: Option<Fact>,
        new: Option<Fact>,
    ) {
        let Some(day) = new.or(old).map(|fact| fact.event_at.day()) else {
            return;
        };
        let one = match (old, new) {
            (None, _) => Deltas {
                added: 1,
                ..Deltas::default()
            },
            (_, None) => Deltas {
                retracted: 1,
                ..Deltas::default()
            },
            (old, new) if old == new => Deltas {
                same: 1,
                ..Deltas::default()
            },
            _ => Deltas {
                changed: 1,
                ..Deltas::default()
            },
        };
        self.by_type[event_type.rank()] += one;
        self.by_day.entry(day).or_default()[event_type.rank()] += one;
        if one.differing() > 0 && self.samples.len() < MAX_SAMPLES {
            self.samples.push((order, event_type, old, new));
        }
    }

    /// Closes the plan on the snapshot `base`, whose facts are `log`.
    pub(crate) fn finish(self, log: &LogFacts, base: Vec<Offset>, left: LeftAlone) -> Plan {
        let mut regions = RegionTexts::new(log);
        let [facts_before, facts_after] =
            facts_digest::before_and_after(log, &self.differing, &mut regions);
        let mut facts = Deltas::default();
        self.by_type.iter().for_each(|deltas| facts += *deltas);
        let samples = self
            .samples
            .iter()
            .map(|&(order, event_type, before, after)| Sample {
                order_id: log.order_id(order),
                event_type,
                before: before.map(|fact| regions.fact_text(fact)),
                after: after.map(|fact| regions.fact_text(fact)),
            });
        let (route_stats_daily, route_figures) = routes::change(log, &self.differing);
        let report = Rehearsal {
            samples: samples.collect(),
            token: PlanToken::of_digest(&self.content.finalize()),
            orders_covered: self.covered.len() as u64,
            facts_before,
            facts_after,
            facts,
            by_type: by_name(&self.by_type),
            by_day: self
                .by_day
                .iter()
                .map(|(&day, by_type)| DayDeltas {
                    day,
                    by_type: by_name(by_type),
                })
                .collect(),
            vanishing: self.vanishing,
            losing_facts: self.losing_facts,
            losing_regions: self.losing_regions,
            losing_items: self.losing_items,
            rejected_orders: left.rejected_orders,
            rejected_unnamed: left.rejected_unnamed,
            pushed_orders: left.pushed_orders,
            swallowed_orders: left.swallowed_orders,
            swallowed_items: left.swallowed_items,
            left_count: 0,
            left_facts: Vec::new(),
            route_stats_daily,
            route_figures,
            events: self.written.iter().sum(),
            tombstones: self.tombstones,
            figures: GuardFigures {
                covered: self.covered.len() as u64,
                ..self.figures
            },
            guard: None,
            input_stop: None,
        };
        let events = EventType::ALL
            .into_iter()
            .zip(self.written)
            .filter(|&(_, count)| count > 0);
        Plan {
            orders: self.orders,
            parts: self.parts,
            covered: self.covered,
            events: events.collect(),
            base,
            report,
        }
    }
}

/// What a shipment would have as its regions: those of its fact of the highest rank.
fn regions_of(facts: &FactsByRank) -> Option<[eip_contract::RegionCode; 2]> {
    let last = facts.iter().flatten().next_back()?;
    Some([last.seller_region, last.customer_region])
}

/// Whether seller or customer fall from a known region to the unknown one.
fn loses_region(before: &FactsByRank, after: &FactsByRank, regions: &mut RegionTexts) -> bool {
    let (Some(before), Some(after)) = (regions_of(before), regions_of(after)) else {
        return false;
    };
    let mut is_unknown = |region| regions.text(region) == UNKNOWN_REGION;
    let mut pairs = before.into_iter().zip(after);
    pairs.any(|(old, new)| old != new && is_unknown(new) && !is_unknown(old))
}

/// Whether a warehouse had the order, which takes an item, and now there is none although it is
/// approved.
fn loses_items(before: &FactsByRank, after: &FactsByRank) -> bool {
    let at = |facts: &FactsByRank, event_type: EventType| facts[event_type.rank()].is_some();
    at(before, EventType::WarehouseAssigned)
        && !at(after, EventType::WarehouseAssigned)
        && at(after, EventType::OrderApproved)
}

fn by_name(by_type: &[Deltas; 6]) -> BTreeMap<EventType, Deltas> {
    let used = |(_, deltas): &(EventType, Deltas)| *deltas != Deltas::default();
    EventType::ALL
        .into_iter()
        .zip(*by_type)
        .filter(used)
        .collect()
}

/// Length first, so that no two sequences of texts give the same bytes.
pub(crate) fn hash_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

pub(crate) fn hash_fact(hash: &mut Sha256, fact: Option<Fact>, regions: &mut RegionTexts) {
    let Some(fact) = fact else {
        hash.update([0]);
        return;
    };
    let estimated = fact.estimated_delivery_at.map_or(-1, EventTime::seconds);
    let mut bytes = [1; 17];
    bytes[1..9].copy_from_slice(&fact.event_at.seconds().to_le_bytes());
    bytes[9..].copy_from_slice(&estimated.to_le_bytes());
    hash.update(bytes);
    hash_text(hash, regions.text(fact.seller_region));
    hash_text(hash, regions.text(fact.customer_region));
}

/// The texts of the regions, kept aside from the shared dictionary's lock.
pub(crate) struct RegionTexts {
    dictionary: Arc<eip_contract::Dictionary>,
    texts: Vec<Arc<str>>,
}

impl RegionTexts {
    pub(crate) fn new(log: &LogFacts) -> Self {
        let dictionary = Arc::clone(log.packer.dictionary());
        Self {
            texts: dictionary.regions(),
            dictionary,
        }
    }

    /// The text of a region.
    pub(crate) fn text(&mut self, code: eip_contract::RegionCode) -> &str {
        let place = code.0 as usize;
        if place >= self.texts.len() {
            self.texts = self.dictionary.regions();
        }
        &self.texts[place]
    }

    fn fact_text(&mut self, fact: Fact) -> FactText {
        FactText {
            event_at: fact.event_at,
            seller_region: self.text(fact.seller_region).to_owned(),
            customer_region: self.text(fact.customer_region).to_owned(),
            estimated_delivery_at: fact.estimated_delivery_at,
        }
    }
}
