//! What all readers of the stream share: the changes so far, and whether somebody looks for more.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Changes that are kept for those who come back.
const RING: usize = 1_000;
/// Changes that a reader may be behind before it is dropped.
const BEHIND: usize = 64;

/// One change.
#[derive(Debug)]
pub(crate) struct Change {
    /// The visible tick that it is the first of.
    pub(crate) tick: u64,
    /// What it says, as JSON.
    pub(crate) data: String,
}

/// The changes, and who is told of them.
#[derive(Debug)]
pub(crate) struct Hub {
    sender: Sender<Arc<Change>>,
    ring: Mutex<VecDeque<Arc<Change>>>,
    /// Whether a task looks for changes.
    watched: Mutex<bool>,
    tasks: TaskTracker,
    ended: CancellationToken,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(BEHIND).0,
            ring: Mutex::default(),
            watched: Mutex::default(),
            tasks: TaskTracker::new(),
            ended: CancellationToken::new(),
        }
    }
}

impl Hub {
    /// How many read.
    pub(crate) fn readers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// All that is published from now on.
    pub(crate) fn subscribe(&self) -> Receiver<Arc<Change>> {
        self.sender.subscribe()
    }

    /// The tick of the last change.
    pub(crate) fn last(&self) -> Option<u64> {
        self.ring().back().map(|change| change.tick)
    }

    /// What was published after the change of `tick`; none where that is not known any more.
    pub(crate) fn after(&self, tick: u64) -> Option<Vec<Arc<Change>>> {
        let ring = self.ring();
        let at = ring.iter().position(|change| change.tick == tick)?;
        Some(ring.iter().skip(at + 1).cloned().collect())
    }

    /// Keeps a change and tells everybody.
    pub(crate) fn publish(&self, tick: u64, data: String) {
        let change = Arc::new(Change { tick, data });
        let mut ring = self.ring();
        if ring.len() == RING {
            ring.pop_front();
        }
        ring.push_back(Arc::clone(&change));
        // Without a reader there is nobody to tell.
        let _ = self.sender.send(change);
    }

    /// Runs `watch` as a task, unless one runs. It ends with the hub, or when [`Hub::is_left`] says so.
    pub(crate) fn watch_with(&self, watch: impl Future<Output = ()> + Send + 'static) {
        let mut watched = self.watched();
        if std::mem::replace(&mut *watched, true) {
            return;
        }
        let ended = self.ended.clone();
        self.tasks.spawn(async move {
            ended.run_until_cancelled(watch).await;
        });
    }

    /// Whether nobody reads; then the one who watches stops, and the next reader starts another.
    pub(crate) fn is_left(&self) -> bool {
        // Under the lock, so that a reader that comes now finds either this task or none.
        let mut watched = self.watched();
        let is_left = self.readers() == 0;
        *watched = !is_left;
        is_left
    }

    /// Ends all readers.
    pub(crate) fn close(&self) {
        self.ended.cancel();
    }

    /// Comes when the hub is closed.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.ended.clone().cancelled_owned()
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Arc<Change>>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, bool> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
