//! The data of a run under its rules: order by order, with everything that was rejected.
//!
//! An accepted row can still have no facts under the rules, when a derived time is out of range. It
//! is a reject like any other: it leaves no trace, neither in the events nor in asOf's default.

use std::collections::BTreeMap;

use eip_contract::{EventTime, Reject};
use eip_log::RunParameters;
use eip_olist::{Dataset, FILES, MAX_KEPT_REJECTS};
use hashbrown::HashSet;

use super::error::RunError;
use super::order::{IdRoom, Orders, PlacedOrder};
use super::outcome::{FileSummary, RejectCount, RunSummary};
use super::report::Named;
use super::request::{DayRange, Source};
use crate::convert::{Facts, NotConvertible, convert};
use crate::rules::Rules;

/// An input that has been read: joined, checked under the rules, its asOf fixed.
pub(crate) struct Input {
    dataset: Dataset,
    rules: Rules,
    as_of: Option<EventTime>,
    /// Orders whose row has no facts under these rules.
    unconvertible: HashSet<String>,
    /// Their rejects, as many as are kept.
    unconvertible_rejects: Vec<Reject>,
    unconvertible_counts: BTreeMap<&'static str, u64>,
}

impl Input {
    pub(crate) fn open(source: &Source) -> Result<Self, RunError> {
        let dataset = Dataset::open(&source.data, &source.limits)?;
        Ok(Self::of(dataset, source.rules.clone(), source.as_of))
    }

    /// A data set under its rules; without an asOf its default is taken.
    pub(crate) fn of(dataset: Dataset, rules: Rules, as_of: Option<EventTime>) -> Self {
        let mut input = Self {
            as_of: as_of.or(dataset.default_as_of()),
            dataset,
            rules,
            unconvertible: HashSet::new(),
            unconvertible_rejects: Vec::new(),
            unconvertible_counts: BTreeMap::new(),
        };
        input.reject_unconvertible();
        if as_of.is_none() && !input.unconvertible.is_empty() {
            input.as_of = input.default_as_of();
        }
        input
    }

    fn reject_unconvertible(&mut self) {
        let Self {
            dataset,
            rules,
            unconvertible,
            ..
        } = self;
        let (rejects, counts) = (
            &mut self.unconvertible_rejects,
            &mut self.unconvertible_counts,
        );
        let never: Result<(), std::convert::Infallible> = dataset.for_each_order(|row| {
            if let Err(NotConvertible { field, reason }) = convert(row, rules, None) {
                unconvertible.insert(row.order_id.to_owned());
                *counts.entry(reason.code()).or_default() += 1;
                if rejects.len() < MAX_KEPT_REJECTS {
                    rejects.push(Reject {
                        file: orders_file(),
                        line: dataset.line_of(row.order_id).unwrap_or_default(),
                        field: field.to_owned(),
                        reason,
                        order_id: Some(row.order_id.to_owned()),
                    });
                }
            }
            Ok(())
        });
        match never {
            Ok(()) => {}
        }
    }

    /// asOf's default without the rows that only the rules reject.
    fn default_as_of(&self) -> Option<EventTime> {
        let mut as_of = None;
        let never: Result<(), std::convert::Infallible> = self.dataset.for_each_order(|row| {
            if !self.unconvertible.contains(row.order_id) {
                let times = [
                    Some(row.purchased),
                    row.approved,
                    row.carried,
                    row.delivered,
                ];
                as_of = times.into_iter().max().flatten().max(as_of);
            }
            Ok(())
        });
        match never {
            Ok(()) => as_of,
        }
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
            .for_each_order(|row| match convert(row, &self.rules, self.as_of) {
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
        let files = self.dataset.files().iter();
        parameters.files = files
            .map(|file| (file.name.clone(), file.sha256.clone()))
            .collect();
        let files = self.dataset.files().iter();
        parameters.rows = files.map(|file| (file.name.clone(), file.rows)).collect();
    }

    /// The figures that the input fixes.
    pub(crate) fn summary(&self, range: DayRange) -> RunSummary {
        let files = self.dataset.files().iter().map(|file| FileSummary {
            name: file.name.clone(),
            rows: Some(file.rows),
            sha256: file.sha256.clone(),
        });
        let rejected = self.dataset.rejects_by_reason().iter();
        let rejected =
            rejected.map(|(&(file, reason), &rows)| (file.to_owned(), reason.code(), rows));
        let unconvertible = self.unconvertible_counts.iter();
        let unconvertible = unconvertible.map(|(&reason, &rows)| (orders_file(), reason, rows));
        let rejects = rejected
            .chain(unconvertible)
            .map(|(file, reason, rows)| RejectCount {
                file,
                reason: reason.to_owned(),
                rows,
            });
        RunSummary {
            range,
            as_of: self.as_of,
            rules: self.rules.to_string(),
            rules_sha256: self.rules.sha256(),
            files: files.collect(),
            orders: self.order_count(),
            rejects: rejects.collect(),
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
}

impl Orders for Input {
    /// A place is the order's in the data; orders without facts are passed over.
    fn for_each_place(&self, f: &mut dyn FnMut(u32, &[Option<EventTime>; 6])) {
        let mut place = 0;
        let never: Result<(), std::convert::Infallible> = self.dataset.for_each_order(|row| {
            if let Ok(facts) = convert(row, &self.rules, self.as_of) {
                f(place, &facts.times);
            }
            place += 1;
            Ok(())
        });
        match never {
            Ok(()) => {}
        }
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

/// Name of the orders file.
fn orders_file() -> String {
    FILES[2].to_owned()
}
