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
