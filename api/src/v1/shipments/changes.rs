//! `GET /v1/shipments?changed_since_tick=N`: shipments that a later tick has written or deleted, in order of
//! tick and id, for programs that keep a copy.
//!
//! A walk goes up to one tick, the visible one when it begins; that is the next N. A shipment may come more
//! than once, none is missed: what moves on while the walk is under way is behind its end. What is not known
//! any more is a 410 with `reset`: the copy is to be made again, by a walk from 0 or an export.
//!
//! With a filter the walk is the same, and each change says whether its shipment meets it now: one that has
//! left the filter is named too, so that a filtered copy stays exact.

use axum::response::Response;
use eip_stores::query::{Change, ChangeQuery, Condition, Document, Moment};
use eip_views::SHIPMENTS;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::cursor::{Cursor, foreign, from_text, of_another, to_text};
use super::{Filter, ListQuery, Wanted};
use crate::api::Api;
use crate::asked::{Asked, IfNoneMatch, Question};
use crate::openapi::views::Shipment;
use crate::problem::Problem;
use crate::v1::document::raw;
use crate::v1::parameters::{tick, tick_of};

/// A page of what has changed since a tick.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangesPage {
    changed_since_tick: u64,
    /// In order of tick and id.
    changes: Vec<Changed>,
    /// What the next page is asked with; null after the last.
    next: Option<String>,
    /// Up to which tick the pages go: what is asked with next when all of them are read.
    upto_tick: u64,
}

/// A shipment that a tick has written or deleted.
#[derive(Serialize, ToSchema)]
struct Changed {
    tick: u64,
    order_id: String,
    deleted: bool,
    /// Whether it meets the filter as it is now; left out without a filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<bool>,
    /// As it is now; null where it is deleted or does not meet the filter.
    #[schema(value_type = Option<Shipment>)]
    shipment: Option<Box<RawValue>>,
}

/// Where a page ended.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// Of which query.
    of: String,
    upto: u64,
    tick: u64,
    id: String,
}

pub(super) async fn list(
    api: &Api,
    known: IfNoneMatch,
    query: &ListQuery,
    limit: u32,
) -> Result<Response, Problem> {
    refuse_others(query)?;
    let since = tick_of("changed_since_tick", query.changed_since_tick.as_deref())?.unwrap_or(0);
    let wanted = query.filter.wanted()?;
    let filter = filter(query, &wanted)?;
    let bound_to = Cursor::bound_to(&api.space, &wanted, since);
    let place = query.cursor.as_deref();
    let place = place.map(|text| Place::read(text, &bound_to, since));
    let place = place.transpose()?;
    let question = Question::named(format!("changes:{since}:{limit}:{place:?}:{filter:?}"))
        .at_least(tick(query.min_tick.as_deref())?)
        .unless(known);
    let page = async |asked: &mut Asked| {
        let moment = &mut asked.moment;
        let visible = walkable_tick(moment);
        check_known(moment, since, visible).await?;
        let (upto, after) = match place {
            Some(place) if place.upto > visible => return Err(foreign()),
            Some(place) => (place.upto, Some((place.tick, place.id))),
            None => (visible, None),
        };
        let wanted = ChangeQuery {
            since,
            upto,
            after,
            limit: limit + 1,
        };
        let mut changes = moment.changes(&wanted).await?;
        let more = changes.len() > limit as usize;
        changes.truncate(limit as usize);
        let last = changes.last().filter(|_| more);
        let next = last.map(|last| {
            to_text(&Place {
                of: bound_to,
                upto,
                tick: last.tick,
                id: last.id.clone(),
            })
        });
        Ok(ChangesPage {
            changed_since_tick: since,
            changes: changes
                .into_iter()
                .map(|change| changed(change, filter.as_ref()))
                .collect(),
            next,
            upto_tick: upto,
        })
    };
    api.answer(question, page).await
}

/// Up to which tick a walk of this moment may go: documents and entries of deletions are all there.
pub(crate) fn walkable_tick(moment: &Moment) -> u64 {
    moment.visible_tick().min(moment.progress().tick)
}

/// The filter; none where none is given.
fn filter(query: &ListQuery, wanted: &Wanted) -> Result<Option<Condition>, Problem> {
    if query.filter == Filter::default() {
        return Ok(None);
    }
    let Some(condition) = wanted.lasting() else {
        let detail = "changed_since_tick goes with no filter that depends on data now (at_risk, stalled, quiet): \
                      what it selects changes with time alone, and that is not noted";
        return Err(Problem::bad_field("changed_since_tick", detail));
    };
    Ok(Some(condition))
}

/// Changes have an order of their own, and facets count what is there now.
fn refuse_others(query: &ListQuery) -> Result<(), Problem> {
    let others = [
        ("sort", query.sort.is_some()),
        ("facets", query.facets.is_some()),
        ("count", query.count.is_some()),
    ];
    match others.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((other, _)) => Err(Problem::bad_field(
            "changed_since_tick",
            format!(
                "changed_since_tick goes with a filter, limit, cursor and min_tick, not with {other}"
            ),
        )),
    }
}

/// Refuses a tick after which something is not known. Who asks from 0 has nothing that could be stale.
async fn check_known(moment: &mut Moment, since: u64, visible: u64) -> Result<(), Problem> {
    let Some(known) = moment.changes_known_from().await? else {
        let detail =
            "the shipments are being written again, and what changes is known when they are";
        return Err(Problem::not_now(detail));
    };
    if since == 0 || (known..=visible).contains(&since) {
        return Ok(());
    }
    Err(Problem::reset(format!(
        "what has changed since tick {since} is not known: changes are kept from tick {known} up to \
         {visible}, since the views were rebuilt or what was deleted is that long ago; drop all \
         shipments, ask with changed_since_tick=0 and go on from its upto_tick"
    )))
}

fn changed(change: Change, filter: Option<&Condition>) -> Changed {
    let shipment = change.document.as_ref();
    let meets = |document: &Document| filter.is_none_or(|filter| filter.is_met_by(document));
    let shown = shipment.filter(|document| meets(document));
    Changed {
        tick: change.tick,
        order_id: change.id,
        deleted: shipment.is_none(),
        matches: filter.map(|_| shown.is_some()),
        shipment: shown.map(|document| raw(&SHIPMENTS, document)),
    }
}

impl Place {
    /// Refuses what was not given for this query.
    fn read(text: &str, bound_to: &str, since: u64) -> Result<Self, Problem> {
        let place: Self = from_text(text)?;
        let is_inside = (since + 1..=place.upto).contains(&place.tick);
        if place.of != bound_to || !is_inside {
            return Err(of_another());
        }
        Ok(place)
    }
}
