//! Documents as rows: their columns are kept, not their JSON, so that they can be searched, and the
//! canonical line is made from them when it is read.
//!
//! What is not the canonical line of its view and id (no dataflow writes such a thing) is kept whole
//! in `doc`, its columns empty.

use std::borrow::Cow;

use eip_contract::json::{write_integer, write_string};
use eip_contract::{Day, EventTime, EventType};
use eip_views::{Column, Kind, Value, View};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::super::error::StoreError;
use super::failure::{broken, read_error};

/// The column that says which order a document is about.
pub(super) fn order_id(view: &View) -> String {
    let place = view.place("orderId").expect("documents have an order");
    match place {
        0 => "id".to_owned(),
        place => view.columns[place].sql_name(),
    }
}

/// `SELECT` of whole documents: id, `extra`, the columns behind the first, `doc`.
pub(crate) fn select(view: &View, extra: &str) -> String {
    let columns = view.sql_columns();
    format!(
        "SELECT id, {extra}, {}, doc FROM {}",
        columns[1..].join(", "),
        view.name
    )
}

/// The order of the documents' lines: by their first value as it stands there, which is their id.
pub(super) fn line_order(view: &View) -> String {
    format!(
        "ORDER BY coalesce(doc, '{{\"{}\":\"' || replace(replace(id, '\\', '\\\\'), '\"', '\\\"') || '\"')",
        view.columns[0].name
    )
}

/// The values of a row of [`select`]; its JSON when the document is kept whole, or when another hand has
/// written something that means nothing in its column.
pub(crate) fn values<'r>(
    view: &View,
    row: &'r SqliteRow,
) -> Result<Result<Vec<Value<'r>>, Cow<'r, str>>, StoreError> {
    let last = view.columns.len() + 1;
    if let Some(doc) = row.try_get::<Option<&str>, _>(last).map_err(read_error)? {
        return Ok(Err(Cow::Borrowed(doc)));
    }
    let mut values = Vec::with_capacity(view.columns.len());
    values.push(Value::from(row.try_get::<&str, _>(0).map_err(read_error)?));
    for (place, column) in view.columns.iter().enumerate().skip(1) {
        match meaning(column, row, place_in_row(place))? {
            Some(value) => values.push(value),
            None => return Ok(Err(Cow::Owned(as_stored(view, row)?))),
        }
    }
    Ok(Ok(values))
}

/// What a row holds, as it stands there: an object that begins as the canonical line does.
fn as_stored(view: &View, row: &SqliteRow) -> Result<String, StoreError> {
    let mut fields = Vec::with_capacity(view.columns.len());
    for (place, column) in view.columns.iter().enumerate() {
        let mut field = format!("\"{}\":", column.name).into_bytes();
        let place = place_in_row(place);
        if is_text(column) {
            match row.try_get(place).map_err(read_error)? {
                Some(text) => write_string(&mut field, text),
                None => field.extend_from_slice(b"null"),
            }
        } else {
            write_integer(&mut field, row.try_get(place).map_err(read_error)?);
        }
        fields.push(String::from_utf8(field).expect("made of texts"));
    }
    Ok(format!("{{{}}}", fields.join(",")))
}

/// Where a row of [`select`] has a column: behind the id stands what was asked for besides.
fn place_in_row(column: usize) -> usize {
    if column == 0 { 0 } else { column + 1 }
}

/// Makes `line` that of a row of [`select`], and gives the order that it is about.
pub(super) fn line<'r>(
    view: &View,
    row: &'r SqliteRow,
    line: &mut Vec<u8>,
) -> Result<Option<&'r str>, StoreError> {
    line.clear();
    match values(view, row)? {
        Ok(values) => view.encode(&values, line),
        Err(doc) => line.extend_from_slice(doc.as_bytes()),
    }
    let place = view.place("orderId").expect("documents have an order");
    row.try_get(place_in_row(place)).map_err(read_error)
}

/// A value of a column. One that another hand has written and that means nothing is an error.
pub(crate) fn value<'r>(
    column: &Column,
    row: &'r SqliteRow,
    place: usize,
) -> Result<Value<'r>, StoreError> {
    meaning(column, row, place)?
        .ok_or_else(|| broken(&format!("a {} cannot be read", column.sql_name())))
}

/// What a value of a column means, if anything.
fn meaning<'r>(
    column: &Column,
    row: &'r SqliteRow,
    place: usize,
) -> Result<Option<Value<'r>>, StoreError> {
    if is_text(column) {
        let text: Option<&str> = row.try_get(place).map_err(read_error)?;
        return Ok(match (column.kind, text) {
            (_, None) => Some(Value::Null),
            (Kind::Day, Some(text)) => Day::parse(text.as_bytes()).ok().map(Value::Day),
            (_, Some(text)) => Some(Value::from(text)),
        });
    }
    let integer: Option<i64> = row.try_get(place).map_err(read_error)?;
    let Some(integer) = integer else {
        return Ok(Some(Value::Null));
    };
    Ok(match column.kind {
        Kind::Time => EventTime::from_seconds(integer).map(Value::Time),
        Kind::EventType => usize::try_from(integer)
            .ok()
            .and_then(EventType::from_rank)
            .map(Value::EventType),
        Kind::Boolean => [false, true]
            .into_iter()
            .find(|&boolean| i64::from(boolean) == integer)
            .map(Value::Boolean),
        _ => Some(Value::Integer(integer)),
    })
}

/// Whether a column is one of texts.
fn is_text(column: &Column) -> bool {
    matches!(column.kind, Kind::Id | Kind::Text | Kind::Day)
}

/// The values of a document's columns behind its id; none when it is to be kept whole.
pub(super) fn columns_of<'d>(view: &View, id: &str, doc: &'d str) -> Option<Vec<Value<'d>>> {
    let mut values = view.decode_exact(doc)?;
    let is_its_id = matches!(&values[0], Value::Text(text) if text == id);
    is_its_id.then(|| values.split_off(1))
}
