//! The small firm that the properties run on.

mod events;
mod setup;

use bulkhead::domain::amount::Amount;
use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::state::TradingState;
use bulkhead::domain::time::SECOND;

use super::naive::{
    Bound, Collar, Contract, Group, GroupRules, MODAL, Model, ONE, Own, Rate, Rules, Set, Target,
    U, Window,
};
use crate::support::START;
pub use events::{BASE, Event, event, order, pause};
pub use setup::{engine, group_limits, limits};

/// Every name of a venue or an account.
pub const NAMES: &[&str] = &["X", "Y", "a-x", "a-y", "b-x", "c-x", "c-y"];

const HOUR: i64 = 3_600_000_000_000;
const CENT: U = ONE / 100;

pub const CONTRACTS: &[Contract] = &[
    contract("P", 1, "BTC"),
    Contract {
        euro: true,
        tick: ONE / 2,
        lot: ONE,
        ..contract("E", 5, "DAX")
    },
    Contract {
        inverse: true,
        tick: ONE / 10,
        lot: ONE,
        venues: &["X"],
        ..contract("I", 10, "BTC")
    },
    Contract {
        negative: true,
        max_age: SECOND,
        ..contract("S", 2, "OIL")
    },
    Contract {
        option_on: Some(0),
        collar: Some(Collar {
            aggressive: Some(ONE / 5),
            passive: None,
            absolute: Some(3 * ONE),
            period: None,
        }),
        ..contract("O", 1, "BTC")
    },
    // One expires in the middle of many a walk, one while nights pass.
    Contract {
        expiry: Some(START.wall + 5_000_000_000),
        ..contract("F", 2, "OIL")
    },
    Contract {
        euro: true,
        quanto: true,
        expiry: Some(START.wall + 108_000_000_000_000),
        ..contract("Q", 1, "BTC")
    },
];

const fn contract(name: &'static str, multiplier: U, underlying: &'static str) -> Contract {
    Contract {
        name,
        inverse: false,
        euro: false,
        quanto: false,
        multiplier: multiplier * ONE,
        tick: CENT,
        lot: ONE / 1000,
        underlying,
        venues: &["X", "Y"],
        negative: false,
        option_on: None,
        max_age: 60 * SECOND,
        collar: None,
        expiry: None,
    }
}

pub const BUCKETS: [&str; 3] = ["a", "b", "c"];

pub const CLIENTS: [&str; 3] = ["ca", "cb", "cc"];

/// Place of the quarantine bucket in the model.
pub const QUARANTINE: usize = 3;

/// Random bits, dealt out piece by piece.
#[derive(Clone, Copy)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        let rolled = self.0 % sides;
        self.0 /= sides;
        rolled
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.roll(list.len() as u64)).unwrap()]
    }

    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == sides - 1
    }

    /// Something once in so many times.
    fn some(&mut self, sides: u64, list: &[U]) -> Option<U> {
        self.one_in(sides).then(|| self.pick(list) * ONE)
    }
}

/// What a run looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shape {
    /// How often limits are set: one in so many.
    pub limits: u64,
    /// Whether groups have limits.
    pub groups: bool,
    /// Whether venues and counterparties have limits too, and self-match rules look beyond the bucket.
    pub around: bool,
    /// Whether reroutes are declared and asked for.
    pub reroutes: bool,
    /// Whether states change and limits are cut on the way.
    pub admin: bool,
    /// Whether the venue and the client err: late, lost, doubled, void and unknown reports.
    pub mess: bool,
    /// Whether orders are linked, so that not all of them can fill.
    pub links: bool,
    /// Whether only capacity can stand against an order: few other limits, plain orders.
    pub plain: bool,
}

pub const FULL: Shape = Shape {
    limits: 4,
    groups: true,
    around: true,
    reroutes: true,
    admin: true,
    mess: true,
    links: true,
    plain: false,
};

pub fn rules(seed: u64, limits: u64) -> Rules {
    let mut dice = Dice(seed);
    let n = limits;
    let mut rules = Rules {
        slippage: dice.pick(&[ONE / 20, ONE / 10]),
        long: dice.some(n, &[5, 12, 20]),
        short: dice.some(n, &[5, 12, 20]),
        gross: dice.some(n, &[1_000, 2_000, 3_000]),
        net: dice.some(n, &[800, 1_500]),
        quantity: dice.some(n * 2, &[4, 8]),
        notional: dice.some(n * 2, &[500, 900]),
        traded: dice.some(n * 2, &[2_000, 4_000]),
        open: dice.one_in(n).then(|| (dice.pick(&[2, 4]), 1)),
        rate: dice.one_in(n).then(|| Rate {
            max: dice.pick(&[3, 6]),
            window: SECOND,
            reserve: dice.pick(&[0, 1]),
        }),
        no_credit: dice.one_in(3),
        self_match: dice.pick(&[0, 0, 1, 2]),
        ..Rules::default()
    };
    // The rest of the bits are spent: the others come from a stirred seed.
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (seed >> 17));
    rules.alike = dice.one_in(n * 2).then_some((1, SECOND));
    rules.notional_rate = dice
        .one_in(n * 2)
        .then(|| (dice.pick(&[900, 1_500]) * ONE, SECOND, dice.one_in(2)));
    if dice.one_in(n * 2) {
        rules.collar = Some(Collar {
            aggressive: dice.one_in(2).then_some(ONE / 10),
            passive: dice.one_in(3).then_some(ONE / 5),
            absolute: dice.some(3, &[5]),
            period: dice.one_in(2).then_some(ONE / 10),
        });
    }
    if dice.one_in(n) {
        let set = dice.pick(&[Set::Underlying, Set::Venue]);
        let only = match set {
            Set::Underlying => dice.pick(&[None, Some("BTC")]),
            Set::Venue => dice.pick(&[None, Some("X"), Some("Y")]),
        };
        rules.capital = Some(5_000 * ONE);
        let bound = dice.pick(&[Bound::Money(1_000 * ONE), Bound::Share(ONE / 4)]);
        rules.sets.push((set, only, bound));
    }
    if dice.one_in(n) {
        let own = Own {
            quantity: dice.some(2, &[6]),
            long: dice.some(2, &[4, 9]),
            short: dice.some(2, &[4, 9]),
            collar: dice.one_in(2).then_some(Collar {
                aggressive: None,
                passive: None,
                absolute: None,
                period: Some(ONE / 10),
            }),
        };
        rules.per.insert(0, own);
    }
    rules.base = dice.some(n * 3, &[4, 30]);
    rules.underlying = dice.some(n * 2, &[500]);
    rules.allow = dice.one_in(n * 3).then(|| vec![0, 2]);
    rules.deny = if dice.one_in(n * 3) {
        vec![1]
    } else {
        Vec::new()
    };
    rules.restricted = if dice.one_in(n * 4) {
        vec![3]
    } else {
        Vec::new()
    };
    if dice.one_in(n * 2) {
        rules.post_only = dice.pick(&[1, 2]);
    }
    rules.spread = dice.pick(&[None, Some(0), Some(ONE * 3 / 20), Some(ONE / 3), Some(ONE)]);
    rules.patience = dice.pick(&[SECOND / 2, SECOND, 30 * SECOND]);
    if dice.one_in(n * 2) {
        rules.short_sale = dice.pick(&[1, 2]);
    }
    (rules.shadow, rules.off) = modes(seed);
    rules.self_scope = dice.pick(&[0, 1, 2, 2]);
    rules
}

/// Limits in shadow and limits that are off, in one document of two.
pub fn modes(seed: u64) -> (Vec<Reason>, Vec<Reason>) {
    let mut bits = seed.rotate_left(23) ^ 0xA076_1D64_78BD_642F;
    let mut dice = || {
        bits = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31) ^ seed;
        Dice(bits >> 8)
    };
    let (mut shadow, mut off) = (Vec::new(), Vec::new());
    if dice().one_in(2) {
        for limit in MODAL {
            match dice().roll(10) {
                0 | 1 => shadow.push(*limit),
                2 => off.push(*limit),
                _ => {}
            }
        }
    }
    (shadow, off)
}

pub fn group_rules(seed: u64, limits: u64) -> GroupRules {
    let mut dice = Dice(seed);
    let (shadow, off) = modes(seed);
    GroupRules {
        gross: dice.some(limits, &[1_500, 3_000]),
        net: dice.some(limits, &[1_000, 2_500]),
        offsets: dice.one_in(2),
        rate: dice.one_in(limits * 2).then(|| Rate {
            max: dice.pick(&[4, 8]),
            window: SECOND,
            reserve: dice.pick(&[0, 1]),
        }),
        disclose: dice.one_in(2),
        shadow,
        off,
        long: dice.some(limits * 4, &[8, 20]),
        short: dice.some(limits * 4, &[8, 20]),
        open: dice
            .one_in(limits * 4)
            .then(|| (dice.pick(&[3, 6]), dice.roll(2) as u32)),
        traded: dice.some(limits * 4, &[3_000, 6_000]),
        ..more_group_rules(seed, limits)
    }
}

/// The rest of the bits are spent: these come from a stirred seed.
fn more_group_rules(seed: u64, limits: u64) -> GroupRules {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (seed >> 17));
    let notional_rate = dice
        .one_in(limits * 4)
        .then(|| (dice.pick(&[1_500, 3_000]) * ONE, SECOND, dice.one_in(2)));
    let mut sets = Vec::new();
    if dice.one_in(limits * 2) {
        let only = dice.pick(&[None, Some("BTC")]);
        sets.push((Set::Underlying, only, dice.pick(&[1_500, 2_500]) * ONE));
    }
    if dice.one_in(limits * 2) {
        sets.push((Set::Venue, dice.pick(&[None, Some("X")]), 1_500 * ONE));
        // By its name and as one of all: the tighter one holds.
        if dice.one_in(2) {
            sets.push((Set::Venue, Some("Y"), dice.pick(&[1_000, 2_000]) * ONE));
        }
    }
    GroupRules {
        notional_rate,
        sets,
        ..GroupRules::default()
    }
}

/// Keeps capacity alone where the shape asks for it.
fn shaped(rules: Rules, shape: Shape) -> Rules {
    if !shape.plain {
        let self_scope = if shape.around && shape.groups {
            rules.self_scope
        } else {
            0
        };
        return Rules {
            self_scope,
            ..rules
        };
    }
    Rules {
        slippage: rules.slippage,
        long: rules.long,
        short: rules.short,
        gross: rules.gross,
        net: rules.net,
        open: rules.open,
        rate: rules.rate,
        notional_rate: rules.notional_rate,
        sets: rules.sets,
        capital: rules.capital,
        no_credit: rules.no_credit,
        spread: rules.spread,
        patience: rules.patience,
        shadow: rules.shadow,
        off: rules.off,
        ..Rules::default()
    }
}

/// The firm: two desks, three buckets.
pub fn model(seeds: &[u64], shape: Shape) -> Model {
    let seed = |at: usize| seeds.get(at).copied().unwrap_or(0);
    let mut pools = Vec::new();
    for (at, name) in BUCKETS.iter().enumerate() {
        let rules = shaped(rules(seed(at), shape.limits), shape);
        let mut pool = Model::pool(name, rules, CONTRACTS.len());
        (pool.accounts, pool.path) = match at {
            0 => (vec![("X", "a-x"), ("Y", "a-y")], vec![1, 0]),
            1 => (vec![("X", "b-x")], vec![1, 0]),
            _ => (vec![("X", "c-x"), ("Y", "c-y")], vec![2, 0]),
        };
        // Trading days that begin at other hours, and hours in which nothing new is taken.
        let mut dice = Dice(seed(6 + at).rotate_left(32));
        pool.reset = dice.pick(&[0, 0, 9, 17]) * HOUR;
        if !shape.plain && dice.one_in(4) {
            let mut days = [true; 7];
            // The first walks are on a Friday.
            days[4] = !dice.one_in(3);
            let (from, to) = dice.pick(&[(0, 20), (8, 8), (9, 14), (22, 9)]);
            let (from, to) = (from * HOUR, to * HOUR);
            pool.windows.push(Window { days, from, to });
            if dice.one_in(2) {
                days = [false, false, false, false, true, true, false];
                let (from, to) = (6 * HOUR, 12 * HOUR);
                pool.windows.push(Window { days, from, to });
            }
        }
        let mut dice = Dice(seed(6 + at));
        if shape.reroutes {
            let to = |bucket: Option<usize>, venue, account| Target {
                bucket,
                account: (venue, account),
            };
            let all = [
                to(None, "Y", if at == 2 { "c-y" } else { "a-y" }),
                to(Some(1), "X", "b-x"),
                to(Some(2), "Y", "c-y"),
                to(Some(0), "X", "a-x"),
            ];
            let fits = |target: &&Target| {
                target.bucket != Some(at) && !(target.bucket.is_none() && at == 1)
            };
            pool.targets = all
                .iter()
                .filter(fits)
                .filter(|_| !dice.one_in(4))
                .cloned()
                .collect();
            if dice.one_in(2) {
                pool.targets.reverse();
            }
            pool.tries = usize::try_from(dice.roll(3)).unwrap();
            for from in (0..3).filter(|from| *from != at) {
                if !dice.one_in(4) {
                    pool.sources.push((from, dice.pick(&[300, 2_000]) * ONE));
                }
            }
            pool.sources_total = dice.some(2, &[400, 2_500]);
        }
        pools.push(pool);
    }
    let mut quarantine = Model::pool("quarantine", Rules::default(), CONTRACTS.len());
    quarantine.path = vec![0];
    quarantine.state = TradingState::Halted;
    pools.push(quarantine);
    let group = |name, level, at| Group {
        name,
        level,
        rules: if shape.groups {
            group_rules(seed(at), shape.limits)
        } else {
            GroupRules::default()
        },
        state: TradingState::Active,
        version: 1,
        approved: Vec::new(),
        notionals: Vec::new(),
        traded: Vec::new(),
        reset: Dice(seed(at).rotate_left(32)).pick(&[0, 0, 9, 17]) * HOUR,
        venues: Vec::new(),
    };
    let groups = vec![
        group("firm", Level::Firm, 3),
        group("d1", Level::Desk, 4),
        group("d2", Level::Desk, 5),
    ];
    let around = [
        Group {
            venues: vec!["X"],
            ..group("X", Level::Venue, 4)
        },
        Group {
            venues: vec!["X", "Y"],
            ..group("prime", Level::Counterparty, 5)
        },
    ];
    let mut model = Model::new(CONTRACTS, pools, groups, QUARANTINE, START);
    if shape.around {
        // Other limits than those of the desks that these seeds made.
        let stirred = |at: usize| seed(at).rotate_left(17);
        model.around = around
            .into_iter()
            .zip([4, 5])
            .map(|(level, at)| Group {
                rules: if shape.groups {
                    group_rules(stirred(at), shape.limits * 2)
                } else {
                    GroupRules::default()
                },
                ..level
            })
            .collect();
    }
    let mut dice = Dice(seed(9).rotate_left(32));
    for client in CLIENTS.iter().filter(|_| !shape.plain) {
        if dice.one_in(5) {
            let quota = dice.pick(&[5, 10]);
            model.quotas.insert((*client).to_owned(), quota);
        }
    }
    model
}

pub fn amount<V>(units: U) -> Amount<V> {
    Amount::from_units(units)
}
