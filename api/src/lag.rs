//! How far the views are behind the log: by partition, in records and in time, where it is going, and how
//! long until it is caught up.
//!
//! Samples are taken when somebody asks, and kept for some minutes, so that a figure is over a stretch of
//! time and never a spot value.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eip_contract::Offset;
use eip_log::{Log, LogError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::log::ApiLog;
use crate::problem::Problem;

/// For how long samples are kept.
const KEPT: Duration = Duration::from_mins(5);
/// Rates are over this time.
const RATE_OVER: Duration = Duration::from_mins(1);
/// Between two samples that are kept.
const APART: Duration = Duration::from_secs(1);
/// Between two looks for the oldest record that is not in the views: a look reads the log.
const OLDEST_EVERY: Duration = Duration::from_secs(3);
/// How far behind the first offset its record may be: offsets of what was aborted have none.
const AHEAD: u64 = 64;
/// How long a look for it may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the views are behind.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Lag {
    /// Offsets of the log that the views do not hold yet. In Kafka the ends of transactions are among
    /// them.
    pub(crate) records: u64,
    /// Age of the oldest record that the views do not hold; 0 when they hold all, null where its time of
    /// appending is not known.
    pub(crate) seconds: Option<f64>,
    partitions: Vec<PartitionLag>,
    /// Null before there is a second sample.
    trend: Option<Trend>,
    /// Until they hold all, at the rates of `trend`; null where they do not catch up.
    pub(crate) seconds_to_drain: Option<f64>,
}

/// One partition's.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct PartitionLag {
    partition: usize,
    /// The next offset that the views do not hold.
    written: u64,
    /// The next offset of the log.
    end: u64,
    records: u64,
    seconds: Option<f64>,
}

/// Where it is going.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
struct Trend {
    /// Since when: up to five minutes.
    over_seconds: f64,
    /// How much greater the lag is now.
    records: i64,
    /// Over the last minute at most: records that came into the log a second, and that came into the
    /// views.
    appended_per_second: f64,
    written_per_second: f64,
}

/// What is remembered between two looks.
#[derive(Default)]
pub(crate) struct Lags(Mutex<State>);

#[derive(Default)]
struct State {
    samples: VecDeque<Sample>,
    oldest: Oldest,
}

#[derive(Clone, Debug)]
struct Sample {
    at: Instant,
    written: Vec<u64>,
    ends: Vec<u64>,
}

/// The first record of each partition that the views do not hold, as of a look.
#[derive(Clone, Debug, Default)]
struct Oldest {
    looked_at: Option<Instant>,
    /// By partition: which offset was the next one, and when its record was appended, in wall
    /// milliseconds.
    appended: Vec<Option<(u64, i64)>>,
}

impl Lags {
    /// How far views that hold everything before `written` are behind. Asked by one at a time.
    pub(crate) async fn look(
        &self,
        log: &ApiLog,
        written: &[Offset],
        wall_ms: i64,
    ) -> Result<Lag, Problem> {
        let mut oldest = self.state().oldest.clone();
        let mut from: Vec<u64> = written.iter().map(|offset| offset.0).collect();
        let (oldest, written, ends) = log
            .read(move |log| {
                let ends: Vec<u64> = log.present_ends()?.iter().map(|end| end.0).collect();
                // Nothing is written as long as no dataflow has.
                from.resize(ends.len(), 0);
                if oldest.is_old(&from, &ends) {
                    oldest = Oldest::find(log, &from, &ends)?;
                }
                Ok((oldest, from, ends))
            })
            .await?;
        let mut state = self.state();
        state.oldest = oldest;
        let at = Instant::now();
        state.add(Sample { at, written, ends });
        Ok(state.lag(wall_ms))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one step, so a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, sample: Sample) {
        let is_going_back = |last: &Sample| {
            let pairs = |a: &[u64], b: &[u64]| a.iter().zip(b).any(|(before, now)| now < before);
            last.ends.len() != sample.ends.len() || pairs(&last.ends, &sample.ends)
        };
        if self.samples.back().is_some_and(is_going_back) {
            // Another log, or one that was cut.
            self.samples.clear();
        }
        let too_soon = |last: &Sample| sample.at - last.at < APART;
        if self.samples.len() > 1 && self.samples.back().is_some_and(too_soon) {
            self.samples.pop_back();
        }
        let is_old = |first: &Sample| sample.at - first.at > KEPT;
        while self.samples.front().is_some_and(is_old) {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The lag of the last sample.
    fn lag(&self, wall_ms: i64) -> Lag {
        let last = self.samples.back().expect("one was added");
        let age = |appended: i64| (wall_ms - appended).max(0) as f64 / 1_000.0;
        let pairs = last.written.iter().zip(&last.ends).enumerate();
        let partitions: Vec<PartitionLag> = pairs
            .map(|(partition, (&written, &end))| {
                let records = end.saturating_sub(written);
                let seconds = if records == 0 {
                    Some(0.0)
                } else {
                    self.oldest.of(partition, written).map(age)
                };
                PartitionLag {
                    partition,
                    written,
                    end,
                    records,
                    seconds,
                }
            })
            .collect();
        let records = partitions.iter().map(|partition| partition.records).sum();
        let seconds = partitions
            .iter()
            .map(|partition| partition.seconds)
            .try_fold(0.0, |most: f64, seconds| Some(most.max(seconds?)));
        let trend = self.trend(records);
        Lag {
            records,
            seconds,
            partitions,
            trend,
            seconds_to_drain: seconds_to_drain(records, trend),
        }
    }

    fn trend(&self, records: u64) -> Option<Trend> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let over_seconds = (last.at - first.at).as_secs_f64();
        if over_seconds <= 0.0 {
            return None;
        }
        let is_recent = |sample: &&Sample| last.at - sample.at <= RATE_OVER;
        let since = self
            .samples
            .iter()
            .find(is_recent)
            .filter(|since| since.at < last.at);
        let since = since.unwrap_or(first);
        let seconds = (last.at - since.at).as_secs_f64();
        let rate = |now: &[u64], before: &[u64]| {
            let more = now.iter().sum::<u64>().saturating_sub(before.iter().sum());
            more as f64 / seconds
        };
        Some(Trend {
            over_seconds,
            records: records as i64 - first.records() as i64,
            appended_per_second: rate(&last.ends, &since.ends),
            written_per_second: rate(&last.written, &since.written),
        })
    }
}

impl Sample {
    fn records(&self) -> u64 {
        let pairs = self.ends.iter().zip(&self.written);
        pairs
            .map(|(end, written)| end.saturating_sub(*written))
            .sum()
    }
}

fn seconds_to_drain(records: u64, trend: Option<Trend>) -> Option<f64> {
    if records == 0 {
        return Some(0.0);
    }
    let trend = trend?;
    let gained = trend.written_per_second - trend.appended_per_second;
    (gained > 0.0).then(|| records as f64 / gained)
}

impl Oldest {
    /// Whether a look would find more than is known of partitions that are behind.
    fn is_old(&self, written: &[u64], ends: &[u64]) -> bool {
        let mut pairs = written.iter().zip(ends).enumerate();
        let misses = pairs.any(|(partition, (&written, &end))| {
            written < end && self.of(partition, written).is_none()
        });
        misses && self.looked_at.is_none_or(|at| at.elapsed() > OLDEST_EVERY)
    }

    /// When the record at the next offset, `written`, was appended. What is known of an earlier one of the
    /// last look is no older than it is shown to be, and used until the next look.
    fn of(&self, partition: usize, written: u64) -> Option<i64> {
        let (offset, appended) = self.appended.get(partition).copied().flatten()?;
        let is_recent = self
            .looked_at
            .is_some_and(|at| at.elapsed() <= OLDEST_EVERY);
        (offset == written || offset < written && is_recent).then_some(appended)
    }

    fn find(log: &Log, written: &[u64], ends: &[u64]) -> Result<Self, LogError> {
        let begun = Instant::now();
        let pairs = || written.iter().zip(ends);
        let partitions: Vec<u32> = (0..)
            .zip(pairs())
            .filter(|(_, (written, end))| written < end)
            .map(|(partition, _)| partition)
            .collect();
        let from: Vec<Offset> = written.iter().copied().map(Offset).collect();
        let upto: Vec<Offset> = pairs()
            .map(|(written, end)| Offset(*end.min(&(written + AHEAD))))
            .collect();
        let mut found: Vec<Option<(u64, i64)>> = vec![None; written.len()];
        let mut seen = vec![false; written.len()];
        let mut reader = log.reader(&partitions, &from)?;
        while begun.elapsed() < PATIENCE
            && partitions
                .iter()
                .any(|&partition| !seen[partition as usize])
        {
            let read = reader.poll(&upto, partitions.len(), &mut |record| {
                let partition = record.partition as usize;
                if !std::mem::replace(&mut seen[partition], true) {
                    found[partition] = record.appended_ms.map(|at| (written[partition], at));
                }
            })?;
            let has_ended = reader.has_reached(&upto) || !reader.waits();
            if read == 0 && has_ended {
                break;
            }
        }
        Ok(Self {
            looked_at: Some(begun),
            appended: found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(since: Instant, seconds: u64, written: u64, end: u64) -> Sample {
        Sample {
            at: since + Duration::from_secs(seconds),
            written: vec![written, 10],
            ends: vec![end, 10],
        }
    }

    #[test]
    fn a_lag_says_where_it_is_going_and_how_long_it_takes() {
        let begun = Instant::now();
        let mut state = State::default();
        state.add(sample(begun, 0, 100, 500));
        let alone = state.lag(0);
        assert_eq!((alone.records, alone.trend), (400, None));
        assert_eq!((alone.seconds, alone.seconds_to_drain), (None, None));
        // 20 a second come, 30 a second are written.
        state.add(sample(begun, 10, 400, 700));
        let catching_up = state.lag(0);
        let trend = catching_up.trend.unwrap();
        assert_eq!((trend.records, trend.over_seconds), (-100, 10.0));
        assert_eq!(
            (trend.appended_per_second, trend.written_per_second),
            (20.0, 30.0)
        );
        assert_eq!(catching_up.seconds_to_drain, Some(30.0));
        // Nothing is written for longer than rates are over.
        state.add(sample(begun, 75, 400, 900));
        state.add(sample(begun, 100, 400, 1_000));
        let stuck = state.lag(0);
        assert_eq!(stuck.trend.unwrap().records, 200);
        assert_eq!(stuck.trend.map(|trend| trend.written_per_second), Some(0.0));
        assert_eq!(stuck.seconds_to_drain, None);
        state.add(sample(begun, 120, 1_000, 1_000));
        let drained = state.lag(0);
        assert_eq!(
            (drained.records, drained.seconds, drained.seconds_to_drain),
            (0, Some(0.0), Some(0.0))
        );
        // Five minutes later the first samples are gone, and another log has another trend.
        state.add(sample(begun, 390, 1_000, 1_000));
        let over = state.lag(0).trend.map(|trend| trend.over_seconds);
        assert_eq!(over, Some(290.0));
        state.add(sample(begun, 400, 5, 10));
        assert_eq!(state.lag(0).trend, None);
    }

    #[test]
    fn the_oldest_record_of_all_partitions_has_the_age() {
        let begun = Instant::now();
        let mut state = State::default();
        state.add(Sample {
            at: begun,
            written: vec![5, 7, 9],
            ends: vec![6, 7, 12],
        });
        state.oldest = Oldest {
            looked_at: Some(begun),
            appended: vec![Some((5, 9_000)), None, Some((9, 4_500))],
        };
        assert_eq!(state.lag(10_000).seconds, Some(5.5));
        state.oldest.appended[2] = None;
        let unknown = state.lag(10_000);
        assert_eq!(unknown.seconds, None, "of one nobody knows");
        let of_each = unknown.partitions.iter().map(|partition| partition.seconds);
        assert_eq!(of_each.collect::<Vec<_>>(), [Some(1.0), Some(0.0), None]);
    }
}
