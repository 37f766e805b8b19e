//! Random events for the firm.

use bulkhead::domain::amount::Amount;
use bulkhead::domain::basket::{Basket, Package, Pair, Quote, QuoteSide};
use bulkhead::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::TradingState;
use bulkhead::domain::time::SECOND;

use super::{BUCKETS, CENT, CLIENTS, CONTRACTS, Dice, Shape, amount, group_rules, rules, shaped};
use crate::model::naive::{GroupRules, Mark, Model, ONE, Place, Rules, U};
use crate::support::id;

/// Something that happens.
#[derive(Clone, Debug)]
pub enum Event {
    Decide(Order),
    WhatIf(Order),
    Basket(Basket),
    WhatIfBasket(Basket),
    Quote(Quote),
    WhatIfQuote(Quote),
    Replace(Replace),
    WhatIfReplace(Replace),
    Report(Report),
    Notice(String, String, Notice),
    /// The client accepts the route of this order.
    Accept(Box<Order>),
    Release(OrderKey),
    /// Ended by a person, with so much filled.
    Resolve(OrderKey, U),
    Limits(usize, Box<Rules>),
    GroupLimits(usize, GroupRules),
    Restrict(Place, TradingState),
    Rearm(Place),
    Mark(Mark),
    Euro(U, U),
    Load(usize, usize, usize, U, U),
    /// A bucket to a group, by force or not.
    Move(usize, usize, bool),
    Sweep,
}

const QUANTITIES: &[U] = &[1, 2, 3, 4, 5, 8];

/// Base price of each contract.
pub const BASE: [U; 7] = [100, 20, 100, 3, 10, 40, 60];

pub(super) fn quantity(dice: &mut Dice, instrument: usize) -> U {
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
    usize::try_from(dice.pick(&[0_u64, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6])).unwrap()
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
                reroute: if shape.reroutes && dice.one_in(3) {
                    RerouteConsent::Acknowledge
                } else if shape.reroutes {
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
        1 if dice.one_in(2) => RerouteConsent::Acknowledge,
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

/// One to four orders of a bucket that are decided together.
fn basket(dice: &mut Dice, at: usize, number: usize, shape: Shape, now: i64) -> Basket {
    let bits = dice.0;
    let count = 1 + u32::try_from(Dice(bits).roll(4)).unwrap();
    let leg = |leg: u32| {
        let stirred = bits
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(leg * 13);
        let mut dice = Dice(stirred ^ u64::from(leg));
        let mut leg = order(&mut dice, at, format!("o{number}.{leg}"), shape, now);
        leg.attributes.reroute = RerouteConsent::No;
        leg
    };
    let key = OrderKey {
        client: id(CLIENTS[at]),
        cl_ord_id: id(&format!("b{number}")),
    };
    let mut legs: Vec<Order> = (0..count).map(leg).collect();
    let mut dice = Dice(bits.rotate_left(17).wrapping_mul(0xD129_0DDA_5C5E_0E11));
    let (mut pairs, mut package) = (Vec::new(), None);
    if shape.links && count > 1 && dice.one_in(2) {
        if dice.one_in(2) {
            // Two ways out of the same, or into it: of one contract, mostly of one side and size.
            let (instrument, venue) = (legs[0].instrument.clone(), legs[0].venue.clone());
            let (side, size, reduce) = (legs[0].side, legs[0].size, legs[0].attributes.reduce_only);
            let second = &mut legs[1];
            (second.instrument, second.venue) = (instrument, venue);
            if !dice.one_in(6) {
                second.side = side;
                second.attributes.reduce_only = reduce;
            }
            if dice.one_in(2) {
                second.size = size;
            }
            pairs.push(Pair {
                legs: if dice.one_in(2) { (0, 1) } else { (1, 0) },
                venue_enforced: !dice.one_in(5),
            });
        } else {
            for leg in &mut legs {
                leg.size = Size::Quantity(amount(dice.pick(QUANTITIES) * ONE));
            }
            package = Some(Package {
                ratios: legs
                    .iter()
                    .map(|_| amount(dice.pick(&[1, 1, 1, 2, 3]) * ONE))
                    .collect(),
                venue_atomic: !dice.one_in(5),
            });
        }
    }
    Basket::linked(key, legs, pairs, package).unwrap()
}

/// A quote, often in place of one before it.
fn quote(dice: &mut Dice, at: usize, past: &[Event]) -> Quote {
    let number = past.len();
    let instrument = usize::try_from(dice.pick(&[0_u64, 0, 0, 1, 3])).unwrap();
    let middle = price(dice, instrument).abs().max(2 * ONE);
    let mut side = |name: &str, price: U| {
        (!dice.one_in(6)).then(|| QuoteSide {
            cl_ord_id: id(&format!("q{number}.{name}")),
            price: amount(price),
            quantity: amount(dice.pick(QUANTITIES) * ONE),
        })
    };
    let (bid, mut offer) = (side("b", middle - ONE), side("o", middle + ONE));
    if bid.is_none() && offer.is_none() {
        offer = Some(QuoteSide {
            cl_ord_id: id(&format!("q{number}.o")),
            price: amount(middle + ONE),
            quantity: amount(ONE),
        });
    }
    let is_ours = |event: &&Event| matches!(event, Event::Quote(quote) if quote.key.client.as_str() == CLIENTS[at]);
    let last = past.iter().rev().find(is_ours);
    let mut quote = Quote {
        key: OrderKey {
            client: id(CLIENTS[at]),
            cl_ord_id: id(&format!("q{number}")),
        },
        bucket: id(BUCKETS[at]),
        instrument: id(CONTRACTS[instrument].name),
        venue: id("X"),
        account: None,
        bid,
        offer,
        time_in_force: TimeInForce::Day,
        post_only: dice.one_in(4),
        replaces: None,
    };
    if let Some(Event::Quote(last)) = last
        && !dice.one_in(3)
    {
        quote.replaces = Some(last.key.cl_ord_id.clone());
        if !dice.one_in(5) {
            quote.instrument = last.instrument.clone();
        }
    }
    quote
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
        0..=35 => Event::Decide(new(dice)),
        36..=38 => {
            let basket = basket(dice, bucket, number, shape, model.now.wall);
            if kind == 38 && dice.one_in(2) {
                Event::WhatIfBasket(basket)
            } else {
                Event::Basket(basket)
            }
        }
        39..=41 => {
            let quote = quote(dice, bucket, past);
            if kind == 41 && dice.one_in(2) {
                Event::WhatIfQuote(quote)
            } else {
                Event::Quote(quote)
            }
        }
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
                let kept = &model.groups[group].rules;
                (rules.rate, rules.notional_rate) = (kept.rate, kept.notional_rate);
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
                        Event::Decide(_)
                            | Event::Replace(_)
                            | Event::Report(_)
                            | Event::Basket(_)
                            | Event::Quote(_)
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
        82..=84 if model.orders.iter().any(|order| order.offer.is_some()) => {
            let offered: Vec<_> = model
                .orders
                .iter()
                .filter(|it| it.offer.is_some())
                .collect();
            let newest = offered.len().saturating_sub(4);
            let one = newest + usize::try_from(dice.roll(4)).unwrap();
            let order = offered[one.min(offered.len() - 1)];
            let asked = past.iter().rev().find_map(|event| match event {
                Event::Decide(asked)
                    if asked.key.client == order.client
                        && asked.key.cl_ord_id.as_str() == order.id =>
                {
                    Some(asked.clone())
                }
                _ => None,
            });
            asked.map_or(Event::Sweep, |order| Event::Accept(Box::new(order)))
        }
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
                81 if shape.admin => {
                    let key = OrderKey {
                        client: order.client.clone(),
                        cl_ord_id: id(&order.id),
                    };
                    let filled = order.filled();
                    let most = filled + order.leaves();
                    Event::Resolve(key, dice.pick(&[0, filled, filled, filled + ONE, most]))
                }
                _ => Event::Report(report(dice, model, at, format!("e{number}"), shape)),
            }
        }
    }
}
