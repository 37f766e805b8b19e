//! What an order amounts to: its quantity, the prices it is valued at, and its value.

use super::Ask;
use crate::domain::amount::{Money, Price, Quantity, Ratio};
use crate::domain::decision::Reason;
use crate::domain::instrument::{Instrument, Payoff};
use crate::domain::order::{Side, Size};
use crate::domain::time::Now;
use crate::engine::Engine;
use crate::engine::bucket::BucketState;
use crate::risk::valuation::{Prices, base_quantity, exposure_price, lowest_price, unit_value};

/// The order with its figures.
pub(super) struct Sized {
    pub(super) quantity: Quantity,
    pub(super) cash: Option<Money>,
    pub(super) prices: Prices,
    pub(super) unit: Result<Money, Reason>,
    pub(super) notional: Result<Money, Reason>,
    pub(super) base_quantity: Result<Quantity, Reason>,
    pub(super) underlying_notional: Result<Money, Reason>,
}

impl Engine {
    /// Quantity, prices and values of an order, as far as they can be had.
    pub(super) fn size(
        &self,
        state: &BucketState,
        ask: &Ask<'_>,
        now: Now,
    ) -> Result<Sized, Reason> {
        let instrument = &*ask.listed.instrument;
        let number = ask.listed.number;
        let limits = &state.limits;
        let own = state
            .holding(number)
            .and_then(|holding| holding.own.as_deref());
        let mut collars = limits.collars(instrument, own).into_iter().flatten();
        let prices = ask
            .listed
            .prices(now, collars.any(|collar| collar.period.is_some()));
        let rate = self
            .market
            .rate(instrument.value_currency(), &limits.currency, now)
            .map(|(rate, _)| rate);
        let price = exposure_price(&ask.terms, ask.side, &prices, limits.market_slippage);
        let unit = rate.and_then(|rate| value_unit(instrument, price, rate));
        let (quantity, cash) = match ask.size {
            Size::Quantity(quantity) => (quantity, None),
            Size::ClosePosition => {
                let position = state
                    .holding(number)
                    .map_or(Quantity::ZERO, |holding| holding.line.position);
                let closes = match ask.side {
                    Side::Buy => position.is_negative(),
                    Side::Sell => position.is_positive(),
                };
                let size = position.checked_abs().filter(|_| closes);
                (size.ok_or(Reason::ReduceOnlyExceedsPosition)?, None)
            }
            Size::Cash(cash) => {
                let low = lowest_price(&ask.terms, &prices, limits.market_slippage);
                let one = value_unit(instrument, low, Ratio::ONE)?;
                let quantity = cash
                    .quantity_up(one)
                    .and_then(|quantity| quantity.round_up_to(instrument.lot))
                    .ok_or(Reason::Overflow)?;
                (
                    quantity,
                    Some(cash.times_up(rate?).ok_or(Reason::Overflow)?),
                )
            }
        };
        let notional = match cash {
            Some(cash) => Ok(cash),
            None => unit.and_then(|unit| quantity.value_at(unit).ok_or(Reason::Overflow)),
        };
        let base = match instrument.payoff {
            // Fewer coins at a higher price: the lowest credible one counts.
            Payoff::Inverse if limits.order_base_quantity_max.is_some() => {
                let low = lowest_price(&ask.terms, &prices, Ratio::ZERO);
                low.ok_or(Reason::PriceUnavailable).and_then(|low| {
                    base_quantity(instrument, quantity, Some(low)).ok_or(Reason::Overflow)
                })
            }
            Payoff::Inverse | Payoff::Linear | Payoff::Quanto => {
                base_quantity(instrument, quantity, prices.reference).ok_or(Reason::Overflow)
            }
        };
        let underlying = match (instrument.option, limits.order_underlying_notional_max) {
            (Some(_), Some(_)) => {
                self.underlying_price(instrument, &prices, now)
                    .and_then(|price| {
                        let value = quantity
                            .notional_at(price, instrument.multiplier)
                            .ok_or(Reason::Overflow)?;
                        value.times_up(rate?).ok_or(Reason::Overflow)
                    })
            }
            _ => Ok(Money::ZERO),
        };
        Ok(Sized {
            quantity,
            cash,
            prices,
            unit,
            notional,
            base_quantity: base,
            underlying_notional: underlying,
        })
    }

    fn underlying_price(
        &self,
        instrument: &Instrument,
        prices: &Prices,
        now: Now,
    ) -> Result<Price, Reason> {
        let other = instrument.underlying_instrument.as_ref().and_then(|id| {
            let instruments = self.market.instruments();
            instruments.get(id)?.prices(now, false).reference
        });
        other.or(prices.index).ok_or(Reason::PriceUnavailable)
    }
}

fn value_unit(instrument: &Instrument, price: Option<Price>, rate: Ratio) -> Result<Money, Reason> {
    if price.is_none() && instrument.payoff != Payoff::Inverse {
        return Err(Reason::PriceUnavailable);
    }
    unit_value(instrument, price, rate).ok_or(Reason::Overflow)
}
