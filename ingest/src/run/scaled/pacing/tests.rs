//! The threads that pace, without a log: whatever each of them wakes up for, it is done once.

use std::sync::mpsc::sync_channel;

use super::super::super::amplify::Amplify;
use super::super::super::order::{IdRoom, Order, Orders, PlacedOrder};
use super::super::super::pacer::Bounds;
use super::super::super::request::DayRange;
use super::super::handover::{Taken, queue};
use super::*;

const COUNT: i64 = 20_000;
/// How many of them are there at once.
const FIRST: i64 = 7_000;

/// Orders of one event each, a second apart.
struct OneASecond;

impl Orders for OneASecond {
    fn for_each_place(&self, f: &mut dyn FnMut(u32, &[Option<EventTime>; 6])) {
        for second in 0..COUNT {
            let mut times = [None; 6];
            times[0] = EventTime::from_seconds(second);
            f(second as u32, &times);
        }
    }

    fn order<'a>(&'a self, _place: u32, _room: &'a mut IdRoom) -> PlacedOrder<'a> {
        unreachable!("no two share a second, and nobody asks for one whole")
    }
}

fn scale(factor: f64) -> ScaleFactor {
    ScaleFactor::new(factor).unwrap()
}

/// Everything that is told of a schedule of this speed while `change` changes the controls.
fn told(asked: ScaleFactor, change: impl FnOnce(&Controls) + Send) -> Vec<Told> {
    let events = Order::new(&OneASecond, Amplify::NONE).events(DayRange::ALL);
    let (ordered, chunks) = sync_channel(1);
    let (handed, told) = queue();
    let controls = Arc::new(Controls::default());
    let pacing = Pacing {
        clock: WallClock::start(),
        controls: Arc::clone(&controls),
        queue: handed,
    };
    thread::scope(|scope| {
        scope.spawn(move || {
            pacing.run(chunks, asked, |begin, now| {
                assert_eq!(begin, None);
                Pacer::new(EventTime::MIN, now, asked, Bounds::default())
            });
        });
        scope.spawn(move || {
            for events in [
                &events[..FIRST as usize],
                &[],
                &events[FIRST as usize..=FIRST as usize],
                &events[FIRST as usize + 1..],
            ] {
                let events = events.to_vec();
                // Nobody takes it when the pacing was stopped.
                let _ = ordered.send(Chunk {
                    events,
                    begin: None,
                });
            }
        });
        scope.spawn(|| change(&controls));
        let mut all = Vec::new();
        loop {
            match told.wait(Duration::from_mins(1)) {
                Taken::Next(one) => all.push(one),
                Taken::Nothing => panic!("nothing was told for a minute"),
                Taken::Closed => return all,
            }
        }
    })
}

#[test]
fn each_event_is_handed_over_once_in_order_and_none_before_it_is_due_or_in_a_pause() {
    let told = told(scale(2_000.0), |controls| {
        thread::sleep(Duration::from_millis(200));
        controls.set(Some(true), None);
        thread::sleep(Duration::from_millis(100));
        controls.set(Some(false), Some(scale(50_000.0)));
        thread::sleep(Duration::from_millis(20));
        controls.set(None, Some(scale(1_000.0)));
        thread::sleep(Duration::from_millis(50));
        controls.set(Some(true), None);
        controls.set(Some(false), Some(scale(50_000.0)));
    });
    let (mut next, mut anchor, mut speeds) = (0, None::<(Pacer, i64)>, Vec::new());
    for told in told {
        match told {
            Told::Anchored(pacer, wall) => {
                speeds.push(pacer.scale().to_string());
                anchor = Some((pacer, wall));
            }
            Told::Events(events) => {
                let (pacer, wall) = anchor.expect("the schedule is told before its events");
                assert!(!pacer.is_paused() && !events.is_empty());
                for Handed { event, due, at } in events {
                    assert_eq!(event.event_at.seconds(), next);
                    assert_eq!(Some(due), pacer.due(event.event_at));
                    assert!(at >= due);
                    // What was due before a change went out by the pace before it. An anchor is told
                    // in whole nanoseconds.
                    assert!(due >= wall - 1 || next >= FIRST, "{next}: {due} {wall}");
                    next += 1;
                }
            }
        }
    }
    assert_eq!(next, COUNT);
    // What is over before anybody looks may go unnoticed; the first and the last wish do not.
    assert_eq!(
        (&*speeds[0], &**speeds.last().unwrap()),
        ("2000", "50000"),
        "{speeds:?}"
    );
}

#[test]
fn who_is_stopped_hands_over_no_more() {
    let told = told(ScaleFactor::MIN, Controls::stop);
    let handed = told.iter().map(|told| match told {
        Told::Anchored(..) => 0,
        Told::Events(events) => events.len(),
    });
    assert!(handed.sum::<usize>() < COUNT as usize);
}
