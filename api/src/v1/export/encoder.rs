//! Documents → the bytes of an export, page by page.

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, TimeUnit};
use eip_stores::query::Document;
use eip_views::SHIPMENTS;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::columnar::Columns;
use super::csv;

/// Rows of a row group of Parquet, which is kept in memory until it is whole: a few hundred bytes each.
const ROW_GROUP: usize = 20_000;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Ndjson,
    Parquet,
    Arrow,
}

/// An export under way.
pub(super) enum Encoder {
    /// With what comes before the first line.
    Csv(Vec<u8>),
    Ndjson,
    Parquet(Columns, Box<ArrowWriter<Vec<u8>>>),
    Arrow(Columns, Box<StreamWriter<Vec<u8>>>),
}

/// What cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("cannot write Arrow IPC")]
    Arrow(#[from] ArrowError),
    #[error("cannot write Parquet")]
    Parquet(#[from] ParquetError),
}

impl Format {
    /// All of them, by the name in a query.
    pub(super) const NAMED: [(&'static str, Self); 4] = [
        ("csv", Self::Csv),
        ("ndjson", Self::Ndjson),
        ("parquet", Self::Parquet),
        ("arrow", Self::Arrow),
    ];

    /// The media type, and the name of a file.
    pub(super) fn content_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => ("text/csv; charset=utf-8", "shipments.csv"),
            Self::Ndjson => ("application/x-ndjson", "shipments.ndjson"),
            Self::Parquet => ("application/vnd.apache.parquet", "shipments.parquet"),
            Self::Arrow => ("application/vnd.apache.arrow.stream", "shipments.arrows"),
        }
    }
}

impl Encoder {
    /// One that has written nothing yet. `bom` is for CSV.
    pub(super) fn new(format: Format, bom: bool) -> Result<Self, EncodeError> {
        Ok(match format {
            Format::Csv => Self::Csv(csv::head(bom)),
            Format::Ndjson => Self::Ndjson,
            Format::Parquet => {
                let columns = Columns::of(&SHIPMENTS, TimeUnit::Millisecond);
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_max_row_group_row_count(Some(ROW_GROUP))
                    .build();
                let schema = columns.schema.clone();
                let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
                Self::Parquet(columns, Box::new(writer))
            }
            Format::Arrow => {
                let columns = Columns::of(&SHIPMENTS, TimeUnit::Second);
                let writer = StreamWriter::try_new(Vec::new(), &columns.schema)?;
                Self::Arrow(columns, Box::new(writer))
            }
        })
    }

    /// What can be sent when these have come; of Parquet nothing until a row group is whole.
    pub(super) fn page(&mut self, documents: &[Document]) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Csv(head) => {
                let mut text = std::mem::take(head);
                for document in documents {
                    csv::line(document, &mut text);
                    text.push(b'\n');
                }
                Ok(text)
            }
            Self::Ndjson => {
                let mut text = Vec::new();
                for document in documents {
                    SHIPMENTS.encode(document, &mut text);
                    text.push(b'\n');
                }
                Ok(text)
            }
            Self::Parquet(columns, writer) => {
                writer.write(&columns.batch(documents)?)?;
                Ok(std::mem::take(writer.inner_mut()))
            }
            Self::Arrow(columns, writer) => {
                if !documents.is_empty() {
                    writer.write(&columns.batch(documents)?)?;
                }
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }

    /// What comes behind the last page.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Csv(head) => Ok(std::mem::take(head)),
            Self::Ndjson => Ok(Vec::new()),
            Self::Parquet(_, writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.inner_mut()))
            }
            Self::Arrow(_, writer) => {
                writer.finish()?;
                Ok(std::mem::take(writer.get_mut()))
            }
        }
    }
}
