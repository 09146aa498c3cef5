//! Where a dataflow that begins again is asked for, and answered: to mend what is stored, or to send refused
//! documents again.
//!
//! A request is a number. The dataflow takes all that wait at once and answers up to the last of them; what is
//! asked for after that waits for the next time, since the stores may have been read already.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eip_stores::Look;
use tokio::sync::broadcast::{self, Receiver, error::RecvError};

use crate::cli::Mended;

/// Where it is asked for and answered. Clones share it.
#[derive(Clone)]
pub(crate) struct RepairDesk {
    /// Whether this process can do it alone.
    pub(super) is_open: bool,
    waiting: Arc<Mutex<Waiting>>,
    answers: broadcast::Sender<Answer>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    /// How closely to look, where somebody waits.
    look: Option<Look>,
}

/// What was mended for all requests up to one.
#[derive(Clone)]
struct Answer {
    upto: u64,
    mended: Mended,
}

/// A request that waits.
pub(super) struct Request {
    number: u64,
    answers: Receiver<Answer>,
}

impl RepairDesk {
    pub(crate) fn new(is_open: bool) -> Self {
        Self {
            is_open,
            waiting: Arc::default(),
            answers: broadcast::Sender::new(16),
        }
    }

    /// Asks for it. Of several that wait, the closest look counts.
    pub(super) fn ask(&self, look: Look) -> Request {
        let answers = self.answers.subscribe();
        let mut waiting = self.waiting();
        waiting.last += 1;
        if waiting.look != Some(Look::Whole) {
            waiting.look = Some(look);
        }
        Request {
            number: waiting.last,
            answers,
        }
    }

    /// Takes what waits: the number of the last request, and how closely to look.
    pub(crate) fn take(&self) -> Option<(u64, Look)> {
        let mut waiting = self.waiting();
        let look = waiting.look.take()?;
        Some((waiting.last, look))
    }

    /// It is done; all who have asked up to this number hear of it.
    pub(crate) fn answer(&self, upto: u64, mended: Mended) {
        // No reader is left where all have gone away meanwhile.
        let _ = self.answers.send(Answer { upto, mended });
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A number and a word stay whole whatever panics beside them.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    /// What was mended; none when the dataflow has ended first.
    pub(super) async fn answer(mut self) -> Option<Mended> {
        loop {
            match self.answers.recv().await {
                Ok(answer) if answer.upto >= self.number => return Some(answer.mended),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_for_while_one_is_done_waits_for_the_next() {
        let desk = RepairDesk::new(true);
        assert!(desk.take().is_none());
        let first = desk.ask(Look::Listed);
        let second = desk.ask(Look::Whole);
        let third = desk.ask(Look::Listed);
        let (upto, look) = desk.take().unwrap();
        assert_eq!(look, Look::Whole);
        let late = desk.ask(Look::Listed);
        let mended = |rows_written| Mended {
            rows_written,
            ..Mended::default()
        };
        desk.answer(upto, mended(1));
        for request in [first, second, third] {
            assert_eq!(request.answer().await, Some(mended(1)));
        }
        let (upto, look) = desk.take().unwrap();
        assert_eq!(look, Look::Listed);
        desk.answer(upto, mended(2));
        assert_eq!(late.answer().await, Some(mended(2)));
        assert!(desk.take().is_none());
    }
}
