//! Documents as rows: their columns are kept, not their JSON, so that they can be searched, and the
//! canonical line is made from them when it is read.
//!
//! What is not the canonical line of its view and id (no dataflow writes such a thing) is kept whole
//! in `doc`, its columns empty.

use std::borrow::Cow;

use eip_contract::{Day, EventTime, EventType};
use eip_views::{Column, Kind, Value, View};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::super::error::StoreError;
use super::schema::{broken, read_error};

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

/// The values of a row of [`select`]; none when the document is kept whole.
pub(crate) fn values<'r>(
    view: &View,
    row: &'r SqliteRow,
) -> Result<Result<Vec<Value<'r>>, &'r str>, StoreError> {
    let last = view.columns.len() + 1;
    if let Some(doc) = row.try_get(last).map_err(read_error)? {
        return Ok(Err(doc));
    }
    let mut values = Vec::with_capacity(view.columns.len());
    values.push(Value::from(row.try_get::<&str, _>(0).map_err(read_error)?));
    for (place, column) in view.columns.iter().enumerate().skip(1) {
        values.push(value(column, row, place + 1)?);
    }
    Ok(Ok(values))
}

/// Makes `line` that of a row of [`select`], and gives the order that it is about.
pub(super) fn line<'r>(
    view: &View,
    row: &'r SqliteRow,
    line: &mut Vec<u8>,
) -> Result<Option<Cow<'r, str>>, StoreError> {
    line.clear();
    match values(view, row)? {
        Ok(mut values) => {
            view.encode(&values, line);
            let place = view.place("orderId").expect("documents have an order");
            Ok(match values.swap_remove(place) {
                Value::Text(order_id) => Some(order_id),
                _ => None,
            })
        }
        Err(doc) => {
            line.extend_from_slice(doc.as_bytes());
            Ok(None)
        }
    }
}

/// A value of a column. One that another hand has written and that means nothing is an error: the
/// file is to be made again.
pub(crate) fn value<'r>(
    column: &Column,
    row: &'r SqliteRow,
    place: usize,
) -> Result<Value<'r>, StoreError> {
    let unreadable = || broken(&format!("a {} cannot be read", column.sql_name()));
    if matches!(column.kind, Kind::Id | Kind::Text | Kind::Day) {
        let text: Option<&str> = row.try_get(place).map_err(read_error)?;
        return match (column.kind, text) {
            (_, None) => Ok(Value::Null),
            (Kind::Day, Some(text)) => Day::parse(text.as_bytes())
                .map(Value::Day)
                .map_err(|_| unreadable()),
            (_, Some(text)) => Ok(Value::from(text)),
        };
    }
    let integer: Option<i64> = row.try_get(place).map_err(read_error)?;
    let Some(integer) = integer else {
        return Ok(Value::Null);
    };
    let value = match column.kind {
        Kind::Time => EventTime::from_seconds(integer).map(Value::Time),
        Kind::EventType => usize::try_from(integer)
            .ok()
            .and_then(EventType::from_rank)
            .map(Value::EventType),
        Kind::Boolean => Some(Value::Boolean(integer != 0)),
        _ => Some(Value::Integer(integer)),
    };
    value.ok_or_else(unreadable)
}

/// The values of a document's columns behind its id; none when it is to be kept whole.
pub(super) fn columns_of<'d>(view: &View, id: &str, doc: &'d str) -> Option<Vec<Value<'d>>> {
    let mut values = view.decode_exact(doc)?;
    let is_its_id = matches!(&values[0], Value::Text(text) if text == id);
    is_its_id.then(|| values.split_off(1))
}
