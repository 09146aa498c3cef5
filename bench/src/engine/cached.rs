//! The same history out of the Parquet cache: a state folder made from the benchmark's files.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use eip_contract::{Dictionary, Offset, decode};
use eip_dataflow::engine::OpenSource;
use eip_dataflow::source::log::LogSource;
use eip_dataflow::source::{RecordSource, partitions_of};
use eip_log::{JournalWriter, NewRecord, StateDir};
use eip_parquet_cache::Cache;

use super::input::Input;

/// A log whose cache holds all of it.
pub(crate) struct Cached {
    state: StateDir,
    /// The log's ends.
    pub(crate) ends: Vec<Offset>,
    /// Size of the cache's files.
    pub(crate) bytes: u64,
}

impl Cached {
    /// Writes the input's history into a journal in `folder` and mirrors it.
    pub(crate) fn build(input: &Input, folder: &Path) -> anyhow::Result<Self> {
        let state = StateDir::create(folder, input.files.len() as u32)?;
        let mut writer = JournalWriter::open(&state, "eip bench engine")?;
        for (path, end) in input.files.iter().zip(&input.loaded) {
            let mut lines = BufReader::with_capacity(1 << 20, File::open(path)?.take(end.0));
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line)? > 0 {
                let value = line.trim_ascii_end();
                let decoded = decode(value)?;
                writer.append(
                    None,
                    NewRecord::event(decoded.event.order_id.as_bytes(), value),
                )?;
                line.clear();
            }
        }
        writer.sync()?;
        let ends = writer.ends();
        Cache::open(&state)?.catch_up(&ends)?;
        let bytes = size(&state.path().join("cache")).context("measuring the cache")?;
        Ok(Self { state, ends, bytes })
    }

    /// Deletes the folder.
    pub(crate) fn remove(self) -> anyhow::Result<()> {
        std::fs::remove_dir_all(self.state.path()).context("deleting the cached input")
    }

    /// One source a worker, which finds nothing left to read in the journal.
    pub(crate) fn sources(
        &self,
        workers: usize,
        dictionary: &Arc<Dictionary>,
    ) -> anyhow::Result<Vec<OpenSource>> {
        let cache = Arc::new(Cache::open(&self.state)?);
        let source = |worker| {
            let mine = partitions_of(worker, workers, self.state.partitions());
            let (state, cache) = (self.state.clone(), Arc::clone(&cache));
            let dictionary = Arc::clone(dictionary);
            let open: OpenSource = Box::new(move || {
                let source: Box<dyn RecordSource> = Box::new(LogSource::open(
                    &state.into(),
                    Some(cache),
                    mine,
                    dictionary,
                )?);
                Ok(source)
            });
            open
        };
        Ok((0..workers).map(source).collect())
    }
}

fn size(path: &Path) -> std::io::Result<u64> {
    if path.is_file() {
        return Ok(path.metadata()?.len());
    }
    path.read_dir()?.map(|entry| size(&entry?.path())).sum()
}
