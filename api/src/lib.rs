//! The Ops Search API: one order's shipment and its events, the routes' figures by day.
//!
//! It reads what a dataflow wrote, from `<state>/views.sqlite` and without writing to it; it may
//! start before the dataflow and then says so (503). Every error is a problem of RFC 9457.
//! `router.rs` is the table of contents.

mod health;
mod problem;
mod router;
mod run;
mod v1;
mod views;

pub use router::router;
pub use run::{ApiError, run};
pub use views::Views;
