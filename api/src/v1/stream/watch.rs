//! Looks for what changes, for as long as somebody reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_stores::query::Moment;
use serde::Serialize;
use serde_json::value::RawValue;

use super::shipments::{ChangedIds, Told};
use crate::api::Api;
use crate::ledger::Runs;
use crate::problem::Problem;
use crate::v1::runs::{LedgerMoment, RunAnswer};
use crate::v1::shipments::walkable_tick;
use crate::v1::{overview, pipeline};

/// Between two looks at the views and the run ledger.
const LOOK: Duration = Duration::from_millis(500);
/// Between two looks at how far the views are behind.
const PIPELINE: Duration = Duration::from_secs(2);
/// Most runs in one event: the last ones.
const RUNS: usize = 100;

/// Runs in an event.
#[derive(Serialize)]
struct RunsData {
    ledger: LedgerMoment,
    runs: Vec<RunAnswer>,
    /// Runs that an event has no room for: the older ones.
    left_out: usize,
}

/// All of the present state.
#[derive(Serialize)]
struct Snapshot<'a> {
    overview: Box<RawValue>,
    /// The last runs; null where there is no ledger to be read.
    runs: Option<RunsData>,
    pipeline: &'a pipeline::PipelineAnswer,
}

/// What was seen last. It outlives who looks, so that what changes while nobody reads is told to those who
/// come back.
#[derive(Default)]
struct Seen {
    /// The tick of the overview.
    tick: Option<u64>,
    /// Up to which tick shipments were looked for that have changed.
    shipments: Option<u64>,
    runs: Option<Arc<Runs>>,
    pipeline: Option<Arc<pipeline::PipelineAnswer>>,
    pipeline_at: Option<Instant>,
}

/// The present state as JSON text, and up to which tick searches find what it counts.
pub(super) async fn snapshot(api: &Api) -> Result<(u64, String), Problem> {
    let (tick, overview) = overview::present(api).await?;
    api.memory.of::<Told>().begin(tick);
    let runs = runs_now(api).await;
    let runs = runs.map(|known| RunsData::of(api, &known, None));
    let snapshot = Snapshot {
        overview: RawValue::from_string(overview).expect("an answer is JSON"),
        runs,
        pipeline: &*pipeline::present(api).await,
    };
    Ok((tick, json(&snapshot)))
}

/// Looks for as long as somebody reads. What cannot be read now is looked at again.
pub(super) async fn watch(api: Api) {
    let seen = api.memory.of::<tokio::sync::Mutex<Seen>>();
    let mut seen = seen.lock().await;
    while !api.stream.is_left() {
        seen.look(&api).await;
        tokio::time::sleep(LOOK).await;
    }
}

impl Seen {
    async fn look(&mut self, api: &Api) {
        if let Ok(mut moment) = api.views.moment().await {
            self.shipments(api, &mut moment).await;
            let visible = moment.visible_tick();
            drop(moment);
            if let Some(tick) = Box::pin(self.overview(api, visible)).await {
                self.tick = Some(tick);
            }
        }
        let tick = self.tick.unwrap_or_else(|| api.stream.last().tick);
        if let Some(known) = runs_now(api).await {
            if let Some(before) = &self.runs
                && !Arc::ptr_eq(before, &known)
            {
                let changed = RunsData::of(api, &known, Some(before));
                if !changed.runs.is_empty() {
                    api.stream.publish("runs", tick, json(&changed));
                }
            }
            self.runs = Some(known);
        }
        if self.pipeline_at.is_none_or(|at| at.elapsed() >= PIPELINE) {
            self.pipeline_at = Some(Instant::now());
            let now = Box::pin(pipeline::present(api)).await;
            if let Some(before) = &self.pipeline
                && now.moves_on(before)
            {
                api.stream.publish("pipeline", tick, json(&*now));
            }
            self.pipeline = Some(now);
        }
    }

    /// Publishes which shipments have changed.
    async fn shipments(&mut self, api: &Api, moment: &mut Moment) {
        let told = api.memory.of::<Told>();
        let upto = walkable_tick(moment);
        let Some(since) = told.tick().filter(|_| self.shipments != Some(upto)) else {
            return;
        };
        match Box::pin(ChangedIds::since(moment, since)).await {
            Ok(changed) => {
                self.shipments = Some(upto);
                if let Some(changed) = changed {
                    told.reach(changed.upto_tick);
                    api.stream.publish("shipments", upto, json(&changed));
                }
            }
            Err(error) => tracing::debug!(%error, "no changed shipments for the stream"),
        }
    }

    /// Publishes the overview of a new `visible` tick, and returns that.
    async fn overview(&self, api: &Api, visible: u64) -> Option<u64> {
        if self.tick == Some(visible) {
            return None;
        }
        match overview::present(api).await {
            Ok((tick, data)) if self.tick != Some(tick) => {
                api.stream.publish("overview", tick, data);
                Some(tick)
            }
            Ok(_) => None,
            Err(problem) => {
                tracing::debug!(?problem, "no overview for the stream");
                None
            }
        }
    }
}

impl RunsData {
    /// The last runs, or those that have changed since `before`.
    fn of(api: &Api, known: &Runs, before: Option<&Runs>) -> Self {
        let is_new = |run: &&eip_log::RunSummary| {
            before.is_none_or(|before| {
                let earlier = before.view.get(run.run_id());
                earlier.is_none_or(|earlier| earlier.last != run.last)
            })
        };
        let changed: Vec<_> = known.view.runs().iter().filter(is_new).collect();
        let left_out = changed.len().saturating_sub(RUNS);
        let runs = changed[left_out..].iter();
        Self {
            ledger: LedgerMoment::of(api, known),
            runs: runs
                .map(|run| RunAnswer::new(api, run, serde_json::Value::Null).short())
                .collect(),
            left_out,
        }
    }
}

async fn runs_now(api: &Api) -> Option<Arc<Runs>> {
    if !api.ledger.is_known() {
        return None;
    }
    api.ledger.now().await.ok()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("an answer is plain data")
}
