//! The journal's lines one after another, as they come into being.
//!
//! Gives whole lines with a good check sum, file after file, and stops before whatever a writer may
//! still be at: an unfinished line, or last lines that are not sound. An unsound line with a sound
//! one behind it is damage and an error. Memory is one buffer, as large as the longest line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use crate::error::LogError;
use crate::files::{Header, path_of};
use crate::line::{MAX_LINE_BYTES, is_sound};
use crate::state::StateDir;

const BUFFER_BYTES: usize = 512 << 10;

/// A place between two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: u64,
    pub(crate) byte: u64,
}

/// A position in one file of the journal.
pub(crate) struct Tail {
    number: u64,
    file: File,
    path: PathBuf,
    /// What was read and not consumed is `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The byte of the file that `buffer[0]` is.
    base: u64,
    /// Up to here the buffer has no newline; at or behind `start`.
    searched: usize,
    /// The place of a line that was not sound; it was read again to make sure.
    unsound_at: Option<u64>,
}

impl Tail {
    /// Opens a file at a place between two lines. `None` when the file is not there (yet).
    pub(crate) fn open(state: &StateDir, place: Place) -> Result<Option<Self>, LogError> {
        let path = path_of(state, place.file);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(LogError::io("open", &path))?,
        };
        Ok(Some(Self {
            number: place.file,
            file,
            path,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            base: place.byte,
            searched: 0,
            unsound_at: None,
        }))
    }

    /// The place before the next line.
    pub(crate) fn place(&self) -> Place {
        Place {
            file: self.number,
            byte: self.base + self.start as u64,
        }
    }

    /// Goes to a place between two lines of the same file.
    pub(crate) fn seek(&mut self, byte: u64) {
        let ahead = byte.checked_sub(self.base).map(|ahead| ahead as usize);
        match ahead.filter(|ahead| *ahead <= self.end) {
            Some(ahead) => {
                self.start = ahead;
                self.searched = ahead;
            }
            None => self.forget(byte),
        }
    }

    /// Drops what was read: it is read again from `byte` on.
    fn forget(&mut self, byte: u64) {
        self.base = byte;
        (self.start, self.end, self.searched) = (0, 0, 0);
    }

    /// The bytes of a line that [`Tail::peek`] gave.
    #[inline]
    pub(crate) fn line(&self, line: &Range<usize>) -> &[u8] {
        &self.buffer[line.clone()]
    }

    /// Passes over a line that [`Tail::peek`] gave.
    #[inline]
    pub(crate) fn consume(&mut self, line: &Range<usize>) {
        self.start = line.end + 1;
        self.searched = self.start;
    }

    /// An error about the line at this place.
    pub(crate) fn corrupt(&self, what: impl Into<String>) -> LogError {
        LogError::corrupt(&self.path, self.place().byte, what)
    }

    /// Makes durable what this file holds.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.file
            .sync_data()
            .map_err(LogError::io("sync", &self.path))
    }

    /// The length of the file.
    pub(crate) fn file_bytes(&self) -> Result<u64, LogError> {
        Ok(self
            .file
            .metadata()
            .map_err(LogError::io("read", &self.path))?
            .len())
    }

    /// The next line of this file without its newline; the same again until it is consumed.
    #[inline]
    pub(crate) fn peek(&mut self, state: &StateDir) -> Result<Option<Range<usize>>, LogError> {
        let mut read_anew = false;
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.searched..self.end]) {
                let line = self.start..self.searched + length;
                if is_sound(&self.buffer[line.clone()]) {
                    return Ok(Some(line));
                }
                if !self.read_again(state)? {
                    return Ok(None);
                }
                continue;
            }
            self.searched = self.end;
            if self.end - self.start > MAX_LINE_BYTES {
                if !self.read_again(state)? {
                    return Ok(None);
                }
                continue;
            }
            if self.fill()? == 0 {
                // What is unfinished may have been cut and written anew by the next writer since it
                // was read, and may be later.
                let unfinished = self.end > self.start;
                self.forget(self.place().byte);
                if !unfinished || read_anew {
                    return Ok(None);
                }
                read_anew = true;
            }
        }
    }

    /// An unsound line may be an old reading of bytes that a new writer has cut and replaced:
    /// reads it once more. `false` when it is still unsound and the last there is.
    #[cold]
    fn read_again(&mut self, state: &StateDir) -> Result<bool, LogError> {
        let byte = self.place().byte;
        if self.unsound_at != Some(byte) {
            self.unsound_at = Some(byte);
            self.forget(byte);
            return Ok(true);
        }
        self.unsound_at = None;
        self.forget(byte);
        let next = Header::read(state, self.number + 1)?;
        if next.is_some() || self.sound_line_behind(byte)? {
            return Err(self.corrupt("a line's check sum does not fit, and good lines follow"));
        }
        Ok(false)
    }

    /// Whether any sound line begins after the one at `byte`.
    fn sound_line_behind(&self, byte: u64) -> Result<bool, LogError> {
        let failed = || LogError::io("read", &self.path);
        let mut file = BufReader::new(File::open(&self.path).map_err(failed())?);
        file.seek(SeekFrom::Start(byte)).map_err(failed())?;
        let mut line = Vec::new();
        let mut first = true;
        loop {
            line.clear();
            file.by_ref()
                .take(MAX_LINE_BYTES as u64)
                .read_until(b'\n', &mut line)
                .map_err(failed())?;
            if line.is_empty() {
                return Ok(false);
            }
            if line.pop() == Some(b'\n') {
                if !first && is_sound(&line) {
                    return Ok(true);
                }
                first = false;
            }
        }
    }

    #[cold]
    fn fill(&mut self) -> Result<usize, LogError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer
                .resize(BUFFER_BYTES.max(self.buffer.len() * 2), 0);
        }
        loop {
            let place = self.base + self.end as u64;
            match self.file.read_at(&mut self.buffer[self.end..], place) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(LogError::io("read", &self.path)(error)),
            }
        }
    }

    /// As [`Tail::peek`], and goes on in the next file, whose header is its first line.
    #[inline]
    pub(crate) fn peek_across(
        &mut self,
        state: &StateDir,
    ) -> Result<Option<Range<usize>>, LogError> {
        match self.peek(state)? {
            Some(line) => Ok(Some(line)),
            None => self.peek_next_file(state),
        }
    }

    #[cold]
    fn peek_next_file(&mut self, state: &StateDir) -> Result<Option<Range<usize>>, LogError> {
        let next = Place {
            file: self.number + 1,
            byte: 0,
        };
        let Some(mut next) = Self::open(state, next)? else {
            return Ok(None);
        };
        let Some(header) = next.peek(state)? else {
            return Ok(None);
        };
        // The next file is there, so nothing is written to this one any more: what it holds now is
        // all it will.
        if let Some(line) = self.peek(state)? {
            return Ok(Some(line));
        }
        if self.file_bytes()? > self.place().byte {
            return Err(self.corrupt("an unfinished line in a file that is not the last"));
        }
        *self = next;
        Ok(Some(header))
    }
}
