//! `GET /v1/shipments/export`: all shipments that a filter selects, as CSV or NDJSON, page by page in bounded
//! memory.
//!
//! The number of shipments is announced (`x-total-count`), and the tick (`x-eip-tick`). From SQLite all of
//! it is of that tick; from Elasticsearch later pages may be of a later one (`x-eip-one-tick: false`).
//! What fails half way ends the connection: a file that ends in order is whole.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use eip_stores::query::{After, Direction, Document, Moment, QueryError, Search, Sort};
use eip_views::{SHIPMENTS, Value};
use futures_util::stream::try_unfold;
use serde::Deserialize;
use utoipa::IntoParams;

use super::parameters::{tick, truth};
use super::shipments::Filter;
use crate::api::Api;
use crate::asked::Asked;
use crate::openapi::Problems;
use crate::problem::Problem;

/// Shipments a page: a few hundred kilobytes.
const PAGE: u32 = 1_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    #[serde(flatten)]
    #[param(ignore)]
    filter: Filter,
    /// `csv` (the default) or `ndjson`.
    #[param(pattern = "^(csv|ndjson)$")]
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

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

/// An export under way.
struct Pages {
    moment: Moment,
    search: Search,
    format: Format,
    /// What comes before the first page; none once it is sent.
    head: Option<Vec<u8>>,
    ended: bool,
}

/// All shipments that meet a filter, as a file.
#[utoipa::path(get, operation_id = "export_shipments", path = "/v1/shipments/export", params(Filter, ExportQuery),
    responses(
        (status = 200, content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
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
    let (format, content_type, name) = match query.format.as_deref() {
        None | Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "shipments.csv"),
        Some("ndjson") => (Format::Ndjson, "application/x-ndjson", "shipments.ndjson"),
        Some(other) => {
            let form = format!("format must be csv or ndjson, not {other:?}");
            return Err(Problem::bad_field("format", form));
        }
    };
    let bom = truth("bom", query.bom.as_deref())?.unwrap_or(false);
    let wanted = query.filter.wanted()?;
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
            count_all: false,
        },
        format,
        head: Some(head(format, bom)),
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

impl Pages {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, QueryError> {
        if self.ended {
            return Ok(None);
        }
        let mut text = self.head.take().unwrap_or_default();
        let documents = self.moment.search(&self.search).await?.documents;
        self.ended = documents.len() < PAGE as usize;
        if let Some(Value::Text(id)) = documents.last().map(|last| &last[0]) {
            self.search.after = Some(After {
                value: Value::Text(id.clone()),
                id: id.to_string(),
            });
        }
        for document in &documents {
            match self.format {
                Format::Ndjson => SHIPMENTS.encode(document, &mut text),
                Format::Csv => csv_line(document, &mut text),
            }
            text.push(b'\n');
        }
        Ok(Some((text.into(), self)))
    }
}

fn head(format: Format, bom: bool) -> Vec<u8> {
    let mut head = Vec::new();
    if format == Format::Csv {
        if bom {
            head.extend_from_slice("\u{feff}".as_bytes());
        }
        let names: Vec<&str> = SHIPMENTS.columns.iter().map(|column| column.name).collect();
        head.extend_from_slice(names.join(",").as_bytes());
        head.push(b'\n');
    }
    head
}

/// One line of CSV (RFC 4180, with `\n`).
fn csv_line(document: &Document, out: &mut Vec<u8>) {
    for (place, value) in document.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match value {
            Value::Null => {}
            Value::Text(text) => cell(text, out),
            Value::Time(time) => out.extend_from_slice(time.to_string().as_bytes()),
            Value::Day(day) => out.extend_from_slice(day.to_string().as_bytes()),
            Value::Integer(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
            Value::Boolean(boolean) => out.extend_from_slice(boolean.to_string().as_bytes()),
            Value::EventType(status) => out.extend_from_slice(status.name().as_bytes()),
        }
    }
}

/// A text that a spreadsheet shows and never executes: what begins like a formula gets a quote before
/// it (OWASP, "CSV Injection").
fn cell(text: &str, out: &mut Vec<u8>) {
    // Also in the wide forms of East Asian keyboards.
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted = is_formula || text.contains(['"', ',', '\n', '\r', ';']);
    if !quoted {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if is_formula {
        out.push(b'\'');
    }
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let shown = |text: &str| {
            let mut out = Vec::new();
            cell(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown("SP"), "SP");
        assert_eq!(shown("=1+1"), "\"'=1+1\"");
        assert_eq!(shown("-a"), "\"'-a\"");
        assert_eq!(shown("\n=1"), "\"'\n=1\"");
        assert_eq!(shown("＝1"), "\"'＝1\"");
        assert_eq!(shown("@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!(shown("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(shown(""), "");
    }
}
