//! The properties, each under its id; here those of totals, and what several need.

mod bounds;
mod isolation;
mod kills;
mod largest;
mod owners;
mod reports;
mod reroutes;
mod shadow;
mod strong;

use std::cell::Cell;

use bulkhead::domain::decision::{Decision, Finding, Outcome, Reason};
use bulkhead::domain::report::{Fill, Report, ReportKind};
use bulkhead::domain::state::{OrderState, TradingState};
use bulkhead::engine::Engine;
use bulkhead::engine::view::BucketView;

use super::naive::{Model, ONE, Place, U};
use super::run::{Came, Checked, Meant, Run, hashes, same};
use super::world::{BUCKETS, Dice, Event, FULL, Shape, amount};
use super::{cases, check, world};
use crate::support::{id, report};

/// Nothing but capacity stands against an order.
const PLAIN: Shape = Shape {
    limits: 3,
    groups: true,
    around: false,
    reroutes: false,
    admin: true,
    mess: true,
    links: false,
    plain: true,
};

/// As plain, with declared reroutes and tight limits.
const REROUTES: Shape = Shape {
    limits: 2,
    reroutes: true,
    ..PLAIN
};

/// Follows random streams; `each` does every event and looks at what comes of it.
fn walk(
    name: &str,
    default: u32,
    shape: Shape,
    each: impl Fn(&mut Run, Event) -> Checked,
    end: impl Fn(&mut Run, &mut Dice) -> Checked,
) {
    check(name, default, cases(20..50), |(seeds, steps)| {
        let mut run = Run::priced(&seeds, shape);
        for bits in &steps {
            let event = run.next(*bits);
            each(&mut run, event).map_err(|error| run.explain(&error))?;
        }
        end(&mut run, &mut Dice(seeds[9])).map_err(|error| run.explain(&error))
    });
}

fn no_end(_: &mut Run, _: &mut Dice) -> Checked {
    Ok(())
}

fn recount(run: &mut Run, event: Event) -> Checked {
    run.both(event)?;
    run.recount()
}

/// The bucket an event is addressed to, and the one where it takes effect, where that is another.
fn addressed(model: &Model, event: &Event, came: &Came) -> Option<Vec<String>> {
    let of = |client: &str, order: &str| {
        let at = model.find(client, order)?;
        Some(vec![model.pools[model.orders[at].bucket].name.to_owned()])
    };
    match event {
        Event::Decide(order) | Event::WhatIf(order) => {
            let mut touched = vec![order.bucket.to_string()];
            let route = came.answer().and_then(|answer| answer.decision.route());
            touched.extend(route.map(|route| route.bucket.to_string()));
            Some(touched)
        }
        Event::Basket(basket) | Event::WhatIfBasket(basket) => {
            Some(vec![basket.bucket().to_string()])
        }
        Event::Quote(quote) | Event::WhatIfQuote(quote) => Some(vec![quote.bucket.to_string()]),
        Event::Replace(replace) | Event::WhatIfReplace(replace) => {
            of(replace.key.client.as_str(), replace.original.as_str()).or(Some(Vec::new()))
        }
        Event::Report(report) => {
            of(report.client.as_str(), report.cl_ord_id.as_str()).or_else(|| {
                let owner = match report.account.as_ref()?.as_str() {
                    "nobody" => "quarantine",
                    account => account.split('-').next()?,
                };
                Some(vec![owner.to_owned()])
            })
        }
        Event::Notice(client, order, _) => of(client, order),
        Event::Resolve(key, _) => of(key.client.as_str(), key.cl_ord_id.as_str()),
        Event::Release(key) => of(key.client.as_str(), key.cl_ord_id.as_str()).or(Some(Vec::new())),
        Event::Accept(order) => of(order.key.client.as_str(), order.key.cl_ord_id.as_str()),
        Event::Sweep => Some(Vec::new()),
        Event::Limits(bucket, _)
        | Event::Load(bucket, ..)
        | Event::Restrict(Place::Bucket(bucket), _)
        | Event::Rearm(Place::Bucket(bucket)) => Some(vec![BUCKETS[*bucket].to_owned()]),
        _ => None,
    }
}

/// A bucket with the groups above it.
fn path(model: &Model, bucket: &str) -> Vec<String> {
    let pool = model.pools.iter().find(|pool| pool.name == bucket).unwrap();
    let groups = pool
        .path
        .iter()
        .map(|group| model.groups[*group].name.to_owned());
    core::iter::once(bucket.to_owned()).chain(groups).collect()
}

fn view(run: &Run, bucket: &str) -> BucketView {
    let found = run.engine.bucket(&id(bucket)).unwrap();
    run.engine.bucket_view(&found, run.now())
}

fn bucket_hash(engine: &Engine, bucket: &str, now: bulkhead::domain::time::Now) -> [u8; 32] {
    engine.bucket_hash(&engine.bucket(&id(bucket)).unwrap(), now)
}

fn broken(decision: &Decision) -> &[Finding] {
    match &decision.outcome {
        Outcome::Rejected(list) => list,
        Outcome::Rerouted { because, .. } => because,
        Outcome::Approved(_) => &[],
    }
}

fn is_approved(decision: &Decision) -> bool {
    !matches!(decision.outcome, Outcome::Rejected(_))
}

/// What an answer says, without numbers, times and versions of the log.
fn gist(came: &Came) -> String {
    match came {
        Came::Answer(answer) => {
            let decision = &answer.decision;
            format!(
                "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                decision.outcome,
                decision.quantity,
                decision.evaluated,
                decision.not_applicable,
                decision.figures,
                answer.replayed,
                answer.order_state,
                answer.exit,
                answer.cancel_first,
                decision.shadow,
                answer.closing_restricted,
            )
        }
        Came::Together(answer) => {
            let legs = answer.legs.iter();
            let legs: Vec<String> = legs
                .map(|leg| gist(&Came::Answer(Box::new(leg.clone()))))
                .collect();
            format!(
                "{:?} {:?} {} {:?} {legs:?}",
                answer.failed, answer.broken, answer.replayed, answer.cancel
            )
        }
        Came::Receipt(receipt) => {
            let mut receipt = receipt.clone();
            receipt.sequence = 0;
            format!("{receipt:?}")
        }
        Came::Refused => "refused".to_owned(),
        Came::Done(done) => format!("{done}"),
    }
}

/// Whether it refuses a replace for want of a live order.
fn is_of_none(answer: &bulkhead::engine::answer::Answer) -> bool {
    let first = broken(&answer.decision).first();
    first.is_some_and(|first| [Reason::UnknownOrder, Reason::OrderEnded].contains(&first.reason))
}

/// What the venue says of an order, at the account that the order was sent to.
fn told(model: &Model, at: usize, exec: &str, kind: ReportKind) -> Report {
    let order = &model.orders[at];
    let (venue, account) = model.pools[order.bucket].accounts[order.account];
    Report {
        client: order.client.clone(),
        venue: id(venue),
        account: Some(id(account)),
        trade_date: 1,
        ..report(&order.id, exec, kind)
    }
}

fn filled(quantity: U, price: U) -> ReportKind {
    ReportKind::Trade(Fill {
        quantity: amount(quantity),
        price: amount(price),
        fee: amount(0),
        fee_currency: None,
    })
}

/// Fills of live orders, any of them in any order, at prices no worse than what they hold.
fn fill_some(run: &mut Run, dice: &mut Dice, each: impl Fn(&mut Run, usize) -> Checked) -> Checked {
    for number in 0..12 {
        let live: Vec<usize> = (0..run.model.orders.len())
            .filter(|at| !run.model.orders[*at].is_over() && run.model.orders[*at].cash.is_none())
            .collect();
        let bits =
            dice.0.rotate_left(number * 5) ^ u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut dice = Dice(bits);
        if live.is_empty() {
            return Ok(());
        }
        let at = live[usize::try_from(dice.roll(live.len() as u64)).unwrap()];
        let order = &run.model.orders[at];
        let contract = &run.model.contracts[order.instrument];
        let leaves = order.leaves();
        let part = match dice.roll(3) {
            0 => (leaves / 2 / contract.lot * contract.lot)
                .max(contract.lot)
                .min(leaves),
            _ => leaves,
        };
        // The least any of its versions holds a contract at; inverse contracts are worth the same at any price.
        let unit = order
            .versions
            .iter()
            .map(|version| version.unit)
            .min()
            .unwrap();
        let rate = if contract.euro { 12 * ONE / 10 } else { ONE };
        let price = if contract.inverse {
            100 * ONE
        } else {
            unit * ONE / rate * ONE / contract.multiplier
        };
        if part == 0 || price <= 0 {
            continue;
        }
        let bucket = order.bucket;
        let report = told(&run.model, at, &format!("n{number}"), filled(part, price));
        run.both(Event::Report(report))?;
        each(run, bucket)?;
    }
    Ok(())
}

/// INV2, and every check: with a venue that behaves, decisions and totals are the model's.
#[test]
fn inv2_decisions_and_totals_are_the_models_where_all_goes_well() {
    let shape = Shape {
        admin: false,
        mess: false,
        reroutes: false,
        ..FULL
    };
    walk("inv2_well", 700, shape, recount, no_end);
}

/// INV1, INV2, H1-H17: with a venue and a client that err in every way, and people who change limits and states.
#[test]
fn inv2_decisions_and_totals_are_the_models_whatever_happens() {
    walk("inv2_whatever", 1_500, FULL, recount, no_end);
}

/// INV2 under tight capacity, with reroutes.
#[test]
fn inv2_decisions_and_totals_are_the_models_under_tight_capacity() {
    walk("inv2_tight", 700, REROUTES, recount, no_end);
}

/// L4, INV2: buckets move from one group to another on the way, by force or where they fit, and no figure of any level is lost or counted
/// twice; some of the moves break limits and are refused.
#[test]
fn l4_buckets_that_move_take_everything_along() {
    let (moved, refused) = (Cell::new(0_u32), Cell::new(0_u32));
    let each = |run: &mut Run, event: Event| {
        let mut dice = Dice(run.past.len() as u64 ^ run.now().mono.rotate_left(21));
        recount(run, event)?;
        if dice.one_in(5) {
            let bucket = usize::try_from(dice.roll(3)).unwrap();
            let group = usize::try_from(dice.roll(3)).unwrap();
            let event = Event::Move(bucket, group, dice.one_in(3));
            let before = run.model.pools[bucket].path.clone();
            let (_, meant) = run.both(event)?;
            let to = if group == 0 { vec![0] } else { vec![group, 0] };
            match meant {
                Meant::Done(true) => moved.set(moved.get() + 1),
                _ if before != to => refused.set(refused.get() + 1),
                _ => {}
            }
            run.recount()?;
        }
        if dice.one_in(40) {
            run.wait(6 * 3_600_000_000_000);
            run.price()?;
            run.recount()?;
        }
        Ok(())
    };
    let shape = Shape { limits: 3, ..FULL };
    walk("l4_moves", 700, shape, each, no_end);
    assert!(
        moved.get() > 0 && refused.get() > 0,
        "{moved:?} {refused:?}"
    );
}

/// A10, A11, H11, H14-H16: nights pass, and what is past is forgotten; what comes late finds its order and its fill for as long as they
/// are remembered, and the bucket of the fill after that.
#[test]
fn inv2_what_comes_late_is_what_the_model_makes_of_it() {
    let shape = Shape { limits: 8, ..FULL };
    check("inv2_late", 700, cases(30..60), |(seeds, steps)| {
        let mut run = Run::priced(&seeds, shape);
        for bits in &steps {
            let event = run.next(*bits);
            recount(&mut run, event)?;
            let mut dice = Dice(bits.rotate_left(41));
            if dice.one_in(6) {
                run.wait(u64::try_from(super::naive::RETENTION).unwrap() / 5 * (1 + dice.roll(4)));
                if dice.one_in(2) {
                    run.both(Event::Sweep)?;
                }
                run.price()?;
                run.recount()?;
            }
        }
        Ok(())
    });
}

/// G3, H2: cancels and fills are taken in every state, and a halt stops every order but touches no reservation.
#[test]
fn g3_a_halt_stops_orders_and_no_facts() {
    walk(
        "g3",
        200,
        FULL,
        |run, event| run.both(event).map(|_| ()),
        |run, dice| {
            run.both(Event::Restrict(Place::Everything, TradingState::Halted))?;
            for number in 0..3_usize {
                let order = world::order(
                    &mut Dice(dice.0.rotate_left(u32::try_from(number).unwrap())),
                    number,
                    format!("h{number}"),
                    FULL,
                    run.now().wall,
                );
                let (came, _) = run.both(Event::Decide(order))?;
                same(
                    "approved",
                    came.answer()
                        .is_some_and(|answer| is_approved(&answer.decision)),
                    false,
                )?;
            }
            fill_some(run, dice, |run, _| run.recount())?;
            same(
                "end of a known order",
                OrderState::Filled.is_terminal(),
                true,
            )
        },
    );
}

/// K1: a what-if says what the decision then says, and changes nothing at all.
#[test]
fn k1_a_what_if_changes_nothing_and_says_the_same() {
    walk(
        "k1",
        450,
        FULL,
        |run, event| {
            let what_if = match &event {
                Event::Decide(order) => Event::WhatIf(order.clone()),
                Event::Replace(replace) => Event::WhatIfReplace(replace.clone()),
                Event::Basket(basket) => Event::WhatIfBasket(basket.clone()),
                Event::Quote(quote) => Event::WhatIfQuote(quote.clone()),
                _ => return run.both(event).map(|_| ()),
            };
            let (before, sequence) = (hashes(&run.engine, run.now()), run.engine.sequence());
            let (asked, _) = run.both(what_if)?;
            same("hashes", hashes(&run.engine, run.now()), before)?;
            same("sequence", run.engine.sequence(), sequence)?;
            let (came, _) = run.both(event)?;
            same("answer", gist(&came), gist(&asked))
        },
        no_end,
    );
}
