//! Parquet and Arrow IPC: typed columns, as the view has them.
//!
//! | column | Arrow |
//! |---|---|
//! | time | timestamp in seconds, UTC; in milliseconds in Parquet, which knows no seconds |
//! | day | date32 |
//! | whole number | int64 |
//! | true or false | boolean |
//! | everything else | utf8 |

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, TimestampSecondArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use eip_stores::query::Document;
use eip_views::{Column, Kind, Value, View};

/// The zone of all times.
const UTC: &str = "UTC";

/// A view's columns as a schema of Arrow.
#[derive(Clone)]
pub(super) struct Columns {
    view: &'static View,
    unit: TimeUnit,
    pub(super) schema: SchemaRef,
}

impl Columns {
    /// The columns of a view; times are kept in this unit, seconds or milliseconds.
    pub(super) fn of(view: &'static View, unit: TimeUnit) -> Self {
        let fields: Vec<Field> = view
            .columns
            .iter()
            .map(|column| Field::new(column.name, data_type(column, unit), column.nullable))
            .collect();
        Self {
            view,
            unit,
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// Documents of the view as one batch.
    pub(super) fn batch(&self, documents: &[Document]) -> Result<RecordBatch, ArrowError> {
        let columns = self.view.columns.iter().enumerate();
        let arrays = columns.map(|(place, column)| self.array(column, place, documents));
        RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect())
    }

    fn array(&self, column: &Column, place: usize, documents: &[Document]) -> ArrayRef {
        let values = documents.iter().map(|document| &document[place]);
        match column.kind {
            Kind::Id | Kind::Text | Kind::EventType => {
                Arc::new(values.map(text).collect::<StringArray>())
            }
            Kind::Time if self.unit == TimeUnit::Second => {
                let seconds: TimestampSecondArray = values.map(Value::as_integer).collect();
                Arc::new(seconds.with_timezone(UTC))
            }
            Kind::Time => {
                let milliseconds = values.map(|value| Some(value.as_integer()? * 1000));
                let milliseconds: TimestampMillisecondArray = milliseconds.collect();
                Arc::new(milliseconds.with_timezone(UTC))
            }
            Kind::Day => Arc::new(values.map(days).collect::<Date32Array>()),
            Kind::Integer => Arc::new(values.map(Value::as_integer).collect::<Int64Array>()),
            Kind::Boolean => Arc::new(values.map(truth).collect::<BooleanArray>()),
        }
    }
}

fn data_type(column: &Column, unit: TimeUnit) -> DataType {
    match column.kind {
        Kind::Id | Kind::Text | Kind::EventType => DataType::Utf8,
        Kind::Time => DataType::Timestamp(unit, Some(UTC.into())),
        Kind::Day => DataType::Date32,
        Kind::Integer => DataType::Int64,
        Kind::Boolean => DataType::Boolean,
    }
}

fn text<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    match value {
        Value::Text(text) => Some(text),
        Value::EventType(event_type) => Some(event_type.name()),
        _ => None,
    }
}

fn days(value: &Value<'_>) -> Option<i32> {
    match value {
        Value::Day(day) => Some(day.days() as i32),
        _ => None,
    }
}

fn truth(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(boolean) => Some(*boolean),
        _ => None,
    }
}
