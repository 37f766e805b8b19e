#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]
//! What configuration accepts, refuses, and says about it.

mod refused;
mod sources;

use std::collections::BTreeSet;

use super::*;
use crate::domain::amount::Amount;
use crate::domain::decision::{Dimension, Level, Reason};
use crate::domain::instrument::{Collar, InstrumentType, Payoff};
use crate::domain::name::{InstrumentId, Kind, Name};
use crate::domain::time::{MILLISECOND, SECOND};
use crate::engine::setup::{DeadMan, DeadManAction, RouteTarget};
use crate::risk::calendar::Calendar;
use crate::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, InstrumentLists, Limits,
    LookAlikeLimit, NotionalRateLimit, OpenOrdersLimit, PositionRule, PostOnlyRule, RateLimit,
    SelfMatchRule, SelfMatchScope, ShortSaleRule,
};
use crate::risk::modes::{Mode, Modes};

fn amount<U>(text: &str) -> Amount<U> {
    text.parse().unwrap()
}

fn name<K: Kind>(text: &str) -> Name<K> {
    text.parse().unwrap()
}

fn problems(document: &str) -> Vec<String> {
    Settings::parse(document)
        .err()
        .map(|error| error.problems.iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}

/// A sound document; each test of an error changes one line of it.
const SOUND: &str = r#"
[venues]
ALPHA = "first"
BETA = "second"

[engine]
default_quota = 1000

[clients.oms]
quota = 10

[instruments.SPOT]
type = "spot"
base = "COIN"
quote = "USD"
tick = "0.01"
lot = "1"
sector = "coins"
listings = { ALPHA = "S", BETA = "S" }

[instruments.CALL]
type = "option"
base = "COIN"
quote = "USD"
tick = "0.01"
lot = "1"
expiry = "2030-12-27T08:00:00Z"
strike = "100"
right = "call"
underlying_instrument = "SPOT"
listings = { ALPHA = "C" }

[calendars.day]
zone = "America/New_York"
reset = "17:00"
windows = [{ days = ["mon", "fri"], from = "09:30", to = "16:00" }]

[groups.firm]
level = "firm"
currency = "USD"

[groups.desk]
level = "desk"
parent = "firm"
limits = { gross_notional_max = "100" }

[profiles.std]
order_notional_max = "1000"
order_rate = { max = 10, window = "1s", exit_reserve = 2 }

[buckets.alpha]
parent = "desk"
profile = "std"
calendar = "day"
accounts = [{ venue = "ALPHA", account = "a1" }, { venue = "BETA", account = "a2" }]
limits = { instruments = { allow = ["SPOT"] }, long_max = "5" }
reroute = { targets = [{ bucket = "beta", venue = "ALPHA", account = "b1" }], tries = 2 }

[buckets.beta]
parent = "firm"
accounts = [{ venue = "ALPHA", account = "b1" }]
limits = { instruments = { allow = ["*"] } }
inbound = { total_max = "10", from = { alpha = "10" } }
"#;

/// `SOUND` with one text in it replaced by another.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(SOUND.matches(from).count(), 1, "{from:?} must occur once");
    SOUND.replace(from, to)
}

#[test]
fn a_sound_document_has_no_problems() {
    assert_eq!(problems(SOUND), Vec::<String>::new());
}

#[test]
fn a_cycle_of_routes_is_refused_at_each_of_its_buckets() {
    let document = changed(
        "inbound = {",
        "reroute = { targets = [{ bucket = \"alpha\", venue = \"ALPHA\", account = \"a1\" }] }\ninbound = {",
    );
    assert_eq!(
        problems(&document),
        [
            "buckets.alpha.reroute.targets.0.bucket = \"beta\": expected a bucket whose routes do not lead back to alpha: this is a cycle",
            "buckets.beta.reroute.targets.0.bucket = \"alpha\": expected a bucket whose routes do not lead back to beta: this is a cycle",
        ]
    );
}

#[test]
fn a_firm_is_the_top_of_a_path() {
    let document = changed(
        "default_quota = 1000",
        "quarantine_parent = \"firm\"\n[groups.top]\nlevel = \"firm\"\nparent = \"firm\"",
    );
    assert_eq!(
        problems(&document),
        ["groups.top.parent = \"firm\": expected nothing: a firm is the top of a path"]
    );
}

#[test]
fn all_errors_are_told_at_once() {
    let document = changed(
        "long_max = \"5\"",
        "long_max = 5, short_max = \"-1\", colar = 1",
    )
    .replace("reset = \"17:00\"", "reset = \"noon\"")
    .replace("tries = 2", "tries = 0")
    .replace("type = \"spot\"", "type = \"stock\"")
    .replace("quota = 10\n", "quota = -10\n")
        + "[server]\nlisten = 1\n";
    let keys: BTreeSet<String> = Settings::parse(&document)
        .unwrap_err()
        .problems
        .into_iter()
        .map(|problem| problem.key)
        .collect();
    let expected = [
        "buckets.alpha.limits.colar",
        "buckets.alpha.limits.long_max",
        "buckets.alpha.limits.short_max",
        "buckets.alpha.reroute.tries",
        "calendars.day.reset",
        "clients.oms.quota",
        "instruments.SPOT.type",
        "server.listen",
    ];
    assert_eq!(keys, expected.iter().map(ToString::to_string).collect());
}

#[test]
fn an_error_in_a_profile_is_told_once_and_where_it_stands() {
    let document = changed("max = 10,", "max = -10,").replace(
        "[buckets.beta]",
        "[buckets.gamma]\nparent = \"firm\"\nprofile = \"std\"\naccounts = [{ venue = \"ALPHA\", account = \"g\" }]\nlimits = { instruments = { allow = [] } }\n[buckets.beta]",
    );
    assert_eq!(
        problems(&document),
        ["profiles.std.order_rate.max = -10: expected a whole number from 1 to 1000000"]
    );
}

#[test]
fn a_name_given_twice_is_refused() {
    let twice = format!("{SOUND}\n[buckets.beta]\n");
    let found = problems(&twice);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("duplicate key"), "{found:?}");
}

#[test]
fn the_loss_of_a_client_does_what_the_bucket_says() {
    let beta = |document: &str| {
        let buckets = Settings::parse(document).unwrap().buckets;
        buckets.into_iter().nth(1).unwrap().dead_man
    };
    assert_eq!(beta(SOUND), DeadMan::default());
    let short = beta(&changed(
        "inbound = {",
        "dead_man = { action = \"no_new\" }\ninbound = {",
    ));
    let expected = DeadMan {
        action: DeadManAction::NoNew,
        ..DeadMan::default()
    };
    assert_eq!(short, expected);
    let all = "dead_man = { action = \"cancel_all\", after = \"250ms\", exempt_gtc = false }\ninbound = {";
    let expected = DeadMan {
        action: DeadManAction::CancelAll,
        after: SECOND / 4,
        exempt_gtc: false,
    };
    assert_eq!(beta(&changed("inbound = {", all)), expected);
}

#[test]
fn a_broken_document_is_refused_with_its_place() {
    let found = problems("[venues\n");
    assert!(found[0].contains("line 1"), "{found:?}");
}

#[test]
fn every_field_of_limits_can_be_set() {
    let document = SOUND.replace(
        "limits = { instruments = { allow = [\"SPOT\"] }, long_max = \"5\" }",
        r#"
[buckets.alpha.limits]
capital = "100000"
order_quantity_max = "1"
order_base_quantity_max = "2"
order_notional_max = "3"
order_underlying_notional_max = "4"
collar = { aggressive = "0.1", passive = "0.2", absolute = "5", period = "0.3" }
market_slippage = "0.01"
look_alike = { count = 6, window = "7ms" }
instruments = { allow = ["SPOT", "CALL"], deny = ["CALL"], restricted = ["SPOT"] }
post_only = "require"
short_sale = "forbid"
self_match = { mode = "ask_cancel_resting", scope = "firm" }
long_max = "8"
short_max = "9"
position_rule = "no_position_credit"
spread_counted_share = "0.15"
per_instrument.SPOT = { order_quantity_max = "10", long_max = "11", short_max = "12", collar = { absolute = "13" } }
gross_notional_max = "14"
net_notional_max = "15"
open_orders = { max = 16, exit_reserve = 1 }
concentration = [
    { by = "underlying", of = "COIN", max = "17" },
    { by = "expiry", of = "2030-12-27", max = "18" },
    { by = "sector", capital_share = "0.5" },
    { by = "venue", of = "ALPHA", max = "19" },
]
traded_notional_max = "20"
order_rate = { max = 21, window = "22s", exit_reserve = 3 }
notional_rate = { max = "23", window = "24s", give_back = true }
unsent_ttl = "25s"
mode = "shadow"
modes = { gross_notional = "enforce", price_collar = "off" }

[buckets.alpha.reroute]
"#,
    );
    let document = document.replace(
        "reroute = { targets = [{ bucket = \"beta\", venue = \"ALPHA\", account = \"b1\" }], tries = 2 }",
        "targets = [{ bucket = \"beta\", venue = \"ALPHA\", account = \"b1\" }]\ntries = 2",
    );
    let settings = Settings::parse(&document).unwrap();
    let set = |names: &[&str]| -> BTreeSet<InstrumentId> {
        names.iter().map(|text| name(text)).collect()
    };
    let in_set = |dimension, value: Option<&str>, bound| ConcentrationLimit {
        dimension,
        value: value.map(str::to_owned),
        bound,
    };
    let money = |text| ConcentrationBound::Money(amount(text));
    let expected = Limits {
        currency: name("USD"),
        capital: Some(amount("100000")),
        order_quantity_max: Some(amount("1")),
        order_base_quantity_max: Some(amount("2")),
        order_notional_max: Some(amount("3")),
        order_underlying_notional_max: Some(amount("4")),
        collar: Some(Collar {
            aggressive: Some(amount("0.1")),
            passive: Some(amount("0.2")),
            absolute: Some(amount("5")),
            period: Some(amount("0.3")),
        }),
        market_slippage: amount("0.01"),
        look_alike: Some(LookAlikeLimit {
            count: 6,
            window: 7 * MILLISECOND,
        }),
        instruments: InstrumentLists {
            allow: Some(set(&["SPOT", "CALL"])),
            deny: set(&["CALL"]),
            restricted: set(&["SPOT"]),
        },
        post_only: PostOnlyRule::Require,
        short_sale: ShortSaleRule::Forbid,
        self_match: SelfMatchRule::AskCancelResting,
        self_match_scope: SelfMatchScope::Firm,
        long_max: Some(amount("8")),
        short_max: Some(amount("9")),
        position_rule: PositionRule::NoPositionCredit,
        spread_counted_share: Some(amount("0.15")),
        per_instrument: [(
            name("SPOT"),
            InstrumentLimits {
                order_quantity_max: Some(amount("10")),
                long_max: Some(amount("11")),
                short_max: Some(amount("12")),
                collar: Some(Collar {
                    absolute: Some(amount("13")),
                    ..Collar::default()
                }),
            },
        )]
        .into(),
        gross_notional_max: Some(amount("14")),
        net_notional_max: Some(amount("15")),
        open_orders: Some(OpenOrdersLimit {
            max: 16,
            exit_reserve: 1,
        }),
        concentration: vec![
            in_set(Dimension::Underlying, Some("COIN"), money("17")),
            in_set(Dimension::Expiry, Some("2030-12-27"), money("18")),
            in_set(
                Dimension::Sector,
                None,
                ConcentrationBound::CapitalShare(amount("0.5")),
            ),
            in_set(Dimension::Venue, Some("ALPHA"), money("19")),
        ],
        traded_notional_max: Some(amount("20")),
        order_rate: Some(RateLimit {
            max: 21,
            window: 22 * SECOND,
            exit_reserve: 3,
        }),
        notional_rate: Some(NotionalRateLimit {
            max: amount("23"),
            window: 24 * SECOND,
            give_back: true,
        }),
        unsent_ttl: 25 * SECOND,
        modes: Modes::all(Mode::Shadow)
            .with(Reason::GrossNotional, Mode::Enforce)
            .with(Reason::PriceCollar, Mode::Off),
        also: None,
    };
    assert_eq!(settings.buckets[0].limits, expected);
}

#[test]
fn a_bucket_overrides_its_profile_key_by_key() {
    let document = changed(
        "long_max = \"5\"",
        "order_rate = { max = 20 }, order_notional_max = \"none\"",
    );
    let limits = &Settings::parse(&document).unwrap().buckets[0].limits;
    let expected = RateLimit {
        max: 20,
        window: SECOND,
        exit_reserve: 2,
    };
    assert_eq!(limits.order_rate, Some(expected));
    assert_eq!(limits.order_notional_max, None);
}

#[test]
fn a_part_of_every_count_is_kept_for_exits() {
    for (max, kept) in [(1, 0), (2, 1), (10, 1), (19, 1), (20, 2), (1000, 100)] {
        let limit = format!("open_orders = {{ max = {max} }}");
        let settings = Settings::parse(&changed("long_max = \"5\"", &limit)).unwrap();
        let expected = OpenOrdersLimit {
            max,
            exit_reserve: kept,
        };
        assert_eq!(settings.buckets[0].limits.open_orders, Some(expected));
    }
}

#[test]
fn an_empty_allow_list_allows_nothing_and_a_star_everything() {
    let settings = Settings::parse(&changed("allow = [\"SPOT\"]", "allow = []")).unwrap();
    assert_eq!(
        settings.buckets[0].limits.instruments.allow,
        Some(BTreeSet::new())
    );
    assert_eq!(settings.buckets[1].limits.instruments.allow, None);
}

#[test]
fn names_keep_their_case_and_their_dots() {
    let document = SOUND
        .replace("[instruments.SPOT]", "[instruments.\"Brk.B\"]")
        .replace("\"SPOT\"", "\"Brk.B\"");
    let settings = Settings::parse(&document).unwrap();
    assert!(settings.instruments.iter().any(|i| i.id == name("Brk.B")));
    let found = problems(&document.replace("sector = \"coins\"", "sectr = \"coins\""));
    assert!(
        found[0].starts_with("instruments.\"Brk.B\".sectr = \"coins\": expected a known key"),
        "{found:?}"
    );
}

#[test]
fn the_payoff_says_what_profit_is_paid_in() {
    let instrument = |lines: &str| {
        let document = changed("type = \"spot\"\n", lines);
        Settings::parse(&document).map(|settings| settings.instruments[1].clone())
    };
    let inverse = instrument("type = \"perpetual\"\npayoff = \"inverse\"\n").unwrap();
    assert_eq!(inverse.settle, name("COIN"));
    assert_eq!(inverse.payoff, Payoff::Inverse);
    let quanto =
        instrument("type = \"perpetual\"\npayoff = \"quanto\"\nsettle = \"EUR\"\n").unwrap();
    assert_eq!(quanto.settle, name("EUR"));
    let unsaid = instrument("type = \"perpetual\"\npayoff = \"quanto\"\n").unwrap_err();
    assert_eq!(
        unsaid.problems[0].to_string(),
        "instruments.SPOT.settle is missing: expected the currency profit is paid in, as payoff is quanto"
    );
}

#[test]
fn the_sample_firm_is_sound_and_shows_everything() {
    let settings = Settings::load(&Sources::default()).unwrap();
    assert!(settings.server.listen.ip().is_loopback());
    assert!(settings.server.workers >= 1);
    let levels: Vec<Level> = settings.groups.iter().map(|group| group.level).collect();
    assert_eq!(levels, [Level::Firm, Level::Desk, Level::Desk]);
    assert_eq!(settings.engine.quarantine_parent, Some(name("harbor")));
    assert_eq!(settings.engine.quarantine_currency, name("USD"));
    let kinds: BTreeSet<String> = settings
        .instruments
        .iter()
        .map(|instrument| format!("{:?} {:?}", instrument.kind, instrument.payoff))
        .collect();
    let all = [
        (InstrumentType::Spot, Payoff::Linear),
        (InstrumentType::Equity, Payoff::Linear),
        (InstrumentType::Perpetual, Payoff::Linear),
        (InstrumentType::Perpetual, Payoff::Inverse),
        (InstrumentType::Option, Payoff::Linear),
    ];
    assert_eq!(
        kinds,
        all.iter().map(|(k, p)| format!("{k:?} {p:?}")).collect()
    );
    let targets: Vec<&RouteTarget> = settings
        .buckets
        .iter()
        .flat_map(|bucket| &bucket.reroute.targets)
        .collect();
    assert!(targets.iter().any(|target| target.bucket.is_none()));
    assert!(targets.iter().any(|target| target.bucket.is_some()));
    let used: BTreeSet<String> = settings
        .buckets
        .iter()
        .flat_map(|bucket| limit_keys(&bucket.limits))
        .collect();
    let mut expected = limit_keys(&everything());
    expected.sort_unstable();
    assert_eq!(Vec::from_iter(used), expected);
}

/// Names of the limits that are set, whatever their value.
fn limit_keys(limits: &Limits) -> Vec<String> {
    let l = limits;
    let set = [
        ("capital", l.capital.is_some()),
        ("collar", l.collar.is_some()),
        ("concentration", !l.concentration.is_empty()),
        ("gross_notional_max", l.gross_notional_max.is_some()),
        ("long_max", l.long_max.is_some()),
        ("look_alike", l.look_alike.is_some()),
        ("net_notional_max", l.net_notional_max.is_some()),
        ("notional_rate", l.notional_rate.is_some()),
        ("open_orders", l.open_orders.is_some()),
        (
            "order_base_quantity_max",
            l.order_base_quantity_max.is_some(),
        ),
        ("order_notional_max", l.order_notional_max.is_some()),
        ("order_quantity_max", l.order_quantity_max.is_some()),
        ("order_rate", l.order_rate.is_some()),
        (
            "order_underlying_notional_max",
            l.order_underlying_notional_max.is_some(),
        ),
        ("per_instrument", !l.per_instrument.is_empty()),
        ("short_max", l.short_max.is_some()),
        ("spread_counted_share", l.spread_counted_share.is_some()),
        ("traded_notional_max", l.traded_notional_max.is_some()),
    ];
    set.into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(key, _)| key.to_owned())
        .collect()
}

/// A document in which every optional limit is set.
fn everything() -> Limits {
    let rate = RateLimit {
        max: 1,
        window: SECOND,
        exit_reserve: 0,
    };
    Limits {
        capital: Some(amount("1")),
        order_quantity_max: Some(amount("1")),
        order_base_quantity_max: Some(amount("1")),
        order_notional_max: Some(amount("1")),
        order_underlying_notional_max: Some(amount("1")),
        collar: Some(Collar::default()),
        look_alike: Some(LookAlikeLimit {
            count: 1,
            window: SECOND,
        }),
        long_max: Some(amount("1")),
        short_max: Some(amount("1")),
        per_instrument: [(name("SPOT"), InstrumentLimits::default())].into(),
        gross_notional_max: Some(amount("1")),
        net_notional_max: Some(amount("1")),
        open_orders: Some(OpenOrdersLimit {
            max: 1,
            exit_reserve: 0,
        }),
        concentration: vec![ConcentrationLimit {
            dimension: Dimension::Venue,
            value: None,
            bound: ConcentrationBound::Money(amount("1")),
        }],
        traded_notional_max: Some(amount("1")),
        order_rate: Some(rate),
        notional_rate: Some(NotionalRateLimit {
            max: amount("1"),
            window: SECOND,
            give_back: false,
        }),
        modes: Modes::all(Mode::Shadow).with(Reason::OrderRate, Mode::Enforce),
        ..Limits::unlimited(name("USD"))
    }
}

#[test]
fn the_replay_firm_is_sound() {
    let sources = Sources {
        embedded: REPLAY,
        ..Sources::default()
    };
    let settings = Settings::load(&sources).unwrap();
    let ids: Vec<&str> = settings.buckets.iter().map(|b| b.id.as_str()).collect();
    assert_eq!(ids.len(), 8);
    let desks = settings.groups.iter().filter(|it| it.parent.is_some());
    assert_eq!(desks.count(), 3);
    assert_eq!(settings.instruments.len(), 1);
    let stock = &settings.instruments[0];
    assert_eq!(stock.id, name("STOCK"));
    assert_eq!((stock.tick, stock.lot), (amount("0.01"), amount("1")));
    assert!(stock.is_listed_on(&name("XNAS")));
    assert_eq!(settings.buckets[2].reroute.targets.len(), 1);
    assert_eq!(settings.buckets[3].inbound.len(), 1);
    assert_ne!(settings.buckets[2].parent, settings.buckets[3].parent);
}

#[test]
fn every_figure_of_the_engine_can_be_set() {
    let document = changed(
        "default_quota = 1000",
        r#"
default_quota = 1
clients_max = 2
rate_max_age = "3s"
source_lead_max = "4s"
collar_period = "5s"
sweep_interval = "6s"
kill_alarm_after = "7s"
retention = "2d"
orders_expected = 7
quarantine_parent = "desk"
quarantine_currency = "USD"
conversions = [["EUR", "GBP", "USD"]]
owners = ["desk", "risk"]"#,
    )
    .replace(
        "quota = 10\n",
        "send_after_commit = true\norder_rate = { max = 7, window = \"8s\" }\n",
    );
    let EngineSetup {
        default_quota,
        clients_max,
        rate_max_age,
        quarantine_parent,
        quarantine_currency,
        conversions,
        owners,
        clients,
        source_lead_max,
        collar_period,
        orders_expected,
        retention,
        sweep_interval,
        venues,
        counterparties,
        kill_alarm_after,
    } = Settings::parse(&document).unwrap().engine;
    assert!(venues.is_empty() && counterparties.is_empty());
    assert_eq!((default_quota, clients_max), (1, 2));
    assert_eq!((orders_expected, retention), (7, 2 * 86_400 * SECOND));
    assert_eq!((rate_max_age, source_lead_max), (3 * SECOND, 4 * SECOND));
    assert_eq!((collar_period, sweep_interval), (5 * SECOND, 6 * SECOND));
    assert_eq!(kill_alarm_after, 7 * SECOND);
    assert_eq!(quarantine_parent, Some(name("desk")));
    assert_eq!(quarantine_currency, name("USD"));
    let hops: Vec<String> = conversions[0]
        .hops
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hops, ["EUR", "GBP", "USD"]);
    assert_eq!(owners, [name("desk"), name("risk")]);
    let client = &clients[0];
    assert_eq!((client.quota, client.send_after_commit), (1, true));
    let rate = RateLimit {
        max: 7,
        window: 8 * SECOND,
        exit_reserve: 1,
    };
    assert_eq!(client.order_rate, Some(rate));
}

#[test]
fn limits_of_groups_venues_and_counterparties_are_read_and_described() {
    let limits = r#"{ long_max = "1", short_max = "2", gross_notional_max = "3", net_notional_max = "4", net_offsets = true, open_orders = { max = 5, exit_reserve = 1 }, concentration = [{ by = "venue", of = "BETA", max = "6" }, { by = "sector", max = "7" }], traded_notional_max = "8", order_rate = { max = 9, window = "1s", exit_reserve = 2 }, notional_rate = { max = "10", window = "2s", give_back = true }, disclose = true }"#;
    let document = changed(
        "BETA = \"second\"",
        &format!("BETA = {{ description = \"second\", currency = \"USD\", calendar = \"day\", limits = {limits} }}"),
    )
    .replace(
        "[engine]",
        &format!("[counterparties.prime]\nvenues = [\"ALPHA\", \"BETA\"]\ncurrency = \"USD\"\nlimits = {limits}\n[engine]"),
    )
    .replace(
        "limits = { gross_notional_max = \"100\" }",
        &format!("calendar = \"day\"\nlimits = {limits}"),
    );
    let settings = Settings::parse(&document).unwrap();
    let bounded = |dimension, value: Option<&str>, bound| ConcentrationLimit {
        dimension,
        value: value.map(str::to_owned),
        bound: ConcentrationBound::Money(amount(bound)),
    };
    let expected = GroupLimits {
        currency: name("USD"),
        long_max: Some(amount("1")),
        short_max: Some(amount("2")),
        gross_notional_max: Some(amount("3")),
        net_notional_max: Some(amount("4")),
        net_offsets: true,
        open_orders: Some(OpenOrdersLimit {
            max: 5,
            exit_reserve: 1,
        }),
        concentration: vec![
            bounded(Dimension::Venue, Some("BETA"), "6"),
            bounded(Dimension::Sector, None, "7"),
        ],
        traded_notional_max: Some(amount("8")),
        order_rate: Some(RateLimit {
            max: 9,
            window: SECOND,
            exit_reserve: 2,
        }),
        notional_rate: Some(NotionalRateLimit {
            max: amount("10"),
            window: 2 * SECOND,
            give_back: true,
        }),
        disclose: true,
        modes: Modes::default(),
    };
    let desk = &settings.groups[1];
    assert_eq!(desk.limits, expected);
    let EngineSetup {
        venues,
        counterparties,
        ..
    } = settings.engine;
    assert_eq!((venues.len(), counterparties.len()), (1, 1));
    assert_eq!(
        (venues[0].id.as_str(), &venues[0].limits),
        ("BETA", &expected)
    );
    assert_eq!(venues[0].calendar, desk.calendar);
    assert_eq!(venues[0].calendar.reset, jiff::civil::time(17, 0, 0, 0));
    assert_eq!(
        (
            &counterparties[0].limits,
            counterparties[0].calendar.clone()
        ),
        (&expected, Calendar::utc())
    );
    assert_eq!(counterparties[0].venues, [name("ALPHA"), name("BETA")]);

    let described = describe::nested(describe::group(&expected));
    let text = toml::to_string(&serde_json::json!({ "limits": described })).unwrap();
    let problems = Problems::default();
    let node = layers::merge_text(&text, &problems);
    let cursor = Cursor::new(node.get("limits").unwrap(), &problems);
    let names = Names {
        venues: [name("BETA")].into(),
        ..Names::default()
    };
    assert_eq!(limits::group(cursor, name("USD"), &names), Some(expected));
}

/// Limits as they are described, written as a document and read again.
fn described_and_read(limits: &Limits, names: &Names) -> Limits {
    let described = describe::nested(describe::bucket(limits));
    let text = toml::to_string(&serde_json::json!({ "limits": described })).unwrap();
    let problems = Problems::default();
    let node = layers::merge_text(&text, &problems);
    let node = node.get("limits").unwrap();
    let read = limits::bucket(Cursor::new(node, &problems), limits.currency.clone(), names);
    assert_eq!(problems.into_inner(), [], "{text}");
    read.unwrap()
}

#[test]
fn what_is_described_reads_back_as_the_same_limits() {
    let document = Sources::default().merge(&Problems::default());
    let names = Names::of(Cursor::new(&document, &Problems::default()));
    for bucket in &Settings::load(&Sources::default()).unwrap().buckets {
        assert_eq!(described_and_read(&bucket.limits, &names), bucket.limits);
    }
    let bare = Limits::unlimited(name("USD"));
    assert_eq!(described_and_read(&bare, &names), bare);
}

#[test]
fn the_reference_names_every_limit() {
    let reference = include_str!("../../docs/configuration.md");
    for entry in describe::bucket(&everything()) {
        let key = &entry.key[0];
        assert!(reference.contains(&format!("`{key}")), "{key}");
    }
}
