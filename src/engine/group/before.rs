//! A group as it was, so that several orders can be entered below it one after the other and all of it be undone (J1).

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::{GroupLine, GroupState, SETS};
use crate::domain::amount::Money;
use crate::domain::instrument::Instrument;
use crate::risk::exposure::{GroupReach, GroupTotals};
use crate::risk::window::{NotionalWindow, OrderRate};

/// What is needed to bring a group back: all that orders in some instruments can change, but for the prices that they rest at.
pub struct GroupBefore {
    totals: GroupTotals,
    open_orders: u32,
    open_value: Money,
    traded: Money,
    /// Of each of the instruments; nothing where the group had none of it.
    lines: Vec<(u32, Option<LineBefore>)>,
    sets: Vec<Money>,
    venues: Vec<Money>,
    /// Windows, where a limit counts in them.
    rate: Option<OrderRate>,
    notional_rate: Option<NotionalWindow>,
}

/// One instrument, with the sets that it counts in: a leg may be the first to see that it has come into others.
struct LineBefore {
    instrument: Arc<Instrument>,
    reach: GroupReach,
    gross: Money,
    sets: ArrayVec<u16, SETS>,
}

impl GroupState {
    /// The group as it is.
    #[must_use]
    pub fn save(&self, numbers: &[u32]) -> GroupBefore {
        let line = |number: &u32| {
            let kept = self.lines.get(number).map(|line| LineBefore {
                instrument: Arc::clone(&line.instrument),
                reach: line.reach,
                gross: line.gross,
                sets: line.sets.clone(),
            });
            (*number, kept)
        };
        GroupBefore {
            totals: self.totals,
            open_orders: self.open_orders,
            open_value: self.open_value,
            traded: self.traded,
            lines: numbers.iter().map(line).collect(),
            sets: self.sets.iter().map(|set| set.sum).collect(),
            venues: self.venues.iter().map(|venue| venue.sum).collect(),
            rate: self.limits.order_rate.map(|_| self.rate.clone()),
            notional_rate: self
                .limits
                .notional_rate
                .map(|_| self.notional_rate.clone()),
        }
    }

    /// Brings the group back. What was opened since stays, and counts nothing.
    pub fn restore(&mut self, before: GroupBefore) {
        self.totals = before.totals;
        self.open_orders = before.open_orders;
        self.open_value = before.open_value;
        self.traded = before.traded;
        for (number, kept) in before.lines {
            let line: Option<&mut GroupLine> = self.lines.get_mut(&number);
            match (line, kept) {
                (Some(line), Some(kept)) => {
                    line.instrument = kept.instrument;
                    (line.reach, line.gross) = (kept.reach, kept.gross);
                    line.sets = kept.sets;
                }
                (Some(line), None) => {
                    (line.reach, line.gross) = (GroupReach::default(), Money::ZERO);
                }
                (None, _) => {}
            }
        }
        let sums = |kept: Vec<Money>| kept.into_iter().chain(core::iter::repeat(Money::ZERO));
        for (set, sum) in self.sets.iter_mut().zip(sums(before.sets)) {
            set.sum = sum;
        }
        for (venue, sum) in self.venues.iter_mut().zip(sums(before.venues)) {
            venue.sum = sum;
        }
        if let Some(rate) = before.rate {
            self.rate = rate;
        }
        if let Some(window) = before.notional_rate {
            self.notional_rate = window;
        }
    }
}
