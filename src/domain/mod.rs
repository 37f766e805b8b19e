//! Nouns: the values of the trade, exact and well formed. No clock, lock, log, configuration or input and output.

pub mod amount;
pub mod basket;
pub mod decision;
pub mod duration;
pub mod instrument;
pub mod name;
pub mod order;
pub mod report;
pub mod source;
pub mod state;
pub mod time;
