//! A bucket's decisions at 1,000 a second, alone and while another bucket with a limit of 1,000 a second is flooded as fast as a second
//! thread can. Where the flood shows, and where it does not: the bar itself is measured over the wire.
//!
//! Latencies count from planned times, so that a stall is charged to every order it held back. The quiet thread spins on its own core.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bulkhead::domain::name::ClOrdId;
use bulkhead::domain::order::Order;
use bulkhead::domain::time::Now;
use bulkhead::engine::Engine;

use super::gateway;
use super::latency::Latency;
use super::options::Effort;
use super::subject::Subject;
use super::support::machine;
use super::support::report::{Ratio, Report, Row};
use super::support::rounds::{Table, per_second};

/// Orders a second of the quiet bucket.
const QUIET_RATE: u32 = 1_000;
/// Orders a second the flooded bucket may send.
const FLOODED_MAX: u32 = 1_000;
const FLOODED: &str = "flooded";
const WARM_UP: usize = 200;

/// Where the flooded bucket hangs; the quiet one is under the first desk.
const PLACES: &[(&str, &str)] = &[("the same desk", "desk-0"), ("another firm", "desk-1")];

pub fn measure(
    effort: &Effort,
    cores: &[usize],
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let &[.., other, own] = cores else {
        report.say("neighbour: needs two cores");
        return Ok(());
    };
    machine::pin(own)?;
    for &(place, desk) in PLACES {
        let (mut alone, mut beside) = (Latency::new()?, Latency::new()?);
        let table = Table::measure(effort.rounds, effort.retries, || {
            let round = round(desk, other, effort.paced_time)?;
            alone.add(&round.alone)?;
            beside.add(&round.beside)?;
            Ok::<_, Box<dyn Error>>(vec![
                round.alone.micros(99.0),
                round.beside.micros(99.0),
                round.flood,
            ])
        })?;
        let flood = table.spread(2).ok_or("no round")?.median;
        let cells = [("alone", &alone), ("beside a flood", &beside)];
        for (cell, (said, latency)) in cells.into_iter().enumerate() {
            let mut also = vec![
                ("p50", latency.micros(50.0)),
                ("p99.9", latency.micros(99.9)),
                ("most", latency.micros(100.0)),
            ];
            if cell > 0 {
                also.push(("flood/s", flood));
            }
            report.row(Row {
                name: format!("neighbour/{place}, {said}, p99"),
                unit: "us",
                spread: table.spread(cell).ok_or("no round")?,
                also,
                noise: table.noise,
            });
        }
        report.ratio(Ratio {
            name: format!("p99 beside a flood in {place}"),
            value: table.ratio(1, 0).ok_or("no round")?.median,
            bar: None,
        });
    }
    Ok(())
}

struct Round {
    alone: Latency,
    beside: Latency,
    /// Orders a second of the flood.
    flood: f64,
}

fn round(desk: &str, core: usize, time: Duration) -> Result<Round, Box<dyn Error>> {
    let limits = gateway::every_limit();
    let mut subject = Subject::of_firms(2, 1, &limits);
    gateway::add_bucket(&subject.engine, FLOODED, desk, &limits, Some(FLOODED_MAX));
    let count = usize::try_from(time.as_millis())? * QUIET_RATE as usize / 1_000;
    let warm_up = subject.supply.batch(WARM_UP);
    subject.approve(&warm_up)?;
    let (first, second) = (subject.supply.batch(count), subject.supply.batch(count));
    let mut template = subject.supply.next().ok_or("no order")?;
    template.bucket = FLOODED.parse()?;
    template.key.client = "flood".parse()?;

    let (engine, since) = (&subject.engine, (Instant::now(), subject.now));
    let alone = paced(engine, &first, since)?;
    let stop = AtomicBool::new(false);
    let (beside, flooded) = thread::scope(|scope| {
        let flood = scope.spawn(|| flood(engine, core, &template, since, &stop));
        let beside = paced(engine, &second, since);
        stop.store(true, Ordering::Relaxed);
        let flooded = flood.join().map_err(|_| "the flood panicked");
        (beside, flooded)
    });
    Ok(Round {
        alone,
        beside: beside?,
        flood: flooded??,
    })
}

/// The time of the engine, as much later as the clock says.
fn at((start, now): (Instant, Now)) -> Now {
    let mut now = now;
    let passed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    gateway::pass(&mut now, passed);
    now
}

/// Decides orders at their planned times; all have to be approved.
fn paced(
    engine: &Engine,
    orders: &[Order],
    since: (Instant, Now),
) -> Result<Latency, Box<dyn Error>> {
    let mut latency = Latency::new()?;
    let interval = Duration::from_secs(1) / QUIET_RATE;
    let mut planned = Instant::now();
    for order in orders {
        planned += interval;
        while Instant::now() < planned {
            std::hint::spin_loop();
        }
        let answer = engine.decide(order, at(since), false)?;
        latency.record(planned.elapsed());
        if answer.decision.route().is_none() {
            return Err("an order of the quiet bucket was refused".into());
        }
    }
    Ok(latency)
}

/// New orders as fast as they can be made, until told to stop; how many a second.
fn flood(
    engine: &Engine,
    core: usize,
    template: &Order,
    since: (Instant, Now),
    stop: &AtomicBool,
) -> Result<f64, String> {
    machine::pin(core).map_err(|error| error.to_string())?;
    let (start, mut sent) = (Instant::now(), 0_u64);
    while !stop.load(Ordering::Relaxed) {
        sent += 1;
        let mut order = template.clone();
        let id: Result<ClOrdId, _> = format!("F-{sent:010}").parse();
        order.key.cl_ord_id = id.map_err(|error| error.to_string())?;
        engine
            .decide(&order, at(since), false)
            .map_err(|error| error.to_string())?;
    }
    Ok(per_second(start.elapsed(), sent))
}
