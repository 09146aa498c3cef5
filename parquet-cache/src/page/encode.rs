//! Columns in memory → pages.
//!
//! A column collects its values in the very bytes that the page will hold, so that writing it is one
//! copy. Layouts: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use crate::codes::{Code, Texts};
use crate::schema::{Column, descriptor};

/// No code: the text's place in a chunk's dictionary is not known yet.
const UNSEEN: Code = Code::MAX;

/// Takes the chunks of one row group.
pub(crate) struct Sink {
    bytes: TrackedWrite<Vec<u8>>,
    /// Where the row group begins in its file.
    at: u64,
}

impl Sink {
    /// For a row group at `at`, of about this many bytes.
    pub(crate) fn new(at: u64, bytes: usize) -> Self {
        Self {
            bytes: TrackedWrite::new(Vec::with_capacity(bytes)),
            at,
        }
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.bytes_written()
    }

    /// All bytes of the row group.
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        self.bytes.into_inner()
    }

    fn page(&mut self, page: Page) -> Result<()> {
        let size = page.buffer().len();
        SerializedPageWriter::new(&mut self.bytes).write_page(CompressedPage::new(page, size))?;
        Ok(())
    }

    fn chunk(
        &mut self,
        column: Column,
        rows: usize,
        dictionary: Option<(Vec<u8>, usize)>,
        values: Vec<u8>,
        statistics: Option<Statistics>,
    ) -> Result<ColumnChunkMetaData> {
        let start = self.len();
        let (mut encoding, mut dictionary_at) = (Encoding::PLAIN, None);
        if let Some((texts, entries)) = dictionary {
            encoding = Encoding::RLE_DICTIONARY;
            dictionary_at = Some((self.at + start as u64) as i64);
            self.page(Page::DictionaryPage {
                buf: texts.into(),
                num_values: entries as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            })?;
        }
        let data_at = self.at + self.len() as u64;
        self.page(Page::DataPage {
            buf: values.into(),
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        let bytes = (self.len() - start) as i64;
        let mut metadata = ColumnChunkMetaData::builder(descriptor().column(column as usize))
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, encoding])
            .set_num_values(rows as i64)
            .set_total_compressed_size(bytes)
            .set_total_uncompressed_size(bytes)
            .set_dictionary_page_offset(dictionary_at)
            .set_data_page_offset(data_at as i64);
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        metadata.build()
    }
}

/// Which rows of a column have a value. One bit a row, and none while all rows are alike.
#[derive(Default)]
struct Presence {
    rows: usize,
    nulls: usize,
    bits: Vec<u8>,
}

impl Presence {
    #[inline]
    fn push(&mut self, present: bool) {
        let alike = if present {
            self.nulls == 0
        } else {
            self.nulls == self.rows
        };
        if !alike {
            self.push_bit(present);
        }
        self.rows += 1;
        self.nulls += usize::from(!present);
    }

    fn push_bit(&mut self, present: bool) {
        if self.bits.is_empty() {
            let so_far = if self.nulls == 0 { 0xff } else { 0 };
            self.bits = vec![so_far; self.rows.div_ceil(8)];
            if let Some(last) = self.bits.last_mut()
                && !self.rows.is_multiple_of(8)
            {
                *last &= (1 << (self.rows % 8)) - 1;
            }
        }
        if self.rows.is_multiple_of(8) {
            self.bits.push(0);
        }
        self.bits[self.rows / 8] |= u8::from(present) << (self.rows % 8);
    }

    /// The definition levels: their length, then one run of 1-bit numbers.
    fn write(&self, page: &mut Vec<u8>) {
        let start = page.len();
        page.extend_from_slice(&[0; 4]);
        if self.bits.is_empty() {
            repeated(page, self.rows, &[u8::from(self.nulls == 0)]);
        } else {
            varint(page, self.bits.len() << 1 | 1);
            page.extend_from_slice(&self.bits);
        }
        let bytes = (page.len() - start - 4) as u32;
        page[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
    }
}

/// A run of one value.
fn repeated(page: &mut Vec<u8>, count: usize, value: &[u8]) {
    varint(page, count << 1);
    page.extend_from_slice(value);
}

fn varint(page: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        page.push(value as u8 | 0x80);
        value >>= 7;
    }
    page.push(value as u8);
}

/// The head of a data page: levels, when the column may have nulls.
fn head(presence: Option<&Presence>, bytes: usize) -> Vec<u8> {
    let levels = presence.map_or(0, |presence| presence.bits.len() + 16);
    let mut page = Vec::with_capacity(levels + bytes);
    if let Some(presence) = presence {
        presence.write(&mut page);
    }
    page
}

/// 64-bit integers, PLAIN.
#[derive(Default)]
pub(crate) struct IntegerColumn {
    presence: Presence,
    values: Vec<u8>,
    /// Least and greatest.
    range: Option<(i64, i64)>,
}

impl IntegerColumn {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<i64>) {
        self.presence.push(value.is_some());
        if let Some(value) = value {
            self.values.extend_from_slice(&value.to_le_bytes());
            let (least, greatest) = self.range.unwrap_or((value, value));
            self.range = Some((least.min(value), greatest.max(value)));
        }
    }

    /// Least and greatest value, if there is one.
    pub(crate) fn range(&self) -> Option<(i64, i64)> {
        self.range
    }

    /// With statistics, for readers that prune by them.
    pub(crate) fn write(
        self,
        sink: &mut Sink,
        column: Column,
        optional: bool,
    ) -> Result<ColumnChunkMetaData> {
        let mut page = head(optional.then_some(&self.presence), self.values.len());
        page.extend_from_slice(&self.values);
        let (least, greatest) = self.range.unzip();
        let nulls = Some(self.presence.nulls as u64);
        let statistics = Statistics::int64(least, greatest, None, nulls, false);
        sink.chunk(column, self.presence.rows, None, page, Some(statistics))
    }
}

/// Texts as they are, PLAIN: each behind its length.
#[derive(Default)]
pub(crate) struct TextsColumn {
    presence: Presence,
    values: Vec<u8>,
}

impl TextsColumn {
    #[inline]
    pub(crate) fn push(&mut self, text: Option<&[u8]>) {
        self.presence.push(text.is_some());
        if let Some(text) = text {
            put_text(&mut self.values, text);
        }
    }

    /// Bytes of the values.
    pub(crate) fn bytes(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn write(
        self,
        sink: &mut Sink,
        column: Column,
        optional: bool,
    ) -> Result<ColumnChunkMetaData> {
        let page = if optional {
            let mut page = head(Some(&self.presence), self.values.len());
            page.extend_from_slice(&self.values);
            page
        } else {
            self.values
        };
        sink.chunk(column, self.presence.rows, None, page, None)
    }
}

#[inline]
fn put_text(page: &mut Vec<u8>, text: &[u8]) {
    page.extend_from_slice(&(text.len() as u32).to_le_bytes());
    page.extend_from_slice(text);
}

/// Texts by their code in a [`Texts`], written with a dictionary of those that occur.
#[derive(Default)]
pub(crate) struct CodeColumn {
    presence: Presence,
    codes: Vec<Code>,
}

impl CodeColumn {
    #[inline]
    pub(crate) fn push(&mut self, code: Option<Code>) {
        self.presence.push(code.is_some());
        if let Some(code) = code {
            self.codes.push(code);
        }
    }

    pub(crate) fn write(
        mut self,
        sink: &mut Sink,
        column: Column,
        texts: &Texts,
    ) -> Result<ColumnChunkMetaData> {
        let (mut dictionary, mut entries) = (Vec::new(), 0);
        let mut indices = vec![UNSEEN; texts.len()];
        for code in &mut self.codes {
            let index = &mut indices[usize::from(*code)];
            if *index == UNSEEN {
                *index = entries;
                entries += 1;
                put_text(&mut dictionary, texts.text(*code).as_bytes());
            }
            *code = *index;
        }
        let mut page = head(Some(&self.presence), 2 * self.codes.len() + 16);
        put_indices(&mut page, &self.codes, entries);
        let dictionary = Some((dictionary, usize::from(entries)));
        sink.chunk(column, self.presence.rows, dictionary, page, None)
    }
}

/// Dictionary indices: their width in bits, then one run.
fn put_indices(page: &mut Vec<u8>, indices: &[Code], entries: Code) {
    let groups = indices.len().div_ceil(8);
    let padding = groups * 8 - indices.len();
    if entries <= 1 {
        page.push(8);
        repeated(page, indices.len(), &[0]);
    } else if entries <= 256 {
        page.push(8);
        varint(page, groups << 1 | 1);
        page.extend(indices.iter().map(|&index| index as u8));
        page.resize(page.len() + padding, 0);
    } else {
        page.push(16);
        varint(page, groups << 1 | 1);
        page.extend(indices.iter().flat_map(|index| index.to_le_bytes()));
        page.resize(page.len() + 2 * padding, 0);
    }
}

/// A required column of `rows` times the same 32-bit integer.
pub(crate) fn repeated_integer(
    sink: &mut Sink,
    column: Column,
    value: i32,
    rows: usize,
) -> Result<ColumnChunkMetaData> {
    let mut page = vec![8];
    repeated(&mut page, rows, &[0]);
    let statistics = Statistics::int32(Some(value), Some(value), None, Some(0), false);
    let dictionary = Some((value.to_le_bytes().to_vec(), 1));
    sink.chunk(column, rows, dictionary, page, Some(statistics))
}
