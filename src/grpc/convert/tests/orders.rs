//! Rules that tie the fields of orders and reports to each other, and what comes out of good ones.

use super::super::field::Path;
use super::super::order::{self, Question};
use super::super::{report, session};
use super::samples::{cash_order, full_report, limit_order, replace, report_of};
use super::{at, dec, paths, s};
use crate::domain::amount::Quantity;
use crate::domain::name::ClientId;
use crate::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use crate::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use crate::pb::{self, ExecType};

const ROOT: Path<'static> = Path::ROOT;

fn decide(order: pb::Order) -> Result<Order, super::Malformed> {
    let request = pb::DecideRequest {
        order: Some(order),
        want_figures: false,
    };
    order::decide(&request, ROOT, None).map(|decide| decide.order)
}

fn amend(replace: pb::Replace) -> Result<Replace, super::Malformed> {
    let request = pb::ReplaceRequest {
        replace: Some(replace),
        want_figures: false,
    };
    order::replace(request, ROOT, None).map(|amend| amend.replace)
}

fn tell(report: pb::ExecutionReport) -> Result<Report, super::Malformed> {
    let report = Some(report);
    report::report(pb::ReportRequest { report }, ROOT, None)
}

fn key(cl_ord_id: &str) -> OrderKey {
    OrderKey {
        client: "oms-1".parse().unwrap(),
        cl_ord_id: cl_ord_id.parse().unwrap(),
    }
}

#[test]
fn an_order_is_read_field_by_field() {
    let order = decide(limit_order()).unwrap();
    let expected = Order {
        key: key("a-1001"),
        bucket: "arb-btc".parse().unwrap(),
        instrument: "BTC-PERP".parse().unwrap(),
        venue: "VENUE-A".parse().unwrap(),
        account: Some("main".parse().unwrap()),
        side: Side::Sell,
        size: Size::Quantity(Quantity::whole(10)),
        terms: Terms::Limit {
            price: "68123.5".parse().unwrap(),
        },
        time_in_force: TimeInForce::GoodTillDate(1_800_000_000_000_000_007),
        display: Some("2.5".parse().unwrap()),
        attributes: Attributes {
            post_only: true,
            reduce_only: true,
            short_sale: ShortSale::Short,
            located: true,
            reroute: RerouteConsent::AutoAccept,
        },
    };
    assert_eq!(order, expected);

    let bare = decide(pb::Order {
        account_id: String::new(),
        display_quantity: None,
        post_only: false,
        reduce_only: false,
        locate: false,
        side: pb::Side::Buy.into(),
        ..cash_order()
    });
    let bare = bare.unwrap();
    assert_eq!((bare.account, bare.display), (None, None));
    assert_eq!(bare.size, Size::Cash("5000".parse().unwrap()));
    assert_eq!(bare.side, Side::Buy);
    assert_eq!(
        bare.attributes,
        Attributes {
            reroute: RerouteConsent::AutoAccept,
            ..Attributes::default()
        }
    );
}

#[test]
fn consent_in_advance_needs_consent() {
    for (allow, auto, expected) in [
        (false, false, RerouteConsent::No),
        (false, true, RerouteConsent::No),
        (true, false, RerouteConsent::Acknowledge),
        (true, true, RerouteConsent::AutoAccept),
    ] {
        let order = pb::Order {
            allow_reroute: allow,
            auto_accept_route: auto,
            ..limit_order()
        };
        assert_eq!(decide(order).unwrap().attributes.reroute, expected);
    }
}

/// Order types by whether they take a price and a trigger: none, may, must.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Takes {
    No,
    May,
    Must,
}

#[test]
fn every_order_type_has_exactly_its_prices() {
    use Takes::{May, Must, No};
    let table = [
        (pb::OrderType::Market, No, No),
        (pb::OrderType::Limit, Must, No),
        (pb::OrderType::Stop, No, Must),
        (pb::OrderType::StopLimit, Must, Must),
        (pb::OrderType::TrailingStop, No, Must),
        (pb::OrderType::Pegged, May, No),
    ];
    let wrong = |takes, given| match (takes, given) {
        (No, true) | (Must, false) => true,
        (No, false) | (Must, true) | (May, _) => false,
    };
    for (order_type, takes_price, takes_stop) in table {
        for (price, stop) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut expected = Vec::new();
            if wrong(takes_price, price) {
                expected.push("price");
            }
            if wrong(takes_stop, stop) {
                expected.push("stop_price");
            }
            let order_type = order_type.into();
            let (price, stop_price) = (
                price.then(|| dec("5").unwrap()),
                stop.then(|| dec("6").unwrap()),
            );
            let order = pb::Order {
                order_type,
                price: price.clone(),
                stop_price: stop_price.clone(),
                ..limit_order()
            };
            let replace = pb::Replace {
                order_type,
                price: price.clone(),
                stop_price: stop_price.clone(),
                ..replace()
            };
            let of_order = decide(order);
            let of_replace = amend(replace);
            if let (Ok(order), Ok(replace)) = (&of_order, &of_replace) {
                assert_eq!(order.terms, replace.terms);
                let text = |price: crate::domain::amount::Price| price.to_string();
                let of = |decimal: Option<pb::Decimal>| decimal.map(|it| it.value);
                assert_eq!(order.terms.limit_price().map(text), of(price));
                assert_eq!(order.terms.trigger().map(text), of(stop_price));
            }
            for (parent, mut got) in [("order", paths(of_order)), ("replace", paths(of_replace))] {
                let mut expected: Vec<_> =
                    expected.iter().map(|it| format!("{parent}.{it}")).collect();
                expected.sort();
                got.sort();
                assert_eq!(got, expected);
            }
        }
    }
}

#[test]
fn an_expire_time_belongs_to_gtd_alone() {
    use pb::TimeInForce as T;
    for force in [T::Day, T::Gtc, T::Ioc, T::Fok, T::Gtd] {
        for expire_time in [None, at(5)] {
            let is_right = (force == T::Gtd) == expire_time.is_some();
            let order = pb::Order {
                time_in_force: force.into(),
                expire_time,
                ..limit_order()
            };
            let wrong: &[&str] = if is_right {
                &[]
            } else {
                &["order.expire_time"]
            };
            assert_eq!(paths(decide(order)), wrong, "{force:?}");
        }
    }
}

#[test]
fn exactly_one_size_is_wanted() {
    use pb::order::QuantityKind as Q;
    for (kind, expected) in [
        (None, Err("order.quantity_kind")),
        (Some(Q::ClosePosition(false)), Err("order.close_position")),
        (Some(Q::ClosePosition(true)), Ok(Size::ClosePosition)),
        (
            Some(Q::Quantity(pb::Decimal::default())),
            Err("order.quantity.value"),
        ),
        (
            Some(Q::CashQuantity(dec("-0").unwrap())),
            Err("order.cash_quantity.value"),
        ),
    ] {
        let order = pb::Order {
            quantity_kind: kind,
            display_quantity: None,
            ..limit_order()
        };
        let result = decide(order);
        match expected {
            Ok(size) => assert_eq!(result.unwrap().size, size),
            Err(path) => assert_eq!(paths(result), [path]),
        }
    }
}

#[test]
fn no_more_is_shown_than_is_ordered() {
    for (display, wrong) in [("10", false), ("10.000000000001", true), ("0", true)] {
        let order = pb::Order {
            display_quantity: dec(display),
            ..limit_order()
        };
        let expected: &[&str] = if wrong {
            &["order.display_quantity.value"]
        } else {
            &[]
        };
        assert_eq!(paths(decide(order)), expected, "{display}");
    }
    // Of what a cash order comes to, nothing is known yet.
    let order = pb::Order {
        display_quantity: dec("1000000"),
        ..cash_order()
    };
    assert_eq!(paths(decide(order)), Vec::<String>::new());
}

#[test]
fn a_replace_to_zero_is_read() {
    for (text, expected) in [("0", true), ("-0", true), ("-1", false)] {
        let result = amend(pb::Replace {
            quantity: dec(text),
            ..replace()
        });
        match result {
            Ok(replace) => {
                assert!(expected && replace.quantity.is_zero());
                assert_eq!(
                    (replace.key, replace.original),
                    (key("a-1002"), "a-1001".parse().unwrap())
                );
            }
            Err(error) => {
                assert!(!expected);
                assert_eq!(paths::<()>(Err(error)), ["replace.quantity.value"]);
            }
        }
    }
}

#[test]
fn a_session_stands_for_its_client() {
    let session: ClientId = "oms-1".parse().unwrap();
    for (client_id, good) in [
        ("", true),
        ("oms-1", true),
        ("oms-2", false),
        ("oms-1 ", false),
    ] {
        let client_id = s(client_id);
        let session = Some(&session);
        let order = pb::DecideRequest {
            order: Some(pb::Order {
                client_id: client_id.clone(),
                ..limit_order()
            }),
            want_figures: true,
        };
        let replace = pb::ReplaceRequest {
            replace: Some(pb::Replace {
                client_id: client_id.clone(),
                ..replace()
            }),
            want_figures: true,
        };
        let report = pb::ReportRequest {
            report: Some(pb::ExecutionReport {
                client_id: client_id.clone(),
                ..report_of(ExecType::New)
            }),
        };
        let notice = pb::NotifyRequest {
            client_id: client_id.clone(),
            cl_ord_id: s("a-1"),
            kind: pb::NoticeKind::Sent.into(),
            transact_time: None,
        };
        let release = pb::ReleaseRequest {
            client_id,
            cl_ord_id: s("a-1"),
        };
        let results = [
            (
                "order.client_id",
                paths(order::decide(&order, ROOT, session)),
            ),
            (
                "replace.client_id",
                paths(order::replace(replace, ROOT, session)),
            ),
            (
                "report.client_id",
                paths(report::report(report, ROOT, session)),
            ),
            ("client_id", paths(order::notify(notice, ROOT, session))),
            ("client_id", paths(order::release(release, ROOT, session))),
        ];
        for (path, got) in results {
            let expected: &[&str] = if good { &[] } else { &[path] };
            assert_eq!(got, expected);
        }
    }
}

#[test]
fn a_session_is_opened_or_resumed() {
    for (token, expected) in [("", None), ("t0ken", Some(s("t0ken")))] {
        let open = pb::SessionOpen {
            client_id: s("oms-1"),
            resume_token: s(token),
            last_server_seq: 3,
            heartbeats: true,
        };
        let opening = session::open(open, ROOT.field("open")).unwrap();
        assert_eq!(opening.client.as_str(), "oms-1");
        assert!(opening.heartbeats);
        assert_eq!(
            (opening.resume_token, opening.last_server_seq),
            (expected, 3)
        );
    }
    let nobody = session::open(pb::SessionOpen::default(), ROOT.field("open"));
    assert_eq!(paths(nobody), ["open.client_id"]);
}

#[test]
fn a_batch_holds_something_and_not_too_much() {
    for (count, good) in [(0, false), (1, true), (5, true), (6, false)] {
        let result = session::batch(count, 5, ROOT.field("batch"));
        let expected: &[&str] = if good { &[] } else { &["batch.items"] };
        assert_eq!(paths(result), expected);
    }
}

#[test]
fn paths_begin_where_the_request_stands() {
    let order = pb::Order {
        side: 77,
        ..limit_order()
    };
    let request = || pb::DecideRequest {
        order: Some(order.clone()),
        want_figures: false,
    };
    let result = order::decide(&request(), ROOT.field("decide"), None);
    assert_eq!(paths(result), ["decide.order.side"]);
    let batch = ROOT.field("batch");
    let items = batch.field("items");
    let item = items.item(3);
    let result = order::decide(&request(), item.field("decide"), None);
    assert_eq!(paths(result), ["batch.items[3].decide.order.side"]);
}

#[test]
fn notices_releases_and_questions_are_read() {
    for (kind, expected) in [
        (pb::NoticeKind::Sent, Notice::Sent),
        (pb::NoticeKind::CancelRequested, Notice::CancelRequested),
    ] {
        let request = pb::NotifyRequest {
            client_id: s("oms-1"),
            cl_ord_id: s("a-1"),
            kind: kind.into(),
            transact_time: None,
        };
        assert_eq!(
            order::notify(request, ROOT, None).unwrap(),
            (key("a-1"), expected)
        );
    }
    let request = pb::ReleaseRequest {
        client_id: s("oms-1"),
        cl_ord_id: s("a-1"),
    };
    assert_eq!(order::release(request, ROOT, None).unwrap(), key("a-1"));

    use pb::what_if_request::Request;
    for (request, is_order) in [
        (Request::Order(limit_order()), true),
        (Request::Replace(replace()), false),
    ] {
        let request = pb::WhatIfRequest {
            request: Some(request),
            want_figures: true,
        };
        let asked = order::what_if(request, ROOT, None).unwrap();
        assert!(asked.want_figures);
        match asked.question {
            Question::Order(order) => assert!(is_order && order.key == key("a-1001")),
            Question::Replace(replace) => assert!(!is_order && replace.key == key("a-1002")),
            Question::Basket(_) | Question::Quote(_) => panic!("neither was asked"),
        }
    }
}

const EXEC_TYPES: [ExecType; 11] = [
    ExecType::New,
    ExecType::Trade,
    ExecType::Canceled,
    ExecType::Replaced,
    ExecType::Rejected,
    ExecType::CancelRejected,
    ExecType::Expired,
    ExecType::DoneForDay,
    ExecType::TradeCancel,
    ExecType::TradeCorrect,
    ExecType::Restated,
];

#[test]
fn every_report_needs_its_fields_and_ignores_the_others() {
    use ExecType::{CancelRejected, Restated, Trade, TradeCancel, TradeCorrect};
    type Set = fn(&mut pb::ExecutionReport);
    // Field, how it is damaged and unset, the types that read it, the types that need it.
    let fields: [(&str, Set, Set, &[ExecType], &[ExecType]); 17] = [
        (
            "exec_id",
            |it| it.exec_id = s("e\n9"),
            |it| it.exec_id.clear(),
            &[Trade, TradeCancel, TradeCorrect, Restated],
            &[Trade, TradeCancel, TradeCorrect],
        ),
        (
            "exec_ref_id",
            |it| it.exec_ref_id = "8".repeat(65),
            |it| it.exec_ref_id.clear(),
            &[TradeCancel, TradeCorrect],
            &[TradeCancel, TradeCorrect],
        ),
        (
            "last_quantity",
            |it| it.last_quantity = dec("0"),
            |it| it.last_quantity = None,
            &[Trade, TradeCorrect],
            &[Trade, TradeCorrect],
        ),
        (
            "last_price",
            |it| it.last_price = dec("one"),
            |it| it.last_price = None,
            &[Trade, TradeCorrect],
            &[Trade, TradeCorrect],
        ),
        (
            "fee",
            |it| it.fee = dec("1e5"),
            |it| it.fee = None,
            &[Trade, TradeCorrect],
            &[],
        ),
        (
            "fee_currency",
            |it| it.fee_currency = s("U S D"),
            |it| it.fee_currency.clear(),
            &[Trade, TradeCorrect],
            &[],
        ),
        (
            "liquidity",
            |it| it.liquidity = 99,
            |it| it.liquidity = 0,
            &[],
            &[],
        ),
        (
            "order_quantity",
            |it| it.order_quantity = dec("-1"),
            |it| it.order_quantity = None,
            &[Restated],
            &[Restated],
        ),
        (
            "price",
            |it| it.price = dec("NaN"),
            |it| it.price = None,
            &[Restated],
            &[],
        ),
        (
            "cxl_rej_response_to",
            |it| it.cxl_rej_response_to = 3,
            |it| it.cxl_rej_response_to = 0,
            &[CancelRejected],
            &[CancelRejected],
        ),
        (
            "cum_quantity",
            |it| it.cum_quantity = dec("-3"),
            |it| it.cum_quantity = None,
            &EXEC_TYPES.map(|it| match it {
                TradeCancel | TradeCorrect => ExecType::New,
                other => other,
            }),
            &[],
        ),
        (
            "leaves_quantity",
            |it| it.leaves_quantity = dec("none"),
            |it| it.leaves_quantity = None,
            &[Trade],
            &[],
        ),
        (
            "ord_rej_reason",
            |it| it.ord_rej_reason = Some(-1),
            |it| it.ord_rej_reason = None,
            &[],
            &[],
        ),
        (
            "orig_cl_ord_id",
            |it| it.orig_cl_ord_id = s("none of ours / yours"),
            |it| it.orig_cl_ord_id.clear(),
            &[],
            &[],
        ),
        (
            "transact_time",
            |it| it.transact_time = at(i64::MAX),
            |it| it.transact_time = None,
            &[],
            &[],
        ),
        ("source", |it| it.source = 99, |it| it.source = 0, &[], &[]),
        (
            "text",
            |it| it.text = "\n".repeat(2_000),
            |it| it.text.clear(),
            &[],
            &[],
        ),
    ];
    for exec_type in EXEC_TYPES {
        assert_eq!(
            paths(tell(report_of(exec_type))),
            Vec::<String>::new(),
            "{exec_type:?}"
        );
        assert_eq!(
            paths(tell(full_report(exec_type))),
            Vec::<String>::new(),
            "{exec_type:?}"
        );
        for (field, damage, unset, readers, needs) in fields {
            let path = format!("report.{field}");
            let mut with = report_of(exec_type);
            damage(&mut with);
            let got = tell(with);
            if readers.contains(&exec_type) {
                let got = paths(got);
                let [got] = got.as_slice() else {
                    panic!("{exec_type:?} with {field}: {got:?}")
                };
                assert_eq!(got.trim_end_matches(".value"), path, "{exec_type:?}");
            } else {
                let without = tell(report_of(exec_type));
                assert_eq!(got, without, "{exec_type:?} ignores {field}");
            }
            let mut without = report_of(exec_type);
            unset(&mut without);
            let got = paths(tell(without));
            if needs.contains(&exec_type) {
                assert_eq!(got, [path], "{exec_type:?} without {field}");
            } else {
                assert_eq!(got, Vec::<String>::new(), "{exec_type:?} without {field}");
            }
        }
    }
    let restated = pb::ExecutionReport {
        order_quantity: None,
        price: dec("7"),
        ..report_of(Restated)
    };
    assert_eq!(paths(tell(restated)), Vec::<String>::new());
}

#[test]
fn a_bust_or_correction_names_another_execution_than_itself() {
    for exec_type in [ExecType::TradeCancel, ExecType::TradeCorrect] {
        let mut itself = report_of(exec_type);
        itself.exec_ref_id.clone_from(&itself.exec_id);
        assert_eq!(paths(tell(itself)), ["report.exec_ref_id"]);
    }
}

#[test]
fn a_report_is_read_field_by_field() {
    let fill = Fill {
        quantity: Quantity::ONE,
        price: "-0.5".parse().unwrap(),
        fee: "-0.01".parse().unwrap(),
        fee_currency: Some("USD".parse().unwrap()),
    };
    let of = || "e-0".parse().unwrap();
    for exec_type in EXEC_TYPES {
        let kind = match exec_type {
            ExecType::Unspecified => panic!("not a type"),
            ExecType::New => ReportKind::New,
            ExecType::Trade => ReportKind::Trade(fill.clone()),
            ExecType::Canceled => ReportKind::Canceled,
            ExecType::Replaced => ReportKind::Replaced,
            ExecType::Rejected => ReportKind::Rejected,
            ExecType::CancelRejected => ReportKind::CancelRejected {
                of: CancelRejectOf::Cancel,
                unknown_order: true,
            },
            ExecType::Expired => ReportKind::Expired,
            ExecType::DoneForDay => ReportKind::DoneForDay,
            ExecType::TradeCancel => ReportKind::Bust { of: of() },
            ExecType::TradeCorrect => ReportKind::Correct {
                of: of(),
                to: fill.clone(),
            },
            ExecType::Restated => ReportKind::Restated {
                quantity: Some(Quantity::ZERO),
                price: Some("9".parse().unwrap()),
            },
        };
        let is_fill = exec_type == ExecType::Trade;
        let about_fill = matches!(exec_type, ExecType::TradeCancel | ExecType::TradeCorrect);
        let has_id = is_fill || about_fill || exec_type == ExecType::Restated;
        let expected = Report {
            client: "oms-1".parse().unwrap(),
            cl_ord_id: "a-1001".parse().unwrap(),
            exec_id: has_id.then(|| "e-1".parse().unwrap()),
            kind,
            cum: (!about_fill).then(|| Quantity::whole(3)),
            leaves: is_fill.then(|| Quantity::whole(4)),
            venue: "VENUE-A".parse().unwrap(),
            account: Some("main".parse().unwrap()),
            trade_date: 20_260_228,
            bucket: Some("arb-btc".parse().unwrap()),
            instrument: Some("BTC-PERP".parse().unwrap()),
            side: Some(Side::Sell),
        };
        assert_eq!(tell(full_report(exec_type)).unwrap(), expected);
    }
    let bare = tell(report_of(ExecType::New)).unwrap();
    assert_eq!(
        (bare.exec_id, bare.cum, bare.leaves, bare.account),
        (None, None, None, None)
    );
    assert_eq!(
        (bare.trade_date, bare.bucket, bare.instrument, bare.side),
        (0, None, None, None)
    );
    let free = tell(report_of(ExecType::Trade)).unwrap();
    assert!(
        matches!(free.kind, ReportKind::Trade(fill) if fill.fee.is_zero() && fill.fee_currency.is_none())
    );
}

#[test]
fn a_refused_request_is_told_apart() {
    for (number, of) in [(1, CancelRejectOf::Cancel), (2, CancelRejectOf::Replace)] {
        for (reason, unknown) in [
            (None, false),
            (Some(0), false),
            (Some(1), true),
            (Some(99), false),
        ] {
            let report = tell(pb::ExecutionReport {
                cxl_rej_response_to: number,
                cxl_rej_reason: reason,
                ..report_of(ExecType::CancelRejected)
            });
            let expected = ReportKind::CancelRejected {
                of,
                unknown_order: unknown,
            };
            assert_eq!(report.unwrap().kind, expected);
        }
    }
}
