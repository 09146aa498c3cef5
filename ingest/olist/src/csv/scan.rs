//! Where the fields of one row are: a pure function over a block of bytes.

use memchr::{memchr, memchr3};

/// One field inside its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// First byte; of an escaped field its opening quote.
    pub(crate) start: u32,
    /// Behind the last byte.
    pub(crate) end: u32,
    /// Still has its quotes: doubled ones, or text behind the closing one.
    pub(crate) escaped: bool,
    /// Had them when it was found.
    pub(crate) was_escaped: bool,
}

/// The fields of one row. At most `width` are kept; the others are only counted, so that a row of a
/// million columns needs no memory.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    kept: Vec<Field>,
    width: usize,
    /// Fields that ended.
    pub(crate) count: usize,
    /// Whether a field was quoted.
    pub(crate) quoted: bool,
    /// Whether a field went on behind its closing quote.
    pub(crate) malformed: bool,
    /// Whether a kept field is escaped.
    pub(crate) escaped: bool,
}

impl Fields {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    pub(crate) fn kept(&self) -> &[Field] {
        &self.kept
    }

    pub(crate) fn kept_mut(&mut self) -> &mut [Field] {
        &mut self.kept
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.count = 0;
        self.quoted = false;
        self.malformed = false;
        self.escaped = false;
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize, escaped: bool) {
        if self.count < self.width {
            // A row never has 4 GiB: the reader gives up on it long before.
            self.kept.push(Field {
                start: start as u32,
                end: end as u32,
                escaped,
                was_escaped: false,
            });
            self.escaped |= escaped;
        }
        self.count += 1;
    }
}

/// Where a row that has no end yet stands at the end of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// Before the first byte of a field.
    FieldStart,
    /// In a field that goes on to the next separator whatever comes; it began at `start`.
    Unquoted { start: usize },
    /// In a quoted field whose quote is at `opened`.
    Quoted { opened: usize },
    /// Behind a quote that closes the field or is the first of two.
    QuoteInQuoted { opened: usize },
    /// Behind a CR, which ends the row; an LF behind it belongs to it.
    AfterCr,
}

/// What the bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A whole row.
    Row {
        /// Behind its last byte.
        end: usize,
        /// Where the next row begins.
        next: usize,
    },
    /// Not the whole row; the fields that ended are there.
    Incomplete(Within),
}

/// Finds the fields of the row that begins at the first of `bytes`.
#[inline]
pub(crate) fn scan_row(delimiter: u8, bytes: &[u8], fields: &mut Fields) -> Scan {
    fields.clear();
    let mut at = 0;
    loop {
        let start = at;
        let Some(&first) = bytes.get(at) else {
            return Scan::Incomplete(Within::FieldStart);
        };
        let separator = if first == b'"' {
            fields.quoted = true;
            let mut escaped = false;
            at = start + 1;
            let closing = loop {
                let Some(quote) = memchr(b'"', &bytes[at..]) else {
                    return Scan::Incomplete(Within::Quoted { opened: start });
                };
                let quote = at + quote;
                match bytes.get(quote + 1) {
                    None => return Scan::Incomplete(Within::QuoteInQuoted { opened: start }),
                    Some(b'"') => {
                        escaped = true;
                        at = quote + 2;
                    }
                    Some(_) => break quote,
                }
            };
            let behind = closing + 1;
            if bytes[behind] == delimiter || matches!(bytes[behind], b'\n' | b'\r') {
                if escaped {
                    fields.push(start, behind, true);
                } else {
                    fields.push(start + 1, closing, false);
                }
                Some(behind)
            } else {
                fields.malformed = true;
                let separator =
                    memchr3(delimiter, b'\n', b'\r', &bytes[behind..]).map(|i| behind + i);
                if let Some(separator) = separator {
                    fields.push(start, separator, true);
                }
                separator
            }
        } else {
            let separator = memchr3(delimiter, b'\n', b'\r', &bytes[at..]).map(|i| at + i);
            if let Some(separator) = separator {
                fields.push(start, separator, false);
            }
            separator
        };
        let Some(separator) = separator else {
            return Scan::Incomplete(Within::Unquoted { start });
        };
        at = separator + 1;
        match bytes[separator] {
            found if found == delimiter => {}
            b'\n' => {
                return Scan::Row {
                    end: separator,
                    next: at,
                };
            }
            _ => match bytes.get(at) {
                None => return Scan::Incomplete(Within::AfterCr),
                Some(b'\n') => {
                    return Scan::Row {
                        end: separator,
                        next: at + 1,
                    };
                }
                Some(_) => {
                    return Scan::Row {
                        end: separator,
                        next: at,
                    };
                }
            },
        }
    }
}

/// Ends the row that [`scan_row`] left incomplete because the file ends here. Gives where an open
/// quote began when the file ends inside of it, else the end of the row.
pub(crate) fn end_row(bytes: &[u8], within: Within, fields: &mut Fields) -> Result<usize, usize> {
    let end = bytes.len();
    match within {
        Within::Quoted { opened } => return Err(opened),
        Within::AfterCr => return Ok(end - 1),
        Within::QuoteInQuoted { opened } => fields.push(opened, end, true),
        Within::FieldStart => fields.push(end, end, false),
        Within::Unquoted { start } => {
            let escaped = bytes[start] == b'"';
            fields.push(start, end, escaped);
        }
    }
    Ok(end)
}

/// Takes the quotes out of an escaped field, in place: gives its bytes as the start of `field`.
pub(crate) fn unescape(field: &mut [u8]) -> usize {
    let (mut from, mut to) = (1, 0);
    // Inside the quotes: up to the quote that closes them, two stand for one.
    while from < field.len() {
        if field[from] == b'"' {
            from += 1;
            if field.get(from) != Some(&b'"') {
                break;
            }
        }
        field[to] = field[from];
        from += 1;
        to += 1;
    }
    let tail = from.min(field.len());
    field.copy_within(tail.., to);
    to + field.len() - tail
}
