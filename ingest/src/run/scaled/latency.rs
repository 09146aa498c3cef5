//! How late events were handed over, and how long until the log acknowledged them.
//!
//! HDR histograms of microseconds with 3 significant digits (hdrhistogram.org). The latency counts
//! from the due time; beside it stands the one that a sender would measure who counts from when it
//! got round to an event ("coordinated omission", G. Tene), to show what that hides.

use std::fmt;
use std::io::{self, Write};
use std::time::Instant;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use serde::Serialize;
use utoipa::ToSchema;

/// What is longer counts as this long: a day.
const MAX_MICROS: u64 = 86_400_000_000;

/// Quantiles in microseconds; 0 where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Quantiles {
    /// Half of the events took no longer.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// All.
    pub max: u64,
}

/// What a scaled run measured, for its end and for the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaceFigures {
    /// From due to handed over.
    pub lateness_us: Quantiles,
    /// From due to acknowledged.
    pub latency_us: Quantiles,
    /// From sent to acknowledged.
    pub latency_uncorrected_us: Quantiles,
    /// From the first event's due time to the last one's, in microseconds.
    pub span_intended_us: u64,
    /// From when the first event was handed over to when the last one was.
    pub span_us: u64,
}

impl PaceFigures {
    /// By how much the span is off what was intended, in millionths of it.
    pub fn span_error_ppm(&self) -> u64 {
        let off = self.span_us.abs_diff(self.span_intended_us);
        (u128::from(off) * 1_000_000 / u128::from(self.span_intended_us.max(1))) as u64
    }
}

impl fmt::Display for PaceFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "span        {:.4} s, {:.4} s intended, {:.4} % off",
            self.span_us as f64 / 1e6,
            self.span_intended_us as f64 / 1e6,
            self.span_error_ppm() as f64 / 1e4
        )?;
        writeln!(f, "lateness    {}, due to handed over", self.lateness_us)?;
        writeln!(f, "latency     {}, due to acknowledged", self.latency_us)?;
        write!(
            f,
            "uncorrected {}, sent to acknowledged",
            self.latency_uncorrected_us
        )
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |micros: u64| micros as f64 / 1e3;
        write!(
            f,
            "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms",
            ms(self.p50),
            ms(self.p99),
            ms(self.p999),
            ms(self.max)
        )
    }
}

/// The three histograms of one attempt.
#[derive(Clone, Debug)]
pub struct Latency {
    lateness: Histogram<u64>,
    corrected: Histogram<u64>,
    uncorrected: Histogram<u64>,
    /// Wall time at the start, in microseconds since the epoch.
    epoch_micros: i64,
    began: Instant,
    /// When the first event was due and handed over, and the last one.
    span: Option<[(i64, i64); 2]>,
}

impl Latency {
    /// Empty, of an attempt that starts at this wall time, in microseconds since the epoch.
    pub(super) fn new(epoch_micros: i64) -> Self {
        let empty = || Histogram::new_with_max(MAX_MICROS, 3).expect("a bound and three digits");
        Self {
            lateness: empty(),
            corrected: empty(),
            uncorrected: empty(),
            epoch_micros,
            began: Instant::now(),
            span: None,
        }
    }

    /// One event; all in nanoseconds of one clock.
    pub(super) fn record(&mut self, due: i64, handed: i64, sent: i64, acknowledged: i64) {
        let at = (due, handed);
        self.span.get_or_insert([at; 2])[1] = at;
        for (histogram, from, to) in [
            (&mut self.lateness, due, handed),
            (&mut self.corrected, due, acknowledged),
            (&mut self.uncorrected, sent, acknowledged),
        ] {
            // The clock is monotonic and the steps follow one another.
            histogram.saturating_record(micros(from, to));
        }
    }

    /// The figures.
    pub fn pace(&self) -> PaceFigures {
        PaceFigures {
            lateness_us: quantiles(&self.lateness),
            latency_us: quantiles(&self.corrected),
            latency_uncorrected_us: quantiles(&self.uncorrected),
            span_intended_us: self.span.map_or(0, |[first, last]| micros(first.0, last.0)),
            span_us: self.span.map_or(0, |[first, last]| micros(first.1, last.1)),
        }
    }

    /// An `HdrHistogram` log, version 1.3: one interval line for each of the three, with its tag.
    pub fn write_hlog(&self, out: &mut dyn Write) -> io::Result<()> {
        let start = self.epoch_micros as f64 / 1e6;
        let length = self.began.elapsed();
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[StartTime: {start:.3} (seconds since epoch)]")?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        for (tag, histogram) in self.tagged() {
            let mut bytes = Vec::new();
            V2Serializer::new()
                .serialize(histogram, &mut bytes)
                .map_err(|error| io::Error::other(format!("{error:?}")))?;
            writeln!(
                out,
                "Tag={tag},0.000,{:.3},{:.3},{}",
                length.as_secs_f64(),
                histogram.max() as f64 / 1e3,
                base64::engine::general_purpose::STANDARD.encode(&bytes)
            )?;
        }
        Ok(())
    }

    /// The percentile distribution of the corrected latency in milliseconds, as the plotters of
    /// `HdrHistogram` read it.
    pub fn write_hgrm(&self, out: &mut dyn Write) -> io::Result<()> {
        let histogram = &self.corrected;
        writeln!(
            out,
            "{:>12} {:>14} {:>10} {:>14}\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        )?;
        let mut count = 0;
        for step in histogram.iter_quantiles(5) {
            count += step.count_since_last_iteration();
            let quantile = step.quantile_iterated_to();
            write!(
                out,
                "{:>12.3} {quantile:>2.12} {count:>10}",
                step.value_iterated_to() as f64 / 1e3
            )?;
            if quantile < 1.0 {
                writeln!(out, " {:>14.2}", 1.0 / (1.0 - quantile))?;
            } else {
                writeln!(out)?;
            }
        }
        writeln!(
            out,
            "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]",
            histogram.mean() / 1e3,
            histogram.stdev() / 1e3
        )?;
        writeln!(
            out,
            "#[Max     = {:>12.3}, Total count    = {:>12}]",
            histogram.max() as f64 / 1e3,
            histogram.len()
        )?;
        writeln!(
            out,
            "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
            histogram.buckets(),
            2_048
        )
    }

    fn tagged(&self) -> [(&'static str, &Histogram<u64>); 3] {
        [
            ("lateness", &self.lateness),
            ("latency", &self.corrected),
            ("latency_uncorrected", &self.uncorrected),
        ]
    }
}

fn micros(from: i64, to: i64) -> u64 {
    to.saturating_sub(from).max(0) as u64 / 1_000
}

fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    let at = |quantile| histogram.value_at_quantile(quantile);
    Quantiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_by_the_formats_rules() {
        let mut latency = Latency::new(0);
        for event in 0..1_000 {
            let due = event * 1_000_000;
            latency.record(due, due + 50_000, due + 2_000_000, due + 3_000_000);
        }
        let figures = latency.pace();
        assert_eq!(figures.lateness_us.p999, 50);
        assert!(
            (2_990..3_010).contains(&figures.latency_us.p50),
            "{figures:?}"
        );
        assert!((990..1_010).contains(&figures.latency_uncorrected_us.max));
        let mut log = Vec::new();
        latency.write_hlog(&mut log).unwrap();
        let log = String::from_utf8(log).unwrap();
        let line = log.lines().find(|line| line.starts_with("Tag=latency,"));
        let encoded = line.unwrap().rsplit(',').next().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .unwrap();
        let read: Histogram<u64> = hdrhistogram::serialization::Deserializer::new()
            .deserialize(&mut &bytes[..])
            .unwrap();
        assert_eq!(read, latency.corrected);
        let mut text = Vec::new();
        latency.write_hgrm(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("1.000000000000       1000"), "{text}");
    }
}
