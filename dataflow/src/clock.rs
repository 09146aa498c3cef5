//! The one clock of the dataflow: it issues ticks, each with how far to read.
//!
//! It runs on worker 0. A tick is max(wall milliseconds, last + 1) and never goes back, not even
//! over a restart, since it starts above the last one written. With each tick it samples the log's
//! committed ends once and sends them to every worker; each reads exactly up to them. A sample is
//! atomic as to transactions, so all of a window backfill is inside one tick and the views go from
//! the whole old to the whole new window at once.
//!
//! How such a sample is taken is the log's business ([`LogEnds`]); while the log cannot be asked,
//! the clock waits and says that it is blocked. What is written it reports back to the log.
//!
//! The first tick is everything up to the log's end at start: hydration. The second is issued when
//! the first is written, so that nothing of it can meet what reconciliation still has to take
//! away; after that two ticks may be in flight, one being written and one being read. So a slow
//! store makes ticks larger and nothing else.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use eip_log::LogEnds;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::operators::probe;
use timely::dataflow::{Scope, StreamVec};

use crate::control::Control;
use crate::tick::{Tick, WallClock};

/// Ticks that may be issued and not written.
const IN_FLIGHT: usize = 2;

/// The log's name among what can be blocked.
const LOG: &str = "log";

/// A tick's message to one worker.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct TickEnds {
    /// Whom it is for.
    pub worker: u64,
    /// The epoch under which this dataflow writes: other processes learn it here.
    pub epoch: u64,
    /// How far to read, by partition.
    pub upto: Vec<Offset>,
}

/// What the clock goes by.
pub struct Clock {
    /// How far the log goes.
    pub ends: Box<dyn LogEnds>,
    /// The epoch under which this dataflow writes.
    pub epoch: u64,
    /// The time.
    pub wall: WallClock,
    /// The last tick of an earlier start.
    pub last: Tick,
    /// How long it sleeps when there is nothing to do; zero spins.
    pub poll: Duration,
}

/// Issues ticks, on the worker that has the clock, until it is told to stop.
pub fn ticks(
    scope: Scope<'_, Tick>,
    clock: Option<Clock>,
    written: probe::Handle<Tick>,
    control: Arc<Control>,
) -> StreamVec<'_, Tick, TickEnds> {
    let workers = scope.peers() as u64;
    source::<_, CapacityContainerBuilder<Vec<TickEnds>>, _, _>(
        scope,
        "Clock",
        |capability, info| {
            if clock.is_some() {
                control.wake_clock_with(scope.worker().sync_activator_for(info.address.to_vec()));
            }
            let activator = scope.activator_for(info.address);
            let mut running = clock.map(|clock| (clock, capability));
            let mut read_upto: Option<Vec<Offset>> = None;
            let mut in_flight: VecDeque<(Tick, Vec<Offset>)> = VecDeque::new();
            let mut hydrated = false;
            let mut next_look = Instant::now();
            move |output| {
                if control.is_stopped() {
                    running = None;
                }
                let Some((clock, capability)) = running.as_mut() else {
                    return;
                };
                while let Some((_tick, upto)) =
                    in_flight.pop_front_if(|(tick, _upto)| !written.less_equal(tick))
                {
                    clock.ends.report(&upto);
                    hydrated = true;
                }
                if in_flight.len() < if hydrated { IN_FLIGHT } else { 1 } {
                    match clock.ends.poll() {
                        Ok(ends) if read_upto.as_ref() != Some(&ends) => {
                            let tick = (clock.wall)().max(clock.last + 1);
                            clock.last = tick;
                            capability.downgrade(&tick);
                            let epoch = clock.epoch;
                            output.session(&*capability).give_iterator((0..workers).map(
                                |worker| TickEnds {
                                    worker,
                                    epoch,
                                    upto: ends.clone(),
                                },
                            ));
                            capability.downgrade(&(tick + 1));
                            in_flight.push_back((tick, ends.clone()));
                            read_upto = Some(ends);
                            control.unblocked(LOG);
                            control.count(|counts| counts.ticks += 1);
                        }
                        Ok(_) => control.unblocked(LOG),
                        Err(error) if error.is_passing() => {
                            control.blocked(LOG, &error.to_string());
                        }
                        Err(error) => control.fail(&error),
                    }
                }
                // Whoever wakes the clock in between must not leave a second alarm running.
                if next_look <= Instant::now() {
                    next_look = Instant::now() + clock.poll;
                    activator.activate_after(clock.poll);
                }
            }
        },
    )
}
