//! Rules that tie the fields of documents, feeds and filters to each other, and what comes out of good ones.

use super::super::field::{Path, Violations};
use super::super::instrument::read as read_instrument;
use super::super::{admin, bucket as buckets, control, limits as documents, market, monitor};
use super::samples::{DEFAULTS, bucket, group_limits, limits, option};
use super::{at, dec, paths, s};
use crate::domain::amount::Quantity;
use crate::domain::state::TradingState;
use crate::engine::admin::Opening;
use crate::engine::controls::Subject;
use crate::pb;

const ROOT: Path<'static> = Path::ROOT;

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
fn what_is_always_enforced_has_no_mode() {
    let with = |limit: pb::Reason, mode: pb::LimitMode| pb::ModeOfLimit {
        reason: limit.into(),
        mode: mode.into(),
    };
    let of = |modes: Vec<pb::ModeOfLimit>| paths(read_limits(pb::Limits { modes, ..limits() }));
    for limit in [
        pb::Reason::StateHalted,
        pb::Reason::ClientQuota,
        pb::Reason::PriceOffTick,
        pb::Reason::LegalRestriction,
        pb::Reason::InboundCap,
        pb::Reason::DuplicateMismatch,
    ] {
        let shadow = with(limit, pb::LimitMode::Shadow);
        assert_eq!(of(vec![shadow]), ["limits.modes[0].mode"], "{limit:?}");
        let enforced = with(limit, pb::LimitMode::Enforce);
        assert_eq!(of(vec![enforced]), Vec::<String>::new(), "{limit:?}");
    }
    let collar = with(pb::Reason::PriceCollar, pb::LimitMode::Off);
    assert_eq!(of(vec![collar]), Vec::<String>::new());
    assert_eq!(of(vec![collar, collar]), ["limits.modes[1].reason"]);
}

#[test]
fn a_bucket_has_at_most_64_accounts() {
    let with = |count: usize| {
        let mut found = Violations::default();
        let account = |index| pb::VenueAccount {
            venue_id: s("X"),
            account_id: format!("x{index}"),
        };
        let spec = pb::BucketSpec {
            accounts: (0..count).map(account).collect(),
            routes: Vec::new(),
            ..bucket()
        };
        let read = buckets::read(spec, ROOT, &mut found);
        paths(found.finish(read))
    };
    assert_eq!(with(64), Vec::<String>::new());
    assert_eq!(with(65), ["accounts"]);
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
            |it| it.self_match.as_mut().unwrap().scope = pb::Level::Venue.into(),
            "limits.self_match.scope",
        ),
        (
            |it| it.self_match.as_mut().unwrap().scope = pb::Level::Counterparty.into(),
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

#[test]
fn group_limits_that_make_no_sense_are_refused() {
    type Damage = fn(&mut pb::GroupLimits);
    let twice: Damage = |it| it.concentrations.push(it.concentrations[0].clone());
    let share: Damage = |it| it.concentrations[0].bound = limits().concentrations[1].bound.clone();
    for (damage, path) in [
        (twice, "limits.concentrations[1].value"),
        (share, "limits.concentrations[0].capital_share_max"),
    ] {
        let mut message = group_limits();
        damage(&mut message);
        let mut found = Violations::default();
        let read = documents::read_group(message, ROOT.field("limits"), &mut found);
        assert_eq!(paths(found.finish(read)), [path]);
    }
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
            calendar: None,
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
        assert_eq!(
            read.source_divergence_max,
            crate::domain::source::DIVERGENCE_MAX
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

#[test]
fn marks_and_rates_are_read_field_by_field() {
    let request = pb::StreamMarksRequest {
        client_seq: 4,
        marks: vec![super::samples::mark()],
        rates: vec![super::samples::fx()],
    };
    let (feed, wrong) = market::feed(request);
    assert_eq!(wrong, None);
    assert_eq!(feed.client_seq, 4);
    let mark = feed.marks[0].as_ref().unwrap();
    let prices = [mark.mark, mark.bid, mark.ask, mark.last, mark.index];
    assert_eq!(
        prices.map(|price| price.unwrap().to_string()),
        ["1", "2", "3", "4", "5"]
    );
    assert_eq!(mark.instrument.as_str(), "BTC-PERP");
    assert!(mark.confirmed);
    let rate = feed.rates[0].as_ref().unwrap();
    assert_eq!((rate.base.as_str(), rate.quote.as_str()), ("EUR", "USD"));
    assert_eq!(
        (rate.bid.to_string().as_str(), rate.ask.to_string().as_str()),
        ("1.1", "1.2")
    );
    let time = 1_700_000_000_000_000_007;
    assert_eq!((mark.source_time, rate.source_time), (time, time));
}

#[test]
fn filters_and_pages_are_read_field_by_field() {
    let request = pb::ListLiveOrdersRequest {
        bucket_id: s("b"),
        group_id: s("g"),
        instrument_id: s("i"),
        venue_id: s("v"),
        client_id: s("c"),
        cancel_wanted_only: true,
        page_size: 0,
        page_token: s("b/c/o"),
    };
    let list = monitor::list_live_orders(request).unwrap();
    let expected = monitor::ListLiveOrders {
        bucket: "b".parse().ok(),
        group: "g".parse().ok(),
        instrument: "i".parse().ok(),
        venue: "v".parse().ok(),
        client: "c".parse().ok(),
        cancel_wanted_only: true,
        page: monitor::Page {
            size: 100,
            token: s("b/c/o"),
        },
    };
    assert_eq!(list, expected);
    let everything = monitor::watch(pb::WatchRequest::default()).unwrap();
    assert!(everything.kinds.is_empty() && everything.outcomes.is_empty());
    let some = monitor::watch(pb::WatchRequest {
        kinds: vec![1, 5],
        outcomes: vec![3],
        ..pb::WatchRequest::default()
    });
    let some = some.unwrap();
    assert_eq!(some.kinds, [pb::WatchKind::Decision, pb::WatchKind::Config]);
    assert_eq!(some.outcomes, [pb::Outcome::Rerouted]);
}

#[test]
fn opening_positions_and_versions_are_read_field_by_field() {
    let context = Some(pb::ChangeContext {
        actor: s("anna"),
        reason: s("why"),
    });
    let request = pb::LoadPositionsRequest {
        bucket_id: s("b"),
        positions: vec![pb::OpeningPosition {
            instrument_id: s("i"),
            venue_id: s("v"),
            account_id: String::new(),
            quantity: dec("-3"),
            average_price: dec("0.5"),
        }],
        context: context.clone(),
    };
    let load = admin::load_positions(request).unwrap();
    let expected = Opening {
        instrument: "i".parse().unwrap(),
        venue: "v".parse().unwrap(),
        account: None,
        quantity: Quantity::whole(-3),
        price: "0.5".parse().unwrap(),
    };
    assert_eq!(
        (load.bucket.as_str(), load.positions),
        ("b", vec![expected])
    );
    for (given, expected) in [(0, None), (7, Some(7))] {
        let request = pb::UpsertInstrumentsRequest {
            instruments: vec![option()],
            expected_version: given,
            context: context.clone(),
        };
        let upsert = admin::upsert_instruments(request, &DEFAULTS).unwrap();
        assert_eq!(upsert.expected_version, expected);
    }
    let applied = control::write_applied(7, 1_800_000_000_000_000_007);
    assert_eq!(
        applied,
        pb::ChangeResult {
            status: pb::ChangeStatus::Applied.into(),
            version: 7,
            applied_at: at(1_800_000_000),
        }
    );
}
