//! What the levels above a bucket are told of it: each change once, as a footprint, while the bucket is locked.

use std::sync::Arc;

use super::holding::AccountLine;
use super::{AccountShift, BucketState, Holding, Shift};
use crate::domain::amount::{Money, Price};
use crate::domain::decision::Level;
use crate::domain::order::Side;
use crate::engine::group::{Footprint, Group, GroupState, Levels, Site};
use crate::engine::order::OrderRecord;
use crate::risk::exposure::{Line, Reach, Step, Totals, Worth};

impl BucketState {
    /// What a line of one account becomes; nothing on overflow.
    pub(super) fn account_shift(
        &self,
        holding: &Holding,
        account: u16,
        line: Line,
        unit: Money,
    ) -> Option<AccountShift> {
        let worth = line.worth(unit)?;
        let before = holding
            .account_line(account)
            .map_or(Worth::default(), |line| line.worth);
        let totals = self.account_totals.get(usize::from(account))?;
        Some(AccountShift {
            account,
            line,
            worth,
            totals: totals.with(&before, &worth)?,
        })
    }

    /// Enters a new unit value, and tells above of it.
    pub(super) fn enter_value(&mut self, shift: &Shift) {
        let footprint = self.footprint(shift);
        if self.accounts.len() <= 1 {
            self.enter(shift, &[]);
            if let Some(footprint) = footprint {
                self.tell_above(0, &footprint);
            }
            return;
        }
        let parts = self.revalued_parts(shift.number);
        let told = self.told_of_parts(shift.number, &parts);
        self.enter(shift, &parts);
        if let Some(whole) = footprint {
            self.tell_above(
                0,
                &Footprint {
                    part: None,
                    ..whole
                },
            );
        }
        for (account, footprint) in told {
            self.tell_above(account, &footprint);
        }
    }

    /// What the lines of several accounts become after a new unit value; one beyond exact arithmetic stays as it was.
    fn revalued_parts(&self, number: u32) -> Vec<AccountShift> {
        let Some(holding) = self.holdings.get(&number) else {
            return Vec::new();
        };
        let unit = holding.unit.unwrap_or(Money::ZERO);
        let lines = holding.by_account.iter();
        let part =
            |known: &AccountLine| self.account_shift(holding, known.account, known.line, unit);
        lines.filter_map(part).collect()
    }

    fn told_of_parts(&self, number: u32, parts: &[AccountShift]) -> Vec<(u16, Footprint)> {
        let Some(holding) = self.holdings.get(&number) else {
            return Vec::new();
        };
        let told = |part: &AccountShift| {
            let step = self.part_step(holding, part)?;
            let footprint = Footprint {
                number,
                part: Some(step),
                ..Footprint::default()
            };
            Some((part.account, footprint))
        };
        parts.iter().filter_map(told).collect()
    }

    /// Enters the part of a shift at one account of several.
    pub(super) fn enter_part(&mut self, number: u32, part: &AccountShift) {
        let Some(holding) = self.holdings.get_mut(&number) else {
            return;
        };
        let known = holding
            .by_account
            .iter_mut()
            .find(|known| known.account == part.account);
        let before = match known {
            Some(known) => {
                let before = known.worth.gross();
                (known.line, known.worth) = (part.line, part.worth);
                before
            }
            None => {
                holding.by_account.push(AccountLine {
                    account: part.account,
                    line: part.line,
                    worth: part.worth,
                });
                Money::ZERO
            }
        };
        if let Some(totals) = self.account_totals.get_mut(usize::from(part.account)) {
            *totals = part.totals;
        }
        if !self.limits.concentration.is_empty() {
            self.change_venue(part.account, (before, part.worth.gross()));
        }
    }

    fn part_step(&self, holding: &Holding, part: &AccountShift) -> Option<Step> {
        let (line, worth) = holding
            .account_line(part.account)
            .map_or((Line::default(), Worth::default()), |known| {
                (known.line, known.worth)
            });
        let totals = self.account_totals.get(usize::from(part.account))?;
        Some(Step {
            totals: (*totals, part.totals),
            reach: (line.reach()?, part.line.reach()?),
            gross: (worth.gross(), part.worth.gross()),
        })
    }

    /// What the shift of a move means above, before it is made; nothing where a figure leaves exact arithmetic.
    #[must_use]
    pub fn footprint(&self, shift: &Shift) -> Option<Footprint> {
        let holding = self.holdings.get(&shift.number)?;
        let whole = Step {
            totals: (self.totals, shift.totals),
            reach: (holding.line.reach()?, shift.line.reach()?),
            gross: (holding.worth.gross(), shift.worth.gross()),
        };
        let part = match &shift.account {
            Some(part) => self.part_step(holding, part)?,
            None => whole,
        };
        Some(Footprint {
            number: shift.number,
            whole: Some(whole),
            part: Some(part),
            ..Footprint::default()
        })
    }

    /// Tells every level above of a change that is a fact, the nearest first, one after another.
    pub fn tell_above(&mut self, account: u16, footprint: &Footprint) {
        if footprint.is_nothing() {
            return;
        }
        let holding = self.holdings.get(&footprint.number);
        let site = Site {
            instrument: holding.map(|holding| &holding.listed.instrument),
            venue: self
                .accounts
                .get(usize::from(account))
                .map(|route| &route.venue),
            now: self.seen,
        };
        for (at, group) in self.levels.over(account).enumerate() {
            let mut group = group.state.lock();
            group.apply(footprint, &site);
            if !footprint.traded.is_zero()
                && let Some(counted) = self.traded_above.get_mut(at)
            {
                counted_in(counted, &group, footprint.traded);
            }
        }
    }

    /// Tells every level above that so many live orders went and came at an account.
    pub fn tell_orders(&mut self, account: u16, went: bool, came: bool) {
        let footprint = Footprint {
            orders: (u32::from(went), u32::from(came)),
            ..Footprint::default()
        };
        self.tell_above(account, &footprint);
    }

    /// Gives the notional that an order never traded back to the groups that want it so (F3): as much as was counted when it was first
    /// approved, since what a replace added was counted at another time.
    pub(super) fn give_back_above(&self, record: &OrderRecord) {
        let unfilled = record.life.unfilled_share(record.counted_above);
        if unfilled.is_zero() {
            return;
        }
        for group in self.levels.over(record.account) {
            let mut group = group.state.lock();
            if group
                .limits
                .notional_rate
                .is_some_and(|limit| limit.give_back)
            {
                group
                    .notional_rate
                    .give_back(record.approved.mono, unfilled);
            }
        }
    }

    /// Prices that an order rests at in the groups above; none where the bucket's self-match rule does not reach them.
    #[must_use]
    pub fn resting_above(&self, record: &OrderRecord) -> Vec<Price> {
        match self.limits.self_match_above() {
            Some(_) => record.resting_prices().collect(),
            None => Vec::new(),
        }
    }

    /// Tells the groups that the self-match rule reaches that an order rests at other prices than before.
    pub fn rest_above(&self, number: u32, side: Side, gone: &[Price], come: &[Price]) {
        if gone == come {
            return;
        }
        for group in self.levels.within(self.limits.self_match_above()) {
            group.state.lock().resting.change(
                (number, side, self.number),
                gone.iter().copied(),
                come.iter().copied(),
            );
        }
    }

    /// Takes the prices of all live orders to or from the groups that a self-match rule of this scope reaches.
    pub(super) fn rest_all_within(&self, scope: Option<Level>, here: bool) {
        self.rest_all_in(scope, self.levels.path.iter(), here);
    }

    /// The same for some groups.
    pub(in crate::engine) fn rest_all_in<'g>(
        &self,
        scope: Option<Level>,
        groups: impl Iterator<Item = &'g Arc<Group>>,
        here: bool,
    ) {
        let reached = |group: &&Arc<Group>| scope.is_some_and(|scope| group.level <= scope);
        for group in groups.filter(reached) {
            let mut group = group.state.lock();
            for (_, record) in self.orders.iter() {
                let key = (record.instrument, record.side, self.number);
                let (gone, come) = match here {
                    true => (None, Some(record.resting_prices())),
                    false => (Some(record.resting_prices()), None),
                };
                let (gone, come) = (gone.into_iter().flatten(), come.into_iter().flatten());
                group.resting.change(key, gone, come);
            }
        }
    }

    /// Everything the bucket counts for above, as if it came at once: for a move to other groups.
    pub(in crate::engine) fn whole_footprint(&self) -> Option<Vec<(u16, Footprint)>> {
        let mut told = Vec::new();
        let mut running = Totals::default();
        for holding in self.holdings.values() {
            let next = running.with(&Worth::default(), &holding.worth)?;
            let whole = Step {
                totals: (running, next),
                reach: (Reach::default(), holding.line.reach()?),
                gross: (Money::ZERO, holding.worth.gross()),
            };
            running = next;
            let number = holding.listed.number;
            let several = self.accounts.len() > 1;
            told.push((
                0,
                Footprint {
                    number,
                    whole: Some(whole),
                    part: (!several).then_some(whole),
                    ..Footprint::default()
                },
            ));
            for known in holding.by_account.iter().filter(|_| several) {
                // Groups look at no more of an account than its gross exposure; the levels around stay where they are.
                let part = Step {
                    gross: (Money::ZERO, known.worth.gross()),
                    ..Step::default()
                };
                told.push((
                    known.account,
                    Footprint {
                        number,
                        part: Some(part),
                        ..Footprint::default()
                    },
                ));
            }
        }
        told.push((
            0,
            Footprint {
                orders: (0, self.live_orders()),
                value: (Money::ZERO, self.open_value),
                traded: self.traded,
                ..Footprint::default()
            },
        ));
        Some(told)
    }

    /// What the group at a place of the path counts of the bucket's executed value in the trading day it is in.
    pub(in crate::engine) fn traded_at(&self, place: usize, group: &GroupState) -> Money {
        match self.traded_above.get(place) {
            Some((day, sum)) if *day == group.day_end() => *sum,
            Some(_) | None => Money::ZERO,
        }
    }

    /// Executed value of the bucket's own trading day.
    pub(in crate::engine) const fn traded(&self) -> Money {
        self.traded
    }

    /// Hangs the bucket under other levels, whose groups count so much of its executed value each; gives what the groups before did.
    pub(in crate::engine) fn hang(
        &mut self,
        levels: Levels,
        traded: Vec<(i64, Money)>,
    ) -> Vec<(i64, Money)> {
        self.levels = Arc::new(levels);
        self.version = self.version.saturating_add(1);
        // Whoever changes limits next has to have seen where the bucket hangs now.
        self.documents.renew();
        self.changes = self.changes.saturating_add(1);
        core::mem::replace(&mut self.traded_above, traded)
    }
}

fn counted_in(counted: &mut (i64, Money), group: &GroupState, executed: Money) {
    if counted.0 != group.day_end() {
        *counted = (group.day_end(), Money::ZERO);
    }
    counted.1 = counted.1.checked_add(executed).unwrap_or(counted.1);
}
