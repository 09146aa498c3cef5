//! `GET /v1/shipments/export`: all shipments that a filter selects, as CSV, NDJSON, Parquet or Arrow IPC, page
//! by page in bounded memory.
//!
//! The number of shipments is announced (`x-total-count`), and the tick (`x-eip-tick`). From SQLite all of
//! it is of that tick; from Elasticsearch later pages may be of a later one (`x-eip-one-tick: false`).
//! What fails half way ends the connection: a file that ends in order is whole.

#[cfg_attr(not(feature = "columnar"), path = "export/no_columnar.rs")]
mod columnar;
mod csv;
mod encoder;

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use eip_stores::query::{After, Count, Direction, Moment, QueryError, Search, Sort};
use eip_views::Value;
use futures_util::stream::try_unfold;
use serde::Deserialize;
use utoipa::IntoParams;

use super::parameters::{tick, truth};
use super::shipments::Filter;
use crate::api::Api;
use crate::asked::Asked;
use crate::openapi::Problems;
use crate::problem::Problem;
use encoder::{EncodeError, Encoder, Format};

/// Shipments a page: a few hundred kilobytes.
const PAGE: u32 = 1_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    #[serde(flatten)]
    #[param(ignore)]
    filter: Filter,
    /// `csv` (the default), `ndjson`, `parquet` or `arrow` (the IPC stream).
    #[param(pattern = "^(csv|ndjson|parquet|arrow)$")]
    format: Option<String>,
    /// Whether CSV begins with a byte order mark, as some spreadsheets want it.
    #[param(value_type = Option<bool>)]
    bom: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: BTreeMap<String, String>,
}

/// An export under way.
struct Pages {
    moment: Moment,
    search: Search,
    encoder: Encoder,
    ended: bool,
}

/// What breaks an export off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Views(#[from] QueryError),
    #[error(transparent)]
    Form(#[from] EncodeError),
}

/// All shipments that meet a filter, as a file.
#[utoipa::path(get, operation_id = "export_shipments", path = "/v1/shipments/export", params(Filter, ExportQuery),
    responses(
        (status = 200, content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
            (String = "application/vnd.apache.parquet"),
            (String = "application/vnd.apache.arrow.stream"),
        ), headers(
            ("x-total-count" = u64, description = "How many there are."),
            ("x-eip-tick" = u64, description = "Of which tick."),
            ("x-eip-one-tick" = bool, description = "Whether all of it is of that tick."),
        )),
        Problems))]
pub(crate) async fn export(
    State(api): State<Api>,
    query: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    if let Some(unknown) = query.unknown.keys().next() {
        return Err(Problem::bad_query(format!("{unknown} is no parameter")));
    }
    let format = format(query.format.as_deref())?;
    let (content_type, name) = format.content_type();
    let bom = truth("bom", query.bom.as_deref())?.unwrap_or(false);
    let wanted = query.filter.wanted()?;
    let encoder = Encoder::new(format, bom).map_err(|error| {
        tracing::error!(%error, "an export cannot begin");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    })?;
    let mut asked = Asked::begin(&api, tick(query.min_tick.as_deref())?).await?;
    let condition = wanted.condition(asked.data_now()?);
    let total = asked.moment.count(&condition).await?;
    let visible = asked.moment.visible_tick();
    let one_tick = asked.moment.searches_one_tick();
    let pages = Pages {
        moment: asked.moment,
        search: Search {
            condition,
            sort: Sort {
                column: 0,
                direction: Direction::Ascending,
            },
            after: None,
            limit: PAGE,
            count: Count::Known(total),
        },
        encoder,
        ended: false,
    };
    let body = Body::from_stream(try_unfold(pages, Pages::next));
    let headers = [
        (CONTENT_TYPE.as_str(), content_type.to_owned()),
        (
            CONTENT_DISPOSITION.as_str(),
            format!("attachment; filename=\"{name}\""),
        ),
        ("x-total-count", total.to_string()),
        ("x-eip-tick", visible.to_string()),
        ("x-eip-one-tick", one_tick.to_string()),
    ];
    Ok((headers, body).into_response())
}

/// The format of that name; CSV without one.
fn format(name: Option<&str>) -> Result<Format, Problem> {
    let Some(name) = name else {
        return Ok(Format::Csv);
    };
    let known = Format::NAMED.iter().find(|(known, _)| *known == name);
    known.map(|&(_, format)| format).ok_or_else(|| {
        let names = Format::NAMED.map(|(name, _)| name).join(", ");
        Problem::bad_field(
            "format",
            format!("format must be one of {names}, not {name:?}"),
        )
    })
}

impl Pages {
    /// The next bytes that can be sent.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Broken> {
        while !self.ended {
            let documents = self.moment.search(&self.search).await?.documents;
            let mut bytes = self.encoder.page(&documents)?;
            if let Some(Value::Text(id)) = documents.last().map(|last| &last[0]) {
                self.search.after = Some(After {
                    value: Value::Text(id.clone()),
                    id: id.to_string(),
                });
            }
            if documents.len() < PAGE as usize {
                self.ended = true;
                bytes.append(&mut self.encoder.end()?);
            }
            if !bytes.is_empty() {
                return Ok(Some((bytes.into(), self)));
            }
        }
        Ok(None)
    }
}
