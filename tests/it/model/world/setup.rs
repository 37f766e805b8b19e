//! The same firm as the engine is told of it.

use bulkhead::domain::amount::Ratio;
use bulkhead::domain::decision::{Dimension, Level, Reason};
use bulkhead::domain::instrument;
use bulkhead::domain::instrument::{Instrument, InstrumentType, Listing, OptionRight, Payoff};
use bulkhead::domain::source::DIVERGENCE_MAX;
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{
    BucketSetup, ClientSetup, CounterpartySetup, EngineSetup, GroupSetup, InboundRule, RerouteRule,
    RouteTarget, VenueSetup,
};
use bulkhead::risk::calendar::{Calendar, TradingWindow};
use bulkhead::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, InstrumentLists, Limits,
    LookAlikeLimit, NotionalRateLimit, OpenOrdersLimit, PositionRule, PostOnlyRule, RateLimit,
    SelfMatchRule, SelfMatchScope, ShortSaleRule,
};
use bulkhead::risk::modes::{Mode, Modes};
use jiff::ToSpan;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::{BUCKETS, CONTRACTS, QUARANTINE, amount};
use crate::model::naive::{
    Bound, Collar, Contract, Group, GroupRules, Model, ONE, Pool, RETENTION, Rate, Rules, Set,
};
use crate::support::id;

fn collar(collar: Collar) -> instrument::Collar {
    instrument::Collar {
        aggressive: collar.aggressive.map(amount),
        passive: collar.passive.map(amount),
        absolute: collar.absolute.map(amount),
        period: collar.period.map(amount),
    }
}

pub fn instrument(contract: &Contract) -> Instrument {
    let quote = if contract.euro && !contract.quanto {
        "EUR"
    } else {
        "USD"
    };
    Instrument {
        id: id(contract.name),
        kind: if contract.option_on.is_some() {
            InstrumentType::Option
        } else if contract.expiry.is_some() {
            InstrumentType::Future
        } else {
            InstrumentType::Perpetual
        },
        payoff: if contract.inverse {
            Payoff::Inverse
        } else if contract.quanto {
            Payoff::Quanto
        } else {
            Payoff::Linear
        },
        underlying: id(contract.underlying),
        base: id(contract.underlying),
        quote: id(quote),
        settle: id(if contract.inverse {
            contract.underlying
        } else if contract.quanto {
            "EUR"
        } else {
            quote
        }),
        multiplier: amount(contract.multiplier),
        tick: amount(contract.tick),
        lot: amount(contract.lot),
        expiry: contract.expiry,
        option: contract
            .option_on
            .map(|_| (amount(100 * ONE), OptionRight::Call)),
        underlying_instrument: contract.option_on.map(|on| id(CONTRACTS[on].name)),
        sector: None,
        listings: contract
            .venues
            .iter()
            .map(|venue| Listing {
                venue: id(venue),
                symbol: contract.name.to_owned(),
            })
            .collect(),
        negative_prices: contract.negative,
        mark_max_age: contract.max_age,
        jump_max: None,
        source_divergence_max: DIVERGENCE_MAX,
        collar: contract.collar.map(collar),
        version: 0,
    }
}

fn rate(rate: Rate) -> RateLimit {
    RateLimit {
        max: rate.max,
        window: rate.window,
        exit_reserve: rate.reserve,
    }
}

pub fn limits(rules: &Rules) -> Limits {
    let names = |list: &[usize]| list.iter().map(|at| id(CONTRACTS[*at].name)).collect();
    Limits {
        capital: rules.capital.map(amount),
        order_quantity_max: rules.quantity.map(amount),
        order_base_quantity_max: rules.base.map(amount),
        order_notional_max: rules.notional.map(amount),
        order_underlying_notional_max: rules.underlying.map(amount),
        collar: rules.collar.map(collar),
        market_slippage: Ratio::from_units(rules.slippage),
        spread_counted_share: rules.spread.map(Ratio::from_units),
        look_alike: rules
            .alike
            .map(|(count, window)| LookAlikeLimit { count, window }),
        instruments: InstrumentLists {
            allow: rules.allow.as_deref().map(names),
            deny: names(&rules.deny),
            restricted: names(&rules.restricted),
        },
        post_only: [
            PostOnlyRule::Free,
            PostOnlyRule::Require,
            PostOnlyRule::Forbid,
        ][usize::from(rules.post_only)],
        short_sale: [
            ShortSaleRule::Free,
            ShortSaleRule::RequireLocate,
            ShortSaleRule::Forbid,
        ][usize::from(rules.short_sale)],
        self_match: [
            SelfMatchRule::Allow,
            SelfMatchRule::RejectNew,
            SelfMatchRule::AskCancelResting,
        ][usize::from(rules.self_match)],
        self_match_scope: [
            SelfMatchScope::Bucket,
            SelfMatchScope::Desk,
            SelfMatchScope::Firm,
        ][usize::from(rules.self_scope)],
        long_max: rules.long.map(amount),
        short_max: rules.short.map(amount),
        position_rule: if rules.no_credit {
            PositionRule::NoPositionCredit
        } else {
            PositionRule::Reachable
        },
        per_instrument: rules
            .per
            .iter()
            .map(|(at, own)| {
                let own = InstrumentLimits {
                    order_quantity_max: own.quantity.map(amount),
                    long_max: own.long.map(amount),
                    short_max: own.short.map(amount),
                    collar: own.collar.map(collar),
                };
                (id(CONTRACTS[*at].name), own)
            })
            .collect(),
        gross_notional_max: rules.gross.map(amount),
        net_notional_max: rules.net.map(amount),
        open_orders: rules
            .open
            .map(|(max, exit_reserve)| OpenOrdersLimit { max, exit_reserve }),
        concentration: rules
            .sets
            .iter()
            .map(|(set, only, bound)| ConcentrationLimit {
                dimension: match set {
                    Set::Underlying => Dimension::Underlying,
                    Set::Venue => Dimension::Venue,
                },
                value: only.map(str::to_owned),
                bound: match bound {
                    Bound::Money(money) => ConcentrationBound::Money(amount(*money)),
                    Bound::Share(share) => ConcentrationBound::CapitalShare(amount(*share)),
                },
            })
            .collect(),
        traded_notional_max: rules.traded.map(amount),
        order_rate: rules.rate.map(rate),
        notional_rate: rules
            .notional_rate
            .map(|(max, window, give_back)| NotionalRateLimit {
                max: amount(max),
                window,
                give_back,
            }),
        unsent_ttl: rules.patience,
        modes: modes(&rules.shadow, &rules.off),
        ..Limits::unlimited(id("USD"))
    }
}

fn modes(shadow: &[Reason], off: &[Reason]) -> Modes {
    let none = Modes::default();
    let shadowed = shadow
        .iter()
        .fold(none, |modes, limit| modes.with(*limit, Mode::Shadow));
    off.iter()
        .fold(shadowed, |modes, limit| modes.with(*limit, Mode::Off))
}

pub fn group_limits(rules: &GroupRules) -> GroupLimits {
    GroupLimits {
        currency: id("USD"),
        long_max: rules.long.map(amount),
        short_max: rules.short.map(amount),
        gross_notional_max: rules.gross.map(amount),
        net_notional_max: rules.net.map(amount),
        net_offsets: rules.offsets,
        open_orders: rules
            .open
            .map(|(max, exit_reserve)| OpenOrdersLimit { max, exit_reserve }),
        concentration: rules
            .sets
            .iter()
            .map(|(set, only, bound)| ConcentrationLimit {
                dimension: match set {
                    Set::Underlying => Dimension::Underlying,
                    Set::Venue => Dimension::Venue,
                },
                value: only.map(str::to_owned),
                bound: ConcentrationBound::Money(amount(*bound)),
            })
            .collect(),
        traded_notional_max: rules.traded.map(amount),
        order_rate: rules.rate.map(rate),
        notional_rate: rules
            .notional_rate
            .map(|(max, window, give_back)| NotionalRateLimit {
                max: amount(max),
                window,
                give_back,
            }),
        disclose: rules.disclose,
        modes: modes(&rules.shadow, &rules.off),
    }
}

fn group_calendar(group: &Group) -> Calendar {
    Calendar {
        reset: Time::midnight().saturating_add(group.reset.nanoseconds()),
        ..Calendar::utc()
    }
}

fn calendar(pool: &Pool) -> Calendar {
    const WEEK: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let time = |nanos: i64| Time::midnight().saturating_add(nanos.nanoseconds());
    let windows = pool.windows.iter().map(|window| TradingWindow {
        days: WEEK
            .into_iter()
            .zip(window.days)
            .filter_map(|(day, trades)| trades.then_some(day))
            .collect(),
        from: time(window.from),
        to: time(window.to),
    });
    Calendar {
        zone: TimeZone::UTC,
        reset: time(pool.reset),
        windows: windows.collect(),
    }
}

pub fn engine(model: &Model) -> Engine {
    let mut setup = EngineSetup::new(id("USD"));
    setup.quarantine_parent = Some(id("firm"));
    setup.owners = vec![id("desk"), id("risk")];
    let clients = model.quotas.iter().map(|(client, quota)| ClientSetup {
        id: id(client),
        quota: *quota,
        send_after_commit: false,
        order_rate: None,
    });
    setup.clients = clients.collect();
    setup.retention = u64::try_from(RETENTION).unwrap();
    let groups = model
        .groups
        .iter()
        .map(|group| GroupSetup {
            id: id(group.name),
            level: group.level,
            parent: (group.level == Level::Desk).then(|| id("firm")),
            limits: group_limits(&group.rules),
            calendar: group_calendar(group),
            other_limits: None,
        })
        .collect();
    for level in &model.around {
        let (limits, calendar) = (group_limits(&level.rules), group_calendar(level));
        match level.level {
            Level::Venue => setup.venues.push(VenueSetup {
                id: id(level.name),
                limits,
                calendar,
            }),
            _ => setup.counterparties.push(CounterpartySetup {
                id: id(level.name),
                venues: level.venues.iter().map(|venue| id(venue)).collect(),
                limits,
                calendar,
            }),
        }
    }
    let buckets = model.pools[..QUARANTINE]
        .iter()
        .map(|pool| {
            let mut setup = BucketSetup::bare(id(pool.name), limits(&pool.rules));
            setup.parent = Some(id(model.groups[pool.path[0]].name));
            setup.accounts = pool
                .accounts
                .iter()
                .map(|(venue, account)| (id(venue), id(account)))
                .collect();
            setup.calendar = calendar(pool);
            setup.reroute = RerouteRule {
                targets: pool
                    .targets
                    .iter()
                    .map(|target| RouteTarget {
                        bucket: target.bucket.map(|at| id(BUCKETS[at])),
                        venue: id(target.account.0),
                        account: id(target.account.1),
                    })
                    .collect(),
                tries: pool.tries,
            };
            setup.inbound = pool
                .sources
                .iter()
                .map(|(from, cap)| InboundRule {
                    from: id(BUCKETS[*from]),
                    notional_max: amount(*cap),
                })
                .collect();
            setup.inbound_total_max = pool.sources_total.map(amount);
            setup
        })
        .collect();
    Engine::new(
        setup,
        groups,
        buckets,
        CONTRACTS.iter().map(instrument).collect(),
    )
    .unwrap()
}
