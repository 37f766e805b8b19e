//! Orders of which not all can fill: what they count together, from the lists.

use bulkhead::domain::order::Side;

use super::life::Held;
use super::{Model, ONE, U, up};

/// Orders that are linked.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Of a combination: ratio and planned quantity of each leg, and the share that counts. None: one cancels the other.
    pub(super) spread: Option<(Vec<(U, U)>, U)>,
    /// Whether all of its orders are over: what comes to life again counts by itself.
    pub(super) dead: bool,
}

/// What an order counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) quantity: U,
    pub(super) value: U,
    pub(super) worth: U,
    /// Quantity that may fill and does not count.
    pub(super) credit: U,
}

fn is_alike(one: &Held, other: &Held) -> bool {
    (one.side, one.exit, one.reduce_only) == (other.side, other.exit, other.reduce_only)
}

impl Model {
    fn full(&self, order: &Held) -> Counts {
        let hold = order.hold();
        let unit = self.pools[order.bucket].units[order.instrument].unwrap_or(0);
        // Each order at its own value, or at the mark where that is more.
        let worth = hold.value.max(up(hold.quantity, unit));
        Counts {
            quantity: hold.quantity,
            value: hold.value,
            worth,
            credit: 0,
        }
    }

    fn members(&self, link: usize) -> impl Iterator<Item = (usize, &Held)> {
        let of = move |order: &Held| order.link.is_some_and(|(of, _)| of == link);
        let all = self.orders.iter().enumerate();
        all.filter(move |(_, order)| of(order))
    }

    /// What a live order counts. Of two that exclude each other, the later one counts what it has beyond the earlier.
    pub(super) fn counts(&self, at: usize) -> Counts {
        let order = &self.orders[at];
        let own = self.full(order);
        let Some((link, place)) = order.link.filter(|(link, _)| !self.links[*link].dead) else {
            return own;
        };
        let Some((legs, share)) = &self.links[link].spread else {
            let earlier = self.members(link).find(|(other, _)| *other < at);
            let Some((_, mate)) = earlier.filter(|(_, mate)| is_alike(mate, order)) else {
                return own;
            };
            let mate = self.full(mate);
            return Counts {
                quantity: (own.quantity - mate.quantity).max(0),
                value: (own.value - mate.value).max(0),
                worth: (own.worth - mate.worth).max(0),
                credit: 0,
            };
        };
        if order.exit || order.reduce_only {
            return own;
        }
        let open = |leg: usize| {
            let mut entered = self.members(link);
            let found = entered.find(|(_, order)| order.link.is_some_and(|(_, at)| at == leg));
            found.map_or(legs[leg].1, |(_, order)| order.hold().quantity)
        };
        let whole = (0..legs.len()).map(|leg| open(leg) * ONE / legs[leg].0);
        let balanced = (whole.min().unwrap() * legs[place].0 / ONE).min(own.quantity);
        if balanced == 0 {
            return own;
        }
        let of_balanced = own.worth * balanced / own.quantity;
        let credit = balanced - up(balanced, *share);
        Counts {
            quantity: own.quantity - credit,
            value: own.value,
            worth: own.worth - of_balanced + up(of_balanced, *share),
            credit,
        }
    }

    /// The other one of two of which one cancels the other.
    fn mate(&self, link: Option<(usize, usize)>, own: Option<usize>) -> Option<&Held> {
        let (link, _) = link.filter(|(link, _)| !self.links[*link].dead)?;
        let excludes = self.links[link].spread.is_none();
        let mut others = self.members(link).filter(|(at, _)| Some(*at) != own);
        others.next().map(|(_, mate)| mate).filter(|_| excludes)
    }

    /// Value that an order has beyond its mate.
    pub(super) fn value_beyond(&self, order: &Held, own: Option<usize>) -> U {
        let value = order.hold().value;
        match self.mate(order.link, own) {
            Some(mate) if is_alike(mate, order) => (value - mate.hold().value).max(0),
            _ => value,
        }
    }

    /// Quantity that an order has beyond its mate.
    pub(super) fn beyond_mate(&self, at: usize) -> U {
        let order = &self.orders[at];
        let quantity = order.hold().quantity;
        match self.mate(order.link, Some(at)) {
            Some(mate) if is_alike(mate, order) => (quantity - mate.hold().quantity).max(0),
            _ => quantity,
        }
    }

    /// Quantities that two which exclude each other close a position with: together with the order, and before it.
    pub(super) fn closing(
        &self,
        link: Option<(usize, usize)>,
        at: Option<usize>,
        side: Side,
        (quantity, own): (U, U),
    ) -> Option<(U, U)> {
        let mate = self.mate(link, at)?;
        let held = mate.hold().quantity;
        (mate.side == side && mate.exit).then(|| (quantity.max(held), own.max(held)))
    }

    /// Whether an order is a leg of a combination.
    pub(super) fn is_in_package(&self, order: &Held) -> bool {
        order.link.is_some_and(|(link, _)| {
            let link = &self.links[link];
            !link.dead && link.spread.is_some()
        })
    }

    /// Whether any live order of a bucket is linked.
    pub fn has_links(&self, bucket: usize) -> bool {
        self.orders
            .iter()
            .any(|order| order.bucket == bucket && !order.is_over() && order.link.is_some())
    }

    /// Links whose orders are all over end.
    pub fn end_links(&mut self) {
        for link in 0..self.links.len() {
            let over = self.members(link).all(|(_, order)| order.is_over());
            self.links[link].dead |= over;
        }
    }
}
