//! The ends of the dataflow: closed ticks become writes, and writes become the written frontier.
//!
//! ```text
//!  worker w                                                       one thread a process
//!  facts, shipments ─► [Documents] ──bulk──────────────────────►┌────────┐
//!                          │ capability until acknowledged      │ writer ├─► document store
//!                          ▼ frontier                           │        ├─► stats store
//!  rows, dead letters ─► [Stats] on worker 0 ──commit──────────►└────────┘
//!                          │ capability until acknowledged
//!                          ▼
//!                       written
//! ```
//!
//! Documents are consolidated by `_id`, so one is written once however many events moved it; what
//! closed while a write was under way is written as one. A tick's rows, dead letters and progress
//! are committed when every worker's documents of it are acknowledged.

pub mod consolidate;
pub mod count;
pub mod documents;
pub mod reconcile;
pub mod stats;
pub mod writer;

use std::sync::Arc;

use eip_contract::Dictionary;
use timely::dataflow::operators::probe;

use crate::control::Control;
use crate::fold::Backlog;
use crate::graph::Views;
use crate::sink::writer::Writer;
use crate::tick::Tick;

/// Where the views of one worker go.
#[derive(Clone)]
pub enum Sinks {
    /// Nowhere: updates are counted and nothing is rendered. What is closed is written.
    Count,
    /// To the stores behind a writer.
    Stores(Writer),
}

impl Sinks {
    /// Connects the views; `written` follows the written frontier.
    pub fn connect(
        self,
        views: Views<'_>,
        written: &probe::Handle<Tick>,
        backlog: Backlog,
        dictionary: Arc<Dictionary>,
        control: Arc<Control>,
    ) {
        match self {
            Self::Count => count::connect(views, written, control),
            Self::Stores(writer) => {
                let workers = writer.workers();
                let worker = views.ticks.scope().index() % workers;
                let acknowledged = documents::write(
                    views.shipment_events,
                    views.shipments,
                    documents::Parts {
                        writer: writer.clone(),
                        worker,
                        backlog,
                        dictionary,
                        control,
                    },
                );
                stats::write(
                    stats::Inputs {
                        rows: views.route_stats_daily,
                        dead_letters: views.dead_letters,
                        last: views.last,
                        ticks: views.ticks,
                        acknowledged,
                    },
                    written,
                    &writer,
                    worker,
                );
            }
        }
    }
}
