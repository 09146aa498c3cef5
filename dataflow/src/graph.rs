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

use eip_contract::Dictionary;
use timely::dataflow::Scope;
use timely::dataflow::operators::probe;

use crate::changes::Outputs;
use crate::clock::{self, Clock};
use crate::control::Control;
use crate::fold::{self, Backlog};
use crate::sink::Sinks;
use crate::source::{self, RecordSource};
use crate::tick::Tick;
use crate::views::Maintained;
use crate::views::route_stats_daily::Regions;

/// What one worker's dataflow is made from.
pub struct Parts {
    /// The clock, on one worker only.
    pub clock: Option<Clock>,
    /// The records of this worker's partitions.
    pub source: Box<dyn RecordSource>,
    /// The views.
    pub views: Vec<Maintained>,
    /// Where they go.
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

/// Builds the dataflow; the probe gives the written frontier.
pub fn build(scope: Scope<'_, Tick>, parts: Parts) -> probe::Handle<Tick> {
    let Parts {
        clock,
        source,
        views,
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
    let views = views.iter().map(|view| view.render(&current, &regions));
    let outputs = Outputs {
        views: views.collect(),
        dead_letters: sourced.dead_letters,
        last: sourced.last,
        ticks,
    };
    sinks.connect(outputs, &written, backlog, dictionary, control);
    written
}
