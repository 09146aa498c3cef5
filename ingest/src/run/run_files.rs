//! What a run leaves in `runs/<run>/` of the log's local folder: its rejected rows, for whoever has to mend them, its
//! rehearsal whole, and the latencies of a scaled run. Only for people: nothing reads these files to decide anything.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use eip_log::Log;

use super::error::RunError;
use super::id::RunId;
use super::report::Rehearsal;
use super::scaled::Latency;
use super::source::Input;

/// Name of the file with the rejected rows, one a line.
pub(crate) const REJECTS: &str = "rejects.ndjson";

/// Writes `rejects.ndjson`; gives its path, or `None` when nothing was rejected.
pub(crate) fn write_rejects(
    log: &Log,
    run: &RunId,
    input: &Input,
) -> Result<Option<PathBuf>, RunError> {
    if input.reject_count() == 0 {
        return Ok(None);
    }
    let path = write(log, run, REJECTS, |out| {
        for reject in input.rejects() {
            serde_json::to_writer(&mut *out, reject)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(Some(path))
}

/// The rejected rows that another run left here.
pub(crate) fn rejects_of(log: &Log, run: &str) -> Option<PathBuf> {
    let path = run_file(log, &run.parse().ok()?, REJECTS);
    path.is_file().then_some(path)
}

/// Writes `rehearsal.json`.
pub(crate) fn write_rehearsal(
    log: &Log,
    run: &RunId,
    rehearsal: &Rehearsal,
) -> Result<(), RunError> {
    write(log, run, "rehearsal.json", |out| {
        serde_json::to_writer_pretty(&mut *out, rehearsal)?;
        out.write_all(b"\n")
    })?;
    Ok(())
}

/// Writes `latency.hlog`, `latency.hgrm` and `latency.json`.
pub(crate) fn write_latency(log: &Log, run: &RunId, latency: &Latency) -> Result<(), RunError> {
    write(log, run, "latency.hlog", |out| latency.write_hlog(out))?;
    write(log, run, "latency.hgrm", |out| latency.write_hgrm(out))?;
    write(log, run, "latency.json", |out| {
        serde_json::to_writer_pretty(&mut *out, &latency.pace())?;
        out.write_all(b"\n")
    })?;
    Ok(())
}

/// Where a file of a run is, if the run left it on this machine: `rehearsal.json`, `latency.hlog`,
/// `rejects.ndjson` and the others of this module.
pub fn run_file(log: &Log, run: &RunId, name: &str) -> PathBuf {
    folder(log, run).join(name)
}

fn folder(log: &Log, run: &RunId) -> PathBuf {
    log.folder().join("runs").join(run.as_str())
}

fn write(
    log: &Log,
    run: &RunId,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf, RunError> {
    let folder = folder(log, run);
    let path = folder.join(name);
    let write = || -> io::Result<()> {
        fs::create_dir_all(&folder)?;
        let mut out = BufWriter::new(fs::File::create(&path)?);
        fill(&mut out)?;
        out.flush()
    };
    write().map_err(|source| RunError::File {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}
