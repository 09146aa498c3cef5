//! The intended and the actual times of every event of a scaled run, for whoever wants to check the
//! schedule: `runs/<run>/times.csv`.
//!
//! A line `anchor,wall_ns,simulated_ns,scale_millionths,is_paused` stands wherever the schedule got a
//! new anchor; all others are `event,order_id,type,event_at,due_ns,handed_ns,acknowledged_ns`.
//! Nanoseconds of wall time count from the attempt's start, those of simulated time from 1970.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use eip_contract::Event;

use super::super::error::RunError;
use super::super::pacer::Pacer;
use super::pacing::Handed;

/// The file, being written.
pub(super) struct Times {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Times {
    pub(super) fn create(path: PathBuf) -> Result<Self, RunError> {
        let file = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| File::create(&path));
        match file {
            Ok(file) => Ok(Self {
                path,
                out: BufWriter::new(file),
            }),
            Err(source) => Err(RunError::File { path, source }),
        }
    }

    pub(super) fn anchor(&mut self, pacer: &Pacer, now: i64) -> Result<(), RunError> {
        let written = writeln!(
            self.out,
            "anchor,{now},{},{},{}",
            pacer.simulated_nanos(now),
            pacer.scale().millionths(),
            pacer.is_paused()
        );
        self.told(written)
    }

    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        handed: &Handed,
        acknowledged: i64,
    ) -> Result<(), RunError> {
        let written = writeln!(
            self.out,
            "event,{},{},{},{},{},{acknowledged}",
            event.order_id, event.event_type, event.event_at, handed.due, handed.at
        );
        self.told(written)
    }

    pub(super) fn finish(mut self) -> Result<(), RunError> {
        let written = self.out.flush();
        self.told(written)
    }

    fn told(&self, written: io::Result<()>) -> Result<(), RunError> {
        written.map_err(|source| RunError::File {
            path: self.path.clone(),
            source,
        })
    }
}
