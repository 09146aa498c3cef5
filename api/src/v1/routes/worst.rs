//! `GET /v1/routes/worst`: the routes with the greatest share of late deliveries.
//!
//! A share of few deliveries says little: routes with fewer than `min_delivered` are left out, and each
//! comes with its Wilson score interval at 95 % (E. B. Wilson, 1927, J. Am. Stat. Assoc. 22:209-212).

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{By, Period, StatsGroup};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Figures;
use super::filter::Given;
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::v1::parameters::{number, tick};

/// More routes than there are regions for.
const ALL: u32 = 1_000_000;
/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorstParameters {
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
    /// Routes with fewer deliveries are left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000_000, default = 30)]
    min_delivered: Option<String>,
    /// Most routes.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000, default = 20)]
    limit: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// The worst routes.
#[derive(Serialize, ToSchema)]
pub(crate) struct Worst {
    min_delivered: u32,
    /// Routes that had too few deliveries.
    left_out: usize,
    /// The greatest share first; of equal ones that with more deliveries.
    routes: Vec<WorstRoute>,
}

#[derive(Serialize, ToSchema)]
struct WorstRoute {
    seller_region: String,
    customer_region: String,
    /// Of the deliveries.
    late_basis_points: i64,
    /// Where the interval begins.
    late_basis_points_low: i64,
    /// Where it ends.
    late_basis_points_high: i64,
    #[serde(flatten)]
    figures: Figures,
}

/// The routes with the greatest share of late deliveries.
#[utoipa::path(get, operation_id = "worst_routes", path = "/v1/routes/worst", params(WorstParameters, Conditional),
    responses((status = 200, body = Answer<Worst>), Conditional, Problems))]
pub(crate) async fn worst(
    State(api): State<Api>,
    known: IfNoneMatch,
    query: Result<Query<WorstParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(given) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let min_delivered = number(
        "min_delivered",
        given.min_delivered.as_deref(),
        30,
        1_000_000,
    )?;
    let limit = number("limit", given.limit.as_deref(), 20, 1_000)?;
    let range = Given {
        start: given.start.as_deref(),
        end: given.end.as_deref(),
        seller_region: given.seller_region.as_deref(),
        customer_region: given.customer_region.as_deref(),
    };
    let query = range.query(Period::Range, By::Route, ALL)?;
    let question = Question::named(format!("routes/worst:{query:?}:{min_delivered}:{limit}"))
        .at_least(tick(given.min_tick.as_deref())?)
        .unless(known);
    let made = async |asked: &mut Asked| {
        let groups = asked.moment.stats(&query).await?;
        let all = groups.len();
        let mut routes: Vec<StatsGroup> = groups
            .into_iter()
            .filter(|group| group.sum("delivered") >= i64::from(min_delivered))
            .collect();
        let left_out = all - routes.len();
        routes.sort_by(|a, b| {
            let late = |group: &StatsGroup| group.sum("delivered_late");
            let delivered = |group: &StatsGroup| group.sum("delivered");
            // a/b against c/d without a fraction.
            (late(b) * delivered(a))
                .cmp(&(late(a) * delivered(b)))
                .then(delivered(b).cmp(&delivered(a)))
                .then(a.route.cmp(&b.route))
        });
        routes.truncate(limit as usize);
        Ok(Worst {
            min_delivered,
            left_out,
            routes: routes.into_iter().map(WorstRoute::of).collect(),
        })
    };
    api.answer(question, made).await
}

impl WorstRoute {
    /// A group with deliveries.
    fn of(mut group: StatsGroup) -> Self {
        let (seller_region, customer_region) = group.route.take().unwrap_or_default();
        let (late, delivered) = (group.sum("delivered_late"), group.sum("delivered"));
        let [low, high] = wilson(late, delivered);
        Self {
            seller_region,
            customer_region,
            late_basis_points: late * 10_000 / delivered,
            late_basis_points_low: low,
            late_basis_points_high: high,
            figures: Figures(group),
        }
    }
}

/// The interval in which the share lies, in basis points.
fn wilson(hits: i64, count: i64) -> [i64; 2] {
    let (n, share) = (count as f64, hits as f64 / count as f64);
    let (square, scale) = (Z * Z, 1.0 + Z * Z / n);
    let middle = (share + square / (2.0 * n)) / scale;
    let reach = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt() / scale;
    [middle - reach, middle + reach].map(|bound| (bound.clamp(0.0, 1.0) * 10_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // R's prop.test(hits, count, correct = FALSE)$conf.int
        assert_eq!(wilson(0, 10), [0, 2775]);
        assert_eq!(wilson(10, 10), [7225, 10_000]);
        assert_eq!(wilson(5, 10), [2366, 7634]);
        assert_eq!(wilson(81, 263), [2553, 3662]);
    }
}
