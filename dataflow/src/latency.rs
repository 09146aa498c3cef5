//! How long records took from being appended until the views had them, as an HDR histogram.
//!
//! What is read at the start was appended long ago: the first tick, which is the hydration, enters none of it.
//! Only the process that commits measures, and of the records only those that it has read itself.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::tick::Tick;

/// Longest time that is told apart from longer ones: a week of milliseconds.
const LONGEST_MS: u64 = 7 * 24 * 3_600_000;

/// Records that were appended at the same time: how many, and when in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// When.
    pub at_ms: i64,
    /// How many.
    pub records: u64,
}

/// The figures of what was measured since the start, in milliseconds from appended to written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyFigures {
    /// Records.
    pub records: u64,
    /// Of these the ones that were appended after they were written, by the clock of whoever appended them; they
    /// count as 0 ms.
    pub ahead: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Greatest.
    pub max: u64,
}

/// What is read and not written yet, and what was measured.
pub(crate) struct Latency {
    reading: BTreeMap<Tick, Vec<Appended>>,
    histogram: Histogram<u64>,
    ahead: u64,
}

impl Latency {
    pub(crate) fn new() -> Self {
        Self {
            reading: BTreeMap::new(),
            histogram: Histogram::new_with_max(LONGEST_MS, 3).expect("a bound and three digits"),
            ahead: 0,
        }
    }

    /// These records belong to `tick`.
    pub(crate) fn read(&mut self, tick: Tick, appended: &[Appended]) {
        if !appended.is_empty() {
            self.reading.entry(tick).or_default().extend(appended);
        }
    }

    /// Everything up to `tick` is written.
    pub(crate) fn written(&mut self, tick: Tick, now_ms: u64) {
        let later = self.reading.split_off(&(tick + 1));
        let written = std::mem::replace(&mut self.reading, later);
        for Appended { at_ms, records } in written.into_values().flatten() {
            let took = now_ms as i64 - at_ms;
            if took < 0 {
                self.ahead += records;
            }
            let took = u64::try_from(took).unwrap_or(0).min(LONGEST_MS);
            self.histogram.saturating_record_n(took, records);
        }
    }

    pub(crate) fn figures(&self) -> LatencyFigures {
        let at = |quantile| self.histogram.value_at_quantile(quantile);
        LatencyFigures {
            records: self.histogram.len(),
            ahead: self.ahead,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: self.histogram.max(),
        }
    }
}

impl Appended {
    /// Adds a record to a list in which those appended at once stand together.
    #[inline]
    pub fn push(all: &mut Vec<Self>, at_ms: i64) {
        match all.last_mut() {
            Some(last) if last.at_ms == at_ms => last.records += 1,
            _ => all.push(Self { at_ms, records: 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_from_its_appending_to_the_commit_of_its_tick() {
        let mut all = Vec::new();
        for at_ms in [100, 100, 250, 2_000] {
            Appended::push(&mut all, at_ms);
        }
        assert_eq!(all.len(), 3);
        let mut latency = Latency::new();
        latency.read(5, &all[..2]);
        latency.read(7, &all[2..]);
        latency.written(6, 300);
        let figures = latency.figures();
        assert_eq!((figures.records, figures.ahead), (3, 0));
        assert_eq!((figures.p50, figures.max), (200, 200));
        latency.written(7, 1_999);
        let figures = latency.figures();
        assert_eq!((figures.records, figures.ahead, figures.p50), (4, 1, 50));
    }
}
