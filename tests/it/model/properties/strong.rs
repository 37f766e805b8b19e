//! NL2 in its strong form: one bucket alone, and the same bucket among a hundred thousand events of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::strategy::Strategy;

use bulkhead::domain::decision::Route;
use bulkhead::domain::name::ClOrdId;
use bulkhead::domain::order::{Notice, Order, OrderKey, Replace};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::TradingState;
use bulkhead::domain::time::{MILLISECOND, Now};

use super::{broken, bucket_hash, is_approved};
use crate::model::naive::{Mark, ONE, Place, Rules, U};
use crate::model::run::{Came, apply, fail, same};
use crate::model::world::{self, BASE, CLIENTS, Dice, Event, FULL, Shape, amount};
use crate::model::{cases, check};
use crate::support::{id, later, report};

/// Events of other buckets in each case.
const OTHERS: u32 = 100_000;
/// Of which so many come between two of the bucket's own.
const BETWEEN: u32 = 50;
/// The others press against every limit; no limit of a group stands between them and the bucket, and nothing is rerouted.
const SHAPE: Shape = Shape {
    groups: false,
    reroutes: false,
    ..FULL
};

/// Random numbers without end.
struct Random(u64);

impl Random {
    fn dice(&mut self) -> Dice {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Dice(mixed ^ (mixed >> 31))
    }
}

/// An order that was approved, as its sender knows it.
struct Known {
    order: Order,
    route: Arc<Route>,
    quantity: U,
    filled: U,
    last: ClOrdId,
}

/// Everything that is said for one bucket, by one client.
struct Voice {
    at: usize,
    random: Random,
    said: u64,
    known: Vec<Known>,
    executed: Vec<Report>,
}

impl Voice {
    const fn new(at: usize, seed: u64) -> Self {
        Self {
            at,
            random: Random(seed),
            said: 0,
            known: Vec::new(),
            executed: Vec::new(),
        }
    }

    fn next(&mut self, now: Now) -> Event {
        let mut dice = self.random.dice();
        self.said += 1;
        let client = CLIENTS[self.at];
        let name = format!("{client}-{}", self.said);
        let kind = dice.roll(24);
        let newest = self.known.len().saturating_sub(40);
        let which = newest + usize::try_from(dice.roll(40)).unwrap();
        let Some(known) = self.known.get(which).filter(|_| kind > 8) else {
            let order = world::order(&mut self.random.dice(), self.at, name, SHAPE, now.wall);
            return match kind {
                8 => Event::WhatIf(order),
                _ => Event::Decide(order),
            };
        };
        let key = |name: &str| OrderKey {
            client: id(client),
            cl_ord_id: id(name),
        };
        let told = |kind, cum| Report {
            client: id(client),
            cl_ord_id: known.order.key.cl_ord_id.clone(),
            cum,
            venue: known.route.venue.clone(),
            account: Some(known.route.account.clone()),
            instrument: Some(known.order.instrument.clone()),
            side: Some(known.order.side),
            ..report("x", &format!("e{name}"), kind)
        };
        let filled = Some(amount(known.filled));
        match kind {
            9 | 10 => {
                let quantity = dice.pick(&[0, 1, 2, 4, 8]) * ONE;
                Event::Replace(Replace {
                    key: key(&name),
                    original: known.last.clone(),
                    quantity: amount(quantity),
                    terms: known.order.terms,
                })
            }
            11..=15 => {
                let fill = Fill {
                    quantity: amount(dice.pick(&[1, 1, 2]) * ONE),
                    price: amount(dice.pick(&[90, 100, 110]) * ONE),
                    fee: amount(dice.pick(&[0, ONE / 100])),
                    fee_currency: None,
                };
                Event::Report(told(ReportKind::Trade(fill), None))
            }
            16..=18 => Event::Report(told(ReportKind::Canceled, filled)),
            19 => Event::Report(told(ReportKind::Replaced, filled)),
            20 => {
                let of = CancelRejectOf::Replace;
                let kind = ReportKind::CancelRejected {
                    of,
                    unknown_order: false,
                };
                Event::Report(told(kind, None))
            }
            21 => {
                let notice = dice.pick(&[Notice::Sent, Notice::CancelRequested]);
                let order = known.order.key.cl_ord_id.to_string();
                Event::Notice(client.to_owned(), order, notice)
            }
            22 => match self.executed.last() {
                // Once more, word by word.
                Some(report) => Event::Report(report.clone()),
                None => Event::Release(known.order.key.clone()),
            },
            _ => Event::Release(known.order.key.clone()),
        }
    }

    fn hear(&mut self, event: &Event, came: &Came) {
        match (event, came) {
            (Event::Decide(order), Came::Answer(answer)) if is_approved(&answer.decision) => {
                self.known.push(Known {
                    order: order.clone(),
                    route: Arc::clone(answer.decision.route().unwrap()),
                    quantity: answer.decision.quantity.units(),
                    filled: 0,
                    last: order.key.cl_ord_id.clone(),
                });
            }
            (Event::Replace(replace), Came::Answer(answer)) if is_approved(&answer.decision) => {
                for known in self.known.iter_mut().rev().take(200) {
                    if known.last == replace.original {
                        known.last = replace.key.cl_ord_id.clone();
                        known.quantity = replace.quantity.units();
                    }
                }
            }
            (Event::Report(report), Came::Receipt(receipt)) if receipt.applied => {
                if let ReportKind::Trade(fill) = &report.kind {
                    for known in self.known.iter_mut().rev().take(200) {
                        if known.order.key.cl_ord_id == report.cl_ord_id {
                            known.filled += fill.quantity.units();
                        }
                    }
                    self.executed.push(report.clone());
                }
            }
            _ => {}
        }
    }
}

/// Everything an answer says, but for its number in the log. Ids and times are the client's and the clock's, the same in both.
fn words(came: &Came) -> String {
    match came {
        Came::Answer(answer) => {
            let mut answer = answer.clone();
            answer.decision.sequence = 0;
            format!("{answer:?}")
        }
        Came::Receipt(receipt) => {
            let mut receipt = receipt.clone();
            receipt.sequence = 0;
            format!("{receipt:?}")
        }
        Came::Together(answer) => {
            let mut answer = answer.clone();
            for leg in &mut answer.legs {
                leg.decision.sequence = 0;
            }
            format!("{answer:?}")
        }
        Came::Refused => "refused".to_owned(),
        Came::Done(done) => format!("{done}"),
    }
}

/// The same rules, none of which looks for orders of other buckets: that one is declared, and excepted.
fn alone_in(mut rules: Rules) -> Rules {
    rules.self_scope = 0;
    rules
}

/// What is done to other buckets by people.
fn meddling(dice: &mut Dice, seed: u64) -> Event {
    let place = match dice.roll(4) {
        0 => Place::Bucket(1),
        1 => Place::Bucket(2),
        2 => Place::Group(2),
        _ => Place::Client(CLIENTS[1 + usize::try_from(dice.roll(2)).unwrap()].to_owned()),
    };
    match dice.roll(6) {
        0 => Event::Restrict(place, TradingState::Halted),
        1 => Event::Restrict(place, TradingState::ReduceOnly),
        2 => Event::Limits(
            1 + usize::try_from(dice.roll(2)).unwrap(),
            Box::new(alone_in(world::rules(seed, 4))),
        ),
        _ => Event::Rearm(place),
    }
}

/// NL2: word for word the same answers, and the same state, alone and among 100,000 random events of others.
#[test]
fn nl2_a_bucket_hears_the_same_among_a_hundred_thousand_events_of_others() {
    // Nothing is gained by shrinking one number.
    check(
        "nl2 strong",
        2,
        cases(1..2).no_shrink(),
        |(seeds, steps)| {
            let mut model = world::model(&seeds, SHAPE);
            // So many orders in one day, and all of it in trading hours.
            model.quotas.clear();
            for pool in &mut model.pools {
                pool.windows.clear();
                pool.rules.self_scope = 0;
            }
            let (among, alone) = (world::engine(&model), world::engine(&model));
            let mut now = Now {
                wall: 1_800_000_000_000_000_000,
                mono: 1_000_000_000,
            };
            for (instrument, base) in BASE.into_iter().enumerate() {
                let mark = Event::Mark(Mark {
                    instrument,
                    mark: Some(base * ONE),
                    ..Mark::default()
                });
                apply(&among, &mark, now);
                apply(&alone, &mark, now);
            }
            let mut own = Voice::new(0, steps[0]);
            let mut others = [
                Voice::new(1, steps[0].rotate_left(17)),
                Voice::new(2, steps[0].rotate_left(34)),
            ];
            let mut random = Random(seeds[0]);
            let (mut approved, mut refused, mut booked) = (0, 0, 0);
            let mut of_others = 0;
            let mut reasons = BTreeMap::new();
            for turn in 0..OTHERS / BETWEEN {
                for _ in 0..BETWEEN {
                    let mut dice = random.dice();
                    if dice.one_in(50) {
                        apply(&among, &meddling(&mut dice, random.dice().0), now);
                    } else {
                        let voice = &mut others[usize::try_from(dice.roll(2)).unwrap()];
                        let event = voice.next(now);
                        let came = apply(&among, &event, now);
                        voice.hear(&event, &came);
                        of_others +=
                            u32::from(came.answer().is_some_and(|it| is_approved(&it.decision)));
                    }
                }
                now = later(now, 200 * MILLISECOND);
                let event = match turn % 20 {
                    // The market moves for all alike.
                    0 => {
                        let instrument = usize::try_from(random.dice().roll(7)).unwrap();
                        Event::Mark(Mark {
                            instrument,
                            mark: Some(
                                BASE[instrument] * ONE * random.dice().pick(&[95, 100, 104]) / 100,
                            ),
                            ..Mark::default()
                        })
                    }
                    5 => Event::Euro(ONE, ONE / 10 * 11),
                    10 => Event::Sweep,
                    // New limits from time to time, so that other ones bind; few at once, so that orders pass, too.
                    15 if turn % 100 == 15 => {
                        Event::Limits(0, Box::new(alone_in(world::rules(random.dice().0, 12))))
                    }
                    _ => own.next(now),
                };
                let came = apply(&among, &event, now);
                let lone = apply(&alone, &event, now);
                if words(&came) != words(&lone) {
                    return Err(fail(format!(
                        "event {turn}, {event:?}\n  among {}\n  alone {}",
                        words(&came),
                        words(&lone)
                    )));
                }
                own.hear(&event, &came);
                match &came {
                    Came::Answer(answer) if is_approved(&answer.decision) => approved += 1,
                    Came::Answer(answer) => {
                        refused += 1;
                        let first = broken(&answer.decision).first().map(|it| it.reason);
                        *reasons.entry(first).or_insert(0) += 1;
                    }
                    Came::Receipt(receipt) => booked += u32::from(receipt.applied),
                    Came::Together(_) | Came::Refused | Came::Done(_) => {}
                }
            }
            same(
                "hash of the bucket",
                bucket_hash(&among, "a", now),
                bucket_hash(&alone, "a", now),
            )?;
            println!(
                "nl2 strong: {approved} approved, {refused} refused, {booked} reports booked; {of_others} approvals of others"
            );
            // A stream in which nothing happens shows nothing.
            if approved < 20 || refused < 20 || of_others < 1_000 {
                return Err(fail(format!(
                    "too little happened: {approved} approved, {refused} refused for {reasons:?}, {booked} booked, others {of_others}"
                )));
            }
            Ok(())
        },
    );
}
