//! What others appended while a transaction was being written.

use eip_contract::Offset;

use super::KafkaWriter;
use crate::error::LogError;
use crate::event_log::LogReader;
use crate::kafka::native::End;
use crate::kafka::reader::KafkaReader;
use crate::ledger::{LedgerView, RunTag};
use crate::reader::RecordRef;

impl KafkaWriter {
    pub(super) fn read_others(
        &mut self,
        base: &[Offset],
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError> {
        self.refresh()?;
        let upto = self.broker.ends(self.partitions, End::Latest)?;
        let all: Vec<u32> = (0..self.partitions).collect();
        let mut reader = KafkaReader::open(&self.broker, &self.broker.events, &all, base, false)?;
        let reader: &mut dyn LogReader = &mut reader;
        let mut excluding = Excluding::new(&self.view);
        reader.read_to(&upto, &mut |record| {
            if !record.run.is_some_and(|run| excluding.has(run)) {
                each(record);
            }
        })
    }
}

/// Which headers `run` are those of window and revert attempts.
struct Excluding<'a> {
    view: &'a LedgerView,
    /// Records of a run follow one another.
    last: (String, bool),
}

impl<'a> Excluding<'a> {
    fn new(view: &'a LedgerView) -> Self {
        let last = (String::new(), false);
        Self { view, last }
    }

    fn has(&mut self, run: &str) -> bool {
        if self.last.0 != run {
            let known = RunTag::parse(run).and_then(|tag| self.view.get(&tag.run_id));
            self.last = (
                run.to_owned(),
                known.is_some_and(|run| run.kind().excludes_others()),
            );
        }
        self.last.1
    }
}
