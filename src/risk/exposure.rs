//! What a bucket is doing: positions and live orders, and what they are worth at worst.
//!
//! A line is one bucket in one instrument. Fills can take its position anywhere between `position − sells` and `position + buys`
//! (B1); opposite orders never offset each other. Its worth is the value of the two ends (B2):
//!
//! ```text
//! long  =  (position + exit buys)·unit  + Σ worth of other buys
//! short = (−position + exit sells)·unit + Σ worth of other sells
//! gross = max(long, short)
//! ```
//!
//! `unit` is the value of one contract at the mark in the limit currency. Each order keeps the unit value it was approved at as a floor, by
//! itself: were the floor that of all orders together, the fill of a cheap one would raise the sum (NL8). An order approved as an exit is
//! worth what it closes. Everything rounds up.

use crate::domain::amount::{Money, Quantity};
use crate::domain::order::Side;

/// Capacity one order holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hold {
    /// Quantity that may still fill.
    pub quantity: Quantity,
    /// What that is worth at the value it was approved at.
    pub value: Money,
    /// The same, or what it is worth at the mark where that is more.
    pub worth: Money,
    /// Quantity that may fill and is not counted, by a credit (J2).
    pub credit: Quantity,
    /// Whether it was approved as an exit (NL21).
    pub exit: bool,
    /// Whether the client marked it reduce-only (A13).
    pub reduce_only: bool,
}

impl Hold {
    /// The same at a mark; nothing on overflow.
    #[must_use]
    pub fn at(mut self, unit: Money) -> Option<Self> {
        // An exit is counted with the position it closes.
        if !self.exit {
            self.worth = self.value.max(self.quantity.value_at(unit)?);
        }
        Some(self)
    }
}

/// Live orders of one side.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OpenSide {
    /// Quantity of orders that are not exits.
    pub open: Quantity,
    /// Σ of what each of them is worth.
    pub worth: Money,
    /// Quantity of exits.
    pub exit: Quantity,
    /// Of both, quantity of orders marked reduce-only.
    pub reduce_only: Quantity,
    /// Of both, quantity of orders that only reduce: marked so, or approved as exits.
    pub reducing: Quantity,
    /// Quantity that may fill besides and is not counted, by a credit.
    pub credit: Quantity,
}

impl OpenSide {
    /// Quantity of all live orders of this side.
    #[must_use]
    pub const fn quantity(&self) -> Option<Quantity> {
        self.open.checked_add(self.exit)
    }

    /// Most that may fill of this side, credits or not.
    #[must_use]
    pub fn fillable(&self) -> Option<Quantity> {
        self.quantity()?.checked_add(self.credit)
    }

    fn add(mut self, hold: Hold) -> Option<Self> {
        if !hold.credit.is_zero() {
            self.credit = self.credit.checked_add(hold.credit)?;
        }
        if hold.exit {
            self.exit = self.exit.checked_add(hold.quantity)?;
        } else {
            self.open = self.open.checked_add(hold.quantity)?;
            self.worth = self.worth.checked_add(hold.worth)?;
        }
        if hold.reduce_only {
            self.reduce_only = self.reduce_only.checked_add(hold.quantity)?;
        }
        if hold.reduce_only || hold.exit {
            self.reducing = self.reducing.checked_add(hold.quantity)?;
        }
        Some(self)
    }

    fn remove(mut self, hold: Hold) -> Option<Self> {
        if !hold.credit.is_zero() {
            self.credit = self.credit.checked_sub(hold.credit)?;
        }
        if hold.exit {
            self.exit = self.exit.checked_sub(hold.quantity)?;
        } else {
            self.open = self.open.checked_sub(hold.quantity)?;
            self.worth = self.worth.checked_sub(hold.worth)?;
        }
        if hold.reduce_only {
            self.reduce_only = self.reduce_only.checked_sub(hold.quantity)?;
        }
        if hold.reduce_only || hold.exit {
            self.reducing = self.reducing.checked_sub(hold.quantity)?;
        }
        Some(self)
    }
}

/// A bucket in one instrument, or in one instrument at one account.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Line {
    /// Filled position, negative when short.
    pub position: Quantity,
    /// Live buys.
    pub buys: OpenSide,
    /// Live sells.
    pub sells: OpenSide,
}

/// How far fills can bring a line, each way: either may be negative (B1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reach {
    /// P + B.
    pub long: Quantity,
    /// −P + S.
    pub short: Quantity,
}

impl Reach {
    /// One side of it.
    #[must_use]
    pub const fn side(&self, side: Side) -> Quantity {
        match side {
            Side::Buy => self.long,
            Side::Sell => self.short,
        }
    }
}

/// Value of the two ends a line can reach.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Worth {
    /// Longest.
    pub long: Money,
    /// Shortest.
    pub short: Money,
}

impl Worth {
    /// The larger of the two, never below zero.
    #[must_use]
    pub fn gross(&self) -> Money {
        self.long.max(self.short).floor_zero()
    }
}

impl Line {
    /// Live orders of one side.
    #[must_use]
    pub const fn side(&self, side: Side) -> &OpenSide {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    /// The line with an order of `side` holding `after` instead of `before`.
    #[must_use]
    pub fn with(mut self, side: Side, before: Hold, after: Hold) -> Option<Self> {
        let open = match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        };
        *open = open.remove(before)?.add(after)?;
        Some(self)
    }

    /// Worst-case long position P + B, which may be negative.
    #[must_use]
    pub fn long_quantity(&self) -> Option<Quantity> {
        self.position.checked_add(self.buys.quantity()?)
    }

    /// Worst-case short position −P + S, which may be negative.
    #[must_use]
    pub fn short_quantity(&self) -> Option<Quantity> {
        self.position
            .checked_neg()?
            .checked_add(self.sells.quantity()?)
    }

    /// Both ends; nothing on overflow.
    #[must_use]
    pub fn reach(&self) -> Option<Reach> {
        Some(Reach {
            long: self.long_quantity()?,
            short: self.short_quantity()?,
        })
    }

    /// Value of both ends.
    #[must_use]
    pub fn worth(&self, unit: Money) -> Option<Worth> {
        let long = self.position.checked_add(self.buys.exit)?.value_at(unit)?;
        let short = self
            .position
            .checked_neg()?
            .checked_add(self.sells.exit)?
            .value_at(unit)?;
        Some(Worth {
            long: long.checked_add(self.buys.worth)?,
            short: short.checked_add(self.sells.worth)?,
        })
    }

    /// Whether an order of `side` for `quantity` more can only bring the position nearer to zero, whatever else fills (NL21).
    /// `own` is what the order itself holds already.
    #[must_use]
    pub fn is_exit(&self, side: Side, quantity: Quantity, own: Quantity) -> bool {
        let reducible = match side {
            Side::Buy => self.position.checked_neg(),
            Side::Sell => Some(self.position),
        };
        let live = self
            .side(side)
            .fillable()
            .and_then(|live| live.checked_sub(own))
            .and_then(|others| others.checked_add(quantity));
        matches!((reducible, live), (Some(reducible), Some(live)) if reducible.is_positive() && live <= reducible)
    }
}

/// Worst cases of many lines together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Σ gross.
    pub gross: Money,
    /// Σ long.
    pub long: Money,
    /// Σ short.
    pub short: Money,
}

impl Totals {
    /// The totals with one line worth `after` instead of `before`.
    #[must_use]
    pub fn with(self, before: &Worth, after: &Worth) -> Option<Self> {
        Some(Self {
            gross: self
                .gross
                .checked_sub(before.gross())?
                .checked_add(after.gross())?,
            long: self
                .long
                .checked_sub(before.long)?
                .checked_add(after.long)?,
            short: self
                .short
                .checked_sub(before.short)?
                .checked_add(after.short)?,
        })
    }

    /// Worst-case net exposure: the larger of the two directions, never below zero.
    #[must_use]
    pub fn net(&self) -> Money {
        self.long.max(self.short).floor_zero()
    }
}

/// What a group counts of everything below it (L2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupTotals {
    /// Σ children.
    pub totals: Totals,
    /// Σ children's net exposure, without offset between children.
    pub net: Money,
}

impl GroupTotals {
    /// The totals with one bucket counting `after` instead of `before`.
    #[must_use]
    pub fn with(self, before: &Totals, after: &Totals) -> Option<Self> {
        let swap =
            |sum: Money, before: Money, after: Money| sum.checked_sub(before)?.checked_add(after);
        Some(Self {
            totals: Totals {
                gross: swap(self.totals.gross, before.gross, after.gross)?,
                long: swap(self.totals.long, before.long, after.long)?,
                short: swap(self.totals.short, before.short, after.short)?,
            },
            net: swap(self.net, before.net(), after.net())?,
        })
    }

    /// Net exposure, with offsets between children only where declared.
    #[must_use]
    pub fn net(&self, offsets: bool) -> Money {
        if offsets { self.totals.net() } else { self.net }
    }
}

/// What a change of one line means above it: everything before and after.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Step {
    /// Totals of the child.
    pub totals: (Totals, Totals),
    /// The line's ends.
    pub reach: (Reach, Reach),
    /// The line's gross exposure.
    pub gross: (Money, Money),
}

impl Step {
    /// The same change undone.
    #[must_use]
    pub const fn undone(self) -> Self {
        let Self {
            totals,
            reach,
            gross,
        } = self;
        Self {
            totals: (totals.1, totals.0),
            reach: (reach.1, reach.0),
            gross: (gross.1, gross.0),
        }
    }
}

/// What a group counts in one instrument (L2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct GroupReach {
    /// Σ children, each end floored at zero: children do not offset each other.
    pub apart: Reach,
    /// Σ children as they are.
    pub together: Reach,
}

impl GroupReach {
    /// With one child reaching `after` instead of `before`; nothing on overflow.
    #[must_use]
    pub fn with(&self, before: &Reach, after: &Reach) -> Option<Self> {
        let swap = |sum: Quantity, before: Quantity, after: Quantity| {
            sum.checked_sub(before)?.checked_add(after)
        };
        let apart = |sum, before: Quantity, after: Quantity| {
            swap(sum, before.floor_zero(), after.floor_zero())
        };
        Some(Self {
            apart: Reach {
                long: apart(self.apart.long, before.long, after.long)?,
                short: apart(self.apart.short, before.short, after.short)?,
            },
            together: Reach {
                long: swap(self.together.long, before.long, after.long)?,
                short: swap(self.together.short, before.short, after.short)?,
            },
        })
    }

    /// Worst-case position on one side, with offsets between children only where declared.
    #[must_use]
    pub const fn side(&self, side: Side, offsets: bool) -> Quantity {
        if offsets {
            self.together.side(side)
        } else {
            self.apart.side(side)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn quantity(number: i64) -> Quantity {
        Quantity::whole(number)
    }

    fn hold(number: i64, unit: i64) -> Hold {
        Hold {
            quantity: quantity(number),
            value: Money::whole(number.saturating_mul(unit)),
            worth: Money::whole(number.saturating_mul(unit)),
            ..Hold::default()
        }
    }

    fn line(position: i64, buys: i64, sells: i64) -> Line {
        Line {
            position: quantity(position),
            ..Line::default()
        }
        .with(Side::Buy, Hold::default(), hold(buys, 1))
        .unwrap()
        .with(Side::Sell, Hold::default(), hold(sells, 1))
        .unwrap()
    }

    /// Golden vectors 1 and 2 (TT): P = +5, B = 4, S = 3.
    #[test]
    fn working_orders_count_at_their_worst() {
        let bought = line(5, 4, 3)
            .with(Side::Buy, Hold::default(), hold(7, 1))
            .unwrap();
        assert_eq!(bought.long_quantity(), Some(quantity(16)));
        let sold = line(5, 4, 3)
            .with(Side::Sell, Hold::default(), hold(7, 1))
            .unwrap();
        assert_eq!(sold.short_quantity(), Some(quantity(5)));
    }

    #[test]
    fn both_ends_are_valued_and_the_larger_is_gross() {
        let worth = line(5, 4, 20).worth(Money::whole(1)).unwrap();
        assert_eq!(
            (worth.long, worth.short, worth.gross()),
            (Money::whole(9), Money::whole(15), Money::whole(15))
        );
    }

    #[test]
    fn an_order_is_worth_its_own_price_or_the_mark_whichever_is_higher() {
        let at = |unit: i64| {
            let unit = Money::whole(unit);
            let line = Line::default()
                .with(Side::Buy, Hold::default(), hold(10, 5).at(unit).unwrap())
                .unwrap();
            line.worth(unit).unwrap().long
        };
        assert_eq!(at(3), Money::whole(50));
        assert_eq!(at(7), Money::whole(70));
    }

    #[test]
    fn an_exit_far_above_the_market_raises_nothing() {
        let exit = Hold {
            quantity: quantity(10),
            value: Money::whole(3_000),
            worth: Money::whole(3_000),
            exit: true,
            ..Hold::default()
        };
        let before = line(10, 0, 0);
        let after = before.with(Side::Sell, Hold::default(), exit).unwrap();
        assert_eq!(
            after.worth(Money::whole(100)).unwrap().gross(),
            before.worth(Money::whole(100)).unwrap().gross()
        );
    }

    #[test]
    fn an_exit_counts_every_live_order_of_its_side() {
        let cases = [
            (10, 0, 10, true),
            (10, 0, 11, false),
            (10, 4, 6, true),
            (10, 4, 7, false),
            (0, 0, 1, false),
            (-10, 0, 1, false),
        ];
        for (position, sells, order, expected) in cases {
            assert_eq!(
                line(position, 0, sells).is_exit(Side::Sell, quantity(order), Quantity::ZERO),
                expected,
                "{position} {sells} {order}"
            );
        }
        assert!(line(-10, 4, 0).is_exit(Side::Buy, quantity(6), Quantity::ZERO));
        assert!(line(10, 0, 10).is_exit(Side::Sell, quantity(8), quantity(10)));
    }

    #[test]
    fn children_offset_each_other_only_where_declared() {
        let long = Totals {
            gross: Money::whole(10),
            long: Money::whole(10),
            short: Money::whole(-10),
        };
        let short = Totals {
            gross: Money::whole(10),
            long: Money::whole(-10),
            short: Money::whole(10),
        };
        let none = Totals::default();
        let group = GroupTotals::default()
            .with(&none, &long)
            .unwrap()
            .with(&none, &short)
            .unwrap();
        assert_eq!(group.totals.gross, Money::whole(20));
        assert_eq!(group.net(false), Money::whole(20));
        assert_eq!(group.net(true), Money::ZERO);
    }

    #[test]
    fn positions_of_children_offset_each_other_only_where_declared() {
        let reach = |long, short| Reach {
            long: quantity(long),
            short: quantity(short),
        };
        let group = GroupReach::default()
            .with(&Reach::default(), &reach(7, -4))
            .unwrap()
            .with(&Reach::default(), &reach(-3, 5))
            .unwrap();
        assert_eq!(group.side(Side::Buy, false), quantity(7));
        assert_eq!(group.side(Side::Sell, false), quantity(5));
        assert_eq!(group.side(Side::Buy, true), quantity(4));
        assert_eq!(group.side(Side::Sell, true), quantity(1));
    }
}
