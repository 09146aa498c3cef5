//! Claims: who may run, decided by the order of entries in the ledger.
//!
//! A claim is appended and read back, together with all that stands before it. Of window and
//! revert runs the earliest live claim wins. The reading back does not wait for an open
//! transaction, whose last entry stands in the ledger and counts for nothing yet: the run that it
//! would end is taken for live.

use super::KafkaWriter;
use crate::error::LogError;
use crate::event_log::LogWriter as _;
use crate::kafka::SILENCE_MS;
use crate::kafka::context::Kind;
use crate::kafka::errors::refusal;
use crate::ledger::{LedgerEntry, LedgerView, RunState, RunSummary, RunTag};
use rdkafka::producer::Producer as _;

use eip_contract::Offset;

impl KafkaWriter {
    pub(super) fn make_claim(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        let tag = entry.tag();
        let mut entry = entry.clone();
        let advertised = &self.broker.config.advertised_url;
        entry.owner_url = entry.owner_url.or_else(|| advertised.clone());

        self.refresh()?;
        if in_the_way(&self.view, &entry).is_some() {
            self.interrupt_silent(entry.at)?;
        }
        if let Some(run) = in_the_way(&self.view, &entry) {
            return Err(claimed(run));
        }
        self.send_entry(&entry, Kind::Claim)?;
        let sent = self.sync().and_then(|()| self.claimed_at(&tag));
        let won = sent.and_then(|position| self.read_back(&entry, position));
        if let Err(lost) = &won {
            self.heartbeat.forget(&tag);
            let is_mine =
                !matches!(lost, LogError::Claimed { run_id, .. } if *run_id == tag.run_id);
            if is_mine {
                // Whoever looks meanwhile takes the earlier claim for the winner all the same.
                let mut failed = LedgerEntry::new(&tag, entry.kind, RunState::Failed, entry.at);
                failed.error = Some(lost.to_string());
                self.send_entry(&failed, Kind::Entry)?;
                self.sync()?;
            }
        }
        won
    }

    /// The offset of the entry that was just sent.
    fn claimed_at(&self, tag: &RunTag) -> Result<Offset, LogError> {
        let at = self.producer.client().context().claim();
        at.map(Offset).ok_or_else(|| {
            refusal(format!(
                "the broker did not say where it put the claim of {tag}"
            ))
        })
    }

    /// Decides by all entries up to the claim at `position`.
    fn read_back(&mut self, entry: &LedgerEntry, position: Offset) -> Result<(), LogError> {
        self.refresh()?;
        let mut ahead;
        let view = if self.ledger.position() > position {
            &self.view
        } else {
            ahead = self.view.clone();
            let upto = Offset(position.0 + 1);
            self.ledger
                .look_ahead(upto, &mut |position, entry| ahead.apply(position, entry))?;
            &ahead
        };
        let Some(mine) = view.get(&entry.run_id) else {
            return Err(refusal(format!(
                "the claim of {} is not in the ledger",
                entry.tag()
            )));
        };
        // The same attempt, or a later one, of somebody who was faster.
        if mine.claim != position.0 {
            return Err(claimed(mine));
        }
        match view.exclusive().filter(|_| entry.excludes_others()) {
            Some(winner) if winner.claim < position.0 => Err(claimed(winner)),
            _ => Ok(()),
        }
    }

    pub(super) fn look_at_claim(&mut self, tag: &RunTag) -> Result<(), LogError> {
        self.refresh()?;
        match self.view.get(&tag.run_id) {
            Some(run) if run.last.attempt > tag.attempt => Err(LogError::Superseded {
                run_id: tag.run_id.clone(),
                attempt: run.last.attempt,
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn interrupt_silent(&mut self, now_ms: i64) -> Result<Vec<RunSummary>, LogError> {
        self.refresh()?;
        let silent = |view: &LedgerView| -> Vec<RunSummary> {
            let is_silent = |run: &&RunSummary| now_ms.saturating_sub(run.last.at) > SILENCE_MS;
            view.live().filter(is_silent).cloned().collect()
        };
        let mut runs = silent(&self.view);
        if runs.iter().any(|run| run.last.excludes_others()) {
            // What its transaction has sent neither comes to count after this nor is left open. It
            // may have been committed just now, which the ledger says then.
            self.fence()?;
            self.refresh()?;
            runs = silent(&self.view);
        }
        for run in &runs {
            let tag = run.last.tag();
            let entry = LedgerEntry::new(&tag, run.kind(), RunState::Interrupted, now_ms);
            self.send_entry(&entry, Kind::Entry)?;
        }
        if !runs.is_empty() {
            self.sync()?;
            self.refresh()?;
        }
        Ok(runs)
    }
}

/// The live run that keeps `entry` from being claimed.
fn in_the_way<'a>(view: &'a LedgerView, entry: &LedgerEntry) -> Option<&'a RunSummary> {
    view.live().find(|run| {
        let excluded = entry.excludes_others() && run.last.excludes_others();
        run.run_id() == entry.run_id || excluded
    })
}

fn claimed(run: &RunSummary) -> LogError {
    LogError::Claimed {
        run_id: run.run_id().to_owned(),
        attempt: run.last.attempt,
    }
}
