//! Sliding windows in their steady state: every event counts what is in the window, is added, and pushes out the oldest.

use bulkhead::domain::amount::{Money, Price, Quantity};
use bulkhead::domain::order::{Side, Terms};
use bulkhead::domain::time::SECOND;
use bulkhead::risk::limits::{LookAlikeLimit, NotionalRateLimit, RateLimit};
use bulkhead::risk::window::{Likeness, LookAlikes, NotionalWindow, OrderRate};

use super::piece::Piece;

/// An event a millisecond in a window of a second.
const INSIDE: u32 = 1_000;
const STEP: u64 = SECOND / 1_000;
/// In units of a price.
const CENT: i128 = 10_000_000_000;

pub fn pieces() -> Vec<Piece> {
    let rate = RateLimit {
        max: 10 * INSIDE,
        window: SECOND,
        exit_reserve: 10,
    };
    let notional = NotionalRateLimit {
        max: Money::whole(1_000_000_000),
        window: SECOND,
        give_back: false,
    };
    let alike = LookAlikeLimit {
        count: INSIDE,
        window: SECOND,
    };
    let (mut orders, mut sums, mut alikes) = (
        OrderRate::default(),
        NotionalWindow::default(),
        LookAlikes::default(),
    );
    let (mut order_time, mut sum_time, mut alike_time) = (SECOND, SECOND, SECOND);
    let name = |what: &str| format!("window/{what}: count and add, {INSIDE} inside");
    vec![
        Piece::of(&name("order rate"), move || {
            order_time += STEP;
            let usage = orders.usage(&rate, order_time, false);
            orders.record(&rate, order_time, usage);
            usage
        }),
        Piece::of(&name("notional"), move || {
            sum_time += STEP;
            let sum = sums.sum(sum_time, notional.window);
            sums.record(sum_time, &notional, Money::whole(18_742));
            sum
        }),
        Piece::of(&name("look-alikes"), move || {
            alike_time += STEP;
            let likeness = Likeness {
                instrument: 1,
                side: Side::Buy,
                quantity: Quantity::whole(100),
                // A thousand and one prices in turn: none twice within the window.
                terms: Terms::Limit {
                    price: Price::from_units(i128::from(alike_time / STEP % 1_001) * CENT),
                },
            }
            .fingerprint();
            let count = alikes.count(likeness, alike_time, alike.window);
            alikes.record(likeness, alike_time, &alike);
            count
        }),
    ]
}
