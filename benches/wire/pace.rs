//! Planned send times, kept to some microseconds without burning a core.
//!
//! An asynchronous sleep has a step of a millisecond, which would end up in every percentile; a busy wait would take the CPU
//! that the server needs. A kernel timer wakes the client once per order instead.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A fixed number of sends at a fixed rate.
pub struct Pace {
    timer: AsyncFd<OwnedFd>,
    start: Instant,
    interval: Duration,
    /// Sends handed out so far.
    sent: u32,
    /// Sends whose time has come.
    due: u64,
}

impl Pace {
    /// The first send is due one interval from now.
    pub fn per_second(rate: u32) -> io::Result<Self> {
        let interval = Duration::from_secs(1)
            .checked_div(rate)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let step = Timespec {
            tv_sec: i64::try_from(interval.as_secs()).map_err(io::Error::other)?,
            tv_nsec: interval.subsec_nanos().into(),
        };
        let schedule = Itimerspec {
            it_interval: step,
            it_value: step,
        };
        #[expect(
            deprecated,
            reason = "an owned descriptor guarantees what the successor takes an unsafe promise for"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &schedule)?;
        Ok(Self {
            timer,
            start: Instant::now(),
            interval,
            sent: 0,
            due: 0,
        })
    }

    /// Waits for the next send and returns the moment it was planned for, which is in the past when the client is late.
    pub async fn next(&mut self) -> io::Result<Instant> {
        while u64::from(self.sent) >= self.due {
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0_u8; 8];
            match rustix::io::read(&self.timer, &mut expirations) {
                Ok(_) => self.due = self.due.saturating_add(u64::from_ne_bytes(expirations)),
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
        self.sent = self.sent.saturating_add(1);
        Ok(self.start + self.interval * self.sent)
    }
}
