//! Limits in shadow, and limits that are off.

use bulkhead::domain::decision::{Reason, ReasonSet};
use bulkhead::engine::Engine;
use bulkhead::engine::answer::Answer;

use super::{gist, is_approved};
use crate::model::naive::{Model, Rules};
use crate::model::run::{Came, Run, apply, fail, same};
use crate::model::world::{Event, FULL, QUARANTINE, Shape};
use crate::model::{cases, check, world};

fn bare(rules: &Rules) -> Rules {
    let gone = [rules.shadow.as_slice(), &rules.off].concat();
    rules.without(&gone)
}

/// An engine that has never heard of the limits that are not enforced.
fn without(model: &Model) -> Engine {
    let mut model = model.clone();
    for pool in &mut model.pools[..QUARANTINE] {
        let hours = pool.rules.enforces(Reason::OutsideTradingWindow);
        if !hours {
            pool.windows.clear();
        }
        pool.rules = bare(&pool.rules);
    }
    for group in model.groups.iter_mut().chain(&mut model.around) {
        group.rules = group.rules.enforced();
    }
    world::engine(&model)
}

/// An answer less what it says of limits that are not enforced.
fn less(came: &Came, relaxed: ReasonSet) -> String {
    let mut came = came.clone();
    let answers: &mut [Answer] = match &mut came {
        Came::Answer(answer) => core::slice::from_mut(answer),
        Came::Together(answer) => &mut answer.legs,
        Came::Receipt(_) | Came::Refused | Came::Done(_) => &mut [],
    };
    for answer in answers {
        let decision = &mut answer.decision;
        decision.shadow = Box::default();
        for reason in relaxed.iter() {
            decision.evaluated.remove(reason);
            decision.not_applicable.remove(reason);
        }
        if let Some(figures) = &mut decision.figures {
            let kept = figures.iter().filter(|it| !relaxed.contains(it.reason));
            *figures = kept.copied().collect();
        }
    }
    gist(&came)
}

/// Limits that remember, and the hours, which are no part of the documents that change on the way: they stay in the mode they are in.
const KEPT: &[Reason] = &[
    Reason::OutsideTradingWindow,
    Reason::OrderRate,
    Reason::NotionalRate,
    Reason::LookAlike,
];

fn keep(new: (&mut Vec<Reason>, &mut Vec<Reason>), old: (&[Reason], &[Reason])) {
    for (new, old) in [(new.0, old.0), (new.1, old.1)] {
        new.retain(|limit| !KEPT.contains(limit));
        new.extend(old.iter().filter(|limit| KEPT.contains(limit)));
    }
}

/// The same stream against an engine without the limits that are in shadow, or off, gives the same answers, byte for byte but for the
/// shadow itself; an approval with something in its shadow is one that the limits would have refused.
#[test]
fn shadow_limits_change_no_answer() {
    let (told, passed) = (std::cell::Cell::new(0_u32), std::cell::Cell::new(0_u32));
    let shape = Shape { limits: 2, ..FULL };
    check("shadow", 700, cases(30..60), |(seeds, steps)| {
        let mut run = Run::new(&seeds, shape);
        let bare_engine = without(&run.model);
        run.price()?;
        for event in &run.past {
            apply(&bare_engine, event, run.now());
        }
        let mut relaxed = ReasonSet::of_none();
        for bits in &steps {
            let mut event = run.next(*bits);
            match &mut event {
                Event::Limits(bucket, rules) => {
                    let old = &run.model.pools[*bucket].rules;
                    keep((&mut rules.shadow, &mut rules.off), (&old.shadow, &old.off));
                }
                Event::GroupLimits(group, rules) => {
                    let old = &run.model.groups[*group].rules;
                    keep((&mut rules.shadow, &mut rules.off), (&old.shadow, &old.off));
                }
                _ => {}
            }
            let documents = (run.model.pools.iter())
                .map(|pool| [pool.rules.shadow.as_slice(), &pool.rules.off])
                .chain(
                    (run.model.groups.iter().chain(&run.model.around))
                        .map(|it| [it.rules.shadow.as_slice(), &it.rules.off]),
                );
            let limits = documents.flatten().flatten().copied();
            limits.for_each(|limit| relaxed.insert(limit));
            let (came, _) = run.both(event.clone())?;
            let event = match event {
                Event::Limits(bucket, rules) => Event::Limits(bucket, Box::new(bare(&rules))),
                Event::GroupLimits(group, rules) => Event::GroupLimits(group, rules.enforced()),
                other => other,
            };
            let lone = apply(&bare_engine, &event, run.now());
            same(
                "without the shadow",
                less(&came, relaxed),
                less(&lone, relaxed),
            )
            .map_err(|error| run.explain(&error))?;
            if let (Came::Answer(with), Came::Answer(lone)) = (&came, &lone) {
                if !lone.decision.shadow.is_empty() {
                    return Err(fail("a shadow of nothing"));
                }
                if !with.decision.shadow.is_empty() {
                    told.set(told.get() + 1);
                    passed.set(passed.get() + u32::from(is_approved(&with.decision)));
                }
            }
        }
        Ok(())
    });
    assert!(told.get() > 20 && passed.get() > 5, "{told:?} {passed:?}");
}
