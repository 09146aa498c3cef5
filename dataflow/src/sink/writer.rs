//! The one thread of a process that writes to the stores.
//!
//! Workers hand it jobs through a bounded channel and go on; what it has acknowledged they see as
//! a count, and they are woken when it grows. Jobs are done in the order in which they were handed
//! over. A store error ends the dataflow: the stores' own retries come before it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use eip_contract::Offset;
use eip_contract::document::RouteStatsRow;
use timely::scheduling::SyncActivator;

use super::reconcile::Stored;
use crate::control::{Control, Written};
use crate::store::{
    DocumentStore, DocumentView, DocumentWrite, RouteKey, StatsStore, StoreError, StoredDeadLetter,
    TickCommit,
};
use crate::tick::Tick;

/// Jobs that may wait; each holds some thousand documents.
const QUEUE: usize = 8;
/// Bits of a version below the epoch.
const TICK_BITS: u32 = 42;

/// One piece of work.
pub enum Job {
    /// Write these documents with the version of this tick.
    Bulk {
        /// Of which view.
        view: DocumentView,
        /// The latest tick in it.
        tick: Tick,
        /// At most one an id, in the order of the packed keys.
        writes: Vec<DocumentWrite>,
    },
    /// Everything up to this tick is written: commit it.
    Commit(Commit),
}

/// What one transaction of the stats store takes.
pub struct Commit {
    /// The latest tick in it.
    pub tick: Tick,
    /// How far the log is read.
    pub offsets: Vec<Offset>,
    /// New and changed rows.
    pub upserts: Vec<RouteStatsRow>,
    /// Rows that are gone.
    pub deletes: Vec<RouteKey>,
    /// New dead letters.
    pub dead_letters: Vec<StoredDeadLetter>,
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
    /// Starts the thread. It takes `epoch` from the stores' words and what is stored itself, then
    /// works until all handles are gone.
    pub fn start(
        stores: Stores,
        epoch: u64,
        workers: usize,
        control: Arc<Control>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE);
        let clients = (0..2 * workers)
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
                if let Err(error) = work(stores, epoch, &receiver, &shared, &control) {
                    control.fail(&error);
                }
            })?;
        Ok((writer, thread))
    }

    /// What was stored at the start, once it has been read.
    pub fn stored(&self) -> Option<&Stored> {
        self.shared.stored.get()
    }

    /// The line of an operator, which is woken through `activator`.
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
}

fn work(
    mut stores: Stores,
    mut epoch: u64,
    jobs: &Receiver<(usize, Job)>,
    shared: &Shared,
    control: &Control,
) -> Result<(), StoreError> {
    let rows = stores.stats.rows()?;
    let (listed, greatest) = Stored::read(&mut *stores.documents, rows)?;
    // Documents of a later epoch than the stats store knows: it was wiped or restored. Start above.
    epoch = epoch.max((greatest >> TICK_BITS) + 1);
    let _ = shared.stored.set(listed);
    for client in &shared.clients {
        client.wake();
    }
    while let Ok((client, job)) = jobs.recv() {
        match job {
            Job::Bulk { view, tick, writes } => {
                stores
                    .documents
                    .bulk(view, epoch << TICK_BITS | tick, &writes)?;
                let deleted = writes
                    .iter()
                    .filter(|w| matches!(w, DocumentWrite::Delete { .. }))
                    .count();
                control.count(|counts| {
                    let counts = counts.documents(view);
                    counts.deleted += deleted as u64;
                    counts.indexed += (writes.len() - deleted) as u64;
                });
            }
            Job::Commit(commit) => {
                stores.stats.commit(&TickCommit {
                    epoch,
                    tick: commit.tick,
                    offsets: &commit.offsets,
                    upserts: &commit.upserts,
                    deletes: &commit.deletes,
                    dead_letters: &commit.dead_letters,
                })?;
                control.count(|counts| {
                    counts.rows_upserted += commit.upserts.len() as u64;
                    counts.rows_deleted += commit.deletes.len() as u64;
                });
                control.set_written(Written {
                    tick: commit.tick,
                    offsets: commit.offsets,
                });
            }
        }
        shared.clients[client]
            .acknowledged
            .fetch_add(1, Ordering::Release);
        shared.clients[client].wake();
    }
    Ok(())
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
