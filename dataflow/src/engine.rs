//! Runs the graph on worker threads, whatever feeds it and wherever it writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eip_contract::Dictionary;
use timely::WorkerConfig;
use timely::communication::WorkerGuards;

use crate::clock::Clock;
use crate::control::Control;
use crate::graph::{self, Parts};
use crate::sink::Sinks;
use crate::source::{RecordSource, SourceError};
use crate::tick::Tick;

/// Longest sleep of an idle worker: how soon it sees that another one has failed.
const PARK: Duration = Duration::from_millis(50);

/// Opens a worker's source, on its own thread.
pub type OpenSource = Box<dyn FnOnce() -> Result<Box<dyn RecordSource>, SourceError> + Send>;

/// What the engine runs.
pub struct EngineConfig {
    /// One a worker; their number is that of the workers.
    pub sources: Vec<OpenSource>,
    /// The clock of worker 0.
    pub clock: Clock,
    /// Where the views go.
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
            clock,
            sinks,
            dictionary,
            seed,
            control,
        } = config;
        let workers = sources.len();
        let mut clock = Some(clock);
        let parts: Vec<_> = sources
            .into_iter()
            .map(|open| Mutex::new(Some((open, clock.take(), sinks.clone()))))
            .collect();
        drop(sinks);
        let shared = Arc::clone(&control);
        let work = move |worker: &mut timely::worker::Worker| {
            let guard = shared.worker();
            let mine = parts[worker.index()]
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
                sinks,
                dictionary: Arc::clone(&dictionary),
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
        let communication = match workers {
            1 => timely::CommunicationConfig::Thread,
            workers => timely::CommunicationConfig::Process(workers),
        };
        let config = timely::Config {
            communication,
            worker: WorkerConfig::default(),
        };
        Ok(Self {
            guards: Some(timely::execute(config, work)?),
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
