//! `GET /v1/routes/{seller}/{customer}`: one route over time.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use eip_stores::query::{By, Moment, Period};
use serde::{Deserialize, Serialize};

use super::filter::Given;
use super::{Fields, figures};
use crate::api::Api;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::v1::parameters::tick;
use crate::v1::regions::region;

/// More days than there are.
const ALL: u32 = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesParameters {
    start: Option<String>,
    end: Option<String>,
    step: Option<String>,
    min_tick: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    seller_region: String,
    customer_region: String,
    step: &'static str,
    /// Steps without anything are left out.
    series: Vec<Fields>,
}

pub(crate) async fn series(
    State(api): State<Api>,
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
    let asked = Asked::begin(&api, tick(given.min_tick.as_deref())?).await?;
    let request = format!("routes/series:{query:?}");
    let made = async |moment: &mut Moment| {
        let groups = moment.stats(&query).await?;
        let series = groups.iter().map(|group| {
            let day = group.period.map(|day| day.to_string());
            let mut fields = vec![("from", day.into())];
            fields.extend(figures(group));
            Fields(fields)
        });
        Ok(Answer {
            seller_region: seller,
            customer_region: customer,
            step,
            series: series.collect(),
        })
    };
    asked.answer(&request, made).await
}
