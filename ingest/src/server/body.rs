//! The body of `POST /v1/runs`: names and values in, a checked request out.

mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::rules::Rules;
use crate::run::{
    Amplify, Bounds, DayRange, Emit, FastTask, GuardLimits, PlanToken, Reason, RevertTask, RunId,
    ScaledTask, Source, Speed, Task, WindowTask,
};
use values::DurationValue;
pub(super) use values::{LimitValue, day_range, scale_factor, time};

/// What may be asked for. A field that a mode has no use for is refused there, so that nobody
/// believes it was heeded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBody {
    /// The kind of run.
    mode: Mode,
    /// The space; the service's own without.
    space: Option<String>,
    /// Why, in your own words, for the ledger and the receipt: one line without control characters.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    reason: Option<Reason>,
    /// The data's name; not of a revert.
    dataset: Option<String>,
    /// First day of event time.
    #[schema(format = Date)]
    start: Option<String>,
    /// Day behind the last.
    #[schema(format = Date)]
    end: Option<String>,
    /// The rules' name; `default` without.
    rules: Option<String>,
    /// As of when the data is read; by default of the last that it tells.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// What a window run writes of an order that loses nothing.
    emit: Option<Emit>,
    /// Rehearse only.
    dry_run: Option<bool>,
    /// Do exactly the plan that a rehearsal announced, or nothing.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{32}$")]
    plan: Option<PlanToken>,
    /// At most so many orders may vanish. More than the default needs the role approve.
    max_vanishing: Option<LimitValue>,
    /// At most so many facts may be retracted. More than the default needs the role approve.
    max_retracted: Option<LimitValue>,
    /// At most so many orders may fall from a known region to `ZZ`. More than the default needs the
    /// role approve.
    max_lost_regions: Option<LimitValue>,
    /// Begin although so many rows of a table are rejected. More than the default needs the role
    /// approve.
    max_rejected: Option<LimitValue>,
    /// Take orders and items away even while rows of their files may have swallowed them. Needs the
    /// role approve.
    trust_damaged_files: Option<bool>,
    /// Run even into a space that has another dataset; a fast or scaled run also over facts of other
    /// rules or data.
    mix: Option<bool>,
    /// The run to revert.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{16}$")]
    run: Option<RunId>,
    /// Also bring back what a later run changed. Needs the role approve.
    force: Option<bool>,
    /// Of a scaled run: how many times faster than in life. Either this or `duration`.
    #[schema(minimum = 1, maximum = 1_000_000)]
    scale_factor: Option<f64>,
    /// Of a scaled run: play the whole range in this time.
    duration: Option<DurationValue>,
    /// Of a scaled run: spread bursts, so that no more events are due in a second.
    #[schema(minimum = 1)]
    max_events_per_second: Option<u64>,
    /// Of a scaled run: play longer gaps of event time as this long, in seconds.
    #[schema(minimum = 1)]
    max_gap: Option<u64>,
    /// Of a scaled run: every order so many times; not in the space main.
    #[schema(minimum = 1, maximum = 10_000)]
    amplify: Option<u64>,
    /// What the shifts of the copies are drawn from.
    seed: Option<u64>,
    /// Leave the intended and the actual times of every event in the run's folder.
    record_times: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Window,
    Scaled,
    Revert,
}

/// What names stand for.
pub(super) struct Names {
    pub(super) datasets: BTreeMap<String, PathBuf>,
    pub(super) rules: BTreeMap<String, Rules>,
    pub(super) limits: eip_olist::Limits,
}

/// Reads the JSON of a body: a wrong field is told apart from what is no JSON.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let detail = format!("the body is not what this takes: {error}");
        if error.is_data() {
            Problem::unprocessable("bad_field", detail)
        } else {
            Problem::bad_request(detail)
        }
    })
}

impl RunBody {
    /// Reads a body.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        read_json(bytes)
    }

    /// The space that it names.
    pub(super) fn space(&self) -> Option<&str> {
        self.space.as_deref()
    }

    /// Why it asks.
    pub(super) fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// The task that it asks for. `is_main`: in the space `main`.
    pub(super) fn task(self, names: &Names, is_main: bool) -> Result<Task, Problem> {
        match self.mode {
            Mode::Fast => {
                self.refuse(
                    "fast",
                    &["emit", "dry_run", "plan", "limits", "run", "force", "pace"],
                )?;
                Ok(Task::Fast(FastTask {
                    source: self.source(names)?,
                    range: self.range()?,
                    mix: self.mix.unwrap_or_default(),
                }))
            }
            Mode::Window => {
                self.refuse("window", &["run", "force", "pace"])?;
                Ok(Task::Window(WindowTask {
                    source: self.source(names)?,
                    range: self.range()?,
                    emit: self.emit.unwrap_or_default(),
                    dry_run: self.dry_run.unwrap_or_default(),
                    limits: GuardLimits {
                        max_vanishing: self.max_vanishing.map(LimitValue::limit),
                        max_retracted: self.max_retracted.map(LimitValue::limit),
                        max_lost_regions: self.max_lost_regions.map(LimitValue::limit),
                    },
                    trust_damaged_files: self.trust_damaged_files.unwrap_or_default(),
                    mix: self.mix.unwrap_or_default(),
                    plan: self.plan,
                }))
            }
            Mode::Scaled => {
                self.refuse(
                    "scaled",
                    &["emit", "dry_run", "plan", "limits", "run", "force"],
                )?;
                let task = ScaledTask {
                    speed: self.speed()?,
                    bounds: self.bounds()?,
                    amplify: self.amplify()?,
                    source: self.source(names)?,
                    range: self.range()?,
                    is_main,
                    mix: self.mix.unwrap_or_default(),
                    record_times: self.record_times.unwrap_or_default(),
                };
                crate::run::check(&Task::Scaled(task.clone()))?;
                Ok(Task::Scaled(task))
            }
            Mode::Revert => {
                self.refuse(
                    "revert",
                    &[
                        "dataset",
                        "rules",
                        "as_of",
                        "start",
                        "end",
                        "emit",
                        "limits",
                        "max_rejected",
                        "mix",
                        "pace",
                    ],
                )?;
                let missing =
                    || Problem::unprocessable("missing_field", "revert needs run: its id");
                Ok(Task::Revert(RevertTask {
                    target: self.run.ok_or_else(missing)?,
                    force: self.force.unwrap_or_default(),
                    dry_run: self.dry_run.unwrap_or_default(),
                    plan: self.plan,
                }))
            }
        }
    }

    fn refuse(&self, mode: &str, fields: &[&str]) -> Result<(), Problem> {
        let given = |field: &str| match field {
            "dataset" => self.dataset.is_some(),
            "rules" => self.rules.is_some(),
            "as_of" => self.as_of.is_some(),
            "start" => self.start.is_some(),
            "end" => self.end.is_some(),
            "emit" => self.emit.is_some(),
            "dry_run" => self.dry_run.is_some(),
            "plan" => self.plan.is_some(),
            "limits" => {
                self.max_vanishing.is_some()
                    || self.max_retracted.is_some()
                    || self.max_lost_regions.is_some()
                    || self.trust_damaged_files.is_some()
            }
            "max_rejected" => self.max_rejected.is_some(),
            "mix" => self.mix.is_some(),
            "pace" => {
                self.scale_factor.is_some()
                    || self.duration.is_some()
                    || self.max_events_per_second.is_some()
                    || self.max_gap.is_some()
                    || self.amplify.is_some()
                    || self.seed.is_some()
                    || self.record_times.is_some()
            }
            "run" => self.run.is_some(),
            "force" => self.force.is_some(),
            _ => false,
        };
        match fields.iter().find(|field| given(field)) {
            None => Ok(()),
            Some(field) => {
                let field = match *field {
                    "limits" => {
                        "max_vanishing, max_retracted, max_lost_regions and trust_damaged_files"
                    }
                    "pace" => {
                        "scale_factor, duration, max_events_per_second, max_gap, amplify, seed and \
                         record_times"
                    }
                    field => field,
                };
                let detail = format!("a {mode} run has no use for {field}; leave it out");
                Err(Problem::unprocessable("bad_field", detail))
            }
        }
    }

    fn speed(&self) -> Result<Speed, Problem> {
        match (self.scale_factor, &self.duration) {
            (Some(factor), None) => Ok(Speed::Factor(scale_factor(factor)?)),
            (None, Some(duration)) => Ok(Speed::DurationMicros(duration.micros()?)),
            _ => {
                let detail = "a scaled run needs either scale_factor or duration";
                Err(Problem::unprocessable("missing_field", detail))
            }
        }
    }

    fn bounds(&self) -> Result<Bounds, Problem> {
        let max_gap_seconds = self.max_gap.map(i64::try_from).transpose().map_err(|_| {
            let detail = "max_gap is longer than event time; leave it out";
            Problem::unprocessable("bad_field", detail)
        })?;
        Ok(Bounds {
            max_gap_seconds,
            max_events_per_second: self.max_events_per_second,
        })
    }

    fn amplify(&self) -> Result<Amplify, Problem> {
        let copies = self.amplify.unwrap_or(1);
        Amplify::new(copies, self.seed.unwrap_or_default()).map_err(|error| {
            Problem::unprocessable("bad_field", format!("amplify: {copies}: {error}"))
        })
    }

    fn range(&self) -> Result<DayRange, Problem> {
        day_range(self.start.as_deref(), self.end.as_deref())
    }

    fn source(&self, names: &Names) -> Result<Source, Problem> {
        let missing = || Problem::unprocessable("missing_field", "dataset is missing: its name");
        let dataset = self.dataset.clone().ok_or_else(missing)?;
        let Some(data) = names.datasets.get(&dataset) else {
            let detail = format!(
                "no dataset {dataset:?}; there are {}",
                listed(&names.datasets)
            );
            return Err(Problem::unprocessable("unknown_dataset", detail));
        };
        let rules = self.rules.as_deref().unwrap_or("default");
        let rules = named_rules(names, rules)?;
        let as_of = self.as_of.as_deref().map(|text| time("as_of", text));
        Ok(Source {
            dataset,
            is_folder: false,
            data: data.clone(),
            rules: rules.clone(),
            as_of: as_of.transpose()?,
            limits: names.limits,
            max_rejected: self.max_rejected.as_ref().map(LimitValue::as_limit),
        })
    }
}

/// The rules of this name.
pub(super) fn named_rules<'a>(names: &'a Names, name: &str) -> Result<&'a Rules, Problem> {
    names.rules.get(name).ok_or_else(|| {
        let detail = format!("no rules {name:?}; there are {}", listed(&names.rules));
        Problem::unprocessable("unknown_rules", detail)
    })
}

fn listed<T>(map: &BTreeMap<String, T>) -> String {
    let names: Vec<&str> = map.keys().map(String::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
