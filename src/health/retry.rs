//! `POST /refused_documents/retry`: refused documents are forgotten, and the dataflow begins again and sends
//! those that still stand.

use std::collections::HashSet;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use eip_http::{Caller, Problem, Role};
use eip_stores::Look;
use serde::Deserialize;
use serde_json::json;

use super::{Watched, several_processes};
use crate::refused::{self, Key, Which};

/// How long it is waited for; a large log takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which documents; all without.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    view: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
}

impl Body {
    fn read(body: &[u8]) -> Result<Which, Problem> {
        let body: Self = match body {
            [] => Self::default(),
            body => serde_json::from_slice(body)
                .map_err(|error| Problem::bad_request(format!("the body: {error}")))?,
        };
        let view = body.view.map(|name| {
            let view = eip_views::view(&name).filter(|view| view.is_documents());
            view.ok_or_else(|| {
                let detail = format!("view: no view of this name is kept as documents: {name:?}");
                Problem::bad_request(detail).field("view")
            })
        });
        Ok(Which {
            view: view.transpose()?,
            ids: body.ids,
        })
    }
}

/// Has refused documents sent again. 200 with how many were refused again; 202 where that takes longer.
pub(super) async fn retry(
    State(watched): State<Watched>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    caller.require(Role::Replay)?;
    let which = Body::read(&body)?;
    if !watched.desk.is_open {
        return Err(several_processes("start them again, or run `eip repair`"));
    }
    let keys = watched
        .read(move |chain| {
            let keys = refused::meant(chain, &which)?;
            if !keys.is_empty() {
                refused::forget(chain, &keys)?;
            }
            Ok(keys)
        })
        .await?;
    if keys.is_empty() {
        return Ok(answer(StatusCode::OK, 0, Some(0)));
    }
    let claimed = headers
        .get("eip-requester")
        .and_then(|name| name.to_str().ok());
    let (requester, documents) = (caller.requester(claimed), keys.len());
    tracing::warn!(requester, documents, "refused documents are sent again");
    let request = watched.desk.ask(Look::Listed);
    let mended = watched.stop.run_until_cancelled(request.answer());
    match tokio::time::timeout(PATIENCE, mended).await {
        Ok(Some(Some(_))) => {}
        Ok(_) => return Err(Problem::unavailable("ended", "the dataflow has ended")),
        Err(_) => return Ok(answer(StatusCode::ACCEPTED, documents, None)),
    }
    let again = watched
        .read(move |chain| {
            let now = refused::meant(chain, &Which::default())?;
            let now: HashSet<_> = now.iter().map(|(view, id)| (view.name, id)).collect();
            let is_again = |(view, id): &&Key| now.contains(&(view.name, id));
            Ok(keys.iter().filter(is_again).count())
        })
        .await?;
    Ok(answer(StatusCode::OK, documents, Some(again)))
}

fn answer(status: StatusCode, sent_again: usize, refused_again: Option<usize>) -> Response {
    let members = json!({ "sent_again": sent_again, "refused_again": refused_again });
    (status, Json(members)).into_response()
}
