//! Every field of every request damaged in every way, and every answer looked at.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::type_complexity,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod answers;
mod baskets;
mod damage;
mod documents;
mod feeds;
mod orders;
mod raw;
mod samples;
mod statuses;
mod wire;

use super::error::Malformed;
use crate::pb;

/// A decimal.
fn dec(text: &str) -> Option<pb::Decimal> {
    Some(pb::Decimal {
        value: text.to_owned(),
    })
}

/// A text.
fn s(text: &str) -> String {
    text.to_owned()
}

/// A point in time.
fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 7 })
}

/// A length of time.
fn lasting(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration {
        seconds,
        nanos: 500,
    })
}

/// Paths of everything that is wrong.
fn paths<T: std::fmt::Debug>(result: Result<T, Malformed>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(malformed) => {
            let paths = malformed.violations.into_iter();
            paths.map(|violation| violation.field).collect()
        }
    }
}
