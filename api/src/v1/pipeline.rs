//! `GET /v1/pipeline`: how far the views are behind the log, and what is in their way.
//!
//! An answer is put together at most once a second, however many ask. What cannot be known is null, and
//! `unknown` says why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eip_stores::query::{Condition, Moment, Troubles};
use eip_views::Kept;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::asked::{AsOf, Asked};
use crate::dataflow_client::DataflowState;
use crate::lag::{Lag, Lags};
use crate::openapi::Problems;
use crate::problem::Problem;

/// For how long an answer is given.
const FRESH: Duration = Duration::from_secs(1);
/// Dead letters and refused documents that are shown.
const LATEST: u32 = 10;

/// What is kept between two answers.
#[derive(Default)]
struct Pipeline {
    lags: Lags,
    /// The one that has it puts the next answer together.
    turn: tokio::sync::Mutex<()>,
    last: Mutex<Option<(Instant, Arc<PipelineAnswer>)>>,
}

/// The answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PipelineAnswer {
    as_of: AsOf,
    lag: Option<Lag>,
    ticks: Option<Ticks>,
    dataflow: Option<DataflowState>,
    sinks: Vec<Sink>,
    dead_letters: Option<DeadLetters>,
    refused_documents: Option<RefusedDocuments>,
    /// What is null above, and why.
    unknown: Vec<Unknown>,
}

/// The dataflow's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
struct Ticks {
    /// Which dataflow wrote last.
    epoch: u64,
    /// The rows are those of this tick. A tick is named by the wall milliseconds at which it began.
    stats_tick: u64,
    /// Searches find every document up to this tick.
    visible_tick: u64,
}

/// A store that a dataflow writes to.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Sink {
    store: &'static str,
    views: Vec<&'static str>,
    /// The tick up to which it can be read.
    tick: u64,
    state: SinkState,
    /// The words of a store that is blocked or away.
    words: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SinkState {
    /// It answers, and no dataflow is known to wait for it.
    Ok,
    /// The dataflow waits for it.
    Blocked,
    /// It does not answer this API.
    Away,
}

/// Records that were no canonical events.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct DeadLetters {
    count: u64,
    /// By the short name of the reason.
    by_code: BTreeMap<String, u64>,
    /// Those with the greatest offsets.
    latest: Vec<DeadLetter>,
}

/// One record.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct DeadLetter {
    partition: u32,
    offset: u64,
    code: String,
    reason: String,
}

/// Documents that the document store refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct RefusedDocuments {
    count: u64,
    /// Those that were refused last.
    latest: Vec<RefusedDocument>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct RefusedDocument {
    view: String,
    id: String,
    reason: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Unknown {
    what: &'static str,
    why: String,
}

/// How far the views are behind the log, and what is in their way.
#[utoipa::path(get, path = "/v1/pipeline",
    responses((status = 200, body = PipelineAnswer), Problems))]
pub(crate) async fn pipeline(State(api): State<Api>) -> Response {
    Json(&*present(&api).await).into_response()
}

/// The present answer, or one that is less than a second old.
pub(crate) async fn present(api: &Api) -> Arc<PipelineAnswer> {
    let kept = api.memory.of::<Pipeline>();
    let _turn = kept.turn.lock().await;
    let last = || kept.last.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, answer)) = &*last()
        && at.elapsed() < FRESH
    {
        return Arc::clone(answer);
    }
    let at = Instant::now();
    let answer = Arc::new(PipelineAnswer::of(api).await);
    *last() = Some((at, Arc::clone(&answer)));
    answer
}

impl PipelineAnswer {
    async fn of(api: &Api) -> Self {
        let mut answer = Self {
            as_of: AsOf::without_views(api),
            lag: None,
            ticks: None,
            dataflow: None,
            sinks: Vec::new(),
            dead_letters: None,
            refused_documents: None,
            unknown: Vec::new(),
        };
        let (state, ()) = tokio::join!(dataflow(api), answer.see_views(api));
        match state {
            Ok(state) => answer.blocked(state),
            Err(why) => answer.miss(&["dataflow"], &why),
        }
        answer
    }

    /// What the stores and the log say.
    async fn see_views(&mut self, api: &Api) {
        let asked = match Asked::begin(api, None).await {
            Ok(asked) => asked,
            Err(problem) => {
                let all = ["lag", "ticks", "sinks", "dead_letters", "refused_documents"];
                return self.miss(&all, problem.detail());
            }
        };
        self.as_of = asked.as_of(api);
        let mut moment = asked.moment;
        let progress = moment.progress().clone();
        self.ticks = Some(Ticks {
            epoch: progress.epoch,
            stats_tick: progress.tick,
            visible_tick: moment.visible_tick(),
        });
        self.sinks = sinks(&mut moment).await;
        match moment.troubles(LATEST).await {
            Ok(troubles) => self.troubles(troubles),
            Err(error) => {
                let what = ["dead_letters", "refused_documents"];
                self.miss(&what, Problem::from(error).detail());
            }
        }
        // The moment is let go before the log is looked at, so that what is written is not later than it.
        drop(moment);
        let kept = api.memory.of::<Pipeline>();
        match kept
            .lags
            .look(&api.log, &progress.offsets, (api.wall_ms)())
            .await
        {
            Ok(lag) => {
                if lag.seconds.is_none() {
                    self.miss(
                        &["lag.seconds"],
                        "the records to come have no time of appending",
                    );
                }
                if lag.seconds_to_drain.is_none() {
                    let why =
                        "the views are not catching up, or have not been looked at long enough";
                    self.miss(&["lag.seconds_to_drain"], why);
                }
                self.lag = Some(lag);
            }
            Err(problem) => self.miss(&["lag"], problem.detail()),
        }
    }

    fn troubles(&mut self, troubles: Troubles) {
        let letters = troubles.latest_dead_letters.into_iter();
        let letters = letters.map(|letter| DeadLetter {
            partition: letter.partition,
            offset: letter.offset.0,
            code: letter.code,
            reason: letter.reason,
        });
        self.dead_letters = Some(DeadLetters {
            count: troubles.dead_letters.iter().map(|(_, count)| count).sum(),
            by_code: troubles.dead_letters.into_iter().collect(),
            latest: letters.collect(),
        });
        let latest = troubles.latest_refused.into_iter();
        self.refused_documents = Some(RefusedDocuments {
            count: troubles.refused,
            latest: latest
                .map(|refused| RefusedDocument {
                    view: refused.view,
                    id: refused.id,
                    reason: refused.reason,
                })
                .collect(),
        });
    }

    /// What the dataflow waits for.
    fn blocked(&mut self, state: DataflowState) {
        for sink in &mut self.sinks {
            let blocked = state
                .blocked
                .iter()
                .find(|blocked| blocked.what == sink.store);
            if let Some(blocked) = blocked {
                sink.state = SinkState::Blocked;
                sink.words = Some(blocked.words.clone());
            }
        }
        self.dataflow = Some(state);
    }

    fn miss(&mut self, what: &[&'static str], why: &str) {
        self.unknown.extend(what.iter().map(|what| Unknown {
            what,
            why: why.to_owned(),
        }));
    }

    /// Whether it says something else than an earlier one about how far the views are.
    pub(crate) fn moves_on(&self, earlier: &Self) -> bool {
        let position = |answer: &Self| {
            let lag = answer.lag.as_ref().map(|lag| lag.records);
            (answer.ticks.clone(), lag, answer.dataflow.clone())
        };
        position(self) != position(earlier)
    }
}

async fn dataflow(api: &Api) -> Result<DataflowState, String> {
    match &api.dataflow {
        Some(dataflow) => dataflow.state().await,
        None => Err("this API knows no dataflow to ask (`eip api --dataflow URL`)".to_owned()),
    }
}

/// The stores; one of documents is asked whether it answers, that of the moment has.
async fn sinks(moment: &mut Moment) -> Vec<Sink> {
    let (stats_tick, visible) = (moment.progress().tick, moment.visible_tick());
    let mut sinks = Vec::new();
    for (store, views) in moment.stores() {
        let has_rows = views
            .iter()
            .any(|view| matches!(view.kept, Kept::Rows { .. }));
        let answers = if has_rows {
            Ok(0)
        } else {
            moment.count(&Condition::ANYTHING).await
        };
        let words = answers.err().map(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        });
        sinks.push(Sink {
            store,
            views: views.iter().map(|view| view.name).collect(),
            tick: if has_rows { stats_tick } else { visible },
            state: words.as_ref().map_or(SinkState::Ok, |_| SinkState::Away),
            words,
        });
    }
    sinks
}
