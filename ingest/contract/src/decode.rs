//! Bytes of a record's value → an event, or the reason why not.
//!
//! Two ways lead to the same result: [`canonical`] for the layout that this project writes, at a
//! few nanoseconds an event and without a copy, and [`general`] for any other JSON.

mod canonical;
mod general;

use crate::dead_letter::DeadLetter;
use crate::event::{Event, EventId};

pub(crate) use canonical::Canonical;

/// An event as read, and whether the record's own eventId fits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The event.
    pub event: Event<'a>,
    /// The eventId as written; `None` when that is no 32 lower-case hex digits. Views use the
    /// computed one, `verify` reports where the two differ.
    pub written_id: Option<EventId>,
}

impl Decoded<'_> {
    /// Whether the record carries the eventId that follows from its fields.
    pub fn id_fits(&self) -> bool {
        self.written_id == Some(self.event.event_id())
    }
}

/// Decodes a record's value. Borrows from it where the texts hold no escapes.
pub fn decode(value: &[u8]) -> Result<Decoded<'_>, DeadLetter> {
    match Canonical::scan(value) {
        Some(fields) => Ok(fields.decoded()),
        None => general::decode(value),
    }
}

#[cfg(test)]
mod tests;
