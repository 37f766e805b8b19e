//! Exact amounts beside `rust_decimal`: the same number read, written, added and multiplied.

use std::hint::black_box;

use rust_decimal::Decimal;

use bulkhead::domain::amount::{Money, Price, Quantity, Ratio};

use super::gateway::amount;
use super::piece::Piece;

const PRICE: &str = "187.42";
const COIN: &str = "0.00731245";

pub fn pieces() -> Vec<Piece> {
    let (price, coin): (Price, Quantity) = (amount(PRICE), amount(COIN));
    let (money, other): (Money, Money) = (amount("18742"), amount("1250000.25"));
    let tick: Price = amount("0.01");
    let decimal = |text: &str| text.parse::<Decimal>().unwrap_or_default();
    let (decimal_price, decimal_coin) = (decimal(PRICE), decimal(COIN));
    let (decimal_money, decimal_other) = (decimal("18742"), decimal("1250000.25"));
    let decimal_tick = decimal("0.01");
    vec![
        Piece::of("amount/read 187.42", || black_box(PRICE).parse::<Price>()),
        Piece::of("rust_decimal/read 187.42", || {
            black_box(PRICE).parse::<Decimal>()
        }),
        Piece::of("amount/write 187.42", move || black_box(price).to_string()),
        Piece::of("rust_decimal/write 187.42", move || {
            black_box(decimal_price).to_string()
        }),
        Piece::of("amount/add", move || {
            black_box(money).checked_add(black_box(other))
        }),
        Piece::of("rust_decimal/add", move || {
            black_box(decimal_money).checked_add(black_box(decimal_other))
        }),
        Piece::of("amount/compare", move || {
            black_box(money) > black_box(other)
        }),
        Piece::of("rust_decimal/compare", move || {
            black_box(decimal_money) > black_box(decimal_other)
        }),
        Piece::of("amount/multiply a coin by a price", move || {
            black_box(coin).notional_at(black_box(price), Ratio::ONE)
        }),
        Piece::of("rust_decimal/multiply a coin by a price", move || {
            black_box(decimal_coin).checked_mul(black_box(decimal_price))
        }),
        Piece::of("amount/is a price on its tick", move || {
            black_box(price).is_multiple_of(black_box(tick))
        }),
        Piece::of("rust_decimal/is a price on its tick", move || {
            black_box(decimal_price)
                .checked_rem(black_box(decimal_tick))
                .is_some_and(|rest| rest.is_zero())
        }),
    ]
}
