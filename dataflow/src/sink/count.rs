//! Sinks that count updates and render nothing, for measurements: what is closed is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Probe, probe};

use crate::changes::{Outputs, count};
use crate::clock::TickEnds;
use crate::control::{Control, Written};
use crate::tick::Tick;

/// Counts the updates of every view as written.
pub fn connect(outputs: Outputs<'_>, written: &probe::Handle<Tick>, control: Arc<Control>) {
    let ends = outputs.views.into_iter().map(|changes| {
        let (view, control) = (changes.view(), Arc::clone(&control));
        changes.count(Box::new(move |updates| {
            control.count(|counts| counts.view(view).written += updates);
        }))
    });
    let letters = count(outputs.dead_letters, Box::new(|_| {}));
    let ends: Vec<_> = ends.chain([letters]).collect();
    let scope = outputs.ticks.scope();
    let mut builder = OperatorBuilder::new("Closed".to_owned(), scope);
    let mut ticks = builder.new_input(outputs.ticks, Exchange::new(|_: &TickEnds| 0));
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
