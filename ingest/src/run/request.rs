//! What a run is asked to do.

use std::fmt;
use std::path::PathBuf;

use eip_contract::{Day, EventTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amplify::Amplify;
use super::id::{PlanToken, RunId};
use super::limits::{GuardLimits, Limit, is_rejected_raised};
use super::pacer::{Bounds, ScaleFactor};
use super::reason::Reason;
use super::rows::RowsTask;
use super::state::RunKind;
use crate::rules::Rules;

/// One run, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// From the Idempotency-Key: [`RunId::of_key`].
    pub id: RunId,
    /// Who asks, for the ledger.
    pub requester: String,
    /// From where, for the ledger: `cli`, `http`, a DAG run.
    pub origin: String,
    /// Why, for the ledger; the same run is asked for with the same words.
    pub reason: Option<Reason>,
    /// What to do.
    pub task: Task,
}

/// What to do, by kind of run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Assert all events of a range, as fast as possible.
    Fast(FastTask),
    /// Make the covered orders of a range again, whole, by retraction.
    Window(WindowTask),
    /// Assert all events of a range when they are due on a scaled clock.
    Scaled(ScaledTask),
    /// Bring back what the log held before a run.
    Revert(RevertTask),
    /// Assert what pushed rows say.
    Rows(RowsTask),
}

impl Task {
    /// The kind, as the ledger has it.
    pub fn kind(&self) -> RunKind {
        match self {
            Self::Fast(_) => RunKind::Fast,
            Self::Window(_) => RunKind::Window,
            Self::Scaled(_) => RunKind::Scaled,
            Self::Revert(_) => RunKind::Revert,
            Self::Rows(_) => RunKind::Rows,
        }
    }

    /// The data that it reads, when that lies in a folder.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Fast(task) => Some(&task.source),
            Self::Scaled(task) => Some(&task.source),
            Self::Window(task) => Some(&task.source),
            Self::Rows(_) | Self::Revert(_) => None,
        }
    }

    /// Whether it may do more than the guards let pass by default.
    pub fn raises_limits(&self) -> bool {
        let own = match self {
            Self::Window(task) => task.trust_damaged_files || task.limits.is_above_the_defaults(),
            Self::Revert(task) => task.force,
            _ => false,
        };
        let source = self.source();
        own || source.is_some_and(|source| is_rejected_raised(source.max_rejected))
    }

    /// Whether it ends with the rehearsal.
    pub fn is_dry(&self) -> bool {
        match self {
            Self::Fast(_) | Self::Scaled(_) | Self::Rows(_) => false,
            Self::Window(task) => task.dry_run,
            Self::Revert(task) => task.dry_run,
        }
    }
}

/// Which data under which rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The dataset's name, for the ledger; where none was given, the folder's.
    pub dataset: String,
    /// Whether `dataset` is only the folder's name, which says nothing about what is in it.
    pub is_folder: bool,
    /// The folder with the four files.
    pub data: PathBuf,
    /// The conversion rules; their name goes into the ledger.
    pub rules: Rules,
    /// asOf; `None` takes the default of all the data.
    pub as_of: Option<EventTime>,
    /// How large an input may be.
    pub limits: eip_olist::Limits,
    /// Rejected rows of a table that let the run begin all the same.
    /// Default: more than 5 % and at least 10 stop it.
    pub max_rejected: Option<Limit>,
}

impl Source {
    /// A folder under the default rules, named by the folder.
    pub fn folder(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        let name = data
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Self {
            dataset: name.unwrap_or_else(|| "data".to_owned()),
            is_folder: true,
            data,
            rules: Rules::default(),
            as_of: None,
            limits: eip_olist::Limits::default(),
            max_rejected: None,
        }
    }

    /// What shows the files of the data, in words.
    pub fn check_hint(&self) -> String {
        if self.is_folder {
            let folder = self.data.display();
            format!("`eip data check {folder}` shows what the files are")
        } else {
            let name = &self.dataset;
            format!("POST /v1/datasets/{name}/check shows what the files are")
        }
    }
}

/// Half-open days of event time; an open side means the first or past the last event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRange {
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start: Option<Day>,
    /// The day behind the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<Day>,
}

impl DayRange {
    /// All of event time.
    pub const ALL: Self = Self {
        start: None,
        end: None,
    };

    /// Whether a time falls into it.
    pub fn contains(&self, time: EventTime) -> bool {
        let day = time.day();
        self.start.is_none_or(|start| start <= day) && self.end.is_none_or(|end| day < end)
    }

    /// Whether all of another range falls into it.
    pub(crate) fn holds(&self, other: Self) -> bool {
        let ((start, end), (first, last)) = (self.bounds(), other.bounds());
        start <= first && last <= end
    }

    /// Whether it holds any time at all.
    pub fn is_empty(&self) -> bool {
        self.bounds().0 >= self.bounds().1
    }

    /// Both sides, closed by the limits of event time.
    pub fn bounds(&self) -> (Day, Day) {
        (self.start.unwrap_or(Day::MIN), self.end.unwrap_or(Day::END))
    }
}

impl fmt::Display for DayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.start, self.end) {
            (None, None) => f.write_str("all days"),
            (Some(start), None) => write!(f, "from {start} on"),
            (None, Some(end)) => write!(f, "before {end}"),
            (Some(start), Some(end)) => write!(f, "from {start} to before {end}"),
        }
    }
}

/// Which facts of an order that only gains or changes facts a window run writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Emit {
    /// All of them: the log then shows what the run vouches for.
    #[default]
    All,
    /// Only those that are new or have another content.
    Changed,
}

/// A fast backfill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastTask {
    /// Data and rules.
    pub source: Source,
    /// Cuts by eventAt.
    pub range: DayRange,
    /// Run even over facts that the ledger shows were made under other rules or data, and into a space
    /// that has another dataset.
    pub mix: bool,
}

/// How fast a scaled replay plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// So many times faster than in life.
    Factor(ScaleFactor),
    /// The whole range in so many microseconds of wall time.
    DurationMicros(u64),
}

/// A scaled replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaledTask {
    /// Data and rules.
    pub source: Source,
    /// Cuts by eventAt; the schedule begins at its start.
    pub range: DayRange,
    /// How fast.
    pub speed: Speed,
    /// What keeps the schedule within bounds.
    pub bounds: Bounds,
    /// Every order several times.
    pub amplify: Amplify,
    /// Whether the log is that of the space `main`, where nothing is amplified.
    pub is_main: bool,
    /// Run even over facts that the ledger shows were made under other rules or data, and into a space
    /// that has another dataset.
    pub mix: bool,
    /// Leave the intended and the actual times of every event in the run's folder.
    pub record_times: bool,
}

/// A window backfill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowTask {
    /// Data and rules.
    pub source: Source,
    /// Covers the orders with a fact in it, before or after.
    pub range: DayRange,
    /// What to write of an order that loses nothing.
    pub emit: Emit,
    /// What it may take away.
    pub limits: GuardLimits,
    /// Take orders and items away even while rows of their files may have swallowed them.
    pub trust_damaged_files: bool,
    /// Run even if the space has another dataset.
    pub mix: bool,
    /// Only rehearse.
    pub dry_run: bool,
    /// Do exactly this plan, or nothing.
    pub plan: Option<PlanToken>,
}

/// A revert of an ended run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevertTask {
    /// The run to revert.
    pub target: RunId,
    /// Also bring back facts that a later run changed, and go beyond a window's limits.
    pub force: bool,
    /// Only rehearse.
    pub dry_run: bool,
    /// Do exactly this plan, or nothing.
    pub plan: Option<PlanToken>,
}
