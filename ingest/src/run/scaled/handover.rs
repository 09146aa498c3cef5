//! The queue from the pacing threads to the writing thread. Handing over never waits for anybody.
//!
//! A channel whose ends share a lock will not do: a pacing thread wakes up while the writing thread
//! may hold it, and then waits until the system gives that one a core again, some milliseconds when
//! the cores are busy. Here an entry is linked in without a lock, and waking the reader up takes none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_queue::SegQueue;

/// The end of the pacing threads; the queue is at its end when this goes.
pub(super) struct HandOver<T> {
    shared: Arc<Shared<T>>,
    taker: Thread,
}

/// The end of the writing thread, which is the one that made the queue.
pub(super) struct TakeOver<T>(Arc<Shared<T>>);

struct Shared<T> {
    queue: SegQueue<T>,
    is_closed: AtomicBool,
}

/// What a taker finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    /// The next entry.
    Next(T),
    /// Nothing came for as long as it waited.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

/// A queue to the present thread.
pub(super) fn queue<T>() -> (HandOver<T>, TakeOver<T>) {
    let shared = Arc::new(Shared {
        queue: SegQueue::new(),
        is_closed: AtomicBool::new(false),
    });
    let taker = thread::current();
    let hand_over = HandOver {
        shared: Arc::clone(&shared),
        taker,
    };
    (hand_over, TakeOver(shared))
}

impl<T> HandOver<T> {
    pub(super) fn send(&self, entry: T) {
        self.shared.queue.push(entry);
        self.taker.unpark();
    }
}

impl<T> Drop for HandOver<T> {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
        self.taker.unpark();
    }
}

impl<T> TakeOver<T> {
    /// The next entry if it is there.
    pub(super) fn next(&self) -> Option<T> {
        self.0.queue.pop()
    }

    /// The next entry; waits for it, at most for `time`.
    pub(super) fn wait(&self, time: Duration) -> Taken<T> {
        let end = Instant::now() + time;
        loop {
            // What was handed over before the end is seen by whoever sees the end.
            let is_closed = self.0.is_closed.load(Ordering::Acquire);
            if let Some(entry) = self.next() {
                return Taken::Next(entry);
            }
            if is_closed {
                return Taken::Closed;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Nothing;
            }
            thread::park_timeout(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_in_its_order_and_then_the_end() {
        const COUNT: u64 = 100_000;
        let (hand_over, take_over) = queue();
        let sender = thread::spawn(move || {
            for number in 0..COUNT {
                if number % 10_000 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
                hand_over.send(number);
            }
        });
        for number in 0..COUNT {
            assert_eq!(take_over.wait(Duration::from_mins(1)), Taken::Next(number));
        }
        assert_eq!(take_over.wait(Duration::from_mins(1)), Taken::Closed);
        sender.join().unwrap();
    }

    #[test]
    fn who_waits_hears_of_an_entry_and_of_nothing() {
        let (hand_over, take_over) = queue();
        assert_eq!(take_over.wait(Duration::from_millis(1)), Taken::Nothing);
        hand_over.send(1);
        hand_over.send(2);
        drop(hand_over);
        assert_eq!(take_over.wait(Duration::ZERO), Taken::Next(1));
        assert_eq!(take_over.next(), Some(2));
        assert_eq!(take_over.next(), None);
        assert_eq!(take_over.wait(Duration::from_mins(1)), Taken::Closed);
    }
}
