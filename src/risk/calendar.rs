//! The trading day and the trading windows of a bucket. Instants come from outside; nothing here reads a clock.
//!
//! Days and windows are declared in local time, and the zone's rules turn them into instants. A local time that a clock change skips
//! stands for the instant as far behind the change; one that comes twice stands for its first occurrence. So a trading day has 23
//! or 25 hours where the clocks change, and none is missing or counted twice.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// A stretch of a week in which new orders are taken (A10), in the calendar's zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TradingWindow {
    /// Days it starts on.
    pub days: Vec<Weekday>,
    /// Start, inclusive.
    pub from: Time,
    /// End, exclusive; not after the start means on the next day.
    pub to: Time,
}

/// When a bucket's trading day begins, and when it takes new orders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Calendar {
    /// Zone of every time below.
    pub zone: TimeZone,
    /// Time of day at which the trading day begins.
    pub reset: Time,
    /// Windows; none means always.
    pub windows: Vec<TradingWindow>,
}

/// Bounds of one trading day, wall nanoseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Day {
    /// First instant of the day.
    pub start: i64,
    /// First instant of the next day.
    pub end: i64,
}

/// Days around a date within which its trading day surely lies, whatever the zone did to its clocks.
const NEAR: core::ops::RangeInclusive<i64> = -2..=2;
/// Days whose windows are laid out: a wrapped one may still run, and the next opening is at most a week away.
const WEEK: core::ops::RangeInclusive<i64> = -2..=8;

impl Calendar {
    /// Days of UTC, always open: where none is configured.
    #[must_use]
    pub const fn utc() -> Self {
        Self {
            zone: TimeZone::UTC,
            reset: Time::midnight(),
            windows: Vec::new(),
        }
    }

    /// The trading day that contains an instant of wall time, or nothing beyond the years that 64 bits of nanoseconds reach.
    #[must_use]
    pub fn day(&self, wall: i64) -> Option<Day> {
        let today = self.date(wall)?;
        let resets = NEAR.filter_map(|days| self.instant(shift(today, days)?, self.reset));
        let (mut start, mut end) = (None, None);
        for reset in resets {
            if reset <= wall {
                start = start.max(Some(reset));
            } else {
                end = Some(end.map_or(reset, |end: i64| end.min(reset)));
            }
        }
        Some(Day {
            start: start?,
            end: end?,
        })
    }

    /// Whether new orders are taken at an instant, and the first instant from which this must be asked again.
    ///
    /// Windows that touch or overlap count as one. Without windows the answer is yes, for ever. Where the calendar does not reach, no.
    #[must_use]
    pub fn window(&self, wall: i64) -> (bool, i64) {
        if self.windows.is_empty() {
            return (true, i64::MAX);
        }
        let Some(today) = self.date(wall) else {
            return (false, wall);
        };
        let (mut open, mut until) = (false, wall);
        for (from, to) in self.stretches(today) {
            if from > until {
                return if open { (true, until) } else { (false, from) };
            }
            if to > until {
                (open, until) = (true, to);
            }
        }
        if open {
            return (true, until);
        }
        let horizon =
            shift(today, *WEEK.end()).and_then(|date| self.instant(date, Time::midnight()));
        (false, horizon.unwrap_or(wall))
    }

    /// Every window of the days around `today`, by start. A window that a clock change leaves without length is left out.
    fn stretches(&self, today: Date) -> Vec<(i64, i64)> {
        let mut stretches = Vec::new();
        for date in WEEK.filter_map(|days| shift(today, days)) {
            let starting = |window: &&TradingWindow| window.days.contains(&date.weekday());
            for window in self.windows.iter().filter(starting) {
                let last = if window.to > window.from {
                    Some(date)
                } else {
                    shift(date, 1)
                };
                let from = self.instant(date, window.from);
                let to = last.and_then(|last| self.instant(last, window.to));
                if let (Some(from), Some(to)) = (from, to)
                    && from < to
                {
                    stretches.push((from, to));
                }
            }
        }
        stretches.sort_unstable();
        stretches
    }

    fn date(&self, wall: i64) -> Option<Date> {
        let timestamp = Timestamp::from_nanosecond(i128::from(wall)).ok()?;
        Some(self.zone.to_datetime(timestamp).date())
    }

    fn instant(&self, date: Date, time: Time) -> Option<i64> {
        let local = self.zone.to_ambiguous_timestamp(date.to_datetime(time));
        i64::try_from(local.compatible().ok()?.as_nanosecond()).ok()
    }
}

fn shift(date: Date, days: i64) -> Option<Date> {
    date.checked_add(days.days()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

    const WEEKDAYS: [Weekday; 5] = [Monday, Tuesday, Wednesday, Thursday, Friday];
    const HOUR: i64 = 3_600_000_000_000;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn window(days: &[Weekday], from: &str, to: &str) -> TradingWindow {
        TradingWindow {
            days: days.to_vec(),
            from: time(from),
            to: time(to),
        }
    }

    fn calendar(zone: &str, reset: &str, windows: &[TradingWindow]) -> Calendar {
        Calendar {
            zone: TimeZone::get(zone).unwrap(),
            reset: time(reset),
            windows: windows.to_vec(),
        }
    }

    fn at(text: &str) -> i64 {
        let timestamp: Timestamp = text.parse().unwrap();
        i64::try_from(timestamp.as_nanosecond()).unwrap()
    }

    /// Zone, reset, instant, start and end of its trading day, hours between.
    #[test]
    fn a_trading_day_runs_from_reset_to_reset() {
        let (utc, ny, london) = ("UTC", "America/New_York", "Europe/London");
        let cases = [
            (
                utc,
                "00:00",
                "2026-03-05T12:00:00Z",
                "2026-03-05T00:00:00Z",
                24,
            ),
            // Just before, at and just after the reset.
            (
                ny,
                "17:00",
                "2026-01-15T21:59:59.999999999Z",
                "2026-01-14T22:00:00Z",
                24,
            ),
            (
                ny,
                "17:00",
                "2026-01-15T22:00:00Z",
                "2026-01-15T22:00:00Z",
                24,
            ),
            (
                ny,
                "17:00",
                "2026-01-15T22:00:00.000000001Z",
                "2026-01-15T22:00:00Z",
                24,
            ),
            // New York: clocks go from 02:00 to 03:00 on 8 March 2026, and from 02:00 back to 01:00 on 1 November.
            (
                ny,
                "17:00",
                "2026-03-08T12:00:00Z",
                "2026-03-07T22:00:00Z",
                23,
            ),
            (
                ny,
                "17:00",
                "2026-03-08T21:00:00Z",
                "2026-03-08T21:00:00Z",
                24,
            ),
            (
                ny,
                "17:00",
                "2026-11-01T12:00:00Z",
                "2026-10-31T21:00:00Z",
                25,
            ),
            // A reset inside the skipped hour comes an hour later on the clock: 03:30.
            (
                ny,
                "02:30",
                "2026-03-08T07:29:59Z",
                "2026-03-07T07:30:00Z",
                24,
            ),
            (
                ny,
                "02:30",
                "2026-03-08T07:30:00Z",
                "2026-03-08T07:30:00Z",
                23,
            ),
            // A reset inside the doubled hour comes once, the first time.
            (
                ny,
                "01:30",
                "2026-11-01T05:29:59Z",
                "2026-10-31T05:30:00Z",
                24,
            ),
            (
                ny,
                "01:30",
                "2026-11-01T05:30:00Z",
                "2026-11-01T05:30:00Z",
                25,
            ),
            (
                ny,
                "01:30",
                "2026-11-01T06:30:00Z",
                "2026-11-01T05:30:00Z",
                25,
            ),
            // London: 29 March and 25 October 2026, at 01:00 UTC.
            (
                london,
                "00:00",
                "2026-03-29T12:00:00Z",
                "2026-03-29T00:00:00Z",
                23,
            ),
            (
                london,
                "01:30",
                "2026-03-29T01:29:00Z",
                "2026-03-28T01:30:00Z",
                24,
            ),
            (
                london,
                "00:00",
                "2026-10-25T23:59:59Z",
                "2026-10-24T23:00:00Z",
                25,
            ),
            // Samoa had no 30 December 2011 at all: no day is left over, none is empty.
            (
                "Pacific/Apia",
                "17:00",
                "2011-12-30T05:00:00Z",
                "2011-12-30T03:00:00Z",
                24,
            ),
        ];
        for (zone, reset, instant, start, hours) in cases {
            let day = calendar(zone, reset, &[]).day(at(instant)).unwrap();
            let expected = Day {
                start: at(start),
                end: at(start) + hours * HOUR,
            };
            assert_eq!(day, expected, "{zone} {reset} {instant}");
        }
    }

    #[test]
    fn days_follow_one_another_without_gap_or_overlap() {
        for zone in [
            "America/New_York",
            "Europe/London",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "UTC",
        ] {
            for reset in ["00:00", "01:30", "02:15", "17:00", "23:59:59"] {
                let calendar = calendar(zone, reset, &[]);
                let mut day = calendar.day(at("2011-01-01T00:00:00Z")).unwrap();
                for _ in 0..800 {
                    let next = calendar.day(day.end).unwrap();
                    assert_eq!(next.start, day.end, "{zone} {reset}");
                    assert!(next.end > next.start, "{zone} {reset}");
                    assert_eq!(calendar.day(day.end - 1), Some(day), "{zone} {reset}");
                    day = next;
                }
            }
        }
    }

    #[test]
    fn the_ends_of_time_have_no_day_and_do_not_panic() {
        let calendar = calendar("UTC", "00:00", &[window(&WEEKDAYS, "09:00", "10:00")]);
        for wall in [i64::MIN, i64::MAX] {
            assert_eq!(calendar.day(wall), None);
            let (open, _) = calendar.window(wall);
            assert!(!open);
        }
    }

    /// Name, calendar, instant, whether open, until when.
    #[test]
    fn windows_say_whether_orders_are_taken_and_until_when() {
        let shares = calendar(
            "America/New_York",
            "17:00",
            &[window(&WEEKDAYS, "09:30", "16:00")],
        );
        let futures = calendar(
            "America/New_York",
            "17:00",
            &[window(
                &[Sunday, Monday, Tuesday, Wednesday, Thursday],
                "18:00",
                "17:00",
            )],
        );
        let split = calendar(
            "UTC",
            "00:00",
            &[
                window(&[Monday], "08:00", "12:00"),
                window(&[Monday], "11:00", "14:00"),
                window(&[Monday], "14:00", "15:00"),
                window(&[Monday], "09:00", "10:00"),
                window(&[Monday], "16:00", "17:00"),
            ],
        );
        let night = calendar(
            "America/New_York",
            "00:00",
            &[window(&[Saturday], "23:00", "04:00")],
        );
        let whole = calendar("UTC", "00:00", &[window(&[Wednesday], "00:00", "00:00")]);
        let cases = [
            // 5 January 2026 is a Monday; New York is five hours behind UTC.
            (
                "just before opening",
                &shares,
                "2026-01-05T14:29:59.999999999Z",
                false,
                "2026-01-05T14:30:00Z",
            ),
            (
                "at opening",
                &shares,
                "2026-01-05T14:30:00Z",
                true,
                "2026-01-05T21:00:00Z",
            ),
            (
                "just before closing",
                &shares,
                "2026-01-05T20:59:59.999999999Z",
                true,
                "2026-01-05T21:00:00Z",
            ),
            (
                "at closing",
                &shares,
                "2026-01-05T21:00:00Z",
                false,
                "2026-01-06T14:30:00Z",
            ),
            (
                "friday evening waits for monday",
                &shares,
                "2026-01-09T22:00:00Z",
                false,
                "2026-01-12T14:30:00Z",
            ),
            (
                "sunday waits for monday",
                &shares,
                "2026-01-11T15:00:00Z",
                false,
                "2026-01-12T14:30:00Z",
            ),
            (
                "the weekend of the change opens an hour earlier in UTC",
                &shares,
                "2026-03-07T15:00:00Z",
                false,
                "2026-03-09T13:30:00Z",
            ),
            (
                "wraps: after midnight still open",
                &futures,
                "2026-01-06T06:00:00Z",
                true,
                "2026-01-06T22:00:00Z",
            ),
            (
                "wraps: the pause",
                &futures,
                "2026-01-06T22:00:00Z",
                false,
                "2026-01-06T23:00:00Z",
            ),
            (
                "wraps: closed from friday to sunday",
                &futures,
                "2026-01-09T22:00:00Z",
                false,
                "2026-01-11T23:00:00Z",
            ),
            (
                "overlapping and touching are one",
                &split,
                "2026-01-05T08:00:00Z",
                true,
                "2026-01-05T15:00:00Z",
            ),
            (
                "inside the overlap",
                &split,
                "2026-01-05T11:30:00Z",
                true,
                "2026-01-05T15:00:00Z",
            ),
            (
                "between",
                &split,
                "2026-01-05T15:00:00Z",
                false,
                "2026-01-05T16:00:00Z",
            ),
            (
                "a week to wait",
                &split,
                "2026-01-05T17:00:00Z",
                false,
                "2026-01-12T08:00:00Z",
            ),
            // From 23:00 on Saturday to 04:00 on Sunday is four hours in spring and six in autumn.
            (
                "a short night",
                &night,
                "2026-03-08T04:00:00Z",
                true,
                "2026-03-08T08:00:00Z",
            ),
            (
                "a long night",
                &night,
                "2026-11-01T03:00:00Z",
                true,
                "2026-11-01T09:00:00Z",
            ),
            (
                "the doubled hour, second time",
                &night,
                "2026-11-01T06:30:00Z",
                true,
                "2026-11-01T09:00:00Z",
            ),
            (
                "equal ends are a whole day",
                &whole,
                "2026-01-07T00:00:00Z",
                true,
                "2026-01-08T00:00:00Z",
            ),
            (
                "and no more",
                &whole,
                "2026-01-08T00:00:00Z",
                false,
                "2026-01-14T00:00:00Z",
            ),
        ];
        for (name, calendar, instant, open, until) in cases {
            assert_eq!(calendar.window(at(instant)), (open, at(until)), "{name}");
        }
    }

    #[test]
    fn no_windows_are_always_open() {
        let calendar = calendar("UTC", "00:00", &[]);
        assert_eq!(
            calendar.window(at("2026-01-05T00:00:00Z")),
            (true, i64::MAX)
        );
    }

    #[test]
    fn a_window_without_days_is_closed_and_asked_again() {
        let calendar = calendar("UTC", "00:00", &[window(&[], "09:00", "10:00")]);
        let (open, until) = calendar.window(at("2026-01-05T00:00:00Z"));
        assert!(!open);
        assert!(until > at("2026-01-12T00:00:00Z"));
    }

    #[test]
    fn every_answer_holds_until_it_says() {
        let ends = [
            ("00:00", "00:00"),
            ("01:30", "02:30"),
            ("02:15", "03:15"),
            ("22:00", "01:30"),
        ];
        for zone in ["America/New_York", "Europe/London"] {
            for (from, to) in ends {
                let calendar = calendar(
                    zone,
                    "00:00",
                    &[window(&[Saturday, Sunday, Monday], from, to)],
                );
                let mut wall = at("2026-01-01T00:00:00Z");
                while wall < at("2027-01-01T00:00:00Z") {
                    let (open, until) = calendar.window(wall);
                    assert!(until > wall, "{zone} {from}");
                    for part in [1, 2, 3] {
                        let between = wall + (until - wall) / 4 * part;
                        assert_eq!(
                            calendar.window(between).0,
                            open,
                            "{zone} {from} {wall} {between}"
                        );
                    }
                    wall = until;
                }
            }
        }
    }
}
