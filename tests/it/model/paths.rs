//! Races on everything that is above a bucket: limits of groups, venues and counterparties, moves, and orders that would meet.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bulkhead::domain::decision::{Dimension, Level};
use bulkhead::domain::order::{Order, OrderKey, Side};
use bulkhead::domain::report::{Report, ReportKind};
use bulkhead::domain::time::SECOND;
use bulkhead::engine::Engine;
use bulkhead::engine::admin::AdminError;
use bulkhead::engine::group::Group;
use bulkhead::engine::setup::{
    BucketSetup, CounterpartySetup, EngineSetup, GroupSetup, VenueSetup,
};
use bulkhead::risk::calendar::Calendar;
use bulkhead::risk::exposure::Reach;
use bulkhead::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, NotionalRateLimit, OpenOrdersLimit,
    SelfMatchRule, SelfMatchScope,
};

use crate::support::*;

const THREADS: usize = 4;
const EACH: usize = 60;

/// Two desks under a firm, and a bucket for each thread.
fn engine_of(
    change: impl Fn(&mut Vec<GroupSetup>, &mut EngineSetup),
    desk: impl Fn(usize) -> &'static str,
) -> Engine {
    let mut groups = firm();
    let other = GroupSetup {
        id: id("other"),
        ..groups[1].clone()
    };
    groups.push(other);
    let mut setup = EngineSetup::new(id("USD"));
    change(&mut groups, &mut setup);
    let buckets: Vec<BucketSetup> = (0..THREADS)
        .map(|number| bucket(&format!("b{number}"), Some(desk(number)), limits()))
        .collect();
    let engine = Engine::new(setup, groups, buckets, vec![perpetual("BTC")]).unwrap();
    mark(&engine, "BTC", "100", START);
    engine
}

fn of(bucket: usize, thread: usize, number: usize, side: Side) -> Order {
    Order {
        key: OrderKey {
            client: id(&format!("c{thread}")),
            cl_ord_id: id(&format!("{thread}-{number}")),
        },
        bucket: id(&format!("b{bucket}")),
        ..order("x", side, "1", "100")
    }
}

fn canceled(order: &Order) -> Report {
    Report {
        client: order.key.client.clone(),
        cum: Some(amount("0")),
        ..report(order.key.cl_ord_id.as_str(), "e", ReportKind::Canceled)
    }
}

/// Runs `work` in every thread at once; returns how often it said yes.
fn race(work: impl Fn(usize, usize) -> bool + Sync) -> usize {
    let (start, yes) = (Barrier::new(THREADS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, yes, work) = (&start, &yes, &work);
            scope.spawn(move || {
                start.wait();
                for number in 0..EACH {
                    yes.fetch_add(usize::from(work(thread, number)), Ordering::Relaxed);
                }
            });
        }
    });
    yes.into_inner()
}

/// Everything a group counts, against what the buckets below it hold: on a quiet engine, one lock after another.
fn balanced(engine: &Engine) {
    let mut levels = engine.all_groups();
    levels.extend(engine.levels_around().iter().cloned());
    for level in levels {
        let (mut totals, mut net) = (Default::default(), amount("0"));
        let sum: &mut bulkhead::risk::exposure::Totals = &mut totals;
        let (mut orders, mut open) = (0, amount("0"));
        let mut reach = BTreeMap::<String, [Reach; 2]>::new();
        for bucket in engine.all_buckets() {
            let state = bucket.state.lock();
            if !state
                .levels
                .over(0)
                .any(|above| core::ptr::eq(&raw const **above, &raw const *level))
            {
                continue;
            }
            let own = state.totals();
            sum.gross = sum.gross.checked_add(own.gross).unwrap();
            sum.long = sum.long.checked_add(own.long).unwrap();
            sum.short = sum.short.checked_add(own.short).unwrap();
            net = own.net().checked_add(net).unwrap();
            orders += state.live_orders();
            for (_, record) in state.orders.iter() {
                open = record.hold.value.checked_add(open).unwrap();
            }
            for holding in state.holdings().filter(|holding| holding.is_used()) {
                let name = holding.listed.instrument.id.to_string();
                let [apart, together] = reach.entry(name).or_default();
                let own = holding.line.reach().unwrap();
                apart.long = apart.long.checked_add(own.long.floor_zero()).unwrap();
                apart.short = apart.short.checked_add(own.short.floor_zero()).unwrap();
                together.long = together.long.checked_add(own.long).unwrap();
                together.short = together.short.checked_add(own.short).unwrap();
            }
        }
        let state = level.state.lock();
        let counted: BTreeMap<String, [Reach; 2]> = state
            .positions()
            .map(|(instrument, reach)| (instrument.id.to_string(), [reach.apart, reach.together]))
            .collect();
        reach.retain(|_, ends| *ends != <[Reach; 2]>::default());
        assert_eq!(
            (state.totals.totals, state.totals.net),
            (totals, net),
            "{}",
            level.id
        );
        assert_eq!(
            (state.open_orders, state.open_value()),
            (orders, open),
            "{}",
            level.id
        );
        assert_eq!(counted, reach, "{}", level.id);
    }
}

type Limit = (&'static str, fn(&mut GroupLimits));

/// Each of these lets 50 orders of one contract at 100 pass.
const FIFTY: &[Limit] = &[
    ("position", |limits| limits.long_max = Some(amount("50"))),
    ("offsets", |limits| {
        (limits.long_max, limits.net_offsets) = (Some(amount("50")), true);
    }),
    ("orders", |limits| {
        limits.open_orders = Some(OpenOrdersLimit {
            max: 60,
            exit_reserve: 10,
        });
    }),
    ("gross", |limits| {
        limits.gross_notional_max = Some(amount("5000"))
    }),
    ("net", |limits| {
        limits.net_notional_max = Some(amount("5000"))
    }),
    ("underlying", |limits| {
        limits.concentration = vec![set(Dimension::Underlying)]
    }),
    ("venue", |limits| {
        limits.concentration = vec![set(Dimension::Venue)]
    }),
    ("traded", |limits| {
        limits.traded_notional_max = Some(amount("5000"))
    }),
    ("notional rate", |limits| {
        limits.notional_rate = Some(NotionalRateLimit {
            max: amount("5000"),
            window: SECOND,
            give_back: false,
        });
    }),
];

fn set(dimension: Dimension) -> ConcentrationLimit {
    ConcentrationLimit {
        dimension,
        value: None,
        bound: ConcentrationBound::Money(amount("5000")),
    }
}

/// NL14, H1: orders that each fit alone race on siblings, and as many pass as each limit of their desk holds, to the last one.
#[test]
fn nl14_siblings_racing_fill_every_limit_of_their_desk_exactly() {
    for (name, put) in FIFTY {
        for _ in 0..3 {
            let engine = engine_of(|groups, _| put(&mut groups[1].limits), |_| "desk");
            let approved = race(|thread, number| {
                let answer = engine.decide(&of(thread, thread, number, Side::Buy), START, false);
                reasons(&answer.unwrap()).is_empty()
            });
            assert_eq!(approved, 50, "{name}");
            balanced(&engine);
        }
    }
}

/// NL14: the same on the limits of a venue and of a counterparty, which buckets of different desks share.
#[test]
fn nl14_buckets_of_different_desks_fill_a_venue_and_a_counterparty_exactly() {
    for (name, put) in FIFTY {
        for level in [Level::Venue, Level::Counterparty] {
            let engine = engine_of(
                |_, setup| around(setup, level, *put),
                |number| ["desk", "other"][number % 2],
            );
            let approved = race(|thread, number| {
                let answer = engine.decide(&of(thread, thread, number, Side::Buy), START, false);
                reasons(&answer.unwrap()).is_empty()
            });
            assert_eq!(approved, 50, "{name} at {level:?}");
            balanced(&engine);
        }
    }
}

/// A venue and a counterparty, one of them limited.
fn around(setup: &mut EngineSetup, level: Level, put: fn(&mut GroupLimits)) {
    let unlimited = GroupLimits::unlimited(id("USD"));
    let mut limited = unlimited.clone();
    put(&mut limited);
    let of = |other| {
        if level == other {
            limited.clone()
        } else {
            unlimited.clone()
        }
    };
    setup.venues.push(VenueSetup {
        id: id("X"),
        limits: of(Level::Venue),
        calendar: Calendar::utc(),
    });
    setup.counterparties.push(CounterpartySetup {
        id: id("prime"),
        venues: vec![id("X"), id("Y")],
        limits: of(Level::Counterparty),
        calendar: Calendar::utc(),
    });
}

/// L4, NL14: buckets move to and fro while their orders are decided and end; no figure is lost or counted twice, no limit is passed, and
/// nobody waits for ever.
#[test]
fn l4_moves_that_race_with_decisions_lose_nothing() {
    for round in 0..4 {
        let engine = engine_of(
            |groups, setup| {
                groups[1].limits.gross_notional_max = Some(amount("2000"));
                groups[2].limits.gross_notional_max = Some(amount("2000"));
                groups[0].limits.open_orders = Some(OpenOrdersLimit {
                    max: 30,
                    exit_reserve: 0,
                });
                around(setup, Level::Venue, |limits| {
                    limits.gross_notional_max = Some(amount("3500"))
                });
            },
            |number| ["desk", "other"][number % 2],
        );
        let over = |name: &str, most: &str| {
            let group = engine.group(&id(name)).unwrap();
            let gross = group.state.lock().totals.totals.gross;
            assert!(gross <= amount(most), "{name} counts {gross}");
        };
        let (stop, moves) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let mover = |from: usize| {
                let (engine, stop, moves) = (&engine, &stop, &moves);
                move || {
                    for number in from.. {
                        if stop.load(Ordering::Acquire) {
                            break;
                        }
                        let bucket = id(&format!("b{}", number % THREADS));
                        let to = id(["other", "desk"][(number / THREADS) % 2]);
                        match engine.move_bucket(&bucket, &to, None, false, START) {
                            Ok(moved) => {
                                moves.fetch_add(usize::from(moved.changed), Ordering::Relaxed);
                            }
                            Err(AdminError::Breached(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                        over("desk", "2000");
                        over("other", "2000");
                    }
                }
            };
            scope.spawn(mover(0));
            scope.spawn(mover(3));
            // However slow the machine: until buckets have moved on the way.
            let mut rounds = 0;
            while rounds == 0 || moves.load(Ordering::Relaxed) < 20 {
                race(|thread, number| {
                    let number = number + rounds * EACH;
                    let order = of((thread + number) % THREADS, thread, number, Side::Buy);
                    let answer = engine.decide(&order, START, false).unwrap();
                    if reasons(&answer).is_empty() && !(number + round).is_multiple_of(3) {
                        let _ = engine.report(&canceled(&order), START);
                    }
                    true
                });
                rounds += 1;
            }
            stop.store(true, Ordering::Release);
        });
        balanced(&engine);
    }
}

/// Waits until two threads have come here in this round, without going to sleep: they go on within nanoseconds of each other.
fn meet(come: &AtomicUsize, round: usize) {
    come.fetch_add(1, Ordering::AcqRel);
    let mut spins = 0_u32;
    while come.load(Ordering::Acquire) < 2 * (round + 1) {
        spins += 1;
        if spins.is_multiple_of(10_000) {
            std::thread::yield_now();
        }
        core::hint::spin_loop();
    }
}

/// A15, NL14: of two orders of siblings that would meet, sent at the same moment, at most one passes, and the loser's next try meets it.
#[test]
fn a15_of_two_siblings_that_cross_at_once_at_most_one_passes() {
    const ROUNDS: usize = 4_000;
    let engine = engine_of(|_, _| {}, |number| ["desk", "other"][number % 2]);
    for number in 0..2 {
        let bucket = engine.bucket(&id(&format!("b{number}"))).unwrap();
        let mut rule = limits();
        rule.self_match = SelfMatchRule::RejectNew;
        rule.self_match_scope = SelfMatchScope::Firm;
        let version = bucket.state.lock().version;
        engine.update_limits(&bucket.id, version, rule).unwrap();
    }
    let (start, end) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let passed: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        for (thread, side) in [Side::Buy, Side::Sell].into_iter().enumerate() {
            let (engine, start, end, passed) = (&engine, &start, &end, &passed);
            scope.spawn(move || {
                for (number, passed) in passed.iter().enumerate() {
                    let order = of(thread, thread, number, side);
                    meet(start, number);
                    let answer = engine.decide(&order, START, false).unwrap();
                    let approved = reasons(&answer).is_empty();
                    passed.fetch_add(usize::from(approved), Ordering::Relaxed);
                    meet(end, number);
                    if approved {
                        let _ = engine.report(&canceled(&order), START);
                    }
                }
            });
        }
    });
    for (round, passed) in passed.iter().enumerate() {
        assert_eq!(passed.load(Ordering::Relaxed), 1, "round {round}");
    }
    let rests = |group: &Group| group.state.lock().resting.iter().count();
    assert!(engine.all_groups().iter().all(|group| rests(group) == 0));
}

/// NL14: buckets that have accounts at two venues, listed in either order, trade at both at once: nobody waits for ever, and both venues fill
/// exactly.
#[test]
fn nl14_orders_at_two_venues_fill_both_and_nobody_waits_for_ever() {
    let mut setup = EngineSetup::new(id("USD"));
    let full = |limits: &mut GroupLimits| limits.gross_notional_max = Some(amount("4000"));
    around(&mut setup, Level::Venue, full);
    let other = VenueSetup {
        id: id("Y"),
        ..setup.venues[0].clone()
    };
    setup.venues.push(other);
    let buckets = (0..THREADS).map(|number| {
        let mut both = bucket(&format!("b{number}"), None, limits());
        both.accounts = ["X", "Y"]
            .map(|venue| (id(venue), id(&format!("{venue}{number}"))))
            .to_vec();
        if number % 2 == 1 {
            both.accounts.reverse();
        }
        both
    });
    let engine = Engine::new(setup, firm(), buckets.collect(), vec![perpetual("BTC")]).unwrap();
    mark(&engine, "BTC", "100", START);
    let approved = race(|thread, number| {
        let mut order = of(thread, thread, number, Side::Buy);
        order.venue = id(["X", "Y"][(thread + number) % 2]);
        reasons(&engine.decide(&order, START, false).unwrap()).is_empty()
    });
    assert_eq!(approved, 80, "40 at each venue");
    for level in engine.levels_around() {
        let gross = level.state.lock().totals.totals.gross;
        let expected = if level.level == Level::Venue {
            "4000"
        } else {
            "8000"
        };
        assert_eq!(gross, amount(expected), "{}", level.id);
    }
}

/// L4: bad moves are refused with nothing changed.
#[test]
fn l4_bad_moves_change_nothing() {
    let engine = engine_of(
        |groups, _| {
            let euro = GroupSetup {
                id: id("euro"),
                parent: None,
                level: Level::Firm,
                limits: GroupLimits::unlimited(id("EUR")),
                calendar: Calendar::utc(),
                other_limits: None,
            };
            groups.push(euro);
        },
        |_| "desk",
    );
    let quarantine = EngineSetup::new(id("USD")).quarantine_currency;
    assert_eq!(quarantine, id("USD"));
    let moved = |bucket: &str, to: &str, version| {
        let done = engine.move_bucket(&id(bucket), &id(to), version, true, START);
        done.map(|moved| moved.changed)
    };
    assert_eq!(
        moved("nobody", "other", None),
        Err(AdminError::UnknownBucket)
    );
    assert_eq!(moved("b0", "nowhere", None), Err(AdminError::UnknownGroup));
    assert_eq!(
        moved("quarantine", "other", None),
        Err(AdminError::Reserved)
    );
    let current = 1;
    assert_eq!(
        moved("b0", "other", Some(9)),
        Err(AdminError::VersionMismatch { current })
    );
    let expected = "EUR".to_owned();
    assert_eq!(
        moved("b0", "euro", None),
        Err(AdminError::Currency { expected })
    );
    assert_eq!(moved("b0", "desk", Some(1)), Ok(false), "it is there");
    let path = || -> Vec<String> {
        let levels = engine.bucket(&id("b0")).unwrap().levels();
        levels
            .path
            .iter()
            .map(|group| group.id.to_string())
            .collect()
    };
    assert_eq!(path(), ["desk", "firm"]);
    assert_eq!(moved("b0", "other", Some(1)), Ok(true));
    assert_eq!(path(), ["other", "firm"]);
    assert_eq!(moved("b0", "firm", Some(2)), Ok(true));
    assert_eq!(path(), ["firm"]);
}

/// B12: a bucket in another currency than the venue's, or the counterparty's, is refused, at the start and later.
#[test]
fn b12_a_level_and_what_it_counts_have_one_currency() {
    for level in [Level::Venue, Level::Counterparty] {
        let mut setup = EngineSetup::new(id("USD"));
        around(&mut setup, level, |limits| limits.currency = id("EUR"));
        let done = Engine::new(setup, firm(), vec![bucket("b", None, limits())], Vec::new());
        let expected = "EUR".to_owned();
        assert_eq!(
            done.err(),
            Some(AdminError::Currency { expected }),
            "{level:?}"
        );
    }
    let engine = engine_of(|_, setup| around(setup, Level::Venue, |_| {}), |_| "desk");
    let mut euro = bucket("late", None, limits());
    euro.limits.currency = id("EUR");
    let expected = "USD".to_owned();
    assert_eq!(
        engine.create_bucket(euro),
        Err(AdminError::Currency { expected })
    );
    assert!(engine.bucket(&id("late")).is_none());
}
