//! What happens in one bucket and what others feel of it.

use bulkhead::domain::decision::{Finding, Level, Reason};
use bulkhead::domain::state::TradingState;
use bulkhead::engine::view::BucketView;

use super::{
    PLAIN, addressed, broken, bucket_hash, gist, is_approved, is_of_none, no_end, path, view, walk,
};
use crate::model::naive::{Line, Mark, Model, ONE, Place, U};
use crate::model::run::{Came, Run, apply, fail, hashes, same};
use crate::model::world::{CLIENTS, Dice, Event, FULL, Shape};
use crate::model::{cases, check, world};
use crate::support::id;

/// NL1, INV5: an event of one bucket changes no other bucket, and no group but those above it.
#[test]
fn nl1_an_event_of_one_bucket_writes_to_no_other() {
    walk(
        "nl1",
        450,
        FULL,
        |run, event| {
            let before = hashes(&run.engine, run.now());
            // What waits for its route to be accepted is released by time and by halts of where it came from: that is a reroute's.
            let waiting = run.model.orders.iter().filter(|order| order.is_offered());
            let waiting: Vec<&str> = waiting
                .filter(|_| matches!(event, Event::Sweep | Event::Restrict(..)))
                .map(|order| run.model.pools[order.bucket].name)
                .collect();
            let (came, _) = run.both(event.clone())?;
            let Some(mut touched) = addressed(&run.model, &event, &came) else {
                return Ok(());
            };
            touched.extend(waiting.into_iter().map(str::to_owned));
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
        Event::Release(key) | Event::Resolve(key, _) => key.client.as_str() == CLIENTS[0],
        Event::Accept(order) => order.key.client.as_str() == CLIENTS[0],
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
    let above = |finding: &Finding| finding.level.is_above();
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
        for (instrument, price) in world::BASE.into_iter().enumerate() {
            let mark = Mark {
                instrument,
                mark: Some(price * ONE),
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
            // A basket that was refused here is not asked alone either; one that is approved must be there, too.
            if let Came::Together(among) = &came {
                let is_new = !among.replayed && among.broken.is_none();
                if is_new && among.approved() {
                    let lone = apply(&alone, &event, run.now());
                    let approved = matches!(&lone, Came::Together(lone) if lone.approved() || lone.broken.is_some());
                    same("a basket that others made room for", approved, true)
                        .map_err(|error| run.explain(&error))?;
                }
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
            let unused = (1..world::CONTRACTS.len()).find(|at| {
                let usage = run.model.usage(0);
                usage.lines[*at] == Line::default()
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
                let wild = Mark {
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
