//! Two owners of one limit (O4): each writes a document of its own, and the tighter of the two holds, field by field.
//!
//! What both documents alone approve is approved, and nothing else, as far as their limits are bounds. A limit takes part in the mode that its
//! owner gives it: where one owner enforces what the other has in shadow, or has off, the enforced one alone counts, and what is in shadow is
//! not measured beside it.

use core::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::limits::{
    AlsoCollars, ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits,
    InstrumentLists, Limits, LookAlikeLimit, NotionalRateLimit, OpenOrdersLimit, PositionRule,
    PostOnlyRule, RateLimit, SelfMatchRule, ShortSaleRule,
};
use super::modes::Modes;
use super::policy::MODAL;
use crate::domain::amount::Money;
use crate::domain::decision::{Reason, ReasonSet};
use crate::domain::instrument::Collar;
use crate::domain::name::InstrumentId;

/// Two documents that cannot hold together: nothing is tighter than both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clash {
    /// The field, from the top of the document.
    pub field: &'static str,
    /// What it must be.
    pub expected: &'static str,
}

/// What it takes to hold two documents together.
const EQUAL: &str = "the same as in the other owner's document";

/// A document of limits that another one can stand beside.
pub trait Owned: Clone + PartialEq {
    /// What holds where both do.
    ///
    /// # Errors
    /// Where nothing does.
    fn tighter(&self, other: &Self) -> Result<Self, Clash>;
}

/// The documents of a bucket or a group, by owner: the first always has one.
#[derive(Clone, Debug)]
pub struct Documents<L> {
    first: Arc<L>,
    second: Option<Arc<L>>,
    versions: [u64; 2],
}

impl<L: Owned> Documents<L> {
    /// The documents as they are configured.
    #[must_use]
    pub const fn new(first: Arc<L>, second: Option<Arc<L>>) -> Self {
        Self {
            first,
            second,
            versions: [1, 1],
        }
    }

    /// What holds.
    ///
    /// # Errors
    /// Where the documents do not hold together.
    pub fn effective(&self) -> Result<Arc<L>, Clash> {
        match &self.second {
            None => Ok(Arc::clone(&self.first)),
            Some(second) => Ok(Arc::new(self.first.tighter(second)?)),
        }
    }

    /// The same with another document of one owner, under its next version.
    #[must_use]
    pub fn with(&self, owner: usize, limits: L) -> Self {
        let mut documents = self.clone();
        let limits = Arc::new(limits);
        match owner {
            0 => documents.first = limits,
            _ => documents.second = Some(limits),
        }
        if let Some(version) = documents.versions.get_mut(owner) {
            *version = version.saturating_add(1);
        }
        documents
    }

    /// Gives every document its next version, where something else has changed that they are written for.
    pub fn renew(&mut self) {
        for version in &mut self.versions {
            *version = version.saturating_add(1);
        }
    }

    /// The document of an owner; none that it has not written.
    #[must_use]
    pub fn of(&self, owner: usize) -> Option<&Arc<L>> {
        match owner {
            0 => Some(&self.first),
            _ => self.second.as_ref(),
        }
    }

    /// Version of an owner's document.
    #[must_use]
    pub fn version(&self, owner: usize) -> u64 {
        self.versions.get(owner).copied().unwrap_or_default()
    }
}

/// The lower of two bounds; one that is absent bounds nothing.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Both of two limits, by what makes one of them.
fn both<T>(
    one: Option<T>,
    other: Option<T>,
    join: impl FnOnce(T, T) -> Result<T, Clash>,
) -> Result<Option<T>, Clash> {
    match (one, other) {
        (Some(one), Some(other)) => join(one, other).map(Some),
        (one, other) => Ok(one.or(other)),
    }
}

fn equal<T: PartialEq>(one: T, other: T, field: &'static str) -> Result<T, Clash> {
    let clash = Clash {
        field,
        expected: EQUAL,
    };
    (one == other).then_some(one).ok_or(clash)
}

/// Of a bound with a part kept for exits: what others may use, and what exits may, each the lower one.
fn kept((max, kept): (u32, u32), (other_max, other_kept): (u32, u32)) -> (u32, u32) {
    let most = max.min(other_max);
    let general = max.saturating_sub(kept);
    let general = general.min(other_max.saturating_sub(other_kept));
    (most, most.saturating_sub(general))
}

fn order_rate(one: RateLimit, other: RateLimit) -> Result<RateLimit, Clash> {
    let (max, exit_reserve) = kept((one.max, one.exit_reserve), (other.max, other.exit_reserve));
    Ok(RateLimit {
        max,
        window: equal(one.window, other.window, "order_rate.window")?,
        exit_reserve,
    })
}

/// The modes of what holds, and what each document leaves to the other: limits that the other holds more strictly.
fn modes(one: (&Modes, ReasonSet), other: (&Modes, ReasonSet)) -> (Modes, ReasonSet, ReasonSet) {
    let mut joined = Modes::all(one.0.whole().max(other.0.whole()));
    let (mut first, mut second) = (ReasonSet::of_none(), ReasonSet::of_none());
    for limit in MODAL.iter() {
        let (mode, other_mode) = (one.0.of(limit), other.0.of(limit));
        let mode = match (one.1.contains(limit), other.1.contains(limit)) {
            (true, false) => mode,
            (false, true) => other_mode,
            (false, false) => mode.max(other_mode),
            (true, true) => {
                if mode < other_mode {
                    first.insert(limit);
                } else if other_mode < mode {
                    second.insert(limit);
                }
                mode.max(other_mode)
            }
        };
        joined = joined.with(limit, mode);
    }
    (joined, first, second)
}

impl Limits {
    /// The limits that the document sets, by the reasons that they give; the trading hours are of both owners.
    fn set(&self) -> ReasonSet {
        let per = |is_set: fn(&InstrumentLimits) -> bool| self.per_instrument.values().any(is_set);
        let banded = |collar: Option<Collar>| {
            collar.is_some_and(|it| {
                it.aggressive.is_some() || it.passive.is_some() || it.absolute.is_some()
            })
        };
        let timed = |collar: Option<Collar>| collar.is_some_and(|it| it.period.is_some());
        let mut all = self.per_instrument.values().map(|own| own.collar);
        let is_banded = banded(self.collar) || all.clone().any(banded);
        let is_timed = timed(self.collar) || all.any(timed);
        let lists = &self.instruments;
        let mut set = ReasonSet::of(Reason::OutsideTradingWindow);
        for (limit, is_set) in [
            (
                Reason::InstrumentNotAllowed,
                lists.allow.is_some() || !lists.deny.is_empty(),
            ),
            (
                Reason::PostOnlyRequired,
                self.post_only == PostOnlyRule::Require,
            ),
            (
                Reason::PostOnlyForbidden,
                self.post_only == PostOnlyRule::Forbid,
            ),
            (
                Reason::ShortSaleForbidden,
                self.short_sale == ShortSaleRule::Forbid,
            ),
            (
                Reason::LocateRequired,
                self.short_sale == ShortSaleRule::RequireLocate,
            ),
            (
                Reason::OrderQuantity,
                self.order_quantity_max.is_some() || per(|own| own.order_quantity_max.is_some()),
            ),
            (
                Reason::OrderBaseQuantity,
                self.order_base_quantity_max.is_some(),
            ),
            (Reason::PriceCollar, is_banded),
            (Reason::PriceCollarPeriod, is_timed),
            (Reason::OrderNotional, self.order_notional_max.is_some()),
            (
                Reason::OrderUnderlyingNotional,
                self.order_underlying_notional_max.is_some(),
            ),
            (Reason::LookAlike, self.look_alike.is_some()),
            (Reason::SelfMatch, self.self_match != SelfMatchRule::Allow),
            (
                Reason::PositionLong,
                self.long_max.is_some() || per(|own| own.long_max.is_some()),
            ),
            (
                Reason::PositionShort,
                self.short_max.is_some() || per(|own| own.short_max.is_some()),
            ),
            (Reason::GrossNotional, self.gross_notional_max.is_some()),
            (Reason::NetNotional, self.net_notional_max.is_some()),
            (Reason::OpenOrders, self.open_orders.is_some()),
            (Reason::Concentration, !self.concentration.is_empty()),
            (Reason::TradedNotional, self.traded_notional_max.is_some()),
            (Reason::OrderRate, self.order_rate.is_some()),
            (Reason::NotionalRate, self.notional_rate.is_some()),
        ] {
            if is_set {
                set.insert(limit);
            }
        }
        set
    }

    /// The same document without these limits.
    fn without(mut self, gone: ReasonSet) -> Self {
        let collar = |collar: &mut Option<Collar>| {
            let Some(collar) = collar else { return };
            if gone.contains(Reason::PriceCollar) {
                (collar.aggressive, collar.passive, collar.absolute) = (None, None, None);
            }
            if gone.contains(Reason::PriceCollarPeriod) {
                collar.period = None;
            }
        };
        collar(&mut self.collar);
        for own in self.per_instrument.values_mut() {
            collar(&mut own.collar);
        }
        for limit in gone.iter() {
            self.clear(limit);
        }
        self
    }

    fn clear(&mut self, limit: Reason) {
        let per = self.per_instrument.values_mut();
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "collars are cleared by their parts, and what is no limit is not set"
        )]
        match limit {
            Reason::InstrumentNotAllowed => {
                (self.instruments.allow, self.instruments.deny) = (None, BTreeSet::new());
            }
            Reason::PostOnlyRequired | Reason::PostOnlyForbidden => {
                self.post_only = PostOnlyRule::Free;
            }
            Reason::ShortSaleForbidden | Reason::LocateRequired => {
                self.short_sale = ShortSaleRule::Free;
            }
            Reason::OrderQuantity => {
                self.order_quantity_max = None;
                per.for_each(|own| own.order_quantity_max = None);
            }
            Reason::OrderBaseQuantity => self.order_base_quantity_max = None,
            Reason::OrderNotional => self.order_notional_max = None,
            Reason::OrderUnderlyingNotional => self.order_underlying_notional_max = None,
            Reason::LookAlike => self.look_alike = None,
            Reason::SelfMatch => self.self_match = SelfMatchRule::Allow,
            Reason::PositionLong => {
                self.long_max = None;
                per.for_each(|own| own.long_max = None);
            }
            Reason::PositionShort => {
                self.short_max = None;
                per.for_each(|own| own.short_max = None);
            }
            Reason::GrossNotional => self.gross_notional_max = None,
            Reason::NetNotional => self.net_notional_max = None,
            Reason::OpenOrders => self.open_orders = None,
            Reason::Concentration => self.concentration.clear(),
            Reason::TradedNotional => self.traded_notional_max = None,
            Reason::OrderRate => self.order_rate = None,
            Reason::NotionalRate => self.notional_rate = None,
            _ => {}
        }
    }

    /// What the document says of one instrument: its own limits, or else the bucket's.
    fn resolved(&self, instrument: &InstrumentId) -> InstrumentLimits {
        let own = self.per_instrument.get(instrument).copied();
        let own = own.unwrap_or_default();
        InstrumentLimits {
            order_quantity_max: own.order_quantity_max.or(self.order_quantity_max),
            long_max: own.long_max.or(self.long_max),
            short_max: own.short_max.or(self.short_max),
            collar: own.collar.or(self.collar),
        }
    }

    /// The concentration limits in money, each share of the document's own capital.
    fn in_money(&self) -> Vec<ConcentrationLimit> {
        let in_money = |limit: &ConcentrationLimit| ConcentrationLimit {
            bound: match limit.bound {
                ConcentrationBound::Money(_) => limit.bound,
                ConcentrationBound::CapitalShare(share) => {
                    let bound = self.capital.and_then(|capital| capital.times_down(share));
                    ConcentrationBound::Money(bound.unwrap_or(Money::ZERO))
                }
            },
            ..limit.clone()
        };
        self.concentration.iter().map(in_money).collect()
    }
}

fn open_orders(one: OpenOrdersLimit, two: OpenOrdersLimit) -> Result<OpenOrdersLimit, Clash> {
    let (max, exit_reserve) = kept((one.max, one.exit_reserve), (two.max, two.exit_reserve));
    Ok(OpenOrdersLimit { max, exit_reserve })
}

fn notional_rate(
    one: NotionalRateLimit,
    two: NotionalRateLimit,
) -> Result<NotionalRateLimit, Clash> {
    Ok(NotionalRateLimit {
        max: one.max.min(two.max),
        window: equal(one.window, two.window, "notional_rate.window")?,
        give_back: one.give_back && two.give_back,
    })
}

/// Two collars that hold together: one where one says it, else the second besides.
fn collars(one: Option<Collar>, other: Option<Collar>) -> (Option<Collar>, Option<Collar>) {
    match (one, other) {
        (Some(one), Some(other)) if one == other => (Some(one), None),
        (Some(one), Some(other)) if one.absolute.is_none() && other.absolute.is_none() => {
            let joined = Collar {
                aggressive: least(one.aggressive, other.aggressive),
                passive: least(one.passive, other.passive),
                absolute: None,
                period: least(one.period, other.period),
            };
            (Some(joined), None)
        }
        // The wider of share and distance counts within a collar: the narrower of two such is none.
        (Some(_), Some(_)) => (one, other),
        _ => (one.or(other), None),
    }
}

/// Concentration limits of both; of one set the lower bound.
fn sets(one: Vec<ConcentrationLimit>, other: Vec<ConcentrationLimit>) -> Vec<ConcentrationLimit> {
    let mut all = one;
    for limit in other {
        let known = all
            .iter_mut()
            .find(|known| (known.dimension, &known.value) == (limit.dimension, &limit.value));
        use ConcentrationBound::{CapitalShare, Money};
        match known {
            Some(known) => match (known.bound, limit.bound) {
                (Money(one), Money(other)) => known.bound = Money(one.min(other)),
                (CapitalShare(one), CapitalShare(other)) => {
                    known.bound = CapitalShare(one.min(other));
                }
                // Both stand: the bucket takes the lower one.
                (Money(_), CapitalShare(_)) | (CapitalShare(_), Money(_)) => all.push(limit),
            },
            None => all.push(limit),
        }
    }
    all
}

fn lists(one: InstrumentLists, other: InstrumentLists) -> InstrumentLists {
    InstrumentLists {
        allow: match (one.allow, other.allow) {
            (Some(one), Some(other)) => Some(one.intersection(&other).cloned().collect()),
            (one, other) => one.or(other),
        },
        deny: one.deny.union(&other.deny).cloned().collect(),
        restricted: one.restricted.union(&other.restricted).cloned().collect(),
    }
}

impl Owned for Limits {
    fn tighter(&self, other: &Self) -> Result<Self, Clash> {
        let (modes, mine, theirs) = modes((&self.modes, self.set()), (&other.modes, other.set()));
        let (one, two) = (self.clone().without(mine), other.clone().without(theirs));
        let same_capital = one.capital == two.capital;
        let concentration = match same_capital {
            true => sets(one.concentration.clone(), two.concentration.clone()),
            false => sets(one.in_money(), two.in_money()),
        };
        let names = one.per_instrument.keys().chain(two.per_instrument.keys());
        let mut per_instrument = BTreeMap::new();
        let mut also = AlsoCollars::default();
        for name in names {
            let (own, others) = (one.resolved(name), two.resolved(name));
            let (collar, second) = collars(own.collar, others.collar);
            also.per_instrument
                .extend(second.map(|second| (name.clone(), second)));
            let joined = InstrumentLimits {
                order_quantity_max: least(own.order_quantity_max, others.order_quantity_max),
                long_max: least(own.long_max, others.long_max),
                short_max: least(own.short_max, others.short_max),
                collar,
            };
            per_instrument.insert(name.clone(), joined);
        }
        let (collar, second) = collars(one.collar, two.collar);
        also.collar = second;
        let posted = |rule: PostOnlyRule| match rule {
            PostOnlyRule::Free => None,
            PostOnlyRule::Require => Some(modes.of(Reason::PostOnlyRequired)),
            PostOnlyRule::Forbid => Some(modes.of(Reason::PostOnlyForbidden)),
        };
        let post_only = match posted(one.post_only).cmp(&posted(two.post_only)) {
            Ordering::Less => two.post_only,
            Ordering::Greater => one.post_only,
            Ordering::Equal => equal(one.post_only, two.post_only, "post_only")?,
        };
        // The stricter rule covers the milder one, where it is held as strictly.
        let held = |rule: ShortSaleRule| match rule {
            ShortSaleRule::Free => None,
            ShortSaleRule::RequireLocate => Some((modes.of(Reason::LocateRequired), 1)),
            ShortSaleRule::Forbid => Some((modes.of(Reason::ShortSaleForbidden), 2)),
        };
        let short_sale = match held(one.short_sale) < held(two.short_sale) {
            true => two.short_sale,
            false => one.short_sale,
        };
        let self_match = [SelfMatchRule::RejectNew, SelfMatchRule::AskCancelResting]
            .into_iter()
            .find(|rule| [one.self_match, two.self_match].contains(rule));
        // As far as the one that looks further: beyond the bucket both rules do the same.
        let self_match_scope = [&one, &two]
            .into_iter()
            .filter(|it| it.self_match != SelfMatchRule::Allow)
            .map(|it| it.self_match_scope)
            .max();
        let self_match_scope = self_match_scope.unwrap_or_default();
        Ok(Self {
            currency: equal(one.currency, two.currency, "currency")?,
            capital: least(one.capital, two.capital),
            order_quantity_max: least(one.order_quantity_max, two.order_quantity_max),
            order_base_quantity_max: least(
                one.order_base_quantity_max,
                two.order_base_quantity_max,
            ),
            order_notional_max: least(one.order_notional_max, two.order_notional_max),
            order_underlying_notional_max: least(
                one.order_underlying_notional_max,
                two.order_underlying_notional_max,
            ),
            collar,
            market_slippage: one.market_slippage.max(two.market_slippage),
            look_alike: both(one.look_alike, two.look_alike, |one, two| {
                Ok(LookAlikeLimit {
                    count: one.count.min(two.count),
                    window: equal(one.window, two.window, "look_alike.window")?,
                })
            })?,
            instruments: lists(one.instruments, two.instruments),
            post_only,
            short_sale,
            self_match: self_match.unwrap_or_default(),
            self_match_scope,
            // The more that counts, the less is credited; who declares none credits nothing.
            spread_counted_share: one
                .spread_counted_share
                .zip(two.spread_counted_share)
                .map(|(one, two)| one.max(two)),
            long_max: least(one.long_max, two.long_max),
            short_max: least(one.short_max, two.short_max),
            position_rule: match (one.position_rule, two.position_rule) {
                (PositionRule::Reachable, PositionRule::Reachable) => PositionRule::Reachable,
                _ => PositionRule::NoPositionCredit,
            },
            per_instrument,
            gross_notional_max: least(one.gross_notional_max, two.gross_notional_max),
            net_notional_max: least(one.net_notional_max, two.net_notional_max),
            open_orders: both(one.open_orders, two.open_orders, open_orders)?,
            concentration,
            traded_notional_max: least(one.traded_notional_max, two.traded_notional_max),
            order_rate: both(one.order_rate, two.order_rate, order_rate)?,
            notional_rate: both(one.notional_rate, two.notional_rate, notional_rate)?,
            unsent_ttl: one.unsent_ttl.min(two.unsent_ttl),
            modes,
            also: (also != AlsoCollars::default()).then(|| Box::new(also)),
        })
    }
}

impl Owned for GroupLimits {
    fn tighter(&self, other: &Self) -> Result<Self, Clash> {
        let set = |limits: &Self| {
            let mut set = ReasonSet::of_none();
            for (limit, is_set) in [
                (Reason::PositionLong, limits.long_max.is_some()),
                (Reason::PositionShort, limits.short_max.is_some()),
                (Reason::GrossNotional, limits.gross_notional_max.is_some()),
                (Reason::NetNotional, limits.net_notional_max.is_some()),
                (Reason::OpenOrders, limits.open_orders.is_some()),
                (Reason::Concentration, !limits.concentration.is_empty()),
                (Reason::TradedNotional, limits.traded_notional_max.is_some()),
                (Reason::OrderRate, limits.order_rate.is_some()),
                (Reason::NotionalRate, limits.notional_rate.is_some()),
            ] {
                if is_set {
                    set.insert(limit);
                }
            }
            set
        };
        let (modes, mine, theirs) = modes((&self.modes, set(self)), (&other.modes, set(other)));
        let without = |limits: &Self, gone: ReasonSet| {
            let keep = |limit| !gone.contains(limit);
            Self {
                long_max: limits.long_max.filter(|_| keep(Reason::PositionLong)),
                short_max: limits.short_max.filter(|_| keep(Reason::PositionShort)),
                open_orders: limits.open_orders.filter(|_| keep(Reason::OpenOrders)),
                concentration: match keep(Reason::Concentration) {
                    true => limits.concentration.clone(),
                    false => Vec::new(),
                },
                traded_notional_max: limits
                    .traded_notional_max
                    .filter(|_| keep(Reason::TradedNotional)),
                notional_rate: limits.notional_rate.filter(|_| keep(Reason::NotionalRate)),
                gross_notional_max: limits
                    .gross_notional_max
                    .filter(|_| keep(Reason::GrossNotional)),
                net_notional_max: limits
                    .net_notional_max
                    .filter(|_| keep(Reason::NetNotional)),
                order_rate: limits.order_rate.filter(|_| keep(Reason::OrderRate)),
                ..limits.clone()
            }
        };
        let (one, two) = (without(self, mine), without(other, theirs));
        // Offsets are those of whoever limits what they change; of two, both must grant them.
        let nets = |it: &Self| {
            it.net_notional_max.is_some() || it.long_max.is_some() || it.short_max.is_some()
        };
        let net_offsets = match (nets(&one), nets(&two)) {
            (true, false) => one.net_offsets,
            (false, true) => two.net_offsets,
            _ => one.net_offsets && two.net_offsets,
        };
        Ok(Self {
            currency: equal(one.currency, two.currency, "currency")?,
            gross_notional_max: least(one.gross_notional_max, two.gross_notional_max),
            net_notional_max: least(one.net_notional_max, two.net_notional_max),
            net_offsets,
            long_max: least(one.long_max, two.long_max),
            short_max: least(one.short_max, two.short_max),
            open_orders: both(one.open_orders, two.open_orders, open_orders)?,
            concentration: sets(one.concentration, two.concentration),
            traded_notional_max: least(one.traded_notional_max, two.traded_notional_max),
            notional_rate: both(one.notional_rate, two.notional_rate, notional_rate)?,
            order_rate: both(one.order_rate, two.order_rate, order_rate)?,
            disclose: one.disclose && two.disclose,
            modes,
        })
    }
}

#[cfg(test)]
mod tests;
