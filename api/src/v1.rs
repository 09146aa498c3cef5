//! The first version of the API, a file for each path.

pub(crate) mod routes;
pub(crate) mod shipments;
