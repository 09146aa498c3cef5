//! `GET /v1/overview`: how the shipments stand at a glance.
//!
//! Relative figures count from data now, not from the wall clock: a replay of 2018 looks as it did then.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_contract::{Day, EventTime, EventType};
use eip_stores::query::{By, Condition, Moment, Period, StatsQuery};
use eip_views::Value;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{day, number, tick};
use super::shipments::{Window, days_before, open_since};
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::Problems;
use crate::problem::Problem;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverviewParameters {
    /// The first day.
    #[param(value_type = Option<String>, format = Date)]
    start: Option<String>,
    /// The day after the last.
    #[param(value_type = Option<String>, format = Date)]
    end: Option<String>,
    /// The length of the range where only one end of it is known.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 3660, default = 30)]
    days: Option<String>,
    /// A deadline within so many hours is at risk.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 8784, default = 48)]
    at_risk_hours: Option<String>,
    /// An order without an event for so many days is stalled.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 3660, default = 14)]
    stalled_days: Option<String>,
    /// An open order without an event for so many days is quiet.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 3660, default = 14)]
    quiet_days: Option<String>,
    /// Also what was at risk, stalled and quiet on so many days, the last of which is data now.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 31)]
    trend_days: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// How the shipments stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct Overview {
    shipments: u64,
    /// How many shipments have each status, by rank; every status is named.
    by_status: Vec<StatusCount>,
    delayed: u64,
    /// The range, and the one of the same length before it.
    range: RangeFigures,
    range_before: RangeFigures,
    at_risk: u64,
    at_risk_hours: u32,
    stalled: u64,
    stalled_days: u32,
    quiet: u64,
    quiet_days: u32,
    /// With `trend_days`, a day apart, the last as of data now: the same figures by the facts up to then, of
    /// those that there are now.
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<Vec<TrendPoint>>,
}

/// What was at risk, stalled and quiet at a moment.
#[derive(Clone, Serialize, ToSchema)]
struct TrendPoint {
    #[schema(format = DateTime)]
    at: String,
    at_risk: u64,
    stalled: u64,
    quiet: u64,
}

#[derive(Serialize, ToSchema)]
struct StatusCount {
    status: &'static str,
    count: u64,
}

#[derive(Serialize, ToSchema)]
struct RangeFigures {
    /// The first day.
    #[schema(format = Date)]
    start: String,
    /// The day after the last.
    #[schema(format = Date)]
    end: String,
    placed: i64,
    delivered: i64,
    delivered_late: i64,
    /// Of the deliveries; null without one.
    on_time_basis_points: Option<i64>,
}

/// How the shipments stand at a glance.
#[utoipa::path(get, path = "/v1/overview", params(OverviewParameters, Conditional),
    responses((status = 200, body = Answer<Overview>), Conditional, Problems))]
pub(crate) async fn overview(
    State(api): State<Api>,
    known: IfNoneMatch,
    query: Result<Query<OverviewParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(given) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let window = Window::of(
        given.at_risk_hours.as_deref(),
        given.stalled_days.as_deref(),
        given.quiet_days.as_deref(),
    )?;
    let trend_days = given.trend_days.as_deref();
    let trend_days = trend_days.map(|text| number("trend_days", Some(text), 1, 31));
    let trend_days = trend_days.transpose()?;
    let days = number("days", given.days.as_deref(), 30, 3_660)?;
    let (start, end) = (
        day("start", given.start.as_deref())?,
        day("end", given.end.as_deref())?,
    );
    // Between two days that are given, no number of them counts.
    let days = if start.is_some() { 0 } else { days };
    let range = Range { start, end, days };
    let question = question(range, window, trend_days)
        .at_least(tick(given.min_tick.as_deref())?)
        .unless(known);
    let made = async |asked: &mut Asked| look(asked, range, window, trend_days).await;
    api.answer(question, made).await
}

/// The overview that is asked for without any parameter, as JSON text, and up to which tick searches
/// find what it counts.
pub(crate) async fn present(api: &Api) -> Result<(u64, String), Problem> {
    let (range, window) = (Range::USUAL, Window::of(None, None, None)?);
    let made = async |asked: &mut Asked| look(asked, range, window, None).await;
    api.text(question(range, window, None), made).await
}

fn question(range: Range, window: Window, trend_days: Option<u32>) -> Question {
    Question::named(format!("overview:{range:?}:{window:?}:{trend_days:?}"))
}

/// The days that figures are given for, as far as they are said.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: Option<Day>,
    end: Option<Day>,
    /// How many, where only the end is known.
    days: u32,
}

impl Range {
    const USUAL: Self = Self {
        start: None,
        end: None,
        days: 30,
    };

    /// The first day and the one after the last; the day of data now is in the range.
    fn around(&self, data_now: Option<EventTime>) -> Result<(Day, Day), Problem> {
        let now = data_now.unwrap_or(EventTime::MIN);
        let end = self.end.unwrap_or_else(|| later(now.day(), 1));
        let start = self.start;
        let start = start.unwrap_or_else(|| later(end, -i64::from(self.days)));
        if start >= end {
            return Err(Problem::bad_field("end", "end must be a day after start"));
        }
        Ok((start, end))
    }
}

async fn look(
    asked: &mut Asked,
    range: Range,
    window: Window,
    trend_days: Option<u32>,
) -> Result<Overview, Problem> {
    let data_now = asked.data_now()?;
    let (start, end) = range.around(data_now)?;
    let now = data_now.unwrap_or(EventTime::MIN);
    let moment = &mut asked.moment;
    let mut by_status: BTreeMap<EventType, u64> = BTreeMap::new();
    let mut delayed = 0;
    for (values, count) in moment.facets(&Condition::ANYTHING).await? {
        if let Value::EventType(status) = values[0] {
            *by_status.entry(status).or_default() += count;
        }
        if values[3] == Value::Boolean(true) {
            delayed += count;
        }
    }
    let mut points = points(moment, window, now, trend_days.unwrap_or(1)).await?;
    let present = points.pop().expect("at least one");
    let trend = trend_days.map(|_| points.into_iter().chain([present.clone()]).collect());
    let length = i64::from(end.days()) - i64::from(start.days());
    Ok(Overview {
        shipments: by_status.values().sum(),
        by_status: EventType::ALL
            .map(|status| StatusCount {
                status: status.name(),
                count: by_status.get(&status).copied().unwrap_or(0),
            })
            .into(),
        delayed,
        range: figures(moment, start, end).await?,
        range_before: figures(moment, later(start, -length), start).await?,
        at_risk: present.at_risk,
        at_risk_hours: window.at_risk_hours,
        stalled: present.stalled,
        stalled_days: window.stalled_days,
        quiet: present.quiet,
        quiet_days: window.quiet_days,
        trend,
    })
}

/// What is at risk, stalled and quiet on so many days, the last as of `now`.
async fn points(
    moment: &mut Moment,
    window: Window,
    now: EventTime,
    days: u32,
) -> Result<Vec<TrendPoint>, Problem> {
    let earlier: Vec<EventTime> = (1..days).rev().map(|ago| days_before(now, ago)).collect();
    let mut conditions: Vec<Condition> = earlier.iter().flat_map(|then| window.at(*then)).collect();
    conditions.extend([window.at_risk(now), window.stalled(now), window.quiet(now)]);
    let first = earlier.first().copied().unwrap_or(now);
    let counts = moment.counts(&open_since(first), &conditions).await?;
    let moments = earlier.iter().chain([&now]);
    let (each, _) = counts.as_chunks();
    Ok(moments
        .zip(each)
        .map(|(at, &[at_risk, stalled, quiet])| TrendPoint {
            at: at.to_string(),
            at_risk,
            stalled,
            quiet,
        })
        .collect())
}

async fn figures(moment: &mut Moment, start: Day, end: Day) -> Result<RangeFigures, Problem> {
    let query = StatsQuery {
        start,
        end,
        sellers: Vec::new(),
        customers: Vec::new(),
        period: Period::Range,
        by: By::Everything,
        limit: 1,
    };
    let groups = moment.stats(&query).await?;
    let sum = |column| groups.first().map_or(0, |group| group.sum(column));
    let (delivered, delivered_late) = (sum("delivered"), sum("delivered_late"));
    Ok(RangeFigures {
        start: start.to_string(),
        end: end.to_string(),
        placed: sum("placed"),
        delivered,
        delivered_late,
        on_time_basis_points: (delivered > 0)
            .then(|| (delivered - delivered_late) * 10_000 / delivered),
    })
}

/// A day so many days later, within what days there are.
fn later(day: Day, days: i64) -> Day {
    let last = i64::from(Day::END.days());
    let wanted = (i64::from(day.days()) + days).clamp(0, last);
    Day::from_days(wanted as u32).expect("between the first and the last")
}
