//! `GET /v1/shipments?changed_since_tick=N`: shipments that a later tick has written or deleted, in order of
//! tick and id, for programs that keep a copy.
//!
//! A walk goes up to one tick, the visible one when it begins; that is the next N. A shipment may come more
//! than once, none is missed: what moves on while the walk is under way is behind its end. What is not known
//! any more is a 410 with `reset`: the copy is to be made again, by a walk from 0 or an export.

use axum::response::Response;
use eip_contract::Space;
use eip_stores::query::{Change, ChangeQuery, Moment};
use eip_views::SHIPMENTS;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::cursor::{foreign, from_text, to_text};
use super::{Filter, ListQuery};
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
    /// As it is now; null where it is deleted.
    #[schema(value_type = Option<Shipment>)]
    shipment: Option<Box<RawValue>>,
}

/// Where a page ended.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Place {
    space: String,
    since: u64,
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
    let place = query.cursor.as_deref();
    let place = place.map(|text| Place::read(text, &api.space, since));
    let place = place.transpose()?;
    let question = Question::named(format!("changes:{since}:{limit}:{place:?}"))
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
                space: api.space.to_string(),
                since,
                upto,
                tick: last.tick,
                id: last.id.clone(),
            })
        });
        Ok(ChangesPage {
            changed_since_tick: since,
            changes: changes.into_iter().map(changed).collect(),
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

/// A filter would have to say which shipments have left it, and facets count what is there now.
fn refuse_others(query: &ListQuery) -> Result<(), Problem> {
    let others = [
        ("a filter", query.filter != Filter::default()),
        ("sort", query.sort.is_some()),
        ("facets", query.facets.is_some()),
        ("count", query.count.is_some()),
    ];
    match others.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((other, _)) => Err(Problem::bad_field(
            "changed_since_tick",
            format!("changed_since_tick goes with limit, cursor and min_tick, not with {other}"),
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

fn changed(change: Change) -> Changed {
    let shipment = change.document.as_ref();
    Changed {
        tick: change.tick,
        order_id: change.id,
        deleted: shipment.is_none(),
        shipment: shipment.map(|document| raw(&SHIPMENTS, document)),
    }
}

impl Place {
    /// Refuses what was not given for this query.
    fn read(text: &str, space: &Space, since: u64) -> Result<Self, Problem> {
        let place: Self = from_text(text)?;
        let is_inside = (since + 1..=place.upto).contains(&place.tick);
        if place.space != space.name() || place.since != since || !is_inside {
            let detail = "cursor: given for another query or space; ask without one";
            return Err(Problem::bad_field("cursor", detail));
        }
        Ok(place)
    }
}
