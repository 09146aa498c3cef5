//! The ends of the dataflow: closed ticks become writes, and writes become the written frontier.
//!
//! ```text
//!  worker w                                                       one thread a process
//!  documents ────────► [Documents] ──bulk──────────────────────►┌────────┐
//!                          │ capability until acknowledged      │ writer ├─► document store
//!                          ▼ frontier                           │        ├─► stats store
//!  rows, dead letters ─► [Stats] on worker 0 ──commit──────────►└────────┘
//!                          │ capability until acknowledged
//!                          ▼
//!                       written
//! ```
//!
//! Any number of views goes in, documents to the one, rows to the other. Documents are consolidated
//! by `_id`, so one is written once however many events moved it; what closed while a write was under
//! way is written as one. A tick's rows, dead letters and progress are committed when every worker's
//! documents of it are acknowledged.

pub mod count;
pub mod documents;
pub mod reconcile;
pub mod stats;
pub mod writer;

use std::sync::Arc;

use eip_contract::Dictionary;
use timely::dataflow::operators::probe;

use crate::changes::{Changes, Outputs};
use crate::control::Control;
use crate::fold::Backlog;
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
        outputs: Outputs<'_>,
        written: &probe::Handle<Tick>,
        backlog: Backlog,
        dictionary: Arc<Dictionary>,
        control: Arc<Control>,
    ) {
        match self {
            Self::Count => count::connect(outputs, written, control),
            Self::Stores(writer) => {
                let scope = outputs.ticks.scope();
                let worker = scope.index() % writer.workers();
                let (mut documents, mut rows) = (Vec::new(), Vec::new());
                for changes in outputs.views {
                    match changes {
                        Changes::Documents(changes) => documents.push(changes),
                        Changes::Rows(changes) => rows.push(changes),
                    }
                }
                let acknowledged = documents::write(
                    scope,
                    documents,
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
                        rows,
                        dead_letters: outputs.dead_letters,
                        last: outputs.last,
                        ticks: outputs.ticks,
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
