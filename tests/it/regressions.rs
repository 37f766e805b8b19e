//! What the model found wrong once, each as the shortest walk that shows it.
#![allow(clippy::unwrap_used, reason = "tests")]

use bulkhead::domain::amount::{Money, Quantity};
use bulkhead::domain::decision::{Dimension, Outcome, Reason};
use bulkhead::domain::instrument::Collar;
use bulkhead::domain::order::{
    Notice, Order, OrderKey, Replace, RerouteConsent, Side, Size, Terms, TimeInForce,
};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::{BreachCause, OrderState, StateCause, StateNote, TradingState};
use bulkhead::domain::time::SECOND;
use bulkhead::engine::Engine;
use bulkhead::engine::admin::Scope;
use bulkhead::engine::answer::ReportFlag;
use bulkhead::engine::setup::{InboundRule, RouteTarget};
use bulkhead::risk::limits::{
    ConcentrationBound, ConcentrationLimit, InstrumentLimits, Limits, NotionalRateLimit,
    OpenOrdersLimit, RateLimit, SelfMatchRule,
};

use crate::support::*;

fn one_bucket(limits: Limits) -> Engine {
    engine(vec![bucket("b", Some("desk"), limits)])
}

fn approve(engine: &Engine, order: &Order) {
    let answer = engine.decide(order, START, false).unwrap();
    assert!(reasons(&answer).is_empty(), "{:?}", reasons(&answer));
}

fn with_cum(report: Report, cum: &str) -> Report {
    Report {
        cum: Some(amount(cum)),
        ..report
    }
}

fn bust(cl_ord_id: &str, exec: &str, of: &str) -> Report {
    report(cl_ord_id, exec, ReportKind::Bust { of: id(of) })
}

fn correct(cl_ord_id: &str, exec: &str, of: &str, quantity: &str, price: &str) -> Report {
    let to = fill(quantity, price);
    report(cl_ord_id, exec, ReportKind::Correct { of: id(of), to })
}

/// Leaves and value held of the only live order of bucket `b`; zeros where there is none.
fn held(engine: &Engine) -> (Quantity, Money) {
    let bucket = engine.bucket(&id("b")).unwrap();
    engine
        .live_orders(&bucket, START)
        .first()
        .map_or((Quantity::ZERO, Money::ZERO), |order| {
            (order.leaves, order.reserved)
        })
}

/// A5: the collar over a period holds where it is set for one instrument only.
#[test]
fn a_collar_over_a_period_holds_per_instrument() {
    let mut limits = limits();
    let collar = Collar {
        period: Some(amount("0.1")),
        ..Collar::default()
    };
    let own = InstrumentLimits {
        collar: Some(collar),
        ..InstrumentLimits::default()
    };
    limits.per_instrument.insert(id("BTC"), own);
    let engine = one_bucket(limits);
    mark(&engine, "BTC", "120", later(START, 1));
    let beyond = order("1", Side::Buy, "1", "111");
    let answer = engine.decide(&beyond, later(START, 2), false).unwrap();
    assert_eq!(reasons(&answer), [Reason::PriceCollarPeriod]);
}

/// F3: an order gives back what itself counted, never what another did.
#[test]
fn notional_is_not_given_back_at_the_cost_of_another_order() {
    let mut limits = limits();
    limits.notional_rate = Some(NotionalRateLimit {
        max: amount("1000"),
        window: SECOND,
        give_back: true,
    });
    let engine = one_bucket(limits);
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let now = later(START, 2 * SECOND);
    let second = engine
        .decide(&order("2", Side::Buy, "10", "100"), now, false)
        .unwrap();
    assert!(reasons(&second).is_empty());
    let canceled = with_cum(report("1", "e1", ReportKind::Canceled), "0");
    let _ = engine.report(&canceled, now);
    let third = engine
        .decide(&order("3", Side::Buy, "1", "100"), now, false)
        .unwrap();
    assert_eq!(reasons(&third), [Reason::NotionalRate]);
}

/// RR4: an order against the position is not rerouted, even where it goes beyond it.
#[test]
fn an_order_through_zero_is_not_rerouted() {
    let mut tight = limits();
    tight.short_max = Some(amount("2"));
    let mut source = bucket("b", Some("desk"), tight);
    source.reroute.targets = vec![RouteTarget {
        bucket: Some(id("t")),
        venue: id("X"),
        account: id("t-x"),
    }];
    let mut target = bucket("t", Some("desk"), limits());
    target.inbound = vec![InboundRule {
        from: id("b"),
        notional_max: amount("100000"),
    }];
    let engine = engine(vec![source, target]);
    let may = |mut order: Order| {
        order.attributes.reroute = RerouteConsent::AutoAccept;
        engine.decide(&order, START, false).unwrap()
    };
    let flat = may(order("1", Side::Sell, "10", "100"));
    assert!(matches!(flat.decision.outcome, Outcome::Rerouted { .. }));
    approve(&engine, &order("2", Side::Buy, "5", "100"));
    let _ = trade(&engine, "2", "e1", "5", "100", START);
    assert_eq!(
        reasons(&may(order("3", Side::Sell, "10", "100"))),
        [Reason::PositionShort]
    );
}

/// A15, NL13: a copy of a report about an order that is over leaves no price behind at which it seems to rest.
#[test]
fn an_order_that_is_over_rests_nowhere_however_often_that_is_told() {
    let mut limits = limits();
    limits.self_match = SelfMatchRule::RejectNew;
    let engine = one_bucket(limits);
    approve(&engine, &order("1", Side::Buy, "1", "100"));
    let canceled = with_cum(report("1", "e1", ReportKind::Canceled), "0");
    for _ in 0..3 {
        let _ = engine.report(&canceled, START);
    }
    approve(&engine, &order("2", Side::Sell, "1", "100"));
}

/// NL8: a bucket with more live orders than it may have stays in breach while one of them is filled in part.
#[test]
fn too_many_live_orders_stay_a_breach_through_a_fill() {
    let engine = one_bucket(limits());
    for number in ["1", "2", "3"] {
        approve(&engine, &order(number, Side::Buy, "2", "100"));
    }
    let mut cut = limits();
    cut.open_orders = Some(OpenOrdersLimit {
        max: 2,
        exit_reserve: 0,
    });
    engine.update_limits(&id("b"), 1, cut).unwrap();
    let receipt = trade(&engine, "1", "e1", "1", "100", START);
    assert_eq!(receipt.breach, [BreachCause::LimitCut]);
    let bucket = engine.bucket(&id("b")).unwrap();
    assert_eq!(
        engine.bucket_view(&bucket, START).breach,
        [BreachCause::LimitCut]
    );
    let last = trade(&engine, "1", "e2", "1", "100", START);
    assert!(last.breach.is_empty());
}

/// H15: a bust is the last word about a fill, also where a correction and then the bust come before it.
#[test]
fn a_bust_after_a_correction_counts_before_its_fill_too() {
    for bust_first in [true, false] {
        let engine = one_bucket(limits());
        approve(&engine, &order("1", Side::Buy, "10", "100"));
        let mut amendments = [bust("1", "e2", "e1"), correct("1", "e3", "e1", "4", "100")];
        if !bust_first {
            amendments.reverse();
        }
        for amendment in &amendments {
            let _ = engine.report(amendment, START);
        }
        let _ = trade(&engine, "1", "e1", "6", "100", START);
        assert_eq!(position(&engine, START), Quantity::ZERO);
        assert_eq!(held(&engine).0, amount("10"));
    }
}

/// A8, H15, H16: what a void or corrected fill spent of an order's cash is held again, or held no more.
#[test]
fn a_bust_gives_the_cash_of_an_order_back_to_it() {
    let engine = one_bucket(limits());
    let mut cash = order("1", Side::Buy, "1", "100");
    cash.size = Size::Cash(amount("1000"));
    approve(&engine, &cash);
    let _ = trade(&engine, "1", "e1", "4", "100", START);
    assert_eq!(held(&engine).1, amount("600"));
    let _ = engine.report(&correct("1", "e2", "e1", "3", "100"), START);
    assert_eq!(held(&engine).1, amount("700"));
    let _ = engine.report(&bust("1", "e3", "e1"), START);
    assert_eq!(held(&engine).1, amount("1000"));
    // Filled by the venue's word alone, and open again by a bust.
    let mut last = report("1", "e4", ReportKind::Trade(fill("9", "100")));
    last.leaves = Some(Quantity::ZERO);
    let filled = engine.report(&last, START).order.unwrap();
    assert_eq!(filled.state, OrderState::Filled);
    let _ = engine.report(&bust("1", "e5", "e4"), START);
    assert_eq!(held(&engine).1, amount("1000"));
}

/// RR10, B4: a fill at another account than the order's counts there.
#[test]
fn a_fill_counts_at_the_account_where_it_happened() {
    let mut limits = limits();
    limits.concentration = vec![ConcentrationLimit {
        dimension: Dimension::Venue,
        value: Some("Y".to_owned()),
        bound: ConcentrationBound::Money(amount("500")),
    }];
    let mut setup = bucket("b", Some("desk"), limits);
    setup.accounts.push((id("Y"), id("b-y")));
    let engine = engine(vec![setup]);
    approve(&engine, &order("1", Side::Buy, "4", "100"));
    let mut elsewhere = report("1", "e1", ReportKind::Trade(fill("4", "100")));
    elsewhere.venue = id("Y");
    assert_eq!(
        engine.report(&elsewhere, START).flags,
        [ReportFlag::RouteViolation]
    );
    let mut second = order("2", Side::Buy, "2", "100");
    second.venue = id("Y");
    let answer = engine.decide(&second, START, false).unwrap();
    assert_eq!(reasons(&answer), [Reason::Concentration]);
}

/// NL13: a late copy of a restatement does not undo the replace that came after it.
#[test]
fn a_copy_of_a_restatement_changes_nothing() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let kind = ReportKind::Restated {
        quantity: Some(amount("5")),
        price: None,
    };
    let restated = report("1", "e1", kind);
    let _ = engine.report(&restated, START);
    let answer = engine
        .replace(&replace("2", "1", "8", "100"), START, false)
        .unwrap();
    assert!(reasons(&answer).is_empty());
    let _ = engine.report(&report("2", "e2", ReportKind::Replaced), START);
    assert_eq!(
        engine.report(&restated, START).flags,
        [ReportFlag::Duplicate]
    );
    assert_eq!(held(&engine).0, amount("8"));
}

/// B5, H16: a correction upwards counts in the day's traded notional.
#[test]
fn a_correction_upwards_is_traded_notional() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let _ = trade(&engine, "1", "e1", "4", "100", START);
    let _ = engine.report(&correct("1", "e2", "e1", "6", "100"), START);
    let bucket = engine.bucket(&id("b")).unwrap();
    assert_eq!(engine.bucket_view(&bucket, START).traded, amount("1000"));
}

/// H6, H16: a correction leaves owed what the end of the order left owed.
#[test]
fn a_correction_after_the_end_keeps_what_is_owed() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "100", "10"));
    let _ = trade(&engine, "1", "e1", "60", "10", START);
    let canceled = with_cum(report("1", "e2", ReportKind::Canceled), "80");
    let _ = engine.report(&canceled, START);
    let _ = engine.report(&correct("1", "e3", "e1", "40", "10"), START);
    assert_eq!(held(&engine).0, amount("20"));
    let owed = trade(&engine, "1", "e4", "20", "10", START);
    assert!(!owed.flags.contains(&ReportFlag::LateFill));
    assert_eq!(held(&engine).0, Quantity::ZERO);
}

/// NL10, NL13: a copy of a fill that is void does not make the order owe it for ever.
#[test]
fn a_copy_of_a_void_fill_is_not_owed() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "100", "10"));
    let first = with_cum(report("1", "e1", ReportKind::Trade(fill("60", "10"))), "60");
    let _ = engine.report(&first, START);
    let _ = engine.report(&bust("1", "e2", "e1"), START);
    let _ = engine.report(&first, START);
    let canceled = with_cum(report("1", "e3", ReportKind::Canceled), "0");
    let ended = engine.report(&canceled, START).order.unwrap();
    assert_eq!(
        (ended.state, ended.leaves),
        (OrderState::Canceled, Quantity::ZERO)
    );
}

/// A10, NL13: a copy of the word that an order was sent gives it no more time.
#[test]
fn word_that_an_order_was_sent_moves_its_deadline_once() {
    let engine = one_bucket(limits());
    let mut now_or_never = order("1", Side::Buy, "1", "100");
    now_or_never.time_in_force = TimeInForce::ImmediateOrCancel;
    approve(&engine, &now_or_never);
    let mut state = OrderState::Reserved;
    for seconds in [10, 20, 41] {
        let now = later(START, seconds * SECOND);
        let told = engine.notify(&id("c"), &id("1"), Notice::Sent, now);
        state = told.unwrap().order.unwrap().state;
    }
    assert_eq!(state, OrderState::Uncertain);
}

/// H9, G2: less at the same price is approved whatever the market did since, also where only exits are.
#[test]
fn less_at_the_same_price_is_approved_at_any_mark() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    mark(&engine, "BTC", "120", later(START, 1));
    let note = StateNote {
        state: TradingState::ReduceOnly,
        ..StateNote::default()
    };
    engine.restrict(&Scope::Bucket(id("b")), note).unwrap();
    let now = later(START, 2);
    let less = engine
        .replace(&replace("2", "1", "5", "100"), now, false)
        .unwrap();
    assert!(reasons(&less).is_empty(), "{:?}", reasons(&less));
    let more = engine
        .replace(&replace("3", "1", "5", "130"), now, false)
        .unwrap();
    assert_eq!(reasons(&more), [Reason::StateReduceOnly]);
}

/// RR12: what came in from another bucket draws on the cap of its source when it grows.
#[test]
fn an_order_that_came_in_does_not_outgrow_its_cap() {
    let mut tight = limits();
    tight.long_max = Some(Quantity::ZERO);
    let mut source = bucket("b", Some("desk"), tight);
    source.reroute.targets = vec![RouteTarget {
        bucket: Some(id("t")),
        venue: id("X"),
        account: id("t-x"),
    }];
    let mut target = bucket("t", Some("desk"), limits());
    target.inbound = vec![InboundRule {
        from: id("b"),
        notional_max: amount("1000"),
    }];
    let engine = engine(vec![source, target]);
    let mut asks = order("1", Side::Buy, "5", "100");
    asks.attributes.reroute = RerouteConsent::AutoAccept;
    approve(&engine, &asks);
    let grown = engine
        .replace(&replace("2", "1", "11", "100"), START, false)
        .unwrap();
    assert_eq!(reasons(&grown), [Reason::InboundCap]);
    let fits = engine
        .replace(&replace("3", "1", "10", "100"), START, false)
        .unwrap();
    assert!(reasons(&fits).is_empty());
}

/// NL8, B2: each order is worth its own price or the mark, so that the fill of one never makes the rest worth more.
#[test]
fn a_fill_at_the_reserved_price_breaches_nothing() {
    let mut limits = limits();
    limits.gross_notional_max = Some(amount("2250"));
    let engine = one_bucket(limits);
    mark(&engine, "BTC", "90", later(START, 1));
    let now = later(START, 3);
    let low = engine
        .decide(&order("1", Side::Buy, "10", "90"), now, false)
        .unwrap();
    assert!(reasons(&low).is_empty());
    mark(&engine, "BTC", "100", later(START, 2));
    // 10 at the mark of 100, and 10 at 130: 2300 once the first has filled.
    let high = engine
        .decide(&order("2", Side::Buy, "10", "130"), now, false)
        .unwrap();
    assert_eq!(reasons(&high), [Reason::GrossNotional]);
    let fits = engine
        .decide(&order("3", Side::Buy, "10", "125"), now, false)
        .unwrap();
    assert!(reasons(&fits).is_empty());
    let receipt = trade(&engine, "1", "e1", "10", "90", now);
    assert!(receipt.breach.is_empty());
}

/// A source with one more account, and a bucket that takes in 300 from it.
fn rerouting(limits: Limits, targets: &[(Option<&str>, &str, &str)]) -> Engine {
    let mut source = bucket("b", Some("desk"), limits);
    source.accounts.push((id("Y"), id("b-y")));
    source.reroute.targets = targets
        .iter()
        .map(|(bucket, venue, account)| RouteTarget {
            bucket: bucket.map(id),
            venue: id(venue),
            account: id(account),
        })
        .collect();
    let mut target = bucket("t", Some("desk"), crate::support::limits());
    target.inbound = vec![InboundRule {
        from: id("b"),
        notional_max: amount("300"),
    }];
    engine(vec![source, target])
}

/// K1, F1: an order that another account of its bucket takes is one attempt, and the what-if says so.
#[test]
fn an_order_at_another_account_of_its_bucket_counts_once() {
    let mut limits = limits();
    limits.order_rate = Some(RateLimit {
        max: 1,
        window: SECOND,
        exit_reserve: 0,
    });
    limits.concentration = vec![ConcentrationLimit {
        dimension: Dimension::Venue,
        value: Some("X".to_owned()),
        bound: ConcentrationBound::Money(Money::ZERO),
    }];
    let engine = rerouting(limits, &[(None, "Y", "b-y")]);
    let mut asks = order("1", Side::Buy, "1", "100");
    asks.attributes.reroute = RerouteConsent::AutoAccept;
    let asked = engine.what_if(&asks, START, false).unwrap();
    let decided = engine.decide(&asks, START, false).unwrap();
    assert!(matches!(decided.decision.outcome, Outcome::Rerouted { .. }));
    assert_eq!(asked.decision.outcome, decided.decision.outcome);
}

/// RR12: the cap of a target holds for strangers whatever the target's own position is.
#[test]
fn a_position_of_the_target_does_not_lift_its_cap() {
    let mut tight = limits();
    tight.short_max = Some(Quantity::ZERO);
    let engine = rerouting(tight, &[(Some("t"), "X", "t-x")]);
    let (id_t, price) = (id("t"), amount("100"));
    engine
        .load_position(
            &id_t,
            &id("BTC"),
            (&id("X"), &id("t-x")),
            amount("10"),
            price,
            START,
        )
        .unwrap();
    let mut asks = order("1", Side::Sell, "4", "100");
    asks.attributes.reroute = RerouteConsent::AutoAccept;
    let answer = engine.decide(&asks, START, false).unwrap();
    assert_eq!(reasons(&answer), [Reason::PositionShort]);
}

/// NL11: a bust that names one order and a fill of another is an alarm, and changes neither.
#[test]
fn a_bust_of_another_orders_fill_changes_nothing() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    approve(&engine, &order("2", Side::Buy, "10", "100"));
    let _ = trade(&engine, "1", "e1", "4", "100", START);
    let receipt = engine.report(&bust("2", "e2", "e1"), START);
    assert_eq!(receipt.flags, [ReportFlag::ExecMismatch]);
    assert_eq!(position(&engine, START), amount("4"));
}

/// K1: that a day has ended shows in the hash, whether or not anyone asked since.
#[test]
fn a_what_if_on_a_new_day_changes_no_hash() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let _ = trade(&engine, "1", "e1", "4", "100", START);
    let bucket = engine.bucket(&id("b")).unwrap();
    let tomorrow = later(START, 86_400 * SECOND);
    let before = engine.bucket_hash(&bucket, tomorrow);
    let _ = engine.what_if(&order("2", Side::Buy, "1", "100"), tomorrow, false);
    assert_eq!(engine.bucket_hash(&bucket, tomorrow), before);
}

/// H6, NL13: of two ends that do not know the fills the first stands, however often either comes.
#[test]
fn an_end_without_figures_is_told_once() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let expired = report("1", "e1", ReportKind::Expired);
    let _ = engine.report(&expired, START);
    let _ = engine.report(&report("1", "e2", ReportKind::Canceled), START);
    let bucket = engine.bucket(&id("b")).unwrap();
    let before = engine.bucket_hash(&bucket, START);
    let again = engine.report(&expired, START);
    assert_eq!(again.flags, [ReportFlag::NeedsReconciliation]);
    assert_eq!(engine.bucket_hash(&bucket, START), before);
    assert_eq!(held(&engine).0, amount("10"));
}

/// G1: a halt that is said again stays the halt of the first who said it.
#[test]
fn a_second_halt_does_not_hide_who_halted_first() {
    let engine = one_bucket(limits());
    let scope = Scope::Bucket(id("b"));
    let halt = |actor: &str, seconds: u64| StateNote {
        state: TradingState::Halted,
        cause: StateCause::Operator,
        actor: actor.to_owned(),
        reason: format!("{actor} said so"),
        since: later(START, seconds * SECOND),
    };
    engine.restrict(&scope, halt("ann", 1)).unwrap();
    engine.restrict(&scope, halt("ben", 2)).unwrap();
    assert_eq!(engine.note_of(&scope).unwrap(), halt("ann", 1));
}

/// H19: the approval of a replace, asked for again, tells where the order, or the replace where that is over, stands by now.
#[test]
fn an_approval_of_a_replace_told_again_tells_where_it_stands() {
    let engine = one_bucket(limits());
    let replace = |key: &str, original: &str, quantity: &str| {
        let replace = Replace {
            key: OrderKey {
                client: id("c"),
                cl_ord_id: id(key),
            },
            original: id(original),
            quantity: amount(quantity),
            terms: Terms::Limit {
                price: amount("100"),
            },
        };
        let answer = engine.replace(&replace, START, false).unwrap();
        assert!(reasons(&answer).is_empty());
        (answer.replayed, answer.order_state)
    };
    let tell = |id: &str, exec: &str, kind| {
        let _ = engine.report(&with_cum(report(id, exec, kind), "0"), START);
    };
    approve(&engine, &order("1", Side::Buy, "5", "100"));
    assert_eq!(replace("2", "1", "8"), (false, Some(OrderState::Reserved)));
    assert_eq!(
        replace("2", "1", "8"),
        (true, Some(OrderState::PendingReplace))
    );
    tell("2", "e1", ReportKind::Replaced);
    assert_eq!(replace("2", "1", "8"), (true, Some(OrderState::Working)));
    let _ = replace("3", "2", "9");
    let released = OrderKey {
        client: id("c"),
        cl_ord_id: id("3"),
    };
    engine.release(&released, START).unwrap();
    assert_eq!(replace("3", "2", "9"), (true, Some(OrderState::Released)));
    let _ = replace("4", "2", "9");
    let of = CancelRejectOf::Replace;
    let unknown_order = false;
    tell("4", "e2", ReportKind::CancelRejected { of, unknown_order });
    assert_eq!(
        replace("4", "2", "9"),
        (true, Some(OrderState::VenueRejected))
    );
    assert_eq!(replace("2", "1", "8"), (true, Some(OrderState::Working)));
    tell("2", "e3", ReportKind::Canceled);
    assert_eq!(replace("2", "1", "8"), (true, Some(OrderState::Canceled)));
}

/// B4: of two limits on one set the tighter one holds, and the set counts once.
#[test]
fn two_limits_on_one_set_are_one() {
    let limit = |bound: &str| ConcentrationLimit {
        dimension: Dimension::Underlying,
        value: None,
        bound: ConcentrationBound::Money(amount(bound)),
    };
    let mut limits = limits();
    limits.concentration = vec![limit("1000"), limit("500")];
    let engine = one_bucket(limits);
    approve(&engine, &order("1", Side::Buy, "5", "100"));
    let answer = engine
        .decide(&order("2", Side::Buy, "1", "100"), START, true)
        .unwrap();
    let Outcome::Rejected(broken) = &answer.decision.outcome else {
        panic!("approved")
    };
    let figures: Vec<_> = broken.iter().filter_map(|one| one.figures).collect();
    let [only] = figures.as_slice() else {
        panic!("{broken:?}")
    };
    let money = |units| Money::from_units(units);
    assert_eq!(
        (money(only.limit), money(only.before), money(only.after)),
        (amount("500"), amount("500"), amount("600"))
    );
}

/// H15, H16: a fee in another currency than the profit's is shown, and follows its fill through a correction and a bust.
#[test]
fn a_fee_in_a_third_currency_follows_its_fill() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let paid = |fee: &str| Fill {
        fee: amount(fee),
        fee_currency: Some(id("BNB")),
        ..fill("4", "100")
    };
    let fees = |report: &Report| engine.report(report, START).position.unwrap().fees;
    let (usd, bnb) = (id("USD"), id("BNB"));
    let own = (usd, Money::ZERO);
    let first = report("1", "e1", ReportKind::Trade(paid("0.5")));
    let other = report("1", "e2", ReportKind::Trade(paid("0.25")));
    assert_eq!(fees(&first), [own.clone(), (bnb, amount("0.5"))]);
    assert_eq!(fees(&other), [own.clone(), (id("BNB"), amount("0.75"))]);
    let kind = ReportKind::Correct {
        of: id("e1"),
        to: paid("0.3"),
    };
    let corrected = report("1", "e3", kind);
    assert_eq!(fees(&corrected), [own.clone(), (id("BNB"), amount("0.55"))]);
    let left = (id("BNB"), amount("0.25"));
    assert_eq!(fees(&bust("1", "e4", "e1")), [own.clone(), left]);
    assert_eq!(fees(&bust("1", "e5", "e2")), [own]);
}

/// H14, H15: a bust under the id of its fill is an alarm, and leaves one place for the fill.
#[test]
fn a_bust_under_the_id_of_its_fill_is_an_alarm() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "10", "100"));
    let odd = bust("1", "e1", "e1");
    for _ in 0..2 {
        assert_eq!(
            engine.report(&odd, START).flags,
            [ReportFlag::ExecMismatch],
            "before the fill"
        );
    }
    let booked = trade(&engine, "1", "e1", "4", "100", START);
    assert!(booked.applied && booked.flags.is_empty());
    assert_eq!(engine.report(&odd, START).flags, [ReportFlag::ExecMismatch]);
    let _ = engine.report(&bust("1", "e2", "e1"), START);
    assert_eq!(position(&engine, START), Quantity::ZERO);
}

/// Counts the errors that are logged on this thread while it lives.
#[derive(Clone, Default)]
struct Alarms(std::sync::Arc<std::sync::atomic::AtomicU32>);

impl tracing::Subscriber for Alarms {
    fn enabled(&self, about: &tracing::Metadata<'_>) -> bool {
        *about.level() == tracing::Level::ERROR
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// H13, H14: what is kept apart is told to the people who run the gateway.
#[test]
fn what_is_kept_apart_is_an_alarm() {
    let alarms = Alarms::default();
    let count = || alarms.0.load(std::sync::atomic::Ordering::Relaxed);
    tracing::subscriber::with_default(alarms.clone(), || {
        let engine = one_bucket(limits());
        approve(&engine, &order("1", Side::Buy, "10", "100"));
        let _ = trade(&engine, "1", "e1", "4", "100", START);
        let _ = trade(&engine, "1", "e1", "4", "100", START);
        assert_eq!(count(), 0);
        let _ = trade(&engine, "1", "e1", "5", "100", START);
        assert_eq!(count(), 1, "an execution with other content");
        let _ = engine.report(&bust("1", "e1", "e2"), START);
        assert_eq!(count(), 2, "a bust under the id of a fill");
        let mut unknown = report("9", "e3", ReportKind::Trade(fill("4", "100")));
        (unknown.instrument, unknown.side) = (Some(id("BTC")), Some(Side::Buy));
        let receipt = engine.report(&unknown, START);
        assert!(receipt.flags.contains(&ReportFlag::Quarantined));
        assert_eq!(count(), 3, "a fill in quarantine");
    });
}

/// H11, H14, A11: a fill of an id that stands for nothing any more, whose own order is still remembered under its first id only.
#[test]
fn the_ids_of_a_chain_are_forgotten_together_and_with_their_executions() {
    let engine = one_bucket(limits());
    let mut lasting = order("1", Side::Buy, "10", "100");
    lasting.time_in_force = TimeInForce::GoodTillCancel;
    approve(&engine, &lasting);
    let answer = engine
        .replace(&replace("2", "1", "12", "100"), START, false)
        .unwrap();
    assert!(reasons(&answer).is_empty());
    let _ = engine.report(&report("2", "r", ReportKind::Replaced), START);
    let sweep = |now| (0..64).for_each(|round| engine.sweep(now, round));
    let day = 86_400 * SECOND;
    let mut now = START;
    for days in 1..10 {
        now = later(START, days * day);
        sweep(now);
        assert_eq!(engine.kept_keys(), 2, "while the order lives, day {days}");
    }
    let _ = trade(&engine, "2", "e1", "12", "100", now);
    for days in 1..4 {
        sweep(later(now, days * day));
        assert_eq!(engine.kept_keys(), 2, "while its fill is remembered");
    }
    let voided = engine.report(&bust("2", "e2", "e1"), later(now, 4 * day - 1));
    assert_eq!(voided.order.unwrap().leaves, amount("12"));
    let end = later(now, 5 * day);
    let _ = engine.report(&with_cum(report("2", "e3", ReportKind::Canceled), "0"), end);
    sweep(later(end, 4 * day - 1));
    assert_eq!(engine.kept_keys(), 2, "while it may be asked for");
    sweep(later(end, 4 * day));
    sweep(later(end, 4 * day + 1));
    assert_eq!(engine.kept_keys(), 0, "and no longer");
}

/// NL11, H13, A11: a fill of the other side than the order that has its id by now is not that order's: it goes where its account says.
#[test]
fn a_fill_of_the_other_side_than_the_order_of_its_id_is_nobodys() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Sell, "3", "100"));
    let _ = trade(&engine, "1", "e1", "3", "100", START);
    let next_day = later(START, 86_400 * SECOND);
    mark(&engine, "BTC", "100", next_day);
    let again = order("1", Side::Buy, "2", "100");
    let answer = engine.decide(&again, next_day, false).unwrap();
    assert!(reasons(&answer).is_empty() && !answer.replayed);
    let late = |exec: &str, account: &str| Report {
        instrument: Some(id("BTC")),
        side: Some(Side::Sell),
        account: Some(id(account)),
        ..report("1", exec, ReportKind::Trade(fill("1", "100")))
    };
    let nobodys = engine.report(&late("e2", "nobody"), next_day);
    assert_eq!(nobodys.bucket, Some(id("quarantine")));
    assert!(nobodys.flags.contains(&ReportFlag::UnknownOrder));
    assert_eq!(position(&engine, next_day), amount("-3"));
    let by_account = engine.report(&late("e3", "b-x"), next_day);
    assert_eq!(by_account.bucket, Some(id("b")));
    assert_eq!(position(&engine, next_day), amount("-4"));
    assert_eq!(held(&engine), (amount("2"), amount("200")));
}

/// H2, A11: the release of an id that an earlier day's replace had, of an order whose own id stands for another since, is that of an id
/// never seen, whether or not housekeeping came by.
#[test]
fn the_id_of_a_forgotten_replace_is_released_as_if_it_were_new() {
    for swept in [false, true] {
        let engine = one_bucket(limits());
        approve(&engine, &order("1", Side::Buy, "3", "100"));
        let asked = engine.replace(&replace("2", "1", "2", "100"), START, false);
        assert!(reasons(&asked.unwrap()).is_empty());
        let canceled = with_cum(report("1", "e", ReportKind::Canceled), "0");
        let _ = engine.report(&canceled, START);
        let next_day = later(START, 86_400 * SECOND);
        mark(&engine, "BTC", "100", next_day);
        if swept {
            (0..64).for_each(|round| engine.sweep(next_day, round));
        }
        let again = order("1", Side::Buy, "1", "100");
        let answer = engine.decide(&again, next_day, false).unwrap();
        assert!(reasons(&answer).is_empty() && !answer.replayed);
        let key = order("2", Side::Buy, "1", "100").key;
        let receipt = engine.release(&key, next_day).unwrap();
        assert!(receipt.flags.contains(&ReportFlag::UnknownOrder));
        let late = order("2", Side::Buy, "1", "100");
        let refused = engine.decide(&late, next_day, false).unwrap();
        assert_eq!(reasons(&refused), [Reason::DuplicateMismatch]);
    }
}

/// NL13, H2: a copy of what the venue told before a person ended the order says no more than the first did.
#[test]
fn a_copy_of_what_was_told_before_an_end_by_hand_is_not_missing() {
    let engine = one_bucket(limits());
    approve(&engine, &order("1", Side::Buy, "5", "100"));
    let told = with_cum(report("1", "e", ReportKind::New), "2");
    assert_eq!(
        engine.report(&told, START).order.unwrap().missing,
        amount("2")
    );
    let key = order("1", Side::Buy, "5", "100").key;
    let ended = engine.resolve(&key, amount("1"), START).unwrap();
    assert_eq!(ended.order.unwrap().missing, amount("1"), "owed");
    let copy = engine.report(&told, START).order.unwrap();
    assert_eq!((copy.missing, copy.leaves), (amount("1"), amount("1")));
    assert_eq!(held(&engine), (amount("1"), amount("100")));
    let none = engine.resolve(&key, amount("0"), START).unwrap();
    assert_eq!(none.order.unwrap().missing, amount("0"));
    let over = engine.report(&told, START).order.unwrap();
    assert_eq!((over.missing, over.leaves), (amount("0"), amount("0")));
}
