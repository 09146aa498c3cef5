//! `GET /v1/routes/matrix`: every route at a glance, seller by customer region.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{By, Period};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

use super::Rates;
use super::filter::Given;
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::v1::parameters::tick;

/// More routes than there are regions for.
const ALL: u32 = 1_000_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatrixParameters {
    /// The first day.
    #[param(value_type = Option<String>, format = Date)]
    start: Option<String>,
    /// The day after the last.
    #[param(value_type = Option<String>, format = Date)]
    end: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
}

/// Every route.
#[derive(Serialize, ToSchema)]
pub(crate) struct Matrix {
    /// Regions of sellers and of customers that have any cell.
    sellers: BTreeSet<String>,
    customers: BTreeSet<String>,
    /// In the order of seller and customer; a pair without anything is left out.
    cells: Vec<MatrixCell>,
}

#[derive(Serialize, ToSchema)]
struct MatrixCell {
    seller_region: String,
    customer_region: String,
    placed: i64,
    delivered: i64,
    delivered_late: i64,
    /// Of the deliveries; null without one.
    late_basis_points: Option<i64>,
    /// Null unless all lead times are of one stored row.
    lead_seconds_p50: Option<i64>,
    #[serde(flatten)]
    rates: Rates,
}

/// Every route at a glance.
#[utoipa::path(get, operation_id = "route_matrix", path = "/v1/routes/matrix", params(MatrixParameters, Conditional),
    responses((status = 200, body = Answer<Matrix>), Conditional, Problems))]
pub(crate) async fn matrix(
    State(api): State<Api>,
    known: IfNoneMatch,
    query: Result<Query<MatrixParameters>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(given) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let range = Given {
        start: given.start.as_deref(),
        end: given.end.as_deref(),
        seller_region: None,
        customer_region: None,
    };
    let query = range.query(Period::Range, By::Route, ALL)?;
    let question = Question::named(format!("routes/matrix:{query:?}"))
        .at_least(tick(given.min_tick.as_deref())?)
        .unless(known);
    let made = async |asked: &mut Asked| {
        let groups = asked.moment.stats(&query).await?;
        let mut answer = Matrix {
            sellers: BTreeSet::new(),
            customers: BTreeSet::new(),
            cells: Vec::with_capacity(groups.len()),
        };
        for group in groups {
            let (seller, customer) = group.route.clone().unwrap_or_default();
            let (late, delivered) = (group.sum("delivered_late"), group.sum("delivered"));
            answer.sellers.insert(seller.clone());
            answer.customers.insert(customer.clone());
            answer.cells.push(MatrixCell {
                seller_region: seller,
                customer_region: customer,
                placed: group.sum("placed"),
                delivered,
                delivered_late: late,
                late_basis_points: (delivered > 0).then(|| late * 10_000 / delivered),
                lead_seconds_p50: group.percentiles[0],
                rates: Rates::of(&group),
            });
        }
        Ok(answer)
    };
    api.answer(question, made).await
}
