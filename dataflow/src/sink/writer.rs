//! The one thread of a process that writes to the stores.
//!
//! Workers hand it jobs through a bounded channel and go on; what it has acknowledged they see as
//! a count, and they are woken when it grows. Jobs are done in the order in which they were handed
//! over. A store that is unwell holds them up: the writer says so, waits longer each time up to
//! half a minute, and tries again. Any other store error ends the dataflow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eip_contract::Offset;
use eip_log::Mark;
use eip_views::View;
use timely::scheduling::SyncActivator;

use super::reconcile::{Placement, Stored};
use crate::control::{Control, Written};
use crate::crash::CrashPoint;
use crate::tick::Tick;
use eip_stores::{
    DocumentStore, DocumentWrite, Look, Retry, RowChanges, StatsStore, StoreError,
    StoredDeadLetter, TickCommit, leaves_entries, version_of,
};

/// Jobs that may wait; each holds some thousand documents.
const QUEUE: usize = 8;
/// Shortest and longest wait for a store that is unwell.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// How often what was written is made visible to searches while more is coming.
const REFRESH: Duration = Duration::from_secs(1);

/// One piece of work.
pub enum Job {
    /// Write these documents with the version of this tick.
    Bulk {
        /// Of which view.
        view: &'static View,
        /// The latest tick in it.
        tick: Tick,
        /// At most one an id, in the order of the packed keys.
        writes: Vec<DocumentWrite>,
    },
    /// Everything up to this tick is written: commit it.
    Commit(Box<Commit>),
}

/// What one transaction of the stats store takes.
pub struct Commit {
    /// The latest tick in it.
    pub tick: Tick,
    /// How far the log is read.
    pub offsets: Vec<Offset>,
    /// By partition the last record read; none where it is not known.
    pub last: Vec<Option<Mark>>,
    /// The rows that change, of each view at most once.
    pub rows: Vec<RowChanges>,
    /// New dead letters.
    pub dead_letters: Vec<StoredDeadLetter>,
    /// Whether these are all there are.
    pub all_dead_letters: bool,
}

/// Both stores, opened by their owner.
pub struct Stores {
    /// Of the documents.
    pub documents: Box<dyn DocumentStore>,
    /// Of rows and progress.
    pub stats: Box<dyn StatsStore>,
}

/// Whom to tell that a worker's jobs are done.
struct Client {
    acknowledged: AtomicU64,
    activator: OnceLock<Mutex<SyncActivator>>,
}

struct Shared {
    /// Two a worker: its documents, then its stats.
    clients: Vec<Client>,
    stored: OnceLock<Stored>,
}

/// A handle to the writer; clones share it.
#[derive(Clone)]
pub struct Writer {
    sender: SyncSender<(usize, Job)>,
    shared: Arc<Shared>,
}

/// One operator's own line to the writer.
pub struct Line {
    writer: Writer,
    client: usize,
    sent: u64,
}

/// Which operator of a worker.
#[derive(Clone, Copy)]
pub enum Desk {
    /// Its documents.
    Documents,
    /// Its stats.
    Stats,
}

impl Writer {
    /// Starts the thread. When the first tick comes it reads what is stored of `views`, then works until
    /// all handles are gone.
    pub fn start(
        stores: Stores,
        views: Vec<&'static View>,
        placement: Placement,
        look: Look,
        control: Arc<Control>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE);
        let clients = (0..2 * placement.workers)
            .map(|_| Client {
                acknowledged: AtomicU64::new(0),
                activator: OnceLock::new(),
            })
            .collect();
        let shared = Arc::new(Shared {
            clients,
            stored: OnceLock::new(),
        });
        let writer = Self {
            sender,
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new()
            .name("eip-writer".to_owned())
            .spawn(move || {
                let work = Work {
                    stores,
                    views,
                    placement,
                    look,
                    shared: &shared,
                    control: &control,
                    epoch: 0,
                };
                if let Err(error) = work.run(&receiver) {
                    match error.retry {
                        Retry::Anew => control.fail_for_anew(&error),
                        Retry::Never | Retry::Backoff => control.fail(&error),
                    }
                }
            })?;
        Ok((writer, thread))
    }

    /// Workers of this process.
    pub fn workers(&self) -> usize {
        self.shared.clients.len() / 2
    }

    /// What was stored at the start, once it has been read.
    pub fn stored(&self) -> Option<&Stored> {
        self.shared.stored.get()
    }

    /// The line of an operator of this process's worker number `worker`, woken through `activator`.
    pub fn line(&self, worker: usize, desk: Desk, activator: SyncActivator) -> Line {
        let client = 2 * worker + desk as usize;
        let taken = self.shared.clients[client]
            .activator
            .set(Mutex::new(activator));
        assert!(taken.is_ok(), "one operator a line");
        Line {
            writer: self.clone(),
            client,
            sent: 0,
        }
    }
}

impl Line {
    /// Hands a job over; gives it back while the writer has enough to do.
    pub fn send(&mut self, job: Job) -> Result<(), Job> {
        match self.writer.sender.try_send((self.client, job)) {
            Ok(()) => {
                self.sent += 1;
                Ok(())
            }
            // A writer that has ended has failed, and the workers are about to stop.
            Err(TrySendError::Full((_, job)) | TrySendError::Disconnected((_, job))) => Err(job),
        }
    }

    /// Whether all jobs handed over are acknowledged.
    pub fn is_idle(&self) -> bool {
        self.writer.shared.clients[self.client]
            .acknowledged
            .load(Ordering::Acquire)
            == self.sent
    }

    /// See [`Writer::stored`].
    pub fn stored(&self) -> Option<&Stored> {
        self.writer.stored()
    }

    /// Which of this process's workers this is.
    pub fn worker(&self) -> usize {
        self.client / 2
    }
}

/// The thread's own.
struct Work<'a> {
    stores: Stores,
    views: Vec<&'static View>,
    placement: Placement,
    look: Look,
    shared: &'a Shared,
    control: &'a Control,
    epoch: u64,
}

impl Work<'_> {
    fn run(mut self, jobs: &Receiver<(usize, Job)>) -> Result<(), StoreError> {
        let Some(beginning) = self.control.wait_beginning() else {
            return Ok(());
        };
        self.epoch = beginning.epoch;
        let stored = self.read_stored()?;
        let _ = self.shared.stored.set(stored);
        self.shared.clients.iter().for_each(Client::wake);
        // The tick that is written and not visible yet, and when the last refresh began.
        let (mut unseen, mut refreshed) = (None, Instant::now());
        loop {
            let job = match unseen {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => jobs.recv_timeout(REFRESH.saturating_sub(refreshed.elapsed())),
            };
            match job {
                Ok((client, job)) => {
                    unseen = self.work(job)?.or(unseen);
                    let client = &self.shared.clients[client];
                    client.acknowledged.fetch_add(1, Ordering::Release);
                    client.wake();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if unseen.is_some() && refreshed.elapsed() >= REFRESH {
                refreshed = Instant::now();
                self.make_visible(unseen.take())?;
            }
        }
        self.make_visible(unseen)
    }

    fn read_stored(&mut self) -> Result<Stored, StoreError> {
        let Self {
            stores,
            views,
            placement,
            look,
            control,
            epoch,
            ..
        } = self;
        let (documents, stats) = (&mut *stores.documents, &mut *stores.stats);
        let name = documents.name();
        patiently(control, name, || {
            documents.write_as(*epoch, placement.process)
        })?;
        let (of_documents, of_rows): (Vec<_>, Vec<_>) =
            views.iter().copied().partition(|view| view.is_documents());
        let mut rows = Vec::new();
        if placement.process == 0 {
            for view in of_rows {
                let stored = patiently(control, stats.name(), || stats.rows(view))?;
                rows.push((view, stored));
            }
        }
        let stored = patiently(control, name, || {
            Stored::read(documents, &of_documents, *look, *placement)
        })?;
        Ok(stored.with_rows(rows))
    }

    /// Does one job; gives the tick that it has written whole.
    fn work(&mut self, job: Job) -> Result<Option<Tick>, StoreError> {
        match job {
            Job::Bulk { view, tick, writes } => self.bulk(view, tick, writes).map(|()| None),
            Job::Commit(commit) => {
                let tick = TickCommit {
                    epoch: self.epoch,
                    tick: commit.tick,
                    offsets: &commit.offsets,
                    last: &commit.last,
                    rows: &commit.rows,
                    dead_letters: &commit.dead_letters,
                    all_dead_letters: commit.all_dead_letters,
                };
                let stats = &mut *self.stores.stats;
                self.control.comes_to(CrashPoint::BeforeCommit);
                let begun = Instant::now();
                patiently(self.control, stats.name(), || stats.commit(&tick))?;
                let changed = commit.rows.iter();
                let rows: usize = changed
                    .map(|one| one.upserts.len() + one.deletes.len())
                    .sum();
                let took = begun.elapsed();
                tracing::debug!(tick = commit.tick, rows, ?took, "tick committed");
                self.control.comes_to(CrashPoint::AfterCommit);
                self.control.count(|counts| {
                    for changes in &commit.rows {
                        let counts = counts.view(changes.view);
                        counts.written += changes.upserts.len() as u64;
                        counts.deleted += changes.deletes.len() as u64;
                    }
                });
                self.control.set_written(Written {
                    tick: commit.tick,
                    offsets: commit.offsets,
                });
                Ok(Some(commit.tick))
            }
        }
    }

    fn bulk(
        &mut self,
        view: &'static View,
        tick: Tick,
        mut writes: Vec<DocumentWrite>,
    ) -> Result<(), StoreError> {
        let sent = writes.len() as u64;
        let deleted = self.note_deleted(view, tick, &writes)?;
        let version = version_of(self.epoch, tick);
        let documents = &mut *self.stores.documents;
        let mut refused = Vec::new();
        self.control.comes_to(CrashPoint::BeforeBulk);
        let begun = Instant::now();
        patiently(self.control, documents.name(), || {
            refused.append(&mut documents.bulk(view, version, &mut writes)?);
            Ok(())
        })?;
        let took = begun.elapsed();
        tracing::debug!(
            view = view.name,
            documents = sent,
            ?took,
            "documents written"
        );
        self.control.comes_to(CrashPoint::AfterBulk);
        if !refused.is_empty() {
            // Kept before the tick can count as written, so that none is lost.
            let stats = &mut *self.stores.stats;
            patiently(self.control, stats.name(), || stats.refuse(&refused))?;
            let (id, reason) = (&refused[0].id, &refused[0].reason);
            let count = refused.len();
            tracing::warn!(
                count,
                id,
                reason,
                "documents refused; see `eip deadletters list`"
            );
        }
        self.control.count(|counts| {
            counts.refused += refused.len() as u64;
            let counts = counts.view(view);
            counts.deleted += deleted;
            counts.written += sent - deleted;
        });
        Ok(())
    }

    /// How many documents these writes delete. Entries of them are written before they are gone: a crash in
    /// between leaves an entry too many, never one too few.
    fn note_deleted(
        &mut self,
        view: &'static View,
        tick: Tick,
        writes: &[DocumentWrite],
    ) -> Result<u64, StoreError> {
        let deletes = writes.iter().filter_map(|write| match write {
            DocumentWrite::Delete { id } => Some(id.as_str()),
            DocumentWrite::Index { .. } => None,
        });
        let ids: Vec<&str> = deletes.collect();
        if !ids.is_empty() && leaves_entries(view) {
            let (stats, epoch) = (&mut *self.stores.stats, self.epoch);
            patiently(self.control, stats.name(), || {
                stats.note_deleted(epoch, view, tick, &ids)
            })?;
        }
        Ok(ids.len() as u64)
    }

    fn make_visible(&mut self, tick: Option<Tick>) -> Result<(), StoreError> {
        let Some(tick) = tick else { return Ok(()) };
        let documents = &mut *self.stores.documents;
        patiently(self.control, documents.name(), || documents.refresh())?;
        self.control.set_visible(tick);
        let (stats, epoch) = (&mut *self.stores.stats, self.epoch);
        patiently(self.control, stats.name(), || {
            stats.publish_visible(epoch, tick)
        })?;
        Ok(())
    }
}

/// Does something to a store until it is well. Gives the error up when only a beginning anew helps,
/// and when the dataflow is stopped, so that a store that stays away keeps nobody from stopping.
fn patiently<T>(
    control: &Control,
    name: &str,
    mut attempt: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut pause = PAUSES.0;
    loop {
        match attempt() {
            Ok(done) => {
                control.unblocked(name);
                return Ok(done);
            }
            Err(error) if error.retry == Retry::Never => return Err(error),
            Err(error) => {
                control.blocked(name, &error.chain());
                let is_useless = error.retry == Retry::Anew;
                if is_useless || control.is_failed() || control.is_stopped() {
                    return Err(error);
                }
                control.pause(pause);
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

impl Client {
    fn wake(&self) {
        if let Some(activator) = self.activator.get() {
            // Where the worker has ended there is nobody to wake.
            let _ = activator
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .activate();
        }
    }
}
