//! What a run leaves behind for people: its rehearsal, its latencies, its receipt.
//!
//! The files are on the machine of the instance that executed the run; others ask it for them.

use std::fs;
use std::io;
use std::path::PathBuf;

use axum::http::{Method, header};
use axum::response::{Html, IntoResponse, Response};
use eip_http::PAGE_POLICY;
use eip_http::openapi::Problems;

use super::app::{SpaceQuery, blocking};
use super::asked::Asked;
use super::openapi::RunPath;
use super::problem::Problem;
use super::receipt;
use crate::run::{Latency, PaceFigures, Rehearsal, run_file};

impl Asked {
    /// One of the run's files; `None` when there is none here.
    async fn file(&self, name: &'static str) -> Result<Option<Vec<u8>>, Problem> {
        let path = self.path(name);
        blocking(move || match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Problem::internal(&format!("{}: {error}", path.display()))),
        })
        .await
    }

    fn path(&self, name: &str) -> PathBuf {
        run_file(&self.space.log, &self.run, name)
    }

    /// One of the run's files, from here or from the instance that executed it.
    async fn fetch(
        &self,
        name: &'static str,
        media_type: &'static str,
    ) -> Result<Response, Problem> {
        if let Some(bytes) = self.file(name).await? {
            return Ok(typed(media_type, bytes));
        }
        let answer = self.answer().await?;
        let part = format!("/{}", name.replace("rehearsal.json", "rehearsal"));
        let passed = self.pass_on(&answer, Method::GET, &part, Vec::new());
        if let Some(response) = passed.await? {
            return Ok(response);
        }
        let detail = format!(
            "run {} ({}) has no {name} yet, or never",
            self.run, answer.view.kind
        );
        Err(Problem::no_such("file", detail))
    }

    async fn latency(
        &self,
        name: &'static str,
        media_type: &'static str,
        write: fn(&Latency, &mut Vec<u8>) -> io::Result<()>,
    ) -> Result<Response, Problem> {
        // At its end the file is there, and what the thread told last is older.
        let is_live = self.answer().await?.view.state.is_live();
        if let Some(latency) = self
            .live()
            .and_then(|live| live.latency)
            .filter(|_| is_live)
        {
            let mut bytes = Vec::new();
            write(&latency, &mut bytes).map_err(|error| Problem::internal(&error.to_string()))?;
            return Ok(typed(media_type, bytes));
        }
        self.fetch(name, media_type).await
    }
}

/// What a window or revert run announces: its plan and what it would change.
#[utoipa::path(get, path = "/v1/runs/{id}/rehearsal", params(RunPath, SpaceQuery),
    responses((status = 200, body = Rehearsal), Problems))]
pub(super) async fn rehearsal(asked: Asked) -> Result<Response, Problem> {
    if let Some(rehearsal) = asked.live().and_then(|live| live.rehearsal) {
        return Ok(axum::Json(&*rehearsal).into_response());
    }
    asked.fetch("rehearsal.json", "application/json").await
}

/// The latencies of a scaled run as an `HdrHistogram` log.
#[utoipa::path(get, path = "/v1/runs/{id}/latency.hlog", params(RunPath, SpaceQuery),
    responses((status = 200, body = str, content_type = "text/plain"), Problems))]
pub(super) async fn hlog(asked: Asked) -> Result<Response, Problem> {
    let write = |latency: &Latency, out: &mut Vec<u8>| latency.write_hlog(out);
    asked.latency("latency.hlog", "text/plain", write).await
}

/// The latencies of a scaled run as a percentile distribution.
#[utoipa::path(get, path = "/v1/runs/{id}/latency.hgrm", params(RunPath, SpaceQuery),
    responses((status = 200, body = str, content_type = "text/plain"), Problems))]
pub(super) async fn hgrm(asked: Asked) -> Result<Response, Problem> {
    let write = |latency: &Latency, out: &mut Vec<u8>| latency.write_hgrm(out);
    asked.latency("latency.hgrm", "text/plain", write).await
}

/// The latencies of a scaled run in quantiles.
#[utoipa::path(get, path = "/v1/runs/{id}/latency.json", params(RunPath, SpaceQuery),
    responses((status = 200, body = PaceFigures), Problems))]
pub(super) async fn json(asked: Asked) -> Result<Response, Problem> {
    let write = |latency: &Latency, out: &mut Vec<u8>| {
        serde_json::to_writer(out, &latency.pace()).map_err(io::Error::from)
    };
    let media_type = "application/json";
    asked.latency("latency.json", media_type, write).await
}

/// A run's receipt: one page that needs nothing else.
#[utoipa::path(get, path = "/v1/runs/{id}/receipt", params(RunPath, SpaceQuery),
    responses((status = 200, body = str, content_type = "text/html"), Problems))]
pub(super) async fn receipt(asked: Asked) -> Result<Response, Problem> {
    let answer = asked.answer().await?;
    let rehearsal = asked.file("rehearsal.json").await?;
    let was_planned = answer.view.plan.is_some();
    if rehearsal.is_none()
        && was_planned
        && let Some(response) = asked
            .pass_on(&answer, Method::GET, "/receipt", Vec::new())
            .await?
    {
        return Ok(response);
    }
    let rehearsal = rehearsal.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let page = Html(receipt::page(&answer, rehearsal.as_ref()));
    let policy = [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)];
    Ok((policy, page).into_response())
}

fn typed(media_type: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
}
