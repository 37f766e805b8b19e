//! Answers: what was decided, which limits broke, and by how much.

use std::sync::Arc;

use super::amount::{Price, Quantity};
use super::name::{AccountId, BucketId, VenueId};

/// Where an approved order is to be sent.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Route {
    /// Bucket that carries it.
    pub bucket: BucketId,
    /// Venue.
    pub venue: VenueId,
    /// Account there.
    pub account: AccountId,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why an order was refused. Numbers are stable and never reused.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u16)]
        pub enum Reason {
            $($(#[$doc])* $name = $code,)*
        }

        impl Reason {
            /// Every reason, in numerical order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable number.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code,)* }
            }

            const fn bit(self) -> u64 {
                match self { $(Self::$name => const { bit_of($code) },)* }
            }

            /// For people: lowercase, no full stop.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Name on the wire and in tables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

reasons! {
    /// A2.
    UnknownInstrument = 101, "the instrument is not in the reference data";
    /// A2.
    InstrumentExpired = 102, "the instrument has expired";
    /// A2.
    VenueNotListed = 103, "the venue does not list the instrument";
    /// A2.
    PriceOffTick = 104, "a price is not a multiple of the tick";
    /// A2.
    QuantityOffLot = 105, "a quantity is not a multiple of the lot";
    /// A1.
    PriceNotPositive = 106, "the instrument allows no price of zero or less";
    /// A3.
    OrderQuantity = 107, "the order is larger than one order may be";
    /// A3.
    OrderBaseQuantity = 108, "the order is larger in base units than one order may be";
    /// A4.
    OrderNotional = 109, "the order is worth more than one order may be";
    /// A4.
    OrderUnderlyingNotional = 110, "the order's underlying is worth more than one order's may be";
    /// A5.
    PriceCollar = 111, "the price is outside the collar around the reference";
    /// A5, over a period.
    PriceCollarPeriod = 112, "the price is outside the collar around the period's reference";
    /// N2, A6: a configured check needs a price that is missing or stale.
    PriceUnavailable = 113, "a price this order needs is missing or stale";
    /// B12.
    RateUnavailable = 114, "a currency rate this order needs is missing or stale";
    /// A10.
    ExpireTimePast = 115, "the expire time has passed";
    /// A10.
    OutsideTradingWindow = 116, "outside the bucket's trading window";
    /// A11, H19.
    DuplicateMismatch = 117, "the id was used before with other content";
    /// A11.
    LookAlike = 118, "too many orders alike within the window";
    /// A11.
    ClientQuota = 119, "the client's ids for the day are used up";
    /// A12.
    InstrumentNotAllowed = 120, "the bucket may not open positions in the instrument";
    /// A12.
    LegalRestriction = 121, "the instrument may not be traded at all";
    /// A13.
    ReduceOnlyExceedsPosition = 122, "a reduce-only order would not only reduce";
    /// A14.
    PostOnlyRequired = 123, "the bucket sends post-only orders only";
    /// A14.
    PostOnlyForbidden = 124, "the bucket sends no post-only orders";
    /// A14.
    ShortSaleForbidden = 125, "the bucket sells nothing short";
    /// A14.
    LocateRequired = 126, "a short sale needs a locate";
    /// A15.
    SelfMatch = 127, "would trade with a live order of the same group";
    /// The venue and account are none of the bucket's.
    RouteNotConfigured = 128, "the bucket has no such account at the venue";
    /// B1.
    PositionLong = 201, "worst-case long position above its limit";
    /// B1.
    PositionShort = 202, "worst-case short position above its limit";
    /// B2.
    GrossNotional = 203, "worst-case gross exposure above its limit";
    /// B2.
    NetNotional = 204, "worst-case net exposure above its limit";
    /// B3.
    OpenOrders = 205, "too many live orders";
    /// B4.
    Concentration = 206, "too much in one underlying, expiry, sector or venue";
    /// B5.
    TradedNotional = 207, "traded and open notional of the day above its limit";
    /// RR12: seen by a client only where an order that came in is to grow; else the target is skipped.
    InboundCap = 208, "the target takes no more from that bucket";
    /// J1.
    BasketRejected = 301, "another leg of its basket was rejected";
    /// J2.
    PackageLeg = 302, "a leg of a package is not changed by itself";
    /// F1.
    OrderRate = 601, "too many orders within the window";
    /// F3.
    NotionalRate = 602, "too much notional within the window";
    /// G2.
    StateReduceOnly = 701, "only orders that reduce the position";
    /// G3.
    StateCancelOnly = 702, "only cancels";
    /// G3.
    StateHalted = 703, "halted";
    /// H7, H8.
    UnknownOrder = 801, "no such order";
    /// H8.
    OrderEnded = 802, "the order has ended";
    /// H8.
    ReplaceToZero = 803, "a replace to zero is a cancel";
    /// The order cannot be changed into that.
    ReplaceMismatch = 804, "the replace does not fit the order";
    /// H2: a release of an order that is known to be sent.
    OrderAlreadySent = 805, "the order was sent";
    /// RR10: a replace of an order whose route its client has not accepted.
    RouteNotAccepted = 806, "the order's route has not been accepted";
    /// A figure left the range of exact arithmetic.
    Overflow = 901, "a figure is too large to compute";
    /// A fault of the gateway while deciding; the bucket is halted.
    InternalFault = 902, "internal fault while deciding";
}

impl Reason {
    /// Its name as documents of limits write it: `gross_notional`.
    #[must_use]
    pub fn key(self) -> String {
        let mut key = String::new();
        for letter in self.name().chars() {
            if letter.is_ascii_uppercase() && !key.is_empty() {
                key.push('_');
            }
            key.push(letter.to_ascii_lowercase());
        }
        key
    }

    /// The reason of that name.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.key() == key)
    }

    /// The reason with that number.
    #[must_use]
    pub fn of_code(code: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.code() == code)
    }

    /// Whether another route may take the order when only reasons of this class stood against it (RR3).
    #[must_use]
    pub const fn is_capacity(self) -> bool {
        matches!(
            self,
            Self::PositionLong
                | Self::PositionShort
                | Self::GrossNotional
                | Self::NetNotional
                | Self::OpenOrders
                | Self::Concentration
                | Self::OrderRate
                | Self::NotionalRate
        )
    }
}

/// A set of reasons, standing for the checks that can give them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ReasonSet(u64);

impl ReasonSet {
    /// The empty set.
    #[must_use]
    pub const fn of_none() -> Self {
        Self(0)
    }

    /// The set of one reason.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self(reason.bit())
    }

    /// Adds a reason.
    pub const fn insert(&mut self, reason: Reason) {
        self.0 |= reason.bit();
    }

    /// Takes a reason out.
    pub const fn remove(&mut self, reason: Reason) {
        self.0 &= !reason.bit();
    }

    /// Adds every reason of another set.
    pub const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether a reason is in the set.
    #[must_use]
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & reason.bit() != 0
    }

    /// The set as bits: bit n stands for the check with number n in the contract.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The reasons, in numerical order.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL
            .iter()
            .copied()
            .filter(move |reason| self.contains(*reason))
    }
}

/// Bit of the reason with this number: the one that the contract gives its check (`Check` in `types.proto`), so that a set goes
/// over the wire as it is. Every family of a hundred has a stretch of bits of its own; one without a stretch does not compile.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "evaluated while compiling, where an overflow is an error"
)]
const fn bit_of(code: u16) -> u64 {
    let first = match code / 100 {
        1 => 0,
        2 => 32,
        3 => 58,
        6 => 40,
        7 => 44,
        8 => 48,
        9 => 56,
        _ => panic!("a family of reasons without bits"),
    };
    1 << (first + code % 100)
}

/// Whose limit or state it was.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// The order by itself.
    #[default]
    Order,
    /// The bucket.
    Bucket,
    /// The desk above it.
    Desk,
    /// The firm above that.
    Firm,
    /// The instrument.
    Instrument,
    /// The venue.
    Venue,
    /// The counterparty that the venue belongs to.
    Counterparty,
    /// The client.
    Client,
    /// The whole gateway.
    Global,
}

impl Level {
    /// Whether it counts what several buckets do together.
    #[must_use]
    pub const fn is_above(self) -> bool {
        matches!(
            self,
            Self::Desk | Self::Firm | Self::Venue | Self::Counterparty
        )
    }
}

/// Set of instruments a concentration limit counts (B4).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Dimension {
    /// Same underlying.
    Underlying,
    /// Same expiry.
    Expiry,
    /// Same sector.
    Sector,
    /// Same venue.
    Venue,
}

/// Unit of the figures of a breach.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Unit {
    /// Contracts.
    Quantity,
    /// Units of the base coin or share.
    BaseQuantity,
    /// The bucket's limit currency.
    Money,
    /// Quote currency per unit.
    Price,
    /// A number of things.
    Count,
    /// No figure.
    None,
}

/// Figures of one limit before and after an order, in twelfth decimals of its unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Figures {
    /// Unit of all three.
    pub unit: Unit,
    /// The bound, inclusive.
    pub limit: i128,
    /// Usage before the order.
    pub before: i128,
    /// Usage if the order were approved.
    pub after: i128,
}

impl Figures {
    /// What is left under the limit before the order; negative while in breach.
    #[must_use]
    pub const fn headroom(&self) -> i128 {
        self.limit.saturating_sub(self.before)
    }
}

/// One limit, or one check, with its result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Which.
    pub reason: Reason,
    /// Whose.
    pub level: Level,
    /// Set it counts, for concentration.
    pub dimension: Option<Dimension>,
    /// Figures, where there are any and the reader may see them.
    pub figures: Option<Figures>,
}

/// What a decision rested on, so that it can be explained and repeated.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Versions {
    /// Version of the bucket's limits.
    pub limits: u64,
    /// Version of the instrument's reference data.
    pub reference: u64,
    /// Version of the market table.
    pub market: u64,
    /// Reference price used.
    pub price: Option<Price>,
    /// Version of the market table that brought that price.
    pub price_version: u64,
    /// Its age, nanoseconds.
    pub price_age: u64,
}

/// The three answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// May leave on the route named; capacity is reserved.
    Approved(Arc<Route>),
    /// May not leave. Every broken limit, the first in the order of checks is primary.
    Rejected(Box<[Finding]>),
    /// This exact order may leave on that route; capacity is reserved there.
    Rerouted {
        /// Where to.
        to: Arc<Route>,
        /// What stood against it where it was addressed.
        because: Box<[Finding]>,
    },
}

/// A decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decision {
    /// Dense, unique while the gateway's log lives.
    pub sequence: u64,
    /// When, wall nanoseconds.
    pub at: i64,
    /// The answer.
    pub outcome: Outcome,
    /// Quantity it is about, resolved (cash and close-position orders).
    pub quantity: Quantity,
    /// What it rested on.
    pub versions: Versions,
    /// Checks that ran (P4).
    pub evaluated: ReasonSet,
    /// Checks that are configured off or do not concern this order.
    pub not_applicable: ReasonSet,
    /// Figures of every limit, where asked for.
    pub figures: Option<Box<[Finding]>>,
    /// What limits in shadow would have refused, in the order of checks.
    pub shadow: Box<[Finding]>,
}

impl Decision {
    /// The route the order may leave on, where it may.
    #[must_use]
    pub const fn route(&self) -> Option<&Arc<Route>> {
        self.outcome.route()
    }
}

impl Outcome {
    /// The route the order may leave on, where it may.
    #[must_use]
    pub const fn route(&self) -> Option<&Arc<Route>> {
        match self {
            Self::Approved(route) | Self::Rerouted { to: route, .. } => Some(route),
            Self::Rejected(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_bit_of_its_own() {
        let mut set = ReasonSet::default();
        for reason in Reason::ALL {
            assert!(!set.contains(*reason), "{}", reason.name());
            let before = set.bits().count_ones();
            set.insert(*reason);
            assert_eq!(set.bits().count_ones(), before.saturating_add(1));
        }
        assert!(set.iter().eq(Reason::ALL.iter().copied()));
        assert_eq!(set.bits() & 1, 0, "bit zero stands for no check");
        for reason in Reason::ALL {
            set.remove(*reason);
            assert!(!set.contains(*reason), "{}", reason.name());
        }
        assert_eq!(set, ReasonSet::of_none());
    }

    #[test]
    fn every_reason_is_found_by_its_name_and_by_its_number() {
        for reason in Reason::ALL {
            assert_eq!(Reason::of_key(&reason.key()), Some(*reason));
            assert_eq!(Reason::of_code(reason.code()), Some(*reason));
        }
        assert_eq!(Reason::GrossNotional.key(), "gross_notional");
        assert_eq!(Reason::of_key("gross"), None);
    }
}
