//! Conditions that count from a moment: at risk, stalled, quiet; as of data now, and as of an earlier moment.
//!
//! An earlier moment is looked at with the facts that the documents hold now, those after it left out. What a
//! correction has replaced or retracted since then does not come back, and the promise is the present one.

use eip_contract::EventTime;
use eip_stores::query::{Condition, TIMES};
use eip_views::SHIPMENTS;

use crate::problem::Problem;
use crate::v1::parameters::{DAY, number};

/// What relative conditions count with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// A deadline within so many hours is at risk.
    pub(crate) at_risk_hours: u32,
    /// An order without an event for so many days is stalled.
    pub(crate) stalled_days: u32,
    /// An order without an event for so many days is quiet.
    pub(crate) quiet_days: u32,
}

/// Which facts count.
#[derive(Clone, Copy)]
enum Facts {
    /// All that there are.
    All,
    /// Those up to this time.
    Upto(EventTime),
}

impl Window {
    /// From the parameters `at_risk_hours` (48), `stalled_days` (14) and `quiet_days` (14).
    pub(crate) fn of(
        at_risk_hours: Option<&str>,
        stalled_days: Option<&str>,
        quiet_days: Option<&str>,
    ) -> Result<Self, Problem> {
        Ok(Self {
            at_risk_hours: number("at_risk_hours", at_risk_hours, 48, 24 * 366)?,
            stalled_days: number("stalled_days", stalled_days, 14, 3_660)?,
            quiet_days: number("quiet_days", quiet_days, 14, 3_660)?,
        })
    }

    /// Open, not delayed, and the promise ends within the hours from `now` on.
    pub(crate) fn at_risk(self, now: EventTime) -> Condition {
        self.at_risk_of(Facts::All, now)
    }

    /// Open past its promise without a `DELIVERY_DELAYED`, or open and without an event for the days
    /// before `now`.
    pub(crate) fn stalled(self, now: EventTime) -> Condition {
        self.stalled_of(Facts::All, now)
    }

    /// Open and without an event for the days before `now`.
    pub(crate) fn quiet(self, now: EventTime) -> Condition {
        self.quiet_of(Facts::All, now)
    }

    /// At risk, stalled and quiet at an earlier moment.
    pub(crate) fn at(self, then: EventTime) -> [Condition; 3] {
        let facts = Facts::Upto(then);
        [
            self.at_risk_of(facts, then),
            self.stalled_of(facts, then),
            self.quiet_of(facts, then),
        ]
    }

    fn at_risk_of(self, facts: Facts, now: EventTime) -> Condition {
        let until = later(now, i64::from(self.at_risk_hours) * 3_600);
        let promised = Condition::Range {
            column: place("estimatedDeliveryAt"),
            from: Some(now.into()),
            below: Some(until.into()),
        };
        Condition::All(vec![facts.open(), facts.lack("delayedAt"), promised])
    }

    fn stalled_of(self, facts: Facts, now: EventTime) -> Condition {
        let overdue = Condition::All(vec![
            facts.lack("delayedAt"),
            Condition::below(place("estimatedDeliveryAt"), now),
        ]);
        let silent = facts.silent_since(days_before(now, self.stalled_days));
        Condition::All(vec![facts.open(), Condition::Any(vec![overdue, silent])])
    }

    fn quiet_of(self, facts: Facts, now: EventTime) -> Condition {
        let silent = facts.silent_since(days_before(now, self.quiet_days));
        Condition::All(vec![facts.open(), silent])
    }
}

impl Facts {
    /// There is none of this type.
    fn lack(self, column: &str) -> Condition {
        match self {
            Self::All => Condition::unknown(place(column)),
            Self::Upto(last) => {
                let is_there = Condition::below(place(column), later(last, 1));
                Condition::Not(Box::new(is_there))
            }
        }
    }

    /// There is one, and none of a delivery.
    fn open(self) -> Condition {
        let undelivered = self.lack("deliveredAt");
        match self {
            // Every shipment has a fact.
            Self::All => undelivered,
            Self::Upto(last) => {
                let any = TIMES.map(|time| Condition::below(place(time), later(last, 1)));
                Condition::All(vec![undelivered, Condition::Any(any.into())])
            }
        }
    }

    /// There is none from `since` on.
    fn silent_since(self, since: EventTime) -> Condition {
        let below = match self {
            Self::All => None,
            Self::Upto(last) => Some(later(last, 1).into()),
        };
        let silent = TIMES.map(|time| {
            Condition::Not(Box::new(Condition::Range {
                column: place(time),
                from: Some(since.into()),
                below: below.clone(),
            }))
        });
        Condition::All(silent.into())
    }
}

/// So many days earlier.
pub(crate) fn days_before(time: EventTime, days: u32) -> EventTime {
    later(time, -i64::from(days) * DAY)
}

/// All that can be at risk, stalled or quiet as of `then` or later: what was not delivered by then.
pub(crate) fn open_since(then: EventTime) -> Condition {
    let delivered = place("deliveredAt");
    Condition::Any(vec![
        Condition::unknown(delivered),
        Condition::at_least(delivered, later(then, 1)),
    ])
}

fn later(time: EventTime, seconds: i64) -> EventTime {
    let bounds = (EventTime::MIN.seconds(), EventTime::MAX.seconds());
    EventTime::from_seconds((time.seconds() + seconds).clamp(bounds.0, bounds.1))
        .expect("between the first and the last")
}

/// The place of a column of shipments.
pub(super) fn place(column: &str) -> usize {
    SHIPMENTS.place(column).expect("a column of shipments")
}
