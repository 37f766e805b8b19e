//! What the levels above a bucket add: an approve at one level and at three, and what a second thread adds on a sibling's bucket where the
//! firm above both has limits and where it has none.

use std::error::Error;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use bulkhead::domain::decision::{Dimension, Level};
use bulkhead::domain::order::Order;
use bulkhead::domain::time::SECOND;
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{BucketSetup, EngineSetup, GroupSetup};
use bulkhead::risk::calendar::Calendar;
use bulkhead::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, NotionalRateLimit, OpenOrdersLimit,
    RateLimit,
};

use super::gateway;
use super::options::Effort;
use super::subject::{SPACING, Supply};
use super::support::report::{Bar, Ratio, Report, Row};
use super::support::rounds::{Table, nanos_each, per_second};
use super::support::{clock, machine, orders};

const THREE_LEVELS_MAX: f64 = 1.6;
const SIBLING_MIN: f64 = 1.5;
const LIMITED_SIBLING_MIN: f64 = 1.3;
/// Orders of each thread before the clock starts.
const WARM_UP: usize = 10_000;

pub fn measure(
    effort: &Effort,
    cores: &[usize],
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    levels(effort, report)?;
    let &[.., other, own] = cores else {
        report.say("path: siblings need two cores");
        return Ok(());
    };
    siblings(effort, [own, other], report)
}

/// An approve of a bucket that hangs under nothing, and of one under a desk and a firm, each with every limit; in turns.
fn levels(effort: &Effort, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let every = every_group_limit();
    let alone = engine(Vec::new(), &[None])?;
    let under = engine(
        vec![
            group("firm", Level::Firm, None, &every),
            group("desk", Level::Desk, Some("firm"), &every),
        ],
        &[Some("desk")],
    )?;
    let mut subjects = [alone, under].map(|engine| (engine, gateway::START, supply(0)));
    let count = effort.orders;
    let table = Table::measure(effort.rounds, effort.retries, || {
        let mut round = Vec::new();
        for (engine, now, supply) in &mut subjects {
            let orders = supply.batch(count);
            let (cpu, approved) =
                clock::thread_cpu_of(|| gateway::decide_all(engine, &orders, now, SPACING));
            all_approved(approved, count)?;
            round.push(nanos_each(cpu, count));
        }
        Ok::<_, Box<dyn Error>>(round)
    })?;
    for (column, said) in ["one level", "three levels"].into_iter().enumerate() {
        report.row(Row {
            name: format!("path/approve, every limit, {said}"),
            unit: "ns",
            spread: table.spread(column).ok_or("no round")?,
            also: Vec::new(),
            noise: table.noise,
        });
    }
    report.ratio(Ratio {
        name: "approve through three levels to one".to_owned(),
        value: table.ratio(1, 0).ok_or("no round")?.median,
        bar: Some(Bar::AtMost(THREE_LEVELS_MAX)),
    });
    Ok(())
}

/// One thread on one bucket, and two on two buckets of one firm: without a limit above them, and with every one.
fn siblings(
    effort: &Effort,
    [own, other]: [usize; 2],
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let none = GroupLimits::unlimited(gateway::id(orders::SETTLEMENT));
    let cases = [
        ("no limit above", none, SIBLING_MIN),
        (
            "every limit above",
            every_group_limit(),
            LIMITED_SIBLING_MIN,
        ),
    ];
    let table = Table::measure(effort.rounds, effort.retries, || {
        let mut round = Vec::new();
        for (_, limits, _) in &cases {
            for cores in [&[own][..], &[own, other][..]] {
                round.push(race(limits, cores, effort.thread_orders)?);
            }
        }
        Ok::<_, Box<dyn Error>>(round)
    })?;
    for (at, (said, _, bar)) in cases.iter().enumerate() {
        for (column, threads) in [(2 * at, "one thread"), (2 * at + 1, "two threads")] {
            report.row(Row {
                name: format!("path/siblings, {said}, {threads}"),
                unit: "orders/s",
                spread: table.spread(column).ok_or("no round")?,
                also: Vec::new(),
                noise: table.noise,
            });
        }
        report.ratio(Ratio {
            name: format!("second thread on a sibling: {said}"),
            value: table.ratio(2 * at + 1, 2 * at).ok_or("no round")?.median,
            bar: Some(Bar::AtLeast(*bar)),
        });
    }
    Ok(())
}

/// Orders a second of all threads together, each on a core and a bucket of its own, on an engine that was just built.
fn race(limits: &GroupLimits, cores: &[usize], count: usize) -> Result<f64, Box<dyn Error>> {
    let groups = vec![group("firm", Level::Firm, None, limits)];
    let engine = engine(groups, &[Some("firm"), Some("firm")])?;
    let lanes: Vec<(usize, Vec<Order>)> = cores
        .iter()
        .enumerate()
        .map(|(lane, core)| (*core, supply(lane).batch(WARM_UP + count)))
        .collect();
    let start = Barrier::new(lanes.len());
    let run = |core: usize, orders: &[Order]| -> Result<(Instant, Instant), String> {
        let pinned = machine::pin(core);
        let mut now = gateway::START;
        let (warm_up, orders) = orders.split_at(WARM_UP.min(orders.len()));
        gateway::decide_all(&engine, warm_up, &mut now, SPACING);
        // Everyone comes here, whatever happened: nobody is left waiting.
        start.wait();
        let from = Instant::now();
        let approved = gateway::decide_all(&engine, orders, &mut now, SPACING);
        let to = Instant::now();
        pinned.map_err(|error| error.to_string())?;
        all_approved(approved, orders.len()).map_err(|error| error.to_string())?;
        Ok((from, to))
    };
    let finished: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .iter()
            .map(|(core, orders)| scope.spawn(|| run(*core, orders)))
            .collect();
        let joined = lanes.into_iter().map(|lane| match lane.join() {
            Ok(finished) => finished,
            Err(_) => Err("a thread panicked".to_owned()),
        });
        joined.collect::<Result<_, String>>()
    })?;
    let first = finished.iter().map(|(from, _)| *from).min();
    let last = finished.iter().map(|(_, to)| *to).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Err("no thread".into());
    };
    Ok(per_second(
        last - first,
        u64::try_from(cores.len() * count)?,
    ))
}

/// Orders for one bucket.
fn supply(bucket: usize) -> Supply {
    let client = if bucket == 0 { "oms-1" } else { "oms-2" };
    Supply::over_every(bucket, 1, 1, client)
}

fn all_approved(approved: usize, of: usize) -> Result<(), Box<dyn Error>> {
    if approved == of {
        Ok(())
    } else {
        Err(format!("approved {approved} of {of} orders").into())
    }
}

/// Every limit a group can have, wide enough to bind nobody.
fn every_group_limit() -> GroupLimits {
    let vast = || Some(gateway::amount("1000000000000000"));
    let each = |dimension| ConcentrationLimit {
        dimension,
        value: None,
        bound: ConcentrationBound::Money(gateway::amount("1000000000000000")),
    };
    GroupLimits {
        long_max: Some(gateway::amount("1000000000000")),
        short_max: Some(gateway::amount("1000000000000")),
        gross_notional_max: vast(),
        net_notional_max: vast(),
        open_orders: Some(OpenOrdersLimit {
            max: 1_000_000_000,
            exit_reserve: 10,
        }),
        concentration: vec![each(Dimension::Underlying), each(Dimension::Venue)],
        traded_notional_max: vast(),
        order_rate: Some(RateLimit {
            max: 1_000_000,
            window: SECOND / 1_000,
            exit_reserve: 100,
        }),
        notional_rate: Some(NotionalRateLimit {
            max: gateway::amount("1000000000000000"),
            window: SECOND / 1_000,
            give_back: false,
        }),
        ..GroupLimits::unlimited(gateway::id(orders::SETTLEMENT))
    }
}

fn group(name: &str, level: Level, parent: Option<&str>, limits: &GroupLimits) -> GroupSetup {
    GroupSetup {
        id: gateway::id(name),
        level,
        parent: parent.map(gateway::id),
        limits: limits.clone(),
        calendar: Calendar::utc(),
        other_limits: None,
    }
}

/// An engine of these groups, with a bucket under each of the parents that has every limit itself.
fn engine(groups: Vec<GroupSetup>, parents: &[Option<&str>]) -> Result<Engine, Box<dyn Error>> {
    let buckets = parents.iter().enumerate().map(|(number, parent)| {
        let name = gateway::bucket_name(number);
        let mut bucket = BucketSetup::bare(gateway::id(&name), gateway::every_limit());
        bucket.parent = parent.map(gateway::id);
        bucket.accounts = vec![(gateway::id(orders::VENUE), gateway::id(orders::ACCOUNT))];
        bucket
    });
    let setup = EngineSetup {
        default_quota: u32::MAX / 2,
        ..EngineSetup::new(gateway::id(orders::SETTLEMENT))
    };
    let instruments = vec![gateway::instrument()];
    let engine = Engine::new(setup, groups, buckets.collect(), instruments)?;
    let price = orders::REFERENCE_PRICE;
    let mark = gateway::mark(orders::UNDERLYING, price, gateway::START);
    let _ = engine.push_mark(&mark, gateway::START);
    Ok(engine)
}
