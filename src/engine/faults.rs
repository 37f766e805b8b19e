//! Planted faults for the tests of what a fault may reach.

use crate::domain::name::ClOrdId;

/// Panics where the id asks for it.
pub(super) fn strike(id: &ClOrdId) {
    assert!(!id.as_str().starts_with("fault:"), "a planted fault");
}

/// Panics where the id asks for it, in the middle of a report.
pub(super) fn strike_report(id: &ClOrdId) {
    assert!(!id.as_str().starts_with("late-fault:"), "a planted fault");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use crate::domain::amount::{Money, Ratio};
    use crate::domain::basket::Basket;
    use crate::domain::decision::{Outcome, Reason};
    use crate::domain::instrument::{Instrument, InstrumentType, Listing, Payoff};
    use crate::domain::order::{
        Attributes, Order, OrderKey, RerouteConsent, Side, Size, Terms, TimeInForce,
    };
    use crate::domain::report::{Report, ReportKind};
    use crate::domain::state::{StateCause, TradingState};
    use crate::domain::time::Now;
    use crate::engine::Engine;
    use crate::engine::alarms::{Alarm, StateAlarm};
    use crate::engine::answer::{Answer, Refusal, ReportFlag};
    use crate::engine::offers::DecisionId;
    use crate::engine::setup::{BucketSetup, EngineSetup, InboundRule, RouteTarget};
    use crate::risk::limits::Limits;

    fn order(bucket: &str, cl_ord_id: &str) -> Order {
        Order {
            key: OrderKey {
                client: "c".parse().unwrap(),
                cl_ord_id: cl_ord_id.parse().unwrap(),
            },
            bucket: bucket.parse().unwrap(),
            instrument: "NONE".parse().unwrap(),
            venue: "X".parse().unwrap(),
            account: None,
            side: Side::Buy,
            size: Size::Quantity("1".parse().unwrap()),
            terms: Terms::Market,
            time_in_force: TimeInForce::Day,
            display: None,
            attributes: Attributes::default(),
        }
    }

    fn share() -> Instrument {
        Instrument {
            id: "ACME".parse().unwrap(),
            kind: InstrumentType::Equity,
            payoff: Payoff::Linear,
            underlying: "ACME".parse().unwrap(),
            base: "ACME".parse().unwrap(),
            quote: "USD".parse().unwrap(),
            settle: "USD".parse().unwrap(),
            multiplier: Ratio::ONE,
            tick: "0.01".parse().unwrap(),
            lot: "1".parse().unwrap(),
            expiry: None,
            option: None,
            underlying_instrument: None,
            sector: None,
            listings: vec![Listing {
                venue: "X".parse().unwrap(),
                symbol: "ACME".to_owned(),
            }],
            negative_prices: false,
            mark_max_age: 1_000,
            jump_max: None,
            collar: None,
            source_divergence_max: Ratio::ONE,
            version: 0,
        }
    }

    fn reason(answer: &Answer) -> Reason {
        match &answer.decision.outcome {
            Outcome::Rejected(broken) => broken.first().unwrap().reason,
            Outcome::Approved(_) | Outcome::Rerouted { .. } => Reason::Overflow,
        }
    }

    #[test]
    fn a_fault_while_deciding_halts_its_bucket_and_nothing_else() {
        let bucket = |name: &str| {
            BucketSetup::bare(
                name.parse().unwrap(),
                Limits::unlimited("USD".parse().unwrap()),
            )
        };
        let setup = EngineSetup::new("USD".parse().unwrap());
        let engine = Engine::new(
            setup,
            Vec::new(),
            vec![bucket("a"), bucket("b")],
            Vec::new(),
        )
        .unwrap();
        let now = Now { wall: 1, mono: 1 };
        let (heard, alarms) = std::sync::mpsc::channel();
        engine.alarms.listen(move |alarm| {
            let Alarm::State(alarm) = alarm else { return };
            heard.send(StateAlarm::clone(alarm)).unwrap();
        });
        let sibling = engine.bucket(&"b".parse().unwrap()).unwrap();
        let before = engine.bucket_hash(&sibling, now);

        let struck = engine.decide(&order("a", "fault:1"), now, false).unwrap();
        assert_eq!(reason(&struck), Reason::InternalFault);
        let again = engine.decide(&order("a", "fault:1"), now, false).unwrap();
        assert!(again.replayed && again.decision == struck.decision);
        let faulty = engine.bucket(&"a".parse().unwrap()).unwrap();
        let note = engine.bucket_view(&faulty, now).note;
        assert_eq!(
            (note.state, note.cause),
            (TradingState::Halted, StateCause::Fault)
        );

        let alarm = alarms.try_recv().unwrap();
        assert_eq!(
            (alarm.bucket.as_str(), alarm.before),
            ("a", TradingState::Active)
        );
        assert_eq!(alarm.after, note);
        assert!(alarms.try_recv().is_err(), "a stored answer raises none");

        // Nothing is poisoned: the sibling is as it was, and both buckets go on answering.
        assert_eq!(engine.bucket_hash(&sibling, now), before);
        for bucket in ["a", "b"] {
            let answer = engine
                .decide(&order(bucket, &format!("after-{bucket}")), now, false)
                .unwrap();
            assert_eq!(reason(&answer), Reason::UnknownInstrument);
        }
        assert_eq!(
            engine.bucket_view(&sibling, now).state,
            TradingState::Active
        );
    }

    #[test]
    fn a_fault_in_a_leg_halts_the_bucket_and_leaves_nothing_of_the_legs_before_it() {
        let bucket = BucketSetup {
            accounts: vec![("X".parse().unwrap(), "main".parse().unwrap())],
            ..BucketSetup::bare(
                "a".parse().unwrap(),
                Limits::unlimited("USD".parse().unwrap()),
            )
        };
        let setup = EngineSetup::new("USD".parse().unwrap());
        let engine = Engine::new(setup, Vec::new(), vec![bucket], vec![share()]).unwrap();
        let now = Now { wall: 1, mono: 1 };
        let leg = |id: &str| Order {
            instrument: "ACME".parse().unwrap(),
            terms: Terms::Limit {
                price: "10".parse().unwrap(),
            },
            ..order("a", id)
        };
        let key = |id: &str| OrderKey {
            client: "c".parse().unwrap(),
            cl_ord_id: id.parse().unwrap(),
        };
        let struck = Basket::new(key("b"), vec![leg("1"), leg("fault:2"), leg("3")]).unwrap();
        let answer = engine.decide_basket(&struck, now, false).unwrap();
        assert_eq!(answer.broken, Some(Reason::InternalFault));
        assert!(!answer.approved() && answer.legs.is_empty());
        let again = engine.decide_basket(&struck, now, false).unwrap();
        assert!(again.replayed && again.broken == answer.broken);
        let faulty = engine.bucket(&"a".parse().unwrap()).unwrap();
        let view = engine.bucket_view(&faulty, now);
        assert_eq!(view.note.cause, StateCause::Fault);
        assert_eq!((view.live_orders, view.totals.gross), (0, Money::ZERO));
        // The ids of its legs stand for nothing.
        let next = engine.decide(&leg("1"), now, false).unwrap();
        assert_eq!(reason(&next), Reason::StateHalted);
    }

    #[test]
    fn a_fault_while_booking_a_report_loses_no_order_and_frees_nothing() {
        let bucket = BucketSetup {
            accounts: vec![("X".parse().unwrap(), "main".parse().unwrap())],
            ..BucketSetup::bare(
                "a".parse().unwrap(),
                Limits::unlimited("USD".parse().unwrap()),
            )
        };
        let setup = EngineSetup::new("USD".parse().unwrap());
        let engine = Engine::new(setup, Vec::new(), vec![bucket], vec![share()]).unwrap();
        let now = Now { wall: 1, mono: 1 };
        let limit = Order {
            instrument: "ACME".parse().unwrap(),
            terms: Terms::Limit {
                price: "10".parse().unwrap(),
            },
            ..order("a", "late-fault:1")
        };
        let answer = engine.decide(&limit, now, false).unwrap();
        assert!(answer.decision.route().is_some(), "{answer:?}");
        let faulty = engine.bucket(&"a".parse().unwrap()).unwrap();
        let held = engine.bucket_view(&faulty, now).reserved;
        assert!(held.is_positive());

        for kind in [ReportKind::New, ReportKind::Canceled] {
            let report = Report {
                client: limit.key.client.clone(),
                cl_ord_id: limit.key.cl_ord_id.clone(),
                exec_id: None,
                kind,
                cum: None,
                leaves: None,
                venue: "X".parse().unwrap(),
                account: None,
                trade_date: 0,
                bucket: None,
                instrument: None,
                side: None,
            };
            let receipt = engine.report(&report, now);
            assert!(receipt.flags.contains(&ReportFlag::NeedsReconciliation));
        }
        let view = engine.bucket_view(&faulty, now);
        assert_eq!(view.note.cause, StateCause::Fault);
        assert_eq!((view.live_orders, view.reserved), (1, held));
        assert_eq!(engine.live_orders(&faulty, now).len(), 1);
    }

    /// A fault stops a bucket without a call that could void what waits there: the acceptance is refused all the same, and the sweep takes
    /// the reservation back (RR15).
    #[test]
    fn what_waits_to_be_accepted_is_not_accepted_after_a_fault() {
        for struck in ["from", "to"] {
            let bucket = |name: &str, long_max: Option<&str>| {
                let mut limits = Limits::unlimited("USD".parse().unwrap());
                limits.long_max = long_max.map(|max| max.parse().unwrap());
                let mut setup = BucketSetup::bare(name.parse().unwrap(), limits);
                let account = format!("{name}-x").parse().unwrap();
                setup.accounts = vec![("X".parse().unwrap(), account)];
                setup
            };
            let (mut from, mut to) = (bucket("from", Some("0")), bucket("to", None));
            from.reroute.targets = vec![RouteTarget {
                bucket: Some("to".parse().unwrap()),
                venue: "X".parse().unwrap(),
                account: "to-x".parse().unwrap(),
            }];
            to.inbound = vec![InboundRule {
                from: "from".parse().unwrap(),
                notional_max: "1000".parse().unwrap(),
            }];
            let setup = EngineSetup::new("USD".parse().unwrap());
            let engine = Engine::new(setup, Vec::new(), vec![from, to], vec![share()]).unwrap();
            let now = Now { wall: 1, mono: 1 };
            let mut asked = order("from", "1");
            asked.instrument = "ACME".parse().unwrap();
            asked.terms = Terms::Limit {
                price: "10".parse().unwrap(),
            };
            asked.attributes.reroute = RerouteConsent::Acknowledge;
            let answer = engine.decide(&asked, now, false).unwrap();
            assert!(answer.offered, "{answer:?}");
            let _ = engine.decide(&order(struck, "fault:1"), now, false);
            let decision = DecisionId {
                at: answer.decision.at,
                sequence: answer.decision.sequence,
            };
            let accepted = || engine.accept_route(&asked.key.client, decision, now);
            if struck == "from" {
                assert_eq!(accepted().unwrap_err(), Refusal::RouteVoid);
            } else {
                engine.sweep(now, 0);
            }
            let target = engine.bucket(&"to".parse().unwrap()).unwrap();
            assert_eq!(engine.bucket_view(&target, now).live_orders, 0);
            assert_eq!(accepted().unwrap_err(), Refusal::RouteVoid);
        }
    }
}
