//! An open loop: questions are asked when they are due, whether earlier ones have been answered or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use eip_ingest::run::be_punctual;
use hdrhistogram::Histogram;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::task::TaskTracker;

use crate::figures::histogram;

/// How often something is asked, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// Times a second.
    pub(super) rate: u32,
    pub(super) lasting: Duration,
}

/// Asks `ask(0)`, `ask(1)`, … at the rate. Gives the microseconds that each took from its due time on:
/// one that is asked late, because this program was busy, counts the wait. The first error ends it.
pub(super) async fn open_loop<F>(
    load: Load,
    mut ask: impl FnMut(usize) -> F,
) -> anyhow::Result<Histogram<u64>>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let times = Arc::new(Mutex::new(histogram()));
    let failed = Arc::new(Mutex::new(None));
    let tasks = TaskTracker::new();
    let mut due_times = due_times(load);
    for number in 0.. {
        let Some(due) = due_times.recv().await else {
            break;
        };
        if lock(&failed).is_some() {
            break;
        }
        let answer = ask(number);
        let (times, failed) = (Arc::clone(&times), Arc::clone(&failed));
        tasks.spawn(async move {
            match answer.await {
                Ok(()) => lock(&times).saturating_record(due.elapsed().as_micros() as u64),
                Err(error) => {
                    lock(&failed).get_or_insert(error);
                }
            }
        });
    }
    tasks.close();
    tasks.wait().await;
    if let Some(error) = lock(&failed).take() {
        return Err(error);
    }
    let times = lock(&times).clone();
    Ok(times)
}

/// Each due time, when it has come. A thread of its own keeps them: a runtime's timers are late by
/// milliseconds, which would be taken for the answers' time.
fn due_times(load: Load) -> UnboundedReceiver<Instant> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        be_punctual();
        let (begin, period) = (Instant::now(), Duration::from_secs(1) / load.rate.max(1));
        let mut due = begin;
        while due.duration_since(begin) < load.lasting {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // Nobody takes them any more after an error.
            if sender.send(due).is_err() {
                break;
            }
            due += period;
        }
    });
    receiver
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
