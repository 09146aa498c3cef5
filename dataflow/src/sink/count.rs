//! Sinks that count updates and render nothing, for measurements: what is closed is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use timely::Accountable;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Operator as _, Probe, probe};

use crate::clock::TickEnds;
use crate::control::{Control, Counts, Written};
use crate::graph::Views;
use crate::tick::Tick;

/// Counts the updates of every view; those of documents as indexed, those of rows as upserted.
pub fn connect(views: Views<'_>, written: &probe::Handle<Tick>, control: Arc<Control>) {
    let counted = |change: fn(&mut Counts, u64)| {
        let control = Arc::clone(&control);
        move |updates: u64| control.count(|counts| change(counts, updates))
    };
    let ends = [
        count(
            views.shipment_events.inner,
            counted(|counts, updates| counts.shipment_events.indexed += updates),
        ),
        count(
            views.shipments.inner,
            counted(|counts, updates| counts.shipments.indexed += updates),
        ),
        count(
            views.route_stats_daily.inner,
            counted(|counts, updates| counts.rows_upserted += updates),
        ),
        count(views.dead_letters, |_| {}),
    ];
    let scope = views.ticks.scope();
    let mut builder = OperatorBuilder::new("Closed".to_owned(), scope);
    let mut ticks = builder.new_input(views.ticks, Exchange::new(|_: &TickEnds| 0));
    for end in ends {
        builder.new_input(end, Pipeline);
    }
    let (output, stream) = builder.new_output();
    let _output = OutputBuilder::<Tick, CapacityContainerBuilder<Vec<()>>>::from(output);
    builder.build(move |_capabilities| {
        let mut open = BTreeMap::new();
        move |frontiers| {
            ticks.for_each(|capability, ends: &mut Vec<TickEnds>| {
                let tick = *capability.least().expect("sent under a capability");
                open.extend(ends.drain(..).map(|ends| (tick, ends.upto)));
            });
            while let Some(first) = open.first_entry()
                && frontiers.iter().all(|input| !input.less_equal(first.key()))
            {
                let (tick, offsets) = first.remove_entry();
                control.set_written(Written { tick, offsets });
            }
        }
    });
    stream.probe_with(written);
}

/// Counts records and drops them.
fn count<D: Clone + 'static>(
    stream: StreamVec<'_, Tick, D>,
    counted: impl Fn(u64) + 'static,
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
