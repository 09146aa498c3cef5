//! All events of a range by (eventAt, orderId, rank), the order in which they happened.
//!
//! Ordering takes 16 bytes an event; when there are more events than [`MAX_EVENTS_AT_ONCE`], they
//! are gathered days by days in several passes over the orders, so that memory stays bounded and the
//! order the same.

use std::borrow::Cow;

use eip_contract::{Day, Event, EventTime, EventType};

use super::amplify::{Amplify, shifted};
use super::request::DayRange;

/// Most events that are ordered at once: 128 MiB.
pub(crate) const MAX_EVENTS_AT_ONCE: u64 = 8 << 20;

/// One event, to be ordered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) event_at: EventTime,
    place: u32,
    copy: u16,
    rank: u8,
}

impl Due {
    pub(crate) fn event_type(self) -> EventType {
        EventType::ALL[usize::from(self.rank)]
    }
}

/// Where orders and their events come from.
pub(crate) trait Orders: Sync {
    /// The times of every order's facts by rank, with the order's place.
    fn for_each_place(&self, f: &mut dyn FnMut(u32, &[Option<EventTime>; 6]));

    /// The order at a place of [`Orders::for_each_place`]; `room` may hold its id.
    fn order<'a>(&'a self, place: u32, room: &'a mut IdRoom) -> PlacedOrder<'a>;
}

/// What all events of an order share.
pub(crate) struct PlacedOrder<'a> {
    pub(crate) order_id: &'a str,
    pub(crate) seller_region: &'a str,
    pub(crate) customer_region: &'a str,
    pub(crate) estimated_delivery_at: Option<EventTime>,
}

/// Where an order's id is put together.
#[derive(Default)]
pub(crate) struct IdRoom {
    pub(crate) hex: [u8; 32],
    pub(crate) text: String,
}

/// The events of an input, each order once or several times.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    orders: &'a dyn Orders,
    amplify: Amplify,
}

/// Where an event's texts are put together.
#[derive(Default)]
pub(crate) struct Room {
    order_id: IdRoom,
    copy_id: String,
}

impl<'a> Order<'a> {
    pub(crate) fn new(orders: &'a dyn Orders, amplify: Amplify) -> Self {
        Self { orders, amplify }
    }

    /// The events of a range.
    pub(crate) fn events(&self, range: DayRange) -> Vec<Due> {
        let mut events = Vec::new();
        self.for_each(|place, copy, times| {
            for (rank, time) in times.iter().enumerate() {
                if let Some(event_at) = time.filter(|&time| range.contains(time)) {
                    events.push(Due {
                        event_at,
                        place,
                        copy,
                        rank: rank as u8,
                    });
                }
            }
        });
        events.sort_unstable_by_key(|due| due.event_at);
        // Few events share their second, so the texts of the orders are rarely needed.
        for tied in events.chunk_by_mut(|a, b| a.event_at == b.event_at) {
            if tied.len() > 1 {
                tied.sort_by_cached_key(|due| (self.order_id(*due), due.rank));
            }
        }
        events
    }

    /// The event itself.
    pub(crate) fn event<'r>(&'r self, due: Due, room: &'r mut Room) -> Event<'r> {
        let Room { order_id, copy_id } = room;
        let order = self.orders.order(due.place, order_id);
        let mut estimated = order.estimated_delivery_at;
        let order_id = if due.copy == 0 {
            order.order_id
        } else {
            let shift = self.amplify.shift(order.order_id, due.copy);
            estimated = estimated.map(|time| shifted(time, shift));
            *copy_id = Amplify::copy_id(order.order_id, due.copy);
            copy_id
        };
        Event {
            event_type: due.event_type(),
            event_at: due.event_at,
            order_id: Cow::Borrowed(order_id),
            seller_region: Cow::Borrowed(order.seller_region),
            customer_region: Cow::Borrowed(order.customer_region),
            estimated_delivery_at: estimated,
        }
    }

    /// The id of an event's order.
    pub(crate) fn order_id(&self, due: Due) -> String {
        let mut room = IdRoom::default();
        let order = self.orders.order(due.place, &mut room);
        match due.copy {
            0 => order.order_id.to_owned(),
            copy => Amplify::copy_id(order.order_id, copy),
        }
    }

    /// The times of every copy of every order, by rank.
    fn for_each(&self, mut f: impl FnMut(u32, u16, &[Option<EventTime>; 6])) {
        let mut room = IdRoom::default();
        self.orders.for_each_place(&mut |place, times| {
            f(place, 0, times);
            if self.amplify.copies() == 1 {
                return;
            }
            let order_id = self.orders.order(place, &mut room).order_id;
            for copy in 1..self.amplify.copies() {
                let shift = self.amplify.shift(order_id, copy);
                let times = times.map(|time| time.map(|time| shifted(time, shift)));
                f(place, copy, &times);
            }
        });
    }
}

/// Events of each day in a range.
pub(crate) struct DayCounts {
    range: DayRange,
    counts: Vec<u64>,
}

impl DayCounts {
    pub(crate) fn of(order: &Order<'_>, range: DayRange) -> Self {
        let mut counts = vec![0; Day::END.days() as usize + 1];
        order.for_each(|_, _, times| {
            for &time in times.iter().flatten().filter(|&&time| range.contains(time)) {
                counts[time.day().days() as usize] += 1;
            }
        });
        Self { range, counts }
    }

    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The first and the last day that have an event.
    pub(crate) fn first_and_last(&self) -> Option<(Day, Day)> {
        let first = self.counts.iter().position(|&count| count > 0)?;
        let last = self.counts.iter().rposition(|&count| count > 0)?;
        let day = |days| Day::from_days(days as _).expect("an event's day");
        Some((day(first), day(last)))
    }

    /// The range in parts of at most `most` events, or of one day where that has more.
    pub(crate) fn ranges(&self, most: u64) -> Vec<DayRange> {
        let (first, end) = self.range.bounds();
        let (mut ranges, mut start, mut sum) = (Vec::new(), first, 0);
        for days in first.days()..end.days() {
            let count = self.counts[days as usize];
            let day = Day::from_days(days).expect("between two days");
            if sum + count > most && sum > 0 {
                ranges.push(DayRange {
                    start: Some(start),
                    end: Some(day),
                });
                (start, sum) = (day, 0);
            }
            sum += count;
        }
        ranges.push(DayRange {
            start: Some(start),
            end: Some(end),
        });
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_range_join_without_a_gap_and_hold_no_more_than_they_may() {
        let day = |days| Day::from_days(days).expect("a small number");
        let mut counts = vec![0; Day::END.days() as usize + 1];
        for (days, count) in [(10, 4), (11, 4), (12, 9), (13, 1), (30, 5), (31, 1)] {
            counts[days] = count;
        }
        let range = DayRange {
            start: Some(day(10)),
            end: Some(day(40)),
        };
        let days = DayCounts { range, counts };
        assert_eq!(days.total(), 24);
        assert_eq!(days.first_and_last(), Some((day(10), day(31))));
        let ranges = days.ranges(8);
        let bounds: Vec<_> = ranges
            .iter()
            .map(|part| (part.bounds().0.days(), part.bounds().1.days()))
            .collect();
        assert_eq!(bounds, [(10, 12), (12, 13), (13, 40)]);
        assert_eq!(days.ranges(1_000), [range]);
        assert_eq!(std::mem::size_of::<Due>(), 16);
    }
}
