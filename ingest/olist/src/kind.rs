//! What a file is by its first bytes, when it is not the CSV that its name promises.

use std::fmt;

/// A kind of file that people put in the place of a CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gzip archive.
    Gzip,
    /// A Zstandard archive.
    Zstd,
    /// A ZIP archive; a spreadsheet (.xlsx) is one too.
    Zip,
    /// A Parquet file.
    Parquet,
    /// An old spreadsheet (.xls) or another OLE file.
    Ole,
    /// A PDF.
    Pdf,
    /// A web page.
    Html,
    /// An XML document.
    Xml,
    /// A JSON document.
    Json,
    /// The pointer that Git LFS leaves in place of a file.
    LfsPointer,
    /// UTF-16 without a byte order mark, little-endian.
    Utf16Le,
    /// UTF-16 without a byte order mark, big-endian.
    Utf16Be,
    /// A database of SQLite.
    Sqlite,
}

impl Kind {
    /// The kind of a file that begins with these bytes; `None` when it may be text with columns.
    pub fn of(start: &[u8]) -> Option<Self> {
        let magic: [(&[u8], Self); 8] = [
            (b"\x1f\x8b", Self::Gzip),
            (b"\x28\xb5\x2f\xfd", Self::Zstd),
            (b"PK\x03\x04", Self::Zip),
            (b"PK\x05\x06", Self::Zip),
            (b"PAR1", Self::Parquet),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Self::Ole),
            (b"%PDF-", Self::Pdf),
            (b"SQLite format 3\0", Self::Sqlite),
        ];
        if let Some((_, kind)) = magic.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Some(*kind);
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        let text = text.trim_ascii_start();
        let begins = |word: &[u8]| {
            text.get(..word.len())
                .is_some_and(|t| t.eq_ignore_ascii_case(word))
        };
        if begins(b"version https://git-lfs") {
            Some(Self::LfsPointer)
        } else if [&b"<!doctype html"[..], b"<html", b"<head", b"<body"]
            .iter()
            .any(|word| begins(word))
        {
            Some(Self::Html)
        } else if begins(b"<?xml") {
            // Pages say so too.
            let is_page = text
                .windows(5)
                .any(|five| five.eq_ignore_ascii_case(b"<html"));
            Some(if is_page { Self::Html } else { Self::Xml })
        } else if matches!(text.first(), Some(b'{' | b'[')) {
            Some(Self::Json)
        } else {
            Self::of_wide_text(start)
        }
    }

    /// Every other byte of text in Latin letters is zero in UTF-16.
    fn of_wide_text(start: &[u8]) -> Option<Self> {
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return None;
        }
        let pairs = &start[..start.len().min(64) / 2 * 2];
        let zeros = |at: usize| pairs.chunks_exact(2).filter(|pair| pair[at] == 0).count();
        let (high, low, most) = (zeros(0), zeros(1), pairs.len() / 2);
        if most >= 4 && low * 4 >= most * 3 && high == 0 {
            Some(Self::Utf16Le)
        } else if most >= 4 && high * 4 >= most * 3 && low == 0 {
            Some(Self::Utf16Be)
        } else {
            None
        }
    }

    /// Whether these bytes can be nothing else, so that reading on makes no sense.
    pub(crate) fn is_certain(self) -> bool {
        !matches!(self, Self::Json | Self::Xml)
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Gzip => "give it a name that ends in .gz",
            Self::Zstd => "give it a name that ends in .zst",
            Self::Zip => "unpack it; save a spreadsheet as CSV",
            Self::Parquet => "name it in a dataset.toml, with a name that ends in .parquet",
            Self::Ole => "save the spreadsheet as CSV",
            Self::Pdf | Self::Xml | Self::Json | Self::Sqlite => {
                "export the table as CSV or Parquet"
            }
            Self::Html => "a login or error page was saved in place of the file; fetch it again",
            Self::LfsPointer => "fetch the file itself with git lfs pull",
            Self::Utf16Le => "say encoding = \"utf-16le\" in a dataset.toml",
            Self::Utf16Be => "say encoding = \"utf-16be\" in a dataset.toml",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "a gzip archive",
            Self::Zstd => "a Zstandard archive",
            Self::Zip => "a zip archive (or a spreadsheet, .xlsx)",
            Self::Parquet => "a Parquet file",
            Self::Ole => "an old spreadsheet (.xls)",
            Self::Pdf => "a PDF",
            Self::Html => "an HTML page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::LfsPointer => "a Git LFS pointer, not the file itself",
            Self::Utf16Le | Self::Utf16Be => "UTF-16 without a byte order mark",
            Self::Sqlite => "an SQLite database",
        })
    }
}

/// The delimiter that splits a header into a line with all of these columns, ignoring case and
/// blanks; a comma first.
pub(crate) fn delimiter_of(header: &[u8], columns: &[&str]) -> Option<u8> {
    let has_all = |delimiter: u8| {
        let fields: Vec<&[u8]> = header.split(|&byte| byte == delimiter).map(bare).collect();
        columns.iter().all(|column| {
            fields
                .iter()
                .any(|field| field.eq_ignore_ascii_case(column.as_bytes()))
        })
    };
    [b',', b';', b'\t', b'|', b':', b' ']
        .into_iter()
        .find(|&delimiter| has_all(delimiter))
}

/// A field of a header without quotes and blanks around it.
fn bare(field: &[u8]) -> &[u8] {
    let mut field = crate::format::trimmed(field);
    if let [b'"', inner @ .., b'"'] = field {
        field = inner;
    }
    crate::format::trimmed(field)
}

/// A delimiter as a person calls it.
pub(crate) fn delimiter_name(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "commas (,)",
        b';' => "semicolons (;)",
        b'\t' => "tabs",
        b'|' => "bars (|)",
        b':' => "colons (:)",
        _ => "blanks",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_say_what_a_file_is() {
        let utf16: Vec<u8> = "order_id,x\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let swapped: Vec<u8> = "order_id,x\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for (start, kind) in [
            (&b"\x1f\x8b\x08\0"[..], Some(Kind::Gzip)),
            (b"PK\x03\x04\x14", Some(Kind::Zip)),
            (b"PAR1\x15\x04", Some(Kind::Parquet)),
            (b"\n  <!DOCTYPE html>\n<html>", Some(Kind::Html)),
            (b"<HTML><body>", Some(Kind::Html)),
            (b"<?xml version=\"1.0\"?><rows/>", Some(Kind::Xml)),
            (b"\xef\xbb\xbf{\"a\":1}", Some(Kind::Json)),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                Some(Kind::LfsPointer),
            ),
            (&utf16, Some(Kind::Utf16Le)),
            (&swapped, Some(Kind::Utf16Be)),
            (b"order_id,customer_id\n", None),
            (b"", None),
            (b"\xff\xfeo\0r\0d\0e\0r\0", None),
            ("\u{feff}order_id;x".as_bytes(), None),
        ] {
            assert_eq!(
                Kind::of(start),
                kind,
                "{:?}",
                String::from_utf8_lossy(start)
            );
        }
    }

    #[test]
    fn a_header_shows_its_delimiter() {
        let columns = ["order_id", "seller_id"];
        for (header, delimiter) in [
            (&b"order_id,x,seller_id"[..], Some(b',')),
            (b"x;\"Order_ID\";\" seller_id \"", Some(b';')),
            (b"order_id\tseller_id", Some(b'\t')),
            (b"order_id|seller_id", Some(b'|')),
            (b"order_id;x", None),
        ] {
            assert_eq!(delimiter_of(header, &columns), delimiter);
        }
    }
}
