//! What an order is worth at worst, before anything of it has traded.

use crate::domain::amount::{Money, Price, Quantity, Ratio, Round};
use crate::domain::instrument::{Instrument, Payoff, Quote};
use crate::domain::order::{Side, Terms};
use crate::domain::time::Now;

/// Prices young enough to be used; one that is stale is missing (N2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prices {
    /// Mark, else middle of bid and ask, else last trade.
    pub reference: Option<Price>,
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
    /// Lowest reference of the collar period.
    pub low: Option<Price>,
    /// Highest reference of the collar period.
    pub high: Option<Price>,
    /// Index of the underlying.
    pub index: Option<Price>,
    /// Version of the market table they came with.
    pub version: u64,
    /// Age, nanoseconds.
    pub age: u64,
}

impl Prices {
    /// The usable prices of a quote.
    #[must_use]
    pub fn of(quote: &Quote, now: Now, max_age: u64) -> Self {
        if quote.is_stale(now, max_age) {
            return Self::default();
        }
        let reference = quote.reference();
        Self {
            reference,
            bid: quote.bid,
            ask: quote.ask,
            low: reference,
            high: reference,
            index: quote.index,
            version: quote.version,
            age: now.since(quote.received),
        }
    }
}

/// The price an order is counted at for exposure: never the hopeful one. Nothing where no credible price is known (A4, A6, A7, A9).
///
/// | type | price |
/// |---|---|
/// | limit, stop-limit, pegged with a cap | the higher of its limit and the reference; a buy without a reference at its limit |
/// | market, pegged | buy: the higher of ask·(1 + slippage) and the reference; sell: the higher of bid·(1 + slippage) and the reference; without a quote reference·(1 + slippage) |
/// | stop, trailing stop | the higher of trigger·(1 + slippage) and the reference |
#[must_use]
pub fn exposure_price(
    terms: &Terms,
    side: Side,
    prices: &Prices,
    slippage: Ratio,
) -> Option<Price> {
    let padded = |price: Price| price.checked_add(price.times_up(slippage)?);
    match terms {
        Terms::Limit { price }
        | Terms::StopLimit { price, .. }
        | Terms::Pegged { cap: Some(price) } => {
            let own = price.checked_abs()?;
            match (prices.reference, side) {
                (Some(reference), _) => Some(own.max(reference.checked_abs()?)),
                (None, Side::Buy) => Some(own),
                (None, Side::Sell) => None,
            }
        }
        Terms::Market | Terms::Pegged { cap: None } => {
            let reference = prices.reference?.checked_abs()?;
            let quoted = match side {
                Side::Buy => prices.ask,
                Side::Sell => prices.bid,
            };
            match quoted {
                Some(quoted) => Some(padded(quoted.checked_abs()?)?.max(reference)),
                None => padded(reference),
            }
        }
        Terms::Stop { trigger } | Terms::TrailingStop { trigger } => {
            let reference = prices.reference?.checked_abs()?;
            Some(padded(trigger.checked_abs()?)?.max(reference))
        }
    }
}

/// The lowest credible price, at which an amount of cash is the largest quantity (A8).
#[must_use]
pub fn lowest_price(terms: &Terms, prices: &Prices, slippage: Ratio) -> Option<Price> {
    let reference = prices.reference?;
    let low = prices.bid.map_or(reference, |bid| bid.min(reference));
    let padded = low.checked_sub(low.times_up(slippage)?)?;
    let own = terms
        .limit_price()
        .map_or(padded, |limit| limit.min(padded));
    own.is_positive().then_some(own)
}

/// Value of one contract at a price, in the limit currency, rounded up.
#[must_use]
pub fn unit_value(instrument: &Instrument, price: Option<Price>, rate: Ratio) -> Option<Money> {
    let value = match instrument.payoff {
        Payoff::Linear | Payoff::Quanto => {
            price?.checked_abs()?.unit_value(instrument.multiplier)?
        }
        Payoff::Inverse => Money::from_units(instrument.multiplier.units()),
    };
    value.times_up(rate)
}

/// Base units of a quantity (A3): contracts × multiplier, for inverse contracts divided by the price.
#[must_use]
pub fn base_quantity(
    instrument: &Instrument,
    quantity: Quantity,
    price: Option<Price>,
) -> Option<Quantity> {
    let units = quantity.times_up(instrument.multiplier)?;
    match instrument.payoff {
        Payoff::Linear | Payoff::Quanto => Some(units),
        Payoff::Inverse => Money::from_units(units.units())
            .divided_by(price?, Round::Up)
            .map(|coins| Quantity::from_units(coins.units())),
    }
}
