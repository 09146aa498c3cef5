//! What the stream says of shipments: the ids of those that have changed since the event before, as
//! `GET /v1/shipments?changed_since_tick=N` lists them.
//!
//! A reader with a copy of tick T applies an event whose `since_tick` is T or less. It asks
//! `changed_since_tick=T` where that is greater, or where an event says `more`.

use std::sync::atomic::{AtomicU64, Ordering};

use eip_stores::query::{ChangeQuery, Moment, QueryError};
use serde::Serialize;

use crate::v1::shipments::walkable_tick;

/// Most changes of an event. Only ids are sent, since a thousand events are kept.
const MOST: u32 = 200;

/// Shipments that ticks after one and up to another have written or deleted.
#[derive(Serialize)]
pub(super) struct ChangedIds {
    since_tick: u64,
    pub(super) upto_tick: u64,
    /// Whether what has changed since then is not known any more: a copy is to be made again.
    reset: bool,
    /// How many changes there are.
    count: u64,
    /// Whether only the first ones are here.
    more: bool,
    /// In order of tick and id.
    changes: Vec<ChangedId>,
}

#[derive(Serialize)]
struct ChangedId {
    tick: u64,
    order_id: String,
    deleted: bool,
}

/// Up to which tick the stream has said what changed; 0 before it begins.
#[derive(Default)]
pub(super) struct Told(AtomicU64);

impl Told {
    /// Begins after this tick, unless it has begun.
    pub(super) fn begin(&self, tick: u64) {
        let _ = self
            .0
            .compare_exchange(0, tick, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Up to which tick; none before it begins.
    pub(super) fn tick(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|tick| *tick > 0)
    }

    /// What changed up to this tick has been said.
    pub(super) fn reach(&self, tick: u64) {
        self.0.store(tick, Ordering::Relaxed);
    }
}

impl ChangedIds {
    /// What has changed since a tick; none where nothing has, or where it is not known yet.
    pub(super) async fn since(moment: &mut Moment, since: u64) -> Result<Option<Self>, QueryError> {
        let upto = walkable_tick(moment);
        let Some(known) = moment.changes_known_from().await? else {
            return Ok(None);
        };
        if upto <= since {
            return Ok(None);
        }
        let mut changed = Self {
            since_tick: since,
            upto_tick: upto,
            reset: since < known,
            count: 0,
            more: false,
            changes: Vec::new(),
        };
        if changed.reset {
            return Ok(Some(changed));
        }
        let query = ChangeQuery {
            since,
            upto,
            after: None,
            limit: MOST + 1,
        };
        let mut found = moment.changes(&query).await?;
        changed.count = found.len() as u64;
        if found.len() > MOST as usize {
            found.truncate(MOST as usize);
            changed.more = true;
            changed.count = moment.count_changes(since, upto).await?;
        }
        let ids = found.into_iter().map(|change| ChangedId {
            tick: change.tick,
            order_id: change.id,
            deleted: change.document.is_none(),
        });
        changed.changes = ids.collect();
        Ok(Some(changed).filter(|changed| changed.count > 0))
    }
}
