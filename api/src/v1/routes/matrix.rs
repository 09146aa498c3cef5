//! `GET /v1/routes/matrix`: every route at a glance, seller by customer region.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{By, Moment, Period};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

use super::filter::Given;
use super::{Fields, rates};
use crate::api::Api;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::v1::parameters::tick;

/// More routes than there are regions for.
const ALL: u32 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatrixParameters {
    start: Option<String>,
    end: Option<String>,
    min_tick: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    /// Regions of sellers and of customers that have any cell.
    sellers: BTreeSet<String>,
    customers: BTreeSet<String>,
    /// In the order of seller and customer; a pair without anything is left out.
    cells: Vec<Fields>,
}

pub(crate) async fn matrix(
    State(api): State<Api>,
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
    let asked = Asked::begin(&api, tick(given.min_tick.as_deref())?).await?;
    let request = format!("routes/matrix:{query:?}");
    let made = async |moment: &mut Moment| {
        let groups = moment.stats(&query).await?;
        let mut answer = Answer {
            sellers: BTreeSet::new(),
            customers: BTreeSet::new(),
            cells: Vec::with_capacity(groups.len()),
        };
        for group in groups {
            let (seller, customer) = group.route.clone().unwrap_or_default();
            let (late, delivered) = (group.sum("delivered_late"), group.sum("delivered"));
            let late_share = (delivered > 0).then(|| late * 10_000 / delivered);
            let mut fields: Vec<(&'static str, Value)> = vec![
                ("seller_region", seller.clone().into()),
                ("customer_region", customer.clone().into()),
                ("placed", group.sum("placed").into()),
                ("delivered", delivered.into()),
                ("late_basis_points", late_share.into()),
                ("lead_seconds_p50", group.percentiles[0].into()),
            ];
            fields.extend(rates(&group));
            answer.cells.push(Fields(fields));
            answer.sellers.insert(seller);
            answer.customers.insert(customer);
        }
        Ok(answer)
    };
    asked.answer(&request, made).await
}
