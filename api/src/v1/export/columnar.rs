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
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use eip_stores::query::Document;
use eip_views::{Column, Kind, SHIPMENTS, Value, View};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// The zone of all times.
const UTC: &str = "UTC";
/// Rows of a row group of Parquet, which is kept in memory until it is whole: a few hundred bytes each.
const ROW_GROUP: usize = 20_000;

/// A columnar export of shipments under way.
pub(super) struct Columnar {
    columns: Columns,
    writer: Writer,
}

enum Writer {
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

/// What cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("cannot write Arrow IPC")]
    Arrow(#[from] ArrowError),
    #[error("cannot write Parquet")]
    Parquet(#[from] ParquetError),
}

impl Columnar {
    /// A Parquet file.
    pub(super) fn parquet() -> Result<Self, EncodeError> {
        let columns = Columns::of(&SHIPMENTS, TimeUnit::Millisecond);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let schema = columns.schema.clone();
        let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
        let writer = Writer::Parquet(Box::new(writer));
        Ok(Self { columns, writer })
    }

    /// A stream of Arrow IPC.
    pub(super) fn arrow() -> Result<Self, EncodeError> {
        let columns = Columns::of(&SHIPMENTS, TimeUnit::Second);
        let writer = StreamWriter::try_new(Vec::new(), &columns.schema)?;
        let writer = Writer::Arrow(Box::new(writer));
        Ok(Self { columns, writer })
    }

    /// What can be sent when these have come; of Parquet nothing until a row group is whole.
    pub(super) fn page(&mut self, documents: &[Document]) -> Result<Vec<u8>, EncodeError> {
        match &mut self.writer {
            Writer::Parquet(writer) => {
                writer.write(&self.columns.batch(documents)?)?;
                Ok(std::mem::take(writer.inner_mut()))
            }
            Writer::Arrow(writer) => {
                if !documents.is_empty() {
                    writer.write(&self.columns.batch(documents)?)?;
                }
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    /// What comes behind the last page.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, EncodeError> {
        match &mut self.writer {
            Writer::Parquet(writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.inner_mut()))
            }
            Writer::Arrow(writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}

/// A view's columns as a schema of Arrow.
struct Columns {
    view: &'static View,
    unit: TimeUnit,
    schema: SchemaRef,
}

impl Columns {
    /// The columns of a view; times are kept in this unit, seconds or milliseconds.
    fn of(view: &'static View, unit: TimeUnit) -> Self {
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
    fn batch(&self, documents: &[Document]) -> Result<RecordBatch, ArrowError> {
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
