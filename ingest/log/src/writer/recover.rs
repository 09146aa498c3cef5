//! Opening the writer: finds where the log stands and brings its end in order.
//!
//! Reads the last file only (the last but one too, when a crash left the last without a header), and
//! of the others how they begin and end.

use super::{JournalWriter, WriterOptions, ledger};
use crate::error::LogError;
use crate::files::{self, Header};
use crate::joints;
use crate::line::write_switch;
use crate::lock::WriterLock;
use crate::scan::Scan;
use crate::state::{FORMAT, StateDir};
use crate::tail::Tail;

pub(super) fn open(
    state: &StateDir,
    lock: WriterLock,
    options: WriterOptions,
) -> Result<JournalWriter, LogError> {
    joints::check(state)?;
    let last = files::last(state)?;
    let mut scan = Scan::from_last_file(state)?;
    let mut entries = Vec::new();
    scan.advance(Some(&mut |position, entry| entries.push((position, entry))))?;
    let format = scan.header.as_ref().map_or(FORMAT, |header| header.journal);
    let mut live = scan
        .header
        .take()
        .map(|header| header.live)
        .unwrap_or_default();
    for (position, entry) in entries {
        ledger::note(&mut live, position, entry);
    }
    let open_block = scan.open_block().map(str::to_owned);

    // A predecessor may have died between making a file and making its name durable.
    if options.durable {
        files::sync_folder(&state.journal_path())?;
    }
    let place = scan.place().filter(|place| place.file == last);
    let (file, path, number, file_bytes) = if let Some(place) = place {
        let path = files::path_of(state, last);
        let file = files::open_to_append(&path)?;
        let length = file.metadata().map_err(LogError::io("read", &path))?.len();
        if length > place.byte {
            tracing::warn!(
                file = %path.display(),
                byte = place.byte,
                bytes = length - place.byte,
                "cut the unfinished end of the journal"
            );
            file.set_len(place.byte)
                .map_err(LogError::io("cut", &path))?;
        }
        (file, path, last, place.byte)
    } else {
        // No file yet, or the last one has no header.
        let number = last.max(1);
        let before = scan.tail().map(Tail::file_bytes).transpose()?;
        let header = Header {
            journal: FORMAT,
            topic: state.topic_id(),
            file: number,
            next: scan.next.clone(),
            ledger: scan.ledger,
            live: live.clone(),
            before,
        };
        let (file, bytes) = files::begin(state, &header, options.durable)?;
        (file, files::path_of(state, number), number, bytes)
    };

    let mut writer = JournalWriter {
        state: state.clone(),
        options,
        file,
        path,
        number,
        file_bytes,
        buffer: Vec::with_capacity(options.flush_bytes + 4096),
        // What a predecessor wrote last may not be on the disk yet.
        unsynced: true,
        poisoned: false,
        stamp: None,
        next: scan.next.clone(),
        ends: scan.next,
        ledger: scan.ledger,
        live,
        block: None,
        headers_of: None,
        headers: Vec::new(),
        _lock: lock,
    };
    if let Some(run) = open_block {
        tracing::warn!(
            run,
            "aborted a transaction that its writer left without an end"
        );
        write_switch(&mut writer.buffer, "abort", &run, &writer.next);
    }
    writer.sync()?;
    if format < FORMAT {
        // A file has the lines of its own format: an earlier program says that it cannot read the next one.
        writer.roll()?;
    }
    Ok(writer)
}
