//! The answer: whether the stored shipment is what its records make, and where each part of it comes from.

use eip_contract::{EventType, Offset};
use eip_views::SHIPMENTS;
use eip_views::shipments::SOURCES;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::runs::{RunBehind, runs, time_text};
use super::trace::{Became, Step, Trace};
use super::{Logged, Stored};
use crate::openapi::views::{EventTypeName, Shipment, ShipmentEvent};

#[derive(Serialize, ToSchema)]
pub(super) struct Why {
    order_id: String,
    partition: u32,
    /// Whether shipment and events are what all records of the order in the log make.
    pub(super) agrees: bool,
    /// Why not.
    words: Vec<String>,
    /// What is not known any more.
    lost: Vec<String>,
    read: Read,
    #[schema(value_type = Option<Shipment>)]
    shipment: Option<Box<RawValue>>,
    fields: Vec<FieldSource>,
    events: Vec<TypeSource>,
    records: Vec<Record>,
    runs: Vec<RunBehind>,
}

/// How far the order's partition was read.
#[derive(Serialize, ToSchema)]
struct Read {
    /// By the views.
    #[schema(value_type = Option<u64>)]
    views: Option<Offset>,
    /// Of the cache for this answer.
    #[schema(value_type = u64)]
    cache: Offset,
    /// Of cache and log for this answer.
    #[schema(value_type = u64)]
    log: Offset,
    /// What there is.
    #[schema(value_type = u64)]
    end: Offset,
}

/// A field of the shipment.
#[derive(Serialize, ToSchema)]
struct FieldSource {
    field: &'static str,
    value: Json,
    /// Which facts it follows from.
    rule: &'static str,
    #[schema(value_type = Vec<EventTypeName>)]
    types: Vec<EventType>,
    /// The offsets of their records.
    #[schema(value_type = Vec<u64>)]
    records: Vec<Offset>,
    /// Records whose content these replaced, or that were retracted.
    #[schema(value_type = Vec<u64>)]
    before: Vec<Offset>,
    /// Whether these records give this value.
    agrees: bool,
}

/// A type of which the order has or had an event.
#[derive(Serialize, ToSchema)]
struct TypeSource {
    #[schema(value_type = EventTypeName)]
    event_type: EventType,
    /// None when it was retracted.
    #[schema(value_type = Option<ShipmentEvent>)]
    event: Option<Box<RawValue>>,
    #[schema(value_type = Option<u64>)]
    record: Option<Offset>,
    /// The first record that said the same, with nothing else since.
    #[schema(value_type = Option<u64>)]
    since: Option<Offset>,
    #[schema(value_type = Vec<u64>)]
    before: Vec<Offset>,
}

/// A record of the order.
#[derive(Serialize, ToSchema)]
struct Record {
    #[schema(value_type = u64)]
    offset: Offset,
    /// None of what earlier programs wrote.
    appended_at: Option<String>,
    /// None in a tombstone, as what follows.
    #[schema(value_type = Option<EventTypeName>)]
    event_type: Option<EventType>,
    event_id: Option<String>,
    event_at: Option<String>,
    seller_region: Option<String>,
    customer_region: Option<String>,
    estimated_delivery_at: Option<String>,
    run: Option<String>,
    became: Became,
    /// The later record that did that.
    #[schema(value_type = Option<u64>)]
    by: Option<Offset>,
}

impl Why {
    pub(super) fn of(order_id: &str, stored: &Stored, logged: &Logged) -> Self {
        let records = &logged.records;
        let all: Vec<_> = records.records.iter().map(|(o, r)| (*o, r)).collect();
        // The latest records that make what is stored.
        let makes = |count: &usize| {
            let trace = Trace::of(all[..*count].iter().copied());
            trace.shipment(order_id) == stored.shipment && trace.events() == stored.events
        };
        let made_of = (0..=all.len()).rev().find(makes);
        let explained = made_of.unwrap_or(all.len());
        let trace = Trace::of(all[..explained].iter().copied());
        let mut steps = trace.steps.clone();
        steps.extend(all[explained..].iter().map(|&(offset, record)| Step {
            offset,
            record,
            became: Became::NotRead,
            by: None,
        }));
        let views = stored.offsets.get(records.partition as usize).copied();
        let mut lost = Vec::new();
        if let Some(error) = &records.unread {
            lost.push(format!(
                "records of partition {} from offset {} on cannot be read: {error}",
                records.partition, records.upto
            ));
        }
        let undated = steps
            .iter()
            .filter(|step| step.record.appended_ms.is_none());
        match undated.count() {
            0 => {}
            count => lost.push(format!(
                "{count} of the records do not say when they were appended: an earlier program wrote them"
            )),
        }
        let runs = runs(&steps, &logged.runs, &mut lost);
        Self {
            order_id: order_id.to_owned(),
            partition: records.partition,
            agrees: made_of == Some(all.len()),
            words: words(stored, logged, views, made_of),
            lost,
            read: Read {
                views,
                cache: records.cached,
                log: records.upto,
                end: logged.end,
            },
            shipment: stored.shipment.clone().map(raw_json),
            fields: fields(order_id, &trace, stored),
            events: events(&trace),
            records: steps.iter().map(Record::of).collect(),
            runs,
        }
    }
}

/// Why shipment and records do not agree, and what else is to be known.
fn words(
    stored: &Stored,
    logged: &Logged,
    views: Option<Offset>,
    made_of: Option<usize>,
) -> Vec<String> {
    let records = &logged.records;
    let partition = records.partition;
    let mut words = Vec::new();
    if let Some(views) = views
        && views > logged.end
        && records.unread.is_none()
    {
        words.push(format!(
            "the views are ahead of the log: they have read partition {partition} up to {views}, and the log \
             ends at {}: it was cut or restored",
            logged.end
        ));
    }
    let count = records.records.len();
    let Some(made_of) = made_of else {
        words.push(if records.unread.is_some() {
            "the shipment cannot be made of the records that were found".to_owned()
        } else if stored.is_behind {
            "the shipment is just being written; ask again".to_owned()
        } else {
            "the shipment is not what its records make: `eip verify` says what else differs, and `eip \
             repair` mends it"
                .to_owned()
        });
        return words;
    };
    if let Some((&next, _)) = records.records.iter().nth(made_of) {
        let later = count - made_of;
        words.push(match views {
            Some(views) if views > next && !stored.is_behind => format!(
                "the shipment is that of before offset {next}, and the views have read partition \
                 {partition} up to {views}: `eip verify` says what else differs, and `eip repair` mends it"
            ),
            _ => format!(
                "the views are behind: they do not show the last {later} of {count} records yet, from \
                 offset {next} on"
            ),
        });
    }
    words
}

fn fields(order_id: &str, trace: &Trace<'_>, stored: &Stored) -> Vec<FieldSource> {
    let facts = trace.facts(&eip_contract::Dictionary::default());
    let object = |line: Option<&str>| -> Map<String, Json> {
        line.and_then(|line| serde_json::from_str(line).ok())
            .unwrap_or_default()
    };
    let mut shown = object(stored.shipment.as_deref());
    let made = object(trace.shipment(order_id).as_deref());
    if shown.is_empty() {
        return Vec::new();
    }
    let columns = SHIPMENTS.columns.iter().zip(SOURCES);
    columns
        .map(|(column, source)| {
            let types = source.types(&facts);
            let standing = |&event_type: &EventType| Some(trace.standing(event_type)?.1.offset);
            let value = shown.remove(column.name).unwrap_or_default();
            FieldSource {
                field: column.name,
                agrees: made.get(column.name) == Some(&value),
                value,
                rule: source.words(),
                records: types.iter().filter_map(standing).collect(),
                before: trace.before(source.possible()),
                types,
            }
        })
        .collect()
}

fn events(trace: &Trace<'_>) -> Vec<TypeSource> {
    let event = |event_type: EventType| {
        let standing = trace.standing(event_type);
        let before = trace.before(&[event_type]);
        if standing.is_none() && before.is_empty() {
            return None;
        }
        Some(TypeSource {
            event_type,
            event: standing.map(|(event, _)| raw_json(event.to_json())),
            record: standing.map(|(_, step)| step.offset),
            since: trace.since(event_type),
            before,
        })
    };
    EventType::ALL.into_iter().filter_map(event).collect()
}

impl Record {
    fn of(step: &Step<'_>) -> Self {
        let event = step.record.event.as_ref();
        Self {
            offset: step.offset,
            appended_at: step.record.appended_ms.and_then(time_text),
            event_type: event.map(|event| event.event_type),
            event_id: event.map(|event| event.event_id().to_string()),
            event_at: event.map(|event| event.event_at.to_string()),
            seller_region: event.map(|event| event.seller_region.to_string()),
            customer_region: event.map(|event| event.customer_region.to_string()),
            estimated_delivery_at: event
                .and_then(|event| event.estimated_delivery_at)
                .map(|time| time.to_string()),
            run: step.record.run.clone(),
            became: step.became,
            by: step.by,
        }
    }
}

/// A canonical line as it is.
fn raw_json(line: String) -> Box<RawValue> {
    RawValue::from_string(line).expect("a canonical line is JSON")
}
