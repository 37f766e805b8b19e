//! The small firm that the properties run on, and random events for it.

use bulkhead::domain::amount::{Amount, Ratio};
use bulkhead::domain::decision::{Dimension, Level};
use bulkhead::domain::instrument::{
    self, Instrument, InstrumentType, Listing, OptionRight, Payoff,
};
use bulkhead::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::source::DIVERGENCE_MAX;
use bulkhead::domain::state::TradingState;
use bulkhead::domain::time::SECOND;
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{
    BucketSetup, EngineSetup, GroupSetup, InboundRule, RerouteRule, RouteTarget,
};
use bulkhead::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, InstrumentLists, Limits,
    LookAlikeLimit, NotionalRateLimit, OpenOrdersLimit, PositionRule, PostOnlyRule, RateLimit,
    SelfMatchRule, ShortSaleRule,
};

use super::naive::{
    Bound, Collar, Contract, Group, GroupRules, Mark, Model, ONE, Own, Place, RETENTION, Rate,
    Rules, Set, Target, U,
};
use crate::support::{START, id};

/// Every name of a venue or an account.
pub const NAMES: &[&str] = &["X", "Y", "a-x", "a-y", "b-x", "c-x", "c-y"];

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
];

const fn contract(name: &'static str, multiplier: U, underlying: &'static str) -> Contract {
    Contract {
        name,
        inverse: false,
        euro: false,
        multiplier: multiplier * ONE,
        tick: CENT,
        lot: ONE / 1000,
        underlying,
        venues: &["X", "Y"],
        negative: false,
        option_on: None,
        max_age: 60 * SECOND,
        collar: None,
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
    /// Whether reroutes are declared and asked for.
    pub reroutes: bool,
    /// Whether states change and limits are cut on the way.
    pub admin: bool,
    /// Whether the venue and the client err: late, lost, doubled, void and unknown reports.
    pub mess: bool,
    /// Whether only capacity can stand against an order: few other limits, plain orders.
    pub plain: bool,
}

pub const FULL: Shape = Shape {
    limits: 4,
    groups: true,
    reroutes: true,
    admin: true,
    mess: true,
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
    if dice.one_in(n * 2) {
        rules.short_sale = dice.pick(&[1, 2]);
    }
    rules
}

fn group_rules(seed: u64, limits: u64) -> GroupRules {
    let mut dice = Dice(seed);
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
    }
}

/// Keeps capacity alone where the shape asks for it.
fn shaped(rules: Rules, shape: Shape) -> Rules {
    if !shape.plain {
        return rules;
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
    };
    let groups = vec![
        group("firm", Level::Firm, 3),
        group("d1", Level::Desk, 4),
        group("d2", Level::Desk, 5),
    ];
    Model::new(CONTRACTS, pools, groups, QUARANTINE, START)
}

// The same, for the engine.

pub fn amount<V>(units: U) -> Amount<V> {
    Amount::from_units(units)
}

fn collar(collar: Collar) -> instrument::Collar {
    instrument::Collar {
        aggressive: collar.aggressive.map(amount),
        passive: collar.passive.map(amount),
        absolute: collar.absolute.map(amount),
        period: collar.period.map(amount),
    }
}

pub fn instrument(contract: &Contract) -> Instrument {
    let quote = if contract.euro { "EUR" } else { "USD" };
    Instrument {
        id: id(contract.name),
        kind: if contract.option_on.is_some() {
            InstrumentType::Option
        } else {
            InstrumentType::Perpetual
        },
        payoff: if contract.inverse {
            Payoff::Inverse
        } else {
            Payoff::Linear
        },
        underlying: id(contract.underlying),
        base: id(contract.underlying),
        quote: id(quote),
        settle: id(if contract.inverse {
            contract.underlying
        } else {
            quote
        }),
        multiplier: amount(contract.multiplier),
        tick: amount(contract.tick),
        lot: amount(contract.lot),
        expiry: None,
        option: contract
            .option_on
            .map(|_| (amount(100 * ONE), OptionRight::Call)),
        underlying_instrument: contract.option_on.map(|on| id(CONTRACTS[on].name)),
        sector: None,
        listings: contract
            .venues
            .iter()
            .map(|venue| Listing {
                venue: id(venue),
                symbol: contract.name.to_owned(),
            })
            .collect(),
        negative_prices: contract.negative,
        mark_max_age: contract.max_age,
        jump_max: None,
        source_divergence_max: DIVERGENCE_MAX,
        collar: contract.collar.map(collar),
        version: 0,
    }
}

fn rate(rate: Rate) -> RateLimit {
    RateLimit {
        max: rate.max,
        window: rate.window,
        exit_reserve: rate.reserve,
    }
}

pub fn limits(rules: &Rules) -> Limits {
    let names = |list: &[usize]| list.iter().map(|at| id(CONTRACTS[*at].name)).collect();
    Limits {
        capital: rules.capital.map(amount),
        order_quantity_max: rules.quantity.map(amount),
        order_base_quantity_max: rules.base.map(amount),
        order_notional_max: rules.notional.map(amount),
        order_underlying_notional_max: rules.underlying.map(amount),
        collar: rules.collar.map(collar),
        market_slippage: Ratio::from_units(rules.slippage),
        look_alike: rules
            .alike
            .map(|(count, window)| LookAlikeLimit { count, window }),
        instruments: InstrumentLists {
            allow: rules.allow.as_deref().map(names),
            deny: names(&rules.deny),
            restricted: names(&rules.restricted),
        },
        post_only: [
            PostOnlyRule::Free,
            PostOnlyRule::Require,
            PostOnlyRule::Forbid,
        ][usize::from(rules.post_only)],
        short_sale: [
            ShortSaleRule::Free,
            ShortSaleRule::RequireLocate,
            ShortSaleRule::Forbid,
        ][usize::from(rules.short_sale)],
        self_match: [
            SelfMatchRule::Allow,
            SelfMatchRule::RejectNew,
            SelfMatchRule::AskCancelResting,
        ][usize::from(rules.self_match)],
        long_max: rules.long.map(amount),
        short_max: rules.short.map(amount),
        position_rule: if rules.no_credit {
            PositionRule::NoPositionCredit
        } else {
            PositionRule::Reachable
        },
        per_instrument: rules
            .per
            .iter()
            .map(|(at, own)| {
                let own = InstrumentLimits {
                    order_quantity_max: own.quantity.map(amount),
                    long_max: own.long.map(amount),
                    short_max: own.short.map(amount),
                    collar: own.collar.map(collar),
                };
                (id(CONTRACTS[*at].name), own)
            })
            .collect(),
        gross_notional_max: rules.gross.map(amount),
        net_notional_max: rules.net.map(amount),
        open_orders: rules
            .open
            .map(|(max, exit_reserve)| OpenOrdersLimit { max, exit_reserve }),
        concentration: rules
            .sets
            .iter()
            .map(|(set, only, bound)| ConcentrationLimit {
                dimension: match set {
                    Set::Underlying => Dimension::Underlying,
                    Set::Venue => Dimension::Venue,
                },
                value: only.map(str::to_owned),
                bound: match bound {
                    Bound::Money(money) => ConcentrationBound::Money(amount(*money)),
                    Bound::Share(share) => ConcentrationBound::CapitalShare(amount(*share)),
                },
            })
            .collect(),
        traded_notional_max: rules.traded.map(amount),
        order_rate: rules.rate.map(rate),
        notional_rate: rules
            .notional_rate
            .map(|(max, window, give_back)| NotionalRateLimit {
                max: amount(max),
                window,
                give_back,
            }),
        ..Limits::unlimited(id("USD"))
    }
}

pub fn group_limits(rules: &GroupRules) -> GroupLimits {
    GroupLimits {
        currency: id("USD"),
        gross_notional_max: rules.gross.map(amount),
        net_notional_max: rules.net.map(amount),
        net_offsets: rules.offsets,
        order_rate: rules.rate.map(rate),
        disclose: rules.disclose,
    }
}

pub fn engine(model: &Model) -> Engine {
    let mut setup = EngineSetup::new(id("USD"));
    setup.quarantine_parent = Some(id("firm"));
    setup.retention = u64::try_from(RETENTION).unwrap();
    let groups = model
        .groups
        .iter()
        .map(|group| GroupSetup {
            id: id(group.name),
            level: group.level,
            parent: (group.level == Level::Desk).then(|| id("firm")),
            limits: group_limits(&group.rules),
        })
        .collect();
    let buckets = model.pools[..QUARANTINE]
        .iter()
        .map(|pool| {
            let mut setup = BucketSetup::bare(id(pool.name), limits(&pool.rules));
            setup.parent = Some(id(model.groups[pool.path[0]].name));
            setup.accounts = pool
                .accounts
                .iter()
                .map(|(venue, account)| (id(venue), id(account)))
                .collect();
            setup.reroute = RerouteRule {
                targets: pool
                    .targets
                    .iter()
                    .map(|target| RouteTarget {
                        bucket: target.bucket.map(|at| id(BUCKETS[at])),
                        venue: id(target.account.0),
                        account: id(target.account.1),
                    })
                    .collect(),
                tries: pool.tries,
            };
            setup.inbound = pool
                .sources
                .iter()
                .map(|(from, cap)| InboundRule {
                    from: id(BUCKETS[*from]),
                    notional_max: amount(*cap),
                })
                .collect();
            setup.inbound_total_max = pool.sources_total.map(amount);
            setup
        })
        .collect();
    Engine::new(
        setup,
        groups,
        buckets,
        CONTRACTS.iter().map(instrument).collect(),
    )
    .unwrap()
}

// Events.

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Event {
    Decide(Order),
    WhatIf(Order),
    Replace(Replace),
    WhatIfReplace(Replace),
    Report(Report),
    Notice(String, String, Notice),
    Release(OrderKey),
    Limits(usize, Box<Rules>),
    GroupLimits(usize, GroupRules),
    Restrict(Place, TradingState),
    Rearm(Place),
    Mark(Mark),
    Euro(U, U),
    Load(usize, usize, usize, U, U),
    Sweep,
}

const QUANTITIES: &[U] = &[1, 2, 3, 4, 5, 8];

/// Base price of each contract.
const BASE: [U; 5] = [100, 20, 100, 3, 10];

fn quantity(dice: &mut Dice, instrument: usize) -> U {
    let whole = dice.pick(QUANTITIES) * ONE;
    let odd = dice.roll(40);
    if odd == 39 && CONTRACTS[instrument].lot == ONE {
        whole + ONE / 2
    } else if odd > 34 && CONTRACTS[instrument].lot != ONE {
        whole + ONE / 8
    } else {
        whole
    }
}

fn price(dice: &mut Dice, instrument: usize) -> U {
    let base = BASE[instrument] * ONE;
    let tenth = U::from(dice.roll(7)) - 3;
    let price = base + base * tenth / 20;
    let price = price.div_euclid(CONTRACTS[instrument].tick) * CONTRACTS[instrument].tick;
    match dice.roll(30) {
        29 => price + CONTRACTS[instrument].tick / 2,
        28 if CONTRACTS[instrument].negative => -price,
        _ => price,
    }
}

fn terms(dice: &mut Dice, instrument: usize) -> Terms {
    let kind = dice.roll(12);
    let price_of = |dice: &mut Dice| amount(price(dice, instrument));
    match kind {
        0..=6 => Terms::Limit {
            price: price_of(dice),
        },
        7 | 8 => Terms::Market,
        9 => Terms::Stop {
            trigger: price_of(dice),
        },
        10 => Terms::StopLimit {
            price: price_of(dice),
            trigger: price_of(dice),
        },
        _ if dice.one_in(2) => Terms::TrailingStop {
            trigger: price_of(dice),
        },
        _ => Terms::Pegged {
            cap: dice.one_in(2).then(|| price_of(dice)),
        },
    }
}

fn instrument_of(dice: &mut Dice) -> usize {
    usize::try_from(dice.pick(&[0_u64, 0, 0, 0, 1, 1, 2, 3, 4])).unwrap()
}

pub fn order(dice: &mut Dice, at: usize, name: String, shape: Shape, now: i64) -> Order {
    let instrument = instrument_of(dice);
    let side = dice.pick(&[Side::Buy, Side::Sell]);
    let size = match dice.roll(20) {
        19 => Size::ClosePosition,
        18 => Size::Cash(amount(dice.pick(&[150, 400]) * ONE)),
        _ => Size::Quantity(amount(quantity(dice, instrument))),
    };
    let terms = terms(dice, instrument);
    if shape.plain && dice.roll(8) > 0 {
        return Order {
            key: OrderKey {
                client: id(CLIENTS[at]),
                cl_ord_id: id(&name),
            },
            bucket: id(BUCKETS[at]),
            instrument: id("P"),
            venue: id("X"),
            account: None,
            side,
            size: Size::Quantity(amount(dice.pick(QUANTITIES) * ONE)),
            terms: Terms::Limit {
                price: amount(dice.pick(&[95, 100, 105]) * ONE),
            },
            time_in_force: TimeInForce::Day,
            display: None,
            attributes: Attributes {
                reroute: if shape.reroutes {
                    RerouteConsent::AutoAccept
                } else {
                    RerouteConsent::No
                },
                ..Attributes::default()
            },
        };
    }
    let bucket = at;
    let venue = if dice.one_in(4) { "Y" } else { "X" };
    let time_in_force = match dice.roll(16) {
        0 | 5 => TimeInForce::GoodTillCancel,
        1 => TimeInForce::ImmediateOrCancel,
        2 => TimeInForce::FillOrKill,
        3 => TimeInForce::GoodTillDate(now + 1_000_000_000),
        4 if dice.one_in(3) => TimeInForce::GoodTillDate(now),
        _ => TimeInForce::Day,
    };
    let reroute = match dice.roll(4) {
        0 => RerouteConsent::No,
        1 if dice.one_in(3) => RerouteConsent::Acknowledge,
        _ if shape.reroutes => RerouteConsent::AutoAccept,
        _ => RerouteConsent::No,
    };
    Order {
        key: OrderKey {
            client: id(CLIENTS[bucket]),
            cl_ord_id: id(&name),
        },
        bucket: id(BUCKETS[bucket]),
        instrument: if dice.one_in(60) {
            id("ZZ")
        } else {
            id(CONTRACTS[instrument].name)
        },
        venue: id(venue),
        account: None,
        side,
        size,
        terms,
        time_in_force,
        display: dice.one_in(12).then(|| amount(ONE)),
        attributes: Attributes {
            post_only: dice.one_in(4),
            reduce_only: dice.one_in(8),
            short_sale: if side == Side::Sell {
                dice.pick(&[
                    ShortSale::Unmarked,
                    ShortSale::Unmarked,
                    ShortSale::Short,
                    ShortSale::Exempt,
                ])
            } else {
                ShortSale::Unmarked
            },
            located: dice.one_in(2),
            reroute,
        },
    }
}

/// A report about an order, as a venue would send it, more or less.
fn report(dice: &mut Dice, model: &Model, at: usize, exec: String, shape: Shape) -> Report {
    let order = &model.orders[at];
    let pool = &model.pools[order.bucket];
    let filled = order.filled();
    let leaves = order.leaves();
    let version = dice.pick(&[0_usize, 0, 1, 2]).min(order.versions.len() - 1);
    let mut cl_ord_id = order.versions[version].id.clone();
    let fill = |dice: &mut Dice, most: U| {
        let lot = CONTRACTS[order.instrument].lot;
        let part = match dice.roll(3) {
            0 => most,
            1 => most / 2 / lot * lot,
            _ => ONE,
        };
        let extra = if shape.mess && dice.one_in(20) {
            2 * ONE
        } else {
            0
        };
        let around = price(dice, order.instrument);
        let traded = match order.versions[0].terms.limit_price() {
            Some(limit) if dice.roll(4) > 0 => limit.units(),
            _ => around,
        };
        Fill {
            quantity: amount(part.max(lot) + extra),
            price: amount(if traded <= 0 && !CONTRACTS[order.instrument].negative {
                ONE
            } else {
                traded
            }),
            fee: amount(dice.pick(&[0, 0, CENT, -CENT])),
            fee_currency: [None, None, Some("EUR"), Some("BNB")]
                [usize::try_from(dice.roll(4)).unwrap()]
            .map(id),
        }
    };
    let mut cum = None;
    let mut last = None;
    let kind = match dice.roll(if shape.mess { 20 } else { 14 }) {
        0 | 1 => ReportKind::New,
        2..=7 => {
            let fill = fill(dice, if shape.mess { leaves } else { leaves.max(0) });
            if dice.one_in(2) {
                cum = Some(filled + fill.quantity.units());
            }
            if order.cash.is_some() && dice.one_in(3) {
                last = Some(0);
            }
            ReportKind::Trade(fill)
        }
        8 | 9 => {
            cum = Some(filled);
            ReportKind::Canceled
        }
        10 => {
            cum = Some(filled);
            dice.pick_kind()
        }
        11 | 12 => {
            cl_ord_id = order.versions[dice.pick(&[1_usize, 2, 1]).min(order.versions.len() - 1)]
                .id
                .clone();
            if dice.one_in(3) {
                ReportKind::CancelRejected {
                    of: CancelRejectOf::Replace,
                    unknown_order: false,
                }
            } else {
                ReportKind::Replaced
            }
        }
        13 => ReportKind::CancelRejected {
            of: CancelRejectOf::Cancel,
            unknown_order: dice.one_in(3),
        },
        14 | 15 => {
            // The venue counts more, or nothing.
            cum = (!dice.one_in(3)).then(|| filled + ONE);
            dice.pick_kind()
        }
        16 => ReportKind::Restated {
            quantity: (!dice.one_in(3)).then(|| amount(quantity(dice, order.instrument))),
            price: (dice.one_in(2) && matches!(order.versions[0].terms, Terms::Limit { .. }))
                .then(|| amount(price(dice, order.instrument).abs())),
        },
        17 => {
            cum = Some(filled + ONE);
            ReportKind::New
        }
        18 => ReportKind::Bust {
            of: id(&format!(
                "{}{}",
                if dice.one_in(6) { "f" } else { "e" },
                exec_number(&exec).saturating_sub(1 + dice.roll(20))
            )),
        },
        _ => ReportKind::Correct {
            of: id(&format!(
                "{}{}",
                if dice.one_in(6) { "f" } else { "e" },
                exec_number(&exec).saturating_sub(1 + dice.roll(20))
            )),
            to: fill(dice, ONE),
        },
    };
    let (venue, account) = if shape.mess && dice.one_in(12) {
        pool.accounts[usize::try_from(dice.roll(pool.accounts.len() as u64)).unwrap()]
    } else {
        pool.accounts[order.account]
    };
    Report {
        client: order.client.clone(),
        cl_ord_id: id(&cl_ord_id),
        exec_id: Some(id(&exec)),
        kind,
        cum: cum.map(amount),
        leaves: last.map(amount),
        venue: id(venue),
        account: (!dice.one_in(6)).then(|| id(account)),
        trade_date: 20_270_115,
        bucket: (shape.mess && dice.one_in(12)).then(|| id("b")),
        instrument: Some(id(CONTRACTS[order.instrument].name)),
        side: Some(order.side),
    }
}

fn exec_number(exec: &str) -> u64 {
    exec.trim_start_matches(['e', 'f']).parse().unwrap()
}

impl Dice {
    fn pick_kind(&mut self) -> ReportKind {
        match self.roll(4) {
            0 => ReportKind::Canceled,
            1 => ReportKind::Expired,
            2 => ReportKind::DoneForDay,
            _ => ReportKind::Rejected,
        }
    }
}

/// How long after the last event the next one comes.
pub fn pause(dice: &mut Dice) -> u64 {
    match dice.roll(64) {
        63 if dice.one_in(2) => 16 * 3_600 * SECOND,
        63 => 61 * SECOND,
        60..=62 => 2 * SECOND,
        40..=59 => SECOND / 3,
        _ => 1 + dice.roll(1_000),
    }
}

fn mark(dice: &mut Dice) -> Mark {
    let instrument = instrument_of(dice);
    let middle = price(dice, instrument);
    let mut mark = Mark {
        instrument,
        mark: (!dice.one_in(6)).then_some(middle),
        ..Mark::default()
    };
    if dice.one_in(2) {
        (mark.bid, mark.ask) = (Some(middle - CENT), Some(middle + CENT));
    }
    mark.last = dice.one_in(3).then_some(middle + CENT);
    mark.index = dice.one_in(4).then_some(100 * ONE);
    mark
}

fn place(dice: &mut Dice) -> Place {
    match dice.roll(10) {
        0..=4 => Place::Bucket(usize::try_from(dice.roll(3)).unwrap()),
        5 => Place::Group(usize::try_from(dice.roll(3)).unwrap()),
        6 => Place::Instrument(usize::try_from(dice.roll(3)).unwrap()),
        7 => Place::Venue(dice.pick(&["X", "Y"])),
        8 => Place::Client(CLIENTS[usize::try_from(dice.roll(3)).unwrap()].to_owned()),
        _ => Place::Everything,
    }
}

/// The next event of a run, made of random bits and of what is there.
pub fn event(dice: &mut Dice, model: &Model, past: &[Event], shape: Shape) -> Event {
    let number = past.len();
    let bucket = usize::try_from(dice.roll(3)).unwrap();
    let live: Vec<usize> = (0..model.orders.len())
        .filter(|at| !model.orders[*at].is_over() || (shape.mess && at % 3 == 0))
        .collect();
    let new = |dice: &mut Dice| order(dice, bucket, format!("o{number}"), shape, model.now.wall);
    let kind = dice.roll(100);
    match kind {
        0..=41 => Event::Decide(new(dice)),
        42 | 43 => match past
            .iter()
            .rev()
            .find(|event| matches!(event, Event::Decide(_)))
        {
            // The same again under another id.
            Some(Event::Decide(order)) => {
                let mut twin = order.clone();
                twin.key.cl_ord_id = id(&format!("o{number}"));
                Event::Decide(twin)
            }
            _ => Event::Decide(new(dice)),
        },
        44 | 45 => Event::WhatIf(new(dice)),
        46..=53 => Event::Mark(mark(dice)),
        54 => {
            let rate = dice.pick(&[11, 12]) * ONE / 10;
            Event::Euro(rate - CENT, rate)
        }
        55..=57 if shape.admin => {
            let bits = dice.0;
            if dice.one_in(4) {
                let group = usize::try_from(dice.roll(3)).unwrap();
                let mut rules = group_rules(bits, shape.limits);
                rules.rate = model.groups[group].rules.rate;
                return Event::GroupLimits(group, rules);
            }
            // Windows stay: what they counted is told by their limits.
            let (kept, mut rules) = (&model.pools[bucket].rules, rules(bits, shape.limits));
            (rules.rate, rules.notional_rate, rules.alike) =
                (kept.rate, kept.notional_rate, kept.alike);
            Event::Limits(bucket, Box::new(shaped(rules, shape)))
        }
        58 | 59 if shape.admin => {
            let state = dice.pick(&[
                TradingState::ReduceOnly,
                TradingState::CancelOnly,
                TradingState::Halted,
            ]);
            Event::Restrict(place(dice), state)
        }
        60 | 61 if shape.admin => Event::Rearm(place(dice)),
        62 => {
            let instrument = instrument_of(dice);
            let account =
                usize::try_from(dice.roll(model.pools[bucket].accounts.len() as u64)).unwrap();
            let signed = dice.pick(&[-5, -2, 3, 6]) * ONE;
            Event::Load(bucket, instrument, account, signed, BASE[instrument] * ONE)
        }
        63 if shape.mess => {
            // An order nobody knows, at an account that is known or not.
            let (venue, account) =
                dice.pick(&[("X", "b-x"), ("Y", "a-y"), ("X", "nobody"), ("Y", "c-y")]);
            Event::Report(Report {
                client: id("stranger"),
                cl_ord_id: id(&format!("s{number}")),
                exec_id: Some(id(&format!("f{number}"))),
                kind: ReportKind::Trade(Fill {
                    quantity: amount(2 * ONE),
                    price: amount(BASE[0] * ONE),
                    fee: Amount::ZERO,
                    fee_currency: None,
                }),
                cum: None,
                leaves: None,
                venue: id(venue),
                account: Some(id(account)),
                trade_date: 20_270_115,
                bucket: None,
                instrument: (!dice.one_in(5)).then(|| id("P")),
                side: Some(dice.pick(&[Side::Buy, Side::Sell])),
            })
        }
        // An id of an earlier day may be used again, and then stands for another order.
        64..=66 if shape.mess => {
            let again: Vec<&Event> = past
                .iter()
                .filter(|event| {
                    matches!(
                        event,
                        Event::Decide(_) | Event::Replace(_) | Event::Report(_)
                    )
                })
                .collect();
            match again.len() {
                0 => Event::Decide(new(dice)),
                many => {
                    let mut event = again[usize::try_from(dice.roll(many as u64)).unwrap()].clone();
                    if let Event::Decide(order) = &mut event
                        && dice.one_in(3)
                    {
                        order.side = order.side.opposite();
                    }
                    event
                }
            }
        }
        79 | 80 => Event::Sweep,
        _ if live.is_empty() => Event::Decide(new(dice)),
        _ => {
            let at = live[usize::try_from(dice.roll(live.len() as u64)).unwrap()];
            let order = &model.orders[at];
            match kind {
                67..=74 => {
                    let replace = Replace {
                        key: OrderKey {
                            client: order.client.clone(),
                            cl_ord_id: id(&format!("r{number}")),
                        },
                        original: id(&order.versions[usize::try_from(dice.roll(2))
                            .unwrap()
                            .min(order.versions.len() - 1)]
                        .id),
                        quantity: if dice.one_in(20) {
                            Amount::ZERO
                        } else {
                            amount(quantity(dice, order.instrument))
                        },
                        terms: if dice.one_in(3) {
                            order.versions[0].terms
                        } else {
                            Terms::Limit {
                                price: amount(price(dice, order.instrument)),
                            }
                        },
                    };
                    if dice.one_in(6) {
                        Event::WhatIfReplace(replace)
                    } else {
                        Event::Replace(replace)
                    }
                }
                75 | 76 => Event::Notice(
                    order.client.to_string(),
                    order.id.clone(),
                    dice.pick(&[Notice::Sent, Notice::CancelRequested]),
                ),
                77 | 78 => {
                    let version = usize::try_from(dice.roll(3))
                        .unwrap()
                        .min(order.versions.len() - 1);
                    Event::Release(OrderKey {
                        client: order.client.clone(),
                        cl_ord_id: id(&order.versions[version].id),
                    })
                }
                _ => Event::Report(report(dice, model, at, format!("e{number}"), shape)),
            }
        }
    }
}
