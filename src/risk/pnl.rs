//! Position, average entry and realised profit of a bucket in one instrument (B7, B9).
//!
//! `cost` is the signed value at which the open position was entered: quantity × multiplier × price for linear and quanto contracts, and
//! −quantity × multiplier ÷ price for inverse ones, so that profit is the same expression for all three. A close takes its share of the
//! cost; what rounding leaves stays in the cost and comes out when the position is flat, so no profit is made or lost by it.

use crate::domain::amount::{Money, Price, Quantity, Round};
use crate::domain::instrument::{Instrument, Payoff};
use crate::domain::name::Currency;
use crate::domain::order::Side;

/// Money side of a position, in the instrument's profit currency.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Book {
    /// Signed value at entry of the open position.
    pub cost: Money,
    /// Realised profit, fees not deducted.
    pub realised: Money,
    /// Fees paid in that currency, less rebates.
    pub fees: Money,
}

/// What one fill did, so that a bust can undo exactly that (H15).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Effect {
    /// Signed change of the position.
    pub position: Quantity,
    /// Change of the cost.
    pub cost: Money,
    /// Profit realised.
    pub realised: Money,
    /// Fee paid.
    pub fee: Money,
    /// Currency of the fee, where it is not the profit currency.
    pub fee_currency: Option<Currency>,
}

impl Effect {
    /// The effect that undoes this one.
    #[must_use]
    pub fn undone(&self) -> Option<Self> {
        Some(Self {
            position: self.position.checked_neg()?,
            cost: self.cost.checked_neg()?,
            realised: self.realised.checked_neg()?,
            fee: self.fee.checked_neg()?,
            fee_currency: self.fee_currency.clone(),
        })
    }
}

/// Signed value of a signed quantity at a price.
fn value(instrument: &Instrument, quantity: Quantity, price: Price) -> Option<Money> {
    match instrument.payoff {
        Payoff::Linear | Payoff::Quanto => quantity.notional_at(price, instrument.multiplier),
        Payoff::Inverse => quantity
            .checked_neg()?
            .times_multiplier(instrument.multiplier)?
            .divided_by(price, Round::Up),
    }
}

/// What a fill does to a position and its book; a fill through zero is split at zero (B7). Nothing on overflow.
#[must_use]
pub fn trade(
    instrument: &Instrument,
    position: Quantity,
    book: &Book,
    side: Side,
    quantity: Quantity,
    price: Price,
) -> Option<Effect> {
    let signed = match side {
        Side::Buy => quantity,
        Side::Sell => quantity.checked_neg()?,
    };
    let opposite = position.is_positive() != signed.is_positive() && !position.is_zero();
    if !opposite {
        return Some(Effect {
            position: signed,
            cost: value(instrument, signed, price)?,
            ..Effect::default()
        });
    }
    let held = position.checked_abs()?;
    let closed = held.min(quantity);
    let signed_closed = if signed.is_negative() {
        closed.checked_neg()?
    } else {
        closed
    };
    let share = book.cost.share(closed, held)?;
    let realised = share
        .checked_neg()?
        .checked_sub(value(instrument, signed_closed, price)?)?;
    let opened = signed.checked_sub(signed_closed)?;
    let cost = value(instrument, opened, price)?.checked_sub(share)?;
    Some(Effect {
        position: signed,
        cost,
        realised,
        ..Effect::default()
    })
}

impl Book {
    /// The book after an effect that leaves the position at `position`; a flat position keeps no cost. A fee in another currency is not of it.
    #[must_use]
    pub fn with(&self, effect: &Effect, position: Quantity) -> Option<Self> {
        let fee = match effect.fee_currency {
            None => effect.fee,
            Some(_) => Money::ZERO,
        };
        let mut book = Self {
            cost: self.cost.checked_add(effect.cost)?,
            realised: self.realised.checked_add(effect.realised)?,
            fees: self.fees.checked_add(fee)?,
        };
        if position.is_zero() {
            book.realised = book.realised.checked_sub(book.cost)?;
            book.cost = Money::ZERO;
        }
        Some(book)
    }

    /// Average entry price: the arithmetic mean, for inverse contracts the harmonic one (B9). For display.
    #[must_use]
    pub fn average(&self, instrument: &Instrument, position: Quantity) -> Option<Price> {
        if position.is_zero() {
            return None;
        }
        match instrument.payoff {
            Payoff::Linear | Payoff::Quanto => self.cost.per(position, instrument.multiplier),
            Payoff::Inverse => {
                let contracts = position
                    .checked_neg()?
                    .times_multiplier(instrument.multiplier)?;
                contracts
                    .divided_by(Price::from_units(self.cost.units()), Round::Down)
                    .map(|price| Price::from_units(price.units()))
            }
        }
    }
}
