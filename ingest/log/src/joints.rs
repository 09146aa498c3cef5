//! Whether each file of the journal goes on where the one before it ends.
//!
//! Writers and watchers begin with the last file and so never come to the end of another. A file that
//! was restored from an older copy, or lost its end, would go unnoticed as long as the Parquet cache
//! has what it held. So the length and the last line of each file are compared with the header of the
//! next.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use serde::Deserialize;

use crate::error::LogError;
use crate::files::{self, Header, path_of};
use crate::line::{Kind, Switch, is_sound, record_head};
use crate::state::StateDir;

/// How much is read of a file's end at first.
const END_BYTES: u64 = 4096;

/// Compares all files of the journal with their predecessors: two small reads each.
pub(crate) fn check(state: &StateDir) -> Result<(), LogError> {
    for number in 2..=files::last(state)? {
        // Without a header a file counts as not there, and a reader says whether it may.
        let Some(header) = Header::read(state, number)? else {
            continue;
        };
        let path = path_of(state, number - 1);
        let file = File::open(&path).map_err(LogError::io("open", &path))?;
        let bytes = file.metadata().map_err(LogError::io("read", &path))?.len();
        let (at, line) = last_line(&file, bytes).map_err(LogError::io("read", &path))?;
        let Some(line) = line.strip_suffix(b"\n").filter(|line| is_sound(line)) else {
            let what = format!("it does not end with a whole line, and file {number} follows");
            return Err(LogError::corrupt(&path, at, what));
        };
        if header.before.is_some_and(|before| before != bytes) || !leads_to(line, &header) {
            let what = format!("it ends at another place than file {number} goes on from");
            return Err(LogError::corrupt(&path, bytes, what));
        }
    }
    Ok(())
}

/// Where the last line of a file begins, and its bytes.
fn last_line(file: &File, bytes: u64) -> std::io::Result<(u64, Vec<u8>)> {
    let mut length = END_BYTES.min(bytes);
    loop {
        let mut end = vec![0; length as usize];
        let from = bytes - length;
        file.read_exact_at(&mut end, from)?;
        let before = end.len().saturating_sub(1);
        if let Some(newline) = memchr::memrchr(b'\n', &end[..before]) {
            end.drain(..=newline);
            return Ok((from + newline as u64 + 1, end));
        }
        if from == 0 {
            return Ok((0, end));
        }
        length = (length * 8).min(bytes);
    }
}

/// Whether a file that ends with this line may be followed by one with this header.
fn leads_to(line: &[u8], header: &Header) -> bool {
    #[derive(Deserialize)]
    struct Position {
        n: u64,
    }
    #[derive(Deserialize)]
    struct Beginning {
        next: Vec<u64>,
        ledger: u64,
    }
    match Kind::of(line) {
        Kind::Record => record_head(line).is_some_and(|(partition, offset, _)| {
            header.next.get(partition as usize) == Some(&(offset + 1))
        }),
        Kind::Ledger => {
            serde_json::from_slice(line).is_ok_and(|Position { n }| header.ledger == n + 1)
        }
        Kind::Commit | Kind::Abort => {
            serde_json::from_slice(line).is_ok_and(|Switch { next }| header.next == next)
        }
        Kind::Header => serde_json::from_slice(line).is_ok_and(|Beginning { next, ledger }| {
            (&header.next, header.ledger) == (&next, ledger)
        }),
        Kind::Begin | Kind::Unknown => false,
    }
}
