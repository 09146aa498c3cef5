//! What became of each record of an order: which facts stand, and what replaced or retracted the others.

use eip_contract::{Dictionary, Event, EventType, Fact, Offset};
use eip_parquet_cache::OrderRecord;
use eip_views::shipments::{Facts, Shipment};
use serde::Serialize;
use utoipa::ToSchema;

/// What a record is to the order now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Became {
    /// Its fact stands.
    Stands,
    /// A later record says the same.
    Repeated,
    /// A later record gives the fact another content.
    Superseded,
    /// A later tombstone took it away.
    Retracted,
    /// It is a tombstone.
    Tombstone,
    /// It came after those that made the document.
    NotRead,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) offset: Offset,
    pub(super) record: &'a OrderRecord,
    pub(super) became: Became,
    /// The later record that did it.
    pub(super) by: Option<Offset>,
}

/// The records of an order in the log's order.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// By rank the place of the record whose fact stands.
    standing: [Option<usize>; 6],
}

impl<'a> Trace<'a> {
    /// Follows the records, which come in the order of their offsets.
    pub(super) fn of(records: impl Iterator<Item = (Offset, &'a OrderRecord)>) -> Self {
        let mut trace = Self::default();
        for (offset, record) in records {
            trace.take(offset, record);
        }
        trace
    }

    fn take(&mut self, offset: Offset, record: &'a OrderRecord) {
        let place = self.steps.len();
        let became = if let Some(event) = &record.event {
            let standing = &mut self.standing[event.event_type.rank()];
            if let Some(before) = standing.replace(place) {
                let before = &mut self.steps[before];
                let is_same = before.record.event.as_ref() == Some(event);
                before.became = if is_same {
                    Became::Repeated
                } else {
                    Became::Superseded
                };
                before.by = Some(offset);
            }
            Became::Stands
        } else {
            for standing in &mut self.standing {
                if let Some(before) = standing.take() {
                    self.steps[before].became = Became::Retracted;
                    self.steps[before].by = Some(offset);
                }
            }
            Became::Tombstone
        };
        self.steps.push(Step {
            offset,
            record,
            became,
            by: None,
        });
    }

    /// The event of a type that stands, and its record.
    pub(super) fn standing(&self, event_type: EventType) -> Option<(&'a Event<'static>, Step<'a>)> {
        let step = self.steps[self.standing[event_type.rank()]?];
        Some((step.record.event.as_ref()?, step))
    }

    /// The first record since which the fact of a type has stood as it is.
    pub(super) fn since(&self, event_type: EventType) -> Option<Offset> {
        let (event, step) = self.standing(event_type)?;
        let mut since = step.offset;
        for step in self.steps.iter().rev() {
            let event_of = step.record.event.as_ref();
            match event_of.filter(|event| event.event_type == event_type) {
                Some(_) if step.became == Became::Stands => {}
                Some(before) if step.became == Became::Repeated && before == event => {
                    since = step.offset;
                }
                Some(_) => break,
                None => {}
            }
        }
        Some(since)
    }

    /// The records of these types whose content was replaced or taken away.
    pub(super) fn before(&self, types: &[EventType]) -> Vec<Offset> {
        let gone = |step: &&Step<'_>| matches!(step.became, Became::Superseded | Became::Retracted);
        let of_types = |step: &&Step<'_>| {
            let event = step.record.event.as_ref();
            event.is_some_and(|event| types.contains(&event.event_type))
        };
        let steps = self.steps.iter().filter(gone).filter(of_types);
        steps.map(|step| step.offset).collect()
    }

    /// The facts that stand; regions get their codes from `dictionary`.
    pub(super) fn facts(&self, dictionary: &Dictionary) -> Facts {
        let code = |region: &str| {
            let code = dictionary.region_code(region);
            code.expect("an order names a dozen regions at most")
        };
        EventType::ALL.map(|event_type| {
            let (event, _) = self.standing(event_type)?;
            Some(Fact {
                event_at: event.event_at,
                estimated_delivery_at: event.estimated_delivery_at,
                seller_region: code(&event.seller_region),
                customer_region: code(&event.customer_region),
            })
        })
    }

    /// The canonical line of the shipment that these facts make; none without a fact.
    pub(super) fn shipment(&self, order_id: &str) -> Option<String> {
        let dictionary = Dictionary::default();
        let shipment = Shipment::of(&self.facts(&dictionary))?;
        let mut line = Vec::with_capacity(512);
        shipment.encode(dictionary.order_key(order_id), &dictionary, &mut line);
        Some(String::from_utf8(line).expect("made of texts"))
    }

    /// The canonical lines of the events that stand, by rank.
    pub(super) fn events(&self) -> Vec<String> {
        let standing = EventType::ALL.into_iter();
        let standing = standing.filter_map(|event_type| self.standing(event_type));
        standing.map(|(event, _)| event.to_json()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eip_contract::EventTime;

    use super::*;

    fn record(event: Option<(EventType, i64)>) -> OrderRecord {
        OrderRecord {
            event: event.map(|(event_type, second)| Event {
                event_type,
                event_at: EventTime::from_seconds(second).unwrap(),
                order_id: "o".into(),
                seller_region: "SP".into(),
                customer_region: "RJ".into(),
                estimated_delivery_at: None,
            }),
            run: None,
            appended_ms: None,
        }
    }

    #[test]
    fn each_record_says_what_replaced_it() {
        use EventType::{Delivered, OrderPlaced};
        let records: BTreeMap<Offset, OrderRecord> = [
            (3, Some((OrderPlaced, 1))),
            (5, Some((Delivered, 9))),
            (6, Some((OrderPlaced, 1))),
            (8, Some((OrderPlaced, 2))),
            (9, None),
            (11, Some((OrderPlaced, 4))),
            (12, Some((OrderPlaced, 4))),
        ]
        .map(|(offset, event)| (Offset(offset), record(event)))
        .into();
        let trace = Trace::of(records.iter().map(|(offset, record)| (*offset, record)));
        let became: Vec<_> = trace
            .steps
            .iter()
            .map(|step| (step.offset.0, step.became, step.by.map(|by| by.0)))
            .collect();
        assert_eq!(
            became,
            [
                (3, Became::Repeated, Some(6)),
                (5, Became::Retracted, Some(9)),
                (6, Became::Superseded, Some(8)),
                (8, Became::Retracted, Some(9)),
                (9, Became::Tombstone, None),
                (11, Became::Repeated, Some(12)),
                (12, Became::Stands, None),
            ]
        );
        assert_eq!(trace.since(OrderPlaced), Some(Offset(11)));
        assert_eq!(trace.since(Delivered), None);
        let before = |types: &[EventType]| -> Vec<u64> {
            trace.before(types).iter().map(|offset| offset.0).collect()
        };
        assert_eq!(before(&[Delivered]), [5]);
        assert_eq!(before(&EventType::ALL), [5, 6, 8]);
        assert_eq!(trace.events().len(), 1);
        let line = trace.shipment("o").unwrap();
        assert!(
            line.contains("\"placedAt\":\"1970-01-01T00:00:04Z\""),
            "{line}"
        );
        assert_eq!(Trace::default().shipment("o"), None);
    }
}
