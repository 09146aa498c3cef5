//! Rows into files, without a formatter: a million orders are half a gigabyte of text.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use eip_contract::{EventTime, hex};

use super::places::PLACES;
use super::random::Random;
use crate::error::OlistError;

const BUFFER: usize = 1 << 18;

/// A file that gets its name when it is whole.
pub(super) struct Output {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    line: Line,
    written: u64,
}

/// Where rows are put together.
pub(super) struct Line(Vec<u8>);

impl Output {
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, OlistError> {
        let (path, partial) = (folder.join(name), folder.join(format!("{name}.partial")));
        match File::create(&partial) {
            Ok(file) => {
                let line = Line(Vec::with_capacity(BUFFER + 4_096));
                Ok(Self {
                    path,
                    partial,
                    file,
                    line,
                    written: 0,
                })
            }
            Err(source) => Err(OlistError::Write {
                file: partial,
                source,
            }),
        }
    }

    /// Adds one row.
    pub(super) fn line(&mut self, fill: impl FnOnce(&mut Line)) -> Result<(), OlistError> {
        fill(&mut self.line);
        self.line.0.push(b'\n');
        if self.line.0.len() < BUFFER {
            return Ok(());
        }
        self.flush().map_err(|source| OlistError::Write {
            file: self.partial.clone(),
            source,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.line.0)?;
        self.written += self.line.0.len() as u64;
        self.line.0.clear();
        Ok(())
    }

    /// Gives the file its name. Returns its size.
    pub(super) fn finish(mut self) -> Result<u64, OlistError> {
        let done = self
            .flush()
            .and_then(|()| fs::rename(&self.partial, &self.path));
        done.map_err(|source| OlistError::Write {
            file: self.path.clone(),
            source,
        })?;
        Ok(self.written)
    }
}

impl Line {
    pub(super) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn comma(&mut self) {
        self.0.push(b',');
    }

    pub(super) fn hex(&mut self, id: u128) {
        self.0.extend_from_slice(&hex::format_32(id));
    }

    pub(super) fn number(&mut self, number: u64) {
        write!(self.0, "{number}").expect("a vector takes all bytes");
    }

    pub(super) fn cents(&mut self, cents: u64) {
        write!(self.0, "{}.{:02}", cents / 100, cents % 100).expect("a vector takes all bytes");
    }

    /// `YYYY-MM-DD HH:MM:SS`, or nothing.
    pub(super) fn time(&mut self, seconds: Option<i64>) {
        let Some(seconds) = seconds else {
            return;
        };
        let time = EventTime::from_seconds(seconds).expect("generated times are near 2018");
        let text = time.to_iso();
        self.0.extend_from_slice(&text[..10]);
        self.0.push(b' ');
        self.0.extend_from_slice(&text[11..19]);
    }

    /// Postcode, city and state, each behind a comma.
    pub(super) fn place(&mut self, state: usize, random: &mut Random) {
        let place = &PLACES[state];
        let (first, last) = place.postcodes;
        let postcode = first + random.below(last + 1 - first);
        write!(self.0, ",{postcode:05},").expect("a vector takes all bytes");
        self.text(place.city);
        self.comma();
        self.text(place.state);
    }
}
