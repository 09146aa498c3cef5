//! One record of the log: key, value and partition together → what it changes, or a dead letter.

use crate::dead_letter::DeadLetter;
use crate::decode::{Decoded, decode};
use crate::partition::partition_of;
use crate::reject::is_order_id;

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A fact holds from here on.
    Assert(Decoded<'a>),
    /// A tombstone: every earlier fact of this order is gone.
    Retract(&'a str),
}

/// Decodes one record of partition `partition` among `partitions`. A missing value is a tombstone.
pub fn decode_record<'a>(
    partitions: u32,
    partition: u32,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
) -> Result<Change<'a>, DeadLetter> {
    let decoded = value.map(decode).transpose()?;
    let key = key.ok_or(DeadLetter::NullKey)?;
    let Some(decoded) = decoded else {
        let order_id = std::str::from_utf8(key).map_err(|_| DeadLetter::BadOrderId)?;
        if !is_order_id(key) {
            return Err(DeadLetter::BadOrderId);
        }
        check_key(partitions, partition, key)?;
        return Ok(Change::Retract(order_id));
    };
    if key != decoded.event.order_id.as_bytes() {
        return Err(DeadLetter::KeyMismatch);
    }
    check_key(partitions, partition, key)?;
    Ok(Change::Assert(decoded))
}

#[inline]
pub(crate) fn check_key(partitions: u32, partition: u32, key: &[u8]) -> Result<(), DeadLetter> {
    let expected = partition_of(key, partitions);
    if expected == partition {
        Ok(())
    } else {
        Err(DeadLetter::WrongPartition { expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, EventTime, EventType};

    fn json(order_id: &str) -> Vec<u8> {
        Event {
            event_type: EventType::OrderPlaced,
            event_at: EventTime::MIN,
            order_id: order_id.into(),
            seller_region: "SP".into(),
            customer_region: "RJ".into(),
            estimated_delivery_at: None,
        }
        .to_json()
        .into_bytes()
    }

    #[test]
    fn a_record_counts_only_under_its_own_key_and_partition() {
        let value = json("o1");
        let home = partition_of(b"o1", 4);
        let away = (home + 1) % 4;
        let decoded = |partition, key, value| decode_record(4, partition, key, value);
        assert!(matches!(
            decoded(home, Some(b"o1"), Some(&value)),
            Ok(Change::Assert(_))
        ));
        assert_eq!(decoded(home, Some(b"o1"), None), Ok(Change::Retract("o1")));
        assert_eq!(decoded(home, None, Some(&value)), Err(DeadLetter::NullKey));
        assert_eq!(decoded(home, None, None), Err(DeadLetter::NullKey));
        assert_eq!(
            decoded(home, Some(b"o2"), Some(&value)),
            Err(DeadLetter::KeyMismatch)
        );
        let elsewhere = Err(DeadLetter::WrongPartition { expected: home });
        assert_eq!(decoded(away, Some(b"o1"), Some(&value)), elsewhere);
        assert_eq!(decoded(away, Some(b"o1"), None), elsewhere);
        assert_eq!(decoded(0, Some(b""), None), Err(DeadLetter::BadOrderId));
        assert_eq!(decoded(0, Some(&[0xff]), None), Err(DeadLetter::BadOrderId));
        assert_eq!(
            decoded(home, Some(b"o1"), Some(b"{")),
            Err(DeadLetter::NotJson)
        );
    }
}
