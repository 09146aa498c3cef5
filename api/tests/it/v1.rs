//! The first version of the API.

mod changes;
mod export;
mod overview;
mod pipeline;
mod routes;
mod runs;
mod shipment;
mod shipments;
mod stream;
mod why;
