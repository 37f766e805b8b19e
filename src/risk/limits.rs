//! What a bucket or a group may do. Every limit is optional: one that is absent does not limit.
//!
//! All bounds are inclusive: usage equal to a limit passes. Money is in the document's currency.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::amount::{Money, Quantity, Ratio};
use crate::domain::decision::{Dimension, Level, Reason};
use crate::domain::instrument::{Collar, Instrument};
use crate::domain::name::{Currency, InstrumentId};
use crate::domain::order::Side;
use crate::domain::time::SECOND;
use crate::risk::exposure::Line;
use crate::risk::modes::Modes;

/// Largest number of events a rate limit may count.
pub const RATE_MAX: u32 = 1_000_000;
/// Longest window of a rate limit, nanoseconds: one day.
pub const WINDOW_MAX: u64 = 86_400 * SECOND;

/// At most `max` orders in any window of this length (F1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// Orders and replaces, exits included.
    pub max: u32,
    /// Length of the sliding window, nanoseconds.
    pub window: u64,
    /// Of `max`, how many are kept for exits.
    pub exit_reserve: u32,
}

/// At most this much notional approved in any window of this length (F3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotionalRateLimit {
    /// Limit currency.
    pub max: Money,
    /// Length of the sliding window, nanoseconds.
    pub window: u64,
    /// Whether what is cancelled unfilled gives its notional back.
    pub give_back: bool,
}

/// At most `count` orders alike in any window of this length (A11).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LookAlikeLimit {
    /// Orders alike that may be approved.
    pub count: u32,
    /// Length of the sliding window, nanoseconds.
    pub window: u64,
}

/// At most `max` live orders (B3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OpenOrdersLimit {
    /// Live orders, exits included.
    pub max: u32,
    /// Of `max`, how many are kept for exits.
    pub exit_reserve: u32,
}

/// Bound of a concentration limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConcentrationBound {
    /// Limit currency.
    Money(Money),
    /// Share of the bucket's capital.
    CapitalShare(Ratio),
}

/// Gross exposure within one set of instruments (B4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConcentrationLimit {
    /// What makes the set.
    pub dimension: Dimension,
    /// The set's name (underlying, `YYYY-MM-DD` of expiry, sector, venue); every set on its own where absent.
    pub value: Option<String>,
    /// The bound.
    pub bound: ConcentrationBound,
}

/// How open orders count against a position limit (B1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PositionRule {
    /// Every position that fills can reach: opposite open orders do not offset, the opposite position does.
    #[default]
    Reachable,
    /// Stricter, as CME's credit control counts: an opposite position gives open orders no credit.
    NoPositionCredit,
}

impl PositionRule {
    /// Worst-case position of a line on one side, by this rule; nothing on overflow.
    #[must_use]
    pub fn reach(self, line: &Line, side: Side) -> Option<Quantity> {
        let held = match side {
            Side::Buy => line.position,
            Side::Sell => line.position.checked_neg()?,
        };
        let held = match self {
            Self::Reachable => held,
            Self::NoPositionCredit => held.floor_zero(),
        };
        held.checked_add(line.side(side).quantity()?)
    }
}

/// Which instruments a bucket may open positions in (A12). Deny beats allow.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct InstrumentLists {
    /// Everything (`None`), or only these; an empty set allows nothing.
    pub allow: Option<BTreeSet<InstrumentId>>,
    /// Not these.
    pub deny: BTreeSet<InstrumentId>,
    /// No trading at all, exits included: a legal restriction.
    pub restricted: BTreeSet<InstrumentId>,
}

/// What the lists say of one instrument.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    /// Whether any list is kept at all.
    pub listed: bool,
    /// Whether positions may be opened.
    pub allowed: bool,
    /// Whether trading is forbidden altogether, and whether any instrument is.
    pub restricted: Option<bool>,
}

impl InstrumentLists {
    /// What the lists say of one instrument.
    #[must_use]
    pub fn of(&self, instrument: &InstrumentId) -> Listing {
        let allowed = self
            .allow
            .as_ref()
            .is_none_or(|allow| allow.contains(instrument));
        Listing {
            listed: self.allow.is_some() || !self.deny.is_empty(),
            allowed: allowed && !self.deny.contains(instrument),
            restricted: (!self.restricted.is_empty()).then(|| self.restricted.contains(instrument)),
        }
    }
}

/// Rule on post-only orders (A14).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PostOnlyRule {
    /// As the client likes.
    #[default]
    Free,
    /// Only post-only orders.
    Require,
    /// No post-only orders.
    Forbid,
}

/// Rule on short sales (A14).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ShortSaleRule {
    /// As the client likes.
    #[default]
    Free,
    /// A sell marked short needs a locate.
    RequireLocate,
    /// No sell marked short.
    Forbid,
}

/// What happens to an order that would trade with one of our own (A15).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SelfMatchRule {
    /// Nothing.
    #[default]
    Allow,
    /// The new order is refused.
    RejectNew,
    /// The new order is approved, and the answer names the resting orders to cancel first.
    AskCancelResting,
}

/// Among whose live orders the self-match rule looks (A15). Two buckets see each other where both their scopes reach a group above both.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum SelfMatchScope {
    /// Those of the bucket.
    #[default]
    Bucket,
    /// Those of the desk, too.
    Desk,
    /// Those of the firm, too.
    Firm,
}

/// Limits of one instrument in place of the bucket's own.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct InstrumentLimits {
    /// A3.
    pub order_quantity_max: Option<Quantity>,
    /// B1.
    pub long_max: Option<Quantity>,
    /// B1.
    pub short_max: Option<Quantity>,
    /// A5.
    pub collar: Option<Collar>,
}

/// The limits of a bucket: one document under one version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Currency of every money limit below (B12).
    pub currency: Currency,
    /// Capital of the bucket, the denominator of percentage limits.
    pub capital: Option<Money>,
    /// A3, contracts of one order; tested on the new total of a replace.
    pub order_quantity_max: Option<Quantity>,
    /// A3, base units of one order (quantity × multiplier, inverse: ÷ price).
    pub order_base_quantity_max: Option<Quantity>,
    /// A4.
    pub order_notional_max: Option<Money>,
    /// A4, options: quantity × multiplier × price of the underlying.
    pub order_underlying_notional_max: Option<Money>,
    /// A5.
    pub collar: Option<Collar>,
    /// A6, A7: share by which an order without a limit price is valued above the market.
    pub market_slippage: Ratio,
    /// A11.
    pub look_alike: Option<LookAlikeLimit>,
    /// A12.
    pub instruments: InstrumentLists,
    /// A14.
    pub post_only: PostOnlyRule,
    /// A14.
    pub short_sale: ShortSaleRule,
    /// A15.
    pub self_match: SelfMatchRule,
    /// A15.
    pub self_match_scope: SelfMatchScope,
    /// B1, contracts, per instrument.
    pub long_max: Option<Quantity>,
    /// B1, contracts, per instrument.
    pub short_max: Option<Quantity>,
    /// B1.
    pub position_rule: PositionRule,
    /// Part of the balanced legs of an exchange combination that counts (J2); without it every leg counts in full.
    pub spread_counted_share: Option<Ratio>,
    /// Per instrument, in place of the values above.
    pub per_instrument: BTreeMap<InstrumentId, InstrumentLimits>,
    /// B2.
    pub gross_notional_max: Option<Money>,
    /// B2.
    pub net_notional_max: Option<Money>,
    /// B3.
    pub open_orders: Option<OpenOrdersLimit>,
    /// B4.
    pub concentration: Vec<ConcentrationLimit>,
    /// B5, since the start of the trading day.
    pub traded_notional_max: Option<Money>,
    /// F1.
    pub order_rate: Option<RateLimit>,
    /// F3.
    pub notional_rate: Option<NotionalRateLimit>,
    /// H2: how long an approved order may stay unsent before it becomes UNCERTAIN, nanoseconds.
    pub unsent_ttl: u64,
    /// Which of these limits are enforced.
    pub modes: Modes,
    /// Of what two owners' documents come to: collars that hold besides those above. None in a document.
    pub also: Option<Box<AlsoCollars>>,
}

/// Collars that hold besides the others, where two owners' cannot be told as one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AlsoCollars {
    /// Of every instrument without limits of its own.
    pub collar: Option<Collar>,
    /// Of those with them.
    pub per_instrument: BTreeMap<InstrumentId, Collar>,
}

impl Limits {
    /// The collars that hold for an instrument: the contract's own, else the bucket's for the instrument, else the bucket's.
    #[must_use]
    pub fn collars<'a>(
        &'a self,
        instrument: &'a Instrument,
        own: Option<&'a InstrumentLimits>,
    ) -> [Option<&'a Collar>; 2] {
        if let Some(collar) = &instrument.collar {
            return [Some(collar), None];
        }
        let own_collar = own.and_then(|own| own.collar.as_ref());
        let also = self.also.as_ref().and_then(|also| match own {
            Some(_) => also.per_instrument.get(&instrument.id),
            None => also.collar.as_ref(),
        });
        [own_collar.or(self.collar.as_ref()), also]
    }

    /// A document that limits nothing.
    #[must_use]
    pub fn unlimited(currency: Currency) -> Self {
        Self {
            currency,
            capital: None,
            order_quantity_max: None,
            order_base_quantity_max: None,
            order_notional_max: None,
            order_underlying_notional_max: None,
            collar: None,
            market_slippage: Ratio::from_units(50_000_000_000),
            look_alike: None,
            instruments: InstrumentLists::default(),
            post_only: PostOnlyRule::Free,
            short_sale: ShortSaleRule::Free,
            self_match: SelfMatchRule::Allow,
            self_match_scope: SelfMatchScope::Bucket,
            long_max: None,
            short_max: None,
            position_rule: PositionRule::Reachable,
            spread_counted_share: None,
            per_instrument: BTreeMap::new(),
            gross_notional_max: None,
            net_notional_max: None,
            open_orders: None,
            concentration: Vec::new(),
            traded_notional_max: None,
            order_rate: None,
            notional_rate: None,
            unsent_ttl: 30 * SECOND,
            modes: Modes::ENFORCED,
            also: None,
        }
    }

    /// How far above the bucket its orders take part in self-match prevention; nothing where they do not leave it. A rule that is not
    /// enforced looks at its own bucket only: an order that rests for it must not refuse one of another bucket.
    #[must_use]
    pub const fn self_match_above(&self) -> Option<Level> {
        if !self.modes.enforces(Reason::SelfMatch) {
            return None;
        }
        match (self.self_match, self.self_match_scope) {
            (SelfMatchRule::Allow, _) | (_, SelfMatchScope::Bucket) => None,
            (_, SelfMatchScope::Desk) => Some(Level::Desk),
            (_, SelfMatchScope::Firm) => Some(Level::Firm),
        }
    }
}

/// The limits of a group: a desk, a firm, a venue or a counterparty (L1-L3). Each counts what everything below it does together; a venue
/// and a counterparty count the accounts there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupLimits {
    /// Currency of the money limits; the same as that of everything below it.
    pub currency: Currency,
    /// B1: contracts, per instrument: sum of the children's worst-case long positions.
    pub long_max: Option<Quantity>,
    /// B1: contracts, per instrument: sum of the children's worst-case short positions.
    pub short_max: Option<Quantity>,
    /// B2: sum of the children's worst-case gross exposure.
    pub gross_notional_max: Option<Money>,
    /// B2: sum of the children's worst-case net exposure.
    pub net_notional_max: Option<Money>,
    /// Whether long and short children offset each other in the net and in the position figures.
    pub net_offsets: bool,
    /// B3: live orders.
    pub open_orders: Option<OpenOrdersLimit>,
    /// B4: money only, as a group has no capital.
    pub concentration: Vec<ConcentrationLimit>,
    /// B5, since the start of the group's own trading day.
    pub traded_notional_max: Option<Money>,
    /// F1: orders approved below this group.
    pub order_rate: Option<RateLimit>,
    /// F3: notional approved below this group.
    pub notional_rate: Option<NotionalRateLimit>,
    /// Whether rejects caused here show figures to the sender (P3).
    pub disclose: bool,
    /// Which of these limits are enforced.
    pub modes: Modes,
}

impl GroupLimits {
    /// A document that limits nothing.
    #[must_use]
    pub const fn unlimited(currency: Currency) -> Self {
        Self {
            currency,
            long_max: None,
            short_max: None,
            gross_notional_max: None,
            net_notional_max: None,
            net_offsets: false,
            open_orders: None,
            concentration: Vec::new(),
            traded_notional_max: None,
            order_rate: None,
            notional_rate: None,
            disclose: false,
            modes: Modes::ENFORCED,
        }
    }
}
