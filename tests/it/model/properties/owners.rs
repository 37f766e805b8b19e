//! Two owners of one limit.

use bulkhead::domain::decision::{Outcome, Reason};
use bulkhead::domain::order::RerouteConsent;
use bulkhead::engine::Engine;
use bulkhead::risk::limits::{GroupLimits, Limits};

use super::{broken, is_approved, walk};
use crate::model::naive::{GroupRules, Rules};
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
        post_only: if kept.post_only == 0 || rules.post_only == 0 {
            rules.post_only
        } else {
            kept.post_only
        },
        ..rules
    }
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
        let desk = run.model.pools[bucket].rules.clone();
        let seed = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ bits >> 29;
        let risk = beside(world::rules(seed, 6), &desk);
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
            put(engine, BUCKETS[bucket], "desk", desk);
            put(engine, BUCKETS[bucket], "risk", risk);
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
        let _ = ask(limits(&desk), bare(), group_limits(&firm), bare_group());
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
