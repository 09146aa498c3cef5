//! `GET /v1/routes/stats`: the daily figures of routes over a range of days, and their sum.
//!
//! Rates are computed here, in basis points (100 are one percent), rounded down. The sum has no
//! percentiles: those of several days do not follow from those of each.

use axum::extract::{Query, State};
use axum::response::Response;
use eip_contract::document::RouteStatsRow;
use eip_contract::reject::is_region;
use eip_contract::{Day, EventType};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::{json_bytes, json_response};
use crate::api::Api;
use crate::problem::Problem;
use crate::views::{StatsFilter, StatsTotals};

const DEFAULT_LIMIT: u32 = 1000;
const GREATEST_LIMIT: u32 = 10_000;

/// The query as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatsQuery {
    start: Option<String>,
    end: Option<String>,
    seller_region: Option<String>,
    customer_region: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    start: Option<String>,
    end: Option<String>,
    /// Over all rows that match, also those beyond the limit.
    summary: Fields,
    /// In the order of date, seller and customer.
    rows: Vec<Fields>,
    /// Whether there are more rows than the limit.
    truncated: bool,
}

/// A JSON object whose members stay in their order.
struct Fields(Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub(crate) async fn stats(
    State(api): State<Api>,
    Query(query): Query<StatsQuery>,
) -> Result<Response, Problem> {
    let filter = query.check()?;
    let mut snapshot = api.views.snapshot().await?;
    let progress = snapshot.progress.clone();
    let request = format!("routes/stats:{}", query.to_key(&filter));
    let made = async {
        let totals = snapshot.stats_totals(&filter).await?;
        let rows = snapshot.stats_rows(&filter).await?;
        json_bytes(&Answer {
            start: query.start,
            end: query.end,
            truncated: totals.rows > rows.len() as i64,
            summary: summary(&totals),
            rows: rows.iter().map(row).collect(),
        })
    };
    let answer = api.cache.answer(&progress, &request, made).await?;
    Ok(json_response(answer))
}

impl StatsQuery {
    /// What its answer depends on.
    fn to_key(&self, filter: &StatsFilter) -> Value {
        let Self {
            start,
            end,
            seller_region,
            customer_region,
            ..
        } = self;
        json!([start, end, seller_region, customer_region, filter.limit])
    }

    fn check(&self) -> Result<StatsFilter, Problem> {
        let start = day("start", self.start.as_deref())?.unwrap_or(Day::MIN);
        let end = day("end", self.end.as_deref())?.unwrap_or(Day::END);
        if start >= end {
            return Err(Problem::bad_field("end", "end must be a day after start"));
        }
        let limit = match self.limit.as_deref() {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=GREATEST_LIMIT).contains(limit))
                .ok_or_else(|| {
                    let form = format!("limit must be a number from 1 to {GREATEST_LIMIT}");
                    Problem::bad_field("limit", format!("{form}, not {text:?}"))
                })?,
        };
        Ok(StatsFilter {
            start,
            end,
            seller_region: region("seller_region", self.seller_region.as_deref())?,
            customer_region: region("customer_region", self.customer_region.as_deref())?,
            limit,
        })
    }
}

fn day(field: &'static str, text: Option<&str>) -> Result<Option<Day>, Problem> {
    let Some(text) = text else { return Ok(None) };
    text.parse::<Day>()
        .map(Some)
        .map_err(|bad| Problem::bad_field(field, format!("{field}: {bad}")))
}

fn region(field: &'static str, text: Option<&str>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if !is_region(text.as_bytes()) => {
            let form = format!("{field} must have at most 16 bytes and no control character");
            Err(Problem::bad_field(field, form))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

/// A row with its rates, under the names of its columns.
fn row(row: &RouteStatsRow) -> Fields {
    let key = [
        row.stat_date.to_string(),
        row.seller_region.clone(),
        row.customer_region.clone(),
    ];
    let values = key
        .into_iter()
        .map(Value::from)
        .chain(row.integers().map(Value::from));
    let fields = RouteStatsRow::COLUMNS.into_iter().zip(values);
    let delivered = row.counts[EventType::Delivered.rank()];
    let rates = rates(
        delivered,
        row.delivered_late,
        row.lead_count,
        row.lead_seconds_sum,
    );
    Fields(fields.chain(rates).collect())
}

fn summary(totals: &StatsTotals) -> Fields {
    let sums = StatsTotals::COLUMNS
        .into_iter()
        .zip(totals.sums.map(Value::from));
    let [
        _,
        _,
        _,
        _,
        _,
        delivered,
        delivered_late,
        lead_count,
        lead_sum,
        _,
    ] = totals.sums;
    let rates = rates(delivered, delivered_late, lead_count, lead_sum);
    Fields(
        [("rows", totals.rows.into())]
            .into_iter()
            .chain(sums)
            .chain(rates)
            .collect(),
    )
}

/// Rates are null where there is nothing to have a rate of.
fn rates(delivered: i64, late: i64, leads: i64, lead_sum: i64) -> [(&'static str, Value); 2] {
    let on_time = (delivered > 0).then(|| (delivered - late) * 10_000 / delivered);
    let average = (leads > 0).then(|| lead_sum / leads);
    [
        ("on_time_basis_points", on_time.into()),
        ("lead_seconds_average", average.into()),
    ]
}
