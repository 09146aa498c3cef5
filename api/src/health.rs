//! `/readyz`: are there views, and how far do they go; with `verbose`, what all of this service depends on
//! says.
//!
//! It is ready when the store that holds the rows and the progress answers: every answer begins with it. What
//! else is away, is missed by some answers only.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use eip_contract::Offset;
use eip_http::health::{Dependency, ReadyQuery, State as Health, report};
use eip_http::openapi::Problems;
use eip_http::{Known, Role};
use eip_stores::query::QueryError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::problem::Problem;

/// How long one of them is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`
    status: &'static str,
    progress: Written,
}

/// How far the views are written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Written {
    /// The log that they are made from.
    topic_id: String,
    /// Counts the writers.
    epoch: u64,
    /// The tick of the rows.
    tick: u64,
    /// The next offset of each partition.
    #[schema(value_type = Vec<u64>)]
    offsets: Vec<Offset>,
    /// Searches find every document up to this tick.
    visible_tick: u64,
}

/// Whether there are views, and how far they are written; with `verbose` how everything is that this depends on.
#[utoipa::path(get, path = "/readyz", security(()), params(ReadyQuery), responses(Problems,
    (status = 200, content((Ready = "application/json"), (String = "text/plain"))),
    (status = 503, content((eip_http::Problem = "application/problem+json"), (String = "text/plain")))))]
pub(crate) async fn ready(
    State(api): State<Api>,
    known: Known,
    query: Result<Query<ReadyQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    if query.is_verbose() {
        // What they say may name machines.
        known.0?.require(Role::Read)?;
        return Ok(report(&dependencies(&api).await));
    }
    let moment = api.views.moment().await?;
    let progress = moment.progress();
    let progress = Written {
        topic_id: progress.topic_id.clone(),
        epoch: progress.epoch,
        tick: progress.tick,
        offsets: progress.offsets.clone(),
        visible_tick: moment.visible_tick(),
    };
    let ready = Ready {
        status: "ready",
        progress,
    };
    Ok(Json(ready).into_response())
}

async fn dependencies(api: &Api) -> Vec<Dependency> {
    let (rows, documents, cache, ingest) =
        tokio::join!(rows(api), documents(api), cache(api), ingest(api));
    [Some(rows), documents, Some(cache), ingest]
        .into_iter()
        .flatten()
        .collect()
}

async fn rows(api: &Api) -> Dependency {
    let name = api.views.store_of_rows();
    match tokio::time::timeout(PATIENCE, api.views.moment()).await {
        Ok(Ok(moment)) => {
            let words = format!("tick {} is written", moment.progress().tick);
            Dependency::new(name, Health::Ready, words)
        }
        Ok(Err(error @ QueryError::NotYet)) => {
            Dependency::new(name, Health::Waiting, error.to_string())
        }
        Ok(Err(error)) => Dependency::new(name, Health::Away, words_of(&error)),
        Err(_late) => Dependency::new(name, Health::Away, late()),
    }
}

async fn documents(api: &Api) -> Option<Dependency> {
    let name = api.views.store_of_documents()?;
    let (state, words) = match tokio::time::timeout(PATIENCE, api.views.ask_documents()).await {
        Ok(Ok(shipments)) => (Health::Ready, format!("{shipments} shipments are found")),
        Ok(Err(error)) => (Health::Away, words_of(&error)),
        Err(_late) => (Health::Away, late()),
    };
    Some(Dependency::new(name, state, words).only_for("searches need it"))
}

async fn cache(api: &Api) -> Dependency {
    let (state, words) = match api.cache.ask().await {
        Ok(words) => (Health::Ready, words.to_owned()),
        Err(words) => (Health::Away, words),
    };
    Dependency::new("cache", state, words).only_for("answers come from the stores")
}

async fn ingest(api: &Api) -> Option<Dependency> {
    let ingest = api.ingest.as_ref()?;
    let url = format!("{}/livez", ingest.url);
    let asked = ingest.client.get(url).timeout(PATIENCE).send().await;
    let (state, words) = match asked {
        Ok(answer) if answer.status().is_success() => (Health::Ready, "it is alive".to_owned()),
        Ok(answer) => (Health::Away, format!("it answers {}", answer.status())),
        Err(error) if error.is_timeout() => (Health::Away, late()),
        Err(error) => (Health::Away, words_of(&error.without_url())),
    };
    Some(Dependency::new("ingest", state, words).only_for("runs need it"))
}

fn late() -> String {
    format!("no answer within {PATIENCE:?}")
}

/// An error with all that it comes from.
fn words_of(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        source = cause.source();
    }
    words
}
