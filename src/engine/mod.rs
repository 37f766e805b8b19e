//! State: the only shared mutable state, and the decisions taken on it.

pub mod answer;
pub mod bucket;
pub mod controls;
pub mod group;
pub mod index;
pub mod market;
pub mod order;
pub mod setup;
pub mod shards;
