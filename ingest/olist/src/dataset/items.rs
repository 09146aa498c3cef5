//! The items file → each order's seller: that of its lowest `order_item_id`.

use eip_contract::RejectReason;

use super::orders::Added;
use super::{Dataset, References};
use crate::error::OlistError;
use crate::keyed::{Entry, Form, Key, KeyBits, Keyed, Probe, from_bits, to_bits};
use crate::regions::Regions;
use crate::table::{ITEMS, Table, key};

/// The key of an accepted item, 28 bytes, to know a second one. An order keeps its lowest number
/// itself, so that only its other items are here, and those of orders that are not accepted.
struct Item {
    bits: KeyBits,
    number: [u32; 2],
    form: Form,
}

impl Entry for Item {
    fn key(&self) -> Key {
        Key {
            form: self.form,
            bits: from_bits(self.bits),
        }
    }

    fn number(&self) -> u64 {
        u64::from(self.number[1]) << 32 | u64::from(self.number[0])
    }
}

impl Keyed<Item> {
    /// Adds the key of an item; false when it is there already.
    fn add(&mut self, order: Probe<'_>, number: u64) -> bool {
        let item = |Key { form, bits }| Item {
            bits: to_bits(bits),
            number: [number as u32, (number >> 32) as u32],
            form,
        };
        self.insert(order, number, item).is_some()
    }
}

impl Dataset {
    pub(super) fn read_items(
        &mut self,
        mut table: Table<3>,
        sellers: &Regions,
    ) -> Result<(), OlistError> {
        let mut items = Keyed::<Item>::default();
        while let Some(row) = table.next()? {
            let accepted = row.values.and_then(|[order_id, number, seller_id]| {
                let order_id = key(order_id).map_err(|reason| (ITEMS.columns[0], reason))?;
                let number =
                    whole_number(number).ok_or((ITEMS.columns[1], RejectReason::NotANumber))?;
                let order = self.orders.find(order_id, 0);
                if order.is_none() && self.references == References::Closed {
                    return Err((ITEMS.columns[0], RejectReason::Unresolved));
                }
                self.check_reference(sellers, seller_id)
                    .map_err(|reason| (ITEMS.columns[2], reason))?;
                let added = match order {
                    Some(index) => {
                        let order = self.orders.get_mut(index);
                        let seller = || sellers.state_of(seller_id);
                        match order.add_item(number, seller) {
                            Added::First => true,
                            Added::Again => false,
                            Added::Beside(other) => items.add(Probe::of_index(index), other),
                        }
                    }
                    None => items.add(order_id, number),
                };
                added
                    .then_some(())
                    .ok_or((ITEMS.columns[1], RejectReason::Duplicate))
            });
            if let Err((field, reason)) = accepted {
                let order_id = row.first.filter(|id| key(id).is_ok());
                let order_id = order_id.and_then(|id| std::str::from_utf8(id).ok());
                self.rejects
                    .add(ITEMS.file, row.line, field, reason, order_id);
            }
        }
        self.finish(&table);
        Ok(())
    }
}

/// A whole number from 0 to 2⁶³ − 1, with any number of zeros before it.
fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let number = text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            None
        } else {
            number.checked_mul(10)?.checked_add(u64::from(digit))
        }
    })?;
    i64::try_from(number).ok().map(i64::cast_unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_28_bytes() {
        assert_eq!(size_of::<Item>(), 28);
    }

    #[test]
    fn an_item_number_is_a_whole_number_of_63_bits() {
        for (text, number) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("0000000000000000000000000000009", Some(9)),
            ("9223372036854775808", None),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            (" 1", None),
            ("one", None),
            ("١", None),
        ] {
            assert_eq!(whole_number(text.as_bytes()), number, "{text:?}");
        }
    }
}
