//! Starts the dataflow beside a state folder and tells how far it is.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use eip_contract::{Dictionary, Offset};
use eip_log::{LogError, StateDir};
use eip_parquet_cache::{Cache, CacheError};

use crate::clock::{Clock, WallClock};
use crate::control::{Control, Counts, Written};
use crate::engine::{Engine, EngineConfig, OpenSource};
use crate::sink::Sinks;
use crate::sink::writer::{Stores, Writer};
use crate::source::ends::JournalEnds;
use crate::source::log::LogSource;
use crate::source::{RecordSource, partitions_of};
use crate::store::{SqliteStore, StoreError};

/// Why a dataflow could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DataflowError {
    /// A store could not be opened or read.
    #[error("the views' store cannot be used")]
    Store(#[from] StoreError),
    /// The log could not be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// The cache folder could not be read.
    #[error("the cache cannot be read; delete its folder to do without it")]
    Cache(#[from] CacheError),
    /// The views know more of the log than there is.
    #[error(
        "the views were made from partition {partition} up to offset {written}, but the log ends \
         at {end}: it was cut or replaced; delete views.sqlite to make the views anew"
    )]
    LogCut {
        /// The partition.
        partition: usize,
        /// How far the views go.
        written: Offset,
        /// How far the log goes.
        end: Offset,
    },
    /// Threads could not be started.
    #[error("the workers cannot be started: {0}")]
    Start(String),
    /// It ended with an error; the text holds the whole chain.
    #[error("the dataflow failed: {0}")]
    Failed(String),
}

/// What a dataflow is made from.
pub struct DataflowConfig {
    /// Whose log is read.
    pub state: StateDir,
    /// Worker threads; partition p belongs to worker p modulo their number.
    pub workers: usize,
    /// Where the views are kept.
    pub stores: Stores,
    /// The time, for ticks.
    pub wall: WallClock,
    /// How often the log is looked at when nothing happens. [`DataflowHandle::wait_written`] looks
    /// at once. Zero spins.
    pub poll: Duration,
    /// Whether the Parquet cache is used. It saves time and changes nothing else.
    pub cache: bool,
    /// A secret of the process, for its hash tables; changes no result.
    pub seed: [u64; 2],
}

impl DataflowConfig {
    /// One worker over the state folder's own SQLite file. `holder` names this program to whoever
    /// finds the file in use.
    pub fn embedded(state: StateDir, holder: &str, wall: WallClock) -> Result<Self, StoreError> {
        let store = SqliteStore::open(state.path(), &state.topic_id().to_string(), holder)?;
        let random = RandomState::new();
        Ok(Self {
            state,
            workers: 1,
            stores: Stores {
                documents: Box::new(store.clone()),
                stats: Box::new(store),
            },
            wall,
            poll: Duration::from_millis(5),
            cache: true,
            seed: [random.hash_one(1), random.hash_one(2)],
        })
    }
}

/// How far a dataflow is and what it has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The written frontier; none before hydration is written.
    pub written: Option<Written>,
    /// What it has done since it started.
    pub counts: Counts,
}

/// A running dataflow. Dropped, it ends as with [`DataflowHandle::shutdown`].
pub struct DataflowHandle {
    control: Arc<Control>,
    engine: Option<Engine>,
    writer: Option<JoinHandle<()>>,
}

/// Starts a dataflow on threads of its own: it hydrates, reconciles and follows the log.
pub fn spawn(config: DataflowConfig) -> Result<DataflowHandle, DataflowError> {
    let DataflowConfig {
        state,
        workers,
        mut stores,
        wall,
        poll,
        cache,
        seed,
    } = config;
    let progress = stores.stats.progress()?;
    // The cache before the ends: what it holds must not lie behind them.
    let cache = if cache {
        Some(Arc::new(Cache::open(&state)?))
    } else {
        None
    };
    let ends = eip_log::committed_ends(&state)?;
    let written = progress
        .as_ref()
        .map_or(&[][..], |progress| &progress.offsets);
    for (partition, (&written, &end)) in written.iter().zip(&ends).enumerate() {
        if written > end {
            return Err(DataflowError::LogCut {
                partition,
                written,
                end,
            });
        }
    }
    let epoch = stores.stats.take_epoch()?;
    let control = Arc::new(Control::default());
    let (sink, thread) = Writer::start(stores, epoch, workers, Arc::clone(&control))
        .map_err(|error| DataflowError::Start(error.to_string()))?;
    let writer = Some(thread);
    let clock = Clock {
        ends: Box::new(JournalEnds::open(&state)?),
        wall,
        last: progress.map_or(0, |progress| progress.tick),
        poll,
    };
    let dictionary = Arc::new(Dictionary::default());
    let sources = (0..workers).map(|worker| {
        let mine = partitions_of(worker, workers, state.partitions());
        let (state, cache, dictionary) = (state.clone(), cache.clone(), Arc::clone(&dictionary));
        let open: OpenSource = Box::new(move || {
            let source: Box<dyn RecordSource> =
                Box::new(LogSource::open(&state, cache, mine, dictionary)?);
            Ok(source)
        });
        open
    });
    let engine = EngineConfig {
        sources: sources.collect(),
        clock,
        sinks: Sinks::Stores(sink),
        dictionary: Arc::clone(&dictionary),
        seed,
        control: Arc::clone(&control),
    };
    let engine = Some(Engine::start(engine).map_err(DataflowError::Start)?);
    Ok(DataflowHandle {
        control,
        engine,
        writer,
    })
}

impl DataflowHandle {
    /// Waits until the views hold everything before `ends`, one offset a partition. An error of
    /// the dataflow comes back as [`DataflowError::Failed`], also to those who wait already.
    pub fn wait_written(&self, ends: &[Offset]) -> Result<Written, DataflowError> {
        self.control
            .wait_written(ends)
            .map_err(DataflowError::Failed)
    }

    /// How far it is now.
    pub fn progress(&self) -> Summary {
        Summary {
            written: self.control.written(),
            counts: self.control.counts(),
        }
    }

    /// Whether it has ended with an error; [`DataflowHandle::shutdown`] then says which.
    pub fn has_failed(&self) -> bool {
        self.control.is_failed()
    }

    /// Reads no further, waits until what was read is written, and ends.
    pub fn shutdown(mut self) -> Result<Summary, DataflowError> {
        self.end();
        match self.control.failure() {
            Some(failure) => Err(DataflowError::Failed(failure.to_owned())),
            None => Ok(self.progress()),
        }
    }

    fn end(&mut self) {
        self.control.stop();
        if let Some(engine) = self.engine.take() {
            engine.join();
        }
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            self.control
                .fail_with("the writer of the views panicked".to_owned());
        }
    }
}

impl Drop for DataflowHandle {
    fn drop(&mut self) {
        self.end();
    }
}
