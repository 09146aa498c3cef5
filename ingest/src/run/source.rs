//! The data of a run under its rules: order by order, with everything that was rejected.
//!
//! An accepted row can still have no facts under the rules, when a derived time is out of range. It
//! is a reject like any other: it leaves no trace, neither in the events nor in asOf's default.

use std::convert::Infallible;

use eip_contract::{Day, EventTime, Reject, RejectReason};
use eip_log::RunParameters;
use eip_olist::{
    COLUMNS, DESCRIPTION_FILE, Dataset, MAX_KEPT_REJECTS, OrderRow, READER_VERSION, SwallowingRows,
};
use hashbrown::HashSet;

use super::error::RunError;
use super::input_report::{AsOfRow, InputReport, RejectCount};
use super::order::{IdRoom, Orders, PlacedOrder};
use super::outcome::{FileSummary, RunSummary};
use super::report::Named;
use super::request::{DayRange, Source};
use crate::convert::{Facts, NotConvertible, convert};
use crate::rules::Rules;

/// Most rejects of one reason that are samples.
const MAX_SAMPLES: usize = 3;
/// The table of the orders.
const ORDERS: &str = "orders";

/// An input that has been read: joined, checked under the rules, its asOf fixed.
pub(crate) struct Input {
    dataset: Dataset,
    rules: Rules,
    as_of: Option<EventTime>,
    /// Where asOf's default comes from.
    as_of_row: Option<AsOfRow>,
    /// Orders whose row has no facts under these rules.
    unconvertible: HashSet<String>,
    /// Their rejects, as many as are kept.
    unconvertible_rejects: Vec<Reject>,
}

impl Input {
    pub(crate) fn open(source: &Source) -> Result<Self, RunError> {
        let dataset = Dataset::open(&source.data, &source.limits);
        let dataset = dataset.map_err(|error| RunError::Input {
            hint: source.check_hint(),
            source: error,
        })?;
        Ok(Self::of(dataset, source.rules.clone(), source.as_of))
    }

    /// A data set under its rules; without an asOf its default is taken.
    pub(crate) fn of(dataset: Dataset, rules: Rules, as_of: Option<EventTime>) -> Self {
        let mut input = Self {
            as_of,
            as_of_row: None,
            dataset,
            rules,
            unconvertible: HashSet::new(),
            unconvertible_rejects: Vec::new(),
        };
        input.reject_unconvertible();
        if as_of.is_none() {
            input.as_of_row = input.find_as_of();
            input.as_of = input.as_of_row.as_ref().map(|row| row.time);
        }
        input
    }

    fn reject_unconvertible(&mut self) {
        let Self {
            dataset,
            rules,
            unconvertible,
            unconvertible_rejects: rejects,
            ..
        } = self;
        let Ok(()) = dataset.for_each_order(|_, row| {
            if let Err(NotConvertible { field, reason }) = convert(row, rules, None) {
                unconvertible.insert(row.order_id.to_owned());
                if rejects.len() < MAX_KEPT_REJECTS {
                    let place = dataset.place_of(row.order_id);
                    let place = place.expect("an accepted order has a row");
                    rejects.push(Reject {
                        file: place.file,
                        line: place.line,
                        last_line: None,
                        field: field.to_owned(),
                        reason,
                        value: time_of(row, field).map(|time| time.to_string()),
                        order_id: Some(row.order_id.to_owned()),
                        because_of: None,
                    });
                }
            }
            Ok::<(), Infallible>(())
        });
    }

    /// The row that sets asOf's default, without the rows that only the rules reject; and the 99.9th
    /// percentile of all times, exactly, by their days first and the times of one day then.
    fn find_as_of(&self) -> Option<AsOfRow> {
        let mut by_day = vec![0_u64; Day::END.days() as usize];
        let mut last: Option<(EventTime, u64)> = None;
        self.for_each_accepted(|place, row| {
            for time in happened(row).into_iter().flatten() {
                by_day[time.day().days() as usize] += 1;
                if last.is_none_or(|(last, _)| time > last) {
                    last = Some((time, place));
                }
            }
        });
        let (time, place) = last?;
        let times: u64 = by_day.iter().sum();
        let mut rank = (times * 999).div_ceil(1_000);
        let mut day = 0;
        while rank > by_day[day] {
            rank -= by_day[day];
            day += 1;
        }
        let mut of_day = Vec::new();
        self.for_each_accepted(|_, row| {
            let times = happened(row).into_iter().flatten();
            of_day.extend(times.filter(|time| time.day().days() as usize == day));
        });
        let (_, usual, _) = of_day.select_nth_unstable(rank as usize - 1);
        let (usual, mut room) = (*usual, [0; 32]);
        let row = self.dataset.order(place, &mut room);
        let column = happened(&row).iter().position(|&other| other == Some(time));
        Some(AsOfRow {
            order_id: row.order_id.to_owned(),
            // The times are the columns after the status.
            field: COLUMNS[2][3 + column?].to_owned(),
            place: self.dataset.place_of(row.order_id)?,
            time,
            times,
            usual,
        })
    }

    fn for_each_accepted(&self, mut f: impl FnMut(u64, &OrderRow<'_>)) {
        let Ok(()) = self.dataset.for_each_order(|place, row| {
            if self.unconvertible.is_empty() || !self.unconvertible.contains(row.order_id) {
                f(place, row);
            }
            Ok::<(), Infallible>(())
        });
    }

    /// How many orders have facts.
    pub(crate) fn order_count(&self) -> u64 {
        self.dataset.order_count() - self.unconvertible.len() as u64
    }

    /// The facts of every order, in the order of the data.
    pub(crate) fn for_each_order(
        &self,
        f: &mut dyn FnMut(&Facts<'_>) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        self.dataset
            .for_each_order(|_, row| match convert(row, &self.rules, self.as_of) {
                Ok(facts) => f(&facts),
                Err(NotConvertible { .. }) => Ok(()),
            })
    }

    /// The facts of one order, when it has any.
    pub(crate) fn facts_of<'a>(&'a self, order_id: &'a str) -> Option<Facts<'a>> {
        convert(&self.dataset.find(order_id)?, &self.rules, self.as_of).ok()
    }

    /// asOf, given or by default.
    pub(crate) fn as_of(&self) -> Option<EventTime> {
        self.as_of
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Adds what the input fixes to the parameters of a run.
    pub(crate) fn describe(&self, parameters: &mut RunParameters) {
        parameters.as_of = self.as_of;
        parameters.reader = Some(READER_VERSION);
        let files = self.dataset.files().iter();
        parameters.files = files
            .map(|file| (file.name.clone(), file.sha256.clone()))
            .collect();
        if let Some(sha256) = self.dataset.description_sha256() {
            let name = DESCRIPTION_FILE.to_owned();
            parameters.files.insert(name, sha256.to_owned());
        }
    }

    /// What the input is like.
    pub(crate) fn report(&self) -> InputReport {
        let mut tables = self.dataset.table_counts().to_vec();
        for table in tables.iter_mut().filter(|table| table.table == ORDERS) {
            table.rejected += self.unconvertible.len() as u64;
        }
        let mut report = InputReport {
            tables,
            orders: self.order_count(),
            joins: self.dataset.joins().clone(),
            swallowing_orders: self.dataset.swallowing_orders().clone(),
            swallowing_items: self.dataset.swallowing_items().clone(),
            as_of_row: self.as_of_row.clone(),
            ..InputReport::default()
        };
        report.set_rejects(self.reject_counts());
        report
    }

    fn reject_counts(&self) -> Vec<RejectCount> {
        let counts = self.dataset.rejects_by_reason().map(|count| RejectCount {
            table: count.table,
            file: count.file,
            reason: count.reason.code().to_owned(),
            rows: count.rows,
            samples: count.samples,
        });
        let mut counts: Vec<RejectCount> = counts.collect();
        if let Some(first) = self.unconvertible_rejects.first() {
            let samples = self.unconvertible_rejects.iter().take(MAX_SAMPLES);
            counts.push(RejectCount {
                table: ORDERS.to_owned(),
                file: first.file.clone(),
                reason: RejectReason::DerivedTimeOutOfRange.code().to_owned(),
                rows: self.unconvertible.len() as u64,
                samples: samples.cloned().collect(),
            });
        }
        counts
    }

    /// The figures that the input fixes.
    pub(crate) fn summary(&self, range: DayRange) -> RunSummary {
        let files = self.dataset.files().iter().map(|file| FileSummary {
            name: file.name.clone(),
            rows: Some(file.rows),
            sha256: file.sha256.clone(),
        });
        RunSummary {
            range,
            as_of: self.as_of,
            rules: self.rules.to_string(),
            rules_sha256: self.rules.sha256(),
            files: files.collect(),
            orders: self.order_count(),
            input: self.report(),
            ..RunSummary::default()
        }
    }

    /// How many rows were rejected.
    pub(crate) fn reject_count(&self) -> u64 {
        self.dataset.reject_count() + self.unconvertible.len() as u64
    }

    /// The rejects that were kept.
    pub(crate) fn rejects(&self) -> impl Iterator<Item = &Reject> {
        self.dataset
            .rejects()
            .iter()
            .chain(&self.unconvertible_rejects)
    }

    /// Whether the order has a rejected row and no accepted one.
    pub(crate) fn is_rejected(&self, order_id: &str) -> bool {
        self.unconvertible.contains(order_id) || self.dataset.is_rejected_order(order_id)
    }

    /// Rejected order rows that do not name their order.
    pub(crate) fn unnamed_rejects(&self) -> Named {
        let (places, count) = self.dataset.unnamed_rejects();
        let mut named = Named::default();
        for place in places {
            named.add(|| format!("{}:{}", place.file, place.line));
        }
        named.count = count;
        named
    }

    /// Rows of the orders that may have swallowed other orders.
    pub(crate) fn swallowing_orders(&self) -> &SwallowingRows {
        self.dataset.swallowing_orders()
    }

    /// Rows of the items that may have swallowed other items.
    pub(crate) fn swallowing_items(&self) -> &SwallowingRows {
        self.dataset.swallowing_items()
    }
}

impl Orders for Input {
    /// A place is the order's in the data; orders without facts are passed over.
    fn for_each_place(&self, f: &mut dyn FnMut(u32, &[Option<EventTime>; 6])) {
        let Ok(()) = self.dataset.for_each_order(|place, row| {
            if let Ok(facts) = convert(row, &self.rules, self.as_of) {
                f(place as u32, &facts.times);
            }
            Ok::<(), Infallible>(())
        });
    }

    fn order<'a>(&'a self, place: u32, room: &'a mut IdRoom) -> PlacedOrder<'a> {
        let row = self.dataset.order(u64::from(place), &mut room.hex);
        PlacedOrder {
            order_id: row.order_id,
            seller_region: row.seller_region,
            customer_region: row.customer_region,
            estimated_delivery_at: row.estimated,
        }
    }
}

/// The times of what happened, in the order of their columns: the estimate is a plan.
fn happened(row: &OrderRow<'_>) -> [Option<EventTime>; 4] {
    [
        Some(row.purchased),
        row.approved,
        row.carried,
        row.delivered,
    ]
}

/// The time in a column that only the rules reject.
fn time_of(row: &OrderRow<'_>, field: &str) -> Option<EventTime> {
    match field {
        "order_approved_at" => row.approved,
        _ => row.estimated,
    }
}
