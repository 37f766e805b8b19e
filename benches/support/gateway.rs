//! Our engine, set up for measuring: every check on, none in the way.
#![allow(dead_code, reason = "each bench uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench stops at the first surprise"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use bulkhead::domain::amount::{Amount, Ratio};
use bulkhead::domain::decision::{Dimension, Level};
use bulkhead::domain::instrument::{Collar, Instrument, InstrumentType, Listing, Payoff};
use bulkhead::domain::name::{Kind, Name};
use bulkhead::domain::order::{self, Attributes, OrderKey, Side, Size, Terms, TimeInForce};
use bulkhead::domain::source::DIVERGENCE_MAX;
use bulkhead::domain::time::{Now, SECOND};
use bulkhead::engine::Engine;
use bulkhead::engine::market::MarkUpdate;
use bulkhead::engine::setup::{BucketSetup, EngineSetup, GroupSetup};
use bulkhead::risk::calendar::Calendar;
use bulkhead::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLists, Limits, LookAlikeLimit,
    NotionalRateLimit, OpenOrdersLimit, RateLimit, SelfMatchRule, ShortSaleRule,
};

use super::support::orders;

/// A moment to start from.
pub const START: Now = Now {
    wall: 1_800_000_000_000_000_000,
    mono: 1_000 * SECOND,
};

/// A name of any kind.
pub fn id<K: Kind>(text: &str) -> Name<K> {
    text.parse().expect("a name")
}

/// An amount of any unit.
pub fn amount<U>(text: &str) -> Amount<U> {
    text.parse().expect("an amount")
}

/// Every limit there is, wide.
pub fn every_limit() -> Limits {
    let vast = || Some(amount("1000000000000"));
    let mut limits = Limits::unlimited(id(orders::SETTLEMENT));
    limits.capital = vast();
    limits.order_quantity_max = Some(amount("1000"));
    limits.order_base_quantity_max = Some(amount("1000"));
    limits.order_notional_max = Some(amount("1000000"));
    limits.collar = Some(Collar {
        aggressive: Some(amount("0.05")),
        passive: Some(amount("0.1")),
        absolute: None,
        period: Some(amount("0.05")),
    });
    limits.look_alike = Some(LookAlikeLimit {
        count: 1_000,
        window: SECOND / 1_000,
    });
    limits.instruments = InstrumentLists {
        allow: Some(BTreeSet::from([id(orders::UNDERLYING)])),
        deny: BTreeSet::new(),
        restricted: BTreeSet::from([id("NONE")]),
    };
    limits.short_sale = ShortSaleRule::RequireLocate;
    limits.self_match = SelfMatchRule::RejectNew;
    limits.long_max = Some(amount("1000000000"));
    limits.short_max = Some(amount("1000000000"));
    limits.gross_notional_max = vast();
    limits.net_notional_max = vast();
    limits.open_orders = Some(OpenOrdersLimit {
        max: 100_000_000,
        exit_reserve: 10,
    });
    limits.concentration = [Dimension::Underlying, Dimension::Venue]
        .map(|dimension| ConcentrationLimit {
            dimension,
            value: None,
            bound: ConcentrationBound::CapitalShare(Ratio::ONE),
        })
        .to_vec();
    limits.traded_notional_max = vast();
    limits.order_rate = Some(RateLimit {
        max: 1_000_000,
        window: SECOND / 1_000,
        exit_reserve: 100,
    });
    limits.notional_rate = Some(NotionalRateLimit {
        max: amount("1000000000000"),
        window: SECOND / 1_000,
        give_back: false,
    });
    limits
}

/// Every limit there is, each too tight for any order: what a reject with all its figures costs.
pub fn no_room() -> Limits {
    fn little<U>() -> Option<Amount<U>> {
        Some(amount("0.5"))
    }
    let mut limits = every_limit();
    limits.capital = little();
    limits.order_quantity_max = little();
    limits.order_base_quantity_max = little();
    limits.order_notional_max = little();
    limits.long_max = little();
    limits.short_max = little();
    limits.gross_notional_max = little();
    limits.net_notional_max = little();
    limits.traded_notional_max = little();
    limits.open_orders = Some(OpenOrdersLimit {
        max: 10,
        exit_reserve: 10,
    });
    limits.order_rate = Some(RateLimit {
        max: 100,
        window: SECOND / 1_000,
        exit_reserve: 100,
    });
    limits.notional_rate = limits.notional_rate.map(|limit| NotionalRateLimit {
        max: amount("0.5"),
        ..limit
    });
    limits
}

/// The one instrument of the orders.
pub fn instrument() -> Instrument {
    Instrument {
        id: id(orders::UNDERLYING),
        kind: InstrumentType::Equity,
        payoff: Payoff::Linear,
        underlying: id(orders::UNDERLYING),
        base: id(orders::UNDERLYING),
        quote: id(orders::SETTLEMENT),
        settle: id(orders::SETTLEMENT),
        multiplier: Ratio::ONE,
        tick: amount(orders::TICK),
        lot: amount("1"),
        expiry: None,
        option: None,
        underlying_instrument: None,
        sector: None,
        listings: vec![Listing {
            venue: id(orders::VENUE),
            symbol: orders::UNDERLYING.to_owned(),
        }],
        negative_prices: false,
        mark_max_age: 86_400 * SECOND,
        jump_max: None,
        source_divergence_max: DIVERGENCE_MAX,
        collar: None,
        version: 0,
    }
}

/// A limit that binds nobody at every level.
fn group(name: &str, level: Level, parent: Option<&str>) -> GroupSetup {
    let limits = GroupLimits {
        gross_notional_max: Some(amount("1000000000000000")),
        net_notional_max: Some(amount("1000000000000000")),
        order_rate: Some(RateLimit {
            max: 1_000_000,
            window: SECOND / 1_000,
            exit_reserve: 100,
        }),
        ..GroupLimits::unlimited(id(orders::SETTLEMENT))
    };
    GroupSetup {
        id: id(name),
        level,
        parent: parent.map(id),
        limits,
        calendar: Calendar::utc(),
        other_limits: None,
    }
}

/// Name of a bucket.
pub fn bucket_name(number: usize) -> String {
    format!("bench-{number:04}")
}

/// An engine of `firms` firms with a desk each, and `count` buckets with these limits spread over them evenly.
pub fn engine(count: usize, firms: usize, limits: &Limits, now: Now) -> Engine {
    engine_for(0, count, firms, limits, now)
}

/// The same with memory set aside for so many orders.
pub fn engine_for(
    orders_expected: usize,
    count: usize,
    firms: usize,
    limits: &Limits,
    now: Now,
) -> Engine {
    let groups = (0..firms).flat_map(|firm| {
        let (firm, desk) = (format!("firm-{firm}"), format!("desk-{firm}"));
        [
            group(&firm, Level::Firm, None),
            group(&desk, Level::Desk, Some(&firm)),
        ]
    });
    let setup = EngineSetup {
        default_quota: u32::MAX / 2,
        orders_expected,
        quarantine_parent: None,
        ..EngineSetup::new(id(orders::SETTLEMENT))
    };
    let engine = Engine::new(setup, groups.collect(), Vec::new(), vec![instrument()])
        .expect("a sound setup");
    // One by one: a million setups at once would be counted as memory of the buckets.
    for number in 0..count {
        let desk = format!("desk-{}", number % firms);
        add_bucket(&engine, &bucket_name(number), &desk, limits, None);
    }
    let _ = engine.push_mark(&mark(orders::UNDERLYING, orders::REFERENCE_PRICE, now), now);
    engine
}

/// A mark of now and nothing else.
pub fn mark(instrument: &str, price: &str, now: Now) -> MarkUpdate {
    MarkUpdate {
        instrument: id(instrument),
        mark: Some(amount(price)),
        bid: None,
        ask: None,
        last: None,
        index: None,
        source: None,
        source_time: now.wall,
        confirmed: false,
    }
}

/// One more bucket, on request with an order rate a second of its own.
pub fn add_bucket(engine: &Engine, name: &str, desk: &str, limits: &Limits, rate: Option<u32>) {
    let mut limits = limits.clone();
    if let Some(max) = rate {
        limits.order_rate = Some(RateLimit {
            max,
            window: SECOND,
            exit_reserve: 1,
        });
    }
    let setup = BucketSetup {
        parent: Some(id(desk)),
        accounts: vec![(id(orders::VENUE), id(orders::ACCOUNT))],
        ..BucketSetup::bare(id(name), limits)
    };
    engine.create_bucket(setup).expect("a new name");
}

/// An order as the engine takes it. A bucket trades one side only, so that its orders never meet each other.
pub fn order(order: &orders::Order, client: &str) -> order::Order {
    order::Order {
        key: OrderKey {
            client: id(client),
            cl_ord_id: id(&order.cl_ord_id),
        },
        bucket: id(&bucket_name(order.bucket)),
        instrument: id(orders::UNDERLYING),
        venue: id(orders::VENUE),
        account: Some(id(orders::ACCOUNT)),
        side: if order.bucket.is_multiple_of(2) {
            Side::Buy
        } else {
            Side::Sell
        },
        size: Size::Quantity(amount(&order.quantity)),
        terms: Terms::Limit {
            price: amount(&order.price),
        },
        time_in_force: TimeInForce::Day,
        display: None,
        attributes: Attributes {
            located: true,
            ..Attributes::default()
        },
    }
}

/// A moment so many nanoseconds later.
pub fn pass(now: &mut Now, nanos: u64) {
    now.mono = now.mono.saturating_add(nanos);
    now.wall = now
        .wall
        .saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX));
}

/// Decides orders one after the other, `spacing` nanoseconds apart; how many were approved.
pub fn decide_all(engine: &Engine, orders: &[order::Order], now: &mut Now, spacing: u64) -> usize {
    let mut approved = 0;
    for order in orders {
        pass(now, spacing);
        let answer = engine.decide(order, *now, false).expect("a known bucket");
        approved += usize::from(answer.decision.route().is_some());
    }
    approved
}

/// An engine that threads share.
pub type Shared = Arc<Engine>;
