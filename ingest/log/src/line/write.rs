//! Making lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use eip_contract::Event;
use eip_contract::json::write_string;

use super::seal;

/// A foreign value above this is not tried as JSON.
const MAX_TRIED_BYTES: usize = 1 << 20;

/// What a record's line says, in its order.
pub(crate) struct RecordLine<'a> {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    pub(crate) key: Option<&'a [u8]>,
    /// `,"run":"…","parts":"…"` as it goes into the line, or nothing.
    pub(crate) headers: &'a [u8],
    pub(crate) appended_ms: i64,
    pub(crate) due_micros: Option<i64>,
}

impl RecordLine<'_> {
    /// The line up to its value.
    #[inline]
    pub(crate) fn write_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"p\":");
        push_number(out, u64::from(self.partition));
        out.extend_from_slice(b",\"o\":");
        push_number(out, self.offset);
        write_key(out, self.key);
        out.extend_from_slice(self.headers);
        out.extend_from_slice(b",\"at\":");
        push_signed(out, self.appended_ms);
        if let Some(due) = self.due_micros {
            out.extend_from_slice(b",\"due\":");
            push_signed(out, due);
        }
    }
}

/// Appends the line of one record. `canonical`: the value was made by the contract, so it is one
/// line of JSON; any other is looked at.
#[inline]
pub(crate) fn write_record(
    out: &mut Vec<u8>,
    line: &RecordLine<'_>,
    value: Option<&[u8]>,
    canonical: bool,
) {
    let start = out.len();
    line.write_head(out);
    let value_start = out.len();
    match value {
        None => out.extend_from_slice(b",\"v\":null"),
        Some(value) => {
            let embedded = canonical || may_be_json(value);
            if embedded {
                out.extend_from_slice(b",\"v\":");
                out.extend_from_slice(value);
            }
            if !(canonical || embedded && is_json(out, start)) {
                out.truncate(value_start);
                out.extend_from_slice(b",\"b64\":\"");
                push_base64(out, value);
                out.push(b'"');
            }
        }
    }
    seal(out, start);
}

/// As [`write_record`] with an event as its value.
#[inline]
pub(crate) fn write_event(out: &mut Vec<u8>, line: &RecordLine<'_>, event: &Event<'_>) {
    let start = out.len();
    line.write_head(out);
    out.extend_from_slice(b",\"v\":");
    event.encode(out);
    seal(out, start);
}

fn may_be_json(value: &[u8]) -> bool {
    value.len() <= MAX_TRIED_BYTES
        && value.first() == Some(&b'{')
        && value.last() == Some(&b'}')
        && value.iter().all(|&byte| byte >= 0x20)
}

/// Whether the unfinished line is JSON once it has its brace: a value alone may be, and be too
/// deep for a usual parser as a part of the line.
fn is_json(out: &mut Vec<u8>, start: usize) -> bool {
    out.push(b'}');
    let line = std::str::from_utf8(&out[start..]);
    let is_json = line.is_ok_and(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    out.pop();
    is_json
}

#[inline]
fn write_key(out: &mut Vec<u8>, key: Option<&[u8]>) {
    let Some(key) = key else {
        out.extend_from_slice(b",\"k\":null");
        return;
    };
    let plain = key
        .iter()
        .all(|&byte| (0x20..0x7f).contains(&byte) && !b"\"\\".contains(&byte));
    if plain {
        out.extend_from_slice(b",\"k\":\"");
        out.extend_from_slice(key);
        out.push(b'"');
        return;
    }
    match std::str::from_utf8(key) {
        Ok(text) if !key.iter().any(|&byte| byte < 0x20) => {
            out.extend_from_slice(b",\"k\":");
            write_string(out, text);
        }
        _ => {
            out.extend_from_slice(b",\"k64\":\"");
            push_base64(out, key);
            out.push(b'"');
        }
    }
}

fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(BASE64.encode(bytes).as_bytes());
}

/// Appends a commit or an abort: which attempt, and the next offset of each partition behind it.
pub(crate) fn write_switch(out: &mut Vec<u8>, word: &str, run: &str, next: &[u64]) {
    let start = out.len();
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b"\":");
    write_string(out, run);
    out.extend_from_slice(b",\"next\":[");
    for (partition, &next) in next.iter().enumerate() {
        if partition > 0 {
            out.push(b',');
        }
        push_number(out, next);
    }
    out.push(b']');
    seal(out, start);
}

#[inline]
fn push_signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    push_number(out, number.unsigned_abs());
}

/// Appends a number in decimal digits.
#[inline]
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}
