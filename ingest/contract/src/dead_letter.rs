//! Why a record of the log is no canonical event (semantics, section 3).

/// The reason; position and bytes are with whoever read the record.
///
/// A dead letter changes no view and stops nothing. Fields are named as on the wire, a field of
/// the payload as `payload.estimatedDeliveryAt`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadLetter {
    /// The value is not one JSON object.
    #[error("not a JSON object")]
    NotJson,
    /// A field is not there.
    #[error("no field {0}")]
    MissingField(&'static str),
    /// A field is there twice.
    #[error("field {0} is there twice")]
    DoubledField(&'static str),
    /// A field has another JSON type than the contract says.
    #[error("field {0} has another type")]
    IllTyped(&'static str),
    /// eventType is none of the six.
    #[error("unknown eventType")]
    UnknownType,
    /// source is not that of the type.
    #[error("source is not that of the eventType")]
    WrongSource,
    /// A time that is not `YYYY-MM-DDTHH:MM:SSZ`, not real, or out of range.
    #[error("{field} is {why}")]
    BadTime {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: crate::time::TimeError,
    },
    /// orderId is empty, over 512 bytes or has a control character.
    #[error("orderId is empty, over 512 bytes or has a control character")]
    BadOrderId,
    /// A region is over 16 bytes or has a control character.
    #[error("{0} is over 16 bytes or has a control character")]
    BadRegion(&'static str),
    /// More different regions than fit: [`MAX_REGIONS`](crate::dictionary::MAX_REGIONS).
    #[error("more than 8,388,608 different regions")]
    TooManyRegions,
    /// The record has no key.
    #[error("no key")]
    NullKey,
    /// The key is another text than orderId.
    #[error("the key is not the orderId")]
    KeyMismatch,
    /// The key belongs to another partition by murmur2.
    #[error("the key belongs to partition {expected}")]
    WrongPartition {
        /// Where it belongs.
        expected: u32,
    },
}

impl DeadLetter {
    /// A short fixed name to count by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::MissingField(_) => "missing_field",
            Self::DoubledField(_) => "doubled_field",
            Self::IllTyped(_) => "ill_typed",
            Self::UnknownType => "unknown_type",
            Self::WrongSource => "wrong_source",
            Self::BadTime { .. } => "bad_time",
            Self::BadOrderId => "bad_order_id",
            Self::BadRegion(_) => "bad_region",
            Self::TooManyRegions => "too_many_regions",
            Self::NullKey => "null_key",
            Self::KeyMismatch => "key_mismatch",
            Self::WrongPartition { .. } => "wrong_partition",
        }
    }
}
