//! The views, a file each: the question in SQL, the rule that answers it for one order, the columns.
//!
//! From its columns follow a view's canonical line ([`View::encode`], semantics, section 6), how it is
//! read back ([`View::decode`]), its mapping in Elasticsearch and its tables in SQLite and PostgreSQL.
//! No I/O and no dataflow: what keeps a view up to date and where it is stored is above this crate.
//! Nothing there knows the views one by one: a program may keep others too.

mod columns;
mod line;
mod percentile;
pub mod route_stats_daily;
pub mod shipment_events;
pub mod shipments;
mod sql;
mod view;

pub use columns::{Column, Kind, Row, Unit, Value};
pub use line::BadLine;
pub use percentile::{nearest_rank, nearest_ranks};
pub use route_stats_daily::{ROUTE_STATS_DAILY, RouteStatsRow};
pub use shipment_events::SHIPMENT_EVENTS;
pub use shipments::{SHIPMENTS, ShipmentDocument};
pub use sql::Dialect;
pub use view::{Kept, View};

/// The views of this program, in the order in which they are always listed.
pub const VIEWS: [&View; 3] = [&SHIPMENT_EVENTS, &SHIPMENTS, &ROUTE_STATS_DAILY];

/// The view of this name.
pub fn view(name: &str) -> Option<&'static View> {
    VIEWS.into_iter().find(|view| view.name == name)
}
