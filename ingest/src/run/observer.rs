//! Who watches a run: progress out, a wish to stop in.

use std::sync::Arc;

use eip_contract::EventTime;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::controls::Controls;
use super::id::RunId;
use super::pacer::ScaleFactor;
use super::report::Rehearsal;
use super::scaled::{Latency, PaceFigures};
use super::state::RunState;

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading and joining the input files.
    Reading,
    /// Reading the current facts from cache and log.
    Comparing,
    /// Writing records to the log.
    Writing,
    /// Waiting for the log's last acknowledgement.
    Committing,
}

impl Phase {
    /// The word for a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Comparing => "comparing",
            Self::Writing => "writing",
            Self::Committing => "committing",
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// What it is at.
    pub phase: Phase,
    /// Records written so far.
    pub records: u64,
    /// Records it will have written; `None` before that is known.
    pub total: Option<u64>,
    /// Event time of the last record written.
    #[serde(serialize_with = "super::text::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub event_time: Option<EventTime>,
    /// Rows rejected.
    pub rejects: u64,
    /// Of a scaled run, once its schedule has begun: the fields of [`Pace`] beside these.
    // They are there all or not at all, which a schema of this object cannot say; they have their own.
    #[serde(flatten)]
    #[schema(ignore)]
    pub pace: Option<Pace>,
}

/// Where the schedule of a scaled run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pace {
    /// The simulated clock.
    #[serde(serialize_with = "super::text::time")]
    #[schema(value_type = String, format = DateTime)]
    pub simulated_at: EventTime,
    /// The present speed.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = f64)]
    pub scale_factor: ScaleFactor,
    /// Whether simulated time stands still.
    #[serde(rename = "paused")]
    pub is_paused: bool,
    /// Events acknowledged a second, over the last second.
    pub rate_per_second: u64,
    /// Until the end of the range at this speed; less where gaps are cut.
    pub seconds_left: i64,
    /// How late, and how long until the log acknowledged.
    #[serde(flatten)]
    pub figures: PaceFigures,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn as_number<S: Serializer>(factor: &ScaleFactor, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(factor.as_f64())
}

impl Progress {
    /// At a phase, with nothing written yet.
    pub fn of(phase: Phase) -> Self {
        Self {
            phase,
            records: 0,
            total: None,
            event_time: None,
            rejects: 0,
            pace: None,
        }
    }
}

/// Watches a run. All methods have a default, so that an observer implements what it needs.
pub trait Observer {
    /// The run is claimed: its id and the number of this attempt.
    fn started(&mut self, _run: &RunId, _attempt: u32) {}

    /// Called some ten times a second at most while records are written, and at each new phase.
    fn progress(&mut self, _progress: &Progress) {}

    /// Something that the one who asked should know before it begins.
    fn note(&mut self, note: &str) {
        tracing::warn!("{note}");
    }

    /// The latencies of a scaled run so far, about once a second.
    fn latency(&mut self, _latency: &Latency) {}

    /// A window or revert run has its plan, whatever becomes of it now: `rehearsal.guard` says
    /// whether it will stop.
    fn planned(&mut self, _rehearsal: &Rehearsal) {}

    /// The plan has passed its guards, has something to write and would be applied now. `false`
    /// cancels the run.
    fn approve(&mut self, _rehearsal: &Rehearsal) -> bool {
        true
    }

    /// By what the pace of a scaled run is changed while it goes on; `None`: by nobody.
    fn controls(&self) -> Option<Arc<Controls>> {
        None
    }

    /// Asked often: whether somebody wants the run to stop. A window or revert run then changes
    /// nothing; a fast run keeps what it has written.
    fn cancelled(&self) -> bool {
        false
    }

    /// Asked as often: whether this process goes away. As a cancel, but the run ends as
    /// `interrupted` and the same key goes on with it.
    fn interrupted(&self) -> bool {
        false
    }
}

/// How the observer wants the run to end now, if it does.
pub(crate) fn stop(observer: &dyn Observer) -> Option<RunState> {
    if observer.cancelled() {
        Some(RunState::Cancelled)
    } else if observer.interrupted() {
        Some(RunState::Interrupted)
    } else {
        None
    }
}

/// Watches nothing and never stops a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
