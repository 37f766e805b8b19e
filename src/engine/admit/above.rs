//! The levels above a bucket while orders are decided: locked from the first look at them until the answer is final.

use arrayvec::ArrayVec;
use parking_lot::MutexGuard;

use crate::domain::amount::Price;
use crate::domain::decision::Level;
use crate::domain::order::Side;
use crate::domain::time::Now;
use crate::engine::DEPTH;
use crate::engine::group::{GroupBefore, GroupState, Levels};
use crate::engine::order::resting_price;
use crate::risk::lifecycle::Life;

/// The levels above a bucket, locked upward, and then its venues and counterparties.
pub(super) struct Above<'l> {
    levels: &'l Levels,
    path: ArrayVec<MutexGuard<'l, GroupState>, DEPTH>,
    /// With the place of each among the levels around.
    around: Vec<(u8, MutexGuard<'l, GroupState>)>,
    locked: bool,
    /// Where several orders are decided under the same locks: what each of them changed among the resting prices.
    kept: Option<Vec<Rested>>,
}

/// A change among the prices that orders rest at.
struct Rested {
    of: Resters,
    gone: Vec<Price>,
    come: Vec<Price>,
}

impl<'l> Above<'l> {
    /// Locks nothing yet.
    pub(super) const fn new(levels: &'l Levels) -> Self {
        Self {
            levels,
            path: ArrayVec::new_const(),
            around: Vec::new(),
            locked: false,
            kept: None,
        }
    }

    /// Locks every level, whatever the account, and keeps them until it is dropped. Their days are brought up to now: what is undone
    /// later must not bring an earlier day back.
    pub(super) fn kept(levels: &'l Levels, now: Now) -> Self {
        let mut above = Self::new(levels);
        above.lock_path();
        let all = levels.around.iter().zip(0_u8..);
        let locked = all.map(|(level, at)| (at, level.state.lock()));
        above.around.extend(locked);
        for group in &mut above.path {
            group.roll(now);
        }
        for (_, group) in &mut above.around {
            group.roll(now);
        }
        above.kept = Some(Vec::new());
        above
    }

    /// Locks the groups upward, and then the venue and the counterparty of the account: once.
    pub(super) fn lock(&mut self, account: u16) {
        if self.locked {
            return;
        }
        self.lock_path();
        for at in self.levels.around_of(account) {
            if let Some(level) = self.levels.around.get(usize::from(*at)) {
                self.around.push((*at, level.state.lock()));
            }
        }
    }

    fn lock_path(&mut self) {
        self.locked = true;
        let path = self.levels.path.iter().take(DEPTH);
        self.path.extend(path.map(|group| group.state.lock()));
    }

    /// Those that count an account, the nearest first.
    pub(super) fn over(&mut self, account: u16) -> impl Iterator<Item = &mut GroupState> {
        let here = self.levels.around_of(account);
        let path = self.path.iter_mut().map(|guard| &mut **guard);
        let around = self.around.iter_mut();
        path.chain(around.filter_map(|(at, guard)| here.contains(at).then_some(&mut **guard)))
    }

    /// The same, to look at, each with its level.
    pub(super) fn seen(&self, account: u16) -> impl Iterator<Item = (Level, &GroupState)> {
        let here = self.levels.around_of(account);
        let path = self.path.iter().map(|guard| &**guard);
        let around = self.around.iter();
        let around = around.filter_map(|(at, guard)| here.contains(at).then_some(&**guard));
        let levels = self.levels.over(account).map(|group| group.level);
        levels.zip(path.chain(around))
    }

    /// Notes where an order rests from now on, and where it did before it was replaced, in the groups that its bucket's rule reaches.
    pub(super) fn rest(&mut self, of: &Resters, replaced: Option<&Life>, life: &Life) {
        if of.scope.is_none() {
            return;
        }
        let gone = replaced.into_iter().flat_map(Life::versions);
        let rested = Rested {
            of: *of,
            gone: gone.filter_map(resting_price).collect(),
            come: life.versions().filter_map(resting_price).collect(),
        };
        self.change(&rested.of, &rested.gone, &rested.come);
        if let Some(kept) = &mut self.kept {
            kept.push(rested);
        }
    }

    fn change(&mut self, of: &Resters, gone: &[Price], come: &[Price]) {
        for (group, level) in self.path.iter_mut().zip(self.levels.path.iter()) {
            if of.reach(level.level) {
                let whose = (of.number, of.side, of.owner);
                group
                    .resting
                    .change(whose, gone.iter().copied(), come.iter().copied());
            }
        }
    }

    /// Lets the path go as soon as its figures are settled: siblings wait for no more than that.
    pub(super) fn done(&mut self) {
        if self.kept.is_none() {
            self.path.clear();
            self.around.clear();
            self.locked = false;
        }
    }

    /// Every level as it is, as far as orders in these instruments can change it.
    pub(super) fn save(&self, numbers: &[u32]) -> Vec<GroupBefore> {
        let path = self.path.iter().map(|guard| guard.save(numbers));
        let around = self.around.iter().map(|(_, guard)| guard.save(numbers));
        path.chain(around).collect()
    }

    /// Brings every level back.
    pub(super) fn restore(&mut self, before: Vec<GroupBefore>) {
        let rested = self.kept.as_mut().map(core::mem::take);
        for Rested { of, gone, come } in rested.unwrap_or_default().iter().rev() {
            self.change(of, come, gone);
        }
        let path = self.path.iter_mut();
        let around = self.around.iter_mut().map(|(_, guard)| guard);
        for (group, before) in path.chain(around).zip(before) {
            group.restore(before);
        }
    }
}

/// An order among those that rest in the groups which its bucket's self-match rule reaches (A15).
#[derive(Clone, Copy)]
pub(super) struct Resters {
    pub(super) scope: Option<Level>,
    pub(super) number: u32,
    pub(super) side: Side,
    pub(super) owner: u32,
}

impl Resters {
    fn reach(&self, level: Level) -> bool {
        self.scope.is_some_and(|scope| level <= scope)
    }

    /// Whether the order would trade with one of another bucket there; nothing where the rule does not look.
    pub(super) fn meets(
        &self,
        level: Level,
        group: &GroupState,
        price: Option<Price>,
    ) -> Option<bool> {
        let Self {
            number,
            side,
            owner,
            ..
        } = *self;
        self.reach(level)
            .then(|| group.resting.meets(number, side, price, owner))
    }
}
