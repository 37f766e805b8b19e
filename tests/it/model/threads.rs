//! Races with real threads.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bulkhead::domain::amount::Money;
use bulkhead::domain::basket::Basket;
use bulkhead::domain::decision::{Outcome, Reason};
use bulkhead::domain::order::{Order, OrderKey, RerouteConsent, Side};
use bulkhead::domain::report::{Report, ReportKind};
use bulkhead::domain::state::{OrderState, StateNote, TradingState};
use bulkhead::engine::Engine;
use bulkhead::engine::admin::{AdminError, Scope};
use bulkhead::engine::answer::Refusal;
use bulkhead::engine::offers::DecisionId;
use bulkhead::engine::order::OrderView;
use bulkhead::engine::setup::{BucketSetup, EngineSetup, InboundRule, RouteTarget};

use crate::support::*;

const THREADS: usize = 4;
const EACH: usize = 120;

/// A firm whose desk may hold 1,000, with four buckets that limit nothing themselves.
fn desk(gross: &str, own: Option<&str>) -> Engine {
    desk_of(EngineSetup::new(id("USD")), gross, own)
}

fn desk_of(setup: EngineSetup, gross: &str, own: Option<&str>) -> Engine {
    let mut groups = firm();
    groups[1].limits.gross_notional_max = Some(amount(gross));
    let buckets: Vec<BucketSetup> = (0..THREADS)
        .map(|number| {
            let mut limits = limits();
            limits.gross_notional_max = own.map(amount);
            bucket(&format!("b{number}"), Some("desk"), limits)
        })
        .collect();
    let engine = Engine::new(setup, groups, buckets, vec![perpetual("BTC")]).unwrap();
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

/// Its end, with nothing filled.
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

/// NL14, J1: baskets of three orders race on the buckets of one desk: as many pass as its limit holds, and never a part of one.
#[test]
fn nl14_baskets_racing_under_a_group_fill_its_limit_and_never_in_part() {
    for round in 0..20 {
        let engine = desk("1000", None);
        let stop = AtomicBool::new(false);
        let approved = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let desk = engine.group(&id("desk")).unwrap();
                let whole = amount::<Money>("30").units();
                while !stop.load(Ordering::Acquire) {
                    let gross = desk.state.lock().totals.totals.gross;
                    assert_eq!(gross.units() % whole, 0, "a part of a basket: {gross}");
                    assert!(gross <= amount("1000"));
                }
            });
            let approved = race(|thread, number| {
                let bucket = if round % 2 == 0 {
                    thread
                } else {
                    (thread + number) % THREADS
                };
                let leg = |leg: usize| of(bucket, thread, number * 3 + leg);
                let key = OrderKey {
                    client: id(&format!("c{thread}")),
                    cl_ord_id: id(&format!("b{number}")),
                };
                let basket = Basket::new(key, vec![leg(0), leg(1), leg(2)]).unwrap();
                let what_if = engine.what_if_basket(&basket, START, false).unwrap();
                assert!(what_if.legs.len() <= 3);
                engine
                    .decide_basket(&basket, START, false)
                    .unwrap()
                    .approved()
            });
            stop.store(true, Ordering::Release);
            watch.join().unwrap();
            approved
        });
        assert_eq!(approved, 33, "3 × 0.1 × 100 each, 1000 in all");
        let desk = engine.group(&id("desk")).unwrap();
        assert_eq!(desk.state.lock().totals.totals.gross, amount("990"));
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

/// A11: ids of one client that come on several threads at once use its quota up exactly.
#[test]
fn requests_racing_on_one_client_fill_its_quota_exactly() {
    const QUOTA: u32 = 200;
    for _ in 0..20 {
        let setup = EngineSetup {
            default_quota: QUOTA,
            ..EngineSetup::new(id("USD"))
        };
        let engine = desk_of(setup, "1000000", None);
        let approved = race(|thread, number| {
            let mut order = of(thread, thread, number);
            order.key.client = id("one");
            reasons(&engine.decide(&order, START, false).unwrap()).is_empty()
        });
        assert_eq!(approved, usize::try_from(QUOTA).unwrap());
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
            if reasons(&answer).is_empty() {
                let _ = engine.report(&canceled(&order), START);
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
        let levels = bucket.levels();
        levels.path.iter().any(|group| group.id == desk.id)
    });
    let sum = below.fold(Money::ZERO, |sum, bucket| {
        let gross = bucket.state.lock().totals().gross;
        sum.checked_add(gross).unwrap()
    });
    (above, sum)
}

const DOOMED: usize = 1_500;

/// Buckets that are to be deleted, under a desk; every second has a source, which may hold nothing and sends everything on to it.
fn doomed() -> Engine {
    let name = |number: usize| format!("d{number}");
    let mut buckets: Vec<BucketSetup> = (0..DOOMED)
        .map(|number| {
            let mut doomed = bucket(&name(number), Some("desk"), limits());
            doomed.inbound = vec![InboundRule {
                from: id(&format!("s{number}")),
                notional_max: amount("100000"),
            }];
            doomed
        })
        .collect();
    for number in (1..DOOMED).step_by(2) {
        let mut source = bucket(&format!("s{number}"), Some("desk"), limits());
        source.limits.gross_notional_max = Some(Money::ZERO);
        source.reroute.targets = vec![RouteTarget {
            bucket: Some(id(&name(number))),
            venue: id("X"),
            account: id(&format!("{}-x", name(number))),
        }];
        buckets.push(source);
    }
    let mut setup = EngineSetup::new(id("USD"));
    setup.quarantine_parent = Some(id("desk"));
    let engine = Engine::new(setup, firm(), buckets, vec![perpetual("BTC")]).unwrap();
    mark(&engine, "BTC", "100", START);
    engine
}

/// Whoever fails keeps the other waiting no more.
struct Leaves<'a>(&'a AtomicUsize);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.store(2 * DOOMED, Ordering::Release);
    }
}

/// Deletes each bucket while `work` is done to it on another thread, which comes a little earlier or later every time; returns which are gone.
fn race_deletions(engine: &Engine, work: impl Fn(usize) + Sync) -> Vec<bool> {
    let arrived = AtomicUsize::new(0);
    let meet = |round: usize| {
        arrived.fetch_add(1, Ordering::AcqRel);
        while arrived.load(Ordering::Acquire) < 2 * (round + 1) {
            std::thread::yield_now();
        }
    };
    let linger = |turns: usize| (0..turns).for_each(|_| std::hint::spin_loop());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _leaves = Leaves(&arrived);
            for number in 0..DOOMED {
                meet(number);
                linger(number * 37 % 4_000);
                work(number);
            }
        });
        let _leaves = Leaves(&arrived);
        (0..DOOMED)
            .map(|number| {
                meet(number);
                linger(number * 53 % 1_000);
                match engine.delete_bucket(&id(&format!("d{number}"))) {
                    Ok(_) => true,
                    Err(AdminError::NotEmpty | AdminError::Remembered) => false,
                    Err(error) => panic!("{error}"),
                }
            })
            .collect()
    })
}

/// RR6, H1, NL10: a bucket that orders come to, straight or by another route, is deleted before the first of them or not at all: none is
/// approved in a bucket that is gone, and the groups count what the buckets do.
#[test]
fn a_bucket_is_deleted_before_its_first_order_or_not_at_all() {
    let engine = doomed();
    let approved: Vec<AtomicBool> = (0..DOOMED).map(|_| AtomicBool::new(false)).collect();
    let gone = race_deletions(&engine, |number| {
        let by_route = number % 2 == 1;
        let mut order = of(0, 0, number);
        order.bucket = id(&format!("{}{number}", if by_route { "s" } else { "d" }));
        order.attributes.reroute = RerouteConsent::AutoAccept;
        match engine.decide(&order, START, false) {
            Ok(answer) => match answer.decision.outcome {
                Outcome::Approved(_) | Outcome::Rerouted { .. } => {
                    approved[number].store(true, Ordering::Release);
                    // Over at once it is held no more, and still remembered.
                    assert!(engine.report(&canceled(&order), START).applied);
                }
                Outcome::Rejected(_) => {
                    let expected = if by_route {
                        Reason::GrossNotional
                    } else {
                        Reason::StateHalted
                    };
                    assert_eq!(reasons(&answer), [expected]);
                }
            },
            Err(refusal) => assert_eq!(refusal, Refusal::UnknownBucket),
        }
    });
    let mut held = 0;
    for (number, (is_gone, approved)) in gone.into_iter().zip(approved).enumerate() {
        let approved = approved.into_inner();
        assert!(
            !(is_gone && approved),
            "approved in d{number}, which is gone"
        );
        if !is_gone {
            // A deletion that was refused leaves no halt behind.
            let mut last = of(0, 1, number);
            last.bucket = id(&format!("d{number}"));
            let answer = engine.decide(&last, START, false).unwrap();
            assert_eq!(reasons(&answer), []);
            held += 1;
        }
    }
    let held = Money::from_units(held * amount::<Money>("10").units());
    assert_eq!(counted(&engine), (held, held));
}

/// H13, M1: a fill that nobody's order explains, and an opening position, are booked while their bucket is being deleted: in it, and then it
/// stays, or in the quarantine; never in a bucket that is gone, and never nowhere.
#[test]
fn facts_that_come_while_their_bucket_is_deleted_are_not_lost_with_it() {
    let engine = doomed();
    let booked = AtomicUsize::new(0);
    let _ = race_deletions(&engine, |number| {
        let account = format!("d{number}-x");
        if number % 3 == 0 {
            let loaded = engine.load_position(
                &id(&format!("d{number}")),
                &id("BTC"),
                (&id("X"), &id(&account)),
                amount("1"),
                amount("100"),
                START,
            );
            match loaded {
                Ok(_) => drop(booked.fetch_add(1, Ordering::Relaxed)),
                Err(error) => assert_eq!(error, AdminError::UnknownBucket),
            }
            return;
        }
        let exec = number.to_string();
        let told = Report {
            account: Some(id(&account)),
            instrument: Some(id("BTC")),
            side: Some(Side::Buy),
            ..report(&exec, &exec, ReportKind::Trade(fill("1", "100")))
        };
        let receipt = engine.report(&told, START);
        assert!(receipt.bucket.is_some(), "{receipt:?}");
        booked.fetch_add(1, Ordering::Relaxed);
    });
    let value = i128::try_from(booked.into_inner()).unwrap() * amount::<Money>("100").units();
    let value = Money::from_units(value);
    assert_eq!(counted(&engine), (value, value));
}

// One lock for each bucket.

/// Trap 11, NL16: there is no lock that every decision goes through. While an order waits in one bucket, its siblings and its groups go on.
#[test]
fn a_bucket_that_is_held_up_holds_up_no_other() {
    const ORDERS: usize = 30;
    let engine = desk("1000", None);
    let held_up = engine.bucket(&id("b0")).unwrap();
    let (say, hear) = std::sync::mpsc::channel();
    let waiting = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let state = held_up.state.lock();
        let (engine, waits) = (&engine, &waiting);
        let held = scope.spawn(move || {
            waits.store(true, Ordering::Release);
            reasons(&engine.decide(&of(0, ORDERS, 0), START, false).unwrap())
        });
        while !waiting.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        for number in 0..ORDERS {
            let say = say.clone();
            scope.spawn(move || {
                let order = of(1 + number % 3, number, 0);
                let answer = engine.decide(&order, START, false).unwrap();
                let told = engine.report(&canceled(&order), START);
                let _ = say.send(reasons(&answer).is_empty() && told.applied);
            });
        }
        // An id may share its table with that of the order that waits; most do not.
        for _ in 0..ORDERS / 2 {
            // So long only where something waits for what is held, which is let go when this fails.
            let went_on = hear.recv_timeout(std::time::Duration::from_secs(30));
            assert_eq!(went_on, Ok(true));
        }
        drop(state);
        assert_eq!(held.join().unwrap(), []);
    });
    let desk = engine.group(&id("desk")).unwrap();
    assert_eq!(desk.state.lock().totals.totals.gross, amount("10"));
}

/// RR15: clients accept their routes while the source is halted. What was accepted was so before the halt returned, and nothing after.
#[test]
fn rr15_no_route_is_accepted_once_a_halt_has_returned() {
    for round in 0..20 {
        let mut source = limits();
        source.long_max = Some(amount("0"));
        let mut buckets = vec![bucket("b", None, source), bucket("to", None, limits())];
        buckets[0].reroute.targets = vec![RouteTarget {
            bucket: Some(id("to")),
            venue: id("X"),
            account: id("to-x"),
        }];
        buckets[1].inbound = vec![InboundRule {
            from: id("b"),
            notional_max: amount("1000000"),
        }];
        let setup = EngineSetup::new(id("USD"));
        let engine = Engine::new(setup, Vec::new(), buckets, vec![perpetual("BTC")]).unwrap();
        mark(&engine, "BTC", "100", START);
        let halted = AtomicBool::new(false);
        let (started, late) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let accepted = std::thread::scope(|scope| {
            let halter = scope.spawn(|| {
                while started.load(Ordering::Acquire) < 20 * (round + 1) {
                    std::hint::spin_loop();
                }
                let of = if round % 2 == 0 { id("b") } else { id("to") };
                let note = StateNote {
                    state: TradingState::Halted,
                    since: START,
                    ..StateNote::default()
                };
                let change = engine.restrict(&Scope::Bucket(of), note).unwrap();
                halted.store(true, Ordering::Release);
                change.live.len()
            });
            let accepted = race(|thread, number| {
                let mut order = of(0, thread, number);
                order.bucket = id("b");
                order.attributes.reroute = RerouteConsent::Acknowledge;
                started.fetch_add(1, Ordering::AcqRel);
                let answer = engine.decide(&order, START, false).unwrap();
                if !answer.offered {
                    return false;
                }
                let decision = DecisionId {
                    at: answer.decision.at,
                    sequence: answer.decision.sequence,
                };
                // Some never say a word: the halt takes these back.
                if number % 3 == 0 {
                    return false;
                }
                let was_halted = halted.load(Ordering::Acquire);
                let accepted = engine.accept_route(&order.key.client, decision, START);
                late.fetch_add(
                    usize::from(was_halted && accepted.is_ok()),
                    Ordering::Relaxed,
                );
                accepted.is_ok()
            });
            halter.join().unwrap();
            accepted
        });
        assert_eq!(late.into_inner(), 0, "accepted after the halt returned");
        let to = engine.bucket(&id("to")).unwrap();
        let live = engine.live_orders(&to, START);
        assert_eq!(live.len(), accepted, "what was not accepted holds nothing");
        let waits = |order: &OrderView| order.state == OrderState::AwaitingAcceptance;
        assert!(!live.iter().any(waits));
    }
}
