//! The journal's files: their names, their headers, and how a new one comes into being.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::LogError;
use crate::ledger::RunSummary;
use crate::line::{self, MAX_LINE_BYTES};
use crate::mark::{Round, Stretch};
use crate::state::{FORMAT, StateDir, TopicId};

/// The first line of each file: where the log stood when it was begun. Blocks never span files, so
/// whoever starts here needs nothing of the files before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The format.
    pub(crate) journal: u32,
    pub(crate) topic: TopicId,
    pub(crate) file: u64,
    /// The next offset of each partition.
    pub(crate) next: Vec<u64>,
    /// The position in the ledger of the next entry.
    pub(crate) ledger: u64,
    /// Runs that had not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) live: Vec<RunSummary>,
    /// The bytes of the file before, which is never written again. Left out by earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<u64>,
}

impl Header {
    /// Reads a header from a sound line.
    pub(crate) fn parse(text: &[u8], state: &StateDir, file: u64) -> Result<Self, LogError> {
        #[derive(Deserialize)]
        struct Version {
            journal: u32,
        }
        let path = path_of(state, file);
        let damaged = |error: serde_json::Error| {
            LogError::corrupt(&path, 0, format!("no header of a journal ({error})"))
        };
        let Version { journal } = serde_json::from_slice(text).map_err(damaged)?;
        if journal > FORMAT {
            return Err(LogError::NewerFormat {
                path,
                found: journal,
                supported: FORMAT,
            });
        }
        let header: Self = serde_json::from_slice(text).map_err(damaged)?;
        if header.topic != state.topic_id() {
            let what = format!(
                "it belongs to topic {}, not {}",
                header.topic,
                state.topic_id()
            );
            return Err(LogError::corrupt(&path, 0, what));
        }
        if header.file != file || header.next.len() != state.partitions() as usize {
            let what = "its header is that of another file or another number of partitions";
            return Err(LogError::corrupt(&path, 0, what));
        }
        Ok(header)
    }

    /// Reads a file's header. `None`: the file is not there, or a crash left it without one, which
    /// is the same thing.
    pub(crate) fn read(state: &StateDir, file: u64) -> Result<Option<Self>, LogError> {
        let path = path_of(state, file);
        let opened = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(LogError::io("open", &path))?,
        };
        let mut text = Vec::new();
        BufReader::new(opened)
            .take(MAX_LINE_BYTES as u64)
            .read_until(b'\n', &mut text)
            .map_err(LogError::io("read", &path))?;
        if text.pop() != Some(b'\n') || !line::is_sound(&text) {
            return Ok(None);
        }
        Self::parse(&text, state, file).map(Some)
    }
}

/// The path of a file by its number.
pub(crate) fn path_of(state: &StateDir, file: u64) -> PathBuf {
    state.journal_path().join(format!("{file:016}.ndjson"))
}

/// The number of the last file; 0 when there is none yet. They count from 1 without a gap.
pub(crate) fn last(state: &StateDir) -> Result<u64, LogError> {
    let folder = state.journal_path();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(&folder).map_err(LogError::io("read", &folder))? {
        let name = entry.map_err(LogError::io("read", &folder))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".ndjson"));
        numbers.extend(
            number
                .filter(|digits| digits.len() == 16)
                .and_then(|digits| {
                    digits
                        .bytes()
                        .all(|byte| byte.is_ascii_digit())
                        .then(|| digits.parse::<u64>().ok())?
                }),
        );
    }
    numbers.sort_unstable();
    match (1..)
        .zip(&numbers)
        .find(|(expected, found)| expected != *found)
    {
        Some((expected, _)) => Err(LogError::MissingFile(path_of(state, expected))),
        None => Ok(numbers.len() as u64),
    }
}

/// The stretches that begin in the same file, for each file in which any does.
pub(crate) fn rounds(state: &StateDir, stretches: &[Stretch]) -> Result<Vec<Round>, LogError> {
    let mut rounds: BTreeMap<u64, Round> = BTreeMap::new();
    let mut open: Round = (0..stretches.len()).collect();
    for file in (1..=last(state)?).rev() {
        if open.is_empty() {
            break;
        }
        let Some(header) = Header::read(state, file)? else {
            continue;
        };
        let begins_here = |&place: &usize| {
            let Stretch { partition, range } = &stretches[place];
            range.start.0 >= header.next[*partition as usize]
        };
        let (here, before) = open.into_iter().partition::<Round, _>(begins_here);
        open = before;
        if !here.is_empty() {
            rounds.insert(file, here);
        }
    }
    // A log without files has none of them.
    if !open.is_empty() {
        rounds.insert(0, open);
    }
    Ok(rounds.into_values().collect())
}

/// Begins a file with its header: written under another name, synced, renamed, so that it is there
/// with its header or not at all.
pub(crate) fn begin(
    state: &StateDir,
    header: &Header,
    durable: bool,
) -> Result<(File, u64), LogError> {
    let path = path_of(state, header.file);
    let new = path.with_extension("tmp");
    let mut text = serde_json::to_vec(header).expect("a header is plain data");
    text.pop();
    line::seal(&mut text, 0);
    let mut file = File::create(&new).map_err(LogError::io("create", &new))?;
    file.write_all(&text).map_err(LogError::io("write", &new))?;
    if durable {
        file.sync_all().map_err(LogError::io("sync", &new))?;
    }
    fs::rename(&new, &path).map_err(LogError::io("create", &path))?;
    if durable {
        sync_folder(&state.journal_path())?;
    }
    Ok((open_to_append(&path)?, text.len() as u64))
}

/// Opens a file to write at its end.
pub(crate) fn open_to_append(path: &Path) -> Result<File, LogError> {
    File::options()
        .append(true)
        .open(path)
        .map_err(LogError::io("open", path))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), LogError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(LogError::io("sync", path))
}
