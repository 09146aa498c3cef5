//! `GET /v1/shipments`: shipments that meet a filter, page by page, with counts by facet; or those that have
//! changed since a tick.

mod changes;
mod cursor;
mod filter;
mod window;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use eip_stores::query::{After, Count, Direction, FACETS, FacetCount, Search, Sort, Total};
use eip_views::{SHIPMENTS, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

use super::document::raw;
use super::parameters::{number, tick, truth};
use crate::api::Api;
use crate::asked::{Answer, Asked, Conditional, IfNoneMatch, Question};
use crate::openapi::views::Shipment;
use crate::openapi::{Forgotten, Problems};
use crate::problem::Problem;
use changes::ChangesPage;
use cursor::Cursor;

pub(crate) use changes::walkable_tick;
pub(crate) use filter::{Filter, Wanted, is_id, pasted, search_for};
pub(crate) use window::{Window, days_before, open_since};

const USUAL: u32 = 50;
const GREATEST: u32 = 200;

/// The query as it is written: the filter, then how its result is shown.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[serde(flatten)]
    #[param(ignore)]
    filter: Filter,
    /// By which column, with `-` before it for the greatest first: `order_id`, `placed_at`,
    /// `approved_at`, `warehouse_assigned_at`, `handed_to_carrier_at`, `delayed_at`, `delivered_at`,
    /// `estimated_delivery_at`, `lead` or `late`. What has no value comes last.
    #[param(default = "-placed_at")]
    sort: Option<String>,
    /// Most shipments of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// `next` of the page before, for the same query and space.
    cursor: Option<String>,
    /// Whether to count what meets the filter by status, region, route, delayed or not.
    #[param(value_type = Option<bool>)]
    facets: Option<String>,
    /// `exact`: `total` counts all, not only up to 10,000.
    #[param(pattern = "^exact$")]
    count: Option<String>,
    /// What ticks after this one have written or deleted, in order of tick and id; goes with `limit`,
    /// `cursor`, `min_tick` and a filter that does not depend on data now. 0 begins a copy.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    changed_since_tick: Option<String>,
    /// Waits, for at most 5 s, until this tick is visible.
    #[param(value_type = Option<u64>, maximum = 4_398_046_511_103_u64)]
    min_tick: Option<String>,
    #[serde(flatten)]
    #[param(ignore)]
    unknown: BTreeMap<String, String>,
}

/// A page of shipments.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page {
    #[schema(value_type = Vec<Shipment>)]
    shipments: Vec<Box<RawValue>>,
    total: Counted,
    /// What the next page is asked with; null after the last.
    next: Option<String>,
    /// Whether the views have moved since the page before: a shipment may then come twice, or not.
    moved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<Facets>,
}

/// How many shipments there are on all pages.
#[derive(Serialize, ToSchema)]
struct Counted {
    value: u64,
    /// `eq`, or `gte` where there are at least so many.
    relation: &'static str,
}

impl From<Total> for Counted {
    fn from(total: Total) -> Self {
        let (value, relation) = match total {
            Total::Exactly(value) => (value, "eq"),
            Total::AtLeast(value) => (value, "gte"),
        };
        Self { value, relation }
    }
}

/// How many shipments have each value; the most frequent first.
#[derive(Serialize, ToSchema)]
struct Facets {
    status: Vec<Facet>,
    seller_region: Vec<Facet>,
    customer_region: Vec<Facet>,
    route: Vec<Facet>,
    delayed: Vec<Facet>,
}

#[derive(Serialize, ToSchema)]
struct Facet {
    value: String,
    count: u64,
}

/// The columns that can be sorted by, under the names of the query.
const SORTS: [(&str, &str); 10] = [
    ("order_id", "orderId"),
    ("placed_at", "placedAt"),
    ("approved_at", "approvedAt"),
    ("warehouse_assigned_at", "warehouseAssignedAt"),
    ("handed_to_carrier_at", "handedToCarrierAt"),
    ("delayed_at", "delayedAt"),
    ("delivered_at", "deliveredAt"),
    ("estimated_delivery_at", "estimatedDeliveryAt"),
    ("lead", "leadTimeSeconds"),
    ("late", "lateSeconds"),
];

/// A page of shipments, or of changes with `changed_since_tick`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum Listed {
    Page(Answer<Page>),
    Changes(Answer<ChangesPage>),
}

/// Shipments that meet a filter, page by page.
#[utoipa::path(get, operation_id = "shipments", path = "/v1/shipments", params(Filter, ListQuery, Conditional),
    responses((status = 200, body = Listed), Conditional, Forgotten, Problems))]
pub(crate) async fn list(
    State(api): State<Api>,
    known: IfNoneMatch,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    if let Some(unknown) = query.unknown.keys().next() {
        return Err(Problem::bad_query(format!("{unknown} is no parameter")));
    }
    let limit = number("limit", query.limit.as_deref(), USUAL, GREATEST)?;
    if query.changed_since_tick.is_some() {
        return changes::list(&api, known, &query, limit).await;
    }
    let sort = sort(query.sort.as_deref())?;
    let with_facets = truth("facets", query.facets.as_deref())?.unwrap_or(false);
    let count = match query.count.as_deref() {
        None => Count::Enough,
        Some("exact") => Count::All,
        Some(text) => {
            let form = format!("count may be exact, not {text:?}");
            return Err(Problem::bad_field("count", form));
        }
    };
    let wanted = query.filter.wanted()?;
    let bound_to = Cursor::bound_to(&api.space, &wanted, sort);
    let cursor = query.cursor.as_deref();
    let cursor = cursor.map(|text| Cursor::read(text, &bound_to, sort.column));
    let cursor = cursor.transpose()?;
    let shown = (sort, limit, with_facets, count);
    let question = Question::named(format!("shipments:{wanted:?}:{shown:?}:{cursor:?}"))
        .at_least(tick(query.min_tick.as_deref())?)
        .unless(known);
    let page = async |asked: &mut Asked| {
        let condition = wanted.condition(asked.data_now()?);
        let moment = &mut asked.moment;
        let visible = moment.visible_tick();
        let moved = cursor.as_ref().is_some_and(|cursor| cursor.tick != visible);
        let mut search = Search {
            condition,
            sort,
            after: cursor.map(|cursor| cursor.after),
            limit: limit + 1,
            count,
        };
        let mut facets = None;
        if with_facets {
            let counts = moment.facets(&search.condition).await?;
            // They count every shipment once.
            search.count = Count::Known(counts.iter().map(|(_, count)| count).sum());
            facets = Some(Facets::of(&counts));
        }
        let mut found = moment.search(&search).await?;
        let more = found.documents.len() > limit as usize;
        found.documents.truncate(limit as usize);
        let last = found.documents.last().filter(|_| more);
        let next = last.map(|last| {
            let Value::Text(id) = &last[0] else {
                unreachable!("an id is a text")
            };
            let after = After {
                value: last[sort.column].clone(),
                id: id.to_string(),
            };
            Cursor::write(&bound_to, visible, &after)
        });
        let shipments = found.documents.iter();
        Ok(Page {
            shipments: shipments
                .map(|document| raw(&SHIPMENTS, document))
                .collect(),
            total: found.total.into(),
            next,
            moved,
            facets,
        })
    };
    api.answer(question, page).await
}

/// `-placed_at` is the latest first.
fn sort(text: Option<&str>) -> Result<Sort, Problem> {
    let text = text.unwrap_or("-placed_at");
    let (direction, name) = match text.strip_prefix('-') {
        Some(name) => (Direction::Descending, name),
        None => (Direction::Ascending, text),
    };
    let known = SORTS.iter().find(|(known, _)| *known == name);
    let Some((_, column)) = known else {
        let names: Vec<&str> = SORTS.iter().map(|(name, _)| *name).collect();
        let form = format!(
            "sort must be one of {}, with a - before it for the greatest first, not {text:?}",
            names.join(", ")
        );
        return Err(Problem::bad_field("sort", form));
    };
    Ok(Sort {
        column: SHIPMENTS.place(column).expect("a column of shipments"),
        direction,
    })
}

impl Facets {
    fn of(counts: &[FacetCount]) -> Self {
        let text = |value: &Value<'_>| match value {
            Value::Text(text) => text.to_string(),
            Value::Boolean(boolean) => boolean.to_string(),
            Value::EventType(event_type) => event_type.name().to_owned(),
            other => format!("{other:?}"),
        };
        let by = |value: &dyn Fn(&[Value<'_>]) -> String| {
            let mut sums: BTreeMap<String, u64> = BTreeMap::new();
            for (values, count) in counts {
                *sums.entry(value(values)).or_default() += count;
            }
            let mut facet: Vec<Facet> = sums
                .into_iter()
                .map(|(value, count)| Facet { value, count })
                .collect();
            facet.sort_by_key(|facet| Reverse(facet.count));
            facet
        };
        let place = |name: &str| {
            FACETS
                .iter()
                .position(|known| *known == name)
                .expect("a facet")
        };
        let one = |name: &str| {
            let place = place(name);
            by(&move |values| text(&values[place]))
        };
        let (seller, customer) = (place("sellerRegion"), place("customerRegion"));
        Self {
            status: one("status"),
            seller_region: one("sellerRegion"),
            customer_region: one("customerRegion"),
            route: by(&|values| format!("{}-{}", text(&values[seller]), text(&values[customer]))),
            delayed: one("delayed"),
        }
    }
}
