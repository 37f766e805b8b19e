//! State: the only shared mutable state, and the decisions taken on it.

pub mod setup;
