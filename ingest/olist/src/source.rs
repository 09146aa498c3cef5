//! The unpacked bytes of a file: plain, gzip, Zstandard or any stream, hashed on their way, and
//! decoded to UTF-8 where they are in another encoding.

mod decoded;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use decoded::Decoded;

/// Bytes at the start of a file that are looked at to see what it is.
const START: usize = 4 << 10;
/// Bytes read from a file at once.
const BLOCK: usize = 128 << 10;

/// How a file is packed, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// The packing that a name promises, and the name without its end.
    pub(crate) fn of_name(name: &str) -> (Self, &str) {
        if let Some(bare) = name.strip_suffix(".gz") {
            (Self::Gzip, bare)
        } else if let Some(bare) = name.strip_suffix(".zst") {
            (Self::Zstd, bare)
        } else {
            (Self::Plain, name)
        }
    }
}

/// The unpacked bytes of one file.
pub struct Source {
    bytes: Hashed,
    pub(crate) is_archive: bool,
}

impl Source {
    /// Any stream of unpacked bytes.
    pub fn of(bytes: impl Read + 'static) -> Self {
        Self::new(Box::new(bytes), false)
    }

    /// A stream of gzip bytes: one archive or several, one after the other.
    pub fn of_gzip(bytes: impl Read + 'static) -> Self {
        let bytes = MultiGzDecoder::new(io::BufReader::with_capacity(64 << 10, bytes));
        Self::new(Box::new(bytes), true)
    }

    /// A stream of Zstandard bytes: one frame or several, one after the other.
    fn of_zstd(bytes: impl Read + 'static) -> io::Result<Self> {
        let bytes = zstd::stream::read::Decoder::new(bytes)?;
        Ok(Self::new(Box::new(bytes), true))
    }

    fn new(bytes: Box<dyn Read>, is_archive: bool) -> Self {
        let hash = Rc::default();
        Self {
            bytes: Hashed { bytes, hash },
            is_archive,
        }
    }

    /// A file, packed as its name says.
    pub(crate) fn open(path: &Path, packing: Packing) -> io::Result<Self> {
        let file = File::open(path)?;
        match packing {
            Packing::Plain => Ok(Self::of(file)),
            Packing::Gzip => Ok(Self::of_gzip(file)),
            Packing::Zstd => Self::of_zstd(file),
        }
    }

    /// The text, with the first bytes of the file. UTF-16 is known by its byte order mark whatever
    /// the encoding is said to be.
    pub(crate) fn text(mut self, encoding: &'static Encoding) -> io::Result<TextSource> {
        let hash = Hash(Rc::clone(&self.bytes.hash));
        let start = read_start(&mut self.bytes)?;
        let bytes = Cursor::new(start.clone()).chain(self.bytes);
        let is_wide = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
        let bytes = if encoding == encoding_rs::UTF_8 && !is_wide {
            Decoding::Utf8(bytes)
        } else {
            Decoding::Other(Box::new(Decoded::new(bytes, encoding)))
        };
        Ok(TextSource {
            bytes,
            is_archive: self.is_archive,
            start,
            hash,
        })
    }

    /// Lower-case hex SHA-256 of all bytes.
    pub(crate) fn sha256(mut self) -> io::Result<String> {
        let mut block = vec![0; BLOCK];
        while self.bytes.read(&mut block)? > 0 {}
        Ok(Hash(self.bytes.hash).hex())
    }
}

/// A file as UTF-8; what is not in its encoding comes as the byte 0xFF.
pub(crate) struct TextSource {
    pub(crate) bytes: Decoding,
    pub(crate) is_archive: bool,
    /// The first bytes, before they are decoded.
    pub(crate) start: Vec<u8>,
    /// Of the bytes before they are decoded.
    pub(crate) hash: Hash,
}

pub(crate) type FromStart = Chain<Cursor<Vec<u8>>, Hashed>;

/// The way from a file's bytes to UTF-8.
pub(crate) enum Decoding {
    /// There is none to go.
    Utf8(FromStart),
    Other(Box<Decoded<FromStart>>),
}

impl Read for Decoding {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Utf8(bytes) => bytes.read(buffer),
            Self::Other(bytes) => bytes.read(buffer),
        }
    }
}

/// Hashes what goes through.
pub(crate) struct Hashed {
    bytes: Box<dyn Read>,
    hash: Rc<RefCell<Sha256>>,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(buffer)?;
        self.hash.borrow_mut().update(&buffer[..length]);
        Ok(length)
    }
}

/// The hash of the bytes that were read so far.
pub(crate) struct Hash(Rc<RefCell<Sha256>>);

impl Hash {
    /// Lower-case hex SHA-256.
    pub(crate) fn hex(&self) -> String {
        hex(&self.0.borrow().clone().finalize())
    }
}

fn read_start(bytes: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = vec![0; START];
    let mut length = 0;
    while length < START {
        match bytes.read(&mut start[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    start.truncate(length);
    Ok(start)
}

/// The first bytes of a file as it lies there, packed or not.
pub(crate) fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    read_start(&mut File::open(path)?)
}

/// Lower-case hex of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all text");
    }
    text
}
