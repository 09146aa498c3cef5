//! Schemas of what the views hold, from their columns.

use std::borrow::Cow;

use eip_contract::EventType;
use eip_stores::query::StatsGroup;
use eip_views::{Column, Kind, SHIPMENT_EVENTS, SHIPMENTS, Unit, View};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// A document of the view of shipments, as answers hold it.
pub(crate) struct Shipment;

/// A document of the view of events.
pub(crate) struct ShipmentEvent;

impl PartialSchema for Shipment {
    fn schema() -> RefOr<Schema> {
        document(
            &SHIPMENTS,
            "One order with a current fact, in its canonical form.",
        )
    }
}

impl ToSchema for Shipment {
    fn name() -> Cow<'static, str> {
        "Shipment".into()
    }
}

impl PartialSchema for ShipmentEvent {
    fn schema() -> RefOr<Schema> {
        document(
            &SHIPMENT_EVENTS,
            "A current fact of an order, in its canonical form.",
        )
    }
}

impl ToSchema for ShipmentEvent {
    fn name() -> Cow<'static, str> {
        "ShipmentEvent".into()
    }
}

/// The type of an event.
pub(crate) struct EventTypeName;

impl PartialSchema for EventTypeName {
    fn schema() -> RefOr<Schema> {
        RefOr::T(names().into())
    }
}

impl ToSchema for EventTypeName {
    fn name() -> Cow<'static, str> {
        "EventType".into()
    }
}

fn names() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(EventType::ALL.map(EventType::name)))
}

/// An object with the columns of a view.
fn document(view: &View, description: &str) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new().description(Some(description));
    let mut inner: Option<(&str, ObjectBuilder)> = None;
    for known in view.columns {
        match known.within {
            None => {
                object = object
                    .property(known.name, column(known))
                    .required(known.name);
            }
            Some(name) => {
                let (_, within) = inner.unwrap_or_else(|| (name, ObjectBuilder::new()));
                let within = within.property(known.name, column(known));
                inner = Some((name, within.required(known.name)));
            }
        }
    }
    if let Some((name, within)) = inner {
        object = object.property(name, within).required(name);
    }
    RefOr::T(object.into())
}

/// A value of a column.
fn column(column: &Column) -> Schema {
    let (plain, format) = match column.kind {
        Kind::Id | Kind::Text | Kind::EventType => (Type::String, None),
        Kind::Time => (Type::String, Some(KnownFormat::DateTime)),
        Kind::Day => (Type::String, Some(KnownFormat::Date)),
        Kind::Integer => (Type::Integer, Some(KnownFormat::Int64)),
        Kind::Boolean => (Type::Boolean, None),
    };
    let mut object = ObjectBuilder::new()
        .schema_type(or_null(plain, column.nullable))
        .format(format.map(SchemaFormat::KnownFormat));
    if column.kind == Kind::EventType {
        object = object.enum_values(Some(EventType::ALL.map(EventType::name)));
    }
    if column.unit == Unit::Seconds {
        object = object.description(Some("Seconds."));
    }
    object.into()
}

fn or_null(plain: Type, nullable: bool) -> SchemaType {
    if nullable {
        SchemaType::Array(vec![plain, Type::Null])
    } else {
        SchemaType::Type(plain)
    }
}

/// The members of a group's figures: the columns that add up, then what is computed from them.
pub(crate) fn figures() -> RefOr<Schema> {
    let integer = |nullable, description: &'static str| -> Schema {
        ObjectBuilder::new()
            .schema_type(or_null(Type::Integer, nullable))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some(description))
            .into()
    };
    let percentile = "Seconds; null unless all lead times are of one stored row.";
    let mut members: Vec<(&str, Schema)> = vec![("rows", integer(false, "Stored rows."))];
    members.extend(StatsGroup::summed().map(|known| (known.name, column(known))));
    members.extend([
        ("lead_seconds_p50", integer(true, percentile)),
        ("lead_seconds_p90", integer(true, percentile)),
        ("lead_seconds_p99", integer(true, percentile)),
        (
            "on_time_basis_points",
            integer(true, "Of the deliveries; null without one."),
        ),
        (
            "lead_seconds_average",
            integer(true, "Rounded down; null without a lead time."),
        ),
    ]);
    let object = ObjectBuilder::new().description(Some("Sums over stored rows, and their rates."));
    let object = members.into_iter().fold(object, |object, (name, schema)| {
        object.property(name, schema).required(name)
    });
    RefOr::T(object.into())
}
