//! One of the four tables: its rows, file after file.

mod header;
mod layout;
mod open;
mod places;
mod row;

use std::collections::VecDeque;
use std::rc::Rc;

use eip_contract::RejectReason;
use eip_contract::reject::{MAX_KEY_BYTES, has_control};

use crate::description::TableDescription;
use crate::error::OlistError;
use crate::files::{DataFile, TableFiles};
use crate::keyed::Probe;
use crate::limits::Limits;
use open::{Opened, Opening, Reading, failure, parquet_failure};
use row::{RowFrom, field, values};

pub(crate) use layout::{CUSTOMERS, ITEMS, Layout, ORDERS, SELLERS};
pub(crate) use places::Places;
pub(crate) use row::{Fault, RawRow};

/// Most places of rows that may have swallowed others that are kept.
const MAX_SWALLOWING: usize = 20;

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
        let opening = Opening {
            layout: self.layout,
            description: &self.description,
            limits: &self.limits,
        };
        self.now = Some(opening.open(file)?);
        Ok(true)
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
