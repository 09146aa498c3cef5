//! What a search of shipments wants: a condition, an order, a place to go on from. Typed columns and
//! values only; no query language of a store passes through.

use eip_views::Value;

/// What a shipment must be. Columns are places in [`eip_views::SHIPMENTS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All of them; with none, every shipment meets it.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
    /// Not that.
    Not(Box<Condition>),
    /// The column has one of these values.
    OneOf(usize, Vec<Value<'static>>),
    /// The column has a value from the first on and below the second, where these are given.
    Range {
        /// The column.
        column: usize,
        /// The least value.
        from: Option<Value<'static>>,
        /// The least value that is too great.
        below: Option<Value<'static>>,
    },
    /// The column has a value.
    Known(usize),
    /// The column's text begins so.
    Prefix(usize, String),
}

impl Condition {
    /// Whether it asks for this column.
    pub(super) fn names(&self, wanted: usize) -> bool {
        match self {
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().any(|condition| condition.names(wanted))
            }
            Self::Not(condition) => condition.names(wanted),
            Self::OneOf(column, _)
            | Self::Range { column, .. }
            | Self::Known(column)
            | Self::Prefix(column, _) => *column == wanted,
        }
    }

    /// Whether a shipment meets it, as the stores see it: what has no value is neither one of some values nor
    /// in a range.
    pub fn is_met_by(&self, document: &[Value<'_>]) -> bool {
        let known =
            |column: &usize| Some(&document[*column]).filter(|value| **value != Value::Null);
        match self {
            Self::All(conditions) => conditions.iter().all(|one| one.is_met_by(document)),
            Self::Any(conditions) => conditions.iter().any(|one| one.is_met_by(document)),
            Self::Not(condition) => !condition.is_met_by(document),
            Self::OneOf(column, values) => {
                known(column).is_some_and(|value| values.contains(value))
            }
            Self::Range {
                column,
                from,
                below,
            } => known(column).is_some_and(|value| {
                from.as_ref().is_none_or(|from| value >= from)
                    && below.as_ref().is_none_or(|below| value < below)
            }),
            Self::Known(column) => known(column).is_some(),
            Self::Prefix(column, prefix) => match &document[*column] {
                Value::Text(text) => text.starts_with(prefix),
                _ => false,
            },
        }
    }

    /// Every shipment meets it.
    pub const ANYTHING: Self = Self::All(Vec::new());

    /// The column has a value of at least `from`.
    pub fn at_least(column: usize, from: impl Into<Value<'static>>) -> Self {
        Self::Range {
            column,
            from: Some(from.into()),
            below: None,
        }
    }

    /// The column has a value below `below`.
    pub fn below(column: usize, below: impl Into<Value<'static>>) -> Self {
        Self::Range {
            column,
            from: None,
            below: Some(below.into()),
        }
    }

    /// The column has no value.
    pub fn unknown(column: usize) -> Self {
        Self::Not(Box::new(Self::Known(column)))
    }
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// By which column. Shipments without a value come last in both directions; equal ones in the order
/// of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: usize,
    /// Which way.
    pub direction: Direction,
}

/// The last shipment of a page: the next one begins behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Its value in the column that is sorted by.
    pub value: Value<'static>,
    /// Its id.
    pub id: String,
}

/// A page of a search.
#[derive(Clone, Debug)]
pub struct Search {
    /// What is looked for.
    pub condition: Condition,
    /// In which order.
    pub sort: Sort,
    /// Where the page before ended.
    pub after: Option<After>,
    /// Most shipments of the page.
    pub limit: u32,
    /// How closely those of all pages are counted.
    pub count: Count,
}

/// How closely shipments are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Not at all.
    Nothing,
    /// Up to [`Total::ENOUGH`].
    Enough,
    /// All.
    All,
    /// The caller has counted them.
    Known(u64),
}

/// How many shipments meet a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(u64),
    /// At least so many.
    AtLeast(u64),
}

impl Total {
    /// Up to here they are counted in any case.
    pub const ENOUGH: u64 = 10_000;
}
