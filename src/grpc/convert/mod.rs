//! Messages of the contract to values of the domain and back, and nothing but.
//!
//! A request is read whole: everything that is wrong with it by itself is found and named at once. What needs the gateway's tables or state
//! to be known wrong is not found here. Readers take the message by value, the path at which it stands in its request, and, where the
//! contract lets a session stand for it, the session's client. Every message is taken apart without `..`, so a field that is added to
//! the contract does not compile until it is read.

pub mod admin;
pub mod basket;
pub mod bucket;
pub mod control;
pub mod decision;
pub mod error;
pub mod field;
pub mod instrument;
pub mod limits;
pub mod market;
pub mod monitor;
pub mod order;
pub mod raw;
pub mod report;
pub mod session;
pub mod usage;
pub mod view;

#[cfg(test)]
mod tests;
