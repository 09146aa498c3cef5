//! The dataflow of one worker, on one screen.
//!
//! ```text
//!            ┌───────┐ tick + how far to read, to every worker
//!  worker 0: │ clock ├──────────────┬──────────────────────────────────────────┐
//!            └───▲───┘              ▼                                          │
//!                │            ┌──────────┐ dead letters                        │
//!                │            │  source  ├───────────────────────────────┐     │
//!                │            └────┬─────┘                               │     │
//!                │                 │ records: (offset, packed change)    │     │
//!                │            ┌────▼─────┐                               │     │
//!                │            │   fold   │ each order's current facts    │     │
//!                │            └─┬──────┬─┘                               │     │
//!                │   facts −old │      │ shipments −old +new             │     │
//!                │         +new │      ├─────────────────┐               │     │
//!                │   ┌──────────▼──┐ ┌─▼─────────┐ ┌─────▼───────────┐   │     │
//!                │   │ shipment_   │ │ shipments │ │ route_stats_    │   │     │
//!                │   │ events      │ └─┬─────────┘ │ daily ═exchange═│   │     │
//!                │   └──────────┬──┘   │           └─────┬───────────┘   │     │
//!                │           ┌──▼──────▼─┐ acknowledged  │ ═exchange═    │ ════│ to worker 0
//!                │           │ documents ├────────────┐  │               │     │
//!                │           └───────────┘ frontier ┌─▼──▼───────────────▼─────▼─┐
//!                │                                  │ stats: rows, progress      │
//!                └──────── written frontier ────────┤                            │
//!                                                   └────────────────────────────┘
//! ```
//!
//! A tick's life: *issued* by the clock, *closed* when every source has read up to its ends,
//! *written* when both stores have acknowledged all of it. Nothing is sent twice and only what is
//! small crosses workers: records never do, sums by day and route do.

use std::sync::Arc;

use eip_contract::{Dictionary, OrderKey};
use timely::dataflow::operators::probe;
use timely::dataflow::{Scope, StreamVec};

use crate::clock::{self, Clock, TickEnds};
use crate::control::Control;
use crate::fold::{self, Backlog};
use crate::sink::Sinks;
use crate::source::{self, LastRecord, RecordSource};
use crate::tick::{Rows, Tick};
use crate::views::route_stats_daily::{self, DayRoute, Regions, RouteStats};
use eip_stores::StoredDeadLetter;
use eip_views::shipment_events::OrderFact;
use eip_views::shipments::Shipment;

/// What one worker's dataflow is made from.
pub struct Parts {
    /// The clock, on one worker only.
    pub clock: Option<Clock>,
    /// The records of this worker's partitions.
    pub source: Box<dyn RecordSource>,
    /// Where the views go.
    pub sinks: Sinks,
    /// The texts behind the codes that the sources give.
    pub dictionary: Arc<Dictionary>,
    /// Whether the workers are spread over several processes.
    pub several_processes: bool,
    /// A secret of the process, for its hash tables.
    pub seed: [u64; 2],
    /// What the threads share.
    pub control: Arc<Control>,
}

/// What the stores are to hold, and what belongs beside it.
pub struct Views<'scope> {
    /// The documents of `shipment_events`.
    pub shipment_events: Rows<'scope, OrderFact>,
    /// The documents of `shipments`.
    pub shipments: Rows<'scope, (OrderKey, Shipment)>,
    /// The rows of `route_stats_daily`.
    pub route_stats_daily: Rows<'scope, (DayRoute, RouteStats)>,
    /// Records that were no canonical events.
    pub dead_letters: StreamVec<'scope, Tick, StoredDeadLetter>,
    /// The last record of each partition.
    pub last: StreamVec<'scope, Tick, LastRecord>,
    /// How far each tick reads.
    pub ticks: StreamVec<'scope, Tick, TickEnds>,
}

/// Builds the dataflow; the probe gives the written frontier.
pub fn build(scope: Scope<'_, Tick>, parts: Parts) -> probe::Handle<Tick> {
    let Parts {
        clock,
        source,
        sinks,
        dictionary,
        several_processes,
        seed,
        control,
    } = parts;
    let written = probe::Handle::new();
    let backlog = Backlog::default();
    let regions = Regions {
        dictionary: Arc::clone(&dictionary),
        several_processes,
    };
    let ticks = clock::ticks(scope, clock, written.clone(), Arc::clone(&control));
    let sourced = source::read(ticks.clone(), source, Arc::clone(&control));
    let current = fold::current(sourced.records, seed, backlog.clone());
    let views = Views {
        shipment_events: current.facts,
        shipments: current.shipments.clone(),
        route_stats_daily: route_stats_daily::render(current.shipments, &regions),
        dead_letters: sourced.dead_letters,
        last: sourced.last,
        ticks,
    };
    sinks.connect(views, &written, backlog, dictionary, control);
    written
}
