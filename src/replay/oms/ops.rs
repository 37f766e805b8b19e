//! What an OMS sends to a gateway, and the names of it.

use std::fmt;
use std::num::NonZeroU64;

use serde::Serialize;

use crate::replay::lobster::{OrderId, Side};

/// Number of a bucket of the replay, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct BucketIndex(pub u64);

/// The bucket that an order is addressed to: its order id modulo the number of buckets. The exchange numbers orders in
/// sequence, so the buckets get about equally many, and anybody can tell an order's bucket from the file alone.
pub fn bucket_of(order: OrderId, buckets: NonZeroU64) -> BucketIndex {
    BucketIndex(order.0 % buckets)
}

/// Where an order is, or is to be, sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The bucket that holds the order.
    pub bucket: BucketIndex,
    /// Number of the venue account in the caller's own list; 0 is the bucket's first choice.
    pub account: u32,
}

/// Names one request of an order: 0 is the order itself, 1 its first replace, and so on. Its text is the `cl_ord_id`:
/// `16113575`, `16113575-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderKey {
    /// The order.
    pub order: OrderId,
    /// Which of its requests.
    pub version: u32,
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0 => write!(f, "{}", self.order),
            version => write!(f, "{}-{version}", self.order),
        }
    }
}

/// One message to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new limit order. Its decision goes to [`Oms::on_decision`](super::Oms::on_decision).
    Order(NewOrder),
    /// A replace. Its decision goes to [`Oms::on_decision`](super::Oms::on_decision).
    Replace(Replace),
    /// Notice: the order left for the venue.
    Sent(Notice),
    /// Notice: a cancel request left for the venue.
    CancelRequested(Notice),
    /// An execution report of the venue.
    Report(Report),
    /// The last price paid in the market.
    Mark(Mark),
}

/// See [`Op::Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Request id.
    pub key: OrderKey,
    /// Where the OMS wants to send it.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Buy or sell.
    pub side: Side,
    /// Shares.
    pub quantity: u64,
    /// Limit price in 1/10,000 dollars.
    pub price_e4: u64,
}

/// See [`Op::Replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Request id.
    pub key: OrderKey,
    /// The version it takes the place of.
    pub replaced: OrderKey,
    /// Where the order is.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Buy or sell, as in the order.
    pub side: Side,
    /// New total in shares, what is already executed included (FIX 38).
    pub quantity: u64,
    /// Limit price in 1/10,000 dollars, as in the order.
    pub price_e4: u64,
}

/// See [`Op::Sent`] and [`Op::CancelRequested`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The version of the order that is in force.
    pub key: OrderKey,
    /// Where the order is.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
}

/// See [`Op::Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of the line that caused it. No line causes two reports, so it is unique.
    pub exec_id: u64,
    /// The version of the order that is in force; for [`ReportKind::Replaced`] the new one.
    pub key: OrderKey,
    /// Where the order is.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Side of the order.
    pub side: Side,
    /// Limit price of the order in 1/10,000 dollars.
    pub price_e4: u64,
    /// The order after this report; `None` when the OMS does not know the order.
    pub totals: Option<Totals>,
    /// What happened.
    pub kind: ReportKind,
}

/// What an execution report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// The venue took the order.
    New,
    /// A fill.
    Trade {
        /// Shares of this fill.
        quantity: u64,
        /// Its price in 1/10,000 dollars.
        price_e4: u64,
    },
    /// The rest is cancelled.
    Canceled,
    /// The replace is done.
    Replaced {
        /// The version that was in force before.
        replaced: OrderKey,
    },
    /// The venue cut the order's quantity by itself.
    Restated,
}

/// Sizes of an order in shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Total ordered (FIX 38).
    pub quantity: u64,
    /// Executed so far (FIX 14).
    pub cumulative: u64,
    /// Still open (FIX 151): 0 after a cancellation.
    pub leaves: u64,
}

/// See [`Op::Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Price in 1/10,000 dollars.
    pub price_e4: u64,
}
