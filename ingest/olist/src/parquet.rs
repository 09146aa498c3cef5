//! The rows of a Parquet file as the texts that a CSV would have: batch by batch, the columns that
//! are used alone.
//!
//! A typed time becomes a built-in form of section 1, with `Z` where the column is in UTC and
//! without where it is local; a date stands alone; a number stands as it is written; null is empty.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;
use jiff::tz::Offset;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

/// Rows decoded at once.
const BATCH: usize = 8_192;

/// Why a Parquet file cannot be read on.
#[derive(Debug)]
pub(crate) enum ParquetFault {
    /// The file is damaged, cut or packed in a way that is not built in.
    Broken(parquet::errors::ParquetError),
    /// A column is of a type that is no text, number or time.
    Type { column: String, found: String },
    /// It cannot be opened.
    Io(std::io::Error),
}

/// A Parquet file whose columns are known and not yet chosen.
pub(crate) struct ParquetHeader {
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl ParquetHeader {
    pub(crate) fn open(path: &Path) -> Result<Self, ParquetFault> {
        let file = File::open(path).map_err(ParquetFault::Io)?;
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(ParquetFault::Broken)?;
        Ok(Self { builder })
    }

    /// Names of the columns, in the order of the file.
    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        let fields = self.builder.schema().fields().iter();
        fields
            .map(|field| field.name().as_bytes().to_vec())
            .collect()
    }

    /// How many rows there are, as the file says.
    pub(crate) fn row_count(&self) -> u64 {
        let rows = self.builder.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or_default()
    }

    /// The places of the columns that are texts, numbers or times.
    pub(crate) fn readable_columns(&self) -> Vec<usize> {
        let fields = self.builder.schema().fields().iter().enumerate();
        fields
            .filter(|(_, field)| is_readable(field.data_type()))
            .map(|(place, _)| place)
            .collect()
    }

    /// Begins to read these columns, given by their places.
    pub(crate) fn rows(self, columns: &[usize]) -> Result<ParquetRows, ParquetFault> {
        let schema = self.builder.schema();
        for &place in columns {
            let field = schema.field(place);
            if !is_readable(field.data_type()) {
                return Err(ParquetFault::Type {
                    column: field.name().clone(),
                    found: field.data_type().to_string(),
                });
            }
        }
        let mask = ProjectionMask::roots(self.builder.parquet_schema(), columns.iter().copied());
        // The projection keeps the order of the file.
        let mut kept: Vec<usize> = columns.to_vec();
        kept.sort_unstable();
        kept.dedup();
        let places = columns
            .iter()
            .map(|place| kept.binary_search(place).expect("it was just put there"))
            .collect();
        let reader = self
            .builder
            .with_projection(mask)
            .with_batch_size(BATCH)
            .build();
        Ok(ParquetRows {
            reader: reader.map_err(ParquetFault::Broken)?,
            places,
            columns: Vec::new(),
            at: 0,
            count: 0,
            row: 0,
        })
    }
}

/// The rows of a Parquet file.
pub(crate) struct ParquetRows {
    reader: ParquetRecordBatchReader,
    /// Where the batch has each column that was asked for.
    places: Vec<usize>,
    /// The texts of the batch, by column asked for.
    columns: Vec<Texts>,
    /// The next row of the batch, and how many it has.
    at: usize,
    count: usize,
    /// Number of the row that was handed out last, from 1.
    row: u64,
}

/// The values of one column of a batch, one after the other.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    is_typed: bool,
}

/// One row; its bytes live until the next one is asked for.
#[derive(Clone, Copy)]
pub(crate) struct ParquetRow<'a> {
    /// From 1 on.
    pub(crate) number: u64,
    columns: &'a [Texts],
    at: usize,
}

impl<'a> ParquetRow<'a> {
    /// The value of a column asked for.
    pub(crate) fn value(&self, index: usize) -> &'a [u8] {
        let Texts { bytes, ends, .. } = &self.columns[index];
        let start = self.at.checked_sub(1).map_or(0, |before| ends[before]);
        &bytes[start..ends[self.at]]
    }

    /// Whether the value is a time or a date of that type.
    pub(crate) fn is_typed(&self, index: usize) -> bool {
        self.columns[index].is_typed
    }
}

impl ParquetRows {
    /// Whether there is another row.
    pub(crate) fn has_next(&mut self) -> Result<bool, ParquetFault> {
        while self.at == self.count {
            match self.reader.next() {
                None => return Ok(false),
                Some(Err(error)) => {
                    let error = parquet::errors::ParquetError::External(Box::new(error));
                    return Err(ParquetFault::Broken(error));
                }
                Some(Ok(batch)) => self.take(&batch)?,
            }
        }
        Ok(true)
    }

    /// The next row, which [`ParquetRows::has_next`] has found.
    pub(crate) fn next(&mut self) -> ParquetRow<'_> {
        let at = self.at;
        assert!(at < self.count, "a row is asked for once it was found");
        self.at += 1;
        self.row += 1;
        ParquetRow {
            number: self.row,
            columns: &self.columns,
            at,
        }
    }

    /// Rows handed out.
    pub(crate) fn rows(&self) -> u64 {
        self.row
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), ParquetFault> {
        self.columns.clear();
        for &place in &self.places {
            let column = batch.column(place);
            let texts = texts(column.as_ref()).ok_or_else(|| ParquetFault::Type {
                column: batch.schema().field(place).name().clone(),
                found: column.data_type().to_string(),
            })?;
            self.columns.push(texts);
        }
        (self.at, self.count) = (0, batch.num_rows());
        Ok(())
    }
}

fn is_readable(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, values) => is_readable(values),
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Null
        | DataType::Boolean
        | DataType::Decimal128(..)
        | DataType::Float32
        | DataType::Float64
        | DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64 => true,
        found => found.is_integer(),
    }
}

impl Texts {
    /// A text for each value; null is empty.
    fn of<'a>(array: &dyn Array, mut value: impl FnMut(usize, &mut Vec<u8>) + 'a) -> Self {
        let mut texts = Self::default();
        texts.ends.reserve(array.len());
        for at in 0..array.len() {
            if !array.is_null(at) {
                value(at, &mut texts.bytes);
            }
            texts.ends.push(texts.bytes.len());
        }
        texts
    }

    fn of_numbers<T: ArrowPrimitiveType>(array: &dyn Array) -> Self
    where
        T::Native: std::fmt::Debug,
    {
        let numbers = array.as_primitive::<T>();
        Self::of(array, |at, text| {
            write(text, format_args!("{:?}", numbers.value(at)));
        })
    }

    /// `per_second`: units of the column in a second.
    fn of_times<T: ArrowPrimitiveType<Native = i64>>(
        array: &dyn Array,
        per_second: i64,
        is_utc: bool,
    ) -> Self {
        let times = array.as_primitive::<T>();
        let texts = Self::of(array, |at, text| {
            // Fractions are cut off, also before 1970.
            let seconds = times.value(at).div_euclid(per_second);
            write_time(text, seconds, if is_utc { "Z" } else { "" });
        });
        Self {
            is_typed: true,
            ..texts
        }
    }

    fn of_days(array: &dyn Array, day: impl Fn(usize) -> i64) -> Self {
        let texts = Self::of(array, |at, text| {
            match day(at).checked_mul(86_400).map(Timestamp::from_second) {
                Some(Ok(time)) => write(
                    text,
                    format_args!("{}", Offset::UTC.to_datetime(time).date()),
                ),
                _ => write(text, format_args!("day {}", day(at))),
            }
        });
        Self {
            is_typed: true,
            ..texts
        }
    }
}

fn texts(array: &dyn Array) -> Option<Texts> {
    Some(match array.data_type() {
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = texts(dictionary.values().as_ref())?;
            let keys = dictionary.normalized_keys();
            let is_typed = values.is_typed;
            let texts = Texts::of(array, |at, text| {
                let end = values.ends[keys[at]];
                let start = keys[at]
                    .checked_sub(1)
                    .map_or(0, |before| values.ends[before]);
                text.extend_from_slice(&values.bytes[start..end]);
            });
            Texts { is_typed, ..texts }
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Texts::of(array, |at, text| {
                text.extend_from_slice(values.value(at).as_bytes());
            })
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>();
            Texts::of(array, |at, text| {
                text.extend_from_slice(values.value(at).as_bytes());
            })
        }
        DataType::Utf8View => {
            let values = array.as_string_view();
            Texts::of(array, |at, text| {
                text.extend_from_slice(values.value(at).as_bytes());
            })
        }
        DataType::Null => Texts::of(array, |_, _| {}),
        DataType::Boolean => {
            let values = array.as_boolean();
            Texts::of(array, |at, text| {
                write(text, format_args!("{}", values.value(at)));
            })
        }
        DataType::Int8 => Texts::of_numbers::<Int8Type>(array),
        DataType::Int16 => Texts::of_numbers::<Int16Type>(array),
        DataType::Int32 => Texts::of_numbers::<Int32Type>(array),
        DataType::Int64 => Texts::of_numbers::<Int64Type>(array),
        DataType::UInt8 => Texts::of_numbers::<UInt8Type>(array),
        DataType::UInt16 => Texts::of_numbers::<UInt16Type>(array),
        DataType::UInt32 => Texts::of_numbers::<UInt32Type>(array),
        DataType::UInt64 => Texts::of_numbers::<UInt64Type>(array),
        DataType::Float32 => Texts::of_numbers::<Float32Type>(array),
        DataType::Float64 => Texts::of_numbers::<Float64Type>(array),
        DataType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>();
            Texts::of(array, |at, text| {
                text.extend_from_slice(values.value_as_string(at).as_bytes());
            })
        }
        DataType::Timestamp(unit, zone) => {
            let is_utc = zone.is_some();
            match unit {
                TimeUnit::Second => Texts::of_times::<TimestampSecondType>(array, 1, is_utc),
                TimeUnit::Millisecond => {
                    Texts::of_times::<TimestampMillisecondType>(array, 1_000, is_utc)
                }
                TimeUnit::Microsecond => {
                    Texts::of_times::<TimestampMicrosecondType>(array, 1_000_000, is_utc)
                }
                TimeUnit::Nanosecond => {
                    Texts::of_times::<TimestampNanosecondType>(array, 1_000_000_000, is_utc)
                }
            }
        }
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>();
            Texts::of_days(array, |at| i64::from(values.value(at)))
        }
        DataType::Date64 => {
            let values = array.as_primitive::<Date64Type>();
            Texts::of_days(array, |at| values.value(at).div_euclid(86_400_000))
        }
        _ => return None,
    })
}

fn write(text: &mut Vec<u8>, value: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    text.write_fmt(value).expect("a vector takes all bytes");
}

fn write_time(text: &mut Vec<u8>, seconds: i64, end: &str) {
    match Timestamp::from_second(seconds) {
        Ok(time) => {
            let time = Offset::UTC.to_datetime(time);
            write(text, format_args!("{}T{}{end}", time.date(), time.time()));
        }
        // Outside of all years: no form reads it, and the reject shows it.
        Err(_) => write(text, format_args!("{seconds} s")),
    }
}
