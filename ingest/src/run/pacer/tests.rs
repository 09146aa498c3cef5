//! The formula, anchors, cut gaps and the bound on the rate.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000_000;

fn at(seconds: i64) -> EventTime {
    EventTime::from_seconds(1_500_000_000 + seconds).expect("in range")
}

fn factor(text: &str) -> ScaleFactor {
    text.parse().expect("a factor")
}

#[test]
fn a_factor_is_read_as_it_is_written_and_nothing_else_is() {
    for text in ["1", "1.5", "1000000", "604.8", "999999.999999"] {
        assert_eq!(factor(text).to_string(), text);
    }
    for bad in [
        "0", "-1", "NaN", "1e18", "0.999", "1000001", "", "inf", ".", "1 ",
    ] {
        assert_eq!(bad.parse::<ScaleFactor>(), Err(BadScaleFactor), "{bad}");
    }
    assert_eq!(ScaleFactor::new(f64::NAN), Err(BadScaleFactor));
    let week = ScaleFactor::of_duration(7 * 86_400, 60_000_000);
    assert_eq!(week, Some(factor("10080")));
    assert_eq!(ScaleFactor::of_duration(10, 11_000_000), None);
    assert_eq!(ScaleFactor::of_duration(0, 1), None);
    assert_eq!(ScaleFactor::of_duration(i64::MAX, 1), None);
}

#[test]
fn an_event_is_due_by_the_formula() {
    let pacer = Pacer::new(at(0), 7 * SECOND, factor("100"), Bounds::default());
    assert_eq!(pacer.due(at(0)), Some(7 * SECOND));
    assert_eq!(pacer.due(at(250)), Some(7 * SECOND + SECOND * 5 / 2));
    assert_eq!(pacer.simulated_at(8 * SECOND), at(100));
    assert_eq!(pacer.nanos_left(at(300), 8 * SECOND), 2 * SECOND);
}

#[test]
fn a_pause_and_another_speed_neither_jump_nor_burst() {
    let mut pacer = Pacer::new(at(0), 0, factor("10"), Bounds::default());
    pacer.pause(5 * SECOND);
    assert_eq!(pacer.due(at(60)), None);
    assert_eq!(pacer.simulated_at(100 * SECOND), at(50));
    pacer.resume(8 * SECOND);
    assert_eq!(pacer.due(at(60)), Some(9 * SECOND));
    pacer.set_scale(factor("100"), 8 * SECOND);
    assert_eq!(pacer.due(at(60)), Some(8 * SECOND + SECOND / 10));
    assert_eq!(pacer.simulated_at(8 * SECOND), at(50));
    // A pause of a schedule that is paused changes nothing, nor does a resume of one that runs.
    pacer.resume(9 * SECOND);
    assert_eq!(pacer.due(at(250)), Some(10 * SECOND));
}

#[test]
fn a_longer_gap_is_played_as_the_longest_allowed() {
    let bounds = Bounds {
        max_gap_seconds: Some(100),
        ..Bounds::default()
    };
    let mut pacer = Pacer::new(at(0), 0, factor("1"), bounds);
    let mut due = |second| {
        let due = pacer.due(at(second)).expect("not paused");
        let has_cut = pacer.take(at(second), due);
        (due / SECOND, has_cut)
    };
    assert_eq!(due(50), (50, false));
    assert_eq!(due(1_050), (150, true));
    assert_eq!(due(1_150), (250, false));
    assert_eq!(due(1_151), (251, false));
    assert_eq!(pacer.simulated_at(251 * SECOND), at(1_151));
}

#[test]
fn a_burst_is_spread_and_the_schedule_catches_up() {
    let bounds = Bounds {
        max_events_per_second: Some(10),
        ..Bounds::default()
    };
    let mut pacer = Pacer::new(at(0), 0, factor("1"), bounds);
    let mut due = |second| {
        let due = pacer.due(at(second)).expect("not paused");
        pacer.take(at(second), due);
        due * 10 / SECOND
    };
    assert_eq!([due(0), due(0), due(0)], [0, 1, 2]);
    assert_eq!([due(5), due(5)], [50, 51]);
}

proptest! {
    /// Whatever is done to it meanwhile, events are due in their order, none before the anchor's time.
    #[test]
    fn due_times_never_go_back(
        steps in proptest::collection::vec((0i64..5_000, 0u8..6, 1u64..1_000_000), 1..60),
        max_gap in proptest::option::of(1i64..1_000),
        most in proptest::option::of(1u64..1_000_000),
    ) {
        let bounds = Bounds { max_gap_seconds: max_gap, max_events_per_second: most };
        let mut pacer = Pacer::new(at(0), 0, ScaleFactor::MIN, bounds);
        let (mut now, mut event, mut last) = (0i64, 0i64, i64::MIN);
        for (ahead, step, number) in steps {
            let before = pacer.simulated_at(now);
            match step {
                0 => pacer.pause(now),
                1 => pacer.resume(now),
                2 => pacer.set_scale(ScaleFactor(number * 1_000_000), now),
                _ => {}
            }
            // An anchor keeps simulated time, to the nanosecond that was rounded away.
            prop_assert!(before.seconds() - pacer.simulated_at(now).seconds() <= 1);
            prop_assert!(pacer.simulated_at(now) <= before);
            event += ahead;
            if let Some(due) = pacer.due(at(event)) {
                prop_assert!(due >= last, "{due} is before {last}");
                last = due;
                now = now.max(due);
                pacer.take(at(event), due);
            } else {
                event -= ahead;
            }
            now += (number % 1_000) as i64;
        }
    }
}
