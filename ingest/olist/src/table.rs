//! One of the four files: which columns are needed, where its header has them, and its rows.

use eip_contract::RejectReason;
use eip_contract::reject::{MAX_KEY_BYTES, has_control};

use crate::csv::{ReadError, Row, RowReader};
use crate::error::OlistError;
use crate::keyed::Probe;
use crate::limits::Limits;
use crate::source::Source;

/// A file and the columns of it that are used.
#[derive(Debug)]
pub(crate) struct Layout<const N: usize> {
    pub(crate) file: &'static str,
    pub(crate) columns: [&'static str; N],
}

pub(crate) const ORDERS: Layout<8> = Layout {
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
    file: "olist_order_items_dataset.csv",
    columns: ["order_id", "order_item_id", "seller_id"],
};

pub(crate) const CUSTOMERS: Layout<2> = Layout {
    file: "olist_customers_dataset.csv",
    columns: ["customer_id", "customer_state"],
};

pub(crate) const SELLERS: Layout<2> = Layout {
    file: "olist_sellers_dataset.csv",
    columns: ["seller_id", "seller_state"],
};

/// A row before anything is known about what its values mean.
pub(crate) struct RawRow<'a, const N: usize> {
    pub(crate) layout: &'static Layout<N>,
    pub(crate) line: u64,
    /// The values of the columns, all UTF-8; or why the row has none.
    pub(crate) values: Result<[&'a [u8]; N], (&'static str, RejectReason)>,
    /// The first column when it can be read although the row is rejected.
    pub(crate) first: Option<&'a [u8]>,
}

/// The rows of one file.
pub(crate) struct Table<const N: usize> {
    pub(crate) layout: &'static Layout<N>,
    reader: RowReader<Box<dyn std::io::Read>>,
    is_archive: bool,
    max_rows: u64,
    width: usize,
    places: [usize; N],
    rows: u64,
}

impl<const N: usize> Table<N> {
    /// Reads the header.
    pub(crate) fn open(
        layout: &'static Layout<N>,
        source: Source,
        limits: &Limits,
    ) -> Result<Self, OlistError> {
        let Source { bytes, is_archive } = source;
        let mut table = Self {
            layout,
            reader: RowReader::new(bytes, limits.max_row_bytes, limits.max_columns),
            is_archive,
            max_rows: limits.rows(),
            width: 0,
            places: [0; N],
            rows: 0,
        };
        let header = table
            .reader
            .next()
            .map_err(|e| failure(layout.file, is_archive, e))?;
        let header = header.ok_or(OlistError::NoHeader {
            file: layout.file.to_owned(),
        })?;
        table.places = places(layout, &header, limits)?;
        table.width = header.len();
        table.reader.set_width(table.width);
        Ok(table)
    }

    /// Rows read, without the header.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Hash of the unpacked bytes, once all rows are read.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.reader.sha256()
    }

    /// The next row, or `None` at the end of a file that ends cleanly.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<RawRow<'_, N>>, OlistError> {
        let file = self.layout.file;
        let row = match self.reader.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(None),
            Err(error) => return Err(failure(file, self.is_archive, error)),
        };
        if self.rows == self.max_rows {
            return Err(OlistError::TooManyRows {
                file: file.to_owned(),
                limit: self.max_rows,
            });
        }
        self.rows += 1;
        let first = row.field(self.places[0]);
        let fault = if row.too_long {
            Some(RejectReason::TooLong)
        } else if row.malformed() {
            Some(RejectReason::TextAfterQuote)
        } else if row.len() != self.width {
            Some(RejectReason::Ragged)
        } else {
            None
        };
        let values = match fault {
            Some(reason) => Err(("", reason)),
            None => values(self.layout, &self.places, &row),
        };
        Ok(Some(RawRow {
            layout: self.layout,
            line: row.line,
            values,
            first,
        }))
    }
}

/// The values of the columns, checked to be UTF-8.
#[inline]
fn values<'a, const N: usize>(
    layout: &Layout<N>,
    places: &[usize; N],
    row: &Row<'a>,
) -> Result<[&'a [u8]; N], (&'static str, RejectReason)> {
    let values = places.map(|place| row.field(place).expect("the row is as wide as its header"));
    if !row.is_ascii() {
        for (value, column) in values.iter().zip(layout.columns) {
            std::str::from_utf8(value).map_err(|_| (column, RejectReason::NotUtf8))?;
        }
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

/// Where the header has the columns.
fn places<const N: usize>(
    layout: &Layout<N>,
    header: &Row<'_>,
    limits: &Limits,
) -> Result<[usize; N], OlistError> {
    let file = || layout.file.to_owned();
    let bad = |problem| OlistError::BadHeader {
        file: file(),
        problem,
    };
    if header.too_long {
        return Err(bad(format!("has more than {} bytes", limits.max_row_bytes)));
    }
    if header.len() > limits.max_columns {
        return Err(bad(format!(
            "has {} columns, over {}",
            header.len(),
            limits.max_columns
        )));
    }
    if header.malformed() {
        return Err(bad("has text after a closing quote".to_owned()));
    }
    let mut places = [0; N];
    let mut missing = Vec::new();
    for (place, column) in places.iter_mut().zip(layout.columns) {
        let mut found = (0..header.len()).filter(|&i| header.field(i) == Some(column.as_bytes()));
        match (found.next(), found.next()) {
            (Some(only), None) => *place = only,
            (Some(_), Some(_)) => {
                return Err(OlistError::DoubledColumn {
                    file: file(),
                    column,
                });
            }
            (None, _) => missing.push(column),
        }
    }
    if !missing.is_empty() {
        let found = (0..header.len())
            .filter_map(|i| header.field(i))
            .map(|name| {
                String::from_utf8_lossy(name)
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(64)
                    .collect()
            });
        return Err(OlistError::MissingColumns {
            file: file(),
            missing,
            found: found.collect(),
        });
    }
    Ok(places)
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
