//! Rules that tie fields to each other, and what comes out of a good request.

use super::super::field::Path;
use super::super::instrument::read as read_instrument;
use super::super::order::{self, Question};
use super::super::{
    admin, bucket as buckets, control, field::Violations, limits as documents, market, report,
};
use super::samples::{
    DEFAULTS, bucket, cash_order, full_report, group_limits, limit_order, limits, option, replace,
    report_of,
};
use super::{at, dec, paths, s};
use crate::domain::amount::Quantity;
use crate::domain::name::ClientId;
use crate::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use crate::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use crate::domain::state::TradingState;
use crate::engine::controls::Subject;
use crate::pb::{self, ExecType};

const ROOT: Path<'static> = Path::ROOT;

fn decide(order: pb::Order) -> Result<Order, super::Malformed> {
    let request = pb::DecideRequest {
        order: Some(order),
        want_figures: false,
    };
    order::decide(request, ROOT, None).map(|decide| decide.order)
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
    super::super::report::report(pb::ReportRequest { report }, ROOT, None)
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
                paths(order::decide(order, ROOT, session)),
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
fn paths_begin_where_the_request_stands() {
    let order = pb::Order {
        side: 77,
        ..limit_order()
    };
    let request = || pb::DecideRequest {
        order: Some(order.clone()),
        want_figures: false,
    };
    let result = order::decide(request(), ROOT.field("decide"), None);
    assert_eq!(paths(result), ["decide.order.side"]);
    let batch = ROOT.field("batch");
    let items = batch.field("items");
    let item = items.item(3);
    let result = order::decide(request(), item.field("decide"), None);
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
fn every_report_needs_its_fields_and_no_others() {
    use ExecType::{CancelRejected, Rejected, Restated, Trade, TradeCancel, TradeCorrect};
    type Set = fn(&mut pb::ExecutionReport);
    // Field, how it is set and unset, the types it belongs to, the types that need it.
    let fields: [(&str, Set, Set, &[ExecType], &[ExecType]); 11] = [
        (
            "exec_id",
            |it| it.exec_id = s("e-9"),
            |it| it.exec_id.clear(),
            &EXEC_TYPES,
            &[Trade, TradeCancel, TradeCorrect],
        ),
        (
            "exec_ref_id",
            |it| it.exec_ref_id = s("e-8"),
            |it| it.exec_ref_id.clear(),
            &[TradeCancel, TradeCorrect],
            &[TradeCancel, TradeCorrect],
        ),
        (
            "last_quantity",
            |it| it.last_quantity = dec("1"),
            |it| it.last_quantity = None,
            &[Trade, TradeCorrect],
            &[Trade, TradeCorrect],
        ),
        (
            "last_price",
            |it| it.last_price = dec("1"),
            |it| it.last_price = None,
            &[Trade, TradeCorrect],
            &[Trade, TradeCorrect],
        ),
        (
            "fee",
            |it| it.fee = dec("1"),
            |it| it.fee = None,
            &[Trade, TradeCorrect],
            &[],
        ),
        (
            "fee_currency",
            |it| it.fee_currency = s("USD"),
            |it| it.fee_currency.clear(),
            &[Trade, TradeCorrect],
            &[],
        ),
        (
            "liquidity",
            |it| it.liquidity = 2,
            |it| it.liquidity = 0,
            &[Trade, TradeCorrect],
            &[],
        ),
        (
            "order_quantity",
            |it| it.order_quantity = dec("1"),
            |it| it.order_quantity = None,
            &[Restated],
            &[Restated],
        ),
        (
            "price",
            |it| it.price = dec("1"),
            |it| it.price = None,
            &[Restated],
            &[],
        ),
        (
            "cxl_rej_response_to",
            |it| it.cxl_rej_response_to = 2,
            |it| it.cxl_rej_response_to = 0,
            &[CancelRejected],
            &[CancelRejected],
        ),
        (
            "cxl_rej_reason",
            |it| it.cxl_rej_reason = Some(0),
            |it| it.cxl_rej_reason = None,
            &[CancelRejected],
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
        for (field, set, unset, belongs, needs) in fields {
            let path = format!("report.{field}");
            let mut with = report_of(exec_type);
            set(&mut with);
            let got = paths(tell(with));
            if belongs.contains(&exec_type) {
                assert_eq!(got, Vec::<String>::new(), "{exec_type:?} with {field}");
            } else {
                assert_eq!(
                    got,
                    std::slice::from_ref(&path),
                    "{exec_type:?} with {field}"
                );
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
        let rejected = pb::ExecutionReport {
            ord_rej_reason: Some(0),
            ..report_of(exec_type)
        };
        let expected: &[&str] = if exec_type == Rejected {
            &[]
        } else {
            &["report.ord_rej_reason"]
        };
        assert_eq!(paths(tell(rejected)), expected);
    }
    let restated = pb::ExecutionReport {
        order_quantity: None,
        price: dec("7"),
        ..report_of(Restated)
    };
    assert_eq!(paths(tell(restated)), Vec::<String>::new());
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
        let expected = Report {
            client: "oms-1".parse().unwrap(),
            cl_ord_id: "a-1001".parse().unwrap(),
            exec_id: Some("e-1".parse().unwrap()),
            kind,
            cum: Some(Quantity::whole(3)),
            leaves: Some(Quantity::whole(4)),
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

fn read_limits(message: pb::Limits) -> Result<crate::risk::limits::Limits, super::Malformed> {
    let mut found = Violations::default();
    let limits = documents::read(message, ROOT.field("limits"), &mut found);
    found.finish(limits)
}

#[test]
fn limits_survive_a_round_trip() {
    let first = documents::write(&read_limits(limits()).unwrap());
    // Ids of lists come sorted and what was absent comes as its default; all else as it went.
    assert_eq!(first, limits());
    let bare = pb::Limits {
        currency: s("USD"),
        ..pb::Limits::default()
    };
    let read = read_limits(bare).unwrap();
    assert_eq!(
        read,
        crate::risk::limits::Limits::unlimited("USD".parse().unwrap())
    );
    assert_eq!(read_limits(documents::write(&read)).unwrap(), read);
}

#[test]
fn what_limits_leave_out_is_their_default() {
    let mut message = limits();
    let tenth = |max: u32| max / 10;
    message.order_rate.as_mut().unwrap().exit_reserve = None;
    message.open_orders.as_mut().unwrap().exit_reserve = None;
    message.reservation_ttl = None;
    message.market_slippage = None;
    message.self_match = None;
    message.position_rule = 0;
    let read = read_limits(message).unwrap();
    assert_eq!(read.order_rate.unwrap().exit_reserve, tenth(100));
    assert_eq!(read.open_orders.unwrap().exit_reserve, tenth(50));
    assert_eq!(read.unsent_ttl, 30_000_000_000);
    assert_eq!(read.market_slippage.to_string(), "0.05");
    assert_eq!(read.self_match, crate::risk::limits::SelfMatchRule::Allow);
}

#[test]
fn the_star_allows_everything_and_nothing_allows_nothing() {
    let lists = |allow: &[&str]| pb::Limits {
        instrument_lists: Some(pb::InstrumentLists {
            allow: allow.iter().copied().map(s).collect(),
            deny: vec![s("X")],
            restricted: vec![],
        }),
        ..limits()
    };
    let allowed = |message| read_limits(message).unwrap().instruments.allow;
    assert_eq!(allowed(lists(&["*"])), None);
    assert_eq!(allowed(lists(&["A", "*"])), None);
    assert_eq!(allowed(lists(&[])).unwrap().len(), 0);
    assert_eq!(allowed(lists(&["A", "B"])).unwrap().len(), 2);
    let written = documents::write(&read_limits(lists(&["*"])).unwrap());
    assert_eq!(written.instrument_lists.unwrap().allow, ["*"]);
    let absent = pb::Limits {
        instrument_lists: None,
        ..limits()
    };
    assert_eq!(allowed(absent), None);
}

#[test]
fn limits_that_contradict_themselves_are_refused() {
    type Break = fn(&mut pb::Limits);
    let concentration = |dimension: pb::ScopeKind, value: &str| pb::ConcentrationLimit {
        dimension: dimension.into(),
        value: s(value),
        bound: limits().concentrations[0].bound.clone(),
    };
    let cases: &[(Break, &str)] = &[
        (|it| it.capital = None, "limits.capital"),
        (
            |it| it.instruments.push(it.instruments[0].clone()),
            "limits.instruments[1].instrument_id",
        ),
        (
            |it| it.concentrations.push(it.concentrations[0].clone()),
            "limits.concentrations[2].value",
        ),
        (
            |it| it.concentrations[0].bound = None,
            "limits.concentrations[0].bound",
        ),
        (
            |it| it.self_match.as_mut().unwrap().scope = pb::Level::Desk.into(),
            "limits.self_match.scope",
        ),
        (
            |it| it.self_match.as_mut().unwrap().scope = pb::Level::Firm.into(),
            "limits.self_match.scope",
        ),
        (
            |it| it.self_match.as_mut().unwrap().scope = pb::Level::Order.into(),
            "limits.self_match.scope",
        ),
        (
            |it| it.open_orders.as_mut().unwrap().orders_max = 4,
            "limits.open_orders.exit_reserve",
        ),
        (
            |it| it.order_rate.as_mut().unwrap().orders_max = 9,
            "limits.order_rate.exit_reserve",
        ),
    ];
    for (damage, path) in cases {
        let mut message = limits();
        damage(&mut message);
        assert_eq!(paths(read_limits(message)), [*path]);
    }
    for (dimension, value, good) in [
        (pb::ScopeKind::Expiry, "2026-12-25", true),
        (pb::ScopeKind::Expiry, "", true),
        (pb::ScopeKind::Expiry, "20261225", false),
        (pb::ScopeKind::Expiry, "2026-13-25", false),
        (pb::ScopeKind::Expiry, "2026-12-2\0", false),
        (pb::ScopeKind::Venue, "VENUE-A", true),
        (pb::ScopeKind::Venue, "VENUE A", false),
        (pb::ScopeKind::Sector, "majors\n", false),
    ] {
        let mut message = limits();
        message.concentrations = vec![concentration(dimension, value)];
        let expected: &[&str] = if good {
            &[]
        } else {
            &["limits.concentrations[0].value"]
        };
        assert_eq!(paths(read_limits(message)), expected, "{value:?}");
    }
    for dimension in [
        pb::ScopeKind::Instrument,
        pb::ScopeKind::Client,
        pb::ScopeKind::SourceBucket,
    ] {
        let mut message = limits();
        message.concentrations = vec![concentration(dimension, "x")];
        assert_eq!(
            paths(read_limits(message)),
            ["limits.concentrations[0].dimension"]
        );
    }
}

#[test]
fn group_limits_survive_a_round_trip() {
    let mut found = Violations::default();
    let read = documents::read_group(group_limits(), ROOT, &mut found);
    assert_eq!(
        documents::write_group(&found.finish(read).unwrap()),
        group_limits()
    );
}

fn read_bucket(
    message: pb::BucketSpec,
) -> Result<crate::engine::setup::BucketSetup, super::Malformed> {
    let mut found = Violations::default();
    let bucket = buckets::read(message, ROOT, &mut found);
    found.finish(bucket)
}

#[test]
fn a_bucket_survives_a_round_trip() {
    assert_eq!(buckets::write(&read_bucket(bucket()).unwrap()), bucket());
    let bare = pb::BucketSpec {
        bucket_id: s("b"),
        accounts: bucket().accounts,
        limits: bucket().limits,
        ..pb::BucketSpec::default()
    };
    let read = read_bucket(bare).unwrap();
    assert_eq!((read.parent.as_ref(), read.reroute.tries), (None, 4));
    assert_eq!(read.calendar.zone, jiff::tz::TimeZone::UTC);
    let written = buckets::write(&read);
    assert_eq!(written.calendar.as_ref().unwrap().time_zone, "UTC");
    assert_eq!(written.calendar.as_ref().unwrap().reset_time, "00:00:00");
    assert_eq!(
        buckets::write(&read_bucket(written.clone()).unwrap()),
        written
    );
}

#[test]
fn a_bucket_that_contradicts_itself_is_refused() {
    type Break = fn(&mut pb::BucketSpec);
    let cases: &[(Break, &str)] = &[
        (|it| it.accounts.clear(), "accounts"),
        (
            |it| it.accounts.push(it.accounts[0].clone()),
            "accounts[2].account_id",
        ),
        (
            |it| it.inbound.push(it.inbound[0].clone()),
            "inbound[1].from_bucket_id",
        ),
        (
            |it| it.inbound[0].from_bucket_id = it.bucket_id.clone(),
            "inbound[0].from_bucket_id",
        ),
        (
            |it| {
                it.calendar.as_mut().unwrap().trading_windows[0]
                    .days
                    .clear()
            },
            "calendar.trading_windows[0].days",
        ),
        (
            |it| it.calendar.as_mut().unwrap().trading_windows[0].days = vec![2, 3, 2],
            "calendar.trading_windows[0].days[2]",
        ),
    ];
    for (damage, path) in cases {
        let mut message = bucket();
        damage(&mut message);
        assert_eq!(paths(read_bucket(message)), [*path]);
    }
}

#[test]
fn a_route_to_the_bucket_itself_names_none() {
    let mut message = bucket();
    message.routes[0].bucket_id = message.bucket_id.clone();
    assert_eq!(
        read_bucket(message).unwrap().reroute.targets[0].bucket,
        None
    );
}

#[test]
fn a_group_hangs_where_its_level_belongs() {
    use pb::Level;
    for (level, parent, wrong) in [
        (Level::Desk, "firm", None),
        (Level::Desk, "", Some("parent_group_id")),
        (Level::Firm, "", None),
        (Level::Firm, "firm", Some("parent_group_id")),
        (Level::Bucket, "firm", Some("level")),
        (Level::Order, "", Some("level")),
        (Level::Global, "", Some("level")),
    ] {
        let request = pb::CreateGroupRequest {
            group_id: s("g"),
            level: level.into(),
            parent_group_id: s(parent),
            limits: Some(group_limits()),
            context: Some(pb::ChangeContext {
                actor: s("anna"),
                reason: s("why"),
            }),
        };
        let expected: Vec<String> = wrong.into_iter().map(s).collect();
        assert_eq!(
            paths(admin::create_group(request)),
            expected,
            "{level:?} {parent:?}"
        );
    }
}

fn instrument(
    message: pb::Instrument,
) -> Result<crate::domain::instrument::Instrument, super::Malformed> {
    let mut found = Violations::default();
    let instrument = read_instrument(message, &DEFAULTS, ROOT, &mut found);
    found.finish(instrument)
}

fn plain(r#type: pb::InstrumentType) -> pb::Instrument {
    use pb::InstrumentType as T;
    let is_dated = matches!(r#type, T::LinearFuture | T::InverseFuture | T::Option);
    let is_option = r#type == T::Option;
    pb::Instrument {
        instrument_id: s("X"),
        r#type: r#type.into(),
        base_currency: s("BTC"),
        quote_currency: s("USD"),
        multiplier: dec("1"),
        tick: dec("1"),
        lot: dec("1"),
        expires_at: if is_dated { at(5) } else { None },
        strike_price: if is_option { dec("1") } else { None },
        put_or_call: i32::from(is_option),
        listings: option().listings,
        ..pb::Instrument::default()
    }
}

const TYPES: [pb::InstrumentType; 7] = [
    pb::InstrumentType::Spot,
    pb::InstrumentType::Equity,
    pb::InstrumentType::LinearPerpetual,
    pb::InstrumentType::InversePerpetual,
    pb::InstrumentType::LinearFuture,
    pb::InstrumentType::InverseFuture,
    pb::InstrumentType::Option,
];

#[test]
fn instruments_survive_a_round_trip() {
    let written = super::super::instrument::write(&instrument(option()).unwrap());
    let version = 0;
    assert_eq!(
        written,
        pb::Instrument {
            version,
            ..option()
        }
    );
    for r#type in TYPES {
        let read = instrument(plain(r#type)).unwrap();
        assert_eq!(
            (read.mark_max_age, read.jump_max),
            (DEFAULTS.mark_max_age, None)
        );
        assert_eq!(read.underlying.as_str(), "BTC");
        let written = super::super::instrument::write(&read);
        assert_eq!(written.r#type, i32::from(r#type));
        assert_eq!(instrument(written).unwrap(), read);
    }
}

#[test]
fn a_payoff_may_not_contradict_its_type_nor_the_settlement_its_payoff() {
    use pb::{InstrumentType as T, Payoff as P};
    for r#type in TYPES {
        let inverse = matches!(r#type, T::InversePerpetual | T::InverseFuture);
        let quanto = matches!(r#type, T::LinearPerpetual | T::LinearFuture | T::Option);
        for payoff in [P::Unspecified, P::Linear, P::Inverse, P::Quanto] {
            let fits = match payoff {
                P::Unspecified => true,
                P::Linear => !inverse,
                P::Inverse => inverse,
                P::Quanto => quanto,
            };
            let said = match (payoff, inverse) {
                (P::Quanto, _) => "EUR",
                (_, true) => "BTC",
                (_, false) => "USD",
            };
            for settle in ["", "USD", "BTC", "EUR"] {
                let message = pb::Instrument {
                    payoff: payoff.into(),
                    settle_currency: s(settle),
                    ..plain(r#type)
                };
                // Coins other than the quote may settle a quanto.
                let settles = match payoff {
                    P::Quanto => settle == "EUR" || settle == "BTC",
                    P::Unspecified | P::Linear | P::Inverse => settle.is_empty() || settle == said,
                };
                let expected: &[&str] = match (fits, settles) {
                    (false, _) => &["payoff"],
                    (true, false) => &["settle_currency"],
                    (true, true) => &[],
                };
                let result = instrument(message);
                if let Ok(read) = &result
                    && settle.is_empty()
                {
                    assert_eq!(read.settle.as_str(), said);
                }
                assert_eq!(paths(result), expected, "{type:?} {payoff:?} {settle:?}");
            }
        }
    }
}

#[test]
fn dates_and_rights_belong_to_the_types_that_have_them() {
    use pb::InstrumentType as T;
    for r#type in TYPES {
        let is_dated = matches!(r#type, T::LinearFuture | T::InverseFuture | T::Option);
        let is_option = r#type == T::Option;
        let dated = instrument(pb::Instrument {
            expires_at: if is_dated { None } else { at(9) },
            ..plain(r#type)
        });
        assert_eq!(paths(dated), ["expires_at"], "{type:?}");
        let strike = instrument(pb::Instrument {
            strike_price: if is_option { None } else { dec("9") },
            ..plain(r#type)
        });
        assert_eq!(paths(strike), ["strike_price"], "{type:?}");
        let right = instrument(pb::Instrument {
            put_or_call: i32::from(!is_option),
            ..plain(r#type)
        });
        assert_eq!(paths(right), ["put_or_call"], "{type:?}");
        let underlying = instrument(pb::Instrument {
            underlying_instrument_id: s("U"),
            ..plain(r#type)
        });
        let expected: &[&str] = if is_option {
            &[]
        } else {
            &["underlying_instrument_id"]
        };
        assert_eq!(paths(underlying), expected, "{type:?}");
    }
}

#[test]
fn what_a_list_names_twice_is_refused_at_the_second_place() {
    let mut twice = option();
    twice.listings.push(twice.listings[0].clone());
    assert_eq!(paths(instrument(twice)), ["listings[1].venue_id"]);
    let context = Some(pb::ChangeContext {
        actor: s("anna"),
        reason: s("why"),
    });
    let request = pb::UpsertInstrumentsRequest {
        instruments: vec![option(), option()],
        expected_version: 0,
        context: context.clone(),
    };
    let result = admin::upsert_instruments(request, &DEFAULTS);
    assert_eq!(paths(result), ["instruments[1].instrument_id"]);
    let position = |account: &str| pb::OpeningPosition {
        instrument_id: s("X"),
        venue_id: s("V"),
        account_id: s(account),
        quantity: dec("-1"),
        average_price: dec("0"),
    };
    for (second, wrong) in [("", true), ("other", false)] {
        let request = pb::LoadPositionsRequest {
            bucket_id: s("b"),
            positions: vec![position(""), position(second)],
            context: context.clone(),
        };
        let expected: &[&str] = if wrong {
            &["positions[1].instrument_id"]
        } else {
            &[]
        };
        assert_eq!(paths(admin::load_positions(request)), expected);
    }
}

#[test]
fn states_are_set_where_and_as_the_call_says() {
    use pb::control_scope::Scope as Named;
    let context = || {
        Some(pb::ChangeContext {
            actor: s("anna"),
            reason: s("why"),
        })
    };
    let scopes = [
        (
            Named::BucketId(s("b")),
            control::Scope::Bucket("b".parse().unwrap()),
        ),
        (
            Named::GroupId(s("g")),
            control::Scope::Group("g".parse().unwrap()),
        ),
        (
            Named::InstrumentId(s("i")),
            control::Scope::Subject(Subject::Instrument("i".parse().unwrap())),
        ),
        (
            Named::VenueId(s("v")),
            control::Scope::Subject(Subject::Venue("v".parse().unwrap())),
        ),
        (
            Named::ClientId(s("c")),
            control::Scope::Subject(Subject::Client("c".parse().unwrap())),
        ),
        (
            Named::All(true),
            control::Scope::Subject(Subject::Everything),
        ),
    ];
    for (named, expected) in scopes {
        let scope = Some(pb::ControlScope { scope: Some(named) });
        assert_eq!(control::write_scope(&expected), scope.clone().unwrap());
        let (read, change) = admin::rearm(pb::RearmRequest {
            scope: scope.clone(),
            context: context(),
        })
        .unwrap();
        assert_eq!(
            (&read, change.actor.as_str(), change.reason.as_str()),
            (&expected, "anna", "why")
        );
        let halt = admin::halt(pb::HaltRequest {
            scope: scope.clone(),
            state: pb::TradingState::CancelOnly.into(),
            context: context(),
        });
        assert_eq!(halt.unwrap().state, TradingState::CancelOnly);
        let set = admin::set_state(pb::SetStateRequest {
            scope,
            state: pb::TradingState::CancelOnly.into(),
            context: context(),
        });
        let wrong: &[&str] = match expected {
            control::Scope::Bucket(_) | control::Scope::Group(_) => &[],
            control::Scope::Subject(_) => &["scope.scope"],
        };
        assert_eq!(paths(set), wrong);
    }
    let scope = || {
        let bucket = Named::BucketId(s("b"));
        Some(pb::ControlScope {
            scope: Some(bucket),
        })
    };
    for (state, by_set, by_halt) in [
        (pb::TradingState::Unspecified, false, false),
        (pb::TradingState::Active, false, false),
        (pb::TradingState::ReduceOnly, true, false),
        (pb::TradingState::CancelOnly, true, true),
        (pb::TradingState::Halted, true, true),
    ] {
        let set = admin::set_state(pb::SetStateRequest {
            scope: scope(),
            state: state.into(),
            context: context(),
        });
        let halt = admin::halt(pb::HaltRequest {
            scope: scope(),
            state: state.into(),
            context: context(),
        });
        for (result, good) in [(set, by_set), (halt, by_halt)] {
            let wrong: &[&str] = if good { &[] } else { &["state"] };
            assert_eq!(paths(result), wrong, "{state:?}");
        }
    }
}

#[test]
fn a_rate_is_between_two_currencies() {
    let request = pb::PushRatesRequest {
        rates: vec![pb::Rate {
            base_currency: s("USD"),
            quote_currency: s("USD"),
            bid: dec("1"),
            ask: dec("1"),
            source: String::new(),
            source_time: at(1),
        }],
    };
    assert_eq!(
        paths(market::push_rates(request)),
        ["rates[0].quote_currency"]
    );
}

#[test]
fn a_mark_has_a_price() {
    let index_only = pb::Mark {
        instrument_id: s("X"),
        index: dec("1"),
        source_time: at(1),
        ..pb::Mark::default()
    };
    let request = pb::PushMarksRequest {
        marks: vec![index_only],
    };
    assert_eq!(paths(market::push_marks(request)), ["marks[0].mark"]);
}
