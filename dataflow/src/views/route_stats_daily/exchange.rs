//! Records with a route → the worker whose route it is.
//!
//! Region codes mean something in one process only ([`Dictionary`]). Where all workers are in one
//! process they are sent as they are; between processes the texts travel, at most 16 bytes each,
//! and become the receiver's own codes on arrival. So what follows is arranged where it is
//! ([`reduce_here_named`]): exchanged once more by code, equal routes would part.

use std::sync::Arc;

use differential_dataflow::difference::Semigroup;
use differential_dataflow::operators::arrange::arrangement::arrange_core;
use differential_dataflow::operators::arrange::{Arranged, TraceAgent};
use differential_dataflow::trace::implementations::{
    KeyBatcher, KeySpine, ValBatcher, ValBuilder, ValSpine,
};
use differential_dataflow::{Collection, ExchangeData, Hashable as _, VecCollection};
use eip_contract::{Day, Dictionary, RegionCode};
use serde::{Deserialize, Serialize};
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Exchange as _;
use timely::dataflow::operators::vec::Map as _;

use super::RouteDay;
use crate::tick::{Diff, Rows, Tick};

/// The regions of this process, and whether others have theirs.
#[derive(Clone)]
pub struct Regions {
    /// The texts behind the codes.
    pub dictionary: Arc<Dictionary>,
    /// Whether the workers are spread over several processes.
    pub several_processes: bool,
}

/// The key of a row in texts: the same in every process. Sorts by day, seller, customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DayRoute {
    day: Day,
    /// Padded with zeros, which no region contains.
    seller: [u8; 16],
    customer: [u8; 16],
}

impl DayRoute {
    /// The day.
    pub fn day(&self) -> Day {
        self.day
    }

    /// The seller's region.
    pub fn seller(&self) -> &str {
        text(&self.seller)
    }

    /// The customer's region.
    pub fn customer(&self) -> &str {
        text(&self.customer)
    }
}

fn text(padded: &[u8; 16]) -> &str {
    let length = padded.iter().position(|&byte| byte == 0).unwrap_or(16);
    std::str::from_utf8(&padded[..length]).expect("made of a text")
}

impl Regions {
    /// The texts of a key.
    pub(super) fn texts(&self, key: RouteDay) -> DayRoute {
        DayRoute {
            day: key.day(),
            seller: self.padded(key.seller()),
            customer: self.padded(key.customer()),
        }
    }

    fn codes(&self, key: &DayRoute) -> RouteDay {
        RouteDay::new(key.day, self.code(key.seller()), self.code(key.customer()))
    }

    fn padded(&self, code: RegionCode) -> [u8; 16] {
        let text = self.dictionary.region(code);
        let mut padded = [0; 16];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        padded
    }

    fn code(&self, text: &str) -> RegionCode {
        self.dictionary
            .region_code(text)
            .expect("a region that another process took")
    }
}

/// Sends each record to the worker of its day and route.
pub(super) fn by_route<'scope, V: ExchangeData, R: ExchangeData + Semigroup>(
    records: VecCollection<'scope, Tick, (RouteDay, V), R>,
    regions: &Regions,
) -> VecCollection<'scope, Tick, (RouteDay, V), R> {
    if !regions.several_processes {
        let exchanged = records
            .inner
            .exchange(|((key, _value), _tick, _diff)| key.hashed());
        return Collection::new(exchanged);
    }
    let (sender, receiver) = (regions.clone(), regions.clone());
    let exchanged = records
        .inner
        .map(move |((key, value), tick, diff)| ((sender.texts(key), value), tick, diff))
        .exchange(|((key, _value), _tick, _diff): &((DayRoute, V), Tick, R)| key.hashed())
        .map(move |((key, value), tick, diff)| ((receiver.codes(&key), value), tick, diff));
    Collection::new(exchanged)
}

/// Arranges keys on the worker where they are.
pub(super) fn arrange_keys_here_named<'scope, R: ExchangeData + Semigroup>(
    keys: VecCollection<'scope, Tick, (RouteDay, ()), R>,
    name: &str,
) -> Arranged<'scope, TraceAgent<KeySpine<RouteDay, Tick, R>>> {
    arrange_core::<_, _, KeyBatcher<RouteDay, Tick, R>, _>(
        keys.inner,
        Pipeline,
        name,
        KeyBatcher::new,
    )
}

/// As differential's `reduce_named`, on the worker where the records are.
pub(super) fn reduce_here_named<'scope, V: ExchangeData, V2: ExchangeData>(
    records: Rows<'scope, (RouteDay, V)>,
    name: &str,
    mut logic: impl FnMut(&RouteDay, &[(&V, Diff)], &mut Vec<(V2, Diff)>) + 'static,
) -> Rows<'scope, (RouteDay, V2)> {
    arrange_core::<_, _, ValBatcher<RouteDay, V, Tick, Diff>, ValSpine<RouteDay, V, Tick, Diff>>(
        records.inner,
        Pipeline,
        &format!("Arrange: {name}"),
        ValBatcher::new,
    )
    .reduce_abelian::<_, ValBuilder<RouteDay, V2, Tick, Diff>, ValSpine<RouteDay, V2, Tick, Diff>, _, _>(
        name,
        move |key, input, output| logic(key, input, output),
        |updates, key, changes| {
            updates.clear();
            updates.extend(changes.drain(..).map(|(value, tick, diff)| ((*key, value), tick, diff)));
        },
    )
    .as_collection(|key, value| (*key, value.clone()))
}
