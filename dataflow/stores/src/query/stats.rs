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

    /// All groups as one, where no row is in two of them.
    pub fn together(groups: &[Self]) -> Self {
        let mut whole = Self {
            period: None,
            route: None,
            rows: 0,
            sums: vec![0; Self::summed().count()],
            percentiles: [None; 3],
        };
        for group in groups {
            whole.rows += group.rows;
            for (sum, more) in whole.sums.iter_mut().zip(&group.sums) {
                *sum += more;
            }
        }
        let mut with_leads = groups.iter().filter(|group| group.sum("lead_count") > 0);
        if let (Some(only), None) = (with_leads.next(), with_leads.next()) {
            whole.percentiles = only.percentiles;
        }
        whole
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
    /// placeholder 5 the limit. `index` says how the table is read.
    pub(super) fn sql(&self, words: &Words, index: &str) -> String {
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
        let [sellers, customers] = words.regions;
        let rows = format!(
            "route_stats_daily{index} WHERE {} AND {sellers} AND {customers}",
            words.days
        );
        // Days first, where each is a group: their rows lie together, and few are left to be grouped.
        let of_days = matches!(self.period, Period::Week | Period::Month);
        let (found, leads, rows) = if of_days && self.by == By::Everything {
            let days = sums(words, "count(*)", |percentile| {
                format!(
                    "count(lead_seconds_{percentile}) AS leads_{percentile}, \
                     max(lead_seconds_{percentile}) AS lead_seconds_{percentile}"
                )
            });
            let days = format!("SELECT stat_date, {days} FROM {rows} GROUP BY stat_date");
            ("sum(found)", "sum(leads", format!("({days}) AS days"))
        } else {
            ("count(*)", "count(lead_seconds", rows)
        };
        let found = match words.sum_end {
            "" => found.to_owned(),
            end => format!("({found}){end}"),
        };
        let columns = sums(words, &found, |percentile| {
            format!("CASE WHEN {leads}_{percentile}) = 1 THEN max(lead_seconds_{percentile}) END")
        });
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
        format!(
            "SELECT {period} AS period, {seller} AS seller, {customer} AS customer, {columns} \
             FROM {rows}{grouped} LIMIT {}",
            self.limit
        )
    }
}

/// How many rows, the sums, and what is made of each percentile.
fn sums(words: &Words, found: &str, percentile: impl Fn(&str) -> String) -> String {
    let mut columns = vec![format!("{found} AS found")];
    columns.extend(StatsGroup::summed().map(|column| {
        let name = column.name;
        format!("coalesce(sum({name}), 0){} AS {name}", words.sum_end)
    }));
    columns.extend(["p50", "p90", "p99"].map(percentile));
    columns.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_groups_together_are_those_of_the_only_row_with_lead_times() {
        let group = |leads: i64, percentiles| {
            let columns = StatsGroup::summed();
            StatsGroup {
                period: None,
                route: None,
                rows: 2,
                sums: columns
                    .map(|column| {
                        if column.name == "lead_count" {
                            leads
                        } else {
                            5
                        }
                    })
                    .collect(),
                percentiles,
            }
        };
        let (none, known) = (group(0, [None; 3]), group(3, [Some(1), Some(2), Some(3)]));
        let whole = StatsGroup::together(&[none.clone(), known.clone(), none.clone()]);
        assert_eq!((whole.rows, whole.sum("placed")), (6, 15));
        assert_eq!(whole.sum("lead_count"), 3);
        assert_eq!(whole.percentiles, known.percentiles);
        let two = StatsGroup::together(&[known.clone(), known]);
        assert_eq!(two.percentiles, [None; 3]);
        assert_eq!(StatsGroup::together(&[]).sum("placed"), 0);
    }
}
