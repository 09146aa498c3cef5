//! Where the bytes of a file come from: a plain file, a gzip archive, or any stream.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::error::OlistError;
use crate::table::{CUSTOMERS, ITEMS, ORDERS, SELLERS};

/// Names of the four files, in the order in which they are read.
pub const FILES: [&str; 4] = [SELLERS.file, CUSTOMERS.file, ORDERS.file, ITEMS.file];

/// The columns that are used of each of [`FILES`], the row's own key first.
pub const COLUMNS: [&[&str]; 4] = [
    &SELLERS.columns,
    &CUSTOMERS.columns,
    &ORDERS.columns,
    &ITEMS.columns,
];

/// The unpacked bytes of one file.
pub struct Source {
    pub(crate) bytes: Box<dyn Read>,
    pub(crate) is_archive: bool,
}

impl Source {
    /// Any stream of unpacked bytes.
    pub fn of(bytes: impl Read + 'static) -> Self {
        Self {
            bytes: Box::new(bytes),
            is_archive: false,
        }
    }

    /// A stream of gzip bytes: one archive or several, one behind the other.
    pub fn of_gzip(bytes: impl Read + 'static) -> Self {
        let bytes = MultiGzDecoder::new(io::BufReader::with_capacity(64 << 10, bytes));
        Self {
            bytes: Box::new(bytes),
            is_archive: true,
        }
    }

    /// `name` in a folder, or else `name.gz`.
    pub(crate) fn open(folder: &Path, name: &'static str) -> Result<Self, OlistError> {
        let plain = folder.join(name);
        let packed = folder.join(format!("{name}.gz"));
        let opened = match File::open(&plain) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => match File::open(&packed) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    return Err(OlistError::NoFile {
                        folder: folder.to_owned(),
                        name,
                    });
                }
                opened => opened.map(Self::of_gzip),
            },
            opened => opened.map(Self::of),
        };
        opened.map_err(|source| OlistError::Read {
            file: name.to_owned(),
            source,
        })
    }
}

/// Lower-case hex SHA-256 of the unpacked bytes of a file, which is an archive when its name ends in
/// `.gz`: what [`crate::InputFile`] says of it.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let is_packed = path.extension().is_some_and(|end| end == "gz");
    hash(if is_packed {
        Source::of_gzip(file)
    } else {
        Source::of(file)
    })
}

/// As [`sha256_of`], of each of the four files in a folder, by the names of [`FILES`].
pub fn sha256_of_files(folder: &Path) -> Result<BTreeMap<String, String>, OlistError> {
    let of_file = |name: &'static str| {
        let hash = hash(Source::open(folder, name)?);
        let hash = hash.map_err(|source| OlistError::Read {
            file: name.to_owned(),
            source,
        })?;
        Ok((name.to_owned(), hash))
    };
    FILES.into_iter().map(of_file).collect()
}

fn hash(mut source: Source) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut block = vec![0; 128 << 10];
    loop {
        match source.bytes.read(&mut block)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&block[..length]),
        }
    }
}

/// Lower-case hex of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all text");
    }
    text
}
