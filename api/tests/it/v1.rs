//! The first version of the API.

mod routes;
mod shipment;
mod shipments;
mod stream;
mod why;
