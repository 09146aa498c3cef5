//! One of the four tables: which columns are needed, where its files have them, and its rows, file
//! after file.

mod header;
mod places;

use std::collections::VecDeque;
use std::rc::Rc;

use eip_contract::reject::{MAX_KEY_BYTES, has_control};
use eip_contract::{Reject, RejectReason, RowPlace};

use crate::csv::{ReadError, Row, RowReader};
use crate::description::TableDescription;
use crate::error::OlistError;
use crate::files::{DataFile, Origin, TableFiles};
use crate::format::{Format, Text};
use crate::keyed::Probe;
use crate::kind::Kind;
use crate::limits::Limits;
use crate::parquet::{ParquetFault, ParquetHeader, ParquetRow, ParquetRows};
use crate::rejects::{reject, value};
use crate::source::{Decoding, Hash, Packing, Source, TextSource, start_of};
use header::{CONSTANT, Columns};

pub(crate) use places::Places;

/// A table and the columns of it that are used, the row's own key first.
#[derive(Debug)]
pub(crate) struct Layout<const N: usize> {
    /// Its name in a `dataset.toml`.
    pub(crate) table: &'static str,
    /// Its file in Olist's form.
    pub(crate) file: &'static str,
    pub(crate) columns: [&'static str; N],
}

pub(crate) const ORDERS: Layout<8> = Layout {
    table: "orders",
    file: "olist_orders_dataset.csv",
    columns: [
        "order_id",
        "customer_id",
        "order_status",
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ],
};

pub(crate) const ITEMS: Layout<3> = Layout {
    table: "items",
    file: "olist_order_items_dataset.csv",
    columns: ["order_id", "order_item_id", "seller_id"],
};

pub(crate) const CUSTOMERS: Layout<2> = Layout {
    table: "customers",
    file: "olist_customers_dataset.csv",
    columns: ["customer_id", "customer_state"],
};

pub(crate) const SELLERS: Layout<2> = Layout {
    table: "sellers",
    file: "olist_sellers_dataset.csv",
    columns: ["seller_id", "seller_state"],
};

/// Most places of rows that may have swallowed others that are kept.
const MAX_SWALLOWING: usize = 20;

/// A row before anything is known about what its values mean.
pub(crate) struct RawRow<'a, const N: usize> {
    /// Where it begins, over all files of the table ([`Places`]).
    pub(crate) position: u64,
    /// How many more lines it has.
    pub(crate) more_lines: u64,
    /// The values of the columns, all UTF-8; or why the row has none.
    pub(crate) values: Result<[&'a [u8]; N], Fault>,
    /// The first column when it can be read although the row is rejected.
    pub(crate) first: Option<&'a [u8]>,
    /// What the row says as a whole, for a reject.
    pub(crate) text: &'a [u8],
    from: RowFrom<'a>,
    columns: &'a Columns<N>,
    layout: &'static Layout<N>,
    description: &'a TableDescription,
    places: &'a Places,
}

/// Why a row has no values: the column, by its place in the layout, unless it is the row as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) column: Option<usize>,
    pub(crate) reason: RejectReason,
}

impl Fault {
    pub(crate) fn of_row(reason: RejectReason) -> Self {
        let column = None;
        Self { column, reason }
    }

    pub(crate) fn of(column: usize, reason: RejectReason) -> Self {
        let column = Some(column);
        Self { column, reason }
    }
}

#[derive(Clone, Copy)]
enum RowFrom<'a> {
    Csv(Row<'a>),
    Parquet(ParquetRow<'a>),
}

impl<'a, const N: usize> RawRow<'a, N> {
    /// The field of a column as it stands in the file, when the row has it.
    pub(crate) fn field(&self, column: usize) -> Option<&'a [u8]> {
        field(self.columns, self.from, column)
    }

    /// Where the row begins.
    pub(crate) fn place(&self) -> RowPlace {
        self.places.place(self.position)
    }

    /// The row as a reject.
    #[cold]
    pub(crate) fn reject(&self, fault: Fault, order_id: Option<&str>) -> Reject {
        let place = self.place();
        let (field, text) = match fault.column {
            Some(column) => {
                let name = self.description.name_of(self.layout.columns[column]);
                (name, self.field(column).unwrap_or_default())
            }
            None => ("", self.text),
        };
        Reject {
            last_line: (self.more_lines > 0).then_some(place.line + self.more_lines),
            value: value(text),
            order_id: order_id.map(str::to_owned),
            ..reject(place, field, fault.reason)
        }
    }

    /// The same, with what else decides about its meaning.
    pub(crate) fn as_text(&self, column: usize, bytes: &'a [u8]) -> Text<'a> {
        let place = self.columns.places[column];
        let (is_quoted, is_typed) = match self.from {
            _ if place == CONSTANT => (true, false),
            RowFrom::Csv(row) => (row.is_quoted(place), false),
            RowFrom::Parquet(row) => (false, row.is_typed(place)),
        };
        Text {
            bytes,
            is_quoted,
            is_typed,
        }
    }
}

fn field<'a, const N: usize>(
    columns: &'a Columns<N>,
    from: RowFrom<'a>,
    column: usize,
) -> Option<&'a [u8]> {
    match (columns.places[column], from) {
        (CONSTANT, _) => Some(&columns.constants[column]),
        (place, RowFrom::Csv(row)) => row.field(place),
        (place, RowFrom::Parquet(row)) => Some(row.value(place)),
    }
}

/// The rows of a table.
pub(crate) struct Table<const N: usize> {
    pub(crate) layout: &'static Layout<N>,
    description: Rc<TableDescription>,
    limits: Limits,
    files: VecDeque<DataFile>,
    now: Option<Opened<N>>,
    rows: u64,
    places: Places,
    finished: Vec<FinishedFile>,
    swallowing: Swallowing,
}

/// A file that was read to its end.
pub(crate) struct FinishedFile {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) sha256: String,
}

/// Rows that may have swallowed others: with more fields than the header, or with a quoted field that
/// holds a line break and as many delimiters as the header (semantics, section 5).
#[derive(Clone, Debug, Default)]
pub(crate) struct Swallowing {
    pub(crate) count: u64,
    /// Positions of the first.
    pub(crate) first: Vec<u64>,
}

/// The file that is being read.
struct Opened<const N: usize> {
    name: String,
    rows: u64,
    columns: Columns<N>,
    reading: Reading,
}

enum Reading {
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

/// What a table read beside its rows.
pub(crate) struct FinishedTable {
    pub(crate) files: Vec<FinishedFile>,
    pub(crate) places: Places,
    pub(crate) swallowing: Swallowing,
}

impl<const N: usize> Table<N> {
    /// Nothing is opened before the first row is asked for.
    pub(crate) fn new(layout: &'static Layout<N>, files: TableFiles, limits: &Limits) -> Self {
        let TableFiles { description, files } = files;
        Self {
            layout,
            description: Rc::new(description),
            limits: *limits,
            files: files.into(),
            now: None,
            rows: 0,
            places: Places::default(),
            finished: Vec::new(),
            swallowing: Swallowing::default(),
        }
    }

    /// How the table is written.
    pub(crate) fn description(&self) -> Rc<TableDescription> {
        Rc::clone(&self.description)
    }

    /// What is known once all rows are read.
    pub(crate) fn finish(self) -> FinishedTable {
        FinishedTable {
            files: self.finished,
            places: self.places,
            swallowing: self.swallowing,
        }
    }

    /// The next row, or `None` after the last file ended cleanly.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<RawRow<'_, N>>, OlistError> {
        while !self.has_row()? {
            if !self.open_next()? {
                return Ok(None);
            }
        }
        if self.rows == self.limits.rows() {
            return Err(OlistError::TooManyRows {
                file: self
                    .now
                    .as_ref()
                    .map_or_else(String::new, |now| now.name.clone()),
                limit: self.limits.rows(),
            });
        }
        self.rows += 1;
        let now = self.now.as_mut().expect("a file that has a row is open");
        now.rows += 1;
        let format = &self.description.format;
        let (from, line, last_line, fault, text) = match &mut now.reading {
            Reading::Csv {
                reader,
                width,
                is_archive,
                ..
            } => {
                let row = match reader.next() {
                    Ok(row) => row.expect("there is a row"),
                    Err(error) => return Err(failure(&now.name, *is_archive, error)),
                };
                let fault = if row.too_long {
                    Some(RejectReason::TooLong)
                } else if row.malformed() {
                    Some(RejectReason::TextAfterQuote)
                } else if row.len() != *width {
                    Some(RejectReason::Ragged)
                } else {
                    None
                };
                if row.too_long || row.len() > *width || row.may_hold_rows(*width - 1) {
                    self.swallowing.add(self.places.position(row.line));
                }
                (
                    RowFrom::Csv(row),
                    row.line,
                    row.last_line,
                    fault,
                    row.text(),
                )
            }
            Reading::Parquet { rows, .. } => {
                let row = rows.next();
                (
                    RowFrom::Parquet(row),
                    row.number,
                    row.number,
                    None,
                    &b""[..],
                )
            }
        };
        let values = match fault {
            Some(reason) => Err(Fault::of_row(reason)),
            None => values(format, &now.columns, from),
        };
        Ok(Some(RawRow {
            position: self.places.position(line),
            more_lines: last_line - line,
            first: field(&now.columns, from, 0).map(|first| format.value(first)),
            values,
            text,
            from,
            columns: &now.columns,
            layout: self.layout,
            description: &self.description,
            places: &self.places,
        }))
    }

    #[inline]
    fn has_row(&mut self) -> Result<bool, OlistError> {
        match &mut self.now {
            None => Ok(false),
            Some(Opened {
                name,
                reading: Reading::Csv {
                    reader, is_archive, ..
                },
                ..
            }) => reader
                .has_next()
                .map_err(|error| failure(name, *is_archive, error)),
            Some(Opened {
                name,
                reading: Reading::Parquet { rows, .. },
                ..
            }) => rows
                .has_next()
                .map_err(|fault| parquet_failure(name, fault)),
        }
    }

    /// Ends the file that is open and opens the next. False when there is none.
    #[cold]
    fn open_next(&mut self) -> Result<bool, OlistError> {
        if let Some(Opened {
            name,
            rows,
            reading,
            ..
        }) = self.now.take()
        {
            let (sha256, lines) = match reading {
                Reading::Csv { hash, reader, .. } => (hash.hex(), reader.line()),
                Reading::Parquet { sha256, rows } => (sha256, rows.rows() + 1),
            };
            self.places.end_file(lines);
            self.finished.push(FinishedFile { name, rows, sha256 });
        }
        let Some(file) = self.files.pop_front() else {
            return Ok(false);
        };
        self.places.begin_file(&file.name);
        self.now = Some(self.open(file)?);
        Ok(true)
    }

    fn open(&self, file: DataFile) -> Result<Opened<N>, OlistError> {
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
                let mut columns =
                    Columns::find(self.layout, &self.description, &name, &names, b"")?;
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
        let limits = &self.limits;
        let mut reader = RowReader::new(bytes, delimiter, limits.max_row_bytes, limits.max_columns);
        let header = reader
            .next()
            .map_err(|error| failure(&name, is_archive, error))?;
        let header = header.ok_or_else(|| OlistError::NoHeader { file: name.clone() })?;
        let columns = Columns::of_header(
            self.layout,
            &self.description,
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

impl Swallowing {
    #[cold]
    fn add(&mut self, position: u64) {
        self.count += 1;
        if self.first.len() < MAX_SWALLOWING {
            self.first.push(position);
        }
    }
}

/// The values of the columns, checked to be UTF-8; what means empty is empty.
#[inline]
fn values<'a, const N: usize>(
    format: &Format,
    columns: &'a Columns<N>,
    from: RowFrom<'a>,
) -> Result<[&'a [u8]; N], Fault> {
    let mut values = [&b""[..]; N];
    for (column, value) in values.iter_mut().enumerate() {
        *value = field(columns, from, column).expect("the row is as wide as its header");
    }
    if let RowFrom::Csv(row) = from
        && !row.is_ascii()
    {
        for (column, value) in values.iter().enumerate() {
            std::str::from_utf8(value).map_err(|_| Fault::of(column, RejectReason::NotUtf8))?;
        }
    }
    if !format.nulls.is_empty() {
        values = values.map(|value| format.value(value));
    }
    Ok(values)
}

fn failure(file: &str, is_archive: bool, error: ReadError) -> OlistError {
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

fn parquet_failure(file: &str, fault: ParquetFault) -> OlistError {
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

/// Checks a row's own key (semantics, section 1). Most keys are hex digits, which cannot be wrong.
#[inline]
pub(crate) fn key(text: &[u8]) -> Result<Probe<'_>, RejectReason> {
    let probe = Probe::of_text(text);
    if probe.is_hex() {
        Ok(probe)
    } else if text.is_empty() {
        Err(RejectReason::Empty)
    } else if has_control(text) {
        Err(RejectReason::Control)
    } else if text.len() > MAX_KEY_BYTES {
        Err(RejectReason::KeyTooLong)
    } else {
        Ok(probe)
    }
}
