//! The columns of a cache file.
//!
//! The first seven are all that the engine loads; they lie together in each row group, so that one
//! read and one checksum serve them. Texts are texts and times are UTC timestamps for whoever opens
//! the files with another program.

use std::sync::{Arc, LazyLock};

use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};

/// The columns by their place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Name of the type; null in a tombstone, like all of the event but its order.
    EventType,
    EventAt,
    OrderId,
    SellerRegion,
    CustomerRegion,
    EstimatedDeliveryAt,
    Offset,
    Partition,
    /// As the record has it, not as it should be; null when that is no 32 hex digits.
    EventId,
    Run,
    Parts,
    Due,
    /// Not in the files of earlier programs, so it is the last one.
    AppendedAt,
}

/// How many columns there are.
pub(crate) const COLUMNS: usize = Column::AppendedAt as usize + 1;
/// How many of them, from the first on, hold the packed facts.
pub(crate) const HOT_COLUMNS: usize = Column::Offset as usize + 1;

const MESSAGE: &str = "
message fulfillment_record {
    OPTIONAL BYTE_ARRAY event_type (STRING);
    OPTIONAL INT64 event_at (TIMESTAMP(MICROS,true));
    REQUIRED BYTE_ARRAY order_id (STRING);
    OPTIONAL BYTE_ARRAY seller_region (STRING);
    OPTIONAL BYTE_ARRAY customer_region (STRING);
    OPTIONAL INT64 estimated_delivery_at (TIMESTAMP(MICROS,true));
    REQUIRED INT64 offset;
    REQUIRED INT32 partition;
    OPTIONAL BYTE_ARRAY event_id (STRING);
    OPTIONAL BYTE_ARRAY run (STRING);
    OPTIONAL BYTE_ARRAY parts (STRING);
    OPTIONAL INT64 due (TIMESTAMP(MICROS,true));
    OPTIONAL INT64 appended_at (TIMESTAMP(MILLIS,true));
}";

/// The schema of every cache file.
pub(crate) fn descriptor() -> &'static SchemaDescPtr {
    static DESCRIPTOR: LazyLock<SchemaDescPtr> = LazyLock::new(|| {
        let message = parse_message_type(MESSAGE).expect("the schema is well-formed");
        let descriptor = SchemaDescriptor::new(Arc::new(message));
        assert_eq!(descriptor.num_columns(), COLUMNS, "a name for each column");
        Arc::new(descriptor)
    });
    &DESCRIPTOR
}
