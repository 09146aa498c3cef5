//! Starts the dataflow over a log and its stores and tells how far it is.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use eip_contract::{Dictionary, Offset};
use eip_log::{Log, LogError, Stretch};
use eip_parquet_cache::{Cache, CacheError};

use crate::clock::Clock;
use crate::cluster::Sockets;
use crate::control::{Blocked, Control, Counts, Written};
use crate::crash::Crash;
use crate::engine::{Engine, EngineConfig, OpenSource};
use crate::latency::LatencyFigures;
use crate::sink::Sinks;
use crate::sink::reconcile::Placement;
use crate::sink::writer::{Stores, Writer};
use crate::source::log::LogSource;
use crate::source::{RecordSource, partitions_of};
use crate::tick::WallClock;
use crate::views::{Maintained, built_in};
use eip_stores::{Look, Progress, SqliteStore, StoreError};
use eip_views::View;

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
    /// The views are those of another log, or of this one when it was another.
    #[error(
        "the views were made from log {theirs}, this is log {ours}: it was made anew; keep its views \
         with `eip space adopt`, or have them made from this log with `eip space reset`"
    )]
    OtherLog {
        /// The log that the views were made from.
        theirs: String,
        /// The log that is here.
        ours: String,
    },
    /// The number of partitions is not what it was.
    #[error(
        "the views were made from {written} partitions, the log has {partitions}: an order's records \
         are now in two of them, which no reader can order; make a new log and write it anew \
         (`eip space reset`)"
    )]
    OtherPartitions {
        /// When the views were made.
        written: usize,
        /// Now.
        partitions: u32,
    },
    /// What the views had is gone from a store. Spawned again, the dataflow finds out what is missing
    /// and makes it.
    #[error("{0}; a dataflow that starts makes what is missing")]
    Anew(String),
    /// Threads could not be started.
    #[error("the workers cannot be started: {0}")]
    Start(String),
    /// It ended with an error; the text holds the whole chain.
    #[error("the dataflow failed: {0}")]
    Failed(String),
}

/// What a dataflow is made from.
pub struct DataflowConfig {
    /// What is read.
    pub log: Log,
    /// Worker threads of this process; partition p belongs to worker p modulo those of all.
    pub workers: usize,
    /// The other processes of this dataflow; none when this is the only one.
    pub cluster: Option<Cluster>,
    /// The views; another program adds its own.
    pub views: Vec<Maintained>,
    /// Where they are kept.
    pub stores: Stores,
    /// How closely what is stored is looked at before it counts as right.
    pub look: Look,
    /// The time, for ticks.
    pub wall: WallClock,
    /// How often the log is looked at when nothing happens. [`DataflowHandle::wait_written`] looks
    /// at once. Zero spins.
    pub poll: Duration,
    /// Whether the Parquet cache is used. It saves time and changes nothing else.
    pub cache: bool,
    /// A secret of the process, for its hash tables; changes no result.
    pub seed: [u64; 2],
    /// Where a test wants the process to die.
    pub crash: Option<Crash>,
}

/// A process among several.
pub struct Cluster {
    /// Which one, from 0 on. Process 0 has the clock and commits.
    pub process: usize,
    /// How many there are.
    pub processes: usize,
    /// Sockets to the others.
    pub sockets: Sockets,
}

impl DataflowConfig {
    /// One worker over `stores`.
    pub fn new(log: Log, stores: Stores, wall: WallClock) -> Self {
        let random = RandomState::new();
        Self {
            log,
            workers: 1,
            cluster: None,
            views: built_in(),
            stores,
            look: Look::Listed,
            wall,
            poll: Duration::from_millis(5),
            cache: true,
            seed: [random.hash_one(1), random.hash_one(2)],
            crash: None,
        }
    }

    /// One worker over the SQLite file in the log's folder. `holder` names this program to whoever
    /// finds the file in use.
    pub fn embedded(
        log: impl Into<Log>,
        holder: &str,
        wall: WallClock,
    ) -> Result<Self, StoreError> {
        let log = log.into();
        let store = SqliteStore::open(log.folder(), &log.topic_id().to_string(), holder)?;
        let stores = Stores {
            documents: Box::new(store.clone()),
            stats: Box::new(store),
        };
        Ok(Self::new(log, stores, wall))
    }
}

/// How far a dataflow is and what it has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The written frontier; none before hydration is written.
    pub written: Option<Written>,
    /// The last tick of which searches find everything.
    pub visible: Option<u64>,
    /// What it waits for at the moment, in its own words.
    pub blocked: Vec<Blocked>,
    /// What it has done since it started.
    pub counts: Counts,
    /// How long records took that came since then.
    pub latency: LatencyFigures,
}

/// A running dataflow. Dropped, it ends as with [`DataflowHandle::shutdown`].
pub struct DataflowHandle {
    control: Arc<Control>,
    engine: Option<Engine>,
    writer: Option<JoinHandle<()>>,
    /// Whether this is process 0, which decides when the dataflow ends.
    is_first: bool,
}

/// Starts a dataflow on threads of its own: it hydrates, reconciles and follows the log.
///
/// # Panics
/// If two of its views have one name.
pub fn spawn(config: DataflowConfig) -> Result<DataflowHandle, DataflowError> {
    let DataflowConfig {
        log,
        workers,
        cluster,
        views,
        mut stores,
        look,
        wall,
        poll,
        cache,
        seed,
        crash,
    } = config;
    let (process, processes, sockets) = match cluster {
        Some(cluster) => (cluster.process, cluster.processes, Some(cluster.sockets)),
        None => (0, 1, None),
    };
    let kept = views_of(&views);
    stores.documents.keep(&kept);
    stores.stats.keep(&kept);
    let placement = Placement {
        process,
        processes,
        workers,
        partitions: log.partitions(),
    };
    // The cache before the ends: what it holds must not lie behind them.
    let cache = if cache {
        let opened = Cache::open(&log).map_err(|error| match error {
            // The log's own words name the way out.
            CacheError::Log(error) => DataflowError::Log(error),
            error => DataflowError::Cache(error),
        })?;
        Some(Arc::new(opened))
    } else {
        None
    };
    let clock = if process == 0 {
        let progress = stores.stats.progress()?;
        let mut departed = Vec::new();
        if let Some(progress) = &progress {
            check_same_log(&log, progress)?;
            departed = departures(&log, progress)?;
        }
        let epoch = take_over(&mut stores, progress.as_ref(), processes)?;
        if !departed.is_empty() {
            tracing::warn!(
                partitions = ?departed,
                "the log was cut, restored or written again: it has not the records that the views \
                 were made from; the views are made again from the log"
            );
            stores.stats.begin_again(epoch)?;
        }
        Some(Clock {
            epoch,
            ends: log.ends()?,
            wall: Arc::clone(&wall),
            last: progress.map_or(0, |progress| progress.tick),
            poll,
        })
    } else {
        None
    };
    let control = Arc::new(Control::with_crash(crash));
    if process == 0 {
        control.measure(wall);
    }
    let (sink, thread) = Writer::start(stores, kept, placement, look, Arc::clone(&control))
        .map_err(|error| DataflowError::Start(error.to_string()))?;
    let writer = Some(thread);
    let dictionary = Arc::new(Dictionary::default());
    let sources = (0..workers).map(|worker| {
        let worker = process * workers + worker;
        let mine = partitions_of(worker, placement.peers(), placement.partitions);
        let (log, cache, dictionary) = (log.clone(), cache.clone(), Arc::clone(&dictionary));
        let open: OpenSource = Box::new(move || {
            let source: Box<dyn RecordSource> =
                Box::new(LogSource::open(&log, cache, mine, dictionary)?);
            Ok(source)
        });
        open
    });
    let engine = EngineConfig {
        sources: sources.collect(),
        clock,
        sockets,
        views,
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
        is_first: process == 0,
    })
}

/// What the views are; each has its own name.
fn views_of(maintained: &[Maintained]) -> Vec<&'static View> {
    let views: Vec<&'static View> = maintained.iter().map(Maintained::view).collect();
    for (place, view) in views.iter().enumerate() {
        let is_new = !views[..place].contains(view);
        assert!(is_new, "two views are named {}", view.name);
    }
    views
}

/// Refuses a log that is not the one that the views were made from.
fn check_same_log(log: &Log, progress: &Progress) -> Result<(), DataflowError> {
    let ours = log.topic_id().to_string();
    if progress.topic_id != ours {
        let theirs = progress.topic_id.clone();
        return Err(DataflowError::OtherLog { theirs, ours });
    }
    let (written, partitions) = (progress.offsets.len(), log.partitions());
    if written != 0 && written != partitions as usize {
        return Err(DataflowError::OtherPartitions {
            written,
            partitions,
        });
    }
    Ok(())
}

/// The partitions of which the log does not have what the views were made from: it ends before, or has
/// another record where the last one was. The first tick of a dataflow writes what differs.
pub fn departures(log: &Log, progress: &Progress) -> Result<Vec<u32>, LogError> {
    let ends = log.committed_ends()?;
    let read = (0..).zip(progress.offsets.iter().zip(&ends));
    let is_cut = |&(_, (written, end)): &(u32, (&Offset, &Offset))| written > end;
    let (cut, whole): (Vec<_>, Vec<_>) = read.partition(is_cut);
    let mut departed: Vec<u32> = cut.into_iter().map(|(partition, _)| partition).collect();
    let (mut stretches, mut expected) = (Vec::new(), Vec::new());
    for (partition, (&written, _)) in whole {
        if let Some(&Some(mark)) = progress.last.get(partition as usize) {
            let range = mark.offset..written;
            stretches.push(Stretch { partition, range });
            expected.push(mark);
        }
    }
    let found = match log.marks(&stretches) {
        Err(error) if error.is_passing() => vec![None; stretches.len()],
        found => found?,
    };
    for ((stretch, mark), found) in stretches.iter().zip(expected).zip(found) {
        match found {
            Some(found) if found == [mark] => {}
            Some(_) => departed.push(stretch.partition),
            // Whatever it is, hydration writes what the log has.
            None => tracing::debug!(stretch.partition, "the last record read was not compared"),
        }
    }
    departed.sort_unstable();
    Ok(departed)
}

/// Takes both stores over under an epoch above all that either of them knows.
fn take_over(
    stores: &mut Stores,
    progress: Option<&Progress>,
    processes: usize,
) -> Result<u64, StoreError> {
    let known = progress.map_or(0, |progress| progress.epoch);
    let least = 1 + known.max(stores.documents.greatest_epoch()?);
    let epoch = stores.stats.take_epoch(least)?;
    stores.documents.take_over(epoch, processes)?;
    let lineage = stores.documents.lineage()?;
    stores.stats.begin_changes(epoch, lineage.as_deref())?;
    Ok(epoch)
}

impl DataflowHandle {
    /// Waits until the views hold everything before `ends`, one offset a partition. An error of
    /// the dataflow comes back as [`DataflowError::Failed`] or [`DataflowError::Anew`], also to those
    /// who wait already.
    pub fn wait_written(&self, ends: &[Offset]) -> Result<Written, DataflowError> {
        self.control
            .wait_written(ends)
            .map_err(|failure| self.error(failure))
    }

    /// How far it is now.
    pub fn progress(&self) -> Summary {
        self.watch().progress()
    }

    /// Whether it has ended with an error; [`DataflowHandle::shutdown`] then says which.
    pub fn has_failed(&self) -> bool {
        self.control.is_failed()
    }

    /// Somebody else's view of it.
    pub fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.control))
    }

    /// Whether all its threads have ended: after a failure, or in another process than the first
    /// when that one has ended.
    pub fn has_ended(&self) -> bool {
        self.has_failed() || self.writer.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Reads no further, waits until what was read is written, and ends. In another process than
    /// the first it waits until that one ends the dataflow.
    pub fn shutdown(mut self) -> Result<Summary, DataflowError> {
        self.end();
        match self.control.failure() {
            Some(failure) => Err(self.error(failure.to_owned())),
            None => Ok(self.progress()),
        }
    }

    fn error(&self, failure: String) -> DataflowError {
        if self.control.helps_anew() {
            DataflowError::Anew(failure)
        } else {
            DataflowError::Failed(failure)
        }
    }

    fn end(&mut self) {
        if self.is_first {
            self.control.stop();
        }
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

/// Tells how far a dataflow is, from any thread and also after it has ended.
#[derive(Clone)]
pub struct Watch(Arc<Control>);

impl Watch {
    /// How far it is now.
    pub fn progress(&self) -> Summary {
        Summary {
            written: self.0.written(),
            visible: self.0.visible(),
            blocked: self.0.all_blocked(),
            counts: self.0.counts(),
            latency: self.0.latency(),
        }
    }

    /// Whether it has ended with an error that a dataflow that begins anew does not mend.
    pub fn has_failed(&self) -> bool {
        self.0.is_failed() && !self.0.helps_anew()
    }
}

impl Drop for DataflowHandle {
    fn drop(&mut self) {
        self.end();
    }
}
