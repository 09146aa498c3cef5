//! Bytes of a record → its packed change, on the hot path of every reader that holds all orders.

use std::sync::Arc;

use crate::dead_letter::DeadLetter;
use crate::decode::{Canonical, decode};
use crate::dictionary::{Dictionary, OrderKey, RegionCode};
use crate::event::Event;
use crate::event_type::EventType;
use crate::facts::Fact;
use crate::record::{Change, check_key, decode_record};

/// What one record does to one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedChange {
    /// A fact holds from here on.
    Assert(OrderKey, EventType, Fact),
    /// Every earlier fact of the order is gone.
    Retract(OrderKey),
}

/// Packs events of one worker. Keeps the codes of two-letter regions in a table of its own, so
/// that the shared dictionary is rarely asked.
pub struct Packer {
    dictionary: Arc<Dictionary>,
    /// By the two bytes of the region: its code + 1, or 0 for one not seen yet.
    two_letters: Box<[u32; 1 << 16]>,
}

impl Packer {
    /// A packer over a shared dictionary.
    pub fn new(dictionary: Arc<Dictionary>) -> Self {
        Self {
            dictionary,
            two_letters: empty_table(),
        }
    }

    /// The dictionary that gives the codes their meaning.
    pub fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    /// Decodes and packs one record; the same verdict as [`decode_record`].
    #[inline]
    pub fn record(
        &mut self,
        partitions: u32,
        partition: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<PackedChange, DeadLetter> {
        if let Some(value) = value
            && let Some(key) = key
            && let Some(fields) = Canonical::scan(value)
            && key == fields.order_id
        {
            check_key(partitions, partition, key)?;
            return self.canonical(&fields);
        }
        match decode_record(partitions, partition, key, value)? {
            Change::Assert(decoded) => self.event(&decoded.event),
            Change::Retract(order_id) => {
                Ok(PackedChange::Retract(self.dictionary.order_key(order_id)))
            }
        }
    }

    /// Decodes and packs a value alone, for a log without keys; a tombstone has no such form.
    #[inline]
    pub fn value(&mut self, value: &[u8]) -> Result<PackedChange, DeadLetter> {
        match Canonical::scan(value) {
            Some(fields) => self.canonical(&fields),
            None => self.event(&decode(value)?.event),
        }
    }

    /// Packs an event.
    pub fn event(&mut self, event: &Event<'_>) -> Result<PackedChange, DeadLetter> {
        let fact = Fact {
            event_at: event.event_at,
            estimated_delivery_at: event.estimated_delivery_at,
            seller_region: self.region(event.seller_region.as_bytes())?,
            customer_region: self.region(event.customer_region.as_bytes())?,
        };
        Ok(PackedChange::Assert(
            self.dictionary.order_key(&event.order_id),
            event.event_type,
            fact,
        ))
    }

    #[inline]
    fn canonical(&mut self, fields: &Canonical<'_>) -> Result<PackedChange, DeadLetter> {
        let order = match fields.order_number.and_then(OrderKey::from_number) {
            Some(order) => order,
            None => self.dictionary.order_key(text(fields.order_id)),
        };
        let fact = Fact {
            event_at: fields.event_at,
            estimated_delivery_at: fields.estimated_delivery_at,
            seller_region: self.region(fields.seller_region)?,
            customer_region: self.region(fields.customer_region)?,
        };
        Ok(PackedChange::Assert(order, fields.event_type, fact))
    }

    /// The code of a region, given as checked UTF-8.
    #[inline]
    pub fn region(&mut self, region: &[u8]) -> Result<RegionCode, DeadLetter> {
        let Ok(two) = <[u8; 2]>::try_from(region) else {
            return self.dictionary.region_code(text(region));
        };
        let known = &mut self.two_letters[usize::from(u16::from_le_bytes(two))];
        if *known == 0 {
            *known = self.dictionary.region_code(text(region))?.0 + 1;
        }
        Ok(RegionCode(*known - 1))
    }
}

/// Made on the heap: as an array it would pass over the stack first.
fn empty_table() -> Box<[u32; 1 << 16]> {
    vec![0; 1 << 16]
        .try_into()
        .expect("as many entries as asked for")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("decoded as text")
}
