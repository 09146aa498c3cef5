//! Makes the benchmark's input: one file a partition, its parts marked by byte positions.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use eip_contract::{Event, EventType, Offset, decode, hex, partition_of};

/// Single-order changes behind the correction.
pub(crate) const SINGLES: u32 = 4_000;
/// The corrected month, by the beginning of its times.
const MONTH: &str = "2018-03";

/// One file a partition: events, then the correction, then single changes.
pub(crate) struct Input {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) events: u64,
    pub(crate) orders: u64,
    pub(crate) bytes: u64,
    pub(crate) corrections: u64,
    /// Ends of the events, by partition.
    pub(crate) loaded: Vec<Offset>,
    /// Ends of the correction.
    pub(crate) corrected: Vec<Offset>,
    /// Ends after each single change.
    pub(crate) singles: Vec<Vec<Offset>>,
}

struct Files {
    writers: Vec<BufWriter<File>>,
    ends: Vec<Offset>,
    line: Vec<u8>,
}

impl Files {
    fn write(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        let partition = partition_of(event.order_id.as_bytes(), self.writers.len() as u32) as usize;
        self.line.clear();
        event.encode(&mut self.line);
        self.line.push(b'\n');
        self.writers[partition]
            .write_all(&self.line)
            .context("writing the input")?;
        self.ends[partition].0 += self.line.len() as u64;
        Ok(())
    }
}

/// Makes `copies` of the events in `events` (canonical, in replay order); the correction behind
/// them moves facts of the first `corrected` copies.
pub(crate) fn build(
    events: &Path,
    copies: u32,
    corrected: u32,
    partitions: u32,
    folder: &Path,
) -> anyhow::Result<Input> {
    std::fs::create_dir_all(folder).context("making the folder of the input")?;
    let paths: Vec<PathBuf> = (0..partitions)
        .map(|p| folder.join(format!("partition-{p}.ndjson")))
        .collect();
    let writers = paths
        .iter()
        .map(|path| File::create(path).map(|file| BufWriter::with_capacity(1 << 20, file)))
        .collect::<Result<_, _>>()
        .context("making the input's files")?;
    let mut files = Files {
        writers,
        ends: vec![Offset(0); partitions as usize],
        line: Vec::new(),
    };
    let read = |each: &mut dyn FnMut(&Event<'_>) -> anyhow::Result<()>| -> anyhow::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, File::open(events)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            each(&decode(line.trim_ascii_end())?.event)?;
            line.clear();
        }
        Ok(())
    };
    let (mut count, mut orders) = (0, 0);
    read(&mut |event| {
        for copy in 0..copies {
            files.write(&renamed(event, copy)?)?;
        }
        count += u64::from(copies);
        orders += u64::from(copies) * u64::from(event.event_type == EventType::OrderPlaced);
        Ok(())
    })?;
    let loaded = files.ends.clone();
    let mut corrections = 0;
    let mut of_singles = Vec::new();
    read(&mut |event| {
        let moves = matches!(
            event.event_type,
            EventType::HandedToCarrier | EventType::Delivered
        );
        if moves && event.event_at.to_iso().starts_with(MONTH.as_bytes()) {
            for copy in 0..corrected {
                files.write(&later(renamed(event, copy)?, 3_600)?)?;
            }
            corrections += u64::from(corrected);
        }
        if event.event_type == EventType::Delivered && of_singles.len() < SINGLES as usize {
            of_singles.push(event.clone().into_owned());
        }
        Ok(())
    })?;
    let corrected_ends = files.ends.clone();
    let mut singles = Vec::new();
    for (n, event) in of_singles.iter().enumerate() {
        files.write(&later(renamed(event, n as u32 % copies)?, 7_200)?)?;
        singles.push(files.ends.clone());
    }
    for mut writer in files.writers {
        writer.flush().context("writing the input")?;
        // Or the system writes it to disk beside what is measured.
        writer.get_ref().sync_all().context("writing the input")?;
    }
    let bytes = loaded.iter().map(|end| end.0).sum();
    Ok(Input {
        files: paths,
        events: count,
        orders,
        bytes,
        corrections,
        loaded,
        corrected: corrected_ends,
        singles,
    })
}

/// The event of a copy: the order under an id of its own.
fn renamed<'a>(event: &Event<'a>, copy: u32) -> anyhow::Result<Event<'a>> {
    let id = event
        .order_id
        .as_bytes()
        .try_into()
        .ok()
        .and_then(hex::parse_32);
    let mask = u128::from(copy) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834;
    let id = hex::format_32(id.context("an order id that is not 32 hex digits")? ^ mask);
    Ok(Event {
        order_id: String::from_utf8(id.to_vec())?.into(),
        ..event.clone()
    })
}

fn later(event: Event<'_>, seconds: i64) -> anyhow::Result<Event<'_>> {
    let event_at = event
        .event_at
        .plus_seconds(seconds)
        .context("a time past 2199")?;
    Ok(Event { event_at, ..event })
}
