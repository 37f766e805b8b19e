//! A live order, as its bucket keeps it.

use std::sync::Arc;

use super::bucket::{BucketState, Seat};
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::Route;
use crate::domain::name::{BucketId, ClOrdId, Name, VenueId};
use crate::domain::order::{Attributes, OrderKey, Side, Terms, TimeInForce};
use crate::domain::state::OrderState;
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::lifecycle::{Life, Version};

/// A live order.
pub struct OrderRecord {
    /// Who sent it, under its first id.
    pub key: OrderKey,
    /// The engine's number of its contract.
    pub instrument: u32,
    /// Where it went: place of its account among the bucket's.
    pub account: u16,
    /// Side.
    pub side: Side,
    /// The rest of the order.
    pub attributes: Attributes,
    /// Its life.
    pub life: Life,
    /// What it holds in the bucket's figures now.
    pub hold: Hold,
    /// When it was approved.
    pub approved: Now,
    /// When word of it is overdue, monotonic nanoseconds.
    pub deadline: u64,
    /// Notional counted in the window of F3 when it was approved.
    pub counted: Money,
    /// The same in the groups above; of the order as it was first approved.
    pub counted_above: Money,
    /// Whether it was approved without a price.
    pub unvalued: bool,
    /// Whether its client promised that an unsent order will never be sent (H2).
    pub send_after_commit: bool,
    /// Bucket it was addressed to, where it was rerouted from another.
    pub source: Option<Box<BucketId>>,
    /// Its place among linked orders, where it is linked.
    pub link: Option<Box<Seat>>,
    /// The route it was asked for on, where its client has to accept the one it is on (RR10).
    pub offer: Option<Box<Offer>>,
}

impl OrderRecord {
    /// No order: memory for one.
    #[must_use]
    pub fn blank() -> Self {
        Self {
            key: OrderKey {
                client: Name::blank(),
                cl_ord_id: Name::blank(),
            },
            instrument: 0,
            account: 0,
            side: Side::Buy,
            attributes: Attributes::default(),
            life: Life::new(
                Version {
                    cl_ord_id: Name::blank(),
                    quantity: Quantity::ZERO,
                    terms: Terms::Market,
                    unit: Money::ZERO,
                },
                TimeInForce::Day,
                None,
                false,
                false,
            ),
            hold: Hold::default(),
            approved: Now::default(),
            deadline: 0,
            counted: Money::ZERO,
            counted_above: Money::ZERO,
            unvalued: false,
            send_after_commit: false,
            source: None,
            link: None,
            offer: None,
        }
    }

    /// The order by the id in force.
    #[must_use]
    pub fn current_key(&self) -> OrderKey {
        OrderKey {
            client: self.key.client.clone(),
            cl_ord_id: self.life.current().cl_ord_id.clone(),
        }
    }

    /// Whether its client was given a time to accept its route, and let it pass.
    #[must_use]
    pub const fn is_lapsed(&self, now: Now) -> bool {
        self.life.is_offered() && now.mono >= self.deadline
    }

    /// Whether an id is the order's first, or that of the version in force.
    #[must_use]
    pub fn is_known_as(&self, cl_ord_id: &ClOrdId) -> bool {
        *cl_ord_id == self.key.cl_ord_id || *cl_ord_id == self.life.current().cl_ord_id
    }

    /// How long word of it may take, nanoseconds: what it was given when it was approved.
    #[must_use]
    pub fn patience(&self) -> u64 {
        let accepted = self.offer.as_ref().and_then(|offer| offer.accepted);
        self.deadline
            .saturating_sub(accepted.unwrap_or(self.approved.mono))
    }

    /// Where the order stands.
    #[must_use]
    pub fn state(&self, now: Now) -> OrderState {
        self.life.state(now.mono >= self.deadline)
    }

    /// Where the request of an id stands: a replace that was refused or released is over, though its order lives.
    #[must_use]
    pub fn state_of(&self, cl_ord_id: &ClOrdId, now: Now) -> OrderState {
        let is_asked = |id: &ClOrdId| self.life.versions().any(|version| version.cl_ord_id == *id);
        match self.life.off_the_table(cl_ord_id) {
            Some(state) => state,
            None if *cl_ord_id == self.key.cl_ord_id || is_asked(cl_ord_id) => self.state(now),
            // A later replace has taken its place.
            None => OrderState::Canceled,
        }
    }

    /// What the order looks like from outside; nothing only where it is not of this bucket.
    #[must_use]
    pub fn view(&self, state: &BucketState, now: Now) -> Option<OrderView> {
        let current = self.life.current();
        let holding = state.holding(self.instrument)?;
        Some(OrderView {
            key: self.key.clone(),
            cl_ord_id: current.cl_ord_id.clone(),
            instrument: holding.listed.instrument.id.clone(),
            route: Arc::clone(state.route(self.account)?),
            side: self.side,
            terms: current.terms,
            time_in_force: self.life.time_in_force(),
            state: self.state(now),
            quantity: current.quantity,
            filled: self.life.filled(),
            leaves: self.life.leaves(),
            missing: self.life.missing(),
            reserved: self.hold.value,
            reduce_only: self.attributes.reduce_only,
            exit: self.hold.exit,
            pending: self
                .life
                .pending()
                .map(|version| version.cl_ord_id.clone())
                .collect(),
            source: self.source.as_deref().cloned(),
            approved_at: self.approved.wall,
            cancel_wanted: false,
        })
    }

    /// Prices the order may rest at.
    pub fn resting_prices(&self) -> impl Iterator<Item = Price> {
        self.life.versions().filter_map(resting_price)
    }
}

/// What an order waits or waited for: that its client accepts the route it is on (RR10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// The bucket that was asked.
    pub bucket: BucketId,
    /// The venue that was asked.
    pub venue: VenueId,
    /// When it was accepted, monotonic nanoseconds.
    pub accepted: Option<u64>,
    /// How it ended unaccepted.
    pub end: Option<OfferEnd>,
}

/// How an offer ended without being accepted, other than by its client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OfferEnd {
    /// Its time was over.
    Lapsed,
    /// A halt came before (RR15).
    Void,
}

/// Price a version may rest at in a book; none for what does not rest before it triggers (A15).
#[must_use]
pub fn resting_price(version: &Version) -> Option<Price> {
    match version.terms {
        Terms::Limit { price } => Some(price),
        Terms::Pegged { cap } => cap,
        Terms::Market
        | Terms::Stop { .. }
        | Terms::StopLimit { .. }
        | Terms::TrailingStop { .. } => None,
    }
}

/// An order as seen from outside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderView {
    /// Who sent it, under its first id.
    pub key: OrderKey,
    /// Id of the version in force (FIX 11).
    pub cl_ord_id: ClOrdId,
    /// Contract.
    pub instrument: crate::domain::name::InstrumentId,
    /// Where it went.
    pub route: Arc<Route>,
    /// Side.
    pub side: Side,
    /// Type and prices in force.
    pub terms: Terms,
    /// How long it stays.
    pub time_in_force: TimeInForce,
    /// Where it stands.
    pub state: OrderState,
    /// Total quantity in force (FIX 38).
    pub quantity: Quantity,
    /// Filled (FIX 14).
    pub filled: Quantity,
    /// Most that can still fill.
    pub leaves: Quantity,
    /// Fills the venue told of by their sum only.
    pub missing: Quantity,
    /// Value held, limit currency.
    pub reserved: Money,
    /// Whether it is marked reduce-only.
    pub reduce_only: bool,
    /// Whether it was approved as an exit.
    pub exit: bool,
    /// Ids of replaces on their way.
    pub pending: Vec<ClOrdId>,
    /// Bucket it was addressed to, where it was rerouted from another.
    pub source: Option<BucketId>,
    /// When it was approved, wall nanoseconds.
    pub approved_at: i64,
    /// Whether a halt covers it: it should be cancelled (G6).
    pub cancel_wanted: bool,
}
