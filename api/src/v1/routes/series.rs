//! `GET /v1/routes/{seller}/{customer}`: one route over time.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use eip_stores::query::{By, Period};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Figures;
use super::filter::Given;
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::v1::parameters::tick;
use crate::v1::regions::region;

/// More days than there are.
const ALL: u32 = 100_000;

/// A route in a path.
#[derive(IntoParams)]
#[into_params(names("seller", "customer"), parameter_in = Path)]
pub(crate) struct RoutePath(
    /// The seller's region: a code, or the name of a state.
    #[expect(dead_code, reason = "only its description is used")]
    String,
    /// The customer's region.
    #[expect(dead_code, reason = "only its description is used")]
    String,
);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesParameters {
    /// The first day.
    #[param(value_type = Option<String>, format = Date)]
    start: Option<String>,
    /// The day after the last.
    #[param(value_type = Option<String>, format = Date)]
    end: Option<String>,
    /// `day`, `week` or `month`.
    #[param(pattern = "^(day|week|month)$", default = "day")]
    step: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// One route over time.
#[derive(Serialize, ToSchema)]
pub(crate) struct RouteOverTime {
    seller_region: String,
    customer_region: String,
    /// `day`, `week` or `month`.
    step: &'static str,
    /// Steps without anything are left out.
    series: Vec<SeriesStep>,
}

#[derive(Serialize, ToSchema)]
struct SeriesStep {
    /// Its first day.
    #[schema(format = Date)]
    from: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

/// One route over time.
#[utoipa::path(get, operation_id = "route_over_time", path = "/v1/routes/{seller}/{customer}", 
    params(RoutePath, SeriesParameters, Conditional),
    responses((status = 200, body = Answer<RouteOverTime>), Conditional, Problems))]
pub(crate) async fn series(
    State(api): State<Api>,
    known: IfNoneMatch,
    route: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<SeriesParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path((seller, customer)) = route.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let Query(given) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let (seller, customer) = (region("seller", &seller)?, region("customer", &customer)?);
    let (step, period) = match given.step.as_deref() {
        None | Some("day") => ("day", Period::Day),
        Some("week") => ("week", Period::Week),
        Some("month") => ("month", Period::Month),
        Some(other) => {
            let form = format!("step must be day, week or month, not {other:?}");
            return Err(Problem::bad_field("step", form));
        }
    };
    let range = Given {
        start: given.start.as_deref(),
        end: given.end.as_deref(),
        seller_region: None,
        customer_region: None,
    };
    let mut query = range.query(period, By::Everything, ALL)?;
    query.sellers = vec![seller.clone()];
    query.customers = vec![customer.clone()];
    let question = Question::named(format!("routes/series:{step}:{query:?}"))
        .at_least(tick(given.min_tick.as_deref())?)
        .unless(known);
    let made = async |asked: &mut Asked| {
        let groups = asked.moment.stats(&query).await?;
        let series = groups.into_iter().map(|group| SeriesStep {
            from: group.period.map(|day| day.to_string()),
            figures: Figures(group),
        });
        Ok(RouteOverTime {
            seller_region: seller,
            customer_region: customer,
            step,
            series: series.collect(),
        })
    };
    api.answer(question, made).await
}
