//! Orders that are decided together: baskets, packages, linked orders and two-sided quotes (J1–J4). One that exists is well formed by
//! itself.

use std::collections::HashSet;

use super::amount::{Price, Quantity};
use super::name::{AccountId, BucketId, ClOrdId, InstrumentId, VenueId};
use super::order::{Attributes, Order, OrderKey, RerouteConsent, Side, Size, Terms, TimeInForce};

/// Most legs of a basket.
pub const LEGS_MAX: usize = 10_000;

/// Orders that are approved all or none (J1, FIX 35=E).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Basket {
    /// Who sends it and under what id (FIX 66): one of the client's request ids.
    key: OrderKey,
    bucket: BucketId,
    legs: Vec<Order>,
}

/// What makes no sense about a basket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// It has no legs.
    NoLegs,
    /// It has more than [`LEGS_MAX`].
    TooManyLegs,
    /// A leg has the id of the basket, or of a leg before it.
    SameId(usize),
    /// A leg is of another client than the basket.
    OtherClient(usize),
    /// A leg is of another bucket than the first one.
    OtherBucket(usize),
    /// A leg consents to another route: a basket stays where it is, or is refused.
    Reroute(usize),
}

impl Basket {
    /// A basket.
    ///
    /// # Errors
    /// The first thing about it that makes no sense.
    pub fn new(key: OrderKey, legs: Vec<Order>) -> Result<Self, Flaw> {
        let bucket = legs.first().ok_or(Flaw::NoLegs)?.bucket.clone();
        if legs.len() > LEGS_MAX {
            return Err(Flaw::TooManyLegs);
        }
        let mut ids = HashSet::with_capacity(legs.len().saturating_add(1));
        ids.insert(&key.cl_ord_id);
        for (at, leg) in legs.iter().enumerate() {
            if leg.key.client != key.client {
                return Err(Flaw::OtherClient(at));
            }
            if leg.bucket != bucket {
                return Err(Flaw::OtherBucket(at));
            }
            if leg.attributes.reroute != RerouteConsent::No {
                return Err(Flaw::Reroute(at));
            }
            if !ids.insert(&leg.key.cl_ord_id) {
                return Err(Flaw::SameId(at));
            }
        }
        Ok(Self { key, bucket, legs })
    }

    /// Who sends it and under what id.
    #[must_use]
    pub const fn key(&self) -> &OrderKey {
        &self.key
    }

    /// Bucket whose capital it uses.
    #[must_use]
    pub const fn bucket(&self) -> &BucketId {
        &self.bucket
    }

    /// Its legs, in the order in which they are evaluated.
    #[must_use]
    pub fn legs(&self) -> &[Order] {
        &self.legs
    }
}

/// A two-sided quote (J4, FIX 35=S): both sides are reserved, or nothing is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Quote {
    /// Who sends it and under what id (FIX 117): one of the client's request ids.
    pub key: OrderKey,
    /// Bucket whose capital it uses.
    pub bucket: BucketId,
    /// Contract.
    pub instrument: InstrumentId,
    /// Venue it is meant for.
    pub venue: VenueId,
    /// Account there; may be left out where the bucket has one.
    pub account: Option<AccountId>,
    /// What is bid; without it that side is dropped.
    pub bid: Option<QuoteSide>,
    /// What is offered; without it that side is dropped.
    pub offer: Option<QuoteSide>,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Only ever adds liquidity.
    pub post_only: bool,
    /// The quote it takes the place of.
    pub replaces: Option<ClOrdId>,
}

impl Quote {
    /// The sides that it has as orders, the bid first.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        let bid = self.bid.as_ref().map(|side| self.order(side, Side::Buy));
        let offer = self.offer.as_ref().map(|side| self.order(side, Side::Sell));
        bid.into_iter().chain(offer).collect()
    }

    /// A side as an order.
    #[must_use]
    pub fn order(&self, side: &QuoteSide, of: Side) -> Order {
        Order {
            key: OrderKey {
                client: self.key.client.clone(),
                cl_ord_id: side.cl_ord_id.clone(),
            },
            bucket: self.bucket.clone(),
            instrument: self.instrument.clone(),
            venue: self.venue.clone(),
            account: self.account.clone(),
            side: of,
            size: Size::Quantity(side.quantity),
            terms: Terms::Limit { price: side.price },
            time_in_force: self.time_in_force,
            display: None,
            attributes: Attributes {
                post_only: self.post_only,
                ..Attributes::default()
            },
        }
    }
}

/// One side of a quote.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct QuoteSide {
    /// Id of the order that it is (FIX 11).
    pub cl_ord_id: ClOrdId,
    /// Price (FIX 132, 133).
    pub price: Price,
    /// Contracts (FIX 134, 135): open ones, what was filled of the quote before not included.
    pub quantity: Quantity,
}
