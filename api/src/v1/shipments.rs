//! `GET /v1/shipments/{orderId}`: the order's shipment and the events that it is made of.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use eip_contract::{EventId, EventTime, EventType};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{json_bytes, json_response};
use crate::api::Api;
use crate::problem::Problem;
use crate::views::Snapshot;

/// How often an order is read that changes while it is read.
const READS: usize = 3;

#[derive(Serialize)]
struct Answer {
    /// As it is stored.
    shipment: Box<RawValue>,
    /// As they are stored, by rank.
    events: Vec<Box<RawValue>>,
}

pub(crate) async fn show(
    State(api): State<Api>,
    Path(order_id): Path<String>,
) -> Result<Response, Problem> {
    let mut snapshot = api.views.snapshot().await?;
    let progress = snapshot.progress.clone();
    let request = format!("shipments:{order_id}");
    let made = read(&mut snapshot, &order_id);
    let answer = api.cache.answer(&progress, &request, made).await?;
    Ok(json_response(answer))
}

async fn read(snapshot: &mut Snapshot, order_id: &str) -> Result<Bytes, Problem> {
    let mut reads = 0;
    loop {
        let Some(shipment) = snapshot.shipment(order_id).await? else {
            let detail = format!("there is no shipment of order {order_id:?}");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        };
        let times: Times = serde_json::from_str(shipment.get()).map_err(|error| {
            tracing::error!(order_id, %error, "a stored shipment cannot be read; run `eip verify`");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the stored shipment cannot be read",
            )
        })?;
        let ids = times.event_ids(order_id);
        let events = snapshot.events(&ids).await?;
        reads += 1;
        // Two views that are no moment of one store may be at two ticks: then the order is just
        // being written, and read again.
        if events.len() == ids.len() || reads == READS {
            return json_bytes(&Answer { shipment, events });
        }
    }
}

/// The times of a shipment. They say which events it has, without an index over all events: an
/// event's id follows from order, type and time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "these are their names")]
struct Times {
    placed_at: Option<String>,
    approved_at: Option<String>,
    warehouse_assigned_at: Option<String>,
    handed_to_carrier_at: Option<String>,
    delayed_at: Option<String>,
    delivered_at: Option<String>,
}

impl Times {
    fn event_ids(&self, order_id: &str) -> Vec<String> {
        let by_rank = [
            &self.placed_at,
            &self.approved_at,
            &self.warehouse_assigned_at,
            &self.handed_to_carrier_at,
            &self.delayed_at,
            &self.delivered_at,
        ];
        let id = |(event_type, time): (EventType, &Option<String>)| {
            let time = time.as_ref()?.parse::<EventTime>().ok()?;
            Some(EventId::of(order_id, event_type, time).to_string())
        };
        EventType::ALL
            .into_iter()
            .zip(by_rank)
            .filter_map(id)
            .collect()
    }
}
