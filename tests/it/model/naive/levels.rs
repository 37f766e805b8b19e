//! What groups, venues and counterparties count of everything below them, from the lists.

use std::collections::BTreeMap;

use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::order::Side;

use super::bench::{Ask, Bench, count, use_of};
use super::rules::{GroupRules, Set};
use super::{DAY, Group, Line, Model, U};

/// Everything that a level counts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LevelUsage {
    pub gross: U,
    pub long: U,
    pub short: U,
    /// Σ of what each child nets to.
    pub net: U,
    /// By contract: longest and shortest of each child, not below zero, added up; and the same as they are.
    pub reach: Vec<[U; 4]>,
    pub orders: u32,
    pub open: U,
    pub traded: U,
    pub underlyings: BTreeMap<&'static str, U>,
    pub venues: BTreeMap<&'static str, U>,
}

impl LevelUsage {
    pub fn net(&self, offsets: bool) -> U {
        if offsets {
            self.long.max(self.short).max(0)
        } else {
            self.net
        }
    }

    fn reached(&self, instrument: usize, side: Side, offsets: bool) -> U {
        self.reach[instrument][usize::from(side == Side::Sell) + if offsets { 2 } else { 0 }]
    }

    fn set(&self, set: Set, value: &str) -> U {
        let sums = match set {
            Set::Underlying => &self.underlyings,
            Set::Venue => &self.venues,
        };
        sums.get(value).copied().unwrap_or(0)
    }

    /// Counts a child with these lines.
    fn child<'l>(&mut self, model: &Model, bucket: usize, lines: impl Iterator<Item = &'l Line>) {
        let (mut all_long, mut all_short) = (0, 0);
        for (instrument, line) in lines.enumerate() {
            let (long, short) = line.worth(model.pools[bucket].units[instrument].unwrap_or(0));
            let gross = long.max(short).max(0);
            self.gross += gross;
            all_long += long;
            all_short += short;
            let up = line.position + line.buys.open + line.buys.exit;
            let down = -line.position + line.sells.open + line.sells.exit;
            for (sum, more) in
                self.reach[instrument]
                    .iter_mut()
                    .zip([up.max(0), down.max(0), up, down])
            {
                *sum += more;
            }
            let name = model.contracts[instrument].underlying;
            *self.underlyings.entry(name).or_default() += gross;
        }
        self.long += all_long;
        self.short += all_short;
        self.net += all_long.max(all_short).max(0);
    }
}

/// Whether a limit is exceeded, and further than before.
fn breaks(rules: &GroupRules, old: &LevelUsage, new: &LevelUsage) -> bool {
    let rules = rules.enforced();
    let over =
        |limit: Option<U>, old: U, new: U| limit.is_some_and(|limit| new > limit && new > old);
    let ends = (0..old.reach.len()).any(|instrument| {
        let of = |usage: &LevelUsage, side| usage.reached(instrument, side, rules.offsets);
        [(rules.long, Side::Buy), (rules.short, Side::Sell)]
            .into_iter()
            .any(|(limit, side)| over(limit, of(old, side), of(new, side)))
    });
    let sets = rules.sets.iter().any(|(set, only, bound)| {
        let sums = match set {
            Set::Underlying => &new.underlyings,
            Set::Venue => &new.venues,
        };
        let counted = sums
            .keys()
            .filter(|name| only.is_none_or(|only| only == **name));
        counted
            .into_iter()
            .any(|name| over(Some(*bound), old.set(*set, name), new.set(*set, name)))
    });
    ends || sets
        || over(rules.gross, old.gross, new.gross)
        || over(rules.net, old.net(rules.offsets), new.net(rules.offsets))
        || over(rules.traded, old.traded, new.traded)
        || rules
            .open
            .is_some_and(|(max, _)| new.orders > max && new.orders > old.orders)
}

impl Model {
    /// The levels above an account, the nearest first: groups upward, then its venue, then its counterparty.
    pub fn over(&self, bucket: usize, account: usize) -> Vec<&Group> {
        let pool = &self.pools[bucket];
        let venue = pool.accounts.get(account).map(|(venue, _)| *venue);
        let path = pool.path.iter().map(|at| &self.groups[*at]);
        let here = |group: &&Group| venue.is_some_and(|venue| group.venues.contains(&venue));
        path.chain(self.around.iter().filter(here)).collect()
    }

    pub fn level_usage(&self, group: &Group) -> LevelUsage {
        let mut sum = LevelUsage {
            reach: vec![[0; 4]; self.contracts.len()],
            ..LevelUsage::default()
        };
        let place = self
            .groups
            .iter()
            .position(|other| other.name == group.name);
        let place = place.filter(|_| group.venues.is_empty());
        let today = |wall: i64| {
            let day = |wall: i64| (wall - group.reset).div_euclid(DAY);
            day(wall) == day(self.now.wall)
        };
        for (bucket, pool) in self.pools.iter().enumerate() {
            let of_path = place.is_some_and(|place| pool.path.contains(&place));
            let counts = |account: usize| match place {
                Some(_) => of_path,
                None => {
                    let venue = pool.accounts.get(account).map(|(venue, _)| venue);
                    venue.is_some_and(|venue| group.venues.contains(venue))
                }
            };
            let usage = self.usage(bucket);
            if of_path {
                sum.child(self, bucket, usage.lines.iter());
            }
            for (account, (venue, _)) in pool.accounts.iter().enumerate() {
                if !counts(account) {
                    continue;
                }
                let lines = || usage.by_account.iter().map(|lines| &lines[account]);
                if place.is_none() {
                    sum.child(self, bucket, lines());
                }
                for (instrument, line) in lines().enumerate() {
                    let (long, short) = line.worth(pool.units[instrument].unwrap_or(0));
                    *sum.venues.entry(venue).or_default() += long.max(short).max(0);
                }
            }
            if place.is_none() {
                let executed = pool.traded.iter();
                let executed =
                    executed.filter(|(wall, _, account)| today(*wall) && counts(*account));
                sum.traded += executed.map(|(_, value, _)| value).sum::<U>();
            }
            for (at, order) in self.orders.iter().enumerate() {
                if order.bucket == bucket && !order.is_over() && counts(order.account) {
                    sum.orders += 1;
                    sum.open += self.counts(at).value;
                }
            }
        }
        let executed = group.traded.iter().filter(|(wall, _, _)| today(*wall));
        sum.traded += executed.map(|(_, value, _)| value).sum::<U>();
        sum.traded += sum.open;
        sum
    }

    /// Notes an executed value of a bucket's account, and of the groups above.
    pub(super) fn executed(&mut self, bucket: usize, value: U, account: usize) {
        let wall = self.now.wall;
        let pool = &mut self.pools[bucket];
        pool.traded.push((wall, value, account));
        for group in &pool.path {
            self.groups[*group].traded.push((wall, value, bucket));
        }
    }

    /// L4: a bucket comes to hang under another group, with everything it uses; whether anything had to change, and could.
    pub fn move_bucket(&mut self, bucket: usize, to: usize, force: bool) -> bool {
        let path = if to == 0 { vec![0] } else { vec![to, 0] };
        let old = self.pools[bucket].path.clone();
        if path == old {
            return false;
        }
        let come: Vec<usize> = path
            .iter()
            .copied()
            .filter(|at| !old.contains(at))
            .collect();
        let gone: Vec<usize> = old
            .iter()
            .copied()
            .filter(|at| !path.contains(at))
            .collect();
        let of_today: U = self.pools[bucket]
            .traded
            .iter()
            .filter(|(wall, _, _)| self.is_today(bucket, *wall))
            .map(|(_, value, _)| value)
            .sum();
        let kept = (self.pools.clone(), self.groups.clone());
        let counted = |model: &Self| -> Vec<LevelUsage> {
            let of = |at: &usize| model.level_usage(&model.groups[*at]);
            come.iter().map(of).collect()
        };
        let before = counted(self);
        self.pools[bucket].path = path;
        for at in &come {
            self.groups[*at]
                .traded
                .push((self.now.wall, of_today, bucket));
        }
        for at in &gone {
            self.groups[*at]
                .traded
                .retain(|(_, _, whose)| *whose != bucket);
        }
        let after = counted(self);
        let broken = come
            .iter()
            .zip(before.iter().zip(&after))
            .any(|(at, (old, new))| breaks(&self.groups[*at].rules, old, new));
        if broken && !force {
            (self.pools, self.groups) = kept;
            return false;
        }
        true
    }

    /// Counts an approval in the windows of every level above it.
    pub(super) fn count_above(&mut self, ask: &Ask, added: U, reserve: bool) {
        let names: Vec<&str> = self
            .over(ask.bucket, ask.account)
            .iter()
            .map(|it| it.name)
            .collect();
        let now = self.now.mono;
        for group in self.groups.iter_mut().chain(&mut self.around) {
            if !names.contains(&group.name) {
                continue;
            }
            if let Some(limit) = &group.rules.rate {
                let (_, _, reserve) = use_of(&group.approved, limit, now, reserve);
                group.approved.push((now, reserve));
            }
            if group.rules.notional_rate.is_some() {
                group.notionals.push((now, added));
            }
        }
    }

    pub(super) fn give_back_above(
        &mut self,
        bucket: usize,
        account: usize,
        approved: u64,
        back: U,
    ) {
        let names: Vec<&str> = self
            .over(bucket, account)
            .iter()
            .map(|it| it.name)
            .collect();
        for group in self.groups.iter_mut().chain(&mut self.around) {
            let gives = group.rules.notional_rate.is_some_and(|(_, _, gives)| gives);
            if !gives || !names.contains(&group.name) {
                continue;
            }
            let entry = group
                .notionals
                .iter_mut()
                .find(|(time, _)| *time == approved);
            if let Some((_, entry)) = entry {
                *entry -= back.min(*entry);
            }
        }
    }

    /// Whether an order would trade with one of another bucket that takes part in the same group.
    pub(super) fn crosses_in(&self, ask: &Ask, group: &Group) -> Option<bool> {
        let reaches = |bucket: usize| {
            let rules = &self.pools[bucket].rules;
            let scope = match rules.self_scope {
                0 => Level::Bucket,
                1 => Level::Desk,
                _ => Level::Firm,
            };
            rules.self_match != 0
                && rules.enforces(Reason::SelfMatch)
                && group.venues.is_empty()
                && group.level <= scope
        };
        if !reaches(ask.bucket) {
            return None;
        }
        let place = self
            .groups
            .iter()
            .position(|other| other.name == group.name)?;
        let others = self.orders.iter().filter(|order| {
            order.bucket != ask.bucket
                && reaches(order.bucket)
                && self.pools[order.bucket].path.contains(&place)
                && order.instrument == ask.instrument
                && order.side != ask.side
                && !order.is_over()
        });
        Some(others.flat_map(super::life::Held::resting).any(|resting| {
            match (ask.side, ask.terms.limit_price()) {
                (_, None) => true,
                (Side::Buy, Some(price)) => price.units() >= resting,
                (Side::Sell, Some(price)) => price.units() <= resting,
            }
        }))
    }

    /// What the levels above say of one reason, in their order.
    #[expect(clippy::too_many_arguments, reason = "figures of one decision")]
    pub(super) fn judge_above(
        &self,
        bench: &mut Bench,
        reason: Reason,
        ask: &Ask,
        levels: &[(Group, LevelUsage, LevelUsage)],
        added: U,
        known: Result<(), Reason>,
        priced: Result<(), Reason>,
    ) {
        let now = self.now.mono;
        for (group, before, after) in levels {
            let (rules, level) = (&group.rules, group.level);
            let value = |bench: &mut Bench, limit: Option<U>, before: U, after: U, needs| {
                if let Some(limit) = limit {
                    let after: Result<U, Reason> = Result::map(needs, |()| after);
                    bench.value(reason, level, limit, before, after);
                }
            };
            let reached = |bench: &mut Bench, limit, side| {
                let of = |usage: &LevelUsage| usage.reached(ask.instrument, side, rules.offsets);
                value(bench, limit, of(before), of(after), Ok(()));
            };
            match reason {
                Reason::PositionLong => reached(bench, rules.long, Side::Buy),
                Reason::PositionShort => reached(bench, rules.short, Side::Sell),
                Reason::GrossNotional => {
                    let needs = known.and(priced);
                    value(bench, rules.gross, before.gross, after.gross, needs);
                }
                Reason::NetNotional => {
                    let of = |usage: &LevelUsage| usage.net(rules.offsets);
                    let needs = known.and(priced);
                    value(bench, rules.net, of(before), of(after), needs);
                }
                Reason::OpenOrders => {
                    if let (Some((max, reserve)), None) = (rules.open, ask.replaces) {
                        let most = if bench.exit { max } else { max - reserve };
                        bench.measure(
                            reason,
                            level,
                            count(most),
                            count(before.orders),
                            count(before.orders + 1),
                        );
                    }
                }
                Reason::Concentration => {
                    for set in [Set::Underlying, Set::Venue] {
                        let name = match set {
                            Set::Underlying => self.contracts[ask.instrument].underlying,
                            Set::Venue => self.pools[ask.bucket].accounts[ask.account].0,
                        };
                        let bounds = rules.sets.iter().filter(|(which, only, _)| {
                            *which == set && only.is_none_or(|only| only == name)
                        });
                        let bound = bounds.map(|(_, _, bound)| *bound).min();
                        let (old, new) = (before.set(set, name), after.set(set, name));
                        bench.by_venue = set == Set::Venue;
                        value(bench, bound, old, new, known.and(priced));
                        bench.by_venue = false;
                    }
                }
                Reason::TradedNotional => {
                    value(bench, rules.traded, before.traded, after.traded, known);
                }
                Reason::NotionalRate => {
                    if let Some((limit, window, _)) = rules.notional_rate {
                        let live = group.notionals.iter();
                        let live = live.filter(|(time, _)| now - time < window);
                        let used: U = live.map(|(_, value)| value).sum();
                        value(bench, Some(limit), used, used + added, known);
                    }
                }
                _ => {}
            }
        }
    }
}
