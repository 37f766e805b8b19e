//! A bucket in one instrument: its position, its live orders, and the prices they rest at.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrayvec::ArrayVec;

use super::{BucketState, CONCENTRATIONS};
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::Reason;
use crate::domain::instrument::Payoff;
use crate::domain::name::Currency;
use crate::domain::order::{OrderKey, Side};
use crate::domain::time::Now;
use crate::engine::market::{Listed, Market};
use crate::engine::order::OrderRecord;
use crate::risk::exposure::{Line, Worth};
use crate::risk::limits::{InstrumentLimits, Limits, Listing, SelfMatchRule};
use crate::risk::pnl::{Book, Effect};
use crate::risk::valuation::unit_value;

/// The bucket in one instrument.
#[derive(Clone)]
pub struct Holding {
    /// Contract.
    pub listed: Arc<Listed>,
    /// Limits that stand here in place of the bucket's.
    pub own: Option<Box<InstrumentLimits>>,
    /// What the bucket's lists say of it.
    pub listing: Listing,
    /// Position and live orders.
    pub line: Line,
    /// What they are worth at worst.
    pub worth: Worth,
    /// Value of one contract at the mark, limit currency; none before the first mark.
    pub unit: Option<Money>,
    pub(super) unit_until: u64,
    /// Live orders approved without a price.
    pub unvalued: u32,
    /// The same by account, where the bucket has several.
    pub(super) by_account: Vec<AccountLine>,
    pub(super) tags: ArrayVec<u16, CONCENTRATIONS>,
    /// Best price that live buys, and live sells, may rest at (A15).
    pub(super) best: [Best; 2],
    /// Money side of the position.
    pub book: Book,
    /// Fees paid in other currencies than the profit's, less rebates.
    pub other_fees: BTreeMap<Currency, Money>,
    pub(super) over: bool,
    /// Whether its prices reach the bucket.
    pub(super) reached: bool,
}

/// The best price live orders of one side rest at. Once the order that had it is gone it is only known that none is better: who needs
/// to know more looks through the orders.
#[derive(Clone, Copy, Default)]
pub(super) struct Best {
    pub(super) price: Option<Price>,
    pub(super) stale: bool,
}

#[derive(Clone, Copy)]
pub(super) struct AccountLine {
    pub(super) account: u16,
    pub(super) line: Line,
    pub(super) worth: Worth,
}

impl Holding {
    /// Whether there is a position or a live order.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.line != Line::default()
    }

    /// Whether its worth rests on the mark.
    pub(super) fn needs_mark(&self) -> bool {
        !self.line.position.is_zero()
            || !self.line.buys.exit.is_zero()
            || !self.line.sells.exit.is_zero()
            || self.unvalued > 0
    }

    /// Until when the mark its worth rests on is fresh.
    pub(in crate::engine) fn fresh_until(&self) -> u64 {
        if self.needs_mark() {
            self.unit_until
        } else {
            u64::MAX
        }
    }

    /// Takes on the reference data, and values one contract as of now.
    pub(super) fn value(
        &mut self,
        listed: &Arc<Listed>,
        currency: &Currency,
        market: &Market,
        now: Now,
    ) {
        self.listed = Arc::clone(listed);
        let instrument = &listed.instrument;
        let reference = listed.last_reference();
        let by_price = instrument.payoff != Payoff::Inverse;
        if by_price && reference.is_some_and(|(_, until)| until == 0) {
            // Disputed: the last value known stands, and nothing may rest on it.
            self.unit_until = 0;
            return;
        }
        let Some((unit, rate_until)) = market
            .rate(instrument.value_currency(), currency, now)
            .ok()
            .and_then(|(rate, until)| {
                let price = reference.map(|(price, _)| price);
                Some((unit_value(instrument, price, rate)?, until))
            })
        else {
            self.unit_until = 0;
            return;
        };
        self.unit = Some(unit);
        // An inverse contract is worth the same at any price.
        let price_until = match instrument.payoff {
            Payoff::Inverse => u64::MAX,
            Payoff::Linear | Payoff::Quanto => reference.map_or(0, |(_, until)| until),
        };
        self.unit_until = price_until.min(rate_until);
    }

    /// Takes on an effect's fee that is not in the profit currency; what comes to nothing leaves no trace.
    pub(super) fn charge(&mut self, effect: &Effect) {
        let Some(currency) = &effect.fee_currency else {
            return;
        };
        let sum = self.other_fees.entry(currency.clone()).or_default();
        *sum = sum.checked_add(effect.fee).unwrap_or(*sum);
        if sum.is_zero() {
            self.other_fees.remove(currency);
        }
    }

    pub(super) fn account_line(&self, account: u16) -> Option<&AccountLine> {
        self.by_account.iter().find(|line| line.account == account)
    }

    pub(super) const fn best_mut(&mut self, side: Side) -> &mut Best {
        let [buys, sells] = &mut self.best;
        match side {
            Side::Buy => buys,
            Side::Sell => sells,
        }
    }

    pub(super) fn is_over(&self, limits: &Limits) -> bool {
        let own = self.own.as_deref().copied().unwrap_or_default();
        let beyond = |reason, limit: Option<Quantity>, side| {
            let reach = limits.position_rule.reach(&self.line, side);
            matches!((limit, reach), (Some(limit), Some(reach)) if reach > limit)
                && limits.modes.enforces(reason)
        };
        let (long, short) = (
            own.long_max.or(limits.long_max),
            own.short_max.or(limits.short_max),
        );
        beyond(Reason::PositionLong, long, Side::Buy)
            || beyond(Reason::PositionShort, short, Side::Sell)
    }
}

impl Best {
    pub(super) fn add(&mut self, side: Side, price: Price) {
        let is_best = self.price.is_none_or(|best| match side {
            Side::Buy => price >= best,
            Side::Sell => price <= best,
        });
        if is_best {
            *self = Self {
                price: Some(price),
                stale: false,
            };
        }
    }

    /// Whether an order of `side`, the other one, would trade with it; without a price it trades with any.
    pub(super) fn is_met_by(&self, side: Side, price: Option<Price>) -> bool {
        match (self.price, side, price) {
            (None, _, _) => false,
            (Some(_), _, None) => true,
            (Some(ask), Side::Buy, Some(price)) => price >= ask,
            (Some(bid), Side::Sell, Some(price)) => price <= bid,
        }
    }
}

impl BucketState {
    /// Whether an order of `side` at a price would trade with a resting order of the bucket (A15); without a price it always would.
    pub fn crosses(&mut self, number: u32, side: Side, price: Option<Price>) -> bool {
        let resting = side.opposite();
        let Some(holding) = self.holdings.get_mut(&number) else {
            return false;
        };
        let best = holding.best_mut(resting);
        if best.stale && best.is_met_by(side, price) {
            *best = Best::default();
            let here = |record: &OrderRecord| record.instrument == number && record.side == resting;
            for (_, record) in self.orders.iter().filter(|(_, record)| here(record)) {
                record
                    .resting_prices()
                    .for_each(|price| best.add(resting, price));
            }
        }
        best.is_met_by(side, price)
    }

    /// Notes at which prices an order rests, where the self-match rule asks for it.
    pub fn rest(&mut self, number: u32, side: Side, prices: impl Iterator<Item = Price>) {
        if self.limits.self_match != SelfMatchRule::Allow
            && let Some(holding) = self.holdings.get_mut(&number)
        {
            prices.for_each(|price| holding.best_mut(side).add(side, price));
        }
    }

    /// Forgets at which prices an order rested.
    pub fn unrest(&mut self, number: u32, side: Side, prices: impl Iterator<Item = Price>) {
        if self.limits.self_match != SelfMatchRule::Allow
            && let Some(holding) = self.holdings.get_mut(&number)
        {
            let best = holding.best_mut(side);
            for price in prices {
                best.stale |= best.price == Some(price);
            }
        }
    }

    /// Notes at which prices an order may rest.
    pub fn rest_all(&mut self, record: &OrderRecord) {
        self.rest(record.instrument, record.side, record.resting_prices());
    }

    /// Forgets at which prices an order may rest.
    pub fn unrest_all(&mut self, record: &OrderRecord) {
        self.unrest(record.instrument, record.side, record.resting_prices());
    }

    /// Reduce-only orders to trim because the position has shrunk below them: the furthest price first, and by how much (A13).
    #[must_use]
    pub fn trims(&self, number: u32, besides: Option<&OrderRecord>) -> Vec<(OrderKey, Quantity)> {
        let Some(holding) = self.holdings.get(&number) else {
            return Vec::new();
        };
        let mut trims = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            let reducible = match side {
                Side::Buy => holding.line.position.checked_neg(),
                Side::Sell => Some(holding.line.position),
            };
            let reducible = reducible.map_or(Quantity::ZERO, Quantity::floor_zero);
            let marked = holding.line.side(side).reduce_only;
            let mut excess = marked
                .checked_sub(reducible)
                .map_or(Quantity::ZERO, Quantity::floor_zero);
            if excess.is_zero() {
                continue;
            }
            let all = self.orders.iter().map(|(_, record)| record).chain(besides);
            let here = |record: &&OrderRecord| {
                record.instrument == number && record.side == side && record.hold.reduce_only
            };
            let mut orders: Vec<&OrderRecord> = all.filter(here).collect();
            let price = |record: &OrderRecord| record.life.current().terms.limit_price();
            orders.sort_by(|one, other| match side {
                // The furthest sell is the highest, the furthest buy the lowest.
                Side::Sell => price(other)
                    .cmp(&price(one))
                    .then_with(|| one.key.cl_ord_id.cmp(&other.key.cl_ord_id)),
                Side::Buy => price(one)
                    .cmp(&price(other))
                    .then_with(|| one.key.cl_ord_id.cmp(&other.key.cl_ord_id)),
            });
            for record in orders {
                let cut = excess.min(record.hold.quantity);
                if cut.is_zero() {
                    continue;
                }
                trims.push((record.current_key(), cut));
                excess = excess.checked_sub(cut).unwrap_or(Quantity::ZERO);
                // Of two that exclude each other no more may be left of the one than of the other.
                let left = record.life.leaves().checked_sub(cut);
                let mate = self.excluded_by(record).zip(left);
                if let Some((mate, left)) = mate
                    && let Some(too_much) = mate.life.leaves().checked_sub(left)
                    && too_much.is_positive()
                {
                    trims.push((mate.current_key(), too_much));
                }
            }
        }
        trims
    }
}
