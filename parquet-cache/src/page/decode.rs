//! Pages → columns in memory, without copying a value.
//!
//! The bytes were checked against their checksum, so what is not as `encode` writes it was written
//! by another program: an error, never a guess.

use bytes::{Buf as _, Bytes, buf::Reader};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

pub(crate) fn unexpected(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// Some bytes of a file, found by their place in the file.
pub(crate) struct Section {
    pub(crate) at: u64,
    pub(crate) bytes: Bytes,
}

impl Section {
    fn from(&self, start: u64) -> Result<usize> {
        usize::try_from(start.wrapping_sub(self.at))
            .ok()
            .filter(|&start| start <= self.bytes.len())
            .ok_or_else(|| unexpected("a page is outside of its row group"))
    }
}

impl Length for Section {
    fn len(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}

impl ChunkReader for Section {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.bytes.slice(self.from(start)?..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let start = self.from(start)?;
        if length > self.bytes.len() - start {
            return Err(unexpected("a page is outside of its row group"));
        }
        Ok(self.bytes.slice(start..start + length))
    }
}

/// One column of a row group, taken apart.
pub(crate) struct Chunk {
    dictionary: Option<Bytes>,
    page: Bytes,
    levels: usize,
    rows: usize,
}

/// Reads the pages of one column.
pub(crate) fn read_chunk(
    section: &Arc<Section>,
    metadata: &ColumnChunkMetaData,
    rows: usize,
) -> Result<Chunk> {
    let mut pages = SerializedPageReader::new(Arc::clone(section), metadata, rows, None)?;
    let mut dictionary = None;
    loop {
        match pages.get_next_page()? {
            Some(Page::DictionaryPage { buf, .. }) => dictionary = Some(buf),
            Some(Page::DataPage {
                buf,
                num_values,
                encoding,
                ..
            }) => {
                let is_ours = match encoding {
                    Encoding::PLAIN => dictionary.is_none(),
                    Encoding::RLE_DICTIONARY => dictionary.is_some(),
                    _ => false,
                };
                if num_values as usize != rows || !is_ours {
                    return Err(unexpected(
                        "a column has more than one page, or another encoding",
                    ));
                }
                let optional = metadata.column_descr().max_def_level() > 0;
                let mut levels = 0;
                if optional {
                    let bytes = *buf
                        .first_chunk::<4>()
                        .ok_or_else(|| unexpected("no levels"))?;
                    levels = 4 + u32::from_le_bytes(bytes) as usize;
                    if levels > buf.len() {
                        return Err(unexpected("no levels"));
                    }
                }
                return Ok(Chunk {
                    dictionary,
                    page: buf,
                    levels,
                    rows,
                });
            }
            _ => return Err(unexpected("a column without a data page")),
        }
    }
}

/// Which rows have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Levels<'a> {
    Every,
    None,
    /// One bit a row, the least significant first.
    Some(&'a [u8]),
}

impl Levels<'_> {
    #[inline]
    pub(crate) fn has(&self, row: usize) -> bool {
        match self {
            Self::Every => true,
            Self::None => false,
            Self::Some(bits) => bits[row / 8] >> (row % 8) & 1 == 1,
        }
    }
}

/// One run: a value so many times, or so many values in packed groups of eight.
enum Run<'a> {
    Repeated(usize, &'a [u8]),
    Packed(&'a [u8]),
}

fn run(bytes: &[u8], bits: usize) -> Result<Run<'_>> {
    let (mut head, mut length) = (0_u64, 0);
    for &byte in bytes.iter().take(9) {
        head |= u64::from(byte & 0x7f) << (7 * length);
        length += 1;
        if byte < 0x80 {
            let rest = &bytes[length..];
            let count = (head >> 1) as usize;
            return match head & 1 {
                0 if rest.len() == bits.div_ceil(8) => Ok(Run::Repeated(count, rest)),
                1 if rest.len() == count * bits => Ok(Run::Packed(rest)),
                _ => Err(unexpected("more than one run")),
            };
        }
    }
    Err(unexpected("a run without its head"))
}

impl Chunk {
    /// Which rows have a value; a required column has one in every row.
    pub(crate) fn levels(&self) -> Result<Levels<'_>> {
        if self.levels == 0 {
            return Ok(Levels::Every);
        }
        match run(&self.page[4..self.levels], 1)? {
            Run::Repeated(count, [0]) if count == self.rows => Ok(Levels::None),
            Run::Repeated(count, [1]) if count == self.rows => Ok(Levels::Every),
            Run::Packed(bits) if bits.len() == self.rows.div_ceil(8) => Ok(Levels::Some(bits)),
            _ => Err(unexpected("levels of another number of rows")),
        }
    }

    fn values(&self) -> &[u8] {
        &self.page[self.levels..]
    }

    /// A column of 64-bit integers.
    pub(crate) fn integers(&self) -> Result<Integers<'_>> {
        let (values, []) = self.values().as_chunks::<8>() else {
            return Err(unexpected("integers of another size"));
        };
        Ok(Integers {
            levels: self.levels()?,
            values: values.iter(),
        })
    }

    /// A column of texts without a dictionary.
    pub(crate) fn texts(&self) -> Result<TextColumn<'_>> {
        Ok(TextColumn {
            levels: self.levels()?,
            values: Texts {
                bytes: self.values(),
            },
        })
    }

    /// The dictionary's texts.
    pub(crate) fn dictionary(&self) -> Result<Vec<&[u8]>> {
        let bytes = self
            .dictionary
            .as_ref()
            .ok_or_else(|| unexpected("no dictionary"))?;
        let mut texts = Texts { bytes };
        let mut entries = Vec::new();
        while !texts.bytes.is_empty() {
            entries.push(texts.next()?);
        }
        Ok(entries)
    }

    /// The dictionary's index of each value, one byte or two for each; checked against the
    /// dictionary's length, so that each may be looked up.
    pub(crate) fn indices(&self, entries: usize) -> Result<Indices<'_>> {
        let (&bits, rest) = self
            .values()
            .split_first()
            .ok_or_else(|| unexpected("no width of indices"))?;
        let indices = match (bits, run(rest, usize::from(bits))?) {
            (8, Run::Repeated(_, &[index])) => Indices::Same(index),
            (8, Run::Packed(bytes)) => Indices::Bytes(bytes),
            (16, Run::Packed(bytes)) => Indices::Words(bytes.as_chunks().0),
            _ => return Err(unexpected("indices of another width")),
        };
        let known = match &indices {
            Indices::Same(index) => usize::from(*index) < entries.max(1),
            Indices::Bytes(bytes) => bytes
                .iter()
                .max()
                .is_none_or(|&most| usize::from(most) < entries),
            Indices::Words(words) => words
                .iter()
                .all(|&word| usize::from(u16::from_le_bytes(word)) < entries),
        };
        if known {
            Ok(indices)
        } else {
            Err(unexpected("an index outside of the dictionary"))
        }
    }
}

/// Indices into a dictionary, by the number of the value (not of the row).
#[derive(Clone, Copy)]
pub(crate) enum Indices<'a> {
    Same(u8),
    Bytes(&'a [u8]),
    Words(&'a [[u8; 2]]),
}

impl Indices<'_> {
    #[inline]
    pub(crate) fn get(&self, value: usize) -> Option<usize> {
        match self {
            Self::Same(index) => Some(usize::from(*index)),
            Self::Bytes(bytes) => bytes.get(value).map(|&index| usize::from(index)),
            Self::Words(words) => words
                .get(value)
                .map(|&word| usize::from(u16::from_le_bytes(word))),
        }
    }
}

/// 64-bit integers, row by row.
pub(crate) struct Integers<'a> {
    pub(crate) levels: Levels<'a>,
    values: std::slice::Iter<'a, [u8; 8]>,
}

impl Integers<'_> {
    /// Of the next row; rows are asked for in order, each once.
    #[inline]
    pub(crate) fn next(&mut self, row: usize) -> Result<Option<i64>> {
        if !self.levels.has(row) {
            return Ok(None);
        }
        match self.values.next() {
            Some(bytes) => Ok(Some(i64::from_le_bytes(*bytes))),
            None => Err(unexpected("fewer integers than rows")),
        }
    }
}

/// Texts behind their lengths, one after the other.
pub(crate) struct Texts<'a> {
    bytes: &'a [u8],
}

impl<'a> Texts<'a> {
    #[inline]
    pub(crate) fn next(&mut self) -> Result<&'a [u8]> {
        let (length, rest) = self
            .bytes
            .split_first_chunk::<4>()
            .ok_or_else(|| unexpected("fewer texts than rows"))?;
        let (text, rest) = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or_else(|| unexpected("a text beyond its page"))?;
        self.bytes = rest;
        Ok(text)
    }
}

/// Texts, row by row.
pub(crate) struct TextColumn<'a> {
    levels: Levels<'a>,
    values: Texts<'a>,
}

impl<'a> TextColumn<'a> {
    /// Of the next row; rows are asked for in order, each once.
    #[inline]
    pub(crate) fn next(&mut self, row: usize) -> Result<Option<&'a [u8]>> {
        if self.levels.has(row) {
            self.values.next().map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Texts of a dictionary, row by row.
pub(crate) struct Choices<'a> {
    pub(crate) levels: Levels<'a>,
    indices: Indices<'a>,
    met: usize,
}

impl<'a> Choices<'a> {
    /// Of a column whose dictionary has so many entries.
    pub(crate) fn of(chunk: &'a Chunk, entries: usize) -> Result<Self> {
        Ok(Self {
            levels: chunk.levels()?,
            indices: chunk.indices(entries)?,
            met: 0,
        })
    }

    /// The place in the dictionary for the next row; rows are asked for in order, each once.
    #[inline]
    pub(crate) fn next(&mut self, row: usize) -> Result<Option<usize>> {
        if !self.levels.has(row) {
            return Ok(None);
        }
        let index = self.indices.get(self.met);
        self.met += 1;
        index
            .map(Some)
            .ok_or_else(|| unexpected("fewer indices than rows"))
    }
}
