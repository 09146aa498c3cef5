//! The first version of the API.

mod changes;
mod export;
mod pipeline;
mod routes;
mod runs;
mod shipment;
mod shipments;
mod stream;
mod why;
