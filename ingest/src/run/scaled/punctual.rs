//! How a thread that sleeps until something is due wakes up in time on busy cores.

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Gives the present thread the least of the real-time priorities, and tells whether it has it.
///
/// Such a thread does not wait its turn to wake up, so it must sleep nearly always, and must not wait
/// for a lock that an ordinary thread may hold. On Linux it takes `CAP_SYS_NICE` or a limit
/// `RLIMIT_RTPRIO` of at least 1; without either a schedule is as punctual as the system is.
pub fn be_punctual() -> bool {
    let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    match set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, fifo) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(?error, "this thread has no priority of its own");
            false
        }
    }
}

/// Two cores that this process may run on, when it has so many and this system lets a thread stay on
/// one; as far apart as there are, since neighbours may be two threads of one core.
pub(super) fn cores_apart() -> Option<[usize; 2]> {
    let allowed = allowed_cores()?;
    match allowed[..] {
        [first, .., last] => Some([first, last]),
        _ => None,
    }
}

#[cfg(target_os = "linux")]
fn allowed_cores() -> Option<Vec<usize>> {
    let allowed = rustix::thread::sched_getaffinity(None).ok()?;
    let cores = (0..rustix::thread::CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
    Some(cores.collect())
}

/// Keeps the present thread on one core.
#[cfg(target_os = "linux")]
pub(super) fn stay_on(core: usize) {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    if let Err(error) = rustix::thread::sched_setaffinity(None, &cores) {
        tracing::debug!(%error, core, "this thread stays on no core of its own");
    }
}

#[cfg(not(target_os = "linux"))]
fn allowed_cores() -> Option<Vec<usize>> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn stay_on(_core: usize) {}
