//! A running dataflow until its end: repairs in between, and what begins it anew.
//!
//! ```text
//! follow ──► asked to repair, or to send refused documents again ──► spawned again ──► follow
//!    │
//!    └─────► what was stored is gone (an index was deleted) ──► spawned again ──► follow
//! ```

use std::time::Duration;

use eip_contract::Offset;
use eip_dataflow::{DataflowConfig, DataflowError, DataflowHandle, Summary, spawn};
use eip_log::Log;
use eip_stores::Look;

use crate::chain::Chain;
use crate::cli::repair::Mended;
use crate::health::{Health, RepairDesk};
use crate::interrupt;

/// Between two looks at whether it is over.
const LOOK: Duration = Duration::from_millis(100);
/// Before a dataflow begins anew: whoever deleted an index may not be done.
const BEFORE_ANEW: Duration = Duration::from_secs(2);

/// What a dataflow of this process is followed with.
pub(super) struct Follower<'a> {
    pub(super) chain: &'a Chain,
    pub(super) log: &'a Log,
    pub(super) workers: usize,
    /// Several processes have to be started together, so one of them never begins anew by itself.
    pub(super) is_alone: bool,
    /// Where it ends; `None` follows until a signal.
    pub(super) target: Option<&'a [Offset]>,
    pub(super) desk: &'a RepairDesk,
    pub(super) health: Option<&'a Health>,
}

impl Follower<'_> {
    /// Follows the dataflow to its end, and those that are spawned in its place.
    pub(super) fn follow(&self, mut dataflow: DataflowHandle) -> anyhow::Result<Summary> {
        if self.target.is_none() {
            err!("following {}; Ctrl-C ends", self.log.place());
        }
        loop {
            let ended = self.until_over(dataflow);
            let words = match &ended {
                Err(error) if self.is_alone => match error.downcast_ref() {
                    Some(DataflowError::Anew(words)) => words,
                    _ => return ended,
                },
                _ => return ended,
            };
            tracing::warn!(words, "the dataflow begins anew");
            std::thread::sleep(BEFORE_ANEW);
            dataflow = self.spawn(Look::Listed)?;
        }
    }

    fn until_over(&self, mut dataflow: DataflowHandle) -> anyhow::Result<Summary> {
        if let Some(ends) = self.target {
            dataflow.wait_written(ends)?;
        } else {
            let stop = interrupt::token();
            while !stop.is_cancelled() && !dataflow.has_ended() {
                if let Some((upto, look)) = self.desk.take() {
                    dataflow.shutdown()?;
                    dataflow = self.mend(upto, look)?;
                }
                std::thread::sleep(LOOK);
            }
        }
        Ok(dataflow.shutdown()?)
    }

    /// Starts the dataflow again, looking as closely as was asked for, and answers all requests up to
    /// this number.
    fn mend(&self, upto: u64, look: Look) -> anyhow::Result<DataflowHandle> {
        let ends = self.log.committed_ends()?;
        let dataflow = self.spawn(look)?;
        dataflow.wait_written(&ends)?;
        self.desk
            .answer(upto, Mended::of(&dataflow.progress().counts));
        Ok(dataflow)
    }

    fn spawn(&self, look: Look) -> anyhow::Result<DataflowHandle> {
        let dataflow = spawn(DataflowConfig {
            workers: self.workers,
            look,
            ..self.chain.dataflow(self.log, "eip dataflow")?
        })?;
        if let Some(health) = self.health {
            health.watch(dataflow.watch());
        }
        Ok(dataflow)
    }
}
