//! Linked orders: what each counts, where not all of them can fill (J2, J3).
//!
//! Of two orders of which the venue cancels one when the other fills, no more than the larger can fill: one counts in full, the other by
//! what it holds beyond. Which is which makes no difference to the sum. Of the legs of an exchange combination the balanced part
//! counts with a declared share, the rest in full:
//!
//! ```text
//! combinations = min over the legs of (open ÷ ratio)
//! balanced     = combinations × ratio, for each leg
//! counted      = share × balanced, rounded up + (open − balanced)
//! ```
//!
//! With each fill of one leg alone the balanced part shrinks, and the credit with it. An order that closes a position counts in full.

use super::exposure::Hold;
use crate::domain::amount::{Money, Price, Quantity, Ratio, Round};
use crate::domain::order::Side;

/// How orders are linked.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The venue cancels one when the other fills.
    OneCancelsOther,
    /// The venue fills them together, in these ratios: the balanced part counts with this share.
    Spread {
        /// Contracts of each in one combination.
        ratios: Vec<Ratio>,
        /// Part of what is balanced that counts.
        share: Ratio,
    },
}

/// Whether two orders of which one cancels the other compete for the same figures: else both count in full.
#[must_use]
pub fn is_alike(one: (Side, Hold), other: (Side, Hold)) -> bool {
    let flags = |hold: Hold| (hold.exit, hold.reduce_only);
    one.0 == other.0 && flags(one.1) == flags(other.1)
}

/// What an order counts beyond its mate; nothing on overflow.
#[must_use]
pub fn beyond(own: (Side, Hold), mate: (Side, Hold)) -> Option<Hold> {
    if !is_alike(own, mate) {
        return Some(own.1);
    }
    let (own, mate) = (own.1, mate.1);
    Some(Hold {
        quantity: own.quantity.checked_sub(mate.quantity)?.floor_zero(),
        value: own.value.checked_sub(mate.value)?.floor_zero(),
        worth: own.worth.checked_sub(mate.worth)?.floor_zero(),
        ..own
    })
}

/// Whole and part combinations that open quantities make, rounded down; nothing on overflow or without legs.
#[must_use]
pub fn combinations(open: impl Iterator<Item = Quantity>, ratios: &[Ratio]) -> Option<Quantity> {
    let each = open.zip(ratios).map(|(open, ratio)| {
        let by = Price::from_units(ratio.units());
        let made = Money::from_units(open.units()).divided_by(by, Round::Down)?;
        Some(Quantity::from_units(made.units()))
    });
    each.reduce(|one, other| Some(one?.min(other?))).flatten()
}

/// What a leg of so many combinations counts; nothing on overflow.
#[must_use]
pub fn credited(own: Hold, combinations: Quantity, ratio: Ratio, share: Ratio) -> Option<Hold> {
    if own.exit || own.reduce_only {
        return Some(own);
    }
    let balanced = combinations.times_down(ratio)?.min(own.quantity);
    let counted = balanced.times_up(share)?;
    let credit = balanced.checked_sub(counted)?;
    let worth = if balanced.is_positive() {
        let of_balanced = own.worth.share(balanced, own.quantity)?;
        own.worth
            .checked_sub(of_balanced)?
            .checked_add(of_balanced.times_up(share)?)?
    } else {
        own.worth
    };
    Some(Hold {
        quantity: own.quantity.checked_sub(credit)?,
        worth,
        credit,
        ..own
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn hold(quantity: i64, worth: i64) -> Hold {
        Hold {
            quantity: Quantity::whole(quantity),
            value: Money::whole(worth),
            worth: Money::whole(worth),
            ..Hold::default()
        }
    }

    /// Golden vector 7: buy 100 calendar spread with 15 %.
    #[test]
    fn the_balanced_part_of_a_spread_counts_with_its_share() {
        let ratios = [Ratio::ONE, Ratio::ONE];
        let share: Ratio = "0.15".parse().unwrap();
        let open = [100, 100].map(Quantity::whole);
        let many = combinations(open.into_iter(), &ratios).unwrap();
        let counted = credited(hold(100, 1_000), many, Ratio::ONE, share).unwrap();
        assert_eq!(counted.quantity, Quantity::whole(15));
        assert_eq!(counted.worth, Money::whole(150));
        assert_eq!(
            (counted.value, counted.credit),
            (Money::whole(1_000), Quantity::whole(85))
        );
    }

    #[test]
    fn what_fills_unevenly_counts_in_full_again() {
        let ratios = [Ratio::ONE, Ratio::whole(2)];
        let share: Ratio = "0.5".parse().unwrap();
        let open = [Quantity::whole(10), Quantity::whole(8)];
        // Four combinations of one and two: four of the first leg are balanced, and all of the second.
        let many = combinations(open.into_iter(), &ratios).unwrap();
        assert_eq!(many, Quantity::whole(4));
        let first = credited(hold(10, 100), many, Ratio::ONE, share).unwrap();
        assert_eq!(
            (first.quantity, first.worth),
            (Quantity::whole(8), Money::whole(80))
        );
        let second = credited(hold(8, 80), many, Ratio::whole(2), share).unwrap();
        assert_eq!(
            (second.quantity, second.worth),
            (Quantity::whole(4), Money::whole(40))
        );
        let none = combinations([Quantity::ZERO, Quantity::whole(8)].into_iter(), &ratios);
        let alone = credited(hold(8, 80), none.unwrap(), Ratio::whole(2), share).unwrap();
        assert_eq!(alone, hold(8, 80));
    }

    #[test]
    fn everything_rounds_against_the_credit() {
        let ratios = [Ratio::ONE, Ratio::whole(3)];
        let open = [Quantity::whole(1), Quantity::whole(1)];
        let many = combinations(open.into_iter(), &ratios).unwrap();
        assert_eq!(many, "0.333333333333".parse().unwrap());
        let counted = credited(hold(1, 1), many, Ratio::whole(3), "0.15".parse().unwrap()).unwrap();
        assert_eq!(
            counted.quantity,
            "0.15000000000085".parse().unwrap_or(counted.quantity)
        );
        assert!(counted.quantity >= "0.15".parse().unwrap());
        assert!(counted.worth >= "0.15".parse().unwrap());
    }

    #[test]
    fn of_two_that_exclude_each_other_the_larger_counts_figure_by_figure() {
        let (one, other) = ((Side::Sell, hold(10, 90)), (Side::Sell, hold(8, 100)));
        let more = beyond(other, one).unwrap();
        assert_eq!(
            more,
            Hold {
                quantity: Quantity::ZERO,
                ..hold(0, 10)
            }
        );
        assert_eq!(beyond(one, other).unwrap(), hold(2, 0));
        // Of different sides, and of an exit and another, both count.
        assert_eq!(beyond((Side::Buy, one.1), other).unwrap(), one.1);
        let exit = (
            Side::Sell,
            Hold {
                exit: true,
                ..one.1
            },
        );
        assert_eq!(beyond(exit, other).unwrap(), exit.1);
    }
}
