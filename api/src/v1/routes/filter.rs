//! Which days and routes a request is about.

use eip_contract::Day;
use eip_stores::query::{By, Period, StatsQuery};

use crate::problem::Problem;
use crate::v1::parameters::day;
use crate::v1::regions::regions;

/// The days and routes as they are written.
pub(super) struct Given<'a> {
    pub(super) start: Option<&'a str>,
    pub(super) end: Option<&'a str>,
    pub(super) seller_region: Option<&'a str>,
    pub(super) customer_region: Option<&'a str>,
}

impl Given<'_> {
    /// The question about them.
    pub(super) fn query(&self, period: Period, by: By, limit: u32) -> Result<StatsQuery, Problem> {
        let start = day("start", self.start)?.unwrap_or(Day::MIN);
        let end = day("end", self.end)?.unwrap_or(Day::END);
        if start >= end {
            return Err(Problem::bad_field("end", "end must be a day after start"));
        }
        Ok(StatsQuery {
            start,
            end,
            sellers: regions("seller_region", self.seller_region)?,
            customers: regions("customer_region", self.customer_region)?,
            period,
            by,
            limit,
        })
    }
}
