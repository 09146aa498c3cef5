//! A view of one's own: `docs/OWN-VIEW.md` leads through this file; its test is `tests/it/own_view.rs`.
//!
//! ```sql
//! SELECT date_trunc('hour', event_at) AS hour, event_type, count(*) AS events
//! FROM shipment_events GROUP BY hour, event_type
//! ```

use differential_dataflow::operators::CountTotal as _;
use eip_contract::{EventTime, EventType};
use eip_dataflow::tick::{Diff, Rows};
use eip_dataflow::{DataflowConfig, fold::Current, spawn, views::Maintained};
use eip_views::{Column, Kept, Kind, View};

pub(crate) static EVENTS_BY_HOUR: View = View {
    name: "events_by_hour",
    kept: Kept::Rows { key: 2 },
    columns: &[
        Column::new("hour", Kind::Time),
        Column::new("event_type", Kind::EventType),
        Column::count("events"),
    ],
    indexes: &[],
    format: 1,
};

fn render<'scope>(current: &Current<'scope>) -> Rows<'scope, ((EventTime, EventType), Diff)> {
    let hours = current.facts.clone().map(|of| {
        let seconds = of.fact.event_at.seconds();
        let hour = EventTime::from_seconds(seconds - seconds % 3600);
        (hour.expect("not before 1970"), of.event_type)
    });
    hours.arrange_by_self_named("ByHour").count_total_core()
}

pub(crate) fn events_by_hour() -> Maintained {
    Maintained::rows(
        &EVENTS_BY_HOUR,
        |current, _regions| render(current),
        |&(hour, event_type), &events| vec![hour.into(), event_type.into(), events.into()],
    )
}

/// Brings the views of a state folder up to the end of its log.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: own_view STATE")?;
    let log = eip_log::Log::new(eip_log::StateDir::open(folder)?);
    let mut config = DataflowConfig::embedded(log.clone(), "own_view", std::sync::Arc::new(|| 0))?;
    config.views.push(events_by_hour());
    spawn(config)?.wait_written(&log.committed_ends()?)?;
    Ok(())
}
