//! Taking lines apart. All of these take lines whose check sum was good, so what does not fit here
//! was made by something else, and is reported as damage by the caller.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::content;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    Begin,
    Commit,
    Abort,
    Ledger,
    Header,
    Unknown,
}

impl Kind {
    #[inline]
    pub(crate) fn of(line: &[u8]) -> Self {
        const NAMES: [(&[u8], Kind); 5] = [
            (b"{\"begin\":", Kind::Begin),
            (b"{\"commit\":", Kind::Commit),
            (b"{\"abort\":", Kind::Abort),
            (b"{\"ledger\":", Kind::Ledger),
            (b"{\"journal\":", Kind::Header),
        ];
        if line.starts_with(b"{\"p\":") {
            return Self::Record;
        }
        NAMES
            .iter()
            .find(|(name, _)| line.starts_with(name))
            .map_or(Self::Unknown, |(_, kind)| *kind)
    }
}

/// A commit or an abort.
#[derive(Deserialize)]
pub(crate) struct Switch {
    /// The next offset of each partition behind it.
    pub(crate) next: Vec<u64>,
}

/// Partition and offset of a record's line, and where the rest of it begins.
#[inline]
pub(crate) fn record_head(line: &[u8]) -> Option<(u32, u64, usize)> {
    let (partition, at) = number(line, "{\"p\":".len())?;
    let rest = line.get(at..)?.strip_prefix(b",\"o\":")?;
    let (offset, at) = number(line, line.len() - rest.len())?;
    Some((u32::try_from(partition).ok()?, offset, at))
}

#[inline]
fn number(line: &[u8], start: usize) -> Option<(u64, usize)> {
    let mut at = start;
    let mut number = 0_u64;
    while let Some(digit) = line
        .get(at)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|&d| d < 10)
    {
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        at += 1;
    }
    (at > start).then_some((number, at))
}

/// A number with or without a minus, and what is behind it.
#[inline]
fn signed(rest: &[u8]) -> Option<(Option<i64>, &[u8])> {
    let digits = rest.strip_prefix(b"-").unwrap_or(rest);
    let (size, end) = number(digits, 0)?;
    let signed = if digits.len() < rest.len() {
        0_i64.checked_sub_unsigned(size)?
    } else {
        i64::try_from(size).ok()?
    };
    Some((Some(signed), &digits[end..]))
}

/// The rest of a record's line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Body<'a> {
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) run: Option<&'a str>,
    pub(crate) parts: Option<&'a str>,
    pub(crate) appended_ms: Option<i64>,
    pub(crate) due_micros: Option<i64>,
    pub(crate) value: Option<&'a [u8]>,
}

/// Where keys and values go that are not in the line as they are.
#[derive(Default)]
pub(crate) struct Scratch {
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Reads a record's line from where [`record_head`] stopped.
#[inline]
pub(crate) fn body<'a>(line: &'a [u8], at: usize, scratch: &'a mut Scratch) -> Option<Body<'a>> {
    let Scratch {
        key: key_scratch,
        value: value_scratch,
    } = scratch;
    let rest = content(line).get(at..)?;
    let (key, mut rest) = key(rest, key_scratch)?;
    let mut run = None;
    if let Some(after) = rest.strip_prefix(b",\"run\":\"") {
        (run, rest) = plain_text(after)?;
    }
    let mut parts = None;
    if let Some(after) = rest.strip_prefix(b",\"parts\":\"") {
        (parts, rest) = plain_text(after)?;
    }
    let mut appended_ms = None;
    if let Some(after) = rest.strip_prefix(b",\"at\":") {
        (appended_ms, rest) = signed(after)?;
    }
    let mut due_micros = None;
    if let Some(after) = rest.strip_prefix(b",\"due\":") {
        (due_micros, rest) = signed(after)?;
    }
    let value = if let Some(value) = rest.strip_prefix(b",\"v\":") {
        (value != b"null").then_some(value)
    } else {
        let text = rest.strip_prefix(b",\"b64\":\"")?.strip_suffix(b"\"")?;
        value_scratch.clear();
        BASE64.decode_vec(text, value_scratch).ok()?;
        Some(value_scratch.as_slice())
    };
    Some(Body {
        key,
        run,
        parts,
        appended_ms,
        due_micros,
        value,
    })
}

#[inline]
fn key<'a>(rest: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<(Option<&'a [u8]>, &'a [u8])> {
    if let Some(text) = rest.strip_prefix(b",\"k\":\"") {
        let end = memchr::memchr2(b'"', b'\\', text)?;
        if text[end] == b'"' {
            return Some((Some(&text[..end]), &text[end + 1..]));
        }
        // The contract's rule: a backslash stands before `"` or `\` and nothing else is escaped.
        scratch.clear();
        let mut at = 0;
        while text.get(at)? != &b'"' {
            if text[at] == b'\\' {
                at += 1;
            }
            scratch.push(*text.get(at)?);
            at += 1;
        }
        return Some((Some(scratch), &text[at + 1..]));
    }
    if let Some(text) = rest.strip_prefix(b",\"k64\":\"") {
        let end = memchr::memchr(b'"', text)?;
        scratch.clear();
        BASE64.decode_vec(&text[..end], scratch).ok()?;
        return Some((Some(scratch), &text[end + 1..]));
    }
    Some((None, rest.strip_prefix(b",\"k\":null")?))
}

#[inline]
fn plain_text(rest: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let end = memchr::memchr(b'"', rest)?;
    Some((
        Some(std::str::from_utf8(&rest[..end]).ok()?),
        &rest[end + 1..],
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{RecordLine, is_sound, write_record};
    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "\\PC{0,20}".prop_map(String::into_bytes),
            prop::sample::select(vec![
                &b"null"[..],
                b"{}",
                b"{\"a\":1e999}",
                b"{\"a\":\"\\ud800\"}",
                b"{\"a\":1}\n",
                b"\"\\",
                b"{\"a\":[1,{\"b\":null}]}",
                b"{}{}",
                b"\\\"",
                b"{\"v\":1,\"c\":\"00000000\"}",
            ])
            .prop_map(<[u8]>::to_vec),
        ]
    }

    proptest! {
        #[test]
        fn any_record_comes_back_and_its_line_is_json(
            partition in any::<u32>(),
            offset in any::<u64>(),
            key in prop::option::of(bytes()),
            value in prop::option::of(bytes()),
            run in any::<bool>(),
            appended_ms in any::<i64>(),
            due_micros in prop::option::of(any::<i64>()),
        ) {
            let headers: &[u8] = if run { b",\"run\":\"r/1\",\"parts\":\"1,2\"" } else { b"" };
            let head = RecordLine {
                partition,
                offset,
                key: key.as_deref(),
                headers,
                appended_ms,
                due_micros,
            };
            let mut line = Vec::new();
            write_record(&mut line, &head, value.as_deref(), false);
            prop_assert_eq!(line.pop(), Some(b'\n'));
            prop_assert!(!line.contains(&b'\n') && is_sound(&line));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok());
            prop_assert_eq!(Kind::of(&line), Kind::Record);
            let (p, o, at) = record_head(&line).unwrap();
            prop_assert_eq!((p, o), (partition, offset));
            let mut scratch = Scratch::default();
            let expected = Body {
                key: key.as_deref(),
                run: run.then_some("r/1"),
                parts: run.then_some("1,2"),
                appended_ms: Some(appended_ms),
                due_micros,
                value: value.as_deref(),
            };
            prop_assert_eq!(body(&line, at, &mut scratch), Some(expected));
        }
    }

    #[test]
    fn a_line_of_format_1_does_not_say_when_it_was_appended() {
        let mut line =
            br#"{"p":1,"o":12,"k":"a","run":"r/1","parts":"1,2","due":-5,"v":{"b":1}"#.to_vec();
        super::super::seal(&mut line, 0);
        line.pop();
        let (partition, offset, at) = record_head(&line).unwrap();
        assert_eq!((partition, offset), (1, 12));
        let mut scratch = Scratch::default();
        let expected = Body {
            key: Some(b"a"),
            run: Some("r/1"),
            parts: Some("1,2"),
            appended_ms: None,
            due_micros: Some(-5),
            value: Some(b"{\"b\":1}"),
        };
        assert_eq!(body(&line, at, &mut scratch), Some(expected));
    }

    #[test]
    fn a_value_deeper_than_parsers_go_is_kept_as_base64() {
        for depth in [10, 126, 127, 128, 200] {
            let value =
                format!("{}{{}}{}", "{\"a\":".repeat(depth), "}".repeat(depth)).into_bytes();
            let head = RecordLine {
                partition: 0,
                offset: 0,
                key: None,
                headers: b"",
                appended_ms: 0,
                due_micros: None,
            };
            let mut line = Vec::new();
            write_record(&mut line, &head, Some(&value), false);
            line.pop();
            assert!(
                serde_json::from_slice::<serde_json::Value>(&line).is_ok(),
                "depth {depth}"
            );
            let (_, _, at) = record_head(&line).unwrap();
            assert_eq!(
                body(&line, at, &mut Scratch::default()).unwrap().value,
                Some(&*value)
            );
        }
    }
}
