//! The six questions, each as a path of the API and as what that puts to the stores.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use anyhow::Context as _;
use eip_contract::{Day, EventTime};
use eip_stores::query::{
    By, Condition, Count, Direction, Moment, Period, Queries, Search, Sort, StatsQuery, TIMES,
};
use eip_views::{SHIPMENTS, Value};

/// Shipments whose ids are asked for.
const SHIPMENTS_KNOWN: usize = 10_000;
/// Days that statistics are asked over, at least.
const SHORTEST_RANGE: u32 = 60;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// One of the questions.
#[derive(Clone, Copy)]
pub(super) enum Question {
    Shipment,
    Page,
    Facets,
    Overview,
    WorstRoutes,
    Months,
}

/// All of them.
pub(super) const QUESTIONS: [Question; 6] = [
    Question::Shipment,
    Question::Page,
    Question::Facets,
    Question::Overview,
    Question::WorstRoutes,
    Question::Months,
];

/// What the questions are about.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) shipments: u64,
    ids: Arc<[String]>,
    first: EventTime,
    last: EventTime,
}

impl Subject {
    /// Looks at what is there.
    pub(super) async fn of(queries: &Queries) -> anyhow::Result<Self> {
        let mut moment = queries.moment().await?;
        let shipments = moment.count(&Condition::ANYTHING).await?;
        let placed = place("placedAt");
        let mut search = page(Condition::ANYTHING, placed, Direction::Ascending);
        search.limit = SHIPMENTS_KNOWN as u32;
        let found = moment.search(&search).await?.documents;
        let first = found.first().context("there is no shipment to ask for")?;
        let Value::Time(first) = first[placed] else {
            anyhow::bail!("the first shipment was never placed");
        };
        let ids = found.iter().filter_map(|document| match &document[0] {
            Value::Text(id) => Some(id.to_string()),
            _ => None,
        });
        Ok(Self {
            shipments,
            ids: ids.collect(),
            first,
            last: moment.latest_event().await?.context("there is no event")?,
        })
    }

    /// An instant of the data; another number is another one, most likely.
    fn instant(&self, number: usize) -> EventTime {
        let span = self.last.seconds() - self.first.seconds();
        let into = (mixed(number) % span.max(1) as u64) as i64;
        EventTime::from_seconds(self.first.seconds() + into).unwrap_or(self.last)
    }

    /// A range of days; another number is another one as far as there are so many.
    fn days(&self, number: usize) -> (Day, Day) {
        let (first, last) = (self.first.day().days(), self.last.day().days());
        let spare = last.saturating_sub(first + SHORTEST_RANGE).max(1);
        let start = first + (mixed(number) % u64::from(spare)) as u32;
        let more = (mixed(number + 1_000_000) % u64::from(spare)) as u32;
        let end = start + SHORTEST_RANGE + more;
        let day = |days| Day::from_days(days).unwrap_or(Day::END);
        (day(start), day(end))
    }
}

impl Question {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Shipment => "a shipment",
            Self::Page => "a page by time",
            Self::Facets => "filter, sort, facets",
            Self::Overview => "the overview",
            Self::WorstRoutes => "the worst routes",
            Self::Months => "months by route",
        }
    }

    /// The path that asks for it.
    pub(super) fn path(self, subject: &Subject, number: usize) -> String {
        let (start, end) = subject.days(number);
        match self {
            Self::Shipment => format!("/v1/shipments/{}", subject.id(number)),
            Self::Page => format!("/v1/shipments?placed_to={}", subject.instant(number)),
            Self::Facets => format!(
                "/v1/shipments?seller_region=SP&placed_to={}&sort=-late&facets=true",
                subject.instant(number)
            ),
            Self::Overview => format!("/v1/overview?start={start}&end={end}"),
            Self::WorstRoutes => format!("/v1/routes/worst?start={start}&end={end}"),
            Self::Months => {
                format!("/v1/routes/stats?group=month,route&limit=200&start={start}&end={end}")
            }
        }
    }

    /// Puts it to the stores as the API does.
    pub(super) async fn ask_stores(
        self,
        queries: &Queries,
        subject: &Subject,
        number: usize,
    ) -> anyhow::Result<()> {
        let mut moment = queries.moment().await?;
        let before = Condition::below(place("placedAt"), subject.instant(number));
        let (start, end) = subject.days(number);
        match self {
            Self::Shipment => {
                let id = subject.id(number);
                let shipment = moment.shipment(id).await?.context("a shipment is gone")?;
                moment.events(&event_ids(id, &shipment)).await?;
            }
            Self::Page => {
                let placed = place("placedAt");
                moment
                    .search(&page(before, placed, Direction::Descending))
                    .await?;
            }
            Self::Facets => {
                let seller = Condition::OneOf(place("sellerRegion"), vec![text("SP")]);
                let condition = Condition::All(vec![seller, before]);
                let late = place("lateSeconds");
                let counts = moment.facets(&condition).await?;
                let search = Search {
                    count: Count::Known(counts.iter().map(|(_, count)| count).sum()),
                    ..page(condition, late, Direction::Descending)
                };
                moment.search(&search).await?;
            }
            Self::Overview => overview(&mut moment, subject.last, start, end).await?,
            Self::WorstRoutes => {
                moment.stats(&stats(start, end, Period::Range)).await?;
            }
            Self::Months => {
                let query = StatsQuery {
                    limit: 200,
                    ..stats(start, end, Period::Month)
                };
                moment.stats(&query).await?;
                let everything = StatsQuery {
                    by: By::Everything,
                    ..stats(start, end, Period::Range)
                };
                moment.stats(&everything).await?;
            }
        }
        Ok(())
    }
}

impl Subject {
    fn id(&self, number: usize) -> &str {
        &self.ids[number % self.ids.len()]
    }
}

async fn overview(moment: &mut Moment, now: EventTime, start: Day, end: Day) -> anyhow::Result<()> {
    let length = end.days() - start.days();
    let before = Day::from_days(start.days().saturating_sub(length)).unwrap_or(start);
    moment.facets(&Condition::ANYTHING).await?;
    for (start, end) in [(start, end), (before, start)] {
        let query = StatsQuery {
            by: By::Everything,
            ..stats(start, end, Period::Range)
        };
        moment.stats(&query).await?;
    }
    let (open, deadline) = (
        Condition::unknown(place("deliveredAt")),
        place("estimatedDeliveryAt"),
    );
    let in_time = Condition::unknown(place("delayedAt"));
    let later = |seconds| EventTime::from_seconds(now.seconds() + seconds).unwrap_or(now);
    let at_risk = Condition::Range {
        column: deadline,
        from: Some(now.into()),
        below: Some(later(2 * DAY).into()),
    };
    let silent = TIMES
        .map(|time| Condition::Not(Box::new(Condition::at_least(place(time), later(-14 * DAY)))));
    let silent = Condition::All(silent.into());
    let past = Condition::All(vec![in_time.clone(), Condition::below(deadline, now)]);
    let stalled = Condition::Any(vec![past, silent.clone()]);
    let at_risk = Condition::All(vec![in_time, at_risk]);
    let standing =
        [at_risk, stalled, silent].map(|condition| Condition::All(vec![open.clone(), condition]));
    moment.counts(&open, &standing).await?;
    Ok(())
}

fn event_ids(id: &str, shipment: &[Value<'_>]) -> Vec<String> {
    let times = eip_contract::EventType::ALL.into_iter().zip(TIMES);
    let known = times.filter_map(|(event_type, column)| match shipment[place(column)] {
        Value::Time(time) => Some(eip_contract::EventId::of(id, event_type, time).to_string()),
        _ => None,
    });
    known.collect()
}

fn page(condition: Condition, column: usize, direction: Direction) -> Search {
    Search {
        condition,
        sort: Sort { column, direction },
        after: None,
        limit: 50,
        count: Count::Enough,
    }
}

fn stats(start: Day, end: Day, period: Period) -> StatsQuery {
    StatsQuery {
        start,
        end,
        sellers: Vec::new(),
        customers: Vec::new(),
        period,
        by: By::Route,
        limit: 100_000,
    }
}

fn place(column: &str) -> usize {
    SHIPMENTS.place(column).expect("a column of shipments")
}

fn text(text: &'static str) -> Value<'static> {
    text.into()
}

/// The same numbers in every run, spread over all of their range.
fn mixed(number: usize) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(number)
}
