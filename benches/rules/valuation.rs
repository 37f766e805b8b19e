//! What an order is worth at worst: price to count it at, value of a contract, value of the order, and its base units.

use std::hint::black_box;

use bulkhead::domain::amount::{Money, Price, Quantity, Ratio};
use bulkhead::domain::instrument::{Instrument, InstrumentType, OptionRight, Payoff};
use bulkhead::domain::order::{Side, Terms};
use bulkhead::risk::valuation::{Prices, base_quantity, exposure_price, unit_value};

use super::gateway::{self, amount};
use super::piece::Piece;

/// A contract, the mark of it, and an order in it.
struct Example {
    name: &'static str,
    instrument: Instrument,
    mark: &'static str,
    quantity: &'static str,
}

fn examples() -> [Example; 4] {
    let contract = |kind, payoff, multiplier: &str| Instrument {
        kind,
        payoff,
        multiplier: amount(multiplier),
        ..gateway::instrument()
    };
    let right = Some((amount("190"), OptionRight::Call));
    [
        Example {
            name: "a spot coin",
            instrument: contract(InstrumentType::Spot, Payoff::Linear, "1"),
            mark: "64250.5",
            quantity: "0.00731245",
        },
        Example {
            name: "a linear perpetual",
            instrument: contract(InstrumentType::Perpetual, Payoff::Linear, "0.001"),
            mark: "64250.5",
            quantity: "25",
        },
        Example {
            name: "an inverse perpetual",
            instrument: contract(InstrumentType::Perpetual, Payoff::Inverse, "100"),
            mark: "64250.5",
            quantity: "25",
        },
        Example {
            name: "an option",
            instrument: Instrument {
                option: right,
                ..contract(InstrumentType::Option, Payoff::Linear, "100")
            },
            mark: "3.35",
            quantity: "25",
        },
    ]
}

pub fn pieces() -> Vec<Piece> {
    let slippage: Ratio = amount("0.05");
    let mut pieces: Vec<Piece> = Vec::new();
    for example in examples() {
        let mark: Price = amount(example.mark);
        let prices = prices(mark);
        let quantity: Quantity = amount(example.quantity);
        let instrument = example.instrument;
        let name = format!("valuation/a limit order in {}", example.name);
        pieces.push(Piece::of(&name, move || {
            let terms = black_box(Terms::Limit { price: mark });
            worth(&instrument, &terms, &prices, black_box(quantity), slippage)
        }));
    }
    let (instrument, mark) = (gateway::instrument(), amount("187.42"));
    let prices = prices(mark);
    pieces.push(Piece::of(
        "valuation/a market order in a share",
        move || {
            let quantity = black_box(Quantity::whole(25));
            worth(&instrument, &Terms::Market, &prices, quantity, slippage)
        },
    ));
    pieces
}

fn prices(mark: Price) -> Prices {
    Prices {
        reference: Some(mark),
        bid: Some(mark),
        ask: Some(mark),
        ..Prices::default()
    }
}

fn worth(
    instrument: &Instrument,
    terms: &Terms,
    prices: &Prices,
    quantity: Quantity,
    slippage: Ratio,
) -> Option<(Money, Quantity)> {
    let price = exposure_price(terms, Side::Buy, prices, slippage);
    let unit = unit_value(instrument, price, Ratio::ONE)?;
    let value = quantity.value_at(unit)?;
    Some((
        value,
        base_quantity(instrument, quantity, prices.reference)?,
    ))
}
