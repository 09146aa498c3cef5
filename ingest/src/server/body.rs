//! The body of `POST /v1/runs`: names and values in, a checked request out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eip_contract::{Day, EventTime};
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::rules::Rules;
use crate::run::{
    DayRange, Emit, FastTask, GuardLimits, Limit, PlanToken, RevertTask, RunId, Source, Task,
    WindowTask,
};

/// What may be asked for. A field that a mode has no use for is refused there, so that nobody
/// believes it was heeded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBody {
    /// The kind of run.
    mode: Mode,
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
    /// Run even over facts of other rules or data.
    mix: Option<bool>,
    /// The run to revert.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{16}$")]
    run: Option<RunId>,
    /// Also bring back what a later run changed. Needs the role approve.
    force: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Window,
    Revert,
}

/// `200`, `"200"` or `"5%"`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum LimitValue {
    Count(u64),
    #[schema(value_type = String)]
    Text(Limit),
}

impl LimitValue {
    fn limit(self) -> Limit {
        match self {
            Self::Count(most) => Limit::Count(most),
            Self::Text(limit) => limit,
        }
    }
}

/// What names stand for.
pub(super) struct Names {
    pub(super) datasets: BTreeMap<String, PathBuf>,
    pub(super) rules: BTreeMap<String, Rules>,
    pub(super) limits: eip_olist::Limits,
}

impl RunBody {
    /// Reads a body.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(bytes).map_err(|error| {
            let detail = format!("the body is not what this takes: {error}");
            if error.is_data() {
                Problem::unprocessable("bad_field", detail)
            } else {
                Problem::bad_request(detail)
            }
        })
    }

    /// The task that it asks for.
    pub(super) fn task(self, names: &Names) -> Result<Task, Problem> {
        match self.mode {
            Mode::Fast => {
                self.refuse(
                    "fast",
                    &["emit", "dry_run", "plan", "limits", "run", "force"],
                )?;
                Ok(Task::Fast(FastTask {
                    source: self.source(names)?,
                    range: self.range()?,
                    mix: self.mix.unwrap_or_default(),
                }))
            }
            Mode::Window => {
                self.refuse("window", &["mix", "run", "force"])?;
                Ok(Task::Window(WindowTask {
                    source: self.source(names)?,
                    range: self.range()?,
                    emit: self.emit.unwrap_or_default(),
                    dry_run: self.dry_run.unwrap_or_default(),
                    limits: GuardLimits {
                        max_vanishing: self.max_vanishing.map(LimitValue::limit),
                        max_retracted: self.max_retracted.map(LimitValue::limit),
                    },
                    plan: self.plan,
                }))
            }
            Mode::Revert => {
                self.refuse(
                    "revert",
                    &[
                        "dataset", "rules", "as_of", "start", "end", "emit", "limits", "mix",
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
            "limits" => self.max_vanishing.is_some() || self.max_retracted.is_some(),
            "mix" => self.mix.is_some(),
            "run" => self.run.is_some(),
            "force" => self.force.is_some(),
            _ => false,
        };
        match fields.iter().find(|field| given(field)) {
            None => Ok(()),
            Some(field) => {
                let detail = format!("a {mode} run has no use for {field}; leave it out");
                Err(Problem::unprocessable("bad_field", detail))
            }
        }
    }

    fn range(&self) -> Result<DayRange, Problem> {
        let day = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => Day::parse(text.as_bytes()).map(Some).map_err(|error| {
                let detail = format!("{name}: {text:?} is {error}; write YYYY-MM-DD");
                Problem::unprocessable("bad_field", detail)
            }),
        };
        let range = DayRange {
            start: day("start", &self.start)?,
            end: day("end", &self.end)?,
        };
        if range.is_empty() {
            let detail = "start is not before end; end is the day behind the last";
            return Err(Problem::unprocessable("bad_field", detail));
        }
        Ok(range)
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
        let Some(rules) = names.rules.get(rules) else {
            let detail = format!("no rules {rules:?}; there are {}", listed(&names.rules));
            return Err(Problem::unprocessable("unknown_rules", detail));
        };
        let as_of = self.as_of.as_deref().map(|text| {
            text.parse::<EventTime>().map_err(|error| {
                let detail = format!("as_of: {text:?} is {error}; write YYYY-MM-DDTHH:MM:SSZ");
                Problem::unprocessable("bad_field", detail)
            })
        });
        Ok(Source {
            dataset,
            data: data.clone(),
            rules: rules.clone(),
            as_of: as_of.transpose()?,
            limits: names.limits,
        })
    }
}

fn listed<T>(map: &BTreeMap<String, T>) -> String {
    let names: Vec<&str> = map.keys().map(String::as_str).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
