//! `GET /v1/routes/stats`: figures of routes over a range of days, by day, week, month or route, and
//! their sum.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{By, Period, StatsGroup, StatsQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Figures;
use super::filter::Given;
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::v1::parameters::{number, tick};

const USUAL: u32 = 1_000;
const GREATEST: u32 = 10_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatsParameters {
    /// The first day.
    #[param(value_type = Option<String>, format = Date)]
    start: Option<String>,
    /// The day after the last.
    #[param(value_type = Option<String>, format = Date)]
    end: Option<String>,
    /// Regions of sellers, separated by commas.
    seller_region: Option<String>,
    /// Regions of customers, separated by commas.
    customer_region: Option<String>,
    /// `day`, `week` (ISO, named by its Monday), `month`, `route`, or one of the first three with
    /// `route`.
    #[param(default = "day,route")]
    group: Option<String>,
    /// Most rows.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 10_000, default = 1_000)]
    limit: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// Figures by group.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    /// As asked.
    #[schema(format = Date)]
    start: Option<String>,
    /// As asked.
    #[schema(format = Date)]
    end: Option<String>,
    /// Over all that match, also beyond the limit.
    summary: Figures,
    /// In the order of time, seller and customer.
    rows: Vec<StatsRow>,
    /// Whether there are more rows than the limit.
    truncated: bool,
}

/// A group under the names of the columns.
#[derive(Serialize, ToSchema)]
struct StatsRow {
    /// The first day of the group, where groups go over a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    stat_date: Option<String>,
    /// Where groups go over a route.
    #[serde(skip_serializing_if = "Option::is_none")]
    seller_region: Option<String>,
    /// Where groups go over a route.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_region: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of routes over a range of days, and their sum.
#[utoipa::path(get, operation_id = "route_stats", path = "/v1/routes/stats", params(StatsParameters, Conditional),
    responses((status = 200, body = Answer<Stats>), Conditional, Problems))]
pub(crate) async fn stats(
    State(api): State<Api>,
    known: IfNoneMatch,
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
    // As they are shown.
    let (start, end) = (given.start, given.end);
    let question = Question::named(format!("routes/stats:{query:?}:{start:?}:{end:?}"))
        .at_least(tick(given.min_tick.as_deref())?)
        .unless(known);
    let made = async |asked: &mut Asked| {
        let moment = &mut asked.moment;
        let mut groups = moment.stats(&query).await?;
        let truncated = groups.len() > limit as usize;
        let summary = if truncated {
            let whole = StatsQuery {
                period: Period::Range,
                by: By::Everything,
                ..query.clone()
            };
            moment.stats(&whole).await?.pop()
        } else {
            Some(StatsGroup::together(&groups))
        };
        groups.truncate(limit as usize);
        Ok(Stats {
            start,
            end,
            summary: Figures(summary.expect("sums without groups are one row")),
            rows: groups.into_iter().map(StatsRow::of).collect(),
            truncated,
        })
    };
    api.answer(question, made).await
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

impl StatsRow {
    fn of(mut group: StatsGroup) -> Self {
        let (seller, customer) = group.route.take().unzip();
        Self {
            stat_date: group.period.map(|day| day.to_string()),
            seller_region: seller,
            customer_region: customer,
            figures: Figures(group),
        }
    }
}
