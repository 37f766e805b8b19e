//! Rules: pure functions of values. Nothing here knows a clock, a lock, a log or the network.

pub mod calendar;
pub mod flaws;
pub mod limits;
