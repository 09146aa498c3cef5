//! Questions about `route_stats_daily`, and the SQL that PostgreSQL and SQLite share.

use eip_contract::Day;
use eip_views::{Column, Kept, ROUTE_STATS_DAILY, Unit};
use sqlx::{ColumnIndex, Decode, Row, Type};

/// Which rows, and what they are summed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsQuery {
    /// The first day.
    pub start: Day,
    /// The day after the last.
    pub end: Day,
    /// Regions of sellers; any without.
    pub sellers: Vec<String>,
    /// Regions of customers; any without.
    pub customers: Vec<String>,
    /// Over which time a group goes.
    pub period: Period,
    /// Over which routes.
    pub by: By,
    /// Most groups.
    pub limit: u32,
}

/// Over which time a group goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The whole range.
    Range,
    /// A day.
    Day,
    /// An ISO week, from Monday on; it is named by its Monday.
    Week,
    /// A month; it is named by its first day.
    Month,
}

/// Over which routes a group goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// All that match.
    Everything,
    /// One.
    Route,
}

/// Sums over rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsGroup {
    /// The first day of the period; none for the whole range.
    pub period: Option<Day>,
    /// Regions of seller and customer; none for all of them.
    pub route: Option<(String, String)>,
    /// How many rows.
    pub rows: i64,
    /// The columns that add up, in the order of [`StatsGroup::summed`].
    pub sums: Vec<i64>,
    /// Percentiles of the lead times: 50, 90, 99. Known only where all lead times are of one row:
    /// those of several rows do not follow from those of each.
    pub percentiles: [Option<i64>; 3],
}

impl StatsGroup {
    /// The columns that add up.
    pub fn summed() -> impl Iterator<Item = &'static Column> {
        let Kept::Rows { key } = ROUTE_STATS_DAILY.kept else {
            unreachable!("statistics are rows")
        };
        ROUTE_STATS_DAILY.columns[key..]
            .iter()
            .filter(|column| column.unit != Unit::None && !column.nullable)
    }

    /// From a row of [`StatsQuery::sql`], whose first column is the period.
    pub(super) fn of<'r, R: Row>(row: &'r R, period: Option<Day>) -> Result<Self, sqlx::Error>
    where
        usize: ColumnIndex<R>,
        i64: Decode<'r, R::Database> + Type<R::Database>,
        String: Decode<'r, R::Database> + Type<R::Database>,
    {
        let seller: Option<String> = row.try_get(1)?;
        let customer: Option<String> = row.try_get(2)?;
        let integer = |place: usize| row.try_get::<Option<i64>, _>(place);
        let first = 4 + Self::summed().count();
        let sums = (4..first).map(|place| integer(place).map(Option::unwrap_or_default));
        Ok(Self {
            period,
            route: seller.zip(customer),
            rows: integer(3)?.unwrap_or_default(),
            sums: sums.collect::<Result<_, _>>()?,
            percentiles: [integer(first)?, integer(first + 1)?, integer(first + 2)?],
        })
    }

    /// The sum of a column.
    pub fn sum(&self, column: &str) -> i64 {
        let place = Self::summed().position(|known| known.name == column);
        self.sums[place.expect("a column that adds up")]
    }
}

/// How a dialect says what differs.
pub(super) struct Words {
    /// The first day of a row's week and month, as text.
    pub(super) week: &'static str,
    pub(super) month: &'static str,
    /// Its day as text.
    pub(super) day: &'static str,
    /// Begins a sum that is a whole number.
    pub(super) sum_end: &'static str,
    /// The condition on days, with the placeholders 1 and 2.
    pub(super) days: &'static str,
    /// The conditions on regions, with the placeholders 3 and 4: lists, of which an empty one lets
    /// everything through.
    pub(super) regions: [&'static str; 2],
}

impl StatsQuery {
    /// The statement; its columns are period, seller, customer, rows, the sums, the percentiles, and
    /// placeholder 5 the limit.
    pub(super) fn sql(&self, words: &Words) -> String {
        let period = match self.period {
            Period::Range => "NULL",
            Period::Day => words.day,
            Period::Week => words.week,
            Period::Month => words.month,
        };
        let (seller, customer) = match self.by {
            By::Everything => ("NULL", "NULL"),
            By::Route => ("seller_region", "customer_region"),
        };
        let mut columns = vec![
            format!("{period} AS period"),
            format!("{seller} AS seller"),
            format!("{customer} AS customer"),
            "count(*) AS found".to_owned(),
        ];
        columns.extend(
            StatsGroup::summed()
                .map(|column| format!("coalesce(sum({}), 0){}", column.name, words.sum_end)),
        );
        columns.extend(["p50", "p90", "p99"].map(|percentile| {
            format!(
                "CASE WHEN count(lead_seconds_{percentile}) = 1 THEN max(lead_seconds_{percentile}) END"
            )
        }));
        let mut groups = Vec::new();
        if self.period != Period::Range {
            groups.push(period);
        }
        if self.by == By::Route {
            groups.extend([seller, customer]);
        }
        let grouped = if groups.is_empty() {
            String::new()
        } else {
            let groups = groups.join(", ");
            format!(" GROUP BY {groups} ORDER BY {groups}")
        };
        let [sellers, customers] = words.regions;
        format!(
            "SELECT {} FROM route_stats_daily WHERE {} AND {sellers} AND {customers}{grouped} LIMIT {}",
            columns.join(", "),
            words.days,
            self.limit
        )
    }
}
