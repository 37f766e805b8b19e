//! Races with real threads.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bulkhead::domain::amount::{Money, Quantity};
use bulkhead::domain::decision::{Outcome, Reason};
use bulkhead::domain::order::{Order, OrderKey, RerouteConsent, Side};
use bulkhead::domain::report::{Report, ReportKind};
use bulkhead::engine::Engine;
use bulkhead::engine::admin::AdminError;
use bulkhead::engine::answer::Refusal;
use bulkhead::engine::setup::{BucketSetup, EngineSetup, InboundRule, RouteTarget};

use crate::support::*;

const THREADS: usize = 4;
const EACH: usize = 120;

/// A firm whose desk may hold 1,000, with four buckets that limit nothing themselves.
fn desk(gross: &str, own: Option<&str>) -> Engine {
    let mut groups = firm();
    groups[1].limits.gross_notional_max = Some(amount(gross));
    let buckets: Vec<BucketSetup> = (0..THREADS)
        .map(|number| {
            let mut limits = limits();
            limits.gross_notional_max = own.map(amount);
            bucket(&format!("b{number}"), Some("desk"), limits)
        })
        .collect();
    let engine = Engine::new(
        EngineSetup::new(id("USD")),
        groups,
        buckets,
        vec![perpetual("BTC")],
    )
    .unwrap();
    mark(&engine, "BTC", "100", START);
    engine
}

fn of(bucket: usize, thread: usize, number: usize) -> Order {
    Order {
        key: OrderKey {
            client: id(&format!("c{thread}")),
            cl_ord_id: id(&format!("{thread}-{number}")),
        },
        bucket: id(&format!("b{bucket}")),
        ..order("x", Side::Buy, "0.1", "100")
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
                    if work(thread, number) {
                        yes.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    yes.into_inner()
}

/// NL14, RACE36: orders that each fit alone race on the buckets of one desk, and exactly as many pass as its limit holds.
#[test]
fn nl14_siblings_racing_under_a_group_fill_its_limit_exactly() {
    for round in 0..20 {
        let engine = desk("1000", None);
        let stop = AtomicBool::new(false);
        let approved = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let desk = engine.group(&id("desk")).unwrap();
                let mut most = amount("0");
                while !stop.load(Ordering::Acquire) {
                    most = desk.state.lock().totals.totals.gross.max(most);
                }
                most
            });
            let approved = race(|thread, number| {
                let bucket = if round % 2 == 0 {
                    thread
                } else {
                    (thread + number) % THREADS
                };
                let answer = engine
                    .decide(&of(bucket, thread, number), START, false)
                    .unwrap();
                reasons(&answer).is_empty()
            });
            stop.store(true, Ordering::Release);
            assert!(watch.join().unwrap() <= amount("1000"));
            approved
        });
        assert_eq!(approved, 100, "0.1 × 100 each, 1000 in all");
        for name in ["desk", "firm"] {
            let group = engine.group(&id(name)).unwrap();
            assert_eq!(group.state.lock().totals.totals.gross, amount("1000"));
        }
    }
}

/// NL14: the same on one bucket, whose own limit binds before the desk's.
#[test]
fn nl14_threads_racing_on_one_bucket_fill_its_limit_exactly() {
    for _ in 0..20 {
        let engine = desk("100000", Some("300"));
        let approved = race(|thread, number| {
            reasons(&engine.decide(&of(0, thread, number), START, false).unwrap()).is_empty()
        });
        assert_eq!(approved, 30);
    }
}

/// NL13, NL14: the same request from every thread at once is decided once.
#[test]
fn nl14_one_request_from_many_threads_is_one_order() {
    for _ in 0..20 {
        let engine = desk("1000", None);
        let first = race(|_, number| {
            let answer = engine.decide(&of(0, 0, number), START, false).unwrap();
            reasons(&answer).is_empty() && !answer.replayed
        });
        assert_eq!(first, 100);
    }
}

/// NL10, NL14: orders and cancels race, and what is left is nothing.
#[test]
fn nl10_orders_and_cancels_that_race_leave_nothing() {
    for _ in 0..10 {
        let engine = desk("500", None);
        race(|thread, number| {
            let order = of((thread + number) % THREADS, thread, number);
            let answer = engine.decide(&order, START, false).unwrap();
            let canceled = Report {
                client: order.key.client.clone(),
                cum: Some(amount("0")),
                ..report(order.key.cl_ord_id.as_str(), "e", ReportKind::Canceled)
            };
            if reasons(&answer).is_empty() {
                let _ = engine.report(&canceled, START);
            }
            true
        });
        let desk = engine.group(&id("desk")).unwrap();
        assert_eq!(
            desk.state.lock().totals,
            bulkhead::risk::exposure::GroupTotals::default()
        );
    }
}

// Deletions.

/// Gross of the desk, and the same summed over the buckets that are there.
fn counted(engine: &Engine) -> (Money, Money) {
    let desk = engine.group(&id("desk")).unwrap();
    let above = desk.state.lock().totals.totals.gross;
    let below = engine.all_buckets().into_iter().filter(|bucket| {
        let path = bucket.path.iter();
        path.into_iter().any(|group| group.id == desk.id)
    });
    let sum = below.fold(Money::ZERO, |sum, bucket| {
        let gross = bucket.state.lock().totals().gross;
        sum.checked_add(gross).unwrap()
    });
    (above, sum)
}

/// Deletes `b0` over and over, until it is gone or the others are done with it.
fn delete_until(engine: &Engine, done: &AtomicUsize) -> bool {
    loop {
        let is_last = done.load(Ordering::Acquire) == THREADS - 1;
        match engine.delete_bucket(&id("b0")) {
            Ok(_) => return true,
            Err(AdminError::NotEmpty | AdminError::Remembered) if !is_last => {}
            Err(AdminError::NotEmpty | AdminError::Remembered) => return false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// One thread deletes `b0` while the others do `work`; returns whether it is gone.
fn race_deletion(engine: &Engine, each: usize, work: impl Fn(usize, usize) + Sync) -> bool {
    let (start, done) = (Barrier::new(THREADS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 1..THREADS {
            let (start, done, work) = (&start, &done, &work);
            scope.spawn(move || {
                start.wait();
                (0..each).for_each(|number| work(thread, number));
                done.fetch_add(1, Ordering::Release);
            });
        }
        start.wait();
        delete_until(engine, &done)
    })
}

/// RR6, H1, NL10: a bucket that orders come to, straight or by another route, is deleted before the first of them or not at all: none is
/// approved in a bucket that is gone, and the groups count what the buckets do.
#[test]
fn a_bucket_is_deleted_before_its_first_order_or_not_at_all() {
    for round in 0..400 {
        let by_route = round % 2 == 1;
        let mut buckets: Vec<BucketSetup> = ["b0", "b1"]
            .map(|name| bucket(name, Some("desk"), limits()))
            .into();
        if by_route {
            // The other bucket may hold nothing, and sends everything on.
            buckets[1].limits.gross_notional_max = Some(Money::ZERO);
            buckets[1].reroute.targets = vec![RouteTarget {
                bucket: Some(id("b0")),
                venue: id("X"),
                account: id("b0-x"),
            }];
            buckets[0].inbound = vec![InboundRule {
                from: id("b1"),
                notional_max: amount("100000"),
            }];
        }
        let engine = engine(buckets);
        let approved = AtomicUsize::new(0);
        let is_gone = race_deletion(&engine, 4, |thread, number| {
            let mut order = of(usize::from(by_route), thread, number);
            order.attributes.reroute = RerouteConsent::AutoAccept;
            match engine.decide(&order, START, false) {
                Ok(answer) => match answer.decision.outcome {
                    Outcome::Approved(_) | Outcome::Rerouted { .. } => {
                        approved.fetch_add(1, Ordering::Relaxed);
                    }
                    Outcome::Rejected(_) => {
                        let why = reasons(&answer);
                        let halted = [Reason::StateHalted];
                        let full = [Reason::GrossNotional];
                        assert!(why == halted || (by_route && why == full), "{why:?}");
                    }
                },
                Err(refusal) => assert_eq!(refusal, Refusal::UnknownBucket),
            }
        });
        let approved = approved.into_inner();
        assert!(
            !is_gone || approved == 0,
            "{approved} in a bucket that is gone"
        );
        let held = Quantity::whole(i64::try_from(approved).unwrap() * 10);
        let held = Money::from_units(held.units());
        assert_eq!(counted(&engine), (held, held));
        if !is_gone {
            // A deletion that was refused leaves no halt behind.
            let last = of(0, 9, 0);
            assert!(reasons(&engine.decide(&last, START, false).unwrap()).is_empty());
        }
    }
}

/// H13, M1: a fill that nobody's order explains, and an opening position, are booked while their bucket is being deleted: in it, and then it
/// stays, or in the quarantine; never in a bucket that is gone.
#[test]
fn facts_that_come_while_their_bucket_is_deleted_are_not_lost_with_it() {
    for round in 0..400 {
        let buckets = ["b0", "b1"].map(|name| bucket(name, Some("desk"), limits()));
        let mut setup = EngineSetup::new(id("USD"));
        setup.quarantine_parent = Some(id("desk"));
        let engine = Engine::new(setup, firm(), buckets.into(), vec![perpetual("BTC")]).unwrap();
        mark(&engine, "BTC", "100", START);
        let booked = AtomicUsize::new(0);
        let is_gone = race_deletion(&engine, 3, |thread, number| {
            if round % 2 == 0 && thread == 1 {
                let loaded = engine.load_position(
                    &id("b0"),
                    &id("BTC"),
                    (&id("X"), &id("b0-x")),
                    amount("1"),
                    amount("100"),
                    START,
                );
                match loaded {
                    Ok(_) => drop(booked.fetch_add(1, Ordering::Relaxed)),
                    Err(AdminError::Held | AdminError::UnknownBucket) => {}
                    Err(error) => panic!("{error}"),
                }
                return;
            }
            let told = Report {
                account: Some(id("b0-x")),
                instrument: Some(id("BTC")),
                side: Some(Side::Buy),
                ..report(
                    &format!("{thread}-{number}"),
                    &format!("{thread}-{number}"),
                    ReportKind::Trade(fill("1", "100")),
                )
            };
            let receipt = engine.report(&told, START);
            assert!(receipt.bucket.is_some(), "{receipt:?}");
            booked.fetch_add(1, Ordering::Relaxed);
        });
        let all = Quantity::whole(i64::try_from(booked.into_inner()).unwrap());
        let held = |bucket: &bulkhead::engine::bucket::Bucket| {
            let state = bucket.state.lock();
            let positions = state.holdings().map(|holding| holding.line.position);
            positions.fold(Quantity::ZERO, |sum, one| sum.checked_add(one).unwrap())
        };
        let there = engine.all_buckets();
        let sum = there.iter().fold(Quantity::ZERO, |sum, bucket| {
            sum.checked_add(held(bucket)).unwrap()
        });
        assert_eq!(sum, all, "gone: {is_gone}");
        let value = Money::from_units(all.units() * 100);
        assert_eq!(counted(&engine), (value, value));
    }
}

// One lock for each bucket.

/// Trap 11, NL16: there is no lock that every decision goes through. While one bucket is held up, its siblings and its groups go on.
#[test]
fn a_bucket_that_is_held_up_holds_up_no_other() {
    let engine = desk("1000", None);
    let held_up = engine.bucket(&id("b0")).unwrap();
    let (say, hear) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let state = held_up.state.lock();
        let engine = &engine;
        scope.spawn(move || {
            for number in 0..30 {
                let order = of(1 + number % 3, 0, number);
                let answer = engine.decide(&order, START, false).unwrap();
                let canceled = Report {
                    client: order.key.client.clone(),
                    cum: Some(amount("0")),
                    ..report(order.key.cl_ord_id.as_str(), "e", ReportKind::Canceled)
                };
                let told = engine.report(&canceled, START);
                say.send(reasons(&answer).is_empty() && told.applied)
                    .unwrap();
            }
        });
        for _ in 0..30 {
            // So long only where the lock is waited for, which is let go when this fails.
            let went_on = hear.recv_timeout(std::time::Duration::from_secs(30));
            assert_eq!(went_on, Ok(true));
        }
        drop(state);
    });
    let answer = engine.decide(&of(0, 1, 0), START, false).unwrap();
    assert!(reasons(&answer).is_empty());
}
