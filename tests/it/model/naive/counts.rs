//! Everything that a bucket and a group count, from the lists.

use bulkhead::domain::decision::Reason;
use bulkhead::domain::order::Side;

use super::rules::{Bound, Rules, Set};
use super::{DAY, Model, U, down, up};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Open {
    pub open: U,
    pub value: U,
    pub exit: U,
    /// Of all, those that only reduce: marked so, or approved as exits (A13).
    pub reducing: U,
    /// What may fill besides and does not count.
    pub credit: U,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Line {
    pub position: U,
    pub buys: Open,
    pub sells: Open,
}

impl Line {
    pub fn side(&self, side: Side) -> &Open {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    /// B2: the longest and the shortest end.
    pub fn worth(&self, unit: U) -> (U, U) {
        (
            up(self.position + self.buys.exit, unit) + self.buys.value,
            up(-self.position + self.sells.exit, unit) + self.sells.value,
        )
    }

    pub(super) fn exits(&self, side: Side, quantity: U, own: U) -> bool {
        let reducible = match side {
            Side::Buy => -self.position,
            Side::Sell => self.position,
        };
        let open = self.side(side);
        reducible > 0 && open.open + open.exit + open.credit - own + quantity <= reducible
    }
}

/// Everything a bucket counts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    pub lines: Vec<Line>,
    pub by_account: Vec<Vec<Line>>,
    pub gross_of: Vec<U>,
    pub gross: U,
    pub long: U,
    pub short: U,
    pub orders: u32,
    pub open_value: U,
    pub traded: U,
    pub(super) unvalued: Vec<u32>,
}

impl Usage {
    pub fn net(&self) -> U {
        self.long.max(self.short).max(0)
    }

    /// Contracts whose worth here rests on their price.
    pub(super) fn by_price(&self) -> impl Iterator<Item = usize> {
        let needs = |(instrument, line): &(usize, &Line)| {
            line.position != 0
                || line.buys.exit != 0
                || line.sells.exit != 0
                || self.unvalued[*instrument] > 0
        };
        self.lines
            .iter()
            .enumerate()
            .filter(needs)
            .map(|(instrument, _)| instrument)
    }
}

impl Model {
    /// Number of a bucket's trading day.
    fn day(&self, bucket: usize, wall: i64) -> i64 {
        (wall - self.pools[bucket].reset).div_euclid(DAY)
    }

    pub fn is_today(&self, bucket: usize, wall: i64) -> bool {
        self.day(bucket, wall) == self.day(bucket, self.now.wall)
    }

    /// First instant after a bucket's trading day.
    pub(super) fn day_end(&self, bucket: usize) -> i64 {
        (self.day(bucket, self.now.wall) + 1) * DAY + self.pools[bucket].reset
    }

    /// Whether a bucket takes new orders at this time.
    pub(super) fn is_open(&self, bucket: usize) -> bool {
        let windows = &self.pools[bucket].windows;
        windows.is_empty() || windows.iter().any(|window| window.is_open(self.now.wall))
    }

    /// Everything a bucket counts, from the lists.
    pub fn usage(&self, bucket: usize) -> Usage {
        let pool = &self.pools[bucket];
        let contracts = self.contracts.len();
        let accounts = pool.accounts.len().max(1);
        let mut usage = Usage {
            by_account: vec![vec![Line::default(); accounts]; contracts],
            lines: vec![Line::default(); contracts],
            gross_of: vec![0; contracts],
            unvalued: vec![0; contracts],
            ..Usage::default()
        };
        let signed = |side: Side, quantity: U| {
            if side == Side::Buy {
                quantity
            } else {
                -quantity
            }
        };
        for loose in self
            .loose
            .iter()
            .filter(|loose| loose.bucket == bucket && !loose.fill.void)
        {
            let moved = signed(loose.side, loose.fill.quantity);
            usage.lines[loose.instrument].position += moved;
            usage.by_account[loose.instrument][loose.account].position += moved;
        }
        for (at, order) in self.orders.iter().enumerate() {
            if order.bucket != bucket {
                continue;
            }
            for fill in order.fills.iter().filter(|fill| !fill.void) {
                let moved = signed(order.side, fill.quantity);
                usage.lines[order.instrument].position += moved;
                usage.by_account[order.instrument][fill.account].position += moved;
            }
            if order.is_over() {
                continue;
            }
            usage.orders += 1;
            usage.unvalued[order.instrument] += u32::from(order.unvalued);
            let hold = self.counts(at);
            usage.open_value += hold.value;
            for line in [
                &mut usage.lines[order.instrument],
                &mut usage.by_account[order.instrument][order.account],
            ] {
                let open = match order.side {
                    Side::Buy => &mut line.buys,
                    Side::Sell => &mut line.sells,
                };
                if order.exit {
                    open.exit += hold.quantity;
                } else {
                    open.open += hold.quantity;
                    open.value += hold.worth;
                }
                open.credit += hold.credit;
                if order.reduce_only || order.exit {
                    open.reducing += hold.quantity;
                }
            }
        }
        for (instrument, line) in usage.lines.iter().enumerate() {
            let (long, short) = line.worth(pool.units[instrument].unwrap_or(0));
            usage.gross_of[instrument] = long.max(short).max(0);
            usage.gross += usage.gross_of[instrument];
            usage.long += long;
            usage.short += short;
        }
        let executed = pool
            .traded
            .iter()
            .filter(|(wall, _, _)| self.is_today(bucket, *wall));
        usage.traded = usage.open_value + executed.map(|(_, value, _)| value).sum::<U>();
        usage
    }

    /// Σ gross within one set.
    pub fn in_set(&self, bucket: usize, usage: &Usage, set: Set, value: &str) -> U {
        let pool = &self.pools[bucket];
        match set {
            Set::Underlying => self
                .contracts
                .iter()
                .zip(&usage.gross_of)
                .filter(|(contract, _)| contract.underlying == value)
                .map(|(_, gross)| gross)
                .sum(),
            Set::Venue => {
                let mut sum = 0;
                for (instrument, lines) in usage.by_account.iter().enumerate() {
                    for (line, (venue, _)) in lines.iter().zip(&pool.accounts) {
                        if *venue == value {
                            let (long, short) = line.worth(pool.units[instrument].unwrap_or(0));
                            sum += long.max(short).max(0);
                        }
                    }
                }
                sum
            }
        }
    }

    pub fn bound(rules: &Rules, bound: Bound) -> U {
        match bound {
            Bound::Money(money) => money,
            Bound::Share(share) => rules.capital.map_or(0, |capital| down(capital, share)),
        }
    }

    /// Gross, long, short and Σ net of everything below a group.
    pub fn group_usage(&self, group: usize) -> (U, U, U, U) {
        let below = (0..self.pools.len()).filter(|pool| self.pools[*pool].path.contains(&group));
        below.fold((0, 0, 0, 0), |sum, pool| {
            let usage = self.usage(pool);
            (
                sum.0 + usage.gross,
                sum.1 + usage.long,
                sum.2 + usage.short,
                sum.3 + usage.net(),
            )
        })
    }

    /// Whether a bucket is above one of its limits.
    pub fn is_over(&self, bucket: usize) -> bool {
        let (rules, usage) = (&self.pools[bucket].rules, self.usage(bucket));
        let over = |limit: Option<U>, usage: U| limit.is_some_and(|limit| usage > limit);
        let holds = |limit| rules.enforces(limit);
        let long = |(instrument, line): (usize, &Line)| {
            let own = rules.own(instrument);
            over(own.long, rules.reach(line, Side::Buy)) && holds(Reason::PositionLong)
                || over(own.short, rules.reach(line, Side::Sell)) && holds(Reason::PositionShort)
        };
        let met =
            |(instrument, _): &(usize, &Line)| self.pools[bucket].fresh[*instrument].is_some();
        usage.lines.iter().enumerate().filter(met).any(long)
            || over(rules.gross, usage.gross) && holds(Reason::GrossNotional)
            || over(rules.net, usage.net()) && holds(Reason::NetNotional)
            || over(rules.traded, usage.traded) && holds(Reason::TradedNotional)
            || rules.open.is_some_and(|(max, _)| usage.orders > max) && holds(Reason::OpenOrders)
            || holds(Reason::Concentration)
                && rules.sets.iter().any(|(set, only, bound)| {
                    let bound = Self::bound(rules, *bound);
                    self.values(bucket, *set)
                        .into_iter()
                        .filter(|value| only.is_none_or(|only| only == *value))
                        .any(|value| self.in_set(bucket, &usage, *set, value) > bound)
                })
    }

    fn values(&self, bucket: usize, set: Set) -> Vec<&'static str> {
        let mut values: Vec<&str> = match set {
            Set::Underlying => self
                .contracts
                .iter()
                .map(|contract| contract.underlying)
                .collect(),
            Set::Venue => self.pools[bucket]
                .accounts
                .iter()
                .map(|(venue, _)| *venue)
                .collect(),
        };
        values.sort_unstable();
        values.dedup();
        values
    }
}
