//! What all requests share, and how a run is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use eip_contract::Space;
use eip_http::Service;
use eip_log::LedgerView;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::Names;
use super::catalog::Hashes;
use super::check::Checks;
use super::config::{ServeError, ServerConfig};
use super::executor::LiveRun;
use super::metrics::Metrics;
use super::owner::Owners;
use super::problem::Problem;
use super::rows::Counter;
use super::spaces::{Missing, SpaceRuns, Spaces};
use crate::rules::Rules;
use crate::run::{Progress, RunError, RunId, RunView, waiting};

/// What all requests share.
pub(super) struct App {
    pub(super) names: Names,
    pub(super) spaces: Spaces,
    pub(super) owners: Owners,
    pub(super) rows: Counter,
    pub(super) metrics: Arc<Metrics>,
    pub(super) hashes: Hashes,
    pub(super) checks: Checks,
    pub(super) service: Service,
}

/// The space that a request names in its query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SpaceQuery {
    /// The space; the service's own without.
    pub(super) space: Option<String>,
}

/// A run as it is answered: what the ledger says, and what the instance that executes it is at.
#[derive(Serialize, ToSchema)]
pub(super) struct RunAnswer {
    /// The space.
    pub(super) space: String,
    /// There was no such space, and this request made it. Left out where it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) made_space: bool,
    #[serde(flatten)]
    pub(super) view: RunView,
    /// `null` when another instance executes it, or none does any more.
    pub(super) progress: Option<Progress>,
}

impl App {
    /// Reads the rules files once, and checks the names.
    pub(super) fn new(config: ServerConfig, service: Service) -> Result<Self, ServeError> {
        let mut rules = BTreeMap::from([("default".to_owned(), Rules::default())]);
        for (name, path) in config.rules {
            let loaded = Rules::load(&path);
            let loaded = loaded.map_err(|source| ServeError::Rules {
                name: name.clone(),
                source,
            })?;
            // The ledger says what the request said.
            let loaded = loaded.named(&name);
            rules.insert(name, loaded);
        }
        for name in config.datasets.keys().chain(rules.keys()) {
            let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
            if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
                return Err(ServeError::BadName(name.clone()));
            }
        }
        let owner_url = config.advertise;
        let clock = Arc::clone(&config.clock);
        let metrics = Arc::<Metrics>::default();
        let spaces = Spaces::new(
            config.space,
            config.open_space,
            config.clock,
            owner_url.clone(),
            config.work.max_live_runs,
            Arc::clone(&metrics),
        );
        // The space that is meant when none is named is there from the start, or the start fails.
        spaces
            .get(&spaces.default.clone(), Missing::Make)
            .map_err(|problem| ServeError::Space(problem.detail().to_owned()))?;
        Ok(Self {
            names: Names {
                datasets: config.datasets,
                rules,
                limits: config.limits,
            },
            spaces,
            owners: Owners::new(owner_url),
            rows: Counter::new(config.work, config.http.body_timeout),
            metrics,
            hashes: Hashes::default(),
            checks: Checks::new(clock),
            service,
        })
    }

    /// The space of that name, or the one that is meant without a name.
    pub(super) async fn space(
        self: &Arc<Self>,
        name: Option<&str>,
    ) -> Result<Arc<SpaceRuns>, Problem> {
        let (space, _) = self.space_for(name, Missing::Refuse("")).await?;
        Ok(space)
    }

    /// As [`App::space`], for a request that may make it; also whether it did.
    pub(super) async fn space_for(
        self: &Arc<Self>,
        name: Option<&str>,
        missing: Missing,
    ) -> Result<(Arc<SpaceRuns>, bool), Problem> {
        let space = match name {
            None => self.spaces.default.clone(),
            Some(name) => name
                .parse::<Space>()
                .map_err(|error| Problem::unprocessable("bad_field", format!("space: {error}")))?,
        };
        let app = Arc::clone(self);
        blocking(move || app.spaces.get(&space, missing)).await
    }

    /// The space that a run is in: the one that is named, else where it is being executed.
    pub(super) async fn space_of(
        self: &Arc<Self>,
        query: &SpaceQuery,
        run: &RunId,
    ) -> Result<Arc<SpaceRuns>, Problem> {
        if query.space.is_none()
            && let Some(runs) = self.spaces.executing(run)
        {
            return Ok(runs);
        }
        self.space(query.space.as_deref()).await
    }
}

/// The ledger of a space as it is now.
pub(super) async fn ledger(runs: &Arc<SpaceRuns>) -> Result<LedgerView, Problem> {
    let runs = Arc::clone(runs);
    blocking(move || runs.ledger()).await
}

/// Does what waits for a disk or a server on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Problem::internal(&error.to_string())),
    }
}

/// A run as it is now.
pub(super) async fn answer(runs: &Arc<SpaceRuns>, run: &RunId) -> Result<RunAnswer, Problem> {
    // A run goes off the board only after its last entry is in the ledger, so one that is not on
    // the board is looked up after that.
    let live = runs.executor.live(run);
    let ledger = ledger(runs).await?;
    if let Some(known) = ledger.get(run.as_str()) {
        return Ok(known_answer(runs, known, live.as_ref()));
    }
    match (live, runs.executor.refusal(run)) {
        (Some(live), _) => Ok(waiting_answer(runs, &live)),
        (None, Some(problem)) => Err(problem),
        (None, None) => Err(RunError::NoSuchRun(run.clone()).into()),
    }
}

/// A run that the ledger knows; an attempt that waits is further than the ledger.
pub(super) fn known_answer(
    runs: &SpaceRuns,
    known: &eip_log::RunSummary,
    live: Option<&LiveRun>,
) -> RunAnswer {
    match live {
        Some(live) if live.attempt > known.last.attempt => waiting_answer(runs, live),
        live => RunAnswer {
            space: runs.space.to_string(),
            made_space: false,
            view: RunView::new(known),
            // What was seen of a run before its end was read is older than the end, whose counts are
            // the ledger's.
            progress: live
                .filter(|_| known.is_live())
                .and_then(|live| live.progress),
        },
    }
}

/// A run that waits for its claim.
pub(super) fn waiting_answer(runs: &SpaceRuns, live: &LiveRun) -> RunAnswer {
    RunAnswer {
        space: runs.space.to_string(),
        made_space: false,
        view: waiting(&live.request, live.attempt, live.since_ms),
        progress: live.progress,
    }
}

/// The run that a path names.
pub(super) fn named_run(id: Result<Path<String>, PathRejection>) -> Result<RunId, Problem> {
    let id = id.map_err(|error| Problem::bad_request(error.body_text()))?;
    id.parse().map_err(|_| {
        let detail = "a run id is 16 hex digits";
        Problem::new(StatusCode::NOT_FOUND, "no_such_run", detail)
    })
}

/// The query of a request that may name a space.
pub(super) fn named_space(
    query: Result<Query<SpaceQuery>, QueryRejection>,
) -> Result<SpaceQuery, Problem> {
    match query {
        Ok(Query(query)) => Ok(query),
        Err(error) => Err(Problem::bad_request(error.body_text())),
    }
}
