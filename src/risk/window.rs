//! Sliding windows: how many orders, how much notional, how many alike in the last `window` nanoseconds, the interval `(now − window, now]`.
//!
//! Never a fixed window: a boundary would admit twice the limit. Counting is exact; memory is bounded by the limit that is counted for.

use core::hash::BuildHasher as _;
use std::collections::VecDeque;

use foldhash::HashMap;

use super::limits::{LookAlikeLimit, NotionalRateLimit, RateLimit};
use crate::domain::amount::{Money, Quantity};
use crate::domain::order::{Side, Terms};

/// Times of the last events, oldest first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EventWindow {
    times: VecDeque<u64>,
}

/// Events that are looked at one by one.
const FEW: usize = 4;

impl EventWindow {
    /// Events within the window that ends now.
    #[must_use]
    pub fn count(&self, now: u64, window: u64) -> u32 {
        // An order leaves about as often as one comes: the first ones mostly tell, and the rest lie where nothing was read for long.
        let few = self.times.iter().take(FEW);
        let expired = match few.take_while(|time| has_left(**time, now, window)).count() {
            FEW => self
                .times
                .partition_point(|time| has_left(*time, now, window)),
            expired => expired,
        };
        u32::try_from(self.times.len().saturating_sub(expired)).unwrap_or(u32::MAX)
    }

    /// Counts one more event, keeping no more than `keep`: that many are all a limit of `keep` ever asks for.
    pub fn record(&mut self, now: u64, window: u64, keep: u32) {
        while self
            .times
            .front()
            .is_some_and(|first| has_left(*first, now, window))
        {
            self.times.pop_front();
        }
        if self.times.len() >= usize::try_from(keep).unwrap_or(usize::MAX) {
            self.times.pop_front();
        }
        if keep > 0 {
            self.times.push_back(now);
        }
    }

    /// Times still inside the window, for the state hash.
    pub fn live(&self, now: u64, window: u64) -> impl Iterator<Item = u64> {
        self.times
            .iter()
            .copied()
            .filter(move |time| !has_left(*time, now, window))
    }
}

/// Orders counted against an [`RateLimit`], exits apart so that a flood of increases never uses up what is kept for them (F1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OrderRate {
    general: EventWindow,
    exits: EventWindow,
}

/// Which share of a rate limit an order draws on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateUse {
    /// Bound of that share.
    pub limit: u32,
    /// Orders in it within the window, before this one.
    pub before: u32,
    from_reserve: bool,
}

impl OrderRate {
    /// The share an order draws on now: exits use their reserve first, then what everyone uses.
    #[must_use]
    pub fn usage(&self, limit: &RateLimit, now: u64, exit: bool) -> RateUse {
        if exit && limit.exit_reserve > 0 {
            let reserved = self.exits.count(now, limit.window);
            if reserved < limit.exit_reserve {
                return RateUse {
                    limit: limit.exit_reserve,
                    before: reserved,
                    from_reserve: true,
                };
            }
        }
        RateUse {
            limit: limit.max.saturating_sub(limit.exit_reserve),
            before: self.general.count(now, limit.window),
            from_reserve: false,
        }
    }

    /// Orders of both shares within the window.
    #[must_use]
    pub fn total(&self, limit: &RateLimit, now: u64) -> u32 {
        self.general
            .count(now, limit.window)
            .saturating_add(self.exits.count(now, limit.window))
    }

    /// Counts an order against the share it was tested on.
    pub fn record(&mut self, limit: &RateLimit, now: u64, usage: RateUse) {
        let share = if usage.from_reserve {
            &mut self.exits
        } else {
            &mut self.general
        };
        share.record(now, limit.window, usage.limit);
    }

    /// Times still inside the window, for the state hash.
    pub fn live(&self, limit: &RateLimit, now: u64) -> impl Iterator<Item = u64> {
        self.general
            .live(now, limit.window)
            .chain(self.exits.live(now, limit.window))
    }
}

/// Notional approved within a window (F3).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NotionalWindow {
    entries: VecDeque<(u64, Money)>,
    sum: Money,
}

/// Entries kept apart before neighbours are counted together, at the later of their times.
const NOTIONAL_ENTRIES: usize = 65_536;

impl NotionalWindow {
    /// Notional within the window that ends now.
    #[must_use]
    pub fn sum(&self, now: u64, window: u64) -> Money {
        let expired = self
            .entries
            .iter()
            .take_while(|(time, _)| has_left(*time, now, window));
        let gone = expired.fold(Money::ZERO, |sum, (_, amount)| {
            sum.checked_add(*amount).unwrap_or(sum)
        });
        self.sum.checked_sub(gone).unwrap_or(Money::ZERO)
    }

    /// Counts an amount.
    pub fn record(&mut self, now: u64, limit: &NotionalRateLimit, amount: Money) {
        while let Some((time, gone)) = self.entries.front().copied() {
            if !has_left(time, now, limit.window) {
                break;
            }
            self.entries.pop_front();
            self.sum = self.sum.checked_sub(gone).unwrap_or(Money::ZERO);
        }
        let Some(sum) = self.sum.checked_add(amount) else {
            return;
        };
        self.sum = sum;
        if self.entries.len() >= NOTIONAL_ENTRIES
            && let Some((time, last)) = self.entries.back_mut()
            && let Some(both) = last.checked_add(amount)
        {
            (*time, *last) = (now, both);
            return;
        }
        self.entries.push_back((now, amount));
    }

    /// Takes an amount back that was counted at `counted` and never traded; nothing where that has left the window.
    pub fn give_back(&mut self, counted: u64, amount: Money) {
        let at = self.entries.partition_point(|(time, _)| *time < counted);
        let mut rest = amount;
        for (_, entry) in self
            .entries
            .range_mut(at..)
            .take_while(|(time, _)| *time == counted)
        {
            let returned = rest.min(*entry);
            *entry = entry.checked_sub(returned).unwrap_or(Money::ZERO);
            rest = rest.checked_sub(returned).unwrap_or(Money::ZERO);
            self.sum = self.sum.checked_sub(returned).unwrap_or(Money::ZERO);
        }
    }
}

/// What makes two orders alike (A11).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Likeness {
    /// The engine's number of the instrument.
    pub instrument: u32,
    /// Side.
    pub side: Side,
    /// Whole quantity.
    pub quantity: Quantity,
    /// Type and prices.
    pub terms: Terms,
}

/// Stands for a likeness: two that differ share it once in 2⁶⁴ pairs. Unkeyed, so that replay finds the same; whoever made two orders
/// meet on purpose would refuse an order of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fingerprint(u64);

impl Likeness {
    /// What stands for it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(foldhash::quality::FixedState::with_seed(0x616c_696b_6500).hash_one(self))
    }
}

/// Orders approved within a window, by likeness.
#[derive(Clone, Debug, Default)]
pub struct LookAlikes {
    recent: VecDeque<(u64, u64)>,
    counts: HashMap<u64, u32>,
}

impl LookAlikes {
    /// Orders like this one within the window that ends now.
    #[must_use]
    pub fn count(&self, likeness: Fingerprint, now: u64, window: u64) -> u32 {
        let likeness = likeness.0;
        let all = self.counts.get(&likeness).copied().unwrap_or(0);
        if all == 0 {
            return 0;
        }
        let expired = self
            .recent
            .iter()
            .take_while(|(time, _)| has_left(*time, now, window));
        let gone = expired.filter(|(_, other)| *other == likeness).count();
        all.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX))
    }

    /// Counts an approved order.
    pub fn record(&mut self, likeness: Fingerprint, now: u64, limit: &LookAlikeLimit) {
        let likeness = likeness.0;
        while let Some((time, gone)) = self.recent.front().copied() {
            if !has_left(time, now, limit.window) {
                break;
            }
            self.recent.pop_front();
            if let Some(count) = self.counts.get_mut(&gone) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.counts.remove(&gone);
                }
            }
        }
        self.recent.push_back((now, likeness));
        let count = self.counts.entry(likeness).or_insert(0);
        *count = count.saturating_add(1);
    }
}

/// Whether an event lies at or before `now − window`.
const fn has_left(time: u64, now: u64, window: u64) -> bool {
    now.saturating_sub(time) >= window
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use crate::domain::time::MILLISECOND;
    use proptest::prelude::*;

    const LIMIT: RateLimit = RateLimit {
        max: 5,
        window: 400 * MILLISECOND,
        exit_reserve: 2,
    };

    #[test]
    fn an_event_leaves_exactly_one_window_later() {
        let mut events = EventWindow::default();
        events.record(100, 50, 3);
        assert_eq!(events.count(149, 50), 1);
        assert_eq!(events.count(150, 50), 0);
    }

    #[test]
    fn exits_draw_on_their_reserve_first_and_then_on_the_rest() {
        let mut rate = OrderRate::default();
        let mut passed = 0;
        for _ in 0..10 {
            let usage = rate.usage(&LIMIT, 1, true);
            passed += u32::from(usage.before < usage.limit);
            rate.record(&LIMIT, 1, usage);
        }
        assert_eq!(passed, LIMIT.max);
    }

    #[test]
    fn a_flood_of_increases_leaves_the_reserve_to_exits() {
        let mut rate = OrderRate::default();
        for _ in 0..1_000 {
            let usage = rate.usage(&LIMIT, 1, false);
            rate.record(&LIMIT, 1, usage);
        }
        let usage = rate.usage(&LIMIT, 1, true);
        assert_eq!((usage.before, usage.limit), (0, 2));
    }

    #[test]
    fn notional_comes_back_only_where_it_was_counted() {
        let limit = NotionalRateLimit {
            max: Money::whole(100),
            window: 10,
            give_back: true,
        };
        let mut window = NotionalWindow::default();
        window.record(1, &limit, Money::whole(60));
        window.record(5, &limit, Money::whole(30));
        window.give_back(5, Money::whole(50));
        assert_eq!(window.sum(5, 10), Money::whole(60));
        assert_eq!(window.sum(11, 10), Money::ZERO);
    }

    proptest! {
        /// Trap 3: a fixed window admits twice the limit at its edge; a sliding one never more than the limit in any window.
        #[test]
        fn no_window_anywhere_holds_more_than_the_limit(gaps in prop::collection::vec(0_u64..200, 1..300), exits in prop::collection::vec(any::<bool>(), 300)) {
            let limit = RateLimit { max: 7, window: 500, exit_reserve: 2 };
            let (mut rate, mut now, mut passed) = (OrderRate::default(), 1_000_u64, Vec::new());
            for (gap, exit) in gaps.iter().zip(exits) {
                now += gap;
                let usage = rate.usage(&limit, now, exit);
                if usage.before < usage.limit {
                    passed.push(now);
                }
                rate.record(&limit, now, usage);
            }
            for end in &passed {
                let inside = passed.iter().filter(|time| **time <= *end && end - **time < limit.window).count();
                prop_assert!(inside <= 7);
            }
        }

        #[test]
        fn look_alikes_agree_with_a_plain_list(events in prop::collection::vec((0_u64..50, 0_i64..3), 1..200)) {
            let limit = LookAlikeLimit { count: 2, window: 100 };
            let (mut alike, mut list, mut now) = (LookAlikes::default(), Vec::<(u64, i64)>::new(), 0_u64);
            for (gap, quantity) in events {
                now += gap;
                let likeness = Likeness { instrument: 1, side: Side::Buy, quantity: Quantity::whole(quantity), terms: Terms::Market }.fingerprint();
                let expected = list.iter().filter(|(time, other)| *other == quantity && now - time < limit.window).count();
                prop_assert_eq!(alike.count(likeness, now, limit.window), u32::try_from(expected).unwrap());
                alike.record(likeness, now, &limit);
                list.push((now, quantity));
            }
        }
    }
}
