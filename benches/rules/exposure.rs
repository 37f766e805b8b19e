//! One order in the figures of its bucket: the line of its instrument, the bucket's totals, and the groups' above it.

use std::hint::black_box;

use bulkhead::domain::amount::{Money, Quantity};
use bulkhead::domain::order::Side;
use bulkhead::risk::exposure::{GroupTotals, Hold, Line, Totals, Worth};

use super::piece::Piece;

const UNIT: Money = Money::from_units(187_420_000_000_000);

/// A bucket that has a position and orders on both sides.
#[derive(Clone, Copy)]
pub struct Held {
    pub line: Line,
    pub worth: Worth,
    pub totals: Totals,
    pub group: GroupTotals,
}

/// What an order of so many contracts holds.
pub fn hold(contracts: i64) -> Option<Hold> {
    let quantity = Quantity::whole(contracts);
    let value = quantity.value_at(UNIT)?;
    let hold = Hold {
        quantity,
        value,
        ..Hold::default()
    };
    hold.at(UNIT)
}

impl Held {
    pub fn example() -> Option<Self> {
        let line = Line {
            position: Quantity::whole(500),
            ..Line::default()
        };
        let line = line.with(Side::Buy, Hold::default(), hold(1_000)?)?.with(
            Side::Sell,
            Hold::default(),
            hold(1_200)?,
        )?;
        let worth = line.worth(UNIT)?;
        let totals = Totals::default().with(&Worth::default(), &worth)?;
        let group = GroupTotals::default().with(&Totals::default(), &totals)?;
        Some(Self {
            line,
            worth,
            totals,
            group,
        })
    }

    /// The same with one more buy.
    pub fn with(&self, after: Hold) -> Option<Self> {
        let line = self.line.with(Side::Buy, Hold::default(), after)?;
        let worth = line.worth(UNIT)?;
        let totals = self.totals.with(&self.worth, &worth)?;
        let group = self.group.with(&self.totals, &totals)?;
        Some(Self {
            line,
            worth,
            totals,
            group,
        })
    }
}

pub fn pieces() -> Vec<Piece> {
    let (Some(held), Some(order)) = (Held::example(), hold(100)) else {
        return Vec::new();
    };
    let worth = held.worth;
    let after = held.line.with(Side::Buy, Hold::default(), order);
    let after = after.and_then(|line| line.worth(UNIT)).unwrap_or(worth);
    let totals = held.totals.with(&worth, &after).unwrap_or(held.totals);
    vec![
        Piece::of("exposure/a line with one order more", move || {
            black_box(held.line).with(Side::Buy, Hold::default(), black_box(order))
        }),
        Piece::of("exposure/worth of a line at a mark", move || {
            black_box(held.line).worth(black_box(UNIT))
        }),
        Piece::of(
            "exposure/totals of a bucket with a line changed",
            move || black_box(held.totals).with(black_box(&worth), black_box(&after)),
        ),
        Piece::of(
            "exposure/totals of a group with a bucket changed",
            move || black_box(held.group).with(black_box(&held.totals), black_box(&totals)),
        ),
        Piece::of(
            "exposure/one order more: line, worth, totals, one group",
            move || black_box(&held).with(black_box(order)),
        ),
        Piece::of("exposure/is it an exit", move || {
            black_box(&held.line).is_exit(Side::Sell, Quantity::whole(100), Quantity::ZERO)
        }),
    ]
}
