//! Short ways to build an engine and to talk to it.
#![allow(dead_code, reason = "each test module uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use bulkhead::domain::amount::{Amount, Price, Quantity, Ratio};
use bulkhead::domain::decision::{Level, Outcome, Reason};
use bulkhead::domain::instrument::{Instrument, InstrumentType, Listing, Payoff};
use bulkhead::domain::name::{Kind, Name};
use bulkhead::domain::order::{
    Attributes, Order, OrderKey, Replace, Side, Size, Terms, TimeInForce,
};
use bulkhead::domain::report::{Fill, Report, ReportKind};
use bulkhead::domain::source::DIVERGENCE_MAX;
use bulkhead::domain::time::{Now, SECOND};
use bulkhead::engine::Engine;
use bulkhead::engine::answer::{Answer, Receipt};
use bulkhead::engine::market::MarkUpdate;
use bulkhead::engine::setup::{BucketSetup, EngineSetup, GroupSetup};
use bulkhead::risk::calendar::Calendar;
use bulkhead::risk::limits::{GroupLimits, Limits};

/// A name of any kind.
pub fn id<K: Kind>(text: &str) -> Name<K> {
    text.parse().expect("a name")
}

/// An amount of any unit.
pub fn amount<U>(text: &str) -> Amount<U> {
    text.parse().expect("an amount")
}

/// Noon of a day, and a while after the start.
pub const START: Now = Now {
    wall: 1_800_000_000_000_000_000,
    mono: 1_000 * SECOND,
};

/// So many nanoseconds later.
pub fn later(now: Now, nanos: u64) -> Now {
    Now {
        wall: now.wall + i64::try_from(nanos).unwrap(),
        mono: now.mono + nanos,
    }
}

/// A linear perpetual in USD on two venues.
pub fn perpetual(name: &str) -> Instrument {
    Instrument {
        id: id(name),
        kind: InstrumentType::Perpetual,
        payoff: Payoff::Linear,
        underlying: id("BTC"),
        base: id("BTC"),
        quote: id("USD"),
        settle: id("USD"),
        multiplier: Ratio::ONE,
        tick: amount("0.01"),
        lot: amount("0.001"),
        expiry: None,
        option: None,
        underlying_instrument: None,
        sector: None,
        listings: ["X", "Y"]
            .map(|venue| Listing {
                venue: id(venue),
                symbol: name.to_owned(),
            })
            .to_vec(),
        negative_prices: false,
        mark_max_age: 60 * SECOND,
        jump_max: None,
        source_divergence_max: DIVERGENCE_MAX,
        collar: None,
        version: 0,
    }
}

/// Limits in USD that limit nothing.
pub fn limits() -> Limits {
    Limits::unlimited(id("USD"))
}

/// A bucket under a desk with one account at venue X.
pub fn bucket(name: &str, desk: Option<&str>, limits: Limits) -> BucketSetup {
    let mut setup = BucketSetup::bare(id(name), limits);
    setup.parent = desk.map(id);
    setup.accounts = vec![(id("X"), id(&format!("{name}-x")))];
    setup
}

/// A firm with one desk.
pub fn firm() -> Vec<GroupSetup> {
    let group = |name: &str, level, parent: Option<&str>| GroupSetup {
        id: id(name),
        level,
        parent: parent.map(id),
        limits: GroupLimits::unlimited(id("USD")),
        calendar: Calendar::utc(),
        other_limits: None,
    };
    vec![
        group("firm", Level::Firm, None),
        group("desk", Level::Desk, Some("firm")),
    ]
}

/// An engine of one firm with these buckets, and BTC at 100.
pub fn engine(buckets: Vec<BucketSetup>) -> Engine {
    let engine = Engine::new(
        EngineSetup::new(id("USD")),
        firm(),
        buckets,
        vec![perpetual("BTC")],
    )
    .unwrap();
    mark(&engine, "BTC", "100", START);
    engine
}

/// Pushes a mark.
pub fn mark(engine: &Engine, instrument: &str, price: &str, now: Now) {
    let update = MarkUpdate {
        instrument: id(instrument),
        mark: Some(amount(price)),
        bid: None,
        ask: None,
        last: None,
        index: None,
        source: None,
        source_time: now.wall,
        confirmed: false,
    };
    engine.push_mark(&update, now);
}

/// A limit order of client `c` for bucket `b` in BTC at venue X.
pub fn order(cl_ord_id: &str, side: Side, quantity: &str, price: &str) -> Order {
    Order {
        key: OrderKey {
            client: id("c"),
            cl_ord_id: id(cl_ord_id),
        },
        bucket: id("b"),
        instrument: id("BTC"),
        venue: id("X"),
        account: None,
        side,
        size: Size::Quantity(amount(quantity)),
        terms: Terms::Limit {
            price: amount(price),
        },
        time_in_force: TimeInForce::Day,
        display: None,
        attributes: Attributes::default(),
    }
}

/// A replace of an order of client `c`.
pub fn replace(cl_ord_id: &str, original: &str, quantity: &str, price: &str) -> Replace {
    Replace {
        key: OrderKey {
            client: id("c"),
            cl_ord_id: id(cl_ord_id),
        },
        original: id(original),
        quantity: amount(quantity),
        terms: Terms::Limit {
            price: amount(price),
        },
    }
}

/// A report about an order of client `c`, from the account of bucket `b` at venue X.
pub fn report(cl_ord_id: &str, exec: &str, kind: ReportKind) -> Report {
    Report {
        client: id("c"),
        cl_ord_id: id(cl_ord_id),
        exec_id: Some(id(exec)),
        kind,
        cum: None,
        leaves: None,
        venue: id("X"),
        account: None,
        trade_date: 20_270_115,
        bucket: None,
        instrument: None,
        side: None,
    }
}

/// A fill.
pub fn fill(quantity: &str, price: &str) -> Fill {
    Fill {
        quantity: amount(quantity),
        price: amount(price),
        fee: Amount::ZERO,
        fee_currency: None,
    }
}

/// Fills part of an order.
pub fn trade(
    engine: &Engine,
    cl_ord_id: &str,
    exec: &str,
    quantity: &str,
    price: &str,
    now: Now,
) -> Receipt {
    engine.report(
        &report(cl_ord_id, exec, ReportKind::Trade(fill(quantity, price))),
        now,
    )
}

/// Reasons of a reject; none for an approval.
pub fn reasons(answer: &Answer) -> Vec<Reason> {
    match &answer.decision.outcome {
        Outcome::Rejected(findings) => findings.iter().map(|finding| finding.reason).collect(),
        Outcome::Approved(_) | Outcome::Rerouted { .. } => Vec::new(),
    }
}

/// Position of bucket `b` in BTC.
pub fn position(engine: &Engine, now: Now) -> Quantity {
    let bucket = engine.bucket(&id("b")).unwrap();
    let view = engine.bucket_view(&bucket, now);
    view.positions
        .first()
        .map_or(Quantity::ZERO, |position| position.quantity)
}

/// Price of any text.
pub fn price(text: &str) -> Price {
    amount(text)
}
