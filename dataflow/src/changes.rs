//! The changes of views where they leave the dataflow: each stream has its own type up to here, and
//! sinks take any number of them.
//!
//! What is done for each update is compiled for its type ([`documents`], [`rows`]); what is called
//! through a trait object is called once a batch, or once a document that is written.

pub mod consolidate;
pub mod documents;
pub mod rows;

use eip_stores::StoredDeadLetter;
use eip_views::View;
use timely::Accountable;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator as _;

use self::documents::DocumentChanges;
use self::rows::RowChanges;
use crate::clock::TickEnds;
use crate::source::LastRecord;
use crate::tick::Tick;

/// The changes of one view.
pub enum Changes<'scope> {
    /// Of one that is kept as documents.
    Documents(Box<dyn DocumentChanges<'scope> + 'scope>),
    /// Of one that is kept as rows.
    Rows(Box<dyn RowChanges<'scope> + 'scope>),
}

/// What the stores are to hold, and what belongs beside it.
pub struct Outputs<'scope> {
    /// The changes of every view.
    pub views: Vec<Changes<'scope>>,
    /// Records that were no canonical events.
    pub dead_letters: StreamVec<'scope, Tick, StoredDeadLetter>,
    /// The last record of each partition.
    pub last: StreamVec<'scope, Tick, LastRecord>,
    /// How far each tick reads.
    pub ticks: StreamVec<'scope, Tick, TickEnds>,
}

/// What is done with a number of updates.
pub type Counted = Box<dyn Fn(u64)>;

impl<'scope> Changes<'scope> {
    /// Of which view they are.
    pub fn view(&self) -> &'static View {
        match self {
            Self::Documents(changes) => changes.view(),
            Self::Rows(changes) => changes.view(),
        }
    }

    /// Counts the updates and drops them.
    pub fn count(self, counted: Counted) -> StreamVec<'scope, Tick, ()> {
        match self {
            Self::Documents(changes) => changes.count(counted),
            Self::Rows(changes) => changes.count(counted),
        }
    }
}

/// Counts what comes and drops it.
pub fn count<D: Clone + 'static>(
    stream: StreamVec<'_, Tick, D>,
    counted: Counted,
) -> StreamVec<'_, Tick, ()> {
    stream.unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "Count", |_, _| {
        move |input, _output| {
            let mut updates = 0;
            input.for_each(|_, records| {
                updates += records.record_count() as u64;
                records.clear();
            });
            if updates > 0 {
                counted(updates);
            }
        }
    })
}
