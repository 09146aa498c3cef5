//! Canonical Fulfillment Event v1: the event, its identity and its bytes.
//!
//! This crate is the contract between every part of the project and does no I/O. It promises that
//! what it encodes it decodes again, that what it accepts has one canonical rendering, and that a
//! record it does not accept comes back as a typed reason ([`dead_letter`]), never as a panic.

pub mod dead_letter;
pub mod decode;
pub mod dictionary;
pub mod event;
pub mod event_type;
pub mod facts;
pub mod hex;
pub mod json;
pub mod offset;
pub mod packed;
pub mod partition;
pub mod record;
pub mod reject;
pub mod schema;
pub mod space;
pub mod time;

pub use dead_letter::DeadLetter;
pub use decode::{Decoded, decode};
pub use dictionary::{Dictionary, OrderKey, RegionCode};
pub use event::{Event, EventId};
pub use event_type::EventType;
pub use facts::{Fact, OrderFacts};
pub use offset::Offset;
pub use packed::{PackedChange, Packer};
pub use partition::partition_of;
pub use record::{Change, decode_record};
pub use reject::{Reject, RejectReason, RowPlace};
pub use space::{BadSpace, SPACES, Space};
pub use time::{Day, EventTime};
