//! The Elasticsearch store against a real server, directly and through a proxy that makes faults.

pub(crate) mod cluster;
mod fencing;
mod older;
mod reading;
mod rebuild;
mod troubles;
