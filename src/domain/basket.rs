//! Orders that are decided together: baskets, packages, linked orders and two-sided quotes (J1–J4). One that exists is well formed by
//! itself.

use std::collections::HashSet;

use super::amount::{Price, Quantity, Ratio};
use super::name::{AccountId, BucketId, ClOrdId, InstrumentId, VenueId};
use super::order::{Attributes, Order, OrderKey, RerouteConsent, Side, Size, Terms, TimeInForce};

/// Most legs of a basket.
pub const LEGS_MAX: usize = 10_000;

/// Most legs of a package.
pub const PACKAGE_MAX: usize = 64;

/// Orders that are approved all or none (J1, FIX 35=E).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Basket {
    /// Who sends it and under what id (FIX 66): one of the client's request ids.
    key: OrderKey,
    bucket: BucketId,
    legs: Vec<Order>,
    pairs: Vec<Pair>,
    package: Option<Package>,
}

/// Two legs of which one cancels the other (J3, FIX 1385=1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Pair {
    /// Places of the two among the legs.
    pub legs: (usize, usize),
    /// Whether the venue sees to it. Where it does not, both may fill, and both are held.
    pub venue_enforced: bool,
}

/// All legs are one combination (J2).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Package {
    /// Contracts of each leg in one combination (FIX 623), leg by leg.
    pub ratios: Vec<Ratio>,
    /// Whether the venue fills the legs together or not at all: an exchange combination.
    pub venue_atomic: bool,
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
    /// A link names a leg that there is not, the same one twice, or one that another link has.
    LinkedLegs(usize),
    /// Legs that a venue is to link are not of one instrument at one account of it.
    LinkedApart(usize),
    /// A package has less than two legs or more than [`PACKAGE_MAX`], or not one ratio for each.
    Ratios,
    /// A ratio is not above zero.
    Ratio(usize),
    /// A leg of a package is not of so many contracts.
    PackageSize(usize),
    /// A leg of a package is linked to another one besides.
    PackageLinked,
}

impl Basket {
    /// A basket.
    ///
    /// # Errors
    /// The first thing about it that makes no sense.
    pub fn new(key: OrderKey, legs: Vec<Order>) -> Result<Self, Flaw> {
        Self::linked(key, legs, Vec::new(), None)
    }

    /// A basket of which legs are linked, or which is a package.
    ///
    /// # Errors
    /// The first thing about it that makes no sense.
    pub fn linked(
        key: OrderKey,
        legs: Vec<Order>,
        pairs: Vec<Pair>,
        package: Option<Package>,
    ) -> Result<Self, Flaw> {
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
        check_pairs(&legs, &pairs)?;
        if let Some(package) = &package {
            check_package(&legs, &pairs, package)?;
        }
        Ok(Self {
            key,
            bucket,
            legs,
            pairs,
            package,
        })
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

    /// Legs that are linked.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The combination that they are, where they are one.
    #[must_use]
    pub const fn package(&self) -> Option<&Package> {
        self.package.as_ref()
    }
}

fn check_pairs(legs: &[Order], pairs: &[Pair]) -> Result<(), Flaw> {
    let mut linked = HashSet::new();
    for (at, pair) in pairs.iter().enumerate() {
        let (one, other) = pair.legs;
        let (Some(first), Some(second)) = (legs.get(one), legs.get(other)) else {
            return Err(Flaw::LinkedLegs(at));
        };
        if !linked.insert(one) || !linked.insert(other) {
            return Err(Flaw::LinkedLegs(at));
        }
        let together = first.instrument == second.instrument
            && first.venue == second.venue
            && first.account == second.account;
        if !together {
            return Err(Flaw::LinkedApart(at));
        }
    }
    Ok(())
}

fn check_package(legs: &[Order], pairs: &[Pair], package: &Package) -> Result<(), Flaw> {
    if !(2..=PACKAGE_MAX).contains(&legs.len()) || package.ratios.len() != legs.len() {
        return Err(Flaw::Ratios);
    }
    if let Some(at) = package.ratios.iter().position(|it| !it.is_positive()) {
        return Err(Flaw::Ratio(at));
    }
    let in_contracts = |leg: &Order| matches!(leg.size, Size::Quantity(_));
    if let Some(at) = legs.iter().position(|leg| !in_contracts(leg)) {
        return Err(Flaw::PackageSize(at));
    }
    if pairs.is_empty() {
        Ok(())
    } else {
        Err(Flaw::PackageLinked)
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
