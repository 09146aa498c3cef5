//! An open loop: questions are asked when they are due, whether earlier ones have been answered or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

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
    let times = Arc::new(Mutex::new(Histogram::<u64>::new(3)?));
    let failed = Arc::new(Mutex::new(None));
    let tasks = TaskTracker::new();
    let begin = Instant::now();
    let period = Duration::from_secs(1) / load.rate.max(1);
    let mut due = begin;
    for number in 0.. {
        if due - begin >= load.lasting || lock(&failed).is_some() {
            break;
        }
        tokio::time::sleep_until(due).await;
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
        due += period;
    }
    tasks.close();
    tasks.wait().await;
    if let Some(error) = lock(&failed).take() {
        return Err(error);
    }
    let times = lock(&times).clone();
    Ok(times)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
