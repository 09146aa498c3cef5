//! Files are rolled by size, between blocks.

use std::fs;

use eip_contract::Offset;
use eip_log::{
    EndsWatcher, JournalReader, JournalWriter, Log, LogError, WriterOptions, committed_ends,
};

use crate::support::*;

#[test]
fn readers_and_watchers_follow_a_live_writer_over_many_files() {
    let (_folder, state) = state(2);
    // Before there is any file.
    let mut early = reader(&state);
    let mut watcher = EndsWatcher::open(&state).unwrap();
    assert_eq!(early.poll(None, 9, &mut |_| ()).unwrap(), 0);
    let mut writer = open_small(&state);
    let mut seen = Vec::new();
    for i in 0..100 {
        put(
            &mut writer,
            i % 2,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
        if i % 3 == 0 {
            writer.sync().unwrap();
            early
                .poll(None, 99, &mut |record| seen.push(Record::from(record)))
                .unwrap();
            assert_eq!(seen.len() as u32, i + 1);
            assert_eq!(watcher.poll().unwrap(), writer.ends());
        }
    }
    assert!(files(&state).len() > 8);
    assert_eq!(seen, read_all(&state));
    assert_eq!(committed_ends(&state).unwrap(), writer.ends());
}

#[test]
fn a_transaction_larger_than_a_file_stays_in_one() {
    let (_folder, state) = state(1);
    let mut writer = open_small(&state);
    writer.begin(&tag("w"), &[60]).unwrap();
    for _ in 0..60 {
        put(
            &mut writer,
            0,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
    }
    assert_eq!(files(&state).len(), 1);
    writer.commit(&committed("w")).unwrap();
    assert_eq!(files(&state).len(), 2);
    put(&mut writer, 0, "k", "{}");
    writer.sync().unwrap();
    assert_eq!(read_all(&state).len(), 61);
}

#[test]
fn a_sealed_file_is_never_written_again() {
    let (_folder, state) = state(1);
    let mut sealed = Vec::new();
    for _ in 0..3 {
        let mut writer = open_small(&state);
        for _ in 0..20 {
            put(
                &mut writer,
                0,
                "k",
                "{\"a\":\"some text to fill files with\"}",
            );
        }
        writer.sync().unwrap();
        let files = files(&state);
        for (path, text) in &sealed {
            assert_eq!(fs::read(path).unwrap(), *text);
        }
        sealed = files[..files.len() - 1]
            .iter()
            .map(|p| (p.clone(), fs::read(p).unwrap()))
            .collect();
    }
}

#[test]
fn a_reader_begins_in_the_last_file_that_holds_its_places() {
    let (_folder, state) = state(2);
    let mut writer = open_small(&state);
    for i in 0..100 {
        put(
            &mut writer,
            i % 2,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
    }
    writer.sync().unwrap();
    let files = files(&state);
    // What comes before is not looked at: it may be damaged.
    for file in &files[..files.len() - 3] {
        let mut text = fs::read(file).unwrap();
        text[300] ^= 1;
        fs::write(file, text).unwrap();
    }
    let from = vec![Offset(45), Offset(0)];
    let mut reader = JournalReader::open(&state, vec![0], from.clone()).unwrap();
    assert_eq!(reader.poll(None, 99, &mut |_| ()).unwrap(), 5);
    let mut reader = JournalReader::open(&state, vec![1], from).unwrap();
    assert!(matches!(
        reader.poll(None, 99, &mut |_| ()),
        Err(LogError::Corrupt { .. })
    ));
    drop(writer);
    assert_eq!(open_small(&state).ends(), [Offset(50), Offset(50)]);
    assert_eq!(committed_ends(&state).unwrap(), [Offset(50), Offset(50)]);
}

#[test]
fn a_last_file_with_half_a_header_is_begun_anew() {
    let (_folder, original) = state(1);
    let mut writer = open_small(&original);
    for _ in 0..5 {
        put(
            &mut writer,
            0,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
    }
    writer.sync().unwrap();
    while files(&original).len() < 3 {
        put(
            &mut writer,
            0,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
        writer.sync().unwrap();
    }
    let ends = writer.ends();
    drop(writer);
    let header = fs::read(&files(&original)[2]).unwrap();
    assert_eq!(
        memchr::memchr(b'\n', &header),
        Some(header.len() - 1),
        "nothing but a header"
    );
    for length in 0..header.len() {
        let (_folder, state) = copy(&original);
        let last = &files(&state)[2];
        fs::write(last, &header[..length]).unwrap();
        let mut early = reader(&state);
        let mut watcher = EndsWatcher::open(&state).unwrap();
        assert_eq!(early.poll(None, 99, &mut |_| ()).unwrap() as u64, ends[0].0);
        assert_eq!(watcher.poll().unwrap(), ends);
        let mut writer = open(&state);
        assert_eq!(fs::read(last).unwrap(), header);
        assert_eq!(put(&mut writer, 0, "k", "{}"), ends[0].0);
        writer.sync().unwrap();
        assert_eq!(early.poll(None, 99, &mut |_| ()).unwrap(), 1);
        assert_eq!(watcher.poll().unwrap(), writer.ends());
    }
    // The same with the only file there is.
    let (_folder, fresh) = state(1);
    fs::write(
        fresh.journal_path().join("0000000000000001.ndjson"),
        "{\"jour",
    )
    .unwrap();
    let mut early = reader(&fresh);
    let mut watcher = EndsWatcher::open(&fresh).unwrap();
    assert_eq!(early.poll(None, 99, &mut |_| ()).unwrap(), 0);
    let mut writer = open(&fresh);
    put(&mut writer, 0, "k", "{}");
    writer.sync().unwrap();
    assert_eq!(early.poll(None, 99, &mut |_| ()).unwrap(), 1);
    assert_eq!(watcher.poll().unwrap(), [Offset(1)]);
}

#[test]
fn a_missing_file_is_named() {
    let (_folder, state) = state(1);
    let mut writer = open_small(&state);
    while files(&state).len() < 3 {
        put(
            &mut writer,
            0,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
    }
    drop(writer);
    fs::remove_file(&files(&state)[1]).unwrap();
    let error = JournalWriter::open(&state, "")
        .err()
        .expect("a file is missing")
        .to_string();
    assert!(
        error.contains("0000000000000002.ndjson is missing"),
        "{error}"
    );
}

#[test]
fn a_reader_beside_a_busy_writer_misses_nothing_and_sees_no_half_transaction() {
    const BLOCK: u32 = 7;
    let (_folder, state) = state(2);
    let mut early = reader(&state);
    let mut watcher = EndsWatcher::open(&state).unwrap();
    let records = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut writer = open_small(&state);
            for round in 0..300 {
                put(&mut writer, round % 2, "k", "{\"a\":\"outside\"}");
                writer.begin(&tag("w"), &[]).unwrap();
                for i in 0..BLOCK {
                    put(&mut writer, i % 2, "k", "{\"a\":\"inside\"}");
                }
                if round % 5 == 0 {
                    writer.abort().unwrap();
                } else {
                    writer.commit(&committed("w")).unwrap();
                }
            }
            writer.sync().unwrap();
        });
        let mut records: Vec<Record> = Vec::new();
        loop {
            let is_last = writing.is_finished();
            let ends: u64 = watcher.poll().unwrap().iter().map(|end| end.0).sum();
            // Each round gives one offset, then seven at once.
            assert!(matches!(ends % 8, 0 | 1), "{ends}");
            early
                .poll(None, usize::MAX, &mut |record| records.push(record.into()))
                .unwrap();
            let inside = records.iter().filter(|record| record.run.is_some()).count();
            assert_eq!(inside as u32 % BLOCK, 0);
            if is_last {
                return records;
            }
        }
    });
    assert_eq!(records.len(), 300 + 240 * BLOCK as usize);
    assert_eq!(records, read_naively(&state).0);
}

#[test]
fn a_file_that_lost_its_end_while_later_ones_are_there_is_reported_by_name() {
    let (_folder, state) = state(2);
    let mut writer = open_small(&state);
    for i in 0..60 {
        put(
            &mut writer,
            i % 2,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
        if i % 9 == 0 {
            writer.append_ledger(&committed("w")).unwrap();
        }
    }
    writer.sync().unwrap();
    drop(writer);
    let log = Log::from(&state);
    let options = WriterOptions {
        durable: false,
        ..WriterOptions::default()
    };
    let files = files(&state);
    assert!(files.len() > 4);
    for (number, path) in files.iter().enumerate() {
        let whole = fs::read(path).unwrap();
        for at in (0..whole.len()).step_by(3) {
            fs::write(path, &whole[..at]).unwrap();
            let is_last = number == files.len() - 1;
            let found = [
                log.ends().map(drop),
                JournalWriter::open_with(&state, "a test", options).map(drop),
            ];
            for found in found {
                match found {
                    Ok(()) => assert!(is_last, "{} cut at {at}", path.display()),
                    Err(error) => {
                        let text = error.to_string();
                        let named = text.contains(path.to_str().unwrap());
                        assert!(!is_last && named, "cut at {at}: {text}");
                    }
                }
            }
            fs::write(path, &whole).unwrap();
        }
        // What follows a zeroed end is no part of it.
        let mut zeroed = whole.clone();
        zeroed[whole.len() - 100..].fill(0);
        fs::write(path, &zeroed).unwrap();
        assert_eq!(log.ends().is_ok(), number == files.len() - 1);
        fs::write(path, &whole).unwrap();
        fs::remove_file(path).unwrap();
        assert_eq!(log.ends().is_ok(), number == files.len() - 1);
        fs::write(path, &whole).unwrap();
    }
    log.ends().unwrap();
}
