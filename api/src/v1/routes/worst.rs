//! `GET /v1/routes/worst`: the routes with the greatest share of late deliveries.
//!
//! A share of few deliveries says little: routes with fewer than `min_delivered` are left out, and each
//! comes with its Wilson score interval at 95 % (E. B. Wilson, 1927, J. Am. Stat. Assoc. 22:209-212).

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{By, Moment, Period, StatsGroup};
use serde::{Deserialize, Serialize};

use super::filter::Given;
use super::{Fields, figures};
use crate::api::Api;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::v1::parameters::{number, tick};

/// More routes than there are regions for.
const ALL: u32 = 1_000_000;
/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorstParameters {
    start: Option<String>,
    end: Option<String>,
    seller_region: Option<String>,
    customer_region: Option<String>,
    min_delivered: Option<String>,
    limit: Option<String>,
    min_tick: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    min_delivered: u32,
    /// Routes that had too few deliveries.
    left_out: usize,
    /// The greatest share first; of equal ones that with more deliveries.
    routes: Vec<Fields>,
}

pub(crate) async fn worst(
    State(api): State<Api>,
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
    let asked = Asked::begin(&api, tick(given.min_tick.as_deref())?).await?;
    let request = format!("routes/worst:{query:?}:{min_delivered}:{limit}");
    let made = async |moment: &mut Moment| {
        let groups = moment.stats(&query).await?;
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
        Ok(Answer {
            min_delivered,
            left_out,
            routes: routes.iter().map(row).collect(),
        })
    };
    asked.answer(&request, made).await
}

fn row(group: &StatsGroup) -> Fields {
    let (seller, customer) = group.route.clone().unwrap_or_default();
    let (late, delivered) = (group.sum("delivered_late"), group.sum("delivered"));
    let [low, high] = wilson(late, delivered);
    let mut fields = vec![
        ("seller_region", seller.into()),
        ("customer_region", customer.into()),
        ("late_basis_points", (late * 10_000 / delivered).into()),
        ("late_basis_points_low", low.into()),
        ("late_basis_points_high", high.into()),
    ];
    fields.extend(figures(group));
    Fields(fields)
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
