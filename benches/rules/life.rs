//! One order from its approval to its end, and what its fills do to a position's profit.

use std::hint::black_box;

use bulkhead::domain::amount::{Money, Price, Quantity};
use bulkhead::domain::order::{Side, Terms, TimeInForce};
use bulkhead::risk::exposure::Hold;
use bulkhead::risk::lifecycle::{Life, Version};
use bulkhead::risk::pnl::{Book, trade};

use super::gateway::{self, amount, id};
use super::piece::Piece;

pub fn pieces() -> Vec<Piece> {
    let working = {
        let mut life = reserved(&version());
        life.acknowledged();
        life
    };
    let instrument = gateway::instrument();
    let (price, position): (Price, Quantity) = (amount("187.42"), Quantity::whole(500));
    let book = Book {
        cost: amount("93000"),
        ..Book::default()
    };
    let first = version();
    vec![
        Piece::of("life/reserve", move || {
            let life = reserved(black_box(&first));
            (life.hold(), life)
        }),
        Piece::of(
            "life/two fills to the end, with what is held after each",
            move || {
                let mut life = black_box(&working).clone();
                two_fills(&mut life)
            },
        ),
        Piece::of("life/reserve, new, two fills to the end", {
            let version = version();
            move || {
                let mut life = reserved(black_box(&version));
                let held = life.hold();
                life.acknowledged();
                (held, two_fills(&mut life))
            }
        }),
        Piece::of(
            "profit/a fill that adds to a position, and one that closes",
            move || {
                let quantity = black_box(Quantity::whole(40));
                let deal =
                    |side, position| trade(&instrument, position, &book, side, quantity, price);
                let more = deal(Side::Buy, position)?;
                let less = deal(Side::Sell, position)?;
                Some((book.with(&more, position)?, book.with(&less, position)?))
            },
        ),
    ]
}

fn version() -> Version {
    Version {
        cl_ord_id: id("D1-20261122-0000000001"),
        quantity: Quantity::whole(100),
        terms: Terms::Limit {
            price: amount("187.42"),
        },
        unit: Money::whole(188),
    }
}

fn reserved(version: &Version) -> Life {
    Life::new(version.clone(), TimeInForce::Day, None, false, false)
}

fn two_fills(life: &mut Life) -> (Option<Hold>, Option<Hold>, bool) {
    let mut fill = |quantity| {
        let _ = life.fill(Quantity::whole(quantity));
        life.hold()
    };
    let (part, rest) = (fill(40), fill(60));
    (part, rest, life.is_over())
}
