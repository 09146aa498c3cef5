//! A log file appended as it is.

use std::borrow::Cow;
use std::io::BufRead;

use eip_contract::{Decoded, EventId, decode};
use serde::Deserialize;

use super::{APPENDED, Tombstone};
use crate::error::LogError;
use crate::event_log::LogWriter;
use crate::ledger::RunTag;
use crate::line::MAX_RECORD_BYTES;
use crate::writer::NewRecord;

/// Key and value of a foreign line may both be nearly as long as the line.
const MAX_IMPORTED_LINE_BYTES: usize = MAX_RECORD_BYTES / 2;

/// What was appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// All records.
    pub records: u64,
    /// Tombstones among them.
    pub tombstones: u64,
    /// Lines that are neither events nor tombstones; they become dead letters.
    pub foreign: u64,
}

/// Appends each line of `reader` as one record and waits until all are acknowledged.
///
/// An event goes under its orderId, in whatever layout it stands, with the time of appending that
/// [`super::export_with_times`] wrote at its end. A line that is neither event nor
/// tombstone is appended all the same: under its orderId when it is JSON with one that is a text,
/// else without a key in partition 0. Lines end with `\n` or `\r\n`; empty ones are passed over.
/// A line above 8 MiB stops it; the records before are appended then, and acknowledged by the next
/// [`LogWriter::sync`].
pub fn import(
    writer: &mut dyn LogWriter,
    tag: Option<&RunTag>,
    mut reader: impl BufRead,
) -> Result<ImportSummary, LogError> {
    let mut summary = ImportSummary::default();
    let mut line = Vec::new();
    let (mut canonical, mut without_time) = (Vec::new(), Vec::new());
    let mut number = 0;
    while read_line(&mut reader, &mut line, number + 1)? {
        number += 1;
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        if text.is_empty() {
            continue;
        }
        summary.records += 1;
        let appended_ms = take_time(text, &mut without_time);
        let said = appended_ms.map_or(text, |_| &without_time[..]);
        if let Ok(decoded) = decode(said) {
            let key = decoded.event.order_id.as_bytes();
            let canonical = is_canonical(&decoded, said, &mut canonical);
            let record = NewRecord {
                appended_ms,
                canonical,
                ..NewRecord::event(key, said)
            };
            writer.append(tag, record)?;
        } else if let Some(tombstone) = Tombstone::parse(said) {
            summary.tombstones += 1;
            let record = NewRecord {
                appended_ms,
                ..NewRecord::tombstone(tombstone.order_id.as_bytes())
            };
            writer.append(tag, record)?;
        } else {
            summary.foreign += 1;
            let keyed = serde_json::from_slice::<Keyed<'_>>(text).ok();
            let key = keyed.as_ref().map(|keyed| keyed.order_id.as_bytes());
            writer.append(tag, NewRecord::foreign(key, text))?;
        }
    }
    writer.sync()?;
    Ok(summary)
}

#[derive(Deserialize)]
struct Keyed<'a> {
    #[serde(rename = "orderId", borrow)]
    order_id: Cow<'a, str>,
}

/// The time of appending at the end of a line, which then is in `rest` without it.
fn take_time(line: &[u8], rest: &mut Vec<u8>) -> Option<i64> {
    /// Of the longest time there is, with its name and brace.
    const LONGEST: usize = APPENDED.len() + 21;
    let end = &line[line.len().saturating_sub(LONGEST)..];
    let at = memchr::memmem::rfind(end, APPENDED)?;
    let digits = end[at + APPENDED.len()..].strip_suffix(b"}")?;
    let time = std::str::from_utf8(digits).ok()?.parse().ok()?;
    rest.clear();
    rest.extend_from_slice(&line[..line.len() - (end.len() - at)]);
    rest.push(b'}');
    Some(time)
}

/// Whether the line is what the contract itself writes, but for the eventId.
fn is_canonical(decoded: &Decoded<'_>, line: &[u8], scratch: &mut Vec<u8>) -> bool {
    scratch.clear();
    decoded
        .event
        .encode_with_id(decoded.written_id.unwrap_or(EventId([0; 16])), scratch);
    scratch == line
}

/// Reads one line without its `\n` into `line`; `false` at the end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, number: u64) -> Result<bool, LogError> {
    line.clear();
    let mut any = false;
    loop {
        let chunk = match reader.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other.map_err(|source| LogError::Transfer {
                action: "read the log to be imported",
                source,
            })?,
        };
        if chunk.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        if line.len() + part.len() > MAX_IMPORTED_LINE_BYTES {
            return Err(LogError::LineTooLong(number));
        }
        line.extend_from_slice(part);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}
