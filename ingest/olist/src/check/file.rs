//! One file as it lies there: what it is, how it is written, its columns and rows.

use std::fmt::Display;

use eip_contract::reject::shown;
use encoding_rs::Encoding;
use serde::Serialize;

use super::facts::ColumnFacts;
use super::folder::Listed;
use super::names::{TableMatch, matches};
use super::text::{CountLineEnds, LineEnds, delimiter_of};
use super::times::{TimeColumn, time_columns};
use crate::csv::{ReadError, RowReader};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::parquet::{ParquetFault, ParquetHeader};
use crate::source::{Packing, Source, start_of};

/// Most words that look like null of one column that are shown.
const MAX_NULLS: usize = 3;

/// What was found about one file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CheckedFile {
    /// Its name inside the folder.
    pub name: String,
    /// Its size as it lies there.
    pub bytes: u64,
    /// `gzip` or `Zstandard`, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packing: Option<&'static str>,
    /// What it is, when it is no text with columns: in words, with what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Why it cannot be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The most likely encoding, as `dataset.toml` names it; empty of a file that is no text.
    pub encoding: String,
    /// Whether it begins with a byte order mark.
    pub byte_order_mark: bool,
    /// Rows that are not valid in UTF-8, and the first of them in the likely encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_utf8: Option<NotUtf8>,
    /// How its lines end.
    pub line_ends: LineEnds,
    /// What separates its columns; `None` of one column.
    pub delimiter: Option<char>,
    /// The header.
    pub columns: Vec<String>,
    /// Rows after the header.
    pub rows: Option<u64>,
    /// Rows with another number of fields than the header, or broken quotes, and the first one's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ragged: Option<(u64, u64)>,
    /// The tables that it can be, by its columns.
    pub tables: Vec<TableMatch>,
    /// Its columns of times.
    pub times: Vec<TimeColumn>,
    /// Words that look like null, by column.
    pub null_words: Vec<NullWords>,
}

/// Rows in another encoding than UTF-8.
#[derive(Clone, Debug, Serialize)]
pub struct NotUtf8 {
    /// How many.
    pub rows: u64,
    /// The line of the first.
    pub line: u64,
    /// Its field, in the likely encoding.
    pub sample: String,
}

/// Words of one column that look like null.
#[derive(Clone, Debug, Serialize)]
pub struct NullWords {
    /// The column.
    pub column: String,
    /// The words, and how many times each is there.
    pub words: Vec<(String, u64)>,
}

/// A file with what a suggestion needs to know of it.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) file: CheckedFile,
    /// By the place of the column.
    pub(super) facts: Vec<ColumnFacts>,
    pub(super) is_parquet: bool,
}

impl Looked {
    /// Whether a `dataset.toml` can name it as it lies there.
    pub(super) fn can_be_read(&self) -> bool {
        let is_named_parquet = || {
            let end = std::path::Path::new(&self.file.name).extension();
            end.is_some_and(|end| end.eq_ignore_ascii_case("parquet"))
        };
        let is_text = !self.file.encoding.is_empty();
        self.file.error.is_none() && (is_text || self.is_parquet && is_named_parquet())
    }
}

/// Looks at a file. Nothing that is wrong with it is an error.
pub(super) fn look(listed: &Listed, limits: &Limits) -> Looked {
    let (packing, bare) = Packing::of_name(&listed.name);
    let mut looked = Looked {
        file: CheckedFile {
            name: listed.name.clone(),
            bytes: listed.bytes,
            packing: match packing {
                Packing::Plain => None,
                Packing::Gzip => Some("gzip"),
                Packing::Zstd => Some("Zstandard"),
            },
            ..CheckedFile::default()
        },
        ..Looked::default()
    };
    let read = if listed.is_regular {
        read(listed, packing, limits, &mut looked)
    } else {
        Err("is no regular file".to_owned())
    };
    if let Err(problem) = read {
        looked.file.error = Some(problem);
    }
    let Looked { file, facts, .. } = &mut looked;
    file.tables = matches(bare, &file.columns);
    file.times = time_columns(&file.columns, facts);
    file.null_words = null_words(&file.columns, facts);
    looked
}

fn null_words(columns: &[String], facts: &[ColumnFacts]) -> Vec<NullWords> {
    let with_words = columns.iter().zip(facts);
    with_words
        .filter(|(_, facts)| !facts.nulls.is_empty())
        .map(|(column, facts)| NullWords {
            column: column.clone(),
            words: facts.nulls.clone().into_iter().take(MAX_NULLS).collect(),
        })
        .collect()
}

fn read(
    listed: &Listed,
    packing: Packing,
    limits: &Limits,
    looked: &mut Looked,
) -> Result<(), String> {
    let start = start_of(&listed.path).map_err(said)?;
    if start.is_empty() {
        return Err("is empty".to_owned());
    }
    let kind = Kind::of(&start);
    let wanted = match packing {
        Packing::Plain => None,
        Packing::Gzip => Some(Kind::Gzip),
        Packing::Zstd => Some(Kind::Zstd),
    };
    if packing == Packing::Plain && kind == Some(Kind::Parquet) {
        return read_parquet(listed, looked);
    }
    if wanted.is_some() && kind != wanted {
        let found = kind.map_or_else(|| "plain text or damaged".to_owned(), |k| k.to_string());
        looked.file.kind = Some(format!("{found}, although its name ends otherwise"));
        return Ok(());
    }
    let source = Source::open(&listed.path, packing).map_err(said)?;
    let text = source.text(encoding_rs::UTF_8).map_err(said)?;
    let kind = Kind::of(&text.start);
    let encoding = match kind {
        Some(Kind::Utf16Le) => encoding_rs::UTF_16LE,
        Some(Kind::Utf16Be) => encoding_rs::UTF_16BE,
        _ => Encoding::for_bom(&text.start).map_or(encoding_rs::UTF_8, |(encoding, _)| encoding),
    };
    if let Some(kind) = kind {
        looked.file.kind = Some(format!("{kind}: {}", kind.advice()));
        let is_wide = matches!(kind, Kind::Utf16Le | Kind::Utf16Be);
        if !is_wide {
            return Ok(());
        }
    }
    looked.file.byte_order_mark = Encoding::for_bom(&text.start).is_some();
    looked.file.encoding = encoding.name().to_lowercase();
    let delimiter = delimiter_of(encoding.decode(&text.start).0.as_bytes());
    looked.file.delimiter = delimiter.map(char::from);
    let source = Source::open(&listed.path, packing).map_err(said)?;
    let text = source.text(encoding).map_err(said)?;
    let (bytes, line_ends) = CountLineEnds::new(text.bytes);
    let rows = RowReader::new(
        bytes,
        delimiter.unwrap_or(b','),
        limits.max_row_bytes,
        limits.max_columns,
    );
    let read = read_rows(rows, limits, looked);
    looked.file.line_ends = line_ends.get();
    read
}

fn read_rows(
    mut rows: RowReader<impl std::io::Read>,
    limits: &Limits,
    looked: &mut Looked,
) -> Result<(), String> {
    let Some(header) = rows.next().map_err(read_error)? else {
        return Err("has no header".to_owned());
    };
    let width = header.len();
    if header.too_long || width > limits.max_columns {
        return Err(format!(
            "the first line has {width} columns; at most {} are read",
            limits.max_columns
        ));
    }
    let mut not_utf8 = 0;
    let columns = (0..width).filter_map(|place| header.field(place));
    looked.file.columns = columns
        .map(|name| {
            not_utf8 += u64::from(std::str::from_utf8(name).is_err());
            in_likely_encoding(name)
        })
        .collect();
    if not_utf8 > 0 {
        let bad = (0..width).filter_map(|place| header.field(place));
        let bad = bad.filter(|name| std::str::from_utf8(name).is_err());
        add_not_utf8(&mut looked.file, 1, bad.map(<[u8]>::to_vec).next());
    }
    looked.facts = vec![ColumnFacts::default(); width];
    rows.set_width(width);
    let mut count = 0;
    while let Some(row) = rows.next().map_err(read_error)? {
        if count == limits.rows() {
            return Err(format!("has more than {} rows", limits.rows()));
        }
        count += 1;
        looked.file.rows = Some(count);
        if row.too_long || row.malformed() || row.len() != width {
            let ragged = looked.file.ragged.get_or_insert((0, row.line));
            ragged.0 += 1;
            continue;
        }
        let is_ascii = row.is_ascii();
        let mut bad = None;
        for (place, facts) in looked.facts.iter_mut().enumerate() {
            let value = row.field(place).unwrap_or_default();
            if !is_ascii && std::str::from_utf8(value).is_err() {
                bad = bad.or(Some(value));
            }
            facts.add(value, row.line);
        }
        if let Some(value) = bad {
            let value = Some(value.to_vec());
            add_not_utf8(&mut looked.file, row.line, value);
        }
    }
    looked.file.rows = Some(count);
    Ok(())
}

/// Text that is not UTF-8 is most likely windows-1252, which can be read whatever the bytes are.
#[cold]
fn add_not_utf8(file: &mut CheckedFile, line: u64, value: Option<Vec<u8>>) {
    if file.encoding == "utf-8" {
        "windows-1252".clone_into(&mut file.encoding);
    }
    let seen = file.not_utf8.get_or_insert_with(|| NotUtf8 {
        rows: 0,
        line,
        sample: in_likely_encoding(&value.unwrap_or_default()),
    });
    seen.rows += 1;
}

fn in_likely_encoding(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(_) => shown(bytes),
        Err(_) => shown(encoding_rs::WINDOWS_1252.decode(bytes).0.as_bytes()),
    }
}

fn read_parquet(listed: &Listed, looked: &mut Looked) -> Result<(), String> {
    looked.is_parquet = true;
    let is_named = std::path::Path::new(&listed.name)
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("parquet"));
    let mut kind = Kind::Parquet.to_string();
    if !is_named {
        kind =
            format!("{kind}: give it a name that ends in .parquet, and name it in a dataset.toml");
    }
    looked.file.kind = Some(kind);
    let failed = |fault: ParquetFault| match fault {
        ParquetFault::Io(error) => error.to_string(),
        ParquetFault::Broken(error) => error.to_string(),
        ParquetFault::Type { column, found } => format!("column {column} holds {found}"),
    };
    let header = ParquetHeader::open(&listed.path).map_err(failed)?;
    looked.file.columns = header.names().iter().map(|name| shown(name)).collect();
    looked.file.rows = Some(header.row_count());
    let places = header.readable_columns();
    let mut rows = header.rows(&places).map_err(failed)?;
    looked.facts = vec![ColumnFacts::default(); looked.file.columns.len()];
    while rows.has_next().map_err(failed)? {
        let row = rows.next();
        for (at, &place) in places.iter().enumerate() {
            looked.facts[place].add(row.value(at), row.number);
        }
    }
    Ok(())
}

fn said(error: impl Display) -> String {
    format!("cannot be read: {error}")
}

fn read_error(error: ReadError) -> String {
    match error {
        ReadError::Io { behind_line, cause } => {
            format!("cannot be read after line {behind_line}: {cause}")
        }
        ReadError::UnclosedQuote { line } => {
            format!("the quote opened on line {line} is never closed; close it there")
        }
    }
}
