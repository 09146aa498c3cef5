//! What a fast or scaled run takes its events from: the cache where a run made them before, else the
//! files, converted.

use eip_log::{Log, RunParameters};

use super::amplify::Amplify;
use super::cached::CachedOrders;
use super::error::RunError;
use super::input_report::InputReport;
use super::input_stop::InputStop;
use super::ledger::Attempt;
use super::order::{Order, Orders};
use super::outcome::{FileSummary, MadeBefore, RunSummary};
use super::request::{DayRange, Source};
use super::run_files;
use super::source::Input;
use crate::rules::Rules;

/// The events of a replay.
pub(crate) enum ReplayInput {
    /// Of the files.
    Converted(Box<Input>),
    /// Of the cache.
    Cached(Box<CachedOrders>),
}

impl ReplayInput {
    /// Finds out which it is. An amplified replay shifts events over the limits of its range, so it
    /// needs them all.
    pub(crate) fn open(
        event_log: &Log,
        attempt: &Attempt<'_>,
        source: &Source,
        (range, amplify): (DayRange, Amplify),
    ) -> Result<Self, RunError> {
        let needed = if amplify.copies() > 1 {
            DayRange::ALL
        } else {
            range
        };
        let ledger = (&attempt.ledger, attempt.entries);
        if let Some(cached) = CachedOrders::find(event_log, ledger, source, needed) {
            tracing::info!(
                run = cached.run,
                "events are read from the cache, as this run made them"
            );
            return Ok(Self::Cached(Box::new(cached)));
        }
        Input::open(source).map(|input| Self::Converted(Box::new(input)))
    }

    /// The events in their order.
    pub(crate) fn order(&self, amplify: Amplify) -> Order<'_> {
        let orders: &dyn Orders = match self {
            Self::Converted(input) => &**input,
            Self::Cached(cached) => &**cached,
        };
        Order::new(orders, amplify)
    }

    /// Adds what the input fixes to the parameters of a run.
    pub(crate) fn describe(&self, parameters: &mut RunParameters) {
        match self {
            Self::Converted(input) => input.describe(parameters),
            Self::Cached(cached) => {
                parameters.as_of = cached.parameters.as_of;
                parameters.files.clone_from(&cached.parameters.files);
                parameters.reader = cached.parameters.reader;
                parameters.cached_run = Some(cached.run.clone());
            }
        }
    }

    /// The figures that the input fixes; what was rejected is in the run's folder by then.
    pub(crate) fn summary(
        &self,
        event_log: &Log,
        attempt: &Attempt<'_>,
        (rules, range): (&Rules, DayRange),
    ) -> Result<RunSummary, RunError> {
        let cached = match self {
            Self::Converted(input) => {
                let mut summary = input.summary(range);
                summary.rejects_file = run_files::write_rejects(event_log, &attempt.run, input)?;
                return Ok(summary);
            }
            Self::Cached(cached) => cached,
        };
        let files = cached.parameters.files.iter();
        let files = files.map(|(name, sha256)| FileSummary {
            name: name.clone(),
            rows: None,
            sha256: sha256.clone(),
        });
        Ok(RunSummary {
            range,
            as_of: cached.parameters.as_of,
            rules: rules.to_string(),
            rules_sha256: rules.sha256(),
            files: files.collect(),
            made_before: Some(MadeBefore {
                run: cached.run.clone(),
            }),
            orders: cached.order_count(),
            rejects_file: run_files::rejects_of(event_log, &cached.run),
            input: cached.report.clone(),
            ..RunSummary::default()
        })
    }

    /// How many rows were rejected.
    pub(crate) fn reject_count(&self) -> u64 {
        match self {
            Self::Converted(input) => input.reject_count(),
            Self::Cached(cached) => cached.report.rows_rejected(),
        }
    }

    /// What the input is like; of the cache, as the run that converted it found it.
    pub(crate) fn report(&self) -> InputReport {
        match self {
            Self::Converted(input) => input.report(),
            Self::Cached(cached) => cached.report.clone(),
        }
    }

    /// Stops a run whose input cannot be meant, before its first record.
    pub(crate) fn check(&self, source: &Source, now_ms: i64) -> Result<(), RunError> {
        match InputStop::check(&self.report(), source.max_rejected, now_ms) {
            Some(stop) => Err(RunError::InputStop(Box::new(stop))),
            None => Ok(()),
        }
    }
}
