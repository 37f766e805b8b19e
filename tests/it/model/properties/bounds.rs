//! Limits: what no approval and no fill brings beyond them, and what they may not stop.

use bulkhead::domain::amount::Quantity;
use bulkhead::domain::decision::{Outcome, Reason};
use bulkhead::domain::order::{Side, Size};
use bulkhead::domain::report::{Report, ReportKind};

use super::{REROUTES, broken, fill_some, filled, is_approved, no_end, told, view, walk};
use crate::model::naive::{Bound, Model, ONE, Rules, Set, U, Usage, up};
use crate::model::run::{Run, fail, same};
use crate::model::world;
use crate::model::world::{BUCKETS, Dice, Event, FULL, QUARANTINE, Shape, amount};

/// Every limit of a bucket that is enforced with what it counts.
fn measures(model: &Model, bucket: usize, usage: &Usage) -> Vec<(&'static str, bool, U, U)> {
    let rules = &model.pools[bucket].rules;
    let gone = [rules.shadow.as_slice(), &rules.off].concat();
    let rules = &rules.without(&gone);
    let mut list = Vec::new();
    let mut put = |name, exits: bool, limit: Option<U>, usage: U| {
        if let Some(limit) = limit {
            list.push((name, exits, limit, usage));
        }
    };
    put("gross", true, rules.gross, usage.gross);
    put("net", false, rules.net, usage.net());
    put("traded", false, rules.traded, usage.traded);
    put(
        "orders",
        true,
        rules.open.map(|(max, _)| U::from(max)),
        U::from(usage.orders),
    );
    for (instrument, line) in usage.lines.iter().enumerate() {
        let own = rules.own(instrument);
        let held = |position: U| {
            if rules.no_credit {
                position.max(0)
            } else {
                position
            }
        };
        put(
            "long",
            !rules.no_credit,
            own.long,
            held(line.position) + line.buys.open + line.buys.exit,
        );
        put(
            "short",
            !rules.no_credit,
            own.short,
            held(-line.position) + line.sells.open + line.sells.exit,
        );
    }
    for (set, only, bound) in &rules.sets {
        let mut values: Vec<&str> = match set {
            Set::Underlying => model
                .contracts
                .iter()
                .map(|contract| contract.underlying)
                .collect(),
            Set::Venue => vec!["X", "Y"],
        };
        values.sort_unstable();
        values.dedup();
        for value in values
            .into_iter()
            .filter(|value| only.is_none_or(|only| only == *value))
        {
            put(
                "set",
                false,
                Some(Model::bound(rules, *bound)),
                model.in_set(bucket, usage, *set, value),
            );
        }
    }
    list
}

/// NL9, INV3: no approval raises a measure beyond its limit, least of all one that is beyond it already.
#[test]
fn nl9_a_breach_is_never_made_or_made_worse_by_an_approval() {
    for (name, shape) in [("nl9_full", FULL), ("nl9_tight", REROUTES)] {
        walk(
            name,
            350,
            shape,
            |run, event| {
                let before: Vec<_> = (0..QUARANTINE)
                    .map(|at| measures(&run.model, at, &run.model.usage(at)))
                    .collect();
                let groups: Vec<_> = (0..3).map(|at| run.model.group_usage(at)).collect();
                let (came, _) = run.both(event.clone())?;
                let Some(answer) = came.answer() else {
                    return Ok(());
                };
                if !matches!(event, Event::Decide(_) | Event::Replace(_)) {
                    return Ok(());
                }
                for at in 0..QUARANTINE {
                    let after = measures(&run.model, at, &run.model.usage(at));
                    for ((name, exits, limit, old), (.., new)) in before[at].iter().zip(&after) {
                        if new > limit
                            && new > old
                            && (!answer.exit || (*exits && *name != "orders"))
                        {
                            return Err(fail(format!(
                                "{name} of {}: {old} became {new}, limit {limit}",
                                BUCKETS[at]
                            )));
                        }
                    }
                }
                for (at, old) in groups.iter().enumerate() {
                    let (rules, new) = (&run.model.groups[at].rules, run.model.group_usage(at));
                    if rules
                        .gross
                        .filter(|_| rules.enforces(Reason::GrossNotional))
                        .is_some_and(|limit| new.0 > limit && new.0 > old.0)
                    {
                        return Err(fail(format!("gross of group {at}: {old:?} became {new:?}")));
                    }
                }
                Ok(())
            },
            no_end,
        );
    }
}

/// NL8: whatever of the live orders fills, in whatever order, a bucket that is not in breach comes into none.
#[test]
fn nl8_no_subset_of_fills_breaches_a_limit() {
    // A venue that fills both of two orders of which one cancels the other, or one leg of a combination alone, breaks its word: what that
    // breaks is told with a cause of its own.
    let unlinked = Shape {
        links: false,
        ..FULL
    };
    for (name, shape) in [("nl8_full", unlinked), ("nl8_tight", REROUTES)] {
        walk(
            name,
            450,
            shape,
            |run, event| run.both(event).map(|_| ()),
            |run, dice| {
                let over: Vec<bool> = (0..QUARANTINE).map(|at| run.model.is_over(at)).collect();
                let before: Vec<_> = (0..3).map(|at| run.model.group_usage(at)).collect();
                fill_some(run, dice, |run, bucket| {
                    let breach = view(run, BUCKETS[bucket]).breach;
                    if !over[bucket] && !breach.is_empty() {
                        return Err(fail(format!(
                            "{} is in breach: {breach:?}",
                            BUCKETS[bucket]
                        )));
                    }
                    for (at, old) in before.iter().enumerate() {
                        let new = run.model.group_usage(at);
                        let rules = &run.model.groups[at].rules;
                        let holds = |limit| rules.enforces(limit);
                        let gross = rules.gross.filter(|_| holds(Reason::GrossNotional));
                        let net = rules.net.filter(|_| holds(Reason::NetNotional));
                        if gross.is_some_and(|limit| new.0 > limit.max(old.0))
                            || net.is_some_and(|limit| !rules.offsets && new.3 > limit.max(old.3))
                        {
                            return Err(fail(format!("group {at} went from {old:?} to {new:?}")));
                        }
                    }
                    Ok(())
                })
            },
        );
    }
}

/// NL10: once every order is over, nothing is reserved anywhere, and positions are opening positions and fills.
#[test]
fn nl10_nothing_is_left_when_every_order_is_over() {
    walk(
        "nl10",
        600,
        FULL,
        |run, event| run.both(event).map(|_| ()),
        |run, _| {
            for round in 0..3 {
                for at in 0..run.model.orders.len() {
                    let order = &run.model.orders[at];
                    if order.is_over() {
                        continue;
                    }
                    let owed = order.end.is_some() && order.owed.is_some();
                    let kind = if owed {
                        filled(order.leaves(), 10 * ONE)
                    } else {
                        ReportKind::Canceled
                    };
                    let report = Report {
                        cum: (!owed).then(|| amount(order.filled())),
                        ..told(&run.model, at, &format!("z{round}-{at}"), kind)
                    };
                    run.both(Event::Report(report))?;
                }
            }
            run.recount()?;
            for bucket in run.engine.all_buckets() {
                let state = bucket.state.lock();
                same("live orders", state.live_orders(), 0)?;
                let mut gross = 0;
                for holding in state.holdings() {
                    let bare = bulkhead::risk::exposure::Line {
                        position: holding.line.position,
                        ..Default::default()
                    };
                    same("reserved quantity", holding.line, bare)?;
                    let unit = holding.unit.map_or(0, |unit| unit.units());
                    gross += up(holding.line.position.units().abs(), unit)
                        .max(up(-holding.line.position.units().abs(), unit));
                }
                same(
                    "gross is that of the positions",
                    state.totals().gross.units(),
                    gross,
                )?;
            }
            Ok(())
        },
    );
}

/// Tighter: every limit there is a third less, and some where there was none.
fn tightened(rules: &Rules, dice: &mut Dice) -> Rules {
    let mut cut = |limit: Option<U>, new: U| match limit {
        Some(limit) => Some(limit * 2 / 3),
        None => dice.one_in(4).then_some(new * ONE),
    };
    let mut tight = rules.clone();
    tight.gross = cut(rules.gross, 700);
    tight.net = cut(rules.net, 500);
    tight.traded = cut(rules.traded, 900);
    tight.long = cut(rules.long, 4);
    tight.short = cut(rules.short, 4);
    tight.notional = cut(rules.notional, 600);
    for own in tight.per.values_mut() {
        own.long = own.long.map(|limit| limit * 2 / 3);
        own.short = own.short.map(|limit| limit * 2 / 3);
    }
    for (_, _, bound) in &mut tight.sets {
        *bound = match *bound {
            Bound::Money(money) => Bound::Money(money / 2),
            Bound::Share(share) => Bound::Share(share / 2),
        };
    }
    tight
}

/// NL15: a tighter limit turns no reject into an approval and no exit away; more capital turns no approval into a reject.
#[test]
fn nl15_tighter_never_allows_more_and_capital_never_less() {
    let shape = Shape {
        reroutes: false,
        ..FULL
    };
    walk(
        "nl15",
        500,
        shape,
        |run, event| run.both(event).map(|_| ()),
        |run, dice| {
            for number in 0..6_u64 {
                let mut bits =
                    Dice(dice.0.rotate_left(7 * u32::try_from(number).unwrap()) ^ number);
                let bucket = usize::try_from(bits.roll(3)).unwrap();
                let order = world::order(
                    &mut bits,
                    bucket,
                    format!("q{number}"),
                    shape,
                    run.now().wall,
                );
                let ask = |run: &Run| run.engine.what_if(&order, run.now(), true).unwrap();
                let before = ask(run);
                let rules = run.model.pools[bucket].rules.clone();
                run.both(Event::Limits(
                    bucket,
                    Box::new(tightened(&rules, &mut bits)),
                ))?;
                let after = ask(run);
                if is_approved(&after.decision) && !is_approved(&before.decision) {
                    return Err(fail(format!("a tighter limit let through {order:?}")));
                }
                if is_approved(&before.decision) && before.exit && !is_approved(&after.decision) {
                    return Err(fail(format!(
                        "a tighter limit turned away the exit {order:?}: {:?}",
                        after.decision.outcome
                    )));
                }
                // To enforce what was in shadow, or off, is to tighten too.
                let mut rules = run.model.pools[bucket].rules.clone();
                if bits.one_in(2) {
                    rules.shadow.append(&mut rules.off);
                } else {
                    (rules.shadow, rules.off) = (Vec::new(), Vec::new());
                }
                run.both(Event::Limits(bucket, Box::new(rules)))?;
                let enforced = ask(run);
                if is_approved(&enforced.decision) && !is_approved(&after.decision) {
                    return Err(fail(format!("a limit in force let through {order:?}")));
                }
                let after = enforced;
                let mut rules = run.model.pools[bucket].rules.clone();
                rules.capital = rules.capital.map(|capital| capital * 2);
                run.both(Event::Limits(bucket, Box::new(rules)))?;
                if is_approved(&after.decision) && !is_approved(&ask(run).decision) {
                    return Err(fail(format!("more capital turned away {order:?}")));
                }
            }
            Ok(())
        },
    );
}

/// Reasons that may stand against an exit (NL21): message and size, collar, self-match, legal, its own quota, cancel-only and halted.
const AGAINST_EXITS: &[Reason] = &[
    Reason::UnknownInstrument,
    Reason::InstrumentExpired,
    Reason::ClientQuota,
    Reason::VenueNotListed,
    Reason::RouteNotConfigured,
    Reason::PriceOffTick,
    Reason::QuantityOffLot,
    Reason::PriceNotPositive,
    Reason::ExpireTimePast,
    Reason::OrderQuantity,
    Reason::OrderBaseQuantity,
    Reason::PriceCollar,
    Reason::PriceCollarPeriod,
    Reason::SelfMatch,
    Reason::LegalRestriction,
    Reason::OpenOrders,
    Reason::OrderRate,
    Reason::StateCancelOnly,
    Reason::StateHalted,
    Reason::DuplicateMismatch,
];

/// NL21: an order that can only bring the position nearer to zero is stopped by nothing but what may stop it.
#[test]
fn nl21_nothing_traps_a_position() {
    let shape = Shape { limits: 2, ..FULL };
    walk(
        "nl21",
        600,
        shape,
        |run, mut event| {
            if let Event::Decide(order) = &mut event
                && !run
                    .model
                    .is_known(order.key.client.as_str(), order.key.cl_ord_id.as_str())
            {
                // Aimed at the position where there is one.
                let seen = view(run, order.bucket.as_str());
                let aim = seen
                    .positions
                    .iter()
                    .find(|position| !position.quantity.is_zero());
                if let Some(aim) = aim {
                    order.instrument = aim.instrument.clone();
                    order.side = if aim.quantity.is_positive() {
                        Side::Sell
                    } else {
                        Side::Buy
                    };
                }
                let held = seen
                    .positions
                    .iter()
                    .find(|position| position.instrument == order.instrument);
                let zero = Quantity::ZERO;
                let (position, buys, sells) = held.map_or((zero, zero, zero), |held| {
                    (held.quantity, held.open_buys, held.open_sells)
                });
                let (reducible, live) = match order.side {
                    Side::Buy => (-position.units(), buys.units()),
                    Side::Sell => (position.units(), sells.units()),
                };
                let quantity = match order.size {
                    Size::Quantity(quantity) => quantity.units(),
                    Size::ClosePosition => reducible,
                    Size::Cash(_) => U::MAX / 2,
                };
                let is_exit = reducible > 0 && quantity + live <= reducible;
                let (came, _) = run.both(event)?;
                let answer = came.answer().unwrap();
                if is_exit {
                    let wrong = broken(&answer.decision)
                        .iter()
                        .find(|finding| !AGAINST_EXITS.contains(&finding.reason));
                    if let Some(wrong) = wrong {
                        return Err(fail(format!("an exit was stopped by {wrong:?}")));
                    }
                    if matches!(answer.decision.outcome, Outcome::Rerouted { .. }) {
                        return Err(fail("an exit was rerouted"));
                    }
                }
                return Ok(());
            }
            run.both(event).map(|_| ())
        },
        no_end,
    );
}
