//! Every request id of the day with its answer, and the way from an id to its order (A11, H19); every execution id with what it did (H14).

use std::sync::Arc;

use super::answer::Answer;
use super::bucket::Bucket;
use super::order::OrderRecord;
use super::shards::Keyed;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::name::{AccountId, ClOrdId, ExecId, VenueId};
use crate::domain::order::{OrderKey, Side};
use crate::domain::report::Fill;
use crate::domain::state::OrderState;
use crate::domain::time::Now;
use crate::risk::pnl::Effect;

/// A request id with what became of it.
pub struct Entry {
    /// The id.
    pub key: OrderKey,
    /// Keyed hash of the request's content.
    pub digest: u64,
    /// End of the trading day it belongs to, wall nanoseconds.
    pub until: i64,
    /// The stored answer; none for an id released before it was decided.
    pub answer: Option<Answer>,
    /// The order behind it.
    pub order: OrderSlot,
}

/// Where the order of a request id is.
pub enum OrderSlot {
    /// There is none: the request was refused.
    None,
    /// Live, in this bucket under this number.
    Live(Arc<Bucket>, usize),
    /// Over, kept for late reports.
    Ended(Arc<Bucket>, Box<OrderRecord>),
    /// The id is of a replace: the order is under its first id.
    Version(ClOrdId),
}

impl OrderSlot {
    /// Where the request of an id stands; nothing where there is no order under this one.
    #[must_use]
    pub fn stands(&self, cl_ord_id: &ClOrdId, now: Now) -> Option<OrderState> {
        match self {
            Self::Live(bucket, number) => {
                let state = bucket.state.lock();
                let record = state.orders.get(*number)?;
                Some(record.state_of(cl_ord_id, now))
            }
            Self::Ended(_, record) => Some(record.state_of(cl_ord_id, now)),
            Self::None | Self::Version(_) => None,
        }
    }
}

impl Keyed for Entry {
    type Key = OrderKey;
    type Spare = Box<OrderRecord>;
    fn key(&self) -> &OrderKey {
        &self.key
    }
}

impl Entry {
    /// Keeps the memory of the order behind it for another.
    pub fn give_back(&mut self, spare: &mut Vec<Box<OrderRecord>>) {
        if let OrderSlot::Ended(..) = self.order
            && let OrderSlot::Ended(_, record) =
                core::mem::replace(&mut self.order, OrderSlot::None)
            && spare.len() < spare.capacity()
        {
            spare.push(record);
        }
    }

    /// Whether the order behind it is live.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.order, OrderSlot::Live(..))
    }
}

/// Identity of an execution (H14).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ExecKey {
    /// Venue.
    pub venue: VenueId,
    /// Account there.
    pub account: Option<AccountId>,
    /// Trade date at the venue.
    pub trade_date: u32,
    /// The venue's id.
    pub exec_id: ExecId,
}

/// A fill, a bust or a correction we have seen.
pub struct Execution {
    /// Its identity.
    pub key: ExecKey,
    /// Keyed hash of its content.
    pub digest: u64,
    /// When it may be forgotten, wall nanoseconds.
    pub until: i64,
    /// What it is.
    pub what: ExecutionKind,
}

/// What an execution id stands for.
pub enum ExecutionKind {
    /// A fill that was booked, and where.
    Fill(BookedFill),
    /// A bust or correction that was applied.
    Amendment,
    /// A bust or correction whose fill has not come (H15): what the fill is to be instead.
    Parked(Option<Fill>),
}

/// A booked fill, as a bust needs it.
#[derive(Clone)]
pub struct BookedFill {
    /// Bucket it was booked in.
    pub bucket: Arc<Bucket>,
    /// First id of its order; none for a fill of an unknown order.
    pub order: Option<OrderKey>,
    /// Instrument number.
    pub instrument: u32,
    /// Place of the account among the bucket's.
    pub account: Option<u16>,
    /// Side.
    pub side: Side,
    /// Quantity.
    pub quantity: Quantity,
    /// Price.
    pub price: Price,
    /// What it did.
    pub effect: Effect,
    /// Value counted in the day's traded notional, limit currency.
    pub value: Money,
    /// Whether it is void.
    pub busted: bool,
}

impl Keyed for Execution {
    type Key = ExecKey;
    type Spare = ();
    fn key(&self) -> &ExecKey {
        &self.key
    }
}
