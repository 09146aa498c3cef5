//! The state folder: what a log is called, how many partitions it has, and in which format.
//!
//! `eip-state.json` is written once and never changed. It appears whole or not at all, so two
//! processes that create the same folder at once end with one topic id.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::error::LogError;
use crate::files::sync_folder;

/// The newest format of state folder and journal that this program reads and the one it writes. Before 2,
/// records do not say when they were appended.
pub const FORMAT: u32 = 2;
/// Partitions of a new log when nobody says.
pub const DEFAULT_PARTITIONS: u32 = 4;
/// Most partitions of a log.
pub const MAX_PARTITIONS: u32 = 1024;

const STATE_FILE: &str = "eip-state.json";

/// Which log this is: another one, even at the same place, has another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicId(pub u128);

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not 32 lower-case hex digits.
#[derive(Debug, thiserror::Error)]
#[error("a topic id is 32 lower-case hex digits")]
pub struct BadTopicId;

impl FromStr for TopicId {
    type Err = BadTopicId;
    fn from_str(text: &str) -> Result<Self, BadTopicId> {
        let digits = text.as_bytes().try_into().map_err(|_| BadTopicId)?;
        eip_contract::hex::parse_32(digits)
            .map(Self)
            .ok_or(BadTopicId)
    }
}

impl TryFrom<String> for TopicId {
    type Error = BadTopicId;
    fn try_from(text: String) -> Result<Self, BadTopicId> {
        text.parse()
    }
}

impl From<TopicId> for String {
    fn from(id: TopicId) -> Self {
        id.to_string()
    }
}

#[derive(Serialize, Deserialize)]
struct StateFile {
    format: u32,
    partitions: u32,
    topic_id: TopicId,
    /// Wall time in milliseconds since the epoch.
    created: i64,
}

/// An existing state folder. Cheap to clone; holds no file open.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
    partitions: u32,
    topic_id: TopicId,
    created_ms: i64,
}

impl StateDir {
    /// Makes a new one with a random topic id. Parent folders are made too.
    pub fn create(path: impl AsRef<Path>, partitions: u32) -> Result<Self, LogError> {
        Self::create_as(path, partitions, random_topic_id()?, now_ms())
    }

    /// As [`StateDir::create`] with nothing taken from outside.
    pub fn create_as(
        path: impl AsRef<Path>,
        partitions: u32,
        topic_id: TopicId,
        created_ms: i64,
    ) -> Result<Self, LogError> {
        let path = path.as_ref().to_owned();
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(LogError::BadPartitions(format!(
                "a log has 1 to {MAX_PARTITIONS} partitions, not {partitions}"
            )));
        }
        let state = Self {
            path,
            partitions,
            topic_id,
            created_ms,
        };
        let journal = state.journal_path();
        fs::create_dir_all(&journal).map_err(LogError::io("create", &journal))?;
        state.write_file()?;
        sync_folder(&state.path)?;
        if let Some(parent) = state
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_folder(parent)?;
        }
        Ok(state)
    }

    fn write_file(&self) -> Result<(), LogError> {
        let file = StateFile {
            format: FORMAT,
            partitions: self.partitions,
            topic_id: self.topic_id,
            created: self.created_ms,
        };
        let mut text = serde_json::to_vec(&file).expect("a state file is plain data");
        text.push(b'\n');
        let new = self
            .path
            .join(format!("{STATE_FILE}.{}.tmp", self.topic_id));
        let mut out = File::create(&new).map_err(LogError::io("create", &new))?;
        out.write_all(&text).map_err(LogError::io("write", &new))?;
        out.sync_all().map_err(LogError::io("sync", &new))?;
        // A link, unlike a rename, does not replace the file of somebody who was faster.
        let place = self.path.join(STATE_FILE);
        let linked = fs::hard_link(&new, &place);
        fs::remove_file(&new).map_err(LogError::io("remove", &new))?;
        match linked {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(LogError::AlreadyAState(self.path.clone()))
            }
            other => other.map_err(LogError::io("create", &place)),
        }
    }

    /// Opens an existing one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LogError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let path = path.as_ref().to_owned();
        let file = path.join(STATE_FILE);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Err(LogError::NotAState(path));
            }
            Err(error) => return Err(LogError::io("read", &file)(error)),
        };
        let damaged = |error: serde_json::Error| LogError::corrupt(&file, 0, error.to_string());
        let Version { format } = serde_json::from_slice(&text).map_err(damaged)?;
        if format > FORMAT {
            return Err(LogError::NewerFormat {
                path: file,
                found: format,
                supported: FORMAT,
            });
        }
        let state: StateFile = serde_json::from_slice(&text).map_err(damaged)?;
        if !(1..=MAX_PARTITIONS).contains(&state.partitions) {
            return Err(LogError::corrupt(&file, 0, "partitions out of range"));
        }
        Ok(Self {
            path,
            partitions: state.partitions,
            topic_id: state.topic_id,
            created_ms: state.created,
        })
    }

    /// Opens it, or makes it when there is none. `partitions` must be those of an existing one.
    pub fn open_or_create(
        path: impl AsRef<Path>,
        partitions: Option<u32>,
    ) -> Result<Self, LogError> {
        let path = path.as_ref();
        let opened = match Self::open(path) {
            Err(LogError::NotAState(_)) => {
                match Self::create(path, partitions.unwrap_or(DEFAULT_PARTITIONS)) {
                    // Somebody else was faster.
                    Err(LogError::AlreadyAState(_)) => Self::open(path),
                    other => other,
                }
            }
            other => other,
        }?;
        match partitions {
            Some(asked) if asked != opened.partitions => Err(LogError::PartitionsFixed {
                path: opened.path,
                has: opened.partitions,
                asked,
            }),
            _ => Ok(opened),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the journal's files.
    pub fn journal_path(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// How many partitions the log has, for its whole life.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Which log this is.
    pub fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// When it was made, in milliseconds since the epoch.
    pub fn created_ms(&self) -> i64 {
        self.created_ms
    }
}

fn random_topic_id() -> Result<TopicId, LogError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(LogError::io("read", source))?;
    Ok(TopicId(u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_created_is_opened_and_not_created_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        assert!(matches!(StateDir::open(&path), Err(LogError::NotAState(_))));
        let made = StateDir::create(&path, 7).unwrap();
        let opened = StateDir::open(&path).unwrap();
        assert_eq!(
            (opened.partitions(), opened.topic_id()),
            (7, made.topic_id())
        );
        assert!(matches!(
            StateDir::create(&path, 7),
            Err(LogError::AlreadyAState(_))
        ));
        assert!(StateDir::open_or_create(&path, None).is_ok());
        assert!(StateDir::open_or_create(&path, Some(7)).is_ok());
        let error = StateDir::open_or_create(&path, Some(4)).unwrap_err();
        assert!(
            error.to_string().contains("has 7 partitions, not 4"),
            "{error}"
        );
    }

    #[test]
    fn a_newer_format_is_refused_with_both_versions_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join(STATE_FILE),
            r#"{"format":9,"shape":"unknown"}"#,
        )
        .unwrap();
        let error = StateDir::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("format 9") && error.contains("up to 2"),
            "{error}"
        );
    }

    #[test]
    fn a_count_of_partitions_out_of_range_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for partitions in [0, MAX_PARTITIONS + 1] {
            let made = StateDir::create(folder.path().join("s"), partitions);
            assert!(matches!(made, Err(LogError::BadPartitions(_))));
        }
    }
}
