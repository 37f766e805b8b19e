//! Instruments and their prices: what a contract is, and what it is worth at a price.

use super::amount::{Price, Quantity, Ratio};
use super::name::{Currency, InstrumentId, Tag, VenueId};
use super::time::{Now, SECOND};

/// Age from which a price counts as missing, where an instrument says nothing else, nanoseconds.
pub const MARK_MAX_AGE: u64 = 10 * SECOND;

/// Class of a contract (FIX 167).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InstrumentType {
    /// A coin or currency pair, delivered at once.
    Spot,
    /// A share.
    Equity,
    /// A perpetual swap.
    Perpetual,
    /// A dated future.
    Future,
    /// An option.
    Option,
}

/// How a contract's value follows its price (A2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Payoff {
    /// Value = quantity × multiplier × price, in the quote currency.
    Linear,
    /// Value = quantity × multiplier, fixed in the quote currency; profit is paid in the settle currency (B9).
    Inverse,
    /// Value = quantity × multiplier × price, paid in the settle currency at a fixed rate.
    Quanto,
}

/// Right of an option (FIX 201).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OptionRight {
    /// Right to sell.
    Put,
    /// Right to buy.
    Call,
}

/// A contract as one venue names it. Routes may cross listings of the same contract, never contracts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// The venue.
    pub venue: VenueId,
    /// The venue's own symbol, as text for people.
    pub symbol: String,
}

/// Width of a price collar (A5). A price is refused beyond the wider of the two forms that are set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Collar {
    /// Aggressive side, as a share of the reference: buys above, sells below.
    pub aggressive: Option<Ratio>,
    /// Passive side, as a share of the reference: buys below, sells above.
    pub passive: Option<Ratio>,
    /// Absolute width in price, both sides; for low-priced options, where a share fails near zero.
    pub absolute: Option<Price>,
    /// Aggressive side against the lowest (buys) or highest (sells) reference of the last `period`, as a share.
    pub period: Option<Ratio>,
}

/// Reference data of one contract (A2), under one version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instrument {
    /// Our name of the contract (FIX 55).
    pub id: InstrumentId,
    /// Class.
    pub kind: InstrumentType,
    /// How value follows price.
    pub payoff: Payoff,
    /// What it is on, for limits per underlying.
    pub underlying: Tag,
    /// Coin or share delivered.
    pub base: Currency,
    /// Currency of the price (FIX 15).
    pub quote: Currency,
    /// Currency profit is paid in (FIX 120).
    pub settle: Currency,
    /// Units of the underlying (linear) or of the quote currency (inverse) per contract (FIX 231).
    pub multiplier: Ratio,
    /// Smallest price step.
    pub tick: Price,
    /// Smallest quantity step.
    pub lot: Quantity,
    /// Expiry, wall nanoseconds.
    pub expiry: Option<i64>,
    /// Strike and right of an option (FIX 202, 201).
    pub option: Option<(Price, OptionRight)>,
    /// Instrument whose mark prices the underlying of an option, for A4.
    pub underlying_instrument: Option<InstrumentId>,
    /// Sector, for concentration limits.
    pub sector: Option<Tag>,
    /// Where it trades.
    pub listings: Vec<Listing>,
    /// Whether prices of zero or less are valid (spreads, combinations).
    pub negative_prices: bool,
    /// Age from which a price counts as missing (N2), nanoseconds.
    pub mark_max_age: u64,
    /// Largest jump of the mark accepted without confirmation, as a share (N4).
    pub jump_max: Option<Ratio>,
    /// How far two sources of its prices may be apart before neither is used, as a share of the lesser (N4).
    pub source_divergence_max: Ratio,
    /// Collar of this contract in place of the bucket's.
    pub collar: Option<Collar>,
    /// Version of these data.
    pub version: u64,
}

impl Instrument {
    /// Whether a venue lists the contract.
    #[must_use]
    pub fn is_listed_on(&self, venue: &VenueId) -> bool {
        self.listings.iter().any(|listing| listing.venue == *venue)
    }

    /// Currency exposure is counted in before conversion (B9, B12).
    #[must_use]
    pub const fn value_currency(&self) -> &Currency {
        match self.payoff {
            Payoff::Linear | Payoff::Inverse => &self.quote,
            Payoff::Quanto => &self.settle,
        }
    }

    /// Currency profit and loss is counted in.
    #[must_use]
    pub const fn profit_currency(&self) -> &Currency {
        match self.payoff {
            Payoff::Linear => &self.quote,
            Payoff::Inverse | Payoff::Quanto => &self.settle,
        }
    }

    /// Whether a change to `other` alters what an open position or order is worth (N5).
    #[must_use]
    pub fn is_same_contract(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.payoff == other.payoff
            && self.underlying == other.underlying
            && self.base == other.base
            && self.quote == other.quote
            && self.settle == other.settle
            && self.multiplier == other.multiplier
            && self.option == other.option
    }
}

/// The prices of one instrument as last pushed in (N1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Quote {
    /// Valuation price.
    pub mark: Option<Price>,
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
    /// Last trade.
    pub last: Option<Price>,
    /// Index of the underlying.
    pub index: Option<Price>,
    /// Time at the source, wall nanoseconds.
    pub source_time: i64,
    /// Time of receipt, monotonic nanoseconds.
    pub received: u64,
    /// Version of the market table that brought it; zero before the first.
    pub version: u64,
    /// Whether another source says something too different (N4).
    pub disputed: bool,
}

impl Quote {
    /// The reference price: mark, else the middle of bid and ask, else last (A5). Ignores age.
    #[must_use]
    pub fn reference(&self) -> Option<Price> {
        self.mark.or_else(|| self.middle()).or(self.last)
    }

    /// Whether the prices are too old to be used, or disputed: stale is missing (N2, N4).
    #[must_use]
    pub const fn is_stale(&self, now: Now, max_age: u64) -> bool {
        self.version == 0 || self.disputed || now.since(self.received) > max_age
    }

    fn middle(&self) -> Option<Price> {
        let sum = self.bid?.checked_add(self.ask?)?;
        Some(Price::from_units(sum.units().checked_div(2)?))
    }
}
