//! A row of a table before anything is known about what its values mean.

use eip_contract::{Reject, RejectReason, RowPlace};

use super::header::{CONSTANT, Columns};
use super::layout::Layout;
use super::places::Places;
use crate::csv::Row;
use crate::description::TableDescription;
use crate::format::{Format, Text};
use crate::parquet::ParquetRow;
use crate::rejects::{reject, value};

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
    pub(super) from: RowFrom<'a>,
    pub(super) columns: &'a Columns<N>,
    pub(super) layout: &'static Layout<N>,
    pub(super) description: &'a TableDescription,
    pub(super) places: &'a Places,
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
pub(super) enum RowFrom<'a> {
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

    /// The value of a column, with what else decides about its meaning.
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

pub(super) fn field<'a, const N: usize>(
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

/// The values of the columns, checked to be UTF-8; what means empty is empty.
#[inline]
pub(super) fn values<'a, const N: usize>(
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
