//! What the benches share: the orders, clocks, the state of the machine, and how a result is printed.
//!
//! Included by path from several programs, each of which uses a part of it.
#![allow(
    dead_code,
    clippy::float_arithmetic,
    clippy::as_conversions,
    reason = "each bench uses a part; floats appear only in printed figures, never in a decision"
)]

pub mod clock;
pub mod machine;
pub mod orders;
pub mod report;
pub mod rounds;
