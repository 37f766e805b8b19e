//! The trading day and the trading windows of a bucket.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

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
