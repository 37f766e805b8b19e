//! The properties, each under its id.

use bulkhead::domain::amount::Quantity;
use bulkhead::domain::decision::{Decision, Finding, Level, Outcome, Reason};
use bulkhead::domain::order::{Order, RerouteConsent, Side, Size};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::{OrderState, TradingState};
use bulkhead::engine::Engine;
use bulkhead::engine::answer::ReportFlag;
use bulkhead::engine::view::BucketView;

use super::naive::{Bound, CAPACITY, Model, ONE, Place, Rules, U, Usage};
use super::run::{Came, Checked, Run, apply, fail, hashes, same};
use super::world::{self, BUCKETS, CLIENTS, Dice, Event, FULL, QUARANTINE, Shape, amount};
use super::{cases, check};
use crate::support::id;

/// Nothing but capacity stands against an order.
const PLAIN: Shape = Shape {
    limits: 3,
    groups: true,
    reroutes: false,
    admin: true,
    mess: true,
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
        Event::Release(key) => of(key.client.as_str(), key.cl_ord_id.as_str()).or(Some(Vec::new())),
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

// Totals.

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

// Isolation.

/// NL1, INV5: an event of one bucket changes no other bucket, and no group but those above it.
#[test]
fn nl1_an_event_of_one_bucket_writes_to_no_other() {
    walk(
        "nl1",
        450,
        FULL,
        |run, event| {
            let before = hashes(&run.engine, run.now());
            let (came, _) = run.both(event.clone())?;
            let Some(touched) = addressed(&run.model, &event, &came) else {
                return Ok(());
            };
            let may: Vec<String> = touched
                .iter()
                .flat_map(|bucket| path(&run.model, bucket))
                .collect();
            for (one, other) in before.iter().zip(&hashes(&run.engine, run.now())) {
                if !may.contains(&one.0) && one.1 != other.1 {
                    return Err(fail(format!("{event:?} of {touched:?} changed {}", one.0)));
                }
            }
            Ok(())
        },
        no_end,
    );
}

/// What an answer says, without numbers, times and versions of the log.
fn gist(came: &Came) -> String {
    match came {
        Came::Answer(answer) => {
            let decision = &answer.decision;
            format!(
                "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                decision.outcome,
                decision.quantity,
                decision.evaluated,
                decision.not_applicable,
                decision.figures,
                answer.replayed,
                answer.order_state,
                answer.exit,
                answer.cancel_first,
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

/// Whether an event concerns bucket `a`, the groups above it or the market.
fn concerns_a(model: &Model, event: &Event, came: &Came) -> bool {
    match event {
        Event::Mark(_) | Event::Euro(..) | Event::Sweep => true,
        Event::Restrict(place, _) | Event::Rearm(place) => {
            !matches!(place, Place::Bucket(1 | 2) | Place::Group(2))
        }
        Event::GroupLimits(group, _) => *group != 2,
        Event::Replace(replace) | Event::WhatIfReplace(replace) => {
            replace.key.client.as_str() == CLIENTS[0]
        }
        Event::Notice(client, ..) => client == CLIENTS[0],
        Event::Release(key) => key.client.as_str() == CLIENTS[0],
        Event::Report(report) => {
            report.client.as_str() == CLIENTS[0]
                || addressed(model, event, came)
                    .is_some_and(|touched| touched.contains(&"a".to_owned()))
        }
        _ => addressed(model, event, came).is_some_and(|touched| touched.contains(&"a".to_owned())),
    }
}

/// NL2: a bucket gets the same answers, alone or among others, where no limit of a group binds.
#[test]
fn nl2_a_bucket_hears_the_same_alone_and_among_others() {
    let shape = Shape {
        groups: false,
        reroutes: false,
        ..FULL
    };
    check("nl2", 700, cases(30..80), |(seeds, steps)| {
        let mut run = Run::priced(&seeds, shape);
        let alone = world::engine(&run.model);
        for event in &run.past {
            apply(&alone, event, run.now());
        }
        for bits in &steps {
            let event = run.next(*bits);
            if matches!(event, Event::GroupLimits(..)) {
                continue;
            }
            let (came, _) = run.both(event.clone())?;
            if concerns_a(&run.model, &event, &came) {
                let lone = apply(&alone, &event, run.now());
                same("what a hears", gist(&came), gist(&lone))
                    .map_err(|error| run.explain(&error))?;
            }
        }
        same(
            "hash of a",
            bucket_hash(&run.engine, "a", run.now()),
            bucket_hash(&alone, "a", run.now()),
        )
        .map_err(|error| run.explain(&error))
    });
}

/// NL3: where a bucket hears something else among others than alone, a limit of a group is the reason, and nothing else is.
#[test]
fn nl3_only_limits_of_groups_let_one_bucket_feel_another() {
    let shape = Shape {
        reroutes: false,
        limits: 2,
        ..PLAIN
    };
    let above = |finding: &Finding| matches!(finding.level, Level::Desk | Level::Firm);
    check("nl3", 500, cases(30..60), |(mut seeds, steps)| {
        // Every attempt counts in the order rate, so the two would drift apart by what only one of them tried.
        seeds.truncate(10);
        let mut run = Run::new(&seeds, shape);
        for pool in &mut run.model.pools {
            (pool.rules.rate, pool.rules.notional_rate) = (None, None);
        }
        for group in &mut run.model.groups {
            // An offset is the one way in which others may make room, and declared.
            group.rules.offsets = false;
        }
        run.engine = world::engine(&run.model);
        let alone = world::engine(&run.model);
        for instrument in 0..5 {
            let mark = super::naive::Mark {
                instrument,
                mark: Some([100, 20, 100, 3, 10][instrument] * ONE),
                ..Default::default()
            };
            let _ = run.both(Event::Mark(mark))?;
            apply(&alone, &Event::Mark(mark), run.now());
        }
        for bits in &steps {
            let event = run.next(*bits);
            if matches!(event, Event::GroupLimits(..)) {
                continue;
            }
            let (came, _) = run.both(event.clone())?;
            if !concerns_a(&run.model, &event, &came) {
                continue;
            }
            let tried = match &event {
                Event::Decide(order) => {
                    Some(apply(&alone, &Event::WhatIf(order.clone()), run.now()))
                }
                Event::Replace(replace) => Some(apply(
                    &alone,
                    &Event::WhatIfReplace(replace.clone()),
                    run.now(),
                )),
                _ => None,
            };
            if let (Some(Came::Answer(lone)), Came::Answer(among)) = (&tried, &came) {
                // What was refused by a group was not asked alone: its id is not taken there.
                let is_taken = |answer: &bulkhead::engine::answer::Answer| {
                    let first = broken(&answer.decision).first();
                    answer.replayed
                        || first.is_some_and(|first| first.reason == Reason::DuplicateMismatch)
                };
                // So a replace may find there what its id stood for on an earlier day, and here the refusal that took its place.
                if is_taken(among) || is_taken(lone) || (is_of_none(among) && is_of_none(lone)) {
                    continue;
                }
                let own = |list: &[Finding]| {
                    list.iter()
                        .filter(|finding| !above(finding))
                        .copied()
                        .collect::<Vec<_>>()
                };
                same(
                    "own reasons",
                    own(broken(&among.decision)),
                    own(broken(&lone.decision)),
                )
                .map_err(|error| run.explain(&error))?;
                if is_approved(&among.decision) && !is_approved(&lone.decision) {
                    return Err(run.explain(&fail("others made room")));
                }
                if !is_approved(&among.decision) {
                    // Refused by a group: alone it is not even asked, so that both hold the same.
                    continue;
                }
            }
            apply(&alone, &event, run.now());
        }
        Ok(())
    });
}

// Bounds.

/// Every limit of a bucket with what it counts.
fn measures(model: &Model, bucket: usize, usage: &Usage) -> Vec<(&'static str, bool, U, U)> {
    let rules = &model.pools[bucket].rules;
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
            super::naive::Set::Underlying => model
                .contracts
                .iter()
                .map(|contract| contract.underlying)
                .collect(),
            super::naive::Set::Venue => vec!["X", "Y"],
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
        let (venue, account) = run.model.pools[order.bucket].accounts[order.account];
        let bucket = order.bucket;
        let report = Report {
            client: order.client.clone(),
            cl_ord_id: id(&order.id),
            exec_id: Some(id(&format!("n{number}"))),
            kind: ReportKind::Trade(Fill {
                quantity: amount(part),
                price: amount(price),
                fee: amount(0),
                fee_currency: None,
            }),
            cum: None,
            leaves: None,
            venue: id(venue),
            account: Some(id(account)),
            trade_date: 1,
            bucket: None,
            instrument: None,
            side: None,
        };
        run.both(Event::Report(report))?;
        each(run, bucket)?;
    }
    Ok(())
}

/// NL8: whatever of the live orders fills, in whatever order, a bucket that is not in breach comes into none.
#[test]
fn nl8_no_subset_of_fills_breaches_a_limit() {
    for (name, shape) in [("nl8_full", FULL), ("nl8_tight", REROUTES)] {
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
                        let (rules, limit) = (
                            &run.model.groups[at].rules,
                            run.model.groups[at].rules.gross,
                        );
                        if limit.is_some_and(|limit| new.0 > limit.max(old.0))
                            || rules
                                .net
                                .is_some_and(|limit| !rules.offsets && new.3 > limit.max(old.3))
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
                    let (venue, account) = run.model.pools[order.bucket].accounts[order.account];
                    let owed = order.end.is_some() && order.owed.is_some();
                    let kind = if owed {
                        let quantity = amount(order.leaves());
                        ReportKind::Trade(Fill {
                            quantity,
                            price: amount(10 * ONE),
                            fee: amount(0),
                            fee_currency: None,
                        })
                    } else {
                        ReportKind::Canceled
                    };
                    let report = Report {
                        client: order.client.clone(),
                        cl_ord_id: id(&order.id),
                        exec_id: Some(id(&format!("z{round}-{at}"))),
                        cum: (!owed).then(|| amount(order.filled())),
                        kind,
                        leaves: None,
                        venue: id(venue),
                        account: Some(id(account)),
                        trade_date: 1,
                        bucket: None,
                        instrument: None,
                        side: None,
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
                    gross += super::naive::up(holding.line.position.units().abs(), unit)
                        .max(super::naive::up(-holding.line.position.units().abs(), unit));
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

/// NL11, RR11: a report is booked to the bucket stored with its order, whatever bucket or account it names.
#[test]
fn nl11_a_report_is_booked_where_its_order_is() {
    walk(
        "nl11",
        500,
        REROUTES,
        |run, mut event| {
            let mut owner = None;
            if let Event::Report(report) = &mut event
                && let Some(at) = run
                    .model
                    .find(report.client.as_str(), report.cl_ord_id.as_str())
            {
                report.bucket = Some(id(BUCKETS[(at + 1) % 3]));
                report.account = Some(id(["a-x", "b-x", "c-x"][at % 3]));
                owner = Some(BUCKETS[run.model.orders[at].bucket]);
            }
            let others: Vec<_> = BUCKETS
                .iter()
                .filter(|name| owner.is_some_and(|owner| owner != **name))
                .collect();
            let before: Vec<_> = others
                .iter()
                .map(|name| bucket_hash(&run.engine, name, run.now()))
                .collect();
            let (came, _) = run.both(event.clone())?;
            if let (Some(owner), Came::Receipt(receipt), Event::Report(report)) =
                (owner, &came, &event)
            {
                let after: Vec<_> = others
                    .iter()
                    .map(|name| bucket_hash(&run.engine, name, run.now()))
                    .collect();
                same("other buckets", after, before)?;
                if let Some(bucket) = &receipt.bucket {
                    same("booked to", bucket.as_str(), owner)?;
                    let named = report.bucket.as_ref().map(|bucket| bucket.as_str());
                    same(
                        "alarm",
                        receipt.flags.contains(&ReportFlag::BucketMismatch),
                        named != Some(owner),
                    )?;
                }
            }
            run.recount()
        },
        no_end,
    );
}

/// NL12, L2: a group counts the sum of its children, long and short of different buckets never offset unless declared, and never in a child.
#[test]
fn nl12_buckets_never_offset_each_other() {
    walk(
        "nl12",
        400,
        FULL,
        |run, event| {
            run.both(event)?;
            let all: Vec<BucketView> = run
                .model
                .pools
                .iter()
                .map(|pool| view(run, pool.name))
                .collect();
            for group in &run.model.groups {
                let below: Vec<&BucketView> = all
                    .iter()
                    .filter(|view| view.path.iter().any(|name| name.as_str() == group.name))
                    .collect();
                let totals = run
                    .engine
                    .group(&id(group.name))
                    .unwrap()
                    .state
                    .lock()
                    .totals;
                same(
                    "gross",
                    totals.totals.gross.units(),
                    below
                        .iter()
                        .map(|view| view.totals.gross.units())
                        .sum::<U>(),
                )?;
                same(
                    "net",
                    totals.net(false).units(),
                    below
                        .iter()
                        .map(|view| view.totals.net().units())
                        .sum::<U>(),
                )?;
                if totals.net(true) > totals.net(false) {
                    return Err(fail("an offset made more of it"));
                }
            }
            Ok(())
        },
        |run, dice| {
            // What a child may do is the same whether its group offsets or not.
            let order = world::order(dice, 0, "last".to_owned(), FULL, run.now().wall);
            let own = |run: &Run| -> Vec<Finding> {
                let answer = run.engine.what_if(&order, run.now(), true).unwrap();
                broken(&answer.decision)
                    .iter()
                    .filter(|finding| finding.level == Level::Bucket)
                    .copied()
                    .collect()
            };
            let before = own(run);
            for group in 0..3 {
                let mut rules = run.model.groups[group].rules.clone();
                rules.offsets = !rules.offsets;
                run.both(Event::GroupLimits(group, rules))?;
            }
            let after = own(run);
            same("own reasons", after, before)
        },
    );
}

/// The order an event is about.
fn about(model: &Model, event: &Event) -> Option<usize> {
    match event {
        Event::Report(report) => model.find(report.client.as_str(), report.cl_ord_id.as_str()),
        _ => None,
    }
}

/// Whether an event that comes again means what it meant when it first came.
fn is_same_again(model: &Model, event: &Event, was_about: Option<usize>) -> bool {
    match event {
        Event::Decide(order) => {
            model.stands(order.key.client.as_str(), order.key.cl_ord_id.as_str())
        }
        Event::Replace(replace) => {
            model.stands(replace.key.client.as_str(), replace.key.cl_ord_id.as_str())
        }
        Event::Report(report) if model.remembers(report) => true,
        Event::Report(report) => {
            let is_execution = matches!(
                report.kind,
                ReportKind::Trade(_)
                    | ReportKind::Bust { .. }
                    | ReportKind::Correct { .. }
                    | ReportKind::Restated { .. }
            );
            !is_execution && about(model, event) == was_about
        }
        _ => false,
    }
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

/// Whether it refuses a replace for want of a live order.
fn is_of_none(answer: &bulkhead::engine::answer::Answer) -> bool {
    let first = broken(&answer.decision).first();
    first.is_some_and(|first| [Reason::UnknownOrder, Reason::OrderEnded].contains(&first.reason))
}

/// NL13, INV6, INV17: whatever carries an id may come any number of times, at any time later, and counts once.
#[test]
fn nl13_what_comes_again_counts_once() {
    check("nl13", 700, cases(20..45), |(seeds, steps)| {
        let mut run = Run::priced(&seeds, FULL);
        let twice = world::engine(&run.model);
        for event in &run.past {
            apply(&twice, event, run.now());
        }
        // What may come again, with the order it was about.
        let mut again: Vec<(Event, Option<usize>)> = Vec::new();
        for bits in &steps {
            let event = run.next(*bits);
            // An end that finds its order filled says nothing then, and something once the fill is void.
            let idle = matches!(&event, Event::Report(report) if run.model.find(report.client.as_str(), report.cl_ord_id.as_str()).is_some_and(|at| run.model.orders[at].is_over()));
            let (one, _) = run.both(event.clone())?;
            let other = apply(&twice, &event, run.now());
            let is_unknown = |came: &Came| matches!(came, Came::Receipt(receipt) if receipt.flags.contains(&ReportFlag::UnknownOrder));
            if is_unknown(&one) != is_unknown(&other) {
                // What was told again is remembered for longer; from here on the two hold different things, and rightly so.
                return Ok(());
            }
            // For the same reason: there an order has ended, where here nothing leads to it any more.
            let is_forgotten = [&one, &other]
                .iter()
                .all(|came| came.answer().is_some_and(is_of_none));
            if !is_forgotten
                && one.answer().map(|answer| answer.replayed)
                    == other.answer().map(|answer| answer.replayed)
            {
                same("first time", gist(&other), gist(&one))
                    .map_err(|error| run.explain(&error))?;
            }
            let may = match &event {
                Event::Decide(_) | Event::Replace(_) => true,
                Event::Report(report) => {
                    let asks = matches!(
                        report.kind,
                        ReportKind::CancelRejected {
                            of: CancelRejectOf::Cancel,
                            ..
                        }
                    );
                    let ends = matches!(
                        report.kind,
                        ReportKind::Canceled
                            | ReportKind::Expired
                            | ReportKind::DoneForDay
                            | ReportKind::Rejected
                    );
                    !(asks || (ends && idle))
                }
                _ => false,
            };
            if may {
                let about = about(&run.model, &event);
                again.push((event, about));
            }
            let mut dice = Dice(bits.rotate_left(23));
            let mut last = Vec::new();
            for _ in 0..dice.roll(4) {
                if !again.is_empty() {
                    let (event, at) =
                        &again[usize::try_from(dice.roll(again.len() as u64)).unwrap()];
                    // A day later its id may stand for something else, and it may be forgotten: then it is another event.
                    if !is_same_again(&run.model, event, *at) {
                        continue;
                    }
                    let came = apply(&twice, event, run.now());
                    last.push(event.clone());
                    if came.answer().is_some_and(|answer| {
                        !answer.replayed
                            && broken(&answer.decision)
                                .first()
                                .map(|finding| finding.reason)
                                != Some(Reason::DuplicateMismatch)
                    }) {
                        return Err(run.explain(&fail(format!("decided again: {event:?}"))));
                    }
                }
            }
            for (one, other) in hashes(&run.engine, run.now())
                .iter()
                .zip(&hashes(&twice, run.now()))
            {
                if one != other {
                    let text = format!("{} differs; delivered again at last: {last:?}", one.0);
                    return Err(run.explain(&fail(text)));
                }
            }
        }
        Ok(())
    });
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

/// NL16: what stops another bucket, its client, its desk or an instrument that a bucket does not use changes nothing for the bucket.
#[test]
fn nl16_states_and_floods_of_others_change_nothing() {
    let shape = Shape {
        reroutes: false,
        groups: false,
        ..FULL
    };
    walk(
        "nl16",
        400,
        shape,
        |run, event| run.both(event).map(|_| ()),
        |run, dice| {
            let mut order = world::order(dice, 0, "probe".to_owned(), shape, run.now().wall);
            order.instrument = id("P");
            let ask = |run: &Run| {
                gist(&apply(
                    &run.engine,
                    &Event::WhatIf(order.clone()),
                    run.now(),
                ))
            };
            let (answer, hash) = (ask(run), bucket_hash(&run.engine, "a", run.now()));
            let unused = (1..5).find(|at| {
                let usage = run.model.usage(0);
                usage.lines[*at] == super::naive::Line::default()
            });
            let mut others = vec![
                Event::Restrict(Place::Bucket(1), TradingState::Halted),
                Event::Restrict(Place::Group(2), TradingState::Halted),
                Event::Restrict(Place::Client(CLIENTS[1].to_owned()), TradingState::Halted),
            ];
            if let Some(unused) = unused {
                others.push(Event::Restrict(
                    Place::Instrument(unused),
                    TradingState::Halted,
                ));
                let wild = super::naive::Mark {
                    instrument: unused,
                    bid: Some(1_000 * ONE),
                    ..Default::default()
                };
                others.push(Event::Mark(wild));
            }
            for number in 0..15 {
                let flood = world::order(
                    &mut Dice(dice.0.rotate_left(number)),
                    1,
                    format!("flood{number}"),
                    shape,
                    run.now().wall,
                );
                others.push(Event::Decide(flood));
            }
            for event in others {
                run.both(event.clone())?;
                if run.model.contracts[0].option_on.is_none() {
                    same(&format!("answer after {event:?}"), ask(run), answer.clone())?;
                }
                same(
                    &format!("state after {event:?}"),
                    bucket_hash(&run.engine, "a", run.now()),
                    hash,
                )?;
            }
            Ok(())
        },
    );
}

/// Reasons that may stand against an exit (NL21): message and size, collar, self-match, legal, its own quota, cancel-only and halted.
const AGAINST_EXITS: &[Reason] = &[
    Reason::UnknownInstrument,
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

// Reroutes.

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
            same(
                "consent",
                rerouting.order.attributes.reroute,
                RerouteConsent::AutoAccept,
            )?;
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
                order.attributes.reroute = if order.attributes.located {
                    RerouteConsent::No
                } else {
                    RerouteConsent::Acknowledge
                };
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
            same(
                "figures",
                known(&rerouting.decision.figures),
                known(&at_target.figures),
            )?;
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
            let filled = Report {
                client: rerouting.order.key.client.clone(),
                cl_ord_id: rerouting.order.key.cl_ord_id.clone(),
                exec_id: Some(id(&format!("x{number}"))),
                kind: ReportKind::Trade(Fill {
                    quantity: amount(
                        (quantity / 2 / contract.lot * contract.lot).max(contract.lot),
                    ),
                    price: amount(ONE),
                    fee: amount(0),
                    fee_currency: None,
                }),
                cum: None,
                leaves: None,
                venue: route.venue.clone(),
                account: Some(route.account.clone()),
                trade_date: 2,
                bucket: Some(id(source)),
                instrument: None,
                side: None,
            };
            let (came, _) = run.both(Event::Report(filled))?;
            let Came::Receipt(receipt) = came else {
                return Err(fail("no receipt"));
            };
            same(
                "booked to",
                receipt.bucket.as_ref().map(|bucket| bucket.as_str()),
                Some(route.bucket.as_str()),
            )?;
            if rerouting.source != rerouting.target {
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
                run.model.is_today(*wall) && from.is_none_or(|from| from == *source)
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
