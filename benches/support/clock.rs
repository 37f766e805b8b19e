//! CPU time, so that a busy neighbour does not end up in a figure.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// CPU time the calling thread has used.
pub fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// CPU time all threads of this process have used.
pub fn process_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Runs `work` once and says what it cost the calling thread.
pub fn thread_cpu_of<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = thread_cpu();
    let outcome = work();
    (thread_cpu().saturating_sub(start), outcome)
}

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}
