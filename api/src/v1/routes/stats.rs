//! `GET /v1/routes/stats`: figures of routes over a range of days, by day, week, month or route, and
//! their sum.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{By, Moment, Period, StatsGroup, StatsQuery};
use serde::{Deserialize, Serialize};

use super::filter::Given;
use super::{Fields, figures};
use crate::api::Api;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::v1::parameters::{number, tick};

const USUAL: u32 = 1_000;
const GREATEST: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatsParameters {
    start: Option<String>,
    end: Option<String>,
    seller_region: Option<String>,
    customer_region: Option<String>,
    group: Option<String>,
    limit: Option<String>,
    min_tick: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    start: Option<String>,
    end: Option<String>,
    /// Over all that match, also beyond the limit.
    summary: Fields,
    /// In the order of time, seller and customer.
    rows: Vec<Fields>,
    /// Whether there are more rows than the limit.
    truncated: bool,
}

pub(crate) async fn stats(
    State(api): State<Api>,
    query: Result<Query<StatsParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(given) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let (period, by) = grouping(given.group.as_deref())?;
    let limit = number("limit", given.limit.as_deref(), USUAL, GREATEST)?;
    let range = Given {
        start: given.start.as_deref(),
        end: given.end.as_deref(),
        seller_region: given.seller_region.as_deref(),
        customer_region: given.customer_region.as_deref(),
    };
    let query = range.query(period, by, limit + 1)?;
    let asked = Asked::begin(&api, tick(given.min_tick.as_deref())?).await?;
    let request = format!("routes/stats:{query:?}");
    let (start, end) = (given.start, given.end);
    let made = async |moment: &mut Moment| {
        let whole = StatsQuery {
            period: Period::Range,
            by: By::Everything,
            ..query.clone()
        };
        let summary = moment.stats(&whole).await?;
        let mut groups = moment.stats(&query).await?;
        let truncated = groups.len() > limit as usize;
        groups.truncate(limit as usize);
        Ok(Answer {
            start,
            end,
            summary: Fields(summary.first().map(figures).unwrap_or_default()),
            rows: groups.iter().map(row).collect(),
            truncated,
        })
    };
    asked.answer(&request, made).await
}

/// `day,route` (rows as they are stored), or one or two of day, week, month and route.
fn grouping(given: Option<&str>) -> Result<(Period, By), Problem> {
    let (mut period, mut by) = (Period::Range, By::Everything);
    for name in given.unwrap_or("day,route").split(',') {
        match name {
            "route" if by == By::Everything => by = By::Route,
            "day" if period == Period::Range => period = Period::Day,
            "week" if period == Period::Range => period = Period::Week,
            "month" if period == Period::Range => period = Period::Month,
            _ => {
                let form = format!(
                    "group must be day, week, month or route, or one of the first three and route \
                     (day,route), not {name:?}"
                );
                return Err(Problem::bad_field("group", form));
            }
        }
    }
    Ok((period, by))
}

/// A group under the names of the columns.
fn row(group: &StatsGroup) -> Fields {
    let mut fields = Vec::with_capacity(20);
    if let Some(period) = group.period {
        fields.push(("stat_date", period.to_string().into()));
    }
    if let Some((seller, customer)) = &group.route {
        fields.push(("seller_region", seller.clone().into()));
        fields.push(("customer_region", customer.clone().into()));
    }
    fields.extend(figures(group));
    Fields(fields)
}
