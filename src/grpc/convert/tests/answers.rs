//! What goes out: decisions, orders, reports, and every enum both ways.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use super::super::decision::{self, Asked, breach, write_level, write_reason};
use super::super::field::Violations;
use super::super::instrument::read as read_instrument;
use super::super::{control, market, view};
use super::samples::{DEFAULTS, option};
use super::{dec, s};
use crate::domain::amount::{Money, Quantity};
use crate::domain::decision::{
    Decision, Dimension, Figures, Finding, Level, Outcome, Reason, ReasonSet, Route, Unit, Versions,
};
use crate::domain::name::{ClientId, Currency};
use crate::domain::order::{OrderKey, Side, Terms, TimeInForce};
use crate::domain::state::{BreachCause, OrderState, StateCause, StateNote, TradingState};
use crate::domain::time::Now;
use crate::engine::answer::{Answer, PositionView, Receipt, ReportFlag, Subject};
use crate::engine::market::{Accepted, Taken};
use crate::engine::order::OrderView;
use crate::pb;

/// Names of the values of an enum of the contract, but for the one that stands for nothing.
fn values(name: &str) -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(pb::DESCRIPTOR).unwrap();
    let mut enums = set.file.iter().flat_map(|file| &file.enum_type);
    let found = enums.find(|it| it.name() == name).unwrap();
    let values = found.value.iter().filter(|it| it.number() != 0);
    values.map(|it| it.name().to_owned()).collect()
}

/// Every value of the enum is reached, each by another value of ours.
fn covers<'a>(name: &str, reached: impl IntoIterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for value in reached {
        assert!(seen.insert(value.to_owned()), "{value} is reached twice");
    }
    assert_eq!(seen, values(name));
}

const STATES: [OrderState; 14] = [
    OrderState::AwaitingAcceptance,
    OrderState::Reserved,
    OrderState::Sent,
    OrderState::Working,
    OrderState::PartiallyFilled,
    OrderState::PendingReplace,
    OrderState::PendingCancel,
    OrderState::Uncertain,
    OrderState::Filled,
    OrderState::Canceled,
    OrderState::VenueRejected,
    OrderState::Expired,
    OrderState::DoneForDay,
    OrderState::Released,
];

const FLAGS: [ReportFlag; 14] = [
    ReportFlag::RouteNotAccepted,
    ReportFlag::Duplicate,
    ReportFlag::LateFill,
    ReportFlag::Overfill,
    ReportFlag::UnknownOrder,
    ReportFlag::Quarantined,
    ReportFlag::ExecMismatch,
    ReportFlag::BustParked,
    ReportFlag::OwedFills,
    ReportFlag::RouteViolation,
    ReportFlag::BucketMismatch,
    ReportFlag::InBreach,
    ReportFlag::ReduceOnlyExcess,
    ReportFlag::NeedsReconciliation,
];

#[test]
fn every_enum_that_is_answered_covers_the_contracts() {
    covers(
        "OrderState",
        STATES.map(|it| view::write_order_state(it).as_str_name()),
    );
    covers(
        "ReportFlag",
        FLAGS.map(|it| view::write_flag(it).as_str_name()),
    );
    let causes = [
        BreachCause::PriceMove,
        BreachCause::LateFill,
        BreachCause::Overfill,
        BreachCause::UnknownFill,
        BreachCause::FillPrice,
        BreachCause::LimitCut,
        BreachCause::Bust,
        BreachCause::Restatement,
        BreachCause::OpeningPosition,
        BreachCause::Exit,
        BreachCause::SpreadCredit,
    ];
    covers(
        "BreachCause",
        causes.map(|it| view::write_breach_cause(it).as_str_name()),
    );
    let states = [
        TradingState::Active,
        TradingState::ReduceOnly,
        TradingState::CancelOnly,
        TradingState::Halted,
    ];
    covers(
        "TradingState",
        states.map(|it| control::write_state(it).as_str_name()),
    );
    let causes = [
        StateCause::Operator,
        StateCause::Trip,
        StateCause::Recovering,
        StateCause::Liquidation,
        StateCause::Fault,
        StateCause::DeadMan,
    ];
    covers(
        "StateCause",
        causes.map(|it| control::write_cause(it).as_str_name()),
    );
    let levels = [
        Level::Order,
        Level::Bucket,
        Level::Desk,
        Level::Firm,
        Level::Instrument,
        Level::Venue,
        Level::Counterparty,
        Level::Client,
        Level::Global,
    ];
    covers("Level", levels.map(|it| write_level(it).as_str_name()));
    let taken = |disputed| Taken {
        version: 7,
        disputed,
    };
    let accepted = [
        Accepted::At(taken(false)),
        Accepted::At(taken(true)),
        Accepted::OutOfOrder,
        Accepted::UnknownInstrument,
        Accepted::Crossed,
        Accepted::NotPositive,
        Accepted::Jump,
        Accepted::FromFuture,
        Accepted::Empty,
        Accepted::TooMany,
    ];
    covers(
        "MarketDataStatus",
        accepted.map(|it| market::status(it).as_str_name()),
    );
    let one = Quantity::ONE.to_string().parse().unwrap();
    let terms = [
        Terms::Market,
        Terms::Limit { price: one },
        Terms::Stop { trigger: one },
        Terms::StopLimit {
            price: one,
            trigger: one,
        },
        Terms::TrailingStop { trigger: one },
        Terms::Pegged { cap: None },
    ];
    covers(
        "OrderType",
        terms.map(|it| view::write_type(&it).as_str_name()),
    );
    let forces = [
        TimeInForce::Day,
        TimeInForce::GoodTillCancel,
        TimeInForce::ImmediateOrCancel,
        TimeInForce::FillOrKill,
        TimeInForce::GoodTillDate(1),
    ];
    covers(
        "TimeInForce",
        forces.map(|it| view::write_time_in_force(it).as_str_name()),
    );
}

/// `PriceUnavailable` as `PRICE_UNAVAILABLE`.
fn upper_snake(name: &str) -> String {
    let mut text = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

#[test]
fn every_reason_has_its_number_its_check_and_its_bit() {
    let mut reached = Vec::new();
    for reason in Reason::ALL {
        let wire = pb::Reason::try_from(write_reason(*reason)).unwrap();
        let name = upper_snake(reason.name());
        assert_eq!(wire.as_str_name(), format!("REASON_{name}"));
        reached.push(wire.as_str_name());
        let check = pb::Check::from_str_name(&format!("CHECK_{name}")).unwrap();
        let mut set = ReasonSet::default();
        set.insert(*reason);
        assert_eq!(set.bits(), 1 << i32::from(check), "{name}");
    }
    covers("Reason", reached);
}

#[test]
fn every_limit_id_is_a_field_of_the_contract() {
    let schema = super::wire::Schema::load();
    let mut fields = BTreeSet::new();
    schema.fields_below(".bulkhead.v1.BucketSpec", &mut fields);
    for reason in Reason::ALL {
        for part in decision::limit_id(*reason)
            .split('.')
            .filter(|it| !it.is_empty())
        {
            let suffix = format!(".{part}");
            assert!(
                fields.iter().any(|field| field.ends_with(&suffix)),
                "{part}"
            );
        }
    }
}

fn client() -> ClientId {
    "oms-1".parse().unwrap()
}

fn key(cl_ord_id: &str) -> OrderKey {
    OrderKey {
        client: client(),
        cl_ord_id: cl_ord_id.parse().unwrap(),
    }
}

fn route() -> Arc<Route> {
    Arc::new(Route {
        bucket: "arb-btc".parse().unwrap(),
        venue: "VENUE-A".parse().unwrap(),
        account: "main".parse().unwrap(),
    })
}

fn subject() -> Subject {
    let mut found = Violations::default();
    let instrument = read_instrument(
        option(),
        &DEFAULTS,
        super::super::field::Path::ROOT,
        &mut found,
    );
    Subject {
        currency: "USDT".parse().unwrap(),
        instrument: Some(Arc::new(found.finish(instrument).unwrap())),
        venue: "VENUE-A".parse().unwrap(),
        asked: None,
    }
}

fn finding(reason: Reason, level: Level, unit: Unit) -> Finding {
    let whole = |number| Quantity::whole(number).units();
    Finding {
        reason,
        level,
        dimension: None,
        figures: Some(Figures {
            unit,
            limit: whole(100),
            before: whole(130),
            after: 131_500_000_000_000,
        }),
    }
}

fn answer(outcome: Outcome) -> Answer {
    let mut evaluated = ReasonSet::default();
    evaluated.insert(Reason::OrderQuantity);
    evaluated.insert(Reason::InternalFault);
    let mut not_applicable = ReasonSet::default();
    not_applicable.insert(Reason::UnknownInstrument);
    Answer {
        decision: Decision {
            sequence: 0x2a,
            at: 1_800_000_000_000_000_007,
            outcome,
            quantity: "2.50".parse().unwrap(),
            versions: Versions {
                limits: 3,
                reference: 4,
                market: 5,
                price: Some("68123.5".parse().unwrap()),
                price_version: 6,
                price_age: 7,
            },
            evaluated,
            not_applicable,
            figures: None,
            shadow: Box::default(),
        },
        replayed: false,
        order_state: Some(OrderState::Reserved),
        exit: false,
        cancel_first: Vec::new(),
        expires_at: Some(1_800_000_030_000_000_007),
        closing_restricted: false,
        state_version: 8,
        offered: false,
        subject: Some(Box::new(subject())),
    }
}

fn asked(key: &OrderKey) -> Asked<'_> {
    Asked {
        key,
        original: None,
        what_if: false,
        engine_nanos: 999,
    }
}

#[test]
fn an_approval_says_where_to_send_how_much_and_what_was_checked() {
    let key = key("a-1");
    let got = decision::write(&answer(Outcome::Approved(route())), &asked(&key));
    let expected = pb::Decision {
        decision_id: s("18fae27693b40007-2a"),
        sequence: 42,
        outcome: pb::Outcome::Approved.into(),
        client_id: s("oms-1"),
        cl_ord_id: s("a-1"),
        route: Some(pb::Route {
            bucket_id: s("arb-btc"),
            venue_id: s("VENUE-A"),
            account_id: s("main"),
        }),
        checks: Some(pb::ChecksRun {
            evaluated: 1 << 7 | 1 << 58,
            not_applicable: 1 << 1,
        }),
        versions: Some(pb::Versions {
            config: 3,
            reference: 4,
            market: 5,
            state: 8,
        }),
        mark: Some(pb::MarkUsed {
            price: dec("68123.5"),
            age_nanos: 7,
            version: 6,
        }),
        decided_at: super::at(1_800_000_000),
        engine_nanos: 999,
        order_state: pb::OrderState::Reserved.into(),
        approved_quantity: dec("2.5"),
        reservation_expires_at: super::at(1_800_000_030),
        ..pb::Decision::default()
    };
    assert_eq!(got, expected);
}

#[test]
fn a_reject_names_every_limit_and_no_route() {
    let findings = [
        finding(Reason::GrossNotional, Level::Bucket, Unit::Money),
        finding(Reason::PositionLong, Level::Bucket, Unit::Quantity),
    ];
    let key = key("a-1");
    let original = "a-0".parse().unwrap();
    let outcome = Outcome::Rejected(Box::new(findings));
    let asked = Asked {
        original: Some(&original),
        ..asked(&key)
    };
    let got = decision::write(
        &Answer {
            order_state: None,
            ..answer(outcome)
        },
        &asked,
    );
    assert_eq!(got.outcome, i32::from(pb::Outcome::Rejected));
    assert_eq!(got.orig_cl_ord_id, "a-0");
    assert_eq!(
        (
            got.route,
            got.approved_quantity,
            got.reservation_expires_at,
            got.order_state
        ),
        (None, None, None, 0)
    );
    assert!(got.because.is_empty());
    let first = pb::Breach {
        reason: 203,
        level: pb::Level::Bucket.into(),
        scope: 0,
        scope_value: String::new(),
        limit_id: s("gross_notional_max"),
        unit: s("USDT"),
        limit: dec("100"),
        before: dec("130"),
        after: dec("131.5"),
        headroom: dec("-30"),
        text: s("worst-case gross exposure above its limit"),
    };
    assert_eq!(got.breaches[0], first);
    let second = &got.breaches[1];
    assert_eq!(second.scope, i32::from(pb::ScopeKind::Instrument));
    assert_eq!(
        (second.scope_value.as_str(), second.unit.as_str()),
        ("BTC-C-100K", "contracts")
    );
    assert_eq!(got.breaches.len(), 2);
}

#[test]
fn a_reroute_says_where_to_and_why() {
    let because = Box::new([finding(Reason::OrderRate, Level::Bucket, Unit::Count)]);
    let outcome = Outcome::Rerouted {
        to: route(),
        because,
    };
    let key = key("a-1");
    let got = decision::write(&answer(outcome), &asked(&key));
    assert_eq!(got.outcome, i32::from(pb::Outcome::Rerouted));
    assert!(got.route.is_some() && got.approved_quantity.is_some());
    assert!(got.breaches.is_empty());
    assert_eq!(
        (got.because[0].reason, got.because[0].unit.as_str()),
        (601, "orders")
    );
}

#[test]
fn what_is_in_shadow_is_told_beside_an_approval() {
    let mut answer = answer(Outcome::Approved(route()));
    let key = key("a-1");
    let plain = decision::write(&answer, &asked(&key));
    assert!(plain.shadow_breaches.is_empty());
    answer.decision.shadow = Box::new([finding(Reason::OrderRate, Level::Bucket, Unit::Count)]);
    let got = decision::write(&answer, &asked(&key));
    assert_eq!(
        (
            got.shadow_breaches[0].reason,
            got.shadow_breaches[0].unit.as_str()
        ),
        (601, "orders")
    );
    assert_eq!(got.shadow_breaches[0].headroom, dec("-30"));
    let told = pb::Decision {
        shadow_breaches: Vec::new(),
        ..got
    };
    assert_eq!(told, plain);
}

#[test]
fn what_stood_against_a_rerouted_order_is_about_the_venue_that_was_asked() {
    let by_venue = || Finding {
        dimension: Some(Dimension::Venue),
        ..finding(Reason::Concentration, Level::Bucket, Unit::Money)
    };
    let outcome = Outcome::Rerouted {
        to: route(),
        because: Box::new([by_venue()]),
    };
    let mut told = answer(outcome);
    told.decision.figures = Some(Box::new([by_venue()]));
    told.subject = Some(Box::new(Subject {
        asked: Some("VENUE-B".parse().unwrap()),
        ..subject()
    }));
    let got = decision::write(&told, &asked(&key("a-1")));
    assert_eq!(got.because[0].scope_value, "VENUE-B");
    assert_eq!(got.figures[0].scope_value, "VENUE-A");
}

#[test]
fn figures_come_where_they_were_asked_for() {
    let mut answer = answer(Outcome::Approved(route()));
    answer.decision.figures = Some(Box::new([
        finding(Reason::OrderBaseQuantity, Level::Order, Unit::BaseQuantity),
        finding(Reason::PriceCollar, Level::Order, Unit::Price),
        finding(Reason::OrderRate, Level::Bucket, Unit::None),
    ]));
    let key = key("a-1");
    let got = decision::write(&answer, &asked(&key));
    let units: Vec<_> = got.figures.iter().map(|it| it.unit.as_str()).collect();
    assert_eq!(units, ["BTC", "USD", ""]);
    assert_eq!(got.figures[0].limit_id, "order_base_quantity_max");
    assert_eq!(got.figures[0].headroom, dec("-30"));
}

#[test]
fn a_what_if_has_neither_id_nor_number() {
    let key = key("a-1");
    let asked = Asked {
        what_if: true,
        ..asked(&key)
    };
    let got = decision::write(&answer(Outcome::Approved(route())), &asked);
    assert!(got.what_if);
    assert_eq!((got.decision_id.as_str(), got.sequence), ("", 0));
}

#[test]
fn a_replayed_approval_says_whether_its_order_has_ended() {
    let key = key("a-1");
    for state in STATES {
        for replayed in [false, true] {
            let answer = Answer {
                replayed,
                order_state: Some(state),
                cancel_first: vec![self::key("r-1")],
                exit: true,
                closing_restricted: true,
                ..answer(Outcome::Approved(route()))
            };
            let got = decision::write(&answer, &asked(&key));
            assert_eq!(got.replayed, replayed);
            assert_eq!(got.order_ended, replayed && state.is_terminal());
            assert!(got.exit && got.closing_restricted);
            let cancel = pb::OrderKey {
                client_id: s("oms-1"),
                cl_ord_id: s("r-1"),
            };
            assert_eq!(got.cancel_first, [cancel]);
        }
    }
}

#[test]
fn a_breach_names_what_is_counted() {
    let subject = subject();
    let in_dimension = |level, dimension| Finding {
        dimension: Some(dimension),
        ..finding(Reason::Concentration, level, Unit::Money)
    };
    use pb::ScopeKind as S;
    for (finding, scope, value) in [
        (
            in_dimension(Level::Bucket, Dimension::Underlying),
            S::Underlying,
            "BTC",
        ),
        (
            in_dimension(Level::Bucket, Dimension::Expiry),
            S::Expiry,
            "2027-01-15",
        ),
        (
            in_dimension(Level::Bucket, Dimension::Sector),
            S::Sector,
            "majors",
        ),
        (
            in_dimension(Level::Bucket, Dimension::Venue),
            S::Venue,
            "VENUE-A",
        ),
        (
            finding(Reason::PositionShort, Level::Bucket, Unit::Quantity),
            S::Instrument,
            "BTC-C-100K",
        ),
        (
            finding(Reason::PriceOffTick, Level::Instrument, Unit::None),
            S::Instrument,
            "BTC-C-100K",
        ),
        (
            finding(Reason::VenueNotListed, Level::Venue, Unit::None),
            S::Venue,
            "VENUE-A",
        ),
        (
            finding(Reason::OrderRate, Level::Client, Unit::Count),
            S::Client,
            "oms-1",
        ),
        (
            finding(Reason::GrossNotional, Level::Desk, Unit::Money),
            S::Unspecified,
            "",
        ),
        (
            finding(Reason::GrossNotional, Level::Firm, Unit::Money),
            S::Unspecified,
            "",
        ),
        (
            finding(Reason::StateHalted, Level::Global, Unit::None),
            S::Unspecified,
            "",
        ),
        (
            finding(Reason::OrderNotional, Level::Order, Unit::Money),
            S::Unspecified,
            "",
        ),
    ] {
        let got = breach(&finding, Some(&subject), &client());
        assert_eq!(
            (got.scope, got.scope_value.as_str()),
            (i32::from(scope), value),
            "{finding:?}"
        );
        // Without knowing what the order is about, names are left out and figures are told.
        let bare = breach(&finding, None, &client());
        assert_eq!((bare.scope, bare.limit), (got.scope, got.limit));
    }
}

#[test]
fn a_group_that_does_not_disclose_shows_its_level_only() {
    let finding = Finding {
        figures: None,
        ..finding(Reason::NetNotional, Level::Firm, Unit::Money)
    };
    let got = breach(&finding, Some(&subject()), &client());
    assert_eq!(got.level, i32::from(pb::Level::Firm));
    assert_eq!(
        (
            got.unit.as_str(),
            got.limit,
            got.before,
            got.after,
            got.headroom
        ),
        ("", None, None, None, None)
    );
}

fn order_view() -> OrderView {
    OrderView {
        key: key("a-1"),
        cl_ord_id: "a-2".parse().unwrap(),
        instrument: "BTC-PERP".parse().unwrap(),
        route: route(),
        side: Side::Sell,
        terms: Terms::StopLimit {
            price: "10".parse().unwrap(),
            trigger: "11".parse().unwrap(),
        },
        time_in_force: TimeInForce::GoodTillCancel,
        state: OrderState::PendingReplace,
        quantity: Quantity::whole(9),
        filled: Quantity::whole(4),
        leaves: Quantity::whole(5),
        missing: Quantity::whole(1),
        reserved: Money::whole(77),
        reduce_only: true,
        exit: true,
        pending: vec!["a-3".parse().unwrap()],
        source: None,
        approved_at: 1_800_000_000_000_000_007,
        cancel_wanted: true,
    }
}

fn order_message() -> pb::OrderView {
    pb::OrderView {
        client_id: s("oms-1"),
        cl_ord_id: s("a-2"),
        original_cl_ord_id: s("a-1"),
        route: Some(decision::write_route(&route())),
        instrument_id: s("BTC-PERP"),
        side: pb::Side::Sell.into(),
        order_type: pb::OrderType::StopLimit.into(),
        time_in_force: pb::TimeInForce::Gtc.into(),
        state: pb::OrderState::PendingReplace.into(),
        quantity: dec("9"),
        cum_quantity: dec("4"),
        leaves_quantity: dec("5"),
        price: dec("10"),
        stop_price: dec("11"),
        reserved: Some(pb::Money {
            amount: dec("77"),
            currency: s("USDT"),
        }),
        owed_quantity: dec("1"),
        reduce_only: true,
        pending_cl_ord_ids: vec![s("a-3")],
        approved_at: super::at(1_800_000_000),
        cancel_wanted: true,
    }
}

#[test]
fn an_order_is_shown_field_by_field() {
    let currency: Currency = "USDT".parse().unwrap();
    assert_eq!(
        view::write_order(&order_view(), Some(&currency)),
        order_message()
    );
    assert_eq!(view::write_order(&order_view(), None).reserved, None);
}

fn receipt(applied: bool, flags: &[ReportFlag]) -> Receipt {
    Receipt {
        sequence: 5,
        applied,
        flags: flags.to_vec(),
        bucket: Some("arb-btc".parse().unwrap()),
        order: Some(order_view()),
        position: Some(PositionView {
            bucket: "arb-btc".parse().unwrap(),
            instrument: "BTC-PERP".parse().unwrap(),
            quantity: Quantity::whole(-3),
            average: Some("68000".parse().unwrap()),
            realised: Money::whole(-4),
            profit_currency: "BTC".parse().unwrap(),
            fees: vec![("BTC".parse().unwrap(), Money::whole(1))],
            open_buys: Quantity::whole(6),
            open_sells: Quantity::whole(7),
            exposure: Some(Money::whole(8)),
            currency: "USDT".parse().unwrap(),
        }),
        realised: Some(Money::whole(-2)),
        breach: vec![BreachCause::Overfill],
        trim: vec![(key("a-9"), Quantity::whole(2))],
        currency: Some("USDT".parse().unwrap()),
    }
}

#[test]
fn a_receipt_is_shown_field_by_field() {
    let of = |text: &str, currency: &str| {
        Some(pb::Money {
            amount: dec(text),
            currency: s(currency),
        })
    };
    let expected = pb::ReportResult {
        sequence: 5,
        status: pb::ReportStatus::Applied.into(),
        flags: vec![
            pb::ReportFlag::Overfill.into(),
            pb::ReportFlag::InBreach.into(),
        ],
        order: Some(order_message()),
        position: Some(pb::Position {
            bucket_id: s("arb-btc"),
            instrument_id: s("BTC-PERP"),
            quantity: dec("-3"),
            average_entry_price: dec("68000"),
            realized_pnl: of("-4", "BTC"),
            fees: of("1", "BTC").into_iter().collect(),
            open_buy_quantity: dec("6"),
            open_sell_quantity: dec("7"),
            exposure: of("8", "USDT"),
        }),
        realized_pnl: of("-2", "BTC"),
        breach_causes: vec![pb::BreachCause::Overfill.into()],
        trims: vec![pb::TrimOrder {
            client_id: s("oms-1"),
            cl_ord_id: s("a-9"),
            excess_quantity: dec("2"),
        }],
        bucket_id: s("arb-btc"),
    };
    let got = view::write_receipt(&receipt(
        true,
        &[ReportFlag::Overfill, ReportFlag::InBreach],
    ));
    assert_eq!(got, expected);
}

#[test]
fn a_receipt_has_one_status() {
    use ReportFlag as F;
    use pb::ReportStatus as S;
    for (applied, flags, expected) in [
        (true, &[][..], S::Applied),
        (true, &[F::LateFill, F::RouteViolation], S::Applied),
        (true, &[F::UnknownOrder], S::Applied),
        (true, &[F::UnknownOrder, F::Quarantined], S::Quarantined),
        (
            false,
            &[F::UnknownOrder, F::NeedsReconciliation],
            S::Quarantined,
        ),
        (false, &[F::ExecMismatch], S::Quarantined),
        (false, &[F::BustParked], S::Parked),
        (false, &[F::Duplicate], S::Duplicate),
        (true, &[F::Duplicate], S::Duplicate),
        (false, &[], S::Duplicate),
    ] {
        let got = view::write_receipt(&receipt(applied, flags));
        assert_eq!(got.status, i32::from(expected), "{applied} {flags:?}");
    }
}

#[test]
fn a_state_that_was_never_set_has_no_cause() {
    let got = control::write_note(&StateNote::default());
    assert_eq!(
        got,
        pb::StateInfo {
            state: pb::TradingState::Active.into(),
            ..pb::StateInfo::default()
        }
    );
    let note = StateNote {
        state: TradingState::Halted,
        cause: StateCause::Trip,
        actor: s("anna"),
        reason: s("why"),
        since: Now {
            wall: 1_800_000_000_000_000_007,
            mono: 1,
        },
    };
    let got = control::write_note(&note);
    assert_eq!(
        got,
        pb::StateInfo {
            state: pb::TradingState::Halted.into(),
            cause: pb::StateCause::Trip.into(),
            actor: s("anna"),
            reason: s("why"),
            since: super::at(1_800_000_000),
        }
    );
}

#[test]
fn time_before_1970_is_written_with_nanoseconds_that_count_up() {
    let time = super::super::field::timestamp(-1);
    assert_eq!((time.seconds, time.nanos), (-1, 999_999_999));
    let length = super::super::field::duration(u64::MAX);
    assert_eq!(
        (length.seconds, length.nanos),
        (18_446_744_073, 709_551_615)
    );
}
