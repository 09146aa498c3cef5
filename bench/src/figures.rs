//! What a phase cost: wall time, CPU time of all threads, peak memory.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

/// Longest time that a histogram tells from a longer one, in microseconds: ten minutes.
const LONGEST_MICROS: u64 = 600_000_000;

/// A histogram of microseconds to three digits.
///
/// It has its bound from the start: one that grows does so in `record` only, and `saturating_record`
/// would cut everything off at what it has so far.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LONGEST_MICROS, 3).expect("a bound and three digits")
}

/// A running measurement.
pub(crate) struct Meter {
    wall: Instant,
    cpu: Duration,
}

/// What has been measured.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time of the whole process.
    pub(crate) cpu: Duration,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    pub(crate) fn stop(&self) -> Cost {
        Cost {
            wall: self.wall.elapsed(),
            cpu: cpu_time().saturating_sub(self.cpu),
        }
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Makes the present use of memory the peak, where the system lets us.
pub(crate) fn reset_peak_memory() {
    // Without it the peak is that of the process so far, which is no smaller.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that was in use at once (`VmHWM`), in bytes.
pub(crate) fn peak_memory() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading memory use")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes
        .context("no VmHWM in /proc/self/status")?
        .trim()
        .parse()?;
    Ok(kilobytes * 1024)
}

/// The clock of a runner. The true one: a run stops when its data lies in the future.
pub(crate) fn wall_clock() -> eip_ingest::run::Clock {
    Box::new(|| {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        since.as_millis() as i64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_not_cut_off() {
        let mut times = histogram();
        times.saturating_record(30_000_000);
        assert!(times.equivalent(times.max(), 30_000_000));
    }
}
