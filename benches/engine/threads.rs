//! What a second thread adds: each thread on a core of its own decides new orders, by wall time.
//!
//! One thread and two take turns in every round, each on an engine that was just built. The factor by CPU time is what the second
//! thread would add if nobody else used the cores: it counts what the threads cost each other's caches and how long they spin for a lock,
//! but not how long they sleep for one.

use std::error::Error;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use bulkhead::domain::name::InstrumentId;
use bulkhead::domain::order::Order;
use bulkhead::engine::Engine;
use bulkhead::risk::limits::Limits;

use super::gateway;
use super::options::Effort;
use super::subject::{SPACING, Subject, Supply};
use super::support::report::{Bar, Ratio, Report, Row};
use super::support::rounds::{Table, nanos_each, per_second};
use super::support::{clock, machine, orders};

const SECOND_MIN: f64 = 1.7;
const OTHER_INSTRUMENT: &str = "MSFT";
/// Orders of each thread before the clock starts.
const WARM_UP: usize = 10_000;
/// Of one thread and of two: rate, CPU time of an order, and pages the kernel had to provide for it.
const COLUMNS: usize = 6;
const TWO: usize = 3;

/// Which buckets the two threads use: first, step and number of each.
struct Scenario {
    name: &'static str,
    firms: usize,
    buckets: [(usize, usize, usize); 2],
    /// Whether the second thread trades another instrument.
    own_instrument: bool,
    bar: Option<Bar>,
}

/// Bucket `n` belongs to firm `n` modulo firms; a firm has one desk.
const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "the same bucket",
        firms: 1,
        buckets: [(0, 1, 1), (0, 1, 1)],
        own_instrument: false,
        bar: None,
    },
    Scenario {
        name: "another bucket of the desk",
        firms: 1,
        buckets: [(0, 1, 1), (1, 1, 1)],
        own_instrument: false,
        bar: None,
    },
    Scenario {
        name: "a bucket of another firm",
        firms: 2,
        buckets: [(0, 1, 1), (1, 1, 1)],
        own_instrument: false,
        bar: Some(Bar::AtLeast(SECOND_MIN)),
    },
    Scenario {
        name: "a bucket of another firm, another instrument",
        firms: 2,
        buckets: [(0, 1, 1), (1, 1, 1)],
        own_instrument: true,
        bar: None,
    },
    Scenario {
        name: "500 buckets of each of two firms",
        firms: 2,
        buckets: [(0, 2, 500), (1, 2, 500)],
        own_instrument: false,
        bar: Some(Bar::AtLeast(SECOND_MIN)),
    },
    Scenario {
        name: "500 buckets of each, another instrument",
        firms: 2,
        buckets: [(0, 2, 500), (1, 2, 500)],
        own_instrument: true,
        bar: None,
    },
];

pub fn measure(
    effort: &Effort,
    cores: &[usize],
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let &[.., other, own] = cores else {
        report.say("threads: needs two cores");
        return Ok(());
    };
    let table = Table::measure(effort.rounds, effort.retries, || {
        let mut round = Vec::new();
        for scenario in SCENARIOS {
            round.extend(scenario.race(&[own], effort.thread_orders)?);
            round.extend(scenario.race(&[own, other], effort.thread_orders)?);
        }
        Ok::<_, Box<dyn Error>>(round)
    })?;
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        for (threads, column) in [("one thread", 0), ("two threads", TWO)] {
            let cell = COLUMNS * at + column;
            let median = |cell| Ok::<_, &str>(table.spread(cell).ok_or("no round")?.median);
            report.row(Row {
                name: format!("threads/{}, {threads}", scenario.name),
                unit: "orders/s",
                spread: table.spread(cell).ok_or("no round")?,
                also: vec![
                    ("ns CPU", median(cell + 1)?),
                    ("page faults/order", median(cell + 2)?),
                ],
                noise: table.noise,
            });
        }
    }
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        let cell = COLUMNS * at;
        report.ratio(Ratio {
            name: format!("second thread: {}", scenario.name),
            value: table.ratio(cell + TWO, cell).ok_or("no round")?.median,
            bar: scenario.bar,
        });
        let slower = table
            .ratio(cell + 1, cell + TWO + 1)
            .ok_or("no round")?
            .median;
        report.ratio(Ratio {
            name: format!("second thread, by CPU time: {}", scenario.name),
            value: 2.0 * slower,
            bar: None,
        });
    }
    Ok(())
}

impl Scenario {
    /// Orders a second of all threads together, one on each core; nanoseconds of CPU time and page faults of an order.
    fn race(&self, cores: &[usize], count: usize) -> Result<[f64; TWO], Box<dyn Error>> {
        let Subject { engine, .. } = self.subject()?;
        let mut lanes = Vec::new();
        let clients = ["oms-1", "oms-2"];
        for (lane, &core) in cores.iter().enumerate() {
            let (Some(&(first, step, buckets)), Some(client)) =
                (self.buckets.get(lane), clients.get(lane))
            else {
                return Err("more threads than buckets".into());
            };
            let mut supply = Supply::over_every(first, step, buckets, client);
            let mut orders = supply.batch(WARM_UP + count);
            if self.own_instrument && lane > 0 {
                let instrument: InstrumentId = OTHER_INSTRUMENT.parse()?;
                for order in &mut orders {
                    order.instrument = instrument.clone();
                }
            }
            lanes.push((core, orders));
        }
        let start = Barrier::new(lanes.len());
        let faults = machine::page_faults();
        let finished: Vec<Finish> = thread::scope(|scope| {
            let lanes: Vec<_> = lanes
                .iter()
                .map(|(core, orders)| scope.spawn(|| run(&engine, *core, orders, &start)))
                .collect();
            let joined = lanes.into_iter().map(|lane| match lane.join() {
                Ok(finish) => finish,
                Err(_) => Err("a thread panicked".to_owned()),
            });
            joined.collect::<Result<_, _>>()
        })?;
        let faults = machine::page_faults() - faults;
        let first = finished.iter().map(|finish| finish.from).min();
        let last = finished.iter().map(|finish| finish.to).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Err("no thread".into());
        };
        let all = cores.len() * count;
        let cpu: Duration = finished.iter().map(|finish| finish.cpu).sum();
        Ok([
            per_second(last - first, u64::try_from(all)?),
            nanos_each(cpu, all),
            faults as f64 / all as f64,
        ])
    }

    fn subject(&self) -> Result<Subject, Box<dyn Error>> {
        let buckets = self.buckets.iter();
        let last = buckets.map(|(first, step, count)| first + step * (count - 1) + 1);
        let mut limits: Limits = gateway::every_limit();
        if let Some(allowed) = &mut limits.instruments.allow {
            allowed.insert(OTHER_INSTRUMENT.parse()?);
        }
        let subject = Subject::of_firms(self.firms, last.max().unwrap_or(0), &limits);
        let mut other = gateway::instrument();
        other.id = OTHER_INSTRUMENT.parse()?;
        subject.engine.upsert_instrument(other, subject.now)?;
        let mark = gateway::mark(OTHER_INSTRUMENT, orders::REFERENCE_PRICE, subject.now);
        subject.engine.push_mark(&mark, subject.now);
        Ok(subject)
    }
}

/// When a thread began and ended, and the CPU time it took.
struct Finish {
    from: Instant,
    to: Instant,
    cpu: Duration,
}

fn run(engine: &Engine, core: usize, orders: &[Order], start: &Barrier) -> Result<Finish, String> {
    let pinned = machine::pin(core);
    let mut now = gateway::START;
    let (warm_up, orders) = orders.split_at(WARM_UP.min(orders.len()));
    gateway::decide_all(engine, warm_up, &mut now, SPACING);
    // Everyone comes here, whatever happened: nobody is left waiting.
    start.wait();
    let from = Instant::now();
    let (cpu, approved) =
        clock::thread_cpu_of(|| gateway::decide_all(engine, orders, &mut now, SPACING));
    let to = Instant::now();
    pinned.map_err(|error| error.to_string())?;
    if approved == orders.len() {
        Ok(Finish { from, to, cpu })
    } else {
        Err(format!("approved {approved} of {} orders", orders.len()))
    }
}
