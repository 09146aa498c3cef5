//! What the journal costs: `cargo run --release -p eip-log --example journal_speed -- FOLDER`.
//!
//! Makes 500,000 events, appends them to a new log in FOLDER and reads them back; prints CPU and
//! wall seconds of each step, this thread's own (user and system).

use std::time::Instant;

use eip_contract::{Event, EventTime, EventType, Offset};
use eip_log::{EndsWatcher, JournalReader, JournalWriter, LogError, NewRecord, RunTag, StateDir};

const EVENTS: usize = 500_000;

fn main() -> Result<(), LogError> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| {
        eprintln!("name a folder that is not there yet");
        std::process::exit(2)
    });
    let state = StateDir::create(folder, 4)?;
    let events: Vec<Event<'static>> = (0..EVENTS).map(event).collect();
    let tag = RunTag {
        run_id: "0123456789abcdef0123456789abcdef".into(),
        attempt: 1,
    };

    let mut values = Vec::with_capacity(EVENTS * 340);
    let mut ends = Vec::with_capacity(EVENTS);
    measure("encode", || {
        for event in &events {
            event.encode(&mut values);
            ends.push(values.len());
        }
        Ok(EVENTS)
    })?;
    let mut writer = JournalWriter::open(&state, "journal_speed")?;
    measure("append and sync", || {
        let mut start = 0;
        for (event, &end) in events.iter().zip(&ends) {
            let record = NewRecord::event(event.order_id.as_bytes(), &values[start..end]);
            writer.append(Some(&tag), record)?;
            start = end;
        }
        writer.sync()?;
        Ok(EVENTS)
    })?;
    measure("encode in place, append and sync", || {
        for event in &events {
            writer.append_event(Some(&tag), event, None)?;
        }
        writer.sync()?;
        Ok(EVENTS)
    })?;
    measure("begin, append, commit", || {
        writer.begin(&tag, &[])?;
        let mut start = 0;
        for (event, &end) in events.iter().zip(&ends) {
            let record = NewRecord::event(event.order_id.as_bytes(), &values[start..end]);
            writer.append(None, record)?;
            start = end;
        }
        let (kind, state) = (eip_log::RunKind::Window, eip_log::RunState::Committed);
        writer.commit(&eip_log::LedgerEntry::new(&tag, kind, state, 0))?;
        Ok(EVENTS)
    })?;
    drop(writer);
    measure("read, 4 of 4 partitions", || read(&state, vec![0, 1, 2, 3]))?;
    measure("read, 1 of 4 partitions", || read(&state, vec![2]))?;
    let mut watcher = measure("open a watcher", || EndsWatcher::open(&state))?;
    measure("poll it idle", || watcher.poll())?;
    measure("open the writer", || {
        JournalWriter::open(&state, "journal_speed").map(drop)
    })?;
    let mut exported = Vec::with_capacity(EVENTS * 3 * 340);
    measure("export, 3 times as many", || {
        eip_log::export(&eip_log::Log::from(&state), &mut exported)
    })?;
    exported.truncate(exported.len() / 3);
    measure("import", || {
        let mut writer = eip_log::Log::from(&state).writer("journal_speed")?;
        eip_log::import(&mut *writer, Some(&tag), exported.as_slice())
    })?;
    measure("read the ledger", || eip_log::read_ledger(&state))?;
    Ok(())
}

fn event(i: usize) -> Event<'static> {
    let order = i / 5;
    let second = 1_480_000_000 + i as i64 * 137;
    Event {
        event_type: EventType::ALL[i % 6],
        event_at: EventTime::from_seconds(second).expect("in range"),
        order_id: format!(
            "{:032x}",
            (order as u128).wrapping_mul(u128::MAX / 0x9e37_79b9)
        )
        .into(),
        seller_region: "SP".into(),
        customer_region: "RJ".into(),
        estimated_delivery_at: EventTime::from_seconds(second + 1_000_000),
    }
}

fn read(state: &StateDir, partitions: Vec<u32>) -> Result<usize, LogError> {
    let mut reader = JournalReader::open(state, partitions, vec![Offset(0); 4])?;
    let (mut count, mut bytes) = (0, 0);
    loop {
        let add =
            &mut |record: eip_log::RecordRef<'_>| bytes += record.value.map_or(0, <[u8]>::len);
        match reader.poll(None, 10_000, add)? {
            0 => break,
            read => count += read,
        }
    }
    println!("  {count} records, {bytes} bytes of values");
    Ok(count)
}

fn measure<T>(what: &str, step: impl FnOnce() -> Result<T, LogError>) -> Result<T, LogError> {
    let (cpu, wall) = (cpu_seconds(), Instant::now());
    let result = step()?;
    println!(
        "{what:34} {:.3} CPU s {:.3} s",
        cpu_seconds() - cpu,
        wall.elapsed().as_secs_f64()
    );
    Ok(result)
}

/// This thread's time on a CPU.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: f64 = text
        .split(' ')
        .next()
        .and_then(|nanos| nanos.parse().ok())
        .unwrap_or(0.0);
    nanos / 1e9
}
