//! What the cache costs an event, in CPU seconds: `cargo run --release -p eip-parquet-cache
//! --example cost -- EVENTS.ndjson FOLDER [COPIES]`.
//!
//! EVENTS.ndjson holds events, one a line; each copy gets orders of its own. FOLDER is a new state
//! folder, or one that an earlier call has made: then only its cache is made anew.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use eip_contract::{EventId, Packer, decode, decode_record, hex};
use eip_log::{JournalReader, JournalWriter, StateDir, committed_ends};
use eip_parquet_cache::Cache;

/// CPU seconds of this process so far, all threads, in user and in system mode.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_SECOND
}

fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .collect::<Vec<_>>()
        .join(" ")
}

fn measure<T>(
    what: &str,
    events: u64,
    f: impl FnOnce() -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let (cpu, wall) = (cpu_seconds(), std::time::Instant::now());
    let result = f()?;
    let (cpu, wall) = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
    let each = cpu * 1e9 / events.max(1) as f64;
    println!(
        "{what:38} {cpu:6.2} CPU s  {wall:6.2} s  {each:6.0} ns an event  peak {}",
        peak_memory()
    );
    Ok(result)
}

fn fill(lines: &[u8], folder: &Path, copies: u128) -> Result<StateDir, Box<dyn Error>> {
    let state = StateDir::create(folder, 4)?;
    let count = lines.split(|&byte| byte == b'\n').count() as u64 * copies as u64;
    measure("decode, append to the journal", count, || {
        let mut writer = JournalWriter::open(&state, "cost")?;
        for copy in 0..copies {
            for line in lines
                .split(|&byte| byte == b'\n')
                .filter(|line| !line.is_empty())
            {
                let mut event = decode(line)?.event;
                let number = event
                    .order_id
                    .as_bytes()
                    .try_into()
                    .ok()
                    .and_then(hex::parse_32);
                let number = number.ok_or("an order_id that is no number")? ^ copy << 64;
                event.order_id = String::from_utf8(hex::format_32(number).to_vec())?.into();
                writer.append_event(None, &event, None)?;
            }
        }
        Ok(writer.sync()?)
    })?;
    Ok(state)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(events), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: cost EVENTS.ndjson FOLDER [COPIES]".into());
    };
    let copies: u128 = arguments.next().map_or(Ok(1), |copies| copies.parse())?;
    let state = match StateDir::open(Path::new(&folder)) {
        Ok(state) => state,
        Err(_) => fill(&fs::read(events)?, Path::new(&folder), copies)?,
    };
    let ends = committed_ends(&state)?;
    let count = ends.iter().map(|end| end.0).sum();
    let all = || JournalReader::open(&state, (0..4).collect(), vec![eip_contract::Offset(0); 4]);
    measure("journal read", count, || {
        let mut reader = all()?;
        while reader.poll(Some(&ends), 1 << 16, &mut |_| ())? > 0 {}
        Ok(())
    })?;
    measure("journal read, decode", count, || {
        let mut reader = all()?;
        let mut sum = 0_u128;
        let mut take = |record: eip_log::RecordRef<'_>| {
            let change = decode_record(4, record.partition, record.key, record.value);
            if let Ok(eip_contract::Change::Assert(decoded)) = change {
                let EventId(id) = decoded.written_id.unwrap_or(EventId([0; 16]));
                sum = sum.wrapping_add(u128::from_ne_bytes(id));
            }
        };
        while reader.poll(Some(&ends), 1 << 16, &mut take)? > 0 {}
        Ok(std::hint::black_box(sum))
    })?;
    let mut cache = Cache::open(&state)?;
    let caught_up = measure("rebuild", count, || Ok(cache.rebuild(&ends)?))?;
    assert_eq!(caught_up.rows, count, "every event is a row");
    let bytes: u64 = cache
        .status(false)
        .segments
        .iter()
        .map(|segment| segment.bytes)
        .sum();
    println!("{bytes} bytes, {} an event", bytes / count.max(1));
    let cache = measure("open", count, || Ok(Cache::open(&state)?))?;
    let read = |partitions: &[u32]| -> Result<u64, eip_parquet_cache::CacheError> {
        let mut packer = Packer::new(Arc::default());
        let mut greatest = None;
        let read = cache.read_packed(partitions, &mut packer, &mut |_, rows| {
            greatest = greatest.max(rows.iter().map(|(offset, _)| *offset).max());
        })?;
        std::hint::black_box(greatest);
        Ok(read.rows)
    };
    for _ in 0..2 {
        measure("read packed, one thread", count, || {
            Ok(read(&[0, 1, 2, 3])?)
        })?;
    }
    measure("read packed, two threads", count, || {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| read(&[0, 2]));
            read(&[1, 3])?;
            other.join().expect("no panic")?;
            Ok(())
        })
    })?;
    Ok(())
}
