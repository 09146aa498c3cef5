//! The views by straightforward code: a map of every order's facts, then three loops.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use eip_contract::{Change, Day, Event, EventId, EventTime, EventType, Offset, decode_record};
use eip_log::LogError;
use eip_views::{
    ROUTE_STATS_DAILY, RouteStatsRow, SHIPMENT_EVENTS, SHIPMENTS, ShipmentDocument, View,
};

/// All that the log says up to some position.
#[derive(Default)]
pub(super) struct Log {
    orders: BTreeMap<String, [Option<Fact>; 6]>,
    pub(super) records: u64,
    pub(super) dead_letters: BTreeMap<&'static str, u64>,
    pub(super) foreign_ids: u64,
    pub(super) first_foreign_id: Option<ForeignId>,
}

struct Fact {
    event_at: EventTime,
    estimated_delivery_at: Option<EventTime>,
    seller_region: Rc<str>,
    customer_region: Rc<str>,
}

/// A record whose eventId is not the one that follows from its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignId {
    /// Its partition.
    pub(crate) partition: u32,
    /// Its offset.
    pub(crate) offset: Offset,
    /// Its order.
    pub(crate) order_id: String,
    /// The eventId as written; none when it is no 32 lower-case hex digits.
    pub(crate) written: Option<EventId>,
    /// The eventId that follows from its fields.
    pub(crate) computed: EventId,
}

/// Reads the committed records of all partitions before `upto`.
pub(super) fn read(event_log: &eip_log::Log, upto: &[Offset]) -> Result<Log, LogError> {
    let partitions = event_log.partitions();
    let mut log = Log::default();
    let mut regions = HashSet::new();
    let mut apply = |record: eip_log::RecordRef<'_>| {
        log.records += 1;
        match decode_record(partitions, record.partition, record.key, record.value) {
            Err(reason) => *log.dead_letters.entry(reason.code()).or_default() += 1,
            Ok(Change::Retract(order_id)) => {
                log.orders.remove(order_id);
            }
            Ok(Change::Assert(decoded)) => {
                let event = &decoded.event;
                if !decoded.id_fits() {
                    log.foreign_ids += 1;
                    log.first_foreign_id.get_or_insert_with(|| ForeignId {
                        partition: record.partition,
                        offset: record.offset,
                        order_id: event.order_id.to_string(),
                        written: decoded.written_id,
                        computed: event.event_id(),
                    });
                }
                let fact = Fact {
                    event_at: event.event_at,
                    estimated_delivery_at: event.estimated_delivery_at,
                    seller_region: shared(&mut regions, &event.seller_region),
                    customer_region: shared(&mut regions, &event.customer_region),
                };
                let rank = event.event_type.rank();
                if let Some(facts) = log.orders.get_mut(&*event.order_id) {
                    facts[rank] = Some(fact);
                } else {
                    let mut facts = [const { None }; 6];
                    facts[rank] = Some(fact);
                    log.orders.insert(event.order_id.to_string(), facts);
                }
            }
        }
    };
    event_log.read_all()?.read_to(upto, &mut apply)?;
    Ok(log)
}

fn shared(regions: &mut HashSet<Rc<str>>, region: &str) -> Rc<str> {
    if let Some(known) = regions.get(region) {
        return Rc::clone(known);
    }
    let new: Rc<str> = region.into();
    regions.insert(Rc::clone(&new));
    new
}

fn in_range(day: Day, range: Option<(Day, Day)>) -> bool {
    range.is_none_or(|(start, end)| start <= day && day < end)
}

/// A line that a view must have, and whether it lies in the range that is compared. Lines outside
/// of it are known too, so that a row that moved over its border is recognised.
pub(super) struct Expected {
    pub(super) line: Vec<u8>,
    pub(super) in_range: bool,
}

type Lines<'a> = Box<dyn Iterator<Item = Expected> + 'a>;

impl Log {
    /// The canonical lines of a view, sorted by bytes.
    pub(super) fn lines(&self, view: &View, range: Option<(Day, Day)>) -> Lines<'_> {
        if *view == SHIPMENT_EVENTS {
            return self.event_lines(range);
        }
        if *view == SHIPMENTS {
            return self.shipment_lines(range);
        }
        assert!(*view == ROUTE_STATS_DAILY, "there are three views");
        Box::new(self.stats_lines(range))
    }

    fn event_lines(&self, range: Option<(Day, Day)>) -> Lines<'_> {
        let mut events: Vec<(EventId, Event<'_>)> = Vec::new();
        for (order_id, facts) in &self.orders {
            for (event_type, fact) in EventType::ALL.into_iter().zip(facts) {
                if let Some(fact) = fact {
                    let event = Event {
                        event_type,
                        event_at: fact.event_at,
                        order_id: order_id.into(),
                        seller_region: (&*fact.seller_region).into(),
                        customer_region: (&*fact.customer_region).into(),
                        estimated_delivery_at: fact.estimated_delivery_at,
                    };
                    events.push((event.event_id(), event));
                }
            }
        }
        // A line begins with its eventId, and all eventIds have the same length.
        events.sort_unstable_by_key(|(event_id, _event)| *event_id);
        Box::new(events.into_iter().map(move |(event_id, event)| {
            let mut line = Vec::new();
            event.encode_with_id(event_id, &mut line);
            Expected {
                line,
                in_range: in_range(event.event_at.day(), range),
            }
        }))
    }

    fn shipment_lines(&self, range: Option<(Day, Day)>) -> Lines<'_> {
        let mut orders: Vec<(Vec<u8>, &str)> = Vec::with_capacity(self.orders.len());
        for order_id in self.orders.keys() {
            let mut written = Vec::with_capacity(order_id.len() + 2);
            eip_contract::json::write_string(&mut written, order_id);
            orders.push((written, order_id));
        }
        // A line begins with its order as JSON writes it, which is no other's beginning.
        orders.sort_unstable();
        Box::new(orders.into_iter().map(move |(_written, order_id)| {
            let shipment = shipment(order_id, &self.orders[order_id]);
            let mut line = Vec::new();
            shipment.encode(&mut line);
            let mut days = shipment.times.iter().flatten().map(|time| time.day());
            Expected {
                line,
                in_range: days.any(|day| in_range(day, range)),
            }
        }))
    }

    fn stats_lines(&self, range: Option<(Day, Day)>) -> impl Iterator<Item = Expected> + use<> {
        let mut cells: HashMap<(Day, &str, &str), Cell> = HashMap::new();
        for (order_id, facts) in &self.orders {
            let shipment = shipment(order_id, facts);
            for (event_type, time) in EventType::ALL.into_iter().zip(shipment.times) {
                let Some(time) = time else { continue };
                let route = (time.day(), shipment.seller_region, shipment.customer_region);
                let cell = cells.entry(route).or_default();
                cell.counts[event_type.rank()] += 1;
                if event_type == EventType::Delivered {
                    cell.lead_seconds.extend(shipment.lead_time_seconds);
                    let late = shipment.late_seconds.unwrap_or(0);
                    cell.late_seconds_sum += late;
                    cell.delivered_late += i64::from(late > 0);
                }
            }
        }
        let mut lines: Vec<Expected> = cells
            .into_iter()
            .map(|((day, seller, customer), cell)| {
                let mut line = Vec::new();
                cell.row(day, seller, customer).encode(&mut line);
                Expected {
                    line,
                    in_range: in_range(day, range),
                }
            })
            .collect();
        lines.sort_unstable_by(|a, b| a.line.cmp(&b.line));
        lines.into_iter()
    }
}

fn shipment<'a>(order_id: &'a str, facts: &'a [Option<Fact>; 6]) -> ShipmentDocument<'a> {
    let times = facts
        .each_ref()
        .map(|fact| fact.as_ref().map(|fact| fact.event_at));
    let (status, last) = EventType::ALL
        .into_iter()
        .zip(facts)
        .filter_map(|(event_type, fact)| Some((event_type, fact.as_ref()?)))
        .next_back()
        .expect("an order is in the map by a fact");
    let [placed, _, _, _, delayed, delivered] = times;
    ShipmentDocument {
        order_id,
        seller_region: &last.seller_region,
        customer_region: &last.customer_region,
        estimated_delivery_at: last.estimated_delivery_at,
        status,
        times,
        event_count: times.iter().flatten().count() as i64,
        lead_time_seconds: placed
            .zip(delivered)
            .map(|(placed, delivered)| delivered.seconds() - placed.seconds()),
        late_seconds: delivered.map(|delivered| match delayed {
            Some(deadline) => (delivered.seconds() - deadline.seconds()).max(0),
            None => 0,
        }),
    }
}

/// One day of one route.
#[derive(Default)]
struct Cell {
    counts: [i64; 6],
    delivered_late: i64,
    lead_seconds: Vec<i64>,
    late_seconds_sum: i64,
}

impl Cell {
    fn row(mut self, day: Day, seller_region: &str, customer_region: &str) -> RouteStatsRow {
        self.lead_seconds.sort_unstable();
        let n = self.lead_seconds.len();
        let percentile = |percent: usize| {
            let rank = (percent * n).div_ceil(100);
            if rank == 0 {
                None
            } else {
                Some(self.lead_seconds[rank - 1])
            }
        };
        RouteStatsRow {
            stat_date: day,
            seller_region: seller_region.to_owned(),
            customer_region: customer_region.to_owned(),
            counts: self.counts,
            delivered_late: self.delivered_late,
            lead_count: n as i64,
            lead_seconds_sum: self.lead_seconds.iter().sum(),
            lead_seconds_percentiles: [percentile(50), percentile(90), percentile(99)],
            late_seconds_sum: self.late_seconds_sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use eip_log::{JournalWriter, NewRecord, StateDir};
    use eip_views::VIEWS;

    use super::*;

    fn event(order_id: &str, event_type: EventType, event_at: &str, seller: &str) -> String {
        Event {
            event_type,
            event_at: event_at.parse().unwrap(),
            order_id: order_id.into(),
            seller_region: seller.into(),
            customer_region: "RJ".into(),
            estimated_delivery_at: None,
        }
        .to_json()
    }

    #[test]
    fn a_small_history_gives_what_a_person_works_out() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::create(folder.path(), 2).unwrap();
        let mut journal = JournalWriter::open(&state, "a test").unwrap();
        let mut say = |order_id: &str, value: Option<&str>| {
            let key = Some(order_id.as_bytes());
            let value = value.map(str::as_bytes);
            journal
                .append(
                    None,
                    NewRecord {
                        key,
                        value,
                        ..NewRecord::default()
                    },
                )
                .unwrap();
        };
        let placed = event("a", EventType::OrderPlaced, "2018-01-01T00:00:00Z", "SP");
        let forged = placed.replacen(&placed[12..44], &"0".repeat(32), 1);
        say(
            "a",
            Some(&event(
                "a",
                EventType::Delivered,
                "2018-01-09T00:00:00Z",
                "SP",
            )),
        );
        say("a", Some(&forged));
        say(
            "a",
            Some(&event(
                "a",
                EventType::DeliveryDelayed,
                "2018-01-02T00:00:00Z",
                "SP",
            )),
        );
        say(
            "a",
            Some(&event(
                "a",
                EventType::Delivered,
                "2018-01-02T00:00:40Z",
                "AC",
            )),
        );
        say(
            "b",
            Some(&event(
                "b",
                EventType::OrderPlaced,
                "2018-01-01T00:00:00Z",
                "SP",
            )),
        );
        say("b", None);
        say(
            "b",
            Some(&event(
                "b",
                EventType::OrderApproved,
                "2018-02-01T00:00:00Z",
                "SP",
            )),
        );
        say("b", Some("{}"));
        journal.sync().unwrap();

        let log = read(&(&state).into(), &journal.ends()).unwrap();
        assert_eq!((log.records, log.foreign_ids), (8, 1));
        assert_eq!(log.first_foreign_id.as_ref().unwrap().order_id, "a");
        assert_eq!(log.dead_letters.values().sum::<u64>(), 1);
        let lines = |view, range| -> Vec<String> {
            let lines = log.lines(view, range).filter(|line| line.in_range);
            lines
                .map(|line| String::from_utf8(line.line).unwrap())
                .collect()
        };
        let events = lines(VIEWS[0], None);
        assert!(events.len() == 4 && events.is_sorted() && events.contains(&placed));
        assert_eq!(
            lines(VIEWS[1], None),
            [
                r#"{"orderId":"a","sellerRegion":"AC","customerRegion":"RJ","estimatedDeliveryAt":null,"status":"DELIVERED","placedAt":"2018-01-01T00:00:00Z","approvedAt":null,"warehouseAssignedAt":null,"handedToCarrierAt":null,"delayedAt":"2018-01-02T00:00:00Z","deliveredAt":"2018-01-02T00:00:40Z","delayed":true,"eventCount":3,"leadTimeSeconds":86440,"lateSeconds":40}"#,
                r#"{"orderId":"b","sellerRegion":"SP","customerRegion":"RJ","estimatedDeliveryAt":null,"status":"ORDER_APPROVED","placedAt":null,"approvedAt":"2018-02-01T00:00:00Z","warehouseAssignedAt":null,"handedToCarrierAt":null,"delayedAt":null,"deliveredAt":null,"delayed":false,"eventCount":1,"leadTimeSeconds":null,"lateSeconds":null}"#,
            ]
        );
        assert_eq!(
            lines(VIEWS[2], None),
            [
                r#"{"stat_date":"2018-01-01","seller_region":"AC","customer_region":"RJ","placed":1,"approved":0,"assigned":0,"handed":0,"delayed":0,"delivered":0,"delivered_late":0,"lead_count":0,"lead_seconds_sum":0,"lead_seconds_p50":null,"lead_seconds_p90":null,"lead_seconds_p99":null,"late_seconds_sum":0}"#,
                r#"{"stat_date":"2018-01-02","seller_region":"AC","customer_region":"RJ","placed":0,"approved":0,"assigned":0,"handed":0,"delayed":1,"delivered":1,"delivered_late":1,"lead_count":1,"lead_seconds_sum":86440,"lead_seconds_p50":86440,"lead_seconds_p90":86440,"lead_seconds_p99":86440,"late_seconds_sum":40}"#,
                r#"{"stat_date":"2018-02-01","seller_region":"SP","customer_region":"RJ","placed":0,"approved":1,"assigned":0,"handed":0,"delayed":0,"delivered":0,"delivered_late":0,"lead_count":0,"lead_seconds_sum":0,"lead_seconds_p50":null,"lead_seconds_p90":null,"lead_seconds_p99":null,"late_seconds_sum":0}"#,
            ]
        );
        let days = ["2018-01-02", "2018-01-03"].map(|day| Day::parse(day.as_bytes()).unwrap());
        let counts = VIEWS.map(|view| lines(view, Some(days.into())).len());
        assert_eq!(counts, [2, 1, 1]);
    }
}
