//! Rules: pure functions of values. Nothing here knows a clock, a lock, a log or the network.

pub mod calendar;
pub mod exposure;
pub mod flaws;
pub mod largest;
pub mod lifecycle;
pub mod limits;
pub mod link;
pub mod modes;
pub mod owners;
pub mod pnl;
pub mod policy;
pub mod valuation;
pub mod window;
