//! The log written to a file.

use std::io::{BufWriter, Write};

use eip_contract::json::write_string;
use eip_contract::{Change, decode, decode_record};

use super::{APPENDED, Tombstone};
use crate::error::LogError;
use crate::event_log::Log;
use crate::reader::RecordRef;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Events.
    pub events: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Dead letters, written as they are.
    pub foreign: u64,
    /// Dead letters left out.
    pub skipped: u64,
}

/// Writes all records that are committed when it begins, in the order in which a reader gives them:
/// of each partition that of their offsets. Imported again, they give the same views.
///
/// An event is written in its canonical form, so its eventId is the one that follows from its
/// fields. A dead letter is written as it is when it is one line, and one that by itself is neither
/// event nor tombstone; any other (an event under the key of another order, say) is left out and
/// counted.
pub fn export(log: &Log, out: impl Write) -> Result<ExportSummary, LogError> {
    write_log(log, out, Form::All)
}

/// As [`export`] with the time of appending at the end of each event and tombstone that has one.
pub fn export_with_times(log: &Log, out: impl Write) -> Result<ExportSummary, LogError> {
    write_log(log, out, Form::AllWithTimes)
}

/// As [`export`] without dead letters: what the oracle reads.
pub fn export_facts(log: &Log, out: impl Write) -> Result<ExportSummary, LogError> {
    write_log(log, out, Form::Facts)
}

/// What is written of a log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    All,
    AllWithTimes,
    Facts,
}

fn write_log(log: &Log, mut out: impl Write, form: Form) -> Result<ExportSummary, LogError> {
    let partitions = log.partitions();
    let ends = log.committed_ends()?;
    let mut reader = log.read_all()?;
    let mut out = BufWriter::with_capacity(256 << 10, &mut out);
    let mut summary = ExportSummary::default();
    let mut line = Vec::new();
    let mut written = Ok(());
    reader.read_to(&ends, &mut |record| {
        line.clear();
        write_record(&mut line, partitions, record, form, &mut summary);
        if written.is_ok() {
            written = out.write_all(&line);
        }
    })?;
    let written = written.and_then(|()| out.flush());
    let failed = |source| LogError::Transfer {
        action: "write the exported log",
        source,
    };
    written.map_err(failed)?;
    Ok(summary)
}

fn write_record(
    out: &mut Vec<u8>,
    partitions: u32,
    record: RecordRef<'_>,
    form: Form,
    summary: &mut ExportSummary,
) {
    match decode_record(partitions, record.partition, record.key, record.value) {
        Ok(Change::Assert(decoded)) => {
            summary.events += 1;
            decoded.event.encode(out);
            write_time(out, record, form);
        }
        Ok(Change::Retract(order_id)) => {
            summary.tombstones += 1;
            out.extend_from_slice(b"{\"orderId\":");
            write_string(out, order_id);
            out.extend_from_slice(b",\"retract\":null}");
            write_time(out, record, form);
        }
        Err(_) => match record.value {
            Some(value) if form != Form::Facts && is_foreign_line(value) => {
                summary.foreign += 1;
                out.extend_from_slice(value);
            }
            _ => {
                summary.skipped += 1;
                return;
            }
        },
    }
    out.push(b'\n');
}

/// Puts the time of appending before the last brace.
fn write_time(out: &mut Vec<u8>, record: RecordRef<'_>, form: Form) {
    if let (Form::AllWithTimes, Some(time)) = (form, record.appended_ms) {
        out.pop();
        out.extend_from_slice(APPENDED);
        out.extend_from_slice(time.to_string().as_bytes());
        out.push(b'}');
    }
}

/// Whether a dead letter's value, read as a line, is a dead letter again.
fn is_foreign_line(value: &[u8]) -> bool {
    !value.is_empty()
        && !value.contains(&b'\n')
        && value.last() != Some(&b'\r')
        && decode(value).is_err()
        && Tombstone::parse(value).is_none()
}
