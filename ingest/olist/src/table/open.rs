//! Opens a file of a table: what kind of file it is, its header, and where it has the columns.

use super::header::Columns;
use super::layout::Layout;
use crate::csv::{ReadError, RowReader};
use crate::description::TableDescription;
use crate::error::OlistError;
use crate::files::{DataFile, Origin};
use crate::format::Format;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::parquet::{ParquetFault, ParquetHeader, ParquetRows};
use crate::source::{Decoding, Hash, Packing, Source, TextSource, start_of};

/// The file that is being read.
pub(super) struct Opened<const N: usize> {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) columns: Columns<N>,
    pub(super) reading: Reading,
}

pub(super) enum Reading {
    Csv {
        reader: Box<RowReader<Decoding>>,
        hash: Hash,
        is_archive: bool,
        /// Fields of the header.
        width: usize,
    },
    Parquet {
        rows: Box<ParquetRows>,
        sha256: String,
    },
}

/// What decides how the files of a table are opened.
pub(super) struct Opening<'a, const N: usize> {
    pub(super) layout: &'static Layout<N>,
    pub(super) description: &'a TableDescription,
    pub(super) limits: &'a Limits,
}

impl<const N: usize> Opening<'_, N> {
    /// Opens the file, its header read.
    pub(super) fn open(&self, file: DataFile) -> Result<Opened<N>, OlistError> {
        let DataFile { name, origin } = file;
        match origin {
            Origin::Csv(path, packing) => {
                if packing != Packing::Plain {
                    let start = start_of(&path).map_err(|error| unreadable(&name, error))?;
                    check_packing(&name, packing, &start)?;
                }
                let source =
                    Source::open(&path, packing).map_err(|error| unreadable(&name, error))?;
                self.open_csv(name, source)
            }
            Origin::Stream(source) => self.open_csv(name, source),
            Origin::Parquet(path) => {
                let start = start_of(&path).map_err(|error| unreadable(&name, error))?;
                if !start.starts_with(b"PAR1") {
                    let found = Kind::of(&start)
                        .map_or("no Parquet file".to_owned(), |kind| kind.to_string());
                    return Err(OlistError::WrongKind {
                        file: name,
                        found,
                        advice: "name it for what it is",
                    });
                }
                let sha256 = Source::open(&path, Packing::Plain).and_then(Source::sha256);
                let sha256 = sha256.map_err(|error| unreadable(&name, error))?;
                let failed = |fault| parquet_failure(&name, fault);
                let header = ParquetHeader::open(&path).map_err(failed)?;
                let names = header.names();
                let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
                let mut columns = Columns::find(self.layout, self.description, &name, &names, b"")?;
                let wanted = columns.keep_only_found();
                let rows = Box::new(header.rows(&wanted).map_err(failed)?);
                Ok(Opened {
                    reading: Reading::Parquet { rows, sha256 },
                    name,
                    rows: 0,
                    columns,
                })
            }
        }
    }

    fn open_csv(&self, name: String, source: Source) -> Result<Opened<N>, OlistError> {
        let Format {
            delimiter,
            encoding,
            ..
        } = self.description.format;
        let is_archive = source.is_archive;
        let source = source.text(encoding).map_err(|error| {
            failure(
                &name,
                is_archive,
                ReadError::Io {
                    behind_line: 0,
                    cause: error,
                },
            )
        })?;
        let TextSource {
            bytes,
            is_archive,
            start,
            hash,
        } = source;
        let is_utf8 = encoding == encoding_rs::UTF_8;
        let kind = Kind::of(&start).filter(|kind| {
            kind.is_certain() && (is_utf8 || !matches!(kind, Kind::Utf16Le | Kind::Utf16Be))
        });
        if let Some(kind) = kind {
            return Err(OlistError::wrong_kind(name, kind));
        }
        let limits = self.limits;
        let mut reader = RowReader::new(bytes, delimiter, limits.max_row_bytes, limits.max_columns);
        let header = reader
            .next()
            .map_err(|error| failure(&name, is_archive, error))?;
        let header = header.ok_or_else(|| OlistError::NoHeader { file: name.clone() })?;
        let columns = Columns::of_header(
            self.layout,
            self.description,
            &name,
            &header,
            limits,
            &start,
        )?;
        let width = header.len();
        reader.set_width(width);
        Ok(Opened {
            reading: Reading::Csv {
                reader: Box::new(reader),
                hash,
                is_archive,
                width,
            },
            name,
            rows: 0,
            columns,
        })
    }
}

pub(super) fn failure(file: &str, is_archive: bool, error: ReadError) -> OlistError {
    let file = file.to_owned();
    match error {
        ReadError::UnclosedQuote { line } => OlistError::UnclosedQuote { file, line },
        ReadError::Io {
            behind_line: line,
            cause: source,
        } if is_archive => OlistError::Archive { file, line, source },
        ReadError::Io { cause: source, .. } => OlistError::Read { file, source },
    }
}

fn unreadable(file: &str, source: std::io::Error) -> OlistError {
    OlistError::Read {
        file: file.to_owned(),
        source,
    }
}

pub(super) fn parquet_failure(file: &str, fault: ParquetFault) -> OlistError {
    let file = file.to_owned();
    match fault {
        ParquetFault::Io(source) => OlistError::Read { file, source },
        ParquetFault::Broken(error) => OlistError::Parquet {
            file,
            problem: error.to_string(),
        },
        ParquetFault::Type { column, found } => OlistError::Parquet {
            file,
            problem: format!("column {column} holds {found}; a text, number or time is expected"),
        },
    }
}

/// Refuses a file that is not packed as its name says.
fn check_packing(name: &str, packing: Packing, start: &[u8]) -> Result<(), OlistError> {
    let (wanted, end) = match packing {
        Packing::Gzip => (Kind::Gzip, ".gz"),
        Packing::Zstd => (Kind::Zstd, ".zst"),
        Packing::Plain => return Ok(()),
    };
    if start.is_empty() || Kind::of(start) == Some(wanted) {
        return Ok(());
    }
    let found = Kind::of(start).map_or_else(
        || "plain text or damaged".to_owned(),
        |kind| kind.to_string(),
    );
    Err(OlistError::WrongKind {
        file: format!("{name}{end}"),
        found: format!("{found}, not {wanted} as its name says"),
        advice: "rename it, or fetch it again",
    })
}
