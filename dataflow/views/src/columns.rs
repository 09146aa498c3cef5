//! A column of a view and a value in it.

use std::borrow::Cow;

use eip_contract::{Day, EventTime, EventType};

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the canonical line.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether there may be none.
    pub nullable: bool,
    /// What its integers count or measure.
    pub unit: Unit,
    /// The object of the line that it is in, unless it is the line's own.
    pub within: Option<&'static str>,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What names a document: looked up, never sorted or counted by.
    Id,
    /// A text that is looked up, sorted and counted by.
    Text,
    /// An instant in whole seconds.
    Time,
    /// A day (UTC).
    Day,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// The type of an event.
    EventType,
}

/// What an integer counts or measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The column is no integer.
    None,
    /// Facts, shipments.
    Count,
    /// Seconds.
    Seconds,
}

impl Column {
    /// A column that always has a value.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            nullable: false,
            unit: Unit::None,
            within: None,
        }
    }

    /// The same, but there may be no value.
    #[must_use]
    pub const fn or_null(self) -> Self {
        Self {
            nullable: true,
            ..self
        }
    }

    /// An integer that counts.
    pub const fn count(name: &'static str) -> Self {
        Self {
            unit: Unit::Count,
            ..Self::new(name, Kind::Integer)
        }
    }

    /// An integer of seconds.
    pub const fn seconds(name: &'static str) -> Self {
        Self {
            unit: Unit::Seconds,
            ..Self::new(name, Kind::Integer)
        }
    }

    /// The same, inside of an object of the line.
    #[must_use]
    pub const fn within(self, object: &'static str) -> Self {
        Self {
            within: Some(object),
            ..self
        }
    }
}

/// A value of a column.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Value<'a> {
    /// None.
    Null,
    /// Of [`Kind::Id`] and [`Kind::Text`].
    Text(Cow<'a, str>),
    /// Of [`Kind::Time`].
    Time(EventTime),
    /// Of [`Kind::Day`].
    Day(Day),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::EventType`].
    EventType(EventType),
}

/// A row of a view: a value a column. The first ones, as many as the view's key has, name it.
pub type Row = Vec<Value<'static>>;

impl Value<'_> {
    /// The same with its own text.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Time(time) => Value::Time(time),
            Self::Day(day) => Value::Day(day),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::EventType(event_type) => Value::EventType(event_type),
        }
    }

    /// As a whole number, as embedded tables keep it: a time in seconds, a type by its rank; none
    /// for a text, a day and no value.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Time(time) => Some(time.seconds()),
            Self::Integer(integer) => Some(*integer),
            Self::Boolean(boolean) => Some(i64::from(*boolean)),
            Self::EventType(event_type) => Some(event_type.rank() as i64),
            Self::Null | Self::Text(_) | Self::Day(_) => None,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Day> for Value<'_> {
    fn from(day: Day) -> Self {
        Self::Day(day)
    }
}

impl From<EventType> for Value<'_> {
    fn from(event_type: EventType) -> Self {
        Self::EventType(event_type)
    }
}

impl From<EventTime> for Value<'_> {
    fn from(time: EventTime) -> Self {
        Self::Time(time)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
