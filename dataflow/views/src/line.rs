//! Canonical lines: values → one compact JSON object, its keys in the order of the columns, and back.

use std::borrow::Cow;

use eip_contract::json::{write_day, write_integer, write_string, write_time};
use eip_contract::{Day, EventTime, EventType};
use serde_json::{Map, Value as Json};

use crate::columns::{Column, Kind, Value};
use crate::view::View;

/// Why a JSON object is no line of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine(String);

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadLine {}

impl View {
    /// Appends the canonical line of these values, one a column, without a line end.
    pub fn encode(&self, values: &[Value<'_>], out: &mut Vec<u8>) {
        assert!(values.len() == self.columns.len(), "a value a column");
        out.push(b'{');
        let mut within = None;
        for (place, (column, value)) in self.columns.iter().zip(values).enumerate() {
            if column.within != within && within.is_some() {
                out.push(b'}');
            }
            if place > 0 {
                out.push(b',');
            }
            if column.within != within
                && let Some(object) = column.within
            {
                key(out, object);
                out.push(b'{');
            }
            within = column.within;
            key(out, column.name);
            write(out, value);
        }
        if within.is_some() {
            out.push(b'}');
        }
        out.push(b'}');
    }

    /// The values of a line that is canonical to the byte.
    pub fn decode_exact<'a>(&self, line: &'a str) -> Option<Vec<Value<'a>>> {
        if let Some(values) = self.decode_canonical(line) {
            return Some(values);
        }
        let values = self.decode(line, &[]).ok()?;
        let mut again = Vec::with_capacity(line.len());
        self.encode(&values, &mut again);
        (again == line.as_bytes()).then_some(values)
    }

    /// The values of a line: of a canonical one, and of any JSON object that says the same. `others`
    /// are keys that may be there as well; they are passed over.
    pub fn decode<'a>(&self, line: &'a str, others: &[&str]) -> Result<Vec<Value<'a>>, BadLine> {
        if others.is_empty()
            && let Some(values) = self.decode_canonical(line)
        {
            return Ok(values);
        }
        let mut fields: Map<String, Json> = serde_json::from_str(line)
            .map_err(|error| BadLine(format!("no JSON object: {error}")))?;
        for other in others {
            fields.remove(*other);
        }
        let mut values = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let field = match column.within {
                None => fields.remove(column.name),
                Some(object) => fields
                    .get_mut(object)
                    .and_then(Json::as_object_mut)
                    .and_then(|inner| inner.remove(column.name)),
            };
            let field = field.ok_or_else(|| BadLine(format!("{} is missing", column.name)))?;
            values.push(value(column, &field)?);
        }
        fields.retain(|_, left| left.as_object().is_none_or(|inner| !inner.is_empty()));
        match fields.into_iter().next() {
            Some((unknown, _)) => Err(BadLine(format!("{unknown} is no column"))),
            None => Ok(values),
        }
    }

    /// The fast way for what [`View::encode`] has written.
    fn decode_canonical<'a>(&self, line: &'a str) -> Option<Vec<Value<'a>>> {
        let mut rest = line.strip_prefix('{')?;
        let mut values = Vec::with_capacity(self.columns.len());
        let mut within = None;
        for (place, column) in self.columns.iter().enumerate() {
            if column.within != within && within.is_some() {
                rest = rest.strip_prefix('}')?;
            }
            if place > 0 {
                rest = rest.strip_prefix(',')?;
            }
            if column.within != within
                && let Some(object) = column.within
            {
                rest = after_key(rest, object)?.strip_prefix('{')?;
            }
            within = column.within;
            rest = after_key(rest, column.name)?;
            let (value, after) = canonical(column, rest)?;
            values.push(value);
            rest = after;
        }
        if within.is_some() {
            rest = rest.strip_prefix('}')?;
        }
        (rest == "}").then_some(values)
    }
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn after_key<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    rest.strip_prefix('"')?
        .strip_prefix(name)?
        .strip_prefix("\":")
}

fn write(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Text(text) => write_string(out, text),
        Value::Time(time) => write_time(out, Some(*time)),
        Value::Day(day) => write_day(out, *day),
        Value::Integer(integer) => write_integer(out, Some(*integer)),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::EventType(event_type) => {
            out.push(b'"');
            out.extend_from_slice(event_type.name().as_bytes());
            out.push(b'"');
        }
    }
}

/// The value at the beginning of `rest`, and what is behind it.
fn canonical<'a>(column: &Column, rest: &'a str) -> Option<(Value<'a>, &'a str)> {
    if let Some(rest) = rest.strip_prefix("null") {
        return column.nullable.then_some((Value::Null, rest));
    }
    match column.kind {
        Kind::Boolean => {
            let (text, boolean) = if rest.starts_with('t') {
                ("true", true)
            } else {
                ("false", false)
            };
            Some((Value::Boolean(boolean), rest.strip_prefix(text)?))
        }
        Kind::Integer => {
            let end = rest
                .bytes()
                .position(|byte| byte != b'-' && !byte.is_ascii_digit())?;
            let (digits, rest) = rest.split_at(end);
            // Another spelling of the number is read the long way.
            let first = digits.trim_start_matches('-');
            if first.len() > 1 && first.starts_with('0') || digits == "-0" {
                return None;
            }
            let integer: i64 = digits.parse().ok()?;
            Some((Value::Integer(integer), rest))
        }
        Kind::Id | Kind::Text | Kind::Time | Kind::Day | Kind::EventType => {
            let text = rest.strip_prefix('"')?;
            let end = text.bytes().position(|byte| byte == b'"')?;
            let (text, rest) = (&text[..end], &text[end + 1..]);
            // A text with escapes is read the long way.
            if text.contains('\\') {
                return None;
            }
            Some((parsed(column.kind, text)?, rest))
        }
    }
}

/// What a text says in a column of this kind.
fn parsed(kind: Kind, text: &str) -> Option<Value<'_>> {
    match kind {
        Kind::Id | Kind::Text => Some(Value::Text(Cow::Borrowed(text))),
        Kind::Time => EventTime::parse_iso(text.as_bytes()).ok().map(Value::Time),
        Kind::Day => Day::parse(text.as_bytes()).ok().map(Value::Day),
        Kind::EventType => EventType::from_name(text).map(Value::EventType),
        Kind::Integer | Kind::Boolean => None,
    }
}

fn value(column: &Column, field: &Json) -> Result<Value<'static>, BadLine> {
    let value = match field {
        Json::Null if column.nullable => Some(Value::Null),
        Json::Bool(boolean) if column.kind == Kind::Boolean => Some(Value::Boolean(*boolean)),
        Json::Number(number) if column.kind == Kind::Integer => number.as_i64().map(Value::Integer),
        Json::String(text) => parsed(column.kind, text).map(Value::into_owned),
        _ => None,
    };
    value.ok_or_else(|| BadLine(format!("{} is {field}", column.name)))
}
