//! Two owners of one limit.

use bulkhead::domain::decision::{Outcome, Reason};
use bulkhead::domain::order::RerouteConsent;
use bulkhead::engine::Engine;
use bulkhead::risk::limits::{GroupLimits, Limits};

use super::{broken, is_approved, walk};
use crate::model::naive::{Bound, Collar, GroupRules, ONE, Rules, U};
use crate::model::run::{Checked, Run, fail, same};
use crate::model::world::{self, BUCKETS, Dice, FULL, Shape, group_limits, group_rules, limits};
use crate::support::id;

/// What is no bound, and what counted before, is the same with both owners.
fn beside(rules: Rules, kept: &Rules) -> Rules {
    Rules {
        slippage: kept.slippage,
        no_credit: kept.no_credit,
        patience: kept.patience,
        alike: kept.alike.filter(|_| rules.alike.is_some()),
        rate: kept.rate.filter(|_| rules.rate.is_some()),
        notional_rate: kept.notional_rate.filter(|_| rules.notional_rate.is_some()),
        // Two marks of which no order has both is no pair of documents.
        post_only: rules.post_only.min(1),
        ..rules
    }
}

/// Every bound times something of its own, between a half and eight times.
fn varied(rules: &Rules, dice: &mut Dice) -> Rules {
    let mut bits = dice.0;
    let mut times = |limit: U| {
        bits = bits.wrapping_mul(0xD129_0DDA_5C5E_0E11).rotate_left(27) ^ 0x5851_F42D;
        limit * U::from(Dice(bits >> 16).pick(&[1_u32, 2, 3, 6, 16])) / 2
    };
    let mut rules = rules.clone();
    for limit in [
        &mut rules.quantity,
        &mut rules.base,
        &mut rules.notional,
        &mut rules.underlying,
        &mut rules.long,
        &mut rules.short,
        &mut rules.gross,
        &mut rules.net,
        &mut rules.traded,
    ] {
        *limit = limit.map(&mut times);
    }
    rules.open = rules.open.map(|(max, kept)| {
        let max = u32::try_from(times(U::from(max * 2))).unwrap();
        (max, kept.min(max))
    });
    let mut collar = |collar: &mut Option<Collar>| {
        let Some(collar) = collar else { return };
        for part in [
            &mut collar.aggressive,
            &mut collar.passive,
            &mut collar.absolute,
            &mut collar.period,
        ] {
            *part = part.map(&mut times);
        }
    };
    collar(&mut rules.collar);
    for own in rules.per.values_mut() {
        collar(&mut own.collar);
    }
    for own in rules.per.values_mut() {
        for limit in [&mut own.quantity, &mut own.long, &mut own.short] {
            *limit = limit.map(&mut times);
        }
    }
    for (_, _, bound) in &mut rules.sets {
        *bound = match *bound {
            Bound::Money(money) => Bound::Money(times(money)),
            Bound::Share(share) => Bound::Share(times(share)),
        };
    }
    rules.capital = rules.capital.map(&mut times);
    rules
}

fn put(engine: &Engine, bucket: &str, owner: &str, limits: Limits) {
    let owner = id(owner);
    let at = usize::from(owner.as_str() == "risk");
    let bucket = engine.bucket(&id(bucket)).unwrap();
    let version = bucket.state.lock().documents.version(at);
    let changed = engine.update_limits_of(&bucket.id, Some(&owner), version, limits);
    changed.unwrap();
}

fn put_group(engine: &Engine, owner: &str, limits: GroupLimits) {
    let owner = id(owner);
    let at = usize::from(owner.as_str() == "risk");
    let group = engine.group(&id("firm")).unwrap();
    let version = group.state.lock().documents.version(at);
    let changed = engine.update_group_limits_of(&group.id, Some(&owner), version, limits);
    changed.unwrap();
}

/// A document that sets no limit, and values orders as another does.
fn nothing(like: &Rules) -> Limits {
    limits(&Rules {
        slippage: like.slippage,
        no_credit: like.no_credit,
        patience: like.patience,
        // The hours are of both.
        off: vec![Reason::OutsideTradingWindow],
        ..Rules::default()
    })
}

fn look(run: &mut Run, dice: &mut Dice, passed: &std::cell::Cell<[u32; 2]>) -> Checked {
    let engine = &run.engine;
    for number in 0..8_u64 {
        let bits = dice.0.rotate_left(7 * u32::try_from(number).unwrap()) ^ (number << 50);
        let mut dice = Dice(bits);
        let bucket = usize::try_from(dice.roll(3)).unwrap();
        let mut order = world::order(
            &mut dice,
            bucket,
            format!("q{number}"),
            FULL,
            run.now().wall,
        );
        order.attributes.reroute = RerouteConsent::No;
        let kept = run.model.pools[bucket].rules.clone();
        let seed = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ bits >> 29;
        let drawn = |seed: u64| {
            let rules = varied(&world::rules(seed, 3), &mut Dice(seed.rotate_left(19)));
            beside(rules, &kept)
        };
        let mut desk = drawn(seed.rotate_left(11) ^ number);
        // The same limits with other bounds, or others altogether.
        let mut risk = drawn(seed);
        if !dice.one_in(3) {
            risk = varied(&desk, &mut Dice(seed.rotate_left(37)));
            (risk.shadow, risk.off) = world::modes(seed);
        }
        // A share beside a distance is no one collar.
        if dice.one_in(3) {
            desk.collar = Some(Collar {
                aggressive: Some(ONE / 20),
                ..Collar::default()
            });
            risk.collar = Some(Collar {
                absolute: Some(dice.pick(&[1, 3, 6]) * ONE),
                passive: dice.one_in(2).then_some(ONE / 50),
                ..Collar::default()
            });
        }
        let (firm, other) = (run.model.groups[0].rules.clone(), group_rules(seed, 4));
        let other = GroupRules {
            rate: firm.rate.filter(|_| other.rate.is_some()),
            offsets: firm.offsets,
            ..other
        };
        let none = GroupLimits {
            net_offsets: firm.offsets,
            ..GroupLimits::unlimited(id("USD"))
        };
        let ask = |desk: Limits, risk: Limits, firm: GroupLimits, other: GroupLimits| {
            put(engine, BUCKETS[bucket], "risk", risk);
            put(engine, BUCKETS[bucket], "desk", desk);
            put_group(engine, "desk", firm);
            put_group(engine, "risk", other);
            engine.what_if(&order, run.model.now, true).unwrap()
        };
        let (bare, bare_group) = (|| nothing(&desk), || none.clone());
        let one = ask(limits(&desk), bare(), group_limits(&firm), bare_group());
        let two = ask(bare(), limits(&risk), bare_group(), group_limits(&other));
        let both = ask(
            limits(&desk),
            limits(&risk),
            group_limits(&firm),
            group_limits(&other),
        );
        let alone = is_approved(&one.decision) && is_approved(&two.decision);
        let mut count = passed.get();
        count[usize::from(alone)] += 1;
        passed.set(count);
        if is_approved(&both.decision) != alone {
            return Err(fail(format!(
                "{order:?}\n  desk {:?} {desk:?}\n  risk {:?} {risk:?}\n  both {:?}",
                broken(&one.decision),
                broken(&two.decision),
                broken(&both.decision),
            )));
        }
        same("exit", both.exit, one.exit)?;
        let is_reroute = matches!(both.decision.outcome, Outcome::Rerouted { .. });
        same("rerouted", is_reroute, false)?;
        let _ = ask(limits(&kept), bare(), group_limits(&firm), bare_group());
    }
    Ok(())
}

/// O4: what both owners' documents come to approves what each alone approves, and nothing else, as far as limits are bounds.
#[test]
fn o4_of_two_owners_the_tighter_wins_and_no_more_than_that() {
    let passed = std::cell::Cell::new([0_u32; 2]);
    let shape = Shape {
        limits: 6,
        reroutes: false,
        admin: false,
        ..FULL
    };
    walk(
        "o4",
        300,
        shape,
        |run, event| run.both(event).map(|_| ()),
        |run, dice| look(run, dice, &passed),
    );
    let [refused, approved] = passed.get();
    assert!(refused > 50 && approved > 50, "{passed:?}");
}
