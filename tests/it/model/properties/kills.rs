//! Kills over random streams (G4).

use std::collections::{BTreeMap, BTreeSet};

use bulkhead::domain::state::TradingState;
use bulkhead::engine::kills::{KillId, KillState};

use super::walk;
use crate::model::naive::{Model, Place};
use crate::model::run::{Checked, Run, same};
use crate::model::world::{Event, FULL};

/// Whether a halt of this place reaches an order of the model.
fn reaches(model: &Model, place: &Place, at: usize) -> bool {
    let order = &model.orders[at];
    let pool = &model.pools[order.bucket];
    match place {
        Place::Bucket(bucket) => *bucket == order.bucket,
        Place::Group(group) => pool.path.contains(group),
        Place::Instrument(instrument) => *instrument == order.instrument,
        Place::Venue(venue) => *venue == pool.accounts[order.account].0,
        Place::Client(client) => *client == order.client.as_str(),
        Place::Everything => true,
    }
}

/// G4: a halt makes a kill of exactly what is live in its scope, and whatever comes then, each of these orders is in it until it has ended,
/// with what it holds.
#[test]
fn g4_a_kill_holds_what_was_live_until_it_has_ended() {
    let made = std::cell::Cell::new(0_u32);
    let ended = std::cell::Cell::new(0_u32);
    // What every kill should hold: orders of the model by their place.
    let open = std::cell::RefCell::new(BTreeMap::<KillId, BTreeSet<usize>>::new());
    let fresh = |run: &Run| {
        if run.past.len() <= 10 {
            open.borrow_mut().clear();
        }
    };
    let follow = |run: &mut Run, event: Event| -> Checked {
        let before = run.engine.all_kills(run.now());
        let halted = match &event {
            Event::Restrict(place, TradingState::Halted) => Some(place.clone()),
            _ => None,
        };
        run.both(event)?;
        let now = run.now();
        let kills = run.engine.all_kills(now);
        if let Some(place) = halted {
            let live = (0..run.model.orders.len())
                .filter(|at| !run.model.orders[*at].is_over())
                .filter(|at| reaches(&run.model, &place, *at));
            let live: BTreeSet<usize> = live.collect();
            if kills.len() > before.len() {
                made.set(made.get() + 1);
                open.borrow_mut().insert(kills.last().unwrap().id, live);
            } else {
                // Nothing lives there, or the kill that is open has it all.
                let known: BTreeSet<usize> = open.borrow().values().flatten().copied().collect();
                same("in a kill", live.is_subset(&known), true)?;
            }
        }
        for (id, orders) in &mut *open.borrow_mut() {
            let many = orders.len();
            orders.retain(|at| !run.model.orders[*at].is_over());
            ended.set(ended.get() + u32::try_from(many - orders.len()).unwrap());
            let Some((kill, live)) = run.engine.kill(*id, now) else {
                return Err(crate::model::run::fail("the kill is gone"));
            };
            // Of two linked orders either may be the one that counts what they have in common.
            let linked: BTreeSet<&str> = orders
                .iter()
                .map(|at| &run.model.orders[*at])
                .filter(|order| order.link.is_some())
                .map(|order| order.id.as_str())
                .collect();
            let held = |id: &str, value: i128| if linked.contains(id) { 0 } else { value };
            let mut found: Vec<(String, i128)> = live
                .iter()
                .map(|(order, _)| {
                    let id = order.key.cl_ord_id.to_string();
                    let value = held(&id, order.reserved.units());
                    (id, value)
                })
                .collect();
            let mut expected: Vec<(String, i128)> = orders
                .iter()
                .map(|at| {
                    let order = &run.model.orders[*at];
                    (order.id.clone(), held(&order.id, order.hold().value))
                })
                .collect();
            found.sort();
            expected.sort();
            same("live orders of the kill", found, expected)?;
            let is_over = kill.state == KillState::Resolved;
            same("resolved", is_over, orders.is_empty())?;
            let over: u64 = kill.ended.values().sum();
            same("ended", over + kill.live, kill.orders)?;
        }
        Ok(())
    };
    walk(
        "g4",
        300,
        FULL,
        |run, event| {
            fresh(run);
            // The walk halts now and then by itself; more often, there is more to follow.
            let mut events = vec![event];
            if run.past.len() % 9 == 0 {
                let place = Place::Bucket(run.past.len() % 3);
                events.push(Event::Restrict(place.clone(), TradingState::Halted));
                events.push(Event::Rearm(place));
            }
            events.into_iter().try_for_each(|event| follow(run, event))
        },
        |_, _| {
            open.borrow_mut().clear();
            Ok(())
        },
    );
    assert!(made.get() > 20 && ended.get() > 20, "{made:?} {ended:?}");
}
