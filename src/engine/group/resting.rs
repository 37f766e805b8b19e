//! Prices that live orders rest at, of all children of a group that take part in self-match prevention there (A15).

use std::collections::BTreeMap;

use crate::domain::amount::Price;
use crate::domain::order::Side;

/// How many orders of a bucket rest at a price, by instrument, side and price. Counted exactly: an order that ends takes its own away.
#[derive(Debug, Default)]
pub struct Resting {
    counts: BTreeMap<(u32, Side, Price, u32), u32>,
}

const LOWEST: Price = Price::from_units(i128::MIN);
const HIGHEST: Price = Price::from_units(i128::MAX);

impl Resting {
    /// Whether an order of `side` at a price would trade with a resting one of another bucket; without a price it trades with any.
    #[must_use]
    pub fn meets(&self, number: u32, side: Side, price: Option<Price>, owner: u32) -> bool {
        let resting = side.opposite();
        let (from, to) = match (side, price) {
            (_, None) => (LOWEST, HIGHEST),
            (Side::Buy, Some(price)) => (LOWEST, price),
            (Side::Sell, Some(price)) => (price, HIGHEST),
        };
        let mut met = self
            .counts
            .range((number, resting, from, 0)..=(number, resting, to, u32::MAX));
        met.any(|((_, _, _, whose), _)| *whose != owner)
    }

    /// Notes that an order rests at these prices and no longer at those: a price that stays is never away in between.
    pub fn change(
        &mut self,
        (number, side, owner): (u32, Side, u32),
        gone: impl Iterator<Item = Price>,
        come: impl Iterator<Item = Price>,
    ) {
        for price in come {
            let count = self.counts.entry((number, side, price, owner)).or_insert(0);
            *count = count.saturating_add(1);
        }
        for price in gone {
            let key = (number, side, price, owner);
            if let Some(count) = self.counts.get_mut(&key) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.counts.remove(&key);
                }
            }
        }
    }

    /// Prices noted, with how often each.
    pub fn iter(&self) -> impl Iterator<Item = (&(u32, Side, Price, u32), &u32)> {
        self.counts.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(price: i64) -> Price {
        Price::whole(price)
    }

    #[test]
    fn an_order_meets_those_of_others_at_its_price_or_better_and_never_its_own() {
        let mut resting = Resting::default();
        let none = core::iter::empty::<Price>;
        resting.change((1, Side::Sell, 7), none(), [at(100), at(100)].into_iter());
        assert!(resting.meets(1, Side::Buy, Some(at(100)), 8));
        assert!(resting.meets(1, Side::Buy, None, 8));
        assert!(!resting.meets(1, Side::Buy, Some(at(99)), 8), "not so high");
        assert!(!resting.meets(1, Side::Buy, Some(at(100)), 7), "its own");
        assert!(!resting.meets(2, Side::Buy, Some(at(100)), 8), "another");
        assert!(!resting.meets(1, Side::Sell, None, 8), "the same side");
        resting.change((1, Side::Sell, 7), [at(100)].into_iter(), none());
        assert!(resting.meets(1, Side::Buy, Some(at(100)), 8), "one is left");
        resting.change((1, Side::Sell, 7), [at(100)].into_iter(), none());
        assert!(!resting.meets(1, Side::Buy, None, 8));
        assert_eq!(resting.iter().count(), 0);
    }

    #[test]
    fn a_sell_meets_bids_that_are_not_below_it() {
        let mut resting = Resting::default();
        resting.change((1, Side::Buy, 7), core::iter::empty(), [at(90)].into_iter());
        assert!(resting.meets(1, Side::Sell, Some(at(90)), 8));
        assert!(!resting.meets(1, Side::Sell, Some(at(91)), 8));
    }
}
