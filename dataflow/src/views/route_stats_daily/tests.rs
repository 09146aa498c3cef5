use std::collections::BTreeMap;
use std::sync::Arc;

use differential_dataflow::input::Input as _;
use eip_contract::{EventTime, EventType};
use proptest::prelude::*;
use timely::dataflow::operators::capture::{Capture as _, Extract as _};

use super::*;
use crate::tick::Tick;

#[test]
fn a_key_packs_and_unpacks() {
    let key = RouteDay::new(Day::END, RegionCode(8_388_607), RegionCode(3));
    assert_eq!(
        (key.day(), key.seller().0, key.customer().0),
        (Day::END, 8_388_607, 3)
    );
}

fn shipment() -> impl Strategy<Value = Shipment> {
    (
        prop::array::uniform6(prop::option::of(0..5_i64)),
        0..2_u32,
        0..2_u32,
    )
        .prop_filter("a shipment has a fact", |(times, ..)| {
            times.iter().any(Option::is_some)
        })
        .prop_map(|(times, seller, customer)| Shipment {
            times: times.map(|time| EventTime::from_seconds(time? * 40_000)),
            estimated_delivery_at: None,
            seller_region: RegionCode(seller),
            customer_region: RegionCode(customer),
        })
}

/// Two regions, under the codes that the shipments use.
fn dictionary() -> Arc<eip_contract::Dictionary> {
    let dictionary = eip_contract::Dictionary::default();
    for region in ["SP", "RJ"] {
        dictionary.region_code(region).unwrap();
    }
    Arc::new(dictionary)
}

/// The rows of some shipments, by going over them once a row.
fn recompute(shipments: &BTreeMap<u8, Shipment>) -> BTreeMap<DayRoute, RouteStats> {
    let dictionary = dictionary();
    let mut rows = BTreeMap::new();
    for (day, seller, customer) in (0..5).flat_map(|d| (0..4).map(move |r| (d, r / 2, r % 2))) {
        let day = Day::from_days(day).unwrap();
        let on_day = |shipment: &Shipment, event_type: EventType| {
            shipment.seller_region.0 == seller
                && shipment.customer_region.0 == customer
                && shipment
                    .time(event_type)
                    .is_some_and(|time| time.day() == day)
        };
        let count = |event_type| {
            shipments
                .values()
                .filter(|shipment| on_day(shipment, event_type))
                .count() as i64
        };
        let delivered = shipments
            .values()
            .filter(|shipment| on_day(shipment, EventType::Delivered));
        let late: Vec<i64> = delivered
            .clone()
            .filter_map(Shipment::late_seconds)
            .collect();
        let mut leads: Vec<i64> = delivered.filter_map(Shipment::lead_time_seconds).collect();
        leads.sort_unstable();
        let sums = RouteSums {
            counts: EventType::ALL.map(count),
            delivered_late: late.iter().filter(|late| **late > 0).count() as i64,
            lead_count: leads.len() as i64,
            lead_seconds_sum: leads.iter().sum(),
            late_seconds_sum: late.iter().sum(),
        };
        let rank = |percent: usize| (percent * leads.len()).div_ceil(100).wrapping_sub(1);
        let percentiles = [50, 90, 99].map(|percent| leads.get(rank(percent)).copied());
        if sums.counts != [0; 6] {
            let key = RouteDay::new(day, RegionCode(seller), RegionCode(customer));
            let regions = Regions {
                dictionary: Arc::clone(&dictionary),
                several_processes: false,
            };
            rows.insert(regions.texts(key), RouteStats { sums, percentiles });
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 5, ..ProptestConfig::default() })]

    #[test]
    fn random_updates_give_the_rows_of_a_recomputation_after_every_tick(
        ticks in prop::collection::vec(
            prop::collection::btree_map(0..12_u8, prop::option::of(shipment()), 0..8), 1..8),
        workers in 1..3_usize,
        several_processes in any::<bool>(),
    ) {
        let shared = std::sync::Arc::new(ticks.clone());
        let (send, receive) = std::sync::mpsc::channel();
        let send = std::sync::Mutex::new(send);
        let guards = timely::execute(timely::Config::process(workers), move |worker| {
            let send = send.lock().unwrap().clone();
            let (index, peers) = (worker.index(), worker.peers());
            let mut input = worker.dataflow::<Tick, _, _>(|scope| {
                let (input, shipments) = scope.new_collection();
                let dictionary = dictionary();
                let regions = Regions { dictionary, several_processes };
                render(shipments, &regions).inner.capture_into(send);
                input
            });
            let mut stands: BTreeMap<u8, Shipment> = BTreeMap::new();
            for (tick, changes) in shared.iter().enumerate() {
                for (&order, &shipment) in changes.iter().filter(|(o, _)| **o as usize % peers == index) {
                    let key = OrderKey::from_number(u128::from(order)).unwrap();
                    if let Some(old) = stands.remove(&order) {
                        input.update((key, old), -1);
                    }
                    if let Some(new) = shipment {
                        stands.insert(order, new);
                        input.update((key, new), 1);
                    }
                }
                input.advance_to(tick as Tick + 1);
                input.flush();
                worker.step();
            }
        });
        drop(guards);
        let updates: Vec<_> =
            receive.extract().into_iter().flat_map(|(_, updates)| updates).collect();
        let mut stands: BTreeMap<u8, Shipment> = BTreeMap::new();
        for (tick, changes) in ticks.iter().enumerate() {
            for (&order, &shipment) in changes {
                stands.remove(&order);
                stands.extend(shipment.map(|shipment| (order, shipment)));
            }
            let mut rows: BTreeMap<(DayRoute, RouteStats), Diff> = BTreeMap::new();
            for (row, at, diff) in &updates {
                if *at <= tick as Tick {
                    *rows.entry(row.clone()).or_default() += diff;
                }
            }
            rows.retain(|_, diff| *diff != 0);
            prop_assert!(rows.values().all(|diff| *diff == 1), "each row once");
            let rows: BTreeMap<_, _> = rows.into_keys().collect();
            prop_assert_eq!(rows, recompute(&stands), "after tick {}", tick);
        }
    }
}
