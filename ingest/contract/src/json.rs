//! The few JSON writing rules of the contract: compact, only `"` and `\` escaped.

use crate::time::{Day, EventTime};

/// Appends a JSON string. The caller's texts hold no control characters (semantics, section 1).
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    if memchr::memchr2(b'"', b'\\', bytes).is_none() {
        out.extend_from_slice(bytes);
    } else {
        for &byte in bytes {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
    }
    out.push(b'"');
}

/// Appends a time as a JSON string, or `null`.
pub fn write_time(out: &mut Vec<u8>, time: Option<EventTime>) {
    match time {
        Some(time) => {
            out.push(b'"');
            out.extend_from_slice(&time.to_iso());
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a day as a JSON string.
pub fn write_day(out: &mut Vec<u8>, day: Day) {
    out.push(b'"');
    out.extend_from_slice(&day.to_text());
    out.push(b'"');
}

/// Appends an integer, or `null`.
pub fn write_integer(out: &mut Vec<u8>, value: Option<i64>) {
    use std::io::Write as _;
    match value {
        Some(value) => write!(out, "{value}").expect("a vector takes all bytes"),
        None => out.extend_from_slice(b"null"),
    }
}
