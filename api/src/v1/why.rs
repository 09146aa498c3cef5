//! `GET /v1/shipments/{orderId}/why`: for each field of a shipment and each event of it the record that it
//! comes from, what that replaced, and the run behind it.
//!
//! ```text
//! stores ─► document, events, how far they have read ─┐
//! cache, log ─► the order's records      [trace]      ├─► agreement, fields, events   [explain]
//! ledger ─► the runs of these records    [runs]      ─┘   what is lost
//! ```
//! The shipment is made again from the records by the view's own rule and compared with the stored one, so the
//! answer never explains a document by records that do not make it.

mod explain;
mod runs;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use eip_contract::{Offset, partition_of};
use eip_log::{LedgerView, LogError};
use eip_parquet_cache::OrderRecords;
use eip_stores::query::Moment;
use eip_views::{SHIPMENT_EVENTS, SHIPMENTS};
use serde::Deserialize;
use utoipa::IntoParams;

use super::document::raw;
use super::parameters::tick;
use super::shipment::{OrderPath, event_ids};
use super::shipments::{is_id, pasted};
use crate::api::Api;
use crate::asked::{Answer, Asked, uncached};
use crate::log::OpenLog;
use crate::openapi::Problems;
use crate::problem::Problem;
use explain::Why;

/// How often an order is read that changes while it is read, and the time between two.
const READS: usize = 3;
const PAUSE: Duration = Duration::from_millis(250);
/// Offsets behind the cache from which on it is brought up to the log: reading so many takes longer than people
/// notice.
const LONG_TAIL: u64 = 100_000;
/// How long the log may give nothing.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhyQuery {
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// What the stores say of an order.
struct Stored {
    /// Its canonical line; none when there is no such document.
    shipment: Option<String>,
    /// The canonical lines of its events by rank.
    events: Vec<String>,
    /// Per partition how far the views have read.
    offsets: Vec<Offset>,
    /// The log that they are made from.
    topic_id: String,
    /// Whether searches find less than the rows have.
    is_behind: bool,
}

/// What the log says of it.
struct Logged {
    records: OrderRecords,
    /// Where the order's partition ends.
    end: Offset,
    /// The runs, or why they are not known.
    runs: Result<LedgerView, LogError>,
}

/// Where each field of a shipment and each of its events comes from.
#[utoipa::path(get, path = "/v1/shipments/{order_id}/why", params(OrderPath, WhyQuery),
    responses((status = 200, body = Answer<Why>), Problems))]
pub(crate) async fn why(
    State(api): State<Api>,
    order_id: Result<Path<String>, PathRejection>,
    query: Result<Query<WhyQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path(order_id) = order_id.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let min_tick = tick(query.min_tick.as_deref())?;
    let order_id: Arc<str> = pasted(&order_id).into();
    if !is_id(&order_id) {
        let form = "an order id has 1 to 512 bytes and no control character";
        return Err(Problem::bad_query(form));
    }
    let mut reads = 0;
    loop {
        let mut asked = Asked::begin(&api, min_tick).await?;
        let stored = Stored::read(&mut asked.moment, &order_id).await?;
        let as_of = asked.as_of(&api);
        // Nothing of the stores is held while the log is read.
        drop(asked);
        let (wanted, topic_id) = (Arc::clone(&order_id), stored.topic_id.clone());
        let logged = api
            .log
            .read(move |log| Logged::read(log, &wanted, &topic_id))
            .await?;
        let Some(logged) = logged else {
            let detail = format!(
                "the views were made from log {}, and this API reads another one: name the log of the \
                 views (`--state`, `--kafka`, `--space`)",
                stored.topic_id
            );
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        };
        if stored.shipment.is_none() && logged.records.records.is_empty() {
            let detail = format!("neither views nor log have an order {order_id:?}");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
        if logged.end.0.saturating_sub(logged.records.cached.0) > LONG_TAIL {
            api.log.catch_up_cache();
        }
        let answer = Why::of(&order_id, &stored, &logged);
        reads += 1;
        // What is being written at the moment agrees a little later.
        if answer.agrees || reads == READS {
            return uncached(&as_of, &answer);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Stored {
    async fn read(moment: &mut Moment, order_id: &str) -> Result<Self, Problem> {
        let shipment = moment.shipment(order_id).await?;
        let events = match &shipment {
            Some(shipment) => moment.events(&event_ids(order_id, shipment)).await?,
            None => Vec::new(),
        };
        let progress = moment.progress();
        Ok(Self {
            shipment: shipment.map(|document| raw(&SHIPMENTS, &document).get().to_owned()),
            events: events
                .iter()
                .map(|event| raw(&SHIPMENT_EVENTS, event).get().to_owned())
                .collect(),
            offsets: progress.offsets.clone(),
            topic_id: progress.topic_id.clone(),
            is_behind: moment.visible_tick() < progress.tick,
        })
    }
}

impl Logged {
    /// None when it is not the log that the views were made from.
    fn read(log: &OpenLog, order_id: &str, topic_id: &str) -> Result<Option<Self>, LogError> {
        if log.topic_id().to_string() != topic_id {
            return Ok(None);
        }
        // The cache before the ends: what it holds does not lie behind them.
        let cache = log.cache();
        let ends = match log.present_ends() {
            Ok(ends) => ends,
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => return Ok(Some(Self::lost(log, order_id, error))),
        };
        let records = OrderRecords::find(log, cache.as_deref(), order_id, &ends, PATIENCE)?;
        let runs = match log.runs() {
            Err(error) if error.is_passing() => return Err(error),
            runs => runs,
        };
        Ok(Some(Self {
            end: ends[records.partition as usize],
            records,
            runs,
        }))
    }

    /// All that is known when the log cannot be read.
    fn lost(log: &OpenLog, order_id: &str, error: LogError) -> Self {
        let partition = partition_of(order_id.as_bytes(), log.partitions());
        Self {
            records: OrderRecords::unread(partition, error),
            end: Offset::default(),
            runs: log.runs(),
        }
    }
}
