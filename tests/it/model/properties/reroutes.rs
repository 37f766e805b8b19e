//! Reroutes.

use bulkhead::domain::decision::{Decision, Finding, Level, Outcome, Reason};
use bulkhead::domain::order::{Order, RerouteConsent, Side};
use bulkhead::domain::report::Report;
use bulkhead::domain::state::TradingState;

use bulkhead::engine::answer::ReportFlag;

use super::{REROUTES, broken, bucket_hash, filled, is_approved, no_end, view, walk};
use crate::model::naive::{CAPACITY, ONE, Place, U};
use crate::model::run::{Came, Checked, Run, fail, hashes, same};
use crate::model::world::{BUCKETS, Event};
use crate::support::{id, report};

/// What is known about a reroute before it takes effect.
struct Rerouting<'a> {
    order: &'a Order,
    decision: &'a Decision,
    /// Whether the same order sent to the target directly is approved, and what it then counts.
    source: usize,
    target: usize,
}

/// Follows streams, and looks at every reroute before it takes effect and after.
fn reroutes(
    name: &str,
    default: u32,
    before: impl Fn(&Run, &Rerouting<'_>) -> Checked,
    after: impl Fn(&mut Run, &Rerouting<'_>) -> Checked,
) {
    let seen = std::cell::Cell::new(0_u32);
    walk(
        name,
        default,
        REROUTES,
        |run, event| {
            let Event::Decide(order) = &event else {
                return run.both(event).map(|_| ());
            };
            let asked = run.engine.what_if(order, run.now(), true).unwrap();
            let Outcome::Rerouted { to, .. } = &asked.decision.outcome else {
                return run.both(event.clone()).map(|_| ());
            };
            if asked.replayed {
                return run.both(event.clone()).map(|_| ());
            }
            let at = |bucket: &str| BUCKETS.iter().position(|name| *name == bucket).unwrap();
            let rerouting = Rerouting {
                order,
                decision: &asked.decision,
                source: at(order.bucket.as_str()),
                target: at(to.bucket.as_str()),
            };
            seen.set(seen.get() + 1);
            before(run, &rerouting)?;
            run.both(event.clone())?;
            after(run, &rerouting)
        },
        no_end,
    );
    assert!(
        seen.get() > default / 20,
        "{name}: {} reroutes only",
        seen.get()
    );
}

fn nothing(_: &mut Run, _: &Rerouting<'_>) -> Checked {
    Ok(())
}

/// RR1, RR2, RR3, RR4: only with consent, only to a declared target, only for capacity, never for an exit.
#[test]
fn rr1_rr2_rr3_rr4_a_reroute_is_agreed_declared_for_capacity_and_no_exit() {
    reroutes(
        "rr1_rr2_rr3_rr4",
        500,
        |run, rerouting| {
            let route = rerouting.decision.route().unwrap();
            let pool = &run.model.pools[rerouting.source];
            let consent = rerouting.order.attributes.reroute;
            same("consent", consent != RerouteConsent::No, true)?;
            let declared = pool.targets.iter().take(4).any(|target| {
                target.bucket.unwrap_or(rerouting.source) == rerouting.target
                    && (route.venue.as_str(), route.account.as_str()) == target.account
            });
            same("declared", declared, true)?;
            same(
                "capacity",
                broken(rerouting.decision)
                    .iter()
                    .all(|finding| CAPACITY.contains(&finding.reason)),
                true,
            )?;
            same("reduce-only", rerouting.order.attributes.reduce_only, false)?;
            let seen = view(run, BUCKETS[rerouting.source]);
            let against = seen.positions.iter().any(|held| {
                held.instrument == rerouting.order.instrument
                    && match rerouting.order.side {
                        Side::Buy => held.quantity.is_negative(),
                        Side::Sell => held.quantity.is_positive(),
                    }
            });
            same("against the position", against, false)
        },
        nothing,
    );
}

/// RR1: without consent there is never a reroute.
#[test]
fn rr1_without_consent_nothing_is_rerouted() {
    walk(
        "rr1",
        200,
        REROUTES,
        |run, mut event| {
            if let Event::Decide(order) = &mut event
                && !run
                    .model
                    .is_known(order.key.client.as_str(), order.key.cl_ord_id.as_str())
            {
                order.attributes.reroute = RerouteConsent::No;
                let asked = run.engine.what_if(order, run.now(), false).unwrap();
                same(
                    "rerouted",
                    matches!(asked.decision.outcome, Outcome::Rerouted { .. }),
                    false,
                )?;
            }
            run.both(event).map(|_| ())
        },
        no_end,
    );
}

/// RR5, RR7: the target decides as if it had been asked first, and every target before it refuses.
#[test]
fn rr5_rr7_the_first_target_that_would_approve_carries_the_order() {
    reroutes(
        "rr5_rr7",
        500,
        |run, rerouting| {
            let pool = &run.model.pools[rerouting.source];
            let direct = |bucket: usize, account: (&str, &str)| {
                let mut order = rerouting.order.clone();
                order.bucket = id(BUCKETS[bucket]);
                (order.venue, order.account) = (id(account.0), Some(id(account.1)));
                order.attributes.reroute = RerouteConsent::No;
                run.engine
                    .what_if(&order, run.now(), true)
                    .unwrap()
                    .decision
            };
            let route = rerouting.decision.route().unwrap();
            let at_target = direct(
                rerouting.target,
                (route.venue.as_str(), route.account.as_str()),
            );
            same("route", at_target.route(), Some(route))?;
            same("quantity", at_target.quantity, rerouting.decision.quantity)?;
            let known = |list: &Option<Box<[Finding]>>| -> Vec<Finding> {
                list.iter()
                    .flatten()
                    .filter(|finding| finding.reason != Reason::InboundCap)
                    .copied()
                    .collect()
            };
            // Figures of another bucket are not the sender's to see (RR14).
            let expected = if rerouting.target == rerouting.source {
                known(&at_target.figures)
            } else {
                Vec::new()
            };
            same("figures", known(&rerouting.decision.figures), expected)?;
            for target in &pool.targets {
                let bucket = target.bucket.unwrap_or(rerouting.source);
                if bucket == rerouting.target
                    && target.account == (route.venue.as_str(), route.account.as_str())
                {
                    break;
                }
                let there = direct(bucket, target.account);
                let common = broken(rerouting.decision).iter().any(|finding| {
                    finding.level == Level::Firm
                        || (finding.level == Level::Desk
                            && run.model.pools[bucket].path == pool.path)
                });
                // The cap of the target is its own; what it holds already is the model's to count.
                let capped = bucket != rerouting.source;
                if is_approved(&there) && !common && !capped {
                    return Err(fail(format!("{target:?} would have taken it")));
                }
            }
            Ok(())
        },
        nothing,
    );
}

/// RR6, RR8, INV7: there is exactly one reservation, in the target; the source keeps nothing, a common group counts it once.
#[test]
fn rr6_rr8_there_is_one_reservation() {
    type Kept = (U, U, U, u32, u32);
    let kept = |run: &Run, bucket: &str| -> Kept {
        let seen = view(run, bucket);
        (
            seen.totals.gross.units(),
            seen.totals.long.units(),
            seen.traded.units(),
            seen.live_orders,
            u32::try_from(seen.positions.len()).unwrap(),
        )
    };
    let before = std::cell::RefCell::new(Vec::<Kept>::new());
    reroutes(
        "rr6_rr8",
        500,
        |run, _| {
            *before.borrow_mut() = BUCKETS.iter().map(|name| kept(run, name)).collect();
            Ok(())
        },
        |run, rerouting| {
            let before = before.borrow();
            let after: Vec<Kept> = BUCKETS.iter().map(|name| kept(run, name)).collect();
            let live = |list: &[Kept]| list.iter().map(|kept| kept.3).sum::<u32>();
            same("live orders", live(&after), live(&before) + 1)?;
            for (at, name) in BUCKETS.iter().enumerate() {
                if at != rerouting.target {
                    same(&format!("what {name} holds"), after[at], before[at])?;
                }
            }
            run.recount()
        },
    );
}

/// RR9, RR11: asked again the answer is the same and nothing is reserved twice; fills and replaces belong to the target.
#[test]
fn rr9_rr11_a_reroute_stands_and_its_life_is_the_targets() {
    reroutes(
        "rr9_rr11",
        500,
        |_, _| Ok(()),
        |run, rerouting| {
            let before = hashes(&run.engine, run.now());
            let again = run.engine.decide(rerouting.order, run.now(), true).unwrap();
            same("replayed", again.replayed, true)?;
            same("route", again.decision.route(), rerouting.decision.route())?;
            same("hashes", hashes(&run.engine, run.now()), before)?;
            let source = BUCKETS[rerouting.source];
            let hash = bucket_hash(&run.engine, source, run.now());
            let route = rerouting.decision.route().unwrap();
            let quantity = rerouting.decision.quantity.units();
            let contract = run
                .model
                .contracts
                .iter()
                .find(|contract| contract.name == rerouting.order.instrument.as_str())
                .unwrap();
            let number = run.past.len();
            let half = (quantity / 2 / contract.lot * contract.lot).max(contract.lot);
            let told = Report {
                client: rerouting.order.key.client.clone(),
                venue: route.venue.clone(),
                account: Some(route.account.clone()),
                trade_date: 2,
                bucket: Some(id(source)),
                ..report(
                    rerouting.order.key.cl_ord_id.as_str(),
                    &format!("x{number}"),
                    filled(half, ONE),
                )
            };
            let (came, _) = run.both(Event::Report(told))?;
            let Came::Receipt(receipt) = came else {
                return Err(fail("no receipt"));
            };
            same(
                "booked to",
                receipt.bucket.as_ref().map(|bucket| bucket.as_str()),
                Some(route.bucket.as_str()),
            )?;
            if rerouting.source != rerouting.target {
                // From the account that was asked: booked to the order's bucket all the same, and alarmed (RR10, NL11).
                let (venue, account) = run.model.pools[rerouting.source].accounts[0];
                let astray = Report {
                    client: rerouting.order.key.client.clone(),
                    venue: id(venue),
                    account: Some(id(account)),
                    trade_date: 2,
                    ..report(
                        rerouting.order.key.cl_ord_id.as_str(),
                        &format!("y{number}"),
                        filled(contract.lot, ONE),
                    )
                };
                let (came, _) = run.both(Event::Report(astray))?;
                let Came::Receipt(receipt) = came else {
                    return Err(fail("no receipt"));
                };
                let is_alarmed = receipt.flags.contains(&ReportFlag::RouteViolation);
                same("alarmed", is_alarmed, true)?;
                same("booked to", receipt.bucket.as_ref(), Some(&route.bucket))?;
                same(
                    "state of the source",
                    bucket_hash(&run.engine, source, run.now()),
                    hash,
                )?;
            }
            run.recount()
        },
    );
}

/// RR12: a target takes strangers in only where it names them, and no more than its caps.
#[test]
fn rr12_a_target_takes_in_no_more_than_its_caps() {
    let value = |run: &Run, target: usize, from: Option<usize>| -> U {
        run.model.pools[target]
            .inbound
            .iter()
            .filter(|(wall, source, _)| {
                run.model.is_today(target, *wall) && from.is_none_or(|from| from == *source)
            })
            .map(|(_, _, value)| value)
            .sum()
    };
    reroutes(
        "rr12",
        500,
        |_, _| Ok(()),
        |run, rerouting| {
            if rerouting.source == rerouting.target {
                return Ok(());
            }
            let pool = &run.model.pools[rerouting.target];
            let Some((_, cap)) = pool
                .sources
                .iter()
                .find(|(from, _)| *from == rerouting.source)
            else {
                return Err(fail("the target does not name the source"));
            };
            let own = value(run, rerouting.target, Some(rerouting.source));
            let all = value(run, rerouting.target, None);
            same(
                "cap",
                own <= *cap && pool.sources_total.is_none_or(|cap| all <= cap),
                true,
            )
        },
    );
}

/// RR10: what nobody accepted may not be sent, and is released by itself; accepted it is an order like any other.
#[test]
fn rr10_an_order_waits_for_its_client_to_accept_its_route() {
    let (accepted, lapsed) = (std::cell::Cell::new(0_u32), std::cell::Cell::new(0_u32));
    reroutes(
        "rr10",
        500,
        |_, _| Ok(()),
        |run, rerouting| {
            let is_asked = rerouting.order.attributes.reroute == RerouteConsent::Acknowledge;
            let order = Box::new(rerouting.order.clone());
            if !is_asked {
                let (came, _) = run.both(Event::Accept(order))?;
                return same("nothing to accept", matches!(came, Came::Refused), true);
            }
            let at = run.model.offered(&order).unwrap();
            same("waits", run.model.orders[at].is_offered(), true)?;
            run.recount()?;
            if run.past.len() % 2 == 0 {
                let (came, _) = run.both(Event::Accept(order.clone()))?;
                same("accepted", matches!(came, Came::Receipt(_)), true)?;
                let before = hashes(&run.engine, run.now());
                run.both(Event::Accept(order))?;
                same("hashes", hashes(&run.engine, run.now()), before)?;
                accepted.set(accepted.get() + 1);
            } else {
                run.wait(run.model.orders[at].patience());
                if run.past.len() % 3 == 0 {
                    run.both(Event::Sweep)?;
                    same("released", run.model.orders[at].is_over(), true)?;
                }
                let (came, _) = run.both(Event::Accept(order))?;
                same("too late", matches!(came, Came::Refused), true)?;
                lapsed.set(lapsed.get() + 1);
            }
            run.recount()
        },
    );
    assert!(
        accepted.get() > 5 && lapsed.get() > 5,
        "{accepted:?} {lapsed:?}"
    );
}

/// RR13, RR14: the target may trade the very contract at a venue that lists it, and its figures stay its own.
#[test]
fn rr13_rr14_a_route_keeps_the_contract_and_tells_nothing_of_another_bucket() {
    reroutes(
        "rr13_rr14",
        500,
        |run, rerouting| {
            let route = rerouting.decision.route().unwrap();
            let number = run.model.contracts.iter();
            let mut number = number
                .enumerate()
                .filter(|(_, contract)| contract.name == rerouting.order.instrument.as_str());
            let (number, contract) = number.next().unwrap();
            same(
                "listed",
                contract.venues.contains(&route.venue.as_str()),
                true,
            )?;
            let rules = &run.model.pools[rerouting.target].rules;
            let allowed = rules
                .allow
                .as_ref()
                .is_none_or(|list| list.contains(&number))
                && !rules.deny.contains(&number)
                && !rules.restricted.contains(&number);
            let is_exit = is_exit_there(run, rerouting);
            same("mandate", allowed || is_exit, true)?;
            if rerouting.source != rerouting.target {
                same("figures", rerouting.decision.figures.is_none(), true)?;
                let source = view(run, BUCKETS[rerouting.source]).version;
                same("version", rerouting.decision.versions.limits, source)?;
            }
            Ok(())
        },
        |run, rerouting| {
            let bucket = run.engine.bucket(&id(BUCKETS[rerouting.target])).unwrap();
            let orders = run.engine.live_orders(&bucket, run.now());
            let carried = orders.iter().find(|order| order.key == rerouting.order.key);
            let Some(carried) = carried else {
                return Err(fail("the target does not carry it"));
            };
            same("contract", &carried.instrument, &rerouting.order.instrument)?;
            same("side", carried.side, rerouting.order.side)?;
            same("terms", carried.terms, rerouting.order.terms)
        },
    );
}

/// Whether the order closes a position of the target: lists of instruments hold back no exit (A12).
fn is_exit_there(run: &Run, rerouting: &Rerouting<'_>) -> bool {
    let seen = view(run, BUCKETS[rerouting.target]);
    seen.positions.iter().any(|held| {
        held.instrument == rerouting.order.instrument
            && match rerouting.order.side {
                Side::Buy => held.quantity.is_negative(),
                Side::Sell => held.quantity.is_positive(),
            }
    })
}

/// RR15: whatever is halted over source or target before the acceptance, the reservation is void and stays so.
#[test]
fn rr15_a_halt_before_the_acceptance_voids_the_route() {
    let voided = std::cell::Cell::new(0_u32);
    reroutes(
        "rr15",
        500,
        |_, _| Ok(()),
        |run, rerouting| {
            let order = Box::new(rerouting.order.clone());
            let Some(at) = run.model.offered(&order) else {
                return Ok(());
            };
            let held = &run.model.orders[at];
            let target = &run.model.pools[rerouting.target];
            let venue = if run.past.len() % 5 == 0 {
                let asked = rerouting.order.venue.as_str();
                *["X", "Y"].iter().find(|name| **name == asked).unwrap()
            } else {
                target.accounts[held.account].0
            };
            let places = [
                Place::Bucket(rerouting.source),
                Place::Bucket(rerouting.target),
                Place::Group(target.path[0]),
                Place::Group(run.model.pools[rerouting.source].path[0]),
                Place::Instrument(held.instrument),
                Place::Venue(venue),
                Place::Client(held.client.to_string()),
                Place::Everything,
            ];
            let place = places[run.past.len() % places.len()].clone();
            let state = if run.past.len() % 3 == 0 {
                TradingState::CancelOnly
            } else {
                TradingState::Halted
            };
            run.both(Event::Restrict(place.clone(), state))?;
            same("void", run.model.orders[at].void, true)?;
            run.recount()?;
            for _ in 0..2 {
                let (came, _) = run.both(Event::Accept(order.clone()))?;
                same("accepted", matches!(came, Came::Refused), true)?;
                run.both(Event::Rearm(place.clone()))?;
            }
            voided.set(voided.get() + 1);
            run.recount()
        },
    );
    assert!(voided.get() > 10, "{voided:?}");
}
