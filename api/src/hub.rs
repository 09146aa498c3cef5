//! What all readers of the stream share: the changes so far, and whether somebody looks for more.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most changes that are kept for those who come back.
const RING: usize = 1_000;
/// Most bytes of them.
const RING_BYTES: usize = 64 << 20;
/// Changes that a reader may be behind before it is dropped.
const BEHIND: usize = 64;

/// One change.
#[derive(Debug)]
pub(crate) struct Change {
    /// What kind.
    pub(crate) name: &'static str,
    /// Where it is in the stream.
    pub(crate) place: Place,
    /// What it says, as JSON.
    pub(crate) data: String,
}

/// A place in the stream of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The visible tick of the views.
    pub(crate) tick: u64,
    /// Counts the changes of this instance. It begins with the time of its start, so that another instance,
    /// which has other changes, does not take the place for one of its own.
    pub(crate) number: u64,
}

impl Place {
    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (tick, number) = text.split_once(':')?;
        Some(Self {
            tick: tick.parse().ok()?,
            number: number.parse().ok()?,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.tick, self.number)
    }
}

/// The changes, and who is told of them.
#[derive(Debug)]
pub(crate) struct Hub {
    sender: Sender<Arc<Change>>,
    ring: Mutex<Ring>,
    /// Whether a task looks for changes.
    watched: Mutex<bool>,
    tasks: TaskTracker,
    ended: CancellationToken,
}

#[derive(Debug)]
struct Ring {
    changes: VecDeque<Arc<Change>>,
    /// Bytes of what they say.
    bytes: usize,
    /// Where the stream is.
    last: Place,
}

impl Ring {
    /// Keeps a change, and of those before it no more than there is room for.
    fn keep(&mut self, change: Arc<Change>, most_bytes: usize) {
        self.last = change.place;
        self.bytes += change.data.len();
        self.changes.push_back(change);
        while self.changes.len() > RING || self.bytes > most_bytes {
            let Some(oldest) = self.changes.pop_front() else {
                break;
            };
            self.bytes -= oldest.data.len();
        }
    }
}

impl Hub {
    /// A stream that begins behind the change `number`.
    pub(crate) fn beginning(number: u64) -> Self {
        let ring = Ring {
            changes: VecDeque::new(),
            bytes: 0,
            last: Place { tick: 0, number },
        };
        Self {
            sender: broadcast::channel(BEHIND).0,
            ring: Mutex::new(ring),
            watched: Mutex::default(),
            tasks: TaskTracker::new(),
            ended: CancellationToken::new(),
        }
    }

    /// How many read.
    pub(crate) fn readers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// All that is published from now on.
    pub(crate) fn subscribe(&self) -> Receiver<Arc<Change>> {
        self.sender.subscribe()
    }

    /// Where the stream is.
    pub(crate) fn last(&self) -> Place {
        self.ring().last
    }

    /// What was published behind `place`; none where that is not known any more, or never was.
    pub(crate) fn behind(&self, place: Place) -> Option<Vec<Arc<Change>>> {
        let ring = self.ring();
        if place == ring.last {
            return Some(Vec::new());
        }
        let at = ring.changes.iter().position(|change| change.place == place);
        Some(ring.changes.iter().skip(at? + 1).cloned().collect())
    }

    /// Keeps a change of the views' visible `tick` and tells everybody.
    pub(crate) fn publish(&self, name: &'static str, tick: u64, data: String) {
        let mut ring = self.ring();
        let number = ring.last.number + 1;
        let place = Place { tick, number };
        let change = Arc::new(Change { name, place, data });
        ring.keep(Arc::clone(&change), RING_BYTES);
        // Under the lock, so that all hear of the changes in their order. Without a reader there is nobody to
        // tell.
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

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, bool> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::RecvError;

    use super::*;

    #[test]
    fn what_was_missed_is_known_for_the_last_thousand_changes() {
        let hub = Hub::beginning(5_000);
        let start = hub.last();
        assert_eq!(hub.behind(start).map(|missed| missed.len()), Some(0));
        for tick in 1..=3 {
            hub.publish("overview", tick, String::new());
            hub.publish("runs", tick, String::new());
        }
        let place = Place::parse("2:5003").unwrap();
        let missed = hub.behind(place).unwrap();
        let missed: Vec<String> = missed
            .iter()
            .map(|change| format!("{} {}", change.name, change.place))
            .collect();
        assert_eq!(missed, ["runs 2:5004", "overview 3:5005", "runs 3:5006"]);
        // Of another instance, or of nobody.
        for other in ["2:4003", "3:5003", "9:9999"] {
            assert!(
                hub.behind(Place::parse(other).unwrap()).is_none(),
                "{other}"
            );
        }
        for bad in ["", "2", "2:", ":5", "a:b", "2:5003:1"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
        for tick in 0..995 {
            hub.publish("overview", tick, String::new());
        }
        assert!(hub.behind(Place::parse("1:5001").unwrap()).is_none());
        let oldest = hub.behind(Place::parse("1:5002").unwrap());
        assert_eq!(oldest.map(|missed| missed.len()), Some(999));
    }

    #[test]
    fn of_large_changes_fewer_are_kept() {
        let hub = Hub::beginning(0);
        for number in 1..=3 {
            let change = Change {
                name: "shipments",
                place: Place { tick: 1, number },
                data: "x".repeat(40),
            };
            hub.ring().keep(Arc::new(change), 100);
        }
        let ring = hub.ring();
        let kept = ring.changes.iter().map(|change| change.place.number);
        assert_eq!(kept.collect::<Vec<_>>(), [2, 3]);
        assert_eq!(ring.last.number, 3);
    }

    /// Bytes of memory that this process has.
    fn memory() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let resident = pages.split(' ').nth(1).unwrap();
        resident.parse::<usize>().unwrap() * 4_096
    }

    #[tokio::test]
    async fn readers_that_never_read_are_dropped_and_take_no_memory() {
        let hub = Arc::new(Hub::beginning(0));
        let mut silent: Vec<_> = (0..10).map(|_| hub.subscribe()).collect();
        let reading: Vec<_> = (0..90)
            .map(|_| {
                let mut receiver = hub.subscribe();
                hub.tasks.spawn(async move {
                    let mut last = 0;
                    while let Ok(change) = receiver.recv().await {
                        assert_eq!(change.place.number, last + 1);
                        last = change.place.number;
                        if last == 20_000 {
                            break;
                        }
                    }
                    last
                })
            })
            .collect();
        let mut before = 0;
        for tick in 0..20_000 {
            hub.publish("overview", tick, "x".repeat(2_000));
            // Those who read do so before they are too far behind.
            tokio::task::yield_now().await;
            if tick == 2_000 {
                before = memory();
            }
        }
        let grown = memory().saturating_sub(before);
        for reader in reading {
            assert_eq!(reader.await.unwrap(), 20_000);
        }
        for receiver in &mut silent {
            assert!(matches!(receiver.recv().await, Err(RecvError::Lagged(_))));
        }
        // Kept for each of the silent ones it would be 400 MB.
        assert!(grown < 64 << 20, "{grown} bytes more");
    }
}
