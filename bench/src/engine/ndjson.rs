//! NDJSON files as a source: an offset is a position in bytes.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use eip_contract::{Dictionary, Offset, Packer};
use eip_dataflow::source::{Batch, RecordSource, SourceError};
use eip_stores::StoredDeadLetter;
use memmap2::Mmap;

/// The files of some partitions, mapped.
pub(crate) struct NdjsonSource {
    files: Vec<Mapped>,
    packer: Packer,
}

struct Mapped {
    partition: u32,
    bytes: Mmap,
    position: usize,
}

impl NdjsonSource {
    pub(crate) fn open(
        files: &[(u32, PathBuf)],
        dictionary: Arc<Dictionary>,
    ) -> anyhow::Result<Self> {
        let files = files
            .iter()
            .map(|(partition, path)| {
                let file = File::open(path).context("opening the input")?;
                Ok(Mapped {
                    partition: *partition,
                    bytes: map(&file)?,
                    position: 0,
                })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            files,
            packer: Packer::new(dictionary),
        })
    }
}

#[expect(unsafe_code, reason = "mapping is the point of this source")]
fn map(file: &File) -> anyhow::Result<Mmap> {
    // SAFETY: the benchmark made the file, and nobody writes to it while it is mapped.
    unsafe { Mmap::map(file) }.context("mapping the input")
}

impl RecordSource for NdjsonSource {
    fn read(
        &mut self,
        upto: &[Offset],
        most: usize,
        batch: &mut Batch,
    ) -> Result<bool, SourceError> {
        let Self { files, packer } = self;
        // Partitions in turns, as a reader of a log would.
        let each = most.div_ceil(files.len());
        let mut more = false;
        for file in files {
            let end = upto[file.partition as usize].0 as usize;
            let mut rest = &file.bytes[file.position..end];
            for _ in 0..each {
                let Some(length) = memchr::memchr(b'\n', rest) else {
                    break;
                };
                let (line, after) = rest.split_at(length);
                match packer.value(line) {
                    Ok(change) => batch
                        .records
                        .push((Offset((end - rest.len()) as u64), change)),
                    Err(letter) => batch.dead_letters.push(StoredDeadLetter {
                        partition: file.partition,
                        offset: Offset((end - rest.len()) as u64),
                        code: letter.code().to_owned(),
                        reason: letter.to_string(),
                    }),
                }
                rest = &after[1..];
            }
            file.position = end - rest.len();
            more |= !rest.is_empty();
        }
        Ok(more)
    }
}
