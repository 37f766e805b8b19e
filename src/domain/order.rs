//! Orders and replaces as the client sent them. One that exists is well formed by itself; whether it may leave is decided elsewhere.

use super::amount::{Money, Price, Quantity};
use super::name::{AccountId, BucketId, ClOrdId, ClientId, InstrumentId, VenueId};

/// Side of an order (FIX 54).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Side {
    /// Buy.
    Buy,
    /// Sell.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// Short-sale mark of a sell (FIX 54 = 5, 6): passed through, and required or forbidden by rule (A14).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ShortSale {
    /// Not marked short.
    #[default]
    Unmarked,
    /// Sell short.
    Short,
    /// Sell short exempt.
    Exempt,
}

/// Order type with the prices that belong to it (FIX 40, 44, 99).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Terms {
    /// At the market.
    Market,
    /// At this price or better.
    Limit {
        /// Limit price.
        price: Price,
    },
    /// At the market once the trigger trades.
    Stop {
        /// Trigger price.
        trigger: Price,
    },
    /// At the limit once the trigger trades.
    StopLimit {
        /// Limit price.
        price: Price,
        /// Trigger price.
        trigger: Price,
    },
    /// A stop whose trigger follows the market.
    TrailingStop {
        /// Trigger price now.
        trigger: Price,
    },
    /// Follows the book, up to a cap.
    Pegged {
        /// Worst price the peg may reach.
        cap: Option<Price>,
    },
}

impl Terms {
    /// The price the order may not trade beyond, where it has one.
    #[must_use]
    pub const fn limit_price(&self) -> Option<Price> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } => Some(*price),
            Self::Pegged { cap } => *cap,
            Self::Market | Self::Stop { .. } | Self::TrailingStop { .. } => None,
        }
    }

    /// The trigger price, where it has one.
    #[must_use]
    pub const fn trigger(&self) -> Option<Price> {
        match self {
            Self::Stop { trigger }
            | Self::StopLimit { trigger, .. }
            | Self::TrailingStop { trigger } => Some(*trigger),
            Self::Market | Self::Limit { .. } | Self::Pegged { .. } => None,
        }
    }
}

/// How much (FIX 38, 152).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Size {
    /// This many contracts.
    Quantity(Quantity),
    /// As many as this much of the quote currency buys or sells (A8).
    Cash(Money),
    /// Whatever closes the position at the moment of the decision (A13).
    ClosePosition,
}

/// How long (FIX 59).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TimeInForce {
    /// Until the end of the trading day.
    #[default]
    Day,
    /// Until cancelled.
    GoodTillCancel,
    /// At once, the rest cancelled.
    ImmediateOrCancel,
    /// At once and whole, or not at all.
    FillOrKill,
    /// Until this wall time in nanoseconds (FIX 126).
    GoodTillDate(i64),
}

/// Whether the client accepts another route than the one it named (RR1, RR10).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum RerouteConsent {
    /// Never.
    #[default]
    No,
    /// Yes, and the client acknowledges the route itself before it sends.
    Acknowledge,
    /// Yes, and the answer alone is enough.
    AutoAccept,
}

/// What the client wants done, besides how much and at what price.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Attributes {
    /// Only ever adds liquidity (FIX 18).
    pub post_only: bool,
    /// Only ever reduces the position (A13, FIX 18).
    pub reduce_only: bool,
    /// Short-sale mark.
    pub short_sale: ShortSale,
    /// Whether the stock has been located (FIX 114 = N).
    pub located: bool,
    /// Consent to another route.
    pub reroute: RerouteConsent,
}

/// Identity of a request for idempotency (A11): the client and its own id, unique within the trading day.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OrderKey {
    /// Who asks.
    pub client: ClientId,
    /// Its id for this order or replace.
    pub cl_ord_id: ClOrdId,
}

/// A new order.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Order {
    /// Who sends it and under what id.
    pub key: OrderKey,
    /// Bucket whose capital it uses.
    pub bucket: BucketId,
    /// Contract.
    pub instrument: InstrumentId,
    /// Venue it is meant for.
    pub venue: VenueId,
    /// Account there; may be left out where the bucket has one.
    pub account: Option<AccountId>,
    /// Side.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// Type and prices.
    pub terms: Terms,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Shown quantity (FIX 1138). The whole quantity counts, never this (A9).
    pub display: Option<Quantity>,
    /// The rest.
    pub attributes: Attributes,
}

/// A change of a live order (FIX 35=G). Side, instrument and route stay as they are.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Replace {
    /// Who sends it and under what new id (FIX 11).
    pub key: OrderKey,
    /// Id of the version it changes (FIX 41).
    pub original: ClOrdId,
    /// The new total quantity, filled part included (H8).
    pub quantity: Quantity,
    /// New type and prices.
    pub terms: Terms,
}

/// What happened to an order outside our sight, told by the client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Notice {
    /// The client sent it to the venue.
    Sent,
    /// The client asked the venue to cancel it.
    CancelRequested,
}
