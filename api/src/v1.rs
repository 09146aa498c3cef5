//! Version 1 of the API: one file a path.

pub(crate) mod coverage;
pub(crate) mod diff;
pub(crate) mod document;
pub(crate) mod export;
pub(crate) mod lookup;
pub(crate) mod overview;
pub(crate) mod parameters;
pub(crate) mod pipeline;
pub(crate) mod regions;
pub(crate) mod retry;
pub(crate) mod routes;
pub(crate) mod runs;
pub(crate) mod shipment;
pub(crate) mod shipments;
pub(crate) mod spaces;
pub(crate) mod stream;
pub(crate) mod why;
