//! The first walk through the engine: approve, refuse, fill, cancel, repeat.
#![allow(clippy::unwrap_used, reason = "tests")]

use bulkhead::domain::amount::Money;
use bulkhead::domain::decision::Reason;
use bulkhead::domain::order::Side;
use bulkhead::domain::report::ReportKind;
use bulkhead::domain::state::OrderState;
use bulkhead::engine::answer::ReportFlag;

use bulkhead::domain::time::SECOND;
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{ClientSetup, EngineSetup};
use bulkhead::risk::limits::RateLimit;

use crate::support::*;

#[test]
fn an_order_lives_and_leaves_nothing_behind() {
    let mut limits = limits();
    limits.gross_notional_max = Some(amount("1000"));
    let engine = engine(vec![bucket("b", Some("desk"), limits)]);
    let bucket = engine.bucket(&id("b")).unwrap();

    let bought = engine
        .decide(&order("1", Side::Buy, "10", "100"), START, false)
        .unwrap();
    assert!(
        reasons(&bought).is_empty(),
        "exactly at the limit: {:?}",
        reasons(&bought)
    );
    let over = engine
        .decide(&order("2", Side::Buy, "0.001", "100"), START, false)
        .unwrap();
    assert_eq!(reasons(&over), [Reason::GrossNotional]);

    let again = engine
        .decide(&order("1", Side::Buy, "10", "100"), START, false)
        .unwrap();
    assert!(again.replayed);
    assert_eq!(again.decision, bought.decision);
    let other = engine
        .decide(&order("1", Side::Buy, "9", "100"), START, false)
        .unwrap();
    assert_eq!(reasons(&other), [Reason::DuplicateMismatch]);

    let filled = trade(&engine, "1", "e1", "4", "100", START);
    assert_eq!(filled.order.unwrap().state, OrderState::PartiallyFilled);
    let twice = trade(&engine, "1", "e1", "4", "100", START);
    assert_eq!(twice.flags, [ReportFlag::Duplicate]);
    let mut canceled = report("1", "e2", ReportKind::Canceled);
    canceled.cum = Some(amount("4"));
    assert_eq!(
        engine.report(&canceled, START).order.unwrap().state,
        OrderState::Canceled
    );
    assert_eq!(position(&engine, START), amount("4"));

    let view = engine.bucket_view(&bucket, START);
    assert_eq!(
        (view.live_orders, view.totals.gross),
        (0, amount::<_>("400"))
    );
    let group = engine.group(&id("desk")).unwrap();
    assert_eq!(group.state.lock().totals.totals.gross, amount("400"));

    let sold = engine
        .decide(&order("3", Side::Sell, "4", "100"), START, false)
        .unwrap();
    assert!(sold.exit && reasons(&sold).is_empty());
    let _ = trade(&engine, "3", "e3", "4", "110", START);
    let view = engine.bucket_view(&bucket, START);
    assert_eq!(
        (view.totals.gross, view.positions.first().unwrap().realised),
        (Money::ZERO, amount("40"))
    );
}

/// NL14 for the one window that orders of several buckets draw on without a group above them.
#[test]
fn a_clients_rate_holds_over_threads_and_buckets() {
    const THREADS: usize = 4;
    let mut setup = EngineSetup::new(id("USD"));
    setup.clients = vec![ClientSetup {
        id: id("c"),
        quota: 1_000_000,
        send_after_commit: false,
        order_rate: Some(RateLimit {
            max: 500,
            window: SECOND,
            exit_reserve: 0,
        }),
    }];
    let buckets = (0..THREADS).map(|thread| bucket(&format!("b{thread}"), None, limits()));
    let engine = Engine::new(setup, firm(), buckets.collect(), vec![perpetual("BTC")]).unwrap();
    mark(&engine, "BTC", "100", START);
    let send = &|thread: usize| {
        (0..500)
            .filter(|number| {
                let mut order = order(&format!("{thread}-{number}"), Side::Buy, "1", "100");
                order.bucket = id(&format!("b{thread}"));
                reasons(&engine.decide(&order, START, false).unwrap()).is_empty()
            })
            .count()
    };
    let approved: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || send(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(approved, 500);
}
