//! Races with real threads.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bulkhead::domain::order::{Order, OrderKey, Side};
use bulkhead::domain::report::{Report, ReportKind};
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{BucketSetup, EngineSetup};

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
