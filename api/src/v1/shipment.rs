//! `GET /v1/shipments/{orderId}`: the order's shipment and the events that it is made of.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use eip_contract::{EventId, EventType};
use eip_stores::query::{Document, Moment, TIMES};
use eip_views::{SHIPMENT_EVENTS, SHIPMENTS, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::document::raw;
use super::parameters::tick;
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::Problems;
use crate::openapi::views::{Shipment, ShipmentEvent};
use crate::problem::Problem;

/// How often an order is read that changes while it is read.
const READS: usize = 3;

/// An order in a path.
#[derive(IntoParams)]
#[into_params(names("order_id"), parameter_in = Path)]
pub(crate) struct OrderPath(
    /// The order's id, as it is.
    #[param(min_length = 1)]
    #[expect(dead_code, reason = "only its description is used")]
    String,
);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowQuery {
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// An order's shipment and the events that it is made of.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShipmentWithEvents {
    #[schema(value_type = Shipment)]
    shipment: Box<RawValue>,
    /// By rank.
    #[schema(value_type = Vec<ShipmentEvent>)]
    events: Vec<Box<RawValue>>,
    /// Whether shipment and events are of one tick.
    one_tick: bool,
}

/// One order's shipment with its events.
#[utoipa::path(get, operation_id = "shipment", path = "/v1/shipments/{order_id}", 
    params(OrderPath, ShowQuery, Conditional),
    responses((status = 200, body = Answer<ShipmentWithEvents>), Conditional, Problems))]
pub(crate) async fn show(
    State(api): State<Api>,
    known: IfNoneMatch,
    order_id: Result<Path<String>, PathRejection>,
    query: Result<Query<ShowQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path(order_id) = order_id.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let question = Question::named(format!("shipment:{order_id:?}"))
        .at_least(tick(query.min_tick.as_deref())?)
        .unless(known);
    let made = async |asked: &mut Asked| read(&mut asked.moment, &order_id).await;
    api.answer(question, made).await
}

async fn read(moment: &mut Moment, order_id: &str) -> Result<ShipmentWithEvents, Problem> {
    let mut reads = 0;
    loop {
        let Some(shipment) = moment.shipment(order_id).await? else {
            let detail = format!("there is no shipment of order {order_id:?}");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        };
        let ids = event_ids(order_id, &shipment);
        let events = moment.events(&ids).await?;
        reads += 1;
        // Two views that are no moment of one store may be at two ticks: then the order is just
        // being written, and read again.
        let one_tick = events.len() == ids.len();
        if one_tick || reads == READS {
            let events = events.iter().map(|event| raw(&SHIPMENT_EVENTS, event));
            return Ok(ShipmentWithEvents {
                shipment: raw(&SHIPMENTS, &shipment),
                events: events.collect(),
                one_tick,
            });
        }
    }
}

/// The times of a shipment say which events it has, without an index over all events: an event's id
/// follows from order, type and time.
pub(super) fn event_ids(order_id: &str, shipment: &Document) -> Vec<String> {
    EventType::ALL
        .into_iter()
        .zip(TIMES)
        .filter_map(|(event_type, column)| {
            let place = SHIPMENTS.place(column).expect("a column of shipments");
            match shipment[place] {
                Value::Time(time) => Some(EventId::of(order_id, event_type, time).to_string()),
                _ => None,
            }
        })
        .collect()
}
