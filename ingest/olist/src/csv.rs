//! CSV as a stream: blocks of bytes → rows with line numbers, in bounded memory.
//!
//! The dialect is that of RFC 4180 as common readers take it: `,` separates, `"` quotes, `""` inside
//! quotes is one quote, a quote inside an unquoted field stands for itself, a row ends with LF, CR
//! LF or a lone CR, lines without any byte are no rows, a byte order mark at the start is skipped.
//! A field that goes on behind its closing quote makes its row malformed. Lines are counted as an
//! editor does: an LF inside quotes counts, so does each row's end.

mod rows;
mod scan;

pub(crate) use rows::{ReadError, Row, RowReader};

#[cfg(test)]
mod tests;
