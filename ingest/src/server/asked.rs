//! A request about one run: which run, of which space, and who may have to answer instead of us.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use super::app::{App, RunAnswer, SpaceQuery, answer, named_run, named_space};
use super::executor::LiveRun;
use super::owner::Passed;
use super::problem::Problem;
use super::spaces::SpaceRuns;
use crate::run::RunId;

/// What the path and the query of `/v1/runs/{id}…` name.
pub(super) struct Asked {
    pub(super) space: Arc<SpaceRuns>,
    pub(super) run: RunId,
    pub(super) headers: HeaderMap,
    app: Arc<App>,
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, app).await;
        let query = Query::<SpaceQuery>::from_request_parts(parts, app).await;
        let (run, query) = (named_run(id)?, named_space(query)?);
        Self::new(app, run, &query, parts.headers.clone()).await
    }
}

impl Asked {
    /// A request whose path and query are read already.
    pub(super) async fn new(
        app: &Arc<App>,
        run: RunId,
        query: &SpaceQuery,
        headers: HeaderMap,
    ) -> Result<Self, Problem> {
        Ok(Self {
            space: app.space_of(query, &run).await?,
            run,
            headers,
            app: Arc::clone(app),
        })
    }

    /// The run as its thread tells it, if it is executed here.
    pub(super) fn live(&self) -> Option<LiveRun> {
        self.space.executor.live(&self.run)
    }

    /// The run as it is now.
    pub(super) async fn answer(&self) -> Result<RunAnswer, Problem> {
        answer(&self.space, &self.run).await
    }

    /// Asks the instance that `answer` says is the run's owner, if that is another one. `part` is what
    /// stands behind the run in the path: nothing, or `/receipt`.
    pub(super) async fn pass_on(
        &self,
        answer: &RunAnswer,
        method: Method,
        part: &str,
        body: Vec<u8>,
    ) -> Result<Option<Response>, Problem> {
        let passed = Passed {
            method,
            path: self.space.run_path(&self.run, part),
            headers: &self.headers,
            body,
        };
        let owner = answer.view.owner_url.as_deref();
        self.app.owners.pass_on(owner, passed).await
    }
}
