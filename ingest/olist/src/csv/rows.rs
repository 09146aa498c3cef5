//! Blocks of a stream → rows, with a buffer that never grows beyond one row and one block.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::scan::{Field, Fields, Scan, Within, end_row, scan_row, unescape};

/// Bytes asked for at once.
const BLOCK: usize = 128 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why the stream does not end cleanly.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The stream itself failed, behind this line.
    Io { behind_line: u64, cause: io::Error },
    /// The file ends inside quotes that were opened on this line.
    UnclosedQuote { line: u64 },
}

/// One row; its bytes live until the next one is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Line on which it begins.
    pub(crate) line: u64,
    /// Line on which it ends, as far as it was read.
    pub(crate) last_line: u64,
    /// Over the most bytes of a row: only the fields that ended before are there.
    pub(crate) too_long: bool,
    delimiter: u8,
    bytes: &'a [u8],
    fields: &'a Fields,
}

impl<'a> Row<'a> {
    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.fields.count
    }

    /// Whether a field goes on behind its closing quote.
    pub(crate) fn malformed(&self) -> bool {
        self.fields.malformed
    }

    /// One of the fields that are kept.
    #[inline]
    pub(crate) fn field(&self, index: usize) -> Option<&'a [u8]> {
        let field = self.fields.kept().get(index)?;
        Some(&self.bytes[field.start as usize..field.end as usize])
    }

    /// Whether a field that is kept stood in quotes.
    pub(crate) fn is_quoted(&self, index: usize) -> bool {
        let Some(field) = self.fields.kept().get(index).filter(|_| self.fields.quoted) else {
            return false;
        };
        // Quotes that were taken out whole stand right before the field; others are still in it.
        let start = field.start as usize;
        field.was_escaped || start > 0 && self.bytes[start - 1] == b'"'
    }

    /// Whether a field holds a line break and at least `delimiters` delimiters: then whole rows may
    /// stand in it, behind a stray quote.
    pub(crate) fn may_hold_rows(&self, delimiters: usize) -> bool {
        self.fields.quoted
            && memchr2(b'\n', b'\r', self.bytes).is_some()
            && self.fields.kept().iter().any(|field| {
                let bytes = &self.bytes[field.start as usize..field.end as usize];
                memchr2(b'\n', b'\r', bytes).is_some()
                    && memchr_iter(self.delimiter, bytes).count() >= delimiters
            })
    }

    /// All of it, with separators and quotes; what was escaped may have moved.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether all of it is ASCII, with separators and quotes.
    pub(crate) fn is_ascii(&self) -> bool {
        self.bytes.is_ascii()
    }
}

/// The rows of a stream.
pub(crate) struct RowReader<R> {
    input: R,
    delimiter: u8,
    buffer: Vec<u8>,
    /// What is read and not given yet is `buffer[start..end]`.
    start: usize,
    end: usize,
    at_end: bool,
    max_row_bytes: usize,
    /// Line of `buffer[start]`.
    line: u64,
    /// Where the rest of a row that was too long has to be skipped from.
    skip: Option<Skip>,
    fields: Fields,
}

/// The rest of a row that is too long, whose bytes are not kept.
#[derive(Clone, Copy, Debug)]
struct Skip {
    within: Within,
    /// Line of the last quote that was opened.
    opened_line: u64,
}

impl<R: Read> RowReader<R> {
    /// Keeps at most `width` fields of a row.
    pub(crate) fn new(input: R, delimiter: u8, max_row_bytes: usize, width: usize) -> Self {
        Self {
            input,
            delimiter,
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            at_end: false,
            max_row_bytes,
            line: 0,
            skip: None,
            fields: Fields::new(width),
        }
    }

    /// From here on other fields are kept.
    pub(crate) fn set_width(&mut self, width: usize) {
        self.fields = Fields::new(width);
    }

    #[cfg(test)]
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Line of what comes next; once all rows are read, one more than the lines there are.
    pub(crate) fn line(&self) -> u64 {
        self.line.max(1)
    }

    /// Whether there is another row.
    #[inline]
    pub(crate) fn has_next(&mut self) -> Result<bool, ReadError> {
        if let Some(skip) = self.skip.take() {
            self.skip_row(skip)?;
        }
        self.find_row_start()
    }

    /// The next row, or `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        if !self.has_next()? {
            return Ok(None);
        }
        let (length, next, too_long) = loop {
            match scan_row(
                self.delimiter,
                &self.buffer[self.start..self.end],
                &mut self.fields,
            ) {
                Scan::Row { end, next } => break (end, next, end > self.max_row_bytes),
                Scan::Incomplete(within) if self.at_end => {
                    let row = &self.buffer[self.start..self.end];
                    match end_row(row, within, &mut self.fields) {
                        Ok(end) => break (end, row.len(), end > self.max_row_bytes),
                        Err(opened) => {
                            let line = self.line + lines(&row[..opened]);
                            return Err(ReadError::UnclosedQuote { line });
                        }
                    }
                }
                Scan::Incomplete(within) => {
                    let row = &self.buffer[self.start..self.end];
                    // A CR is no part of the row.
                    let length = row.len() - usize::from(within == Within::AfterCr);
                    if length > self.max_row_bytes {
                        let opened_line = match within {
                            Within::Quoted { opened } | Within::QuoteInQuoted { opened } => {
                                self.line + lines(&row[..opened])
                            }
                            _ => self.line,
                        };
                        self.skip = Some(Skip {
                            within,
                            opened_line,
                        });
                        break (row.len(), row.len(), true);
                    }
                    self.fill()?;
                }
            }
        };
        let row = &mut self.buffer[self.start..self.start + length];
        let line = self.line;
        // Only inside quotes can there be more lines; the row's own end is one more.
        self.line += if self.fields.quoted { lines(row) } else { 0 };
        let last_line = self.line;
        self.line += u64::from(self.skip.is_none());
        self.start += next;
        if self.fields.escaped {
            for field in self
                .fields
                .kept_mut()
                .iter_mut()
                .filter(|field| field.escaped)
            {
                let bytes = &mut row[field.start as usize..field.end as usize];
                let length = unescape(bytes);
                *field = Field {
                    end: field.start + length as u32,
                    escaped: false,
                    was_escaped: true,
                    ..*field
                };
            }
        }
        Ok(Some(Row {
            line,
            last_line,
            too_long,
            delimiter: self.delimiter,
            bytes: row,
            fields: &self.fields,
        }))
    }

    /// Passes over lines without any byte. Gives whether there is a row.
    #[inline]
    fn find_row_start(&mut self) -> Result<bool, ReadError> {
        loop {
            if self.line == 0 {
                while self.end - self.start < BYTE_ORDER_MARK.len() && !self.at_end {
                    self.fill()?;
                }
                if self.buffer[self.start..self.end].starts_with(BYTE_ORDER_MARK) {
                    self.start += BYTE_ORDER_MARK.len();
                }
                self.line = 1;
            }
            match self.buffer[self.start..self.end] {
                [b'\r', b'\n', ..] => self.pass_line(2),
                [b'\r'] | [] if !self.at_end => self.fill()?,
                [b'\n' | b'\r', ..] => self.pass_line(1),
                [] => return Ok(false),
                _ => return Ok(true),
            }
        }
    }

    fn pass_line(&mut self, bytes: usize) {
        self.start += bytes;
        self.line += 1;
    }

    /// Reads the rest of a row without keeping it.
    fn skip_row(&mut self, skip: Skip) -> Result<(), ReadError> {
        let Skip {
            mut within,
            mut opened_line,
        } = skip;
        loop {
            if self.start == self.end {
                self.fill()?;
            }
            if self.start == self.end {
                if matches!(within, Within::Quoted { .. }) {
                    return Err(ReadError::UnclosedQuote { line: opened_line });
                }
                self.line += 1;
                return Ok(());
            }
            let bytes = &self.buffer[self.start..self.end];
            let first = bytes[0];
            match within {
                Within::Quoted { opened } => {
                    if let Some(quote) = memchr(b'"', bytes) {
                        self.line += lines(&bytes[..quote]);
                        self.start += quote + 1;
                        within = Within::QuoteInQuoted { opened };
                    } else {
                        self.line += lines(bytes);
                        self.start = self.end;
                    }
                }
                Within::QuoteInQuoted { opened } if first == b'"' => {
                    self.start += 1;
                    within = Within::Quoted { opened };
                }
                Within::FieldStart if first == b'"' => {
                    self.start += 1;
                    opened_line = self.line;
                    within = Within::Quoted { opened: 0 };
                }
                Within::AfterCr => {
                    self.line += 1;
                    self.start += usize::from(first == b'\n');
                    return Ok(());
                }
                Within::FieldStart | Within::Unquoted { .. } | Within::QuoteInQuoted { .. } => {
                    within = Within::Unquoted { start: 0 };
                    let Some(at) = memchr3(self.delimiter, b'\n', b'\r', bytes) else {
                        self.start = self.end;
                        continue;
                    };
                    self.start += at + 1;
                    match bytes[at] {
                        found if found == self.delimiter => within = Within::FieldStart,
                        b'\r' => within = Within::AfterCr,
                        _ => {
                            self.line += 1;
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Reads one block behind what is there, or finds that there is no more.
    #[cold]
    fn fill(&mut self) -> Result<(), ReadError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            // Doubling, so that a long row is scanned again only a few times.
            let most = self.max_row_bytes + BLOCK;
            let length = (self.buffer.len() * 2).min(most).max(self.end + 1);
            self.buffer.resize(length, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(length) => {
                    self.end += length;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => {
                    let behind_line = self.line.saturating_sub(1);
                    return Err(ReadError::Io { behind_line, cause });
                }
            }
            return Ok(());
        }
    }
}

fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
