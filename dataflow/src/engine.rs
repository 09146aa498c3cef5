//! Runs the graph on worker threads, whatever feeds it and wherever it writes.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eip_contract::Dictionary;
use timely::WorkerConfig;
use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{self, AllocatorBuilder, WorkerGuards};

use crate::clock::Clock;
use crate::cluster::Sockets;
use crate::control::Control;
use crate::graph::{self, Parts};
use crate::sink::Sinks;
use crate::source::{RecordSource, SourceError};
use crate::tick::Tick;
use crate::views::Maintained;

/// Longest sleep of an idle worker: how soon it sees that another one has failed.
const PARK: Duration = Duration::from_millis(50);

/// Opens a worker's source, on its own thread.
pub type OpenSource = Box<dyn FnOnce() -> Result<Box<dyn RecordSource>, SourceError> + Send>;

/// What the engine runs.
pub struct EngineConfig {
    /// One a worker of this process; their number is that of its workers.
    pub sources: Vec<OpenSource>,
    /// The clock of worker 0, in the process that has this worker.
    pub clock: Option<Clock>,
    /// The sockets to the other processes, where there are others.
    pub sockets: Option<Sockets>,
    /// The views.
    pub views: Vec<Maintained>,
    /// Where they go.
    pub sinks: Sinks,
    /// The texts behind the codes that the sources give.
    pub dictionary: Arc<Dictionary>,
    /// A secret of the process, for its hash tables.
    pub seed: [u64; 2],
    /// What the threads share.
    pub control: Arc<Control>,
}

/// The running worker threads.
pub struct Engine {
    guards: Option<WorkerGuards<()>>,
    control: Arc<Control>,
}

impl Engine {
    /// Starts the workers.
    pub fn start(config: EngineConfig) -> Result<Self, String> {
        let EngineConfig {
            sources,
            mut clock,
            sockets,
            views,
            sinks,
            dictionary,
            seed,
            control,
        } = config;
        let workers = sources.len();
        let several_processes = sockets.is_some();
        let parts: Vec<_> = sources
            .into_iter()
            .map(|open| Mutex::new(Some((open, clock.take(), sinks.clone()))))
            .collect();
        drop(sinks);
        let shared = Arc::clone(&control);
        let work = move |worker: &mut timely::worker::Worker| {
            let guard = shared.worker();
            let mine = parts[worker.index() % parts.len()]
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            let (open, clock, sinks) = mine.expect("every worker starts once");
            let source = match open() {
                Ok(source) => source,
                Err(error) => {
                    shared.fail(&*error);
                    Box::new(Nothing)
                }
            };
            let parts = Parts {
                clock,
                source,
                views: views.clone(),
                sinks,
                dictionary: Arc::clone(&dictionary),
                several_processes,
                seed,
                control: Arc::clone(&shared),
            };
            worker.dataflow_named::<Tick, _, _>("Views", |scope| graph::build(scope, parts));
            while !shared.is_failed() && worker.step_or_park(Some(PARK)) {}
            for dataflow in worker.installed_dataflows() {
                worker.drop_dataflow(dataflow);
            }
            drop(guard);
        };
        let (builders, others) = match sockets {
            Some(sockets) => join_cluster(sockets, workers).map_err(|error| error.to_string())?,
            None if workers == 1 => communication::Config::Thread.try_build()?,
            None => communication::Config::Process(workers).try_build()?,
        };
        let guards =
            timely::execute::execute_from(builders, others, WorkerConfig::default(), work)?;
        Ok(Self {
            guards: Some(guards),
            control,
        })
    }

    /// Waits until the workers have ended, which [`Control::stop`] asks for or a failure brings.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        // A panic has been noted by the worker's guard.
        if let Some(guards) = self.guards.take() {
            let _ = guards.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.control.stop();
        self.wait();
    }
}

/// Lets timely take the sockets, which have been checked.
fn join_cluster(
    sockets: Sockets,
    workers: usize,
) -> std::io::Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>)> {
    let hooks = communication::Hooks::default();
    let (refill, spill) = (hooks.refill.clone(), hooks.spill.clone());
    let local = ProcessBuilder::new_typed_vector(workers, refill, spill);
    let Sockets { process, streams } = sockets;
    let (builders, guard) =
        initialize_networking_from_sockets(local, streams, process, workers, hooks)?;
    let builders = builders.into_iter().map(AllocatorBuilder::Tcp).collect();
    Ok((builders, Box::new(guard)))
}

/// Stands in for a source that could not be opened; the dataflow has failed already.
struct Nothing;

impl RecordSource for Nothing {
    fn read(
        &mut self,
        _upto: &[eip_contract::Offset],
        _most: usize,
        _batch: &mut crate::source::Batch,
    ) -> Result<bool, SourceError> {
        Ok(false)
    }
}
