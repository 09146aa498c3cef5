//! A push as a stream of lines, within its limits → each file's rows as records of CSV.
//!
//! The reader of the files (`eip_olist`) then joins and checks them, so that a pushed row means what
//! the same row means in a file.

use std::borrow::Cow;
use std::io::{self, BufRead as _, BufReader, Read};

use eip_olist::{COLUMNS, MAX_KEPT_REJECTS};
use sha2::{Digest as _, Sha256};

use super::line::{self, NoRow, PushedRow};
use crate::run::id::hex;

/// How much one push may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsLimits {
    /// Most bytes, unpacked.
    pub max_bytes: u64,
    /// Most rows; at most 100,000 whatever is asked for.
    pub max_rows: usize,
    /// Most bytes of one line.
    pub max_line_bytes: usize,
    /// Most brackets inside one another in one line.
    pub max_depth: usize,
}

impl Default for RowsLimits {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_rows: MAX_KEPT_REJECTS,
            max_line_bytes: 64 << 10,
            max_depth: 16,
        }
    }
}

/// Why a push is taken for nothing at all. A line that is no row is no error: it is answered.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// Over [`RowsLimits::max_bytes`].
    #[error("more than {0} bytes, unpacked; push in parts, each whole by itself")]
    TooLarge(u64),
    /// Over [`RowsLimits::max_rows`].
    #[error("more than {0} lines; push in parts, each whole by itself")]
    TooManyRows(usize),
    /// Over [`RowsLimits::max_line_bytes`].
    #[error("line {line} has more than {most} bytes")]
    LineTooLong {
        /// From 1 on.
        line: u64,
        /// The limit.
        most: usize,
    },
    /// Over [`RowsLimits::max_depth`].
    #[error("line {line} has more than {most} brackets inside one another")]
    TooDeep {
        /// From 1 on.
        line: u64,
        /// The limit.
        most: usize,
    },
    /// The stream does not end cleanly.
    #[error("the rows cannot be read to their end")]
    Broken(#[source] io::Error),
}

/// One line of a push that holds anything.
pub(super) struct Line {
    /// From 1 on.
    pub(super) number: u64,
    /// What it is, before anything is known about what its values mean.
    pub(super) read: Result<Row, NoRow>,
}

/// A line that is a row.
pub(super) struct Row {
    /// Its file's place in [`line::NAMES`].
    pub(super) file: usize,
    /// Its first column: the order's id in two of the files.
    pub(super) key: Box<str>,
    /// Its values as one record of CSV.
    record: Box<[u8]>,
}

/// By file: the line of its text on which a row begins, and the row's place in [`Push::lines`],
/// ascending by line.
pub(super) type Places = [Vec<(u64, usize)>; 4];

/// A push, read to its end.
pub(super) struct Push {
    pub(super) lines: Vec<Line>,
    /// Of the unpacked bytes.
    pub(super) sha256: String,
}

impl Push {
    /// Reads the unpacked bytes of a push.
    pub(super) fn read(text: impl Read, limits: &RowsLimits) -> Result<Self, RowsError> {
        let most_rows = limits.max_rows.min(MAX_KEPT_REJECTS);
        let mut text = BufReader::with_capacity(64 << 10, Counted::new(text, limits.max_bytes));
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        for number in 1.. {
            line.clear();
            let most = limits.max_line_bytes as u64 + 1;
            let read = text.by_ref().take(most).read_until(b'\n', &mut line);
            if read.map_err(|error| broken(error, limits.max_bytes))? == 0 {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            } else if line.len() > limits.max_line_bytes {
                let most = limits.max_line_bytes;
                return Err(RowsError::LineTooLong { line: number, most });
            }
            if number > most_rows as u64 {
                return Err(RowsError::TooManyRows(most_rows));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            if line::depth(&line) > limits.max_depth {
                let most = limits.max_depth;
                return Err(RowsError::TooDeep { line: number, most });
            }
            let read = line::read(&line).map(Row::of);
            lines.push(Line { number, read });
        }
        let sha256 = hex(&text.into_inner().hash.finalize());
        Ok(Self { lines, sha256 })
    }

    /// The rows as the texts of the four files, in the order of [`eip_olist::FILES`]. The last row comes first, so
    /// that of several with the same key the last one is accepted and the others are its duplicates.
    /// Also where each row went.
    pub(super) fn files(&mut self) -> ([Vec<u8>; 4], Places) {
        let mut texts = COLUMNS.map(|columns| columns.join(",").into_bytes());
        let mut places = Places::default();
        let mut csv_lines = [2; 4];
        for (place, line) in self.lines.iter_mut().enumerate().rev() {
            let (file, record) = match &mut line.read {
                Ok(row) => (row.file, std::mem::take(&mut row.record)),
                // Its key alone is no whole row: it is rejected there too, and what needs it with it.
                Err(NoRow {
                    file: Some(file),
                    key: Some(key),
                    ..
                }) => (*file, record(&[Cow::Borrowed(&**key)]).into()),
                Err(_) => continue,
            };
            places[file].push((csv_lines[file], place));
            // A line feed inside quotes counts as a line too.
            csv_lines[file] += record.split(|&byte| byte == b'\n').count() as u64;
            texts[file].push(b'\n');
            texts[file].extend_from_slice(&record);
        }
        (texts, places)
    }
}

impl Row {
    fn of(PushedRow { file, values }: PushedRow<'_>) -> Self {
        Self {
            file,
            record: record(&values).into(),
            key: values[0].as_ref().into(),
        }
    }
}

/// One record without its line end; every field is quoted, so that any text comes back as it is.
fn record(values: &[Cow<'_, str>]) -> Vec<u8> {
    let mut record = Vec::new();
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            record.push(b',');
        }
        record.push(b'"');
        for &byte in value.as_bytes() {
            if byte == b'"' {
                record.push(b'"');
            }
            record.push(byte);
        }
        record.push(b'"');
    }
    record
}

/// Hashes what goes through, and fails when it is too much.
struct Counted<R> {
    bytes: R,
    left: u64,
    hash: Sha256,
}

#[derive(Debug, thiserror::Error)]
#[error("too many bytes")]
struct TooManyBytes;

impl<R> Counted<R> {
    fn new(bytes: R, most: u64) -> Self {
        let hash = Sha256::new();
        Self {
            bytes,
            left: most,
            hash,
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        let left = self.left.checked_sub(length as u64);
        self.left = left.ok_or_else(|| io::Error::other(TooManyBytes))?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}

fn broken(error: io::Error, most: u64) -> RowsError {
    if error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<TooManyBytes>())
        .is_some()
    {
        RowsError::TooLarge(most)
    } else {
        RowsError::Broken(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RowsLimits = RowsLimits {
        max_bytes: 200,
        max_rows: 4,
        max_line_bytes: 80,
        max_depth: 3,
    };

    fn read(text: &str) -> Result<Vec<u64>, String> {
        let push = Push::read(text.as_bytes(), &LIMITS).map_err(|error| error.to_string())?;
        Ok(push.lines.iter().map(|line| line.number).collect())
    }

    #[test]
    fn a_limit_is_what_may_be_there_at_most() {
        assert_eq!(read("").unwrap(), [0; 0]);
        assert_eq!(read("a\n\n \r\nb").unwrap(), [1, 4]);
        assert_eq!(read("a\na\na\na\n").unwrap().len(), 4);
        assert!(read("a\na\na\na\na").unwrap_err().contains("4 lines"));
        assert_eq!(read(&format!("{}\n", "x".repeat(80))).unwrap(), [1]);
        assert!(read(&"x".repeat(81)).unwrap_err().contains("line 1"));
        assert!(
            read(&format!("a\n{}\nb", "x".repeat(81)))
                .unwrap_err()
                .contains("line 2")
        );
        let line = "x".repeat(66) + "\n";
        assert_eq!(read(&line.repeat(2)).unwrap(), [1, 2]);
        assert!(read(&line.repeat(3)).unwrap_err().contains("200 bytes"));
        assert_eq!(read("[[[").unwrap(), [1]);
        assert!(read("a\n[[[[").unwrap_err().contains("line 2"));
    }

    #[test]
    fn the_last_row_comes_first_and_every_row_is_found_again() {
        let row = |id: &str, state: &str| {
            let row = serde_json::json!({"seller_id": id, "seller_state": state});
            format!("{}\n", serde_json::json!({"file": "sellers", "row": row}))
        };
        let text = [
            row("a", "SP"),
            row("b\n\",", "x"),
            "?\n".to_owned(),
            row("c", "RJ"),
        ]
        .concat();
        let mut push = Push::read(text.as_bytes(), &RowsLimits::default()).unwrap();
        let ([sellers, ..], places) = push.files();
        assert_eq!(
            String::from_utf8(sellers).unwrap(),
            "seller_id,seller_state\n\"c\",\"RJ\"\n\"b\n\"\",\",\"x\"\n\"a\",\"SP\""
        );
        assert_eq!(places[0], [(2, 3), (3, 1), (5, 0)]);
    }
}
