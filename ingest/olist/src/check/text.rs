//! The bytes of a text file, before any row is known: line ends, and what separates the columns.

use std::cell::Cell;
use std::io::{Cursor, Read, Result};
use std::rc::Rc;

use serde::Serialize;

use crate::csv::RowReader;
use crate::kind::delimiter_name;

/// Separators that are tried, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Rows at the start of a file that are looked at.
const ROWS: usize = 50;

/// How many lines end how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LineEnds {
    /// LF, as on Unix.
    pub lf: u64,
    /// CR LF, as on Windows.
    pub cr_lf: u64,
    /// CR alone, as on old Macs.
    pub cr: u64,
}

impl std::fmt::Display for LineEnds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ends = [("LF", self.lf), ("CR LF", self.cr_lf), ("CR", self.cr)];
        let there: Vec<(&str, u64)> = ends.into_iter().filter(|(_, count)| *count > 0).collect();
        match there.as_slice() {
            [] => f.write_str("no line end"),
            [(name, _)] => write!(f, "lines end with {name}"),
            several => {
                f.write_str("lines end with ")?;
                for (i, (name, count)) in several.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{name} ({})", counted(*count, "time"))?;
                }
                Ok(())
            }
        }
    }
}

/// Counts the line ends of what is read through it.
pub(super) struct CountLineEnds<R> {
    input: R,
    counts: Rc<Cell<LineEnds>>,
    /// The last byte was a CR.
    after_cr: bool,
}

impl<R: Read> CountLineEnds<R> {
    pub(super) fn new(input: R) -> (Self, Rc<Cell<LineEnds>>) {
        let counts = Rc::<Cell<LineEnds>>::default();
        let reader = Self {
            input,
            counts: Rc::clone(&counts),
            after_cr: false,
        };
        (reader, counts)
    }
}

impl<R: Read> Read for CountLineEnds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let length = self.input.read(buffer)?;
        let bytes = &buffer[..length];
        let mut counts = self.counts.get();
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let after_cr = match at.checked_sub(1) {
                Some(before) => bytes[before] == b'\r',
                None => self.after_cr,
            };
            if bytes[at] == b'\r' {
                counts.cr += 1;
            } else if after_cr {
                counts.cr -= 1;
                counts.cr_lf += 1;
            } else {
                counts.lf += 1;
            }
        }
        self.counts.set(counts);
        if let Some(&last) = bytes.last() {
            self.after_cr = last == b'\r';
        }
        Ok(length)
    }
}

/// What separates the columns, going by the first rows: what splits most of them into as many fields
/// as the header, the more the better. `None` when nothing splits the header.
pub(super) fn delimiter_of(start: &[u8]) -> Option<u8> {
    let width = |delimiter: u8| {
        let start = Cursor::new(start.to_vec());
        let mut rows = RowReader::new(start, delimiter, 1 << 16, 1);
        let mut widths = Vec::new();
        while widths.len() < ROWS
            && let Ok(Some(row)) = rows.next()
        {
            widths.push(row.len());
        }
        // The last row may be cut.
        if widths.len() > 2 {
            widths.pop();
        }
        let header = widths.first().copied().unwrap_or(0);
        let same = widths.iter().filter(|&&width| width == header).count();
        (header > 1).then_some((same * 10 >= widths.len() * 7, header))
    };
    let widths = DELIMITERS
        .into_iter()
        .filter_map(|delimiter| Some((width(delimiter)?, delimiter)));
    // Of equal ones the first counts.
    let best = widths.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.map(|(_, delimiter)| delimiter)
}

/// The delimiter for a person.
pub(super) fn shown_delimiter(delimiter: Option<u8>) -> String {
    delimiter.map_or_else(
        || "one column".to_owned(),
        |delimiter| delimiter_name(delimiter).to_owned(),
    )
}

/// 1234567 → `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `1,234 rows`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_counted_across_reads() {
        let (mut reader, counts) = CountLineEnds::new(Cursor::new(b"a\r\nb\nc\rd\r\n"));
        let mut byte = [0];
        while reader.read(&mut byte).unwrap() > 0 {}
        let wanted = LineEnds {
            lf: 1,
            cr_lf: 2,
            cr: 1,
        };
        assert_eq!(counts.get(), wanted);
        assert_eq!(
            wanted.to_string(),
            "lines end with LF (1 time), CR LF (2 times), CR (1 time)"
        );
    }

    #[test]
    fn the_separator_splits_the_rows_as_it_splits_the_header() {
        for (text, delimiter) in [
            ("a,b\n1,2\n", Some(b',')),
            ("a;b\n1,5;2,5\n", Some(b';')),
            ("a, with comma;b;c\n1;2;3\n", Some(b';')),
            ("a\tb\n1\t2\n", Some(b'\t')),
            ("a|b|c\n", Some(b'|')),
            ("\"a;x\",b\n1,2\n", Some(b',')),
            ("order_id\no1\n", None),
            ("", None),
        ] {
            assert_eq!(delimiter_of(text.as_bytes()), delimiter, "{text:?}");
        }
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "row"), "1 row");
    }
}
