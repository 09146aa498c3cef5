//! One entry of the ledger and the words in it.

use std::collections::BTreeMap;
use std::fmt;

use eip_contract::{Day, EventTime, Offset};
use serde::{Deserialize, Serialize};

use super::clock::RunClock;

/// One attempt of one run; the header `run` of every record that it writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunTag {
    /// 1 to 128 letters, digits, dots, underscores and hyphens.
    pub run_id: String,
    /// From 1 on.
    pub attempt: u32,
}

impl RunTag {
    /// Reads the header `run`.
    pub fn parse(text: &str) -> Option<Self> {
        let (run_id, attempt) = text.rsplit_once('/')?;
        is_run_id(run_id).then_some(())?;
        Some(Self {
            run_id: run_id.to_owned(),
            attempt: attempt.parse().ok()?,
        })
    }
}

impl fmt::Display for RunTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run_id, self.attempt)
    }
}

pub(crate) fn is_run_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

/// What kind of run (design, "Runs").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// All events of a range as fast as possible.
    Fast,
    /// A correction of the orders of a range.
    Window,
    /// Events at their own pace, scaled.
    Scaled,
    /// Rows pushed by somebody.
    Rows,
    /// The undoing of another run.
    Revert,
    /// A log file appended as it is.
    Import,
}

impl RunKind {
    /// Window and revert runs exclude one another in the whole space, but for their rehearsals
    /// ([`LedgerEntry::excludes_others`]).
    pub fn excludes_others(self) -> bool {
        matches!(self, Self::Window | Self::Revert)
    }

    /// The word in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Window => "window",
            Self::Scaled => "scaled",
            Self::Rows => "rows",
            Self::Revert => "revert",
            Self::Import => "import",
        }
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Asked for: its claim.
    Requested,
    /// What it would do is known.
    Planned,
    /// Ended after the plan, as it was asked to.
    Rehearsed,
    /// Appends records.
    Running,
    /// Waits for somebody to let it go on.
    Paused,
    /// Ended: all of it is in the log.
    Committed,
    /// Ended by request.
    Cancelled,
    /// Ended by an error; the entry says which.
    Failed,
    /// Its process went away.
    Interrupted,
}

impl RunState {
    /// Whether the run has not ended.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Requested | Self::Planned | Self::Running | Self::Paused
        )
    }

    /// The word in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Planned => "planned",
            Self::Rehearsed => "rehearsed",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Committed => "committed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One entry: a step of one attempt. Fields that say nothing new are left out; unknown ones are
/// ignored on reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The run.
    pub run_id: String,
    /// Its attempt, from 1 on.
    pub attempt: u32,
    /// What kind of run.
    pub kind: RunKind,
    /// The step.
    pub state: RunState,
    /// Wall time in milliseconds since the epoch.
    pub at: i64,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// Where it was asked for: a terminal, an address, a DAG run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Where the instance that runs it takes commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_url: Option<String>,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<RunParameters>,
    /// The token of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whatever was counted, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// What the input is like, as the one who read it reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<serde_json::Value>,
    /// The guards' figures, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guard: BTreeMap<String, u64>,
    /// Of a scaled run, once its schedule has begun: its simulated clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<RunClock>,
    /// Per partition the position of the attempt's first record, or where it would have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Vec<Offset>>,
    /// Per partition the position behind its last record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Vec<Offset>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl LedgerEntry {
    /// An entry that says no more than that the attempt is at this step.
    pub fn new(tag: &RunTag, kind: RunKind, state: RunState, at: i64) -> Self {
        Self {
            run_id: tag.run_id.clone(),
            attempt: tag.attempt,
            kind,
            state,
            at,
            requester: None,
            origin: None,
            owner_url: None,
            parameters: None,
            plan: None,
            counts: BTreeMap::new(),
            input: None,
            guard: BTreeMap::new(),
            clock: None,
            first: None,
            ends: None,
            error: None,
        }
    }

    /// Whether the run excludes other window and revert runs: it is one and will write. The entry is
    /// a claim or the last one of a [`super::RunSummary`], which have the run's parameters.
    pub fn excludes_others(&self) -> bool {
        let is_dry = self.parameters.as_ref().is_some_and(|asked| asked.dry_run);
        self.kind.excludes_others() && !is_dry
    }

    /// The attempt.
    pub fn tag(&self) -> RunTag {
        RunTag {
            run_id: self.run_id.clone(),
            attempt: self.attempt,
        }
    }
}

/// What a run was asked to do, on which input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the request, and they go together in any way"
)]
pub struct RunParameters {
    /// Why it was asked for, in the requester's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// First day; none: from the first event on.
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub start: Option<Day>,
    /// Day behind the last; none: to the last event.
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub end: Option<Day>,
    /// Name of the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// SHA-256 of the rules' content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_sha256: Option<String>,
    /// Name of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Whether `dataset` is only the name of the folder that a terminal gave.
    #[serde(skip_serializing_if = "is_false")]
    pub folder: bool,
    /// SHA-256 of each input file by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Version of what reading made of these files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<u32>,
    /// The run that made the same events of the same files, when they were read from the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_run: Option<String>,
    /// The time that decides about delays of orders not delivered.
    #[serde(with = "text", skip_serializing_if = "Option::is_none")]
    pub as_of: Option<EventTime>,
    /// `all` or `changed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit: Option<String>,
    /// Whether facts made under other rules, from other data or of another dataset may be there.
    #[serde(skip_serializing_if = "is_false")]
    pub mix: bool,
    /// Whether it is to end after the plan.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// Whether a revert takes what later runs changed.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// The run to be reverted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_run: Option<String>,
    /// Raised limits by name, as given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
    /// How many times faster than in life, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_factor: Option<String>,
    /// What else was said about the pace of a scaled run by name, as given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pace: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Days and times as the texts that people read.
mod text {
    use eip_contract::{Day, EventTime};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) trait Text: Sized + std::fmt::Display {
        fn read(text: &str) -> Option<Self>;
    }

    impl Text for Day {
        fn read(text: &str) -> Option<Self> {
            Self::parse(text.as_bytes()).ok()
        }
    }

    impl Text for EventTime {
        fn read(text: &str) -> Option<Self> {
            text.parse().ok()
        }
    }

    #[expect(clippy::ref_option, reason = "serde gives a reference")]
    pub(super) fn serialize<T: Text, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'a, T: Text, D: Deserializer<'a>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read =
            |text: String| T::read(&text).ok_or_else(|| D::Error::custom("not a date or time"));
        text.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_like_a_sentence_and_comes_back() {
        let tag = RunTag {
            run_id: "r1".into(),
            attempt: 2,
        };
        let mut entry = LedgerEntry::new(&tag, RunKind::Window, RunState::Planned, 5);
        entry.parameters = Some(RunParameters {
            start: Day::parse(b"2018-03-01").ok(),
            as_of: "2018-10-17T17:30:18Z".parse().ok(),
            ..RunParameters::default()
        });
        entry.first = Some(vec![Offset(7), Offset(0)]);
        let text = serde_json::to_string(&entry).unwrap();
        insta::assert_snapshot!(text, @r#"{"run_id":"r1","attempt":2,"kind":"window","state":"planned","at":5,"parameters":{"start":"2018-03-01","as_of":"2018-10-17T17:30:18Z"},"first":[7,0]}"#);
        assert_eq!(serde_json::from_str::<LedgerEntry>(&text).unwrap(), entry);
        let newer = text.replace("\"at\":5", "\"at\":5,\"mood\":\"good\"");
        assert_eq!(serde_json::from_str::<LedgerEntry>(&newer).unwrap(), entry);
        let newer = text.replace("\"start\":", "\"mood\":\"good\",\"start\":");
        assert_eq!(serde_json::from_str::<LedgerEntry>(&newer).unwrap(), entry);
    }

    #[test]
    fn a_tag_is_read_as_it_is_written() {
        let tag = RunTag {
            run_id: "a-b.c".into(),
            attempt: 12,
        };
        assert_eq!(RunTag::parse(&tag.to_string()), Some(tag));
        for bad in ["", "a", "/1", "a/", "a/x", "a b/1", "a\"/1"] {
            assert_eq!(RunTag::parse(bad), None, "{bad}");
        }
    }
}
