//! The one place that reads clocks. A request reads it once, at the edge, and hands the `Now` down.
//!
//! The monotonic reading counts from the start of the process. The wall reading is the monotonic one plus an offset, so that
//! both move together and cost one clock read. Every 100 ms at most the offset is compared with the system clock, and set
//! anew where they are more than 1 ms apart: forward at once; backward by standing still until the system clock has
//! caught up. So the wall reading never runs backwards, whatever is done to the system clock.
#![allow(
    clippy::disallowed_methods,
    reason = "all other modules are handed a `Now`"
)]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};
use std::thread::yield_now;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::{MILLISECOND, Now, SECOND};

/// Least time between two looks at the system clock: a step of it is seen within this, and the look costs nothing.
const CHECK_EVERY: u64 = 100 * MILLISECOND;
/// Deviation that is left alone, nanoseconds: two clocks are never read at the same instant.
const DEVIATION_MAX: i64 = 1_000_000;
/// Longest the comparison itself may take: a thread that was put to sleep in the middle of it has measured nothing.
const COMPARISON_MAX: u64 = MILLISECOND / 10;
/// Tries before a reader gives its core away to the thread that is setting the offset.
const SPINS: u32 = 64;

/// Both clocks of the process, or one that is led by hand.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    wall: Wall,
    led: Option<Led>,
}

/// A clock that stands until it is led on: recorded order flow is decided at the times that were recorded.
#[derive(Debug)]
struct Led {
    /// Wall minus monotonic, nanoseconds.
    offset: i64,
    mono: AtomicU64,
}

impl Led {
    fn now(&self) -> Now {
        let mono = self.mono.load(Ordering::Acquire);
        let signed = i64::try_from(mono).unwrap_or(i64::MAX);
        Now {
            wall: self.offset.saturating_add(signed),
            mono,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock whose monotonic reading begins at zero, now.
    #[must_use]
    pub fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            wall: Wall::new(system()),
            led: None,
        }
    }

    /// A clock that stands at `start` until it is led on.
    #[must_use]
    pub fn led(start: Now) -> Self {
        let mono = i64::try_from(start.mono).unwrap_or(i64::MAX);
        Self {
            led: Some(Led {
                offset: start.wall.saturating_sub(mono),
                mono: AtomicU64::new(start.mono),
            }),
            ..Self::new()
        }
    }

    /// Leads the clock on to a monotonic reading; both readings move. It never goes back, and a clock that is not led goes on by itself.
    pub fn lead_to(&self, mono: u64) {
        if let Some(led) = &self.led {
            led.mono.fetch_max(mono, Ordering::AcqRel);
        }
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        if let Some(led) = &self.led {
            return led.now();
        }
        let now = self.wall.now(|| self.mono());
        if self.wall.is_due(now.mono) {
            self.compare();
        }
        now
    }

    fn mono(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    /// Compares with the system clock, and follows it where it has gone elsewhere.
    #[cold]
    fn compare(&self) {
        let before = self.mono();
        let system = system();
        let after = self.mono();
        if after.saturating_sub(before) > COMPARISON_MAX {
            return;
        }
        let deviation = self.wall.follow(before, system, || self.mono());
        if let Some(nanos) = deviation {
            tracing::warn!(nanos, "the system clock was set; following it");
        }
    }
}

fn system() -> i64 {
    let signed = |length| i64::try_from(nanos(length)).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => signed(since),
        Err(before) => signed(before.duration()).saturating_neg(),
    }
}

fn nanos(length: core::time::Duration) -> u64 {
    length
        .as_secs()
        .saturating_mul(SECOND)
        .saturating_add(u64::from(length.subsec_nanos()))
}

/// The wall reading as a function of the monotonic one: `max(floor, mono + offset)`.
///
/// The two figures are published together under a version that is odd while they change. Readers take no lock and write
/// nothing, so that threads do not share a line of cache that changes. A reader takes its monotonic reading between
/// two looks at the version, and so does a writer: readings are ordered with the change.
#[derive(Debug)]
struct Wall {
    version: AtomicU64,
    /// Wall minus monotonic, nanoseconds.
    offset: AtomicI64,
    /// The wall reading is never below this.
    floor: AtomicI64,
    /// Monotonic reading from which the system clock may be looked at again.
    due: AtomicU64,
}

impl Wall {
    const fn new(offset: i64) -> Self {
        Self {
            version: AtomicU64::new(0),
            offset: AtomicI64::new(offset),
            floor: AtomicI64::new(i64::MIN),
            due: AtomicU64::new(CHECK_EVERY),
        }
    }

    fn now(&self, mono: impl Fn() -> u64) -> Now {
        let mut tries = 0_u32;
        loop {
            let version = self.version.load(Ordering::Acquire);
            let mono = mono();
            let wall = self.at(mono);
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version {
                return Now { wall, mono };
            }
            tries = tries.saturating_add(1);
            if tries.is_multiple_of(SPINS) {
                yield_now();
            } else {
                spin_loop();
            }
        }
    }

    fn at(&self, mono: u64) -> i64 {
        let line = self.line(mono);
        line.max(self.floor.load(Ordering::Relaxed))
    }

    fn line(&self, mono: u64) -> i64 {
        let mono = i64::try_from(mono).unwrap_or(i64::MAX);
        self.offset.load(Ordering::Relaxed).saturating_add(mono)
    }

    /// True for one caller in each interval.
    fn is_due(&self, mono: u64) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        mono >= due
            && self
                .due
                .compare_exchange(
                    due,
                    mono.saturating_add(CHECK_EVERY),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Sets the offset so that the wall reading at `mono` is `system`, from where they are too far apart.
    /// Tells how far they were apart, if so.
    fn follow(&self, mono: u64, system: i64, now: impl Fn() -> u64) -> Option<i64> {
        let deviation = system.saturating_sub(self.line(mono));
        if deviation.saturating_abs() <= DEVIATION_MAX {
            return None;
        }
        let version = self.version.load(Ordering::Relaxed);
        let odd = version.wrapping_add(1);
        // Another thread that is at it has seen the same.
        if !version.is_multiple_of(2)
            || self
                .version
                .compare_exchange(version, odd, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
        {
            return None;
        }
        fence(Ordering::Release);
        if deviation < 0 {
            self.floor.store(self.at(now()), Ordering::Relaxed);
        }
        let offset = self.offset.load(Ordering::Relaxed);
        self.offset
            .store(offset.saturating_add(deviation), Ordering::Relaxed);
        self.version.store(odd.wrapping_add(1), Ordering::Release);
        Some(deviation)
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    const START: i64 = 1_000 * 1_000_000_000;
    const STEP: i64 = 5 * 1_000_000_000;

    fn wall_at(wall: &Wall, mono: u64) -> i64 {
        wall.now(|| mono).wall
    }

    #[test]
    fn a_led_clock_stands_until_it_is_led_on_and_never_goes_back() {
        let start = Now {
            wall: START,
            mono: 5,
        };
        let clock = Clock::led(start);
        assert_eq!(clock.now(), start);
        clock.lead_to(12);
        let later = Now {
            wall: START + 7,
            mono: 12,
        };
        assert_eq!(clock.now(), later);
        clock.lead_to(11);
        assert_eq!(clock.now(), later);
    }

    #[test]
    fn both_readings_move_together() {
        let wall = Wall::new(START);
        assert_eq!(
            wall.now(|| 7),
            Now {
                wall: START + 7,
                mono: 7
            }
        );
    }

    #[test]
    fn a_small_deviation_is_left_alone() {
        let wall = Wall::new(START);
        for deviation in [-DEVIATION_MAX, 0, DEVIATION_MAX] {
            assert_eq!(wall.follow(10, START + 10 + deviation, || 11), None);
        }
        assert_eq!(wall_at(&wall, 12), START + 12);
    }

    #[test]
    fn a_step_forward_is_followed_at_once() {
        let wall = Wall::new(START);
        assert_eq!(wall.follow(10, START + 10 + STEP, || 11), Some(STEP));
        assert_eq!(wall_at(&wall, 12), START + STEP + 12);
        assert_eq!(wall.follow(20, START + 20 + STEP, || 21), None);
    }

    #[test]
    fn a_step_backward_stops_the_wall_until_the_system_has_caught_up() {
        let wall = Wall::new(START);
        assert_eq!(wall.follow(10, START + 10 - STEP, || 11), Some(-STEP));
        let stopped = START + 11;
        let step = STEP.unsigned_abs();
        for (mono, expected) in [
            (11, stopped),
            (12, stopped),
            (step, stopped),
            (step + 11, stopped),
            (step + 12, stopped + 1),
        ] {
            assert_eq!(wall_at(&wall, mono), expected, "{mono}");
        }
        // It follows the system clock already, though it stands still.
        assert_eq!(wall.follow(20, START + 20 - STEP, || 21), None);
    }

    #[test]
    fn one_caller_in_each_interval_looks_at_the_system_clock() {
        let wall = Wall::new(START);
        let due: Vec<_> = [0, CHECK_EVERY - 1, CHECK_EVERY, CHECK_EVERY + 1]
            .into_iter()
            .map(|mono| wall.is_due(mono))
            .collect();
        assert_eq!(due, [false, false, true, false]);
        assert!(wall.is_due(2 * CHECK_EVERY));
    }

    #[test]
    fn no_thread_sees_the_wall_run_backwards_while_it_is_set() {
        let start = Instant::now();
        let mono = || nanos(start.elapsed());
        let wall = Wall::new(START);
        let ends = AtomicBool::new(false);
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    let mut last = wall.now(mono);
                    while !ends.load(Ordering::Relaxed) {
                        let now = wall.now(mono);
                        assert!(now.wall >= last.wall && now.mono >= last.mono);
                        last = now;
                    }
                });
            }
            let mut system = START;
            for round in 0..200_000 {
                system += if round % 2 == 0 { -STEP } else { STEP };
                wall.follow(mono(), system, mono);
            }
            ends.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn the_clock_agrees_with_the_system() {
        let clock = Clock::new();
        let before = system();
        let now = clock.now();
        let after = system();
        let slack = 50 * DEVIATION_MAX;
        assert!((before - slack..=after + slack).contains(&now.wall));
        assert!(clock.now().mono >= now.mono);
    }
}
