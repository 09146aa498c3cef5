//! Documents → the bytes of an export, page by page.

use eip_stores::query::Document;
use eip_views::SHIPMENTS;

use super::columnar::Columnar;
pub(super) use super::columnar::EncodeError;
use super::csv;

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
    Columnar(Columnar),
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
            Format::Parquet => Self::Columnar(Columnar::parquet()?),
            Format::Arrow => Self::Columnar(Columnar::arrow()?),
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
            Self::Columnar(columnar) => columnar.page(documents),
        }
    }

    /// What comes behind the last page.
    pub(super) fn end(&mut self) -> Result<Vec<u8>, EncodeError> {
        match self {
            Self::Csv(head) => Ok(std::mem::take(head)),
            Self::Ndjson => Ok(Vec::new()),
            Self::Columnar(columnar) => columnar.end(),
        }
    }
}
