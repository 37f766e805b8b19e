//! The longest an order waits because the engine's store grows: every decision of a long run of new orders is timed by itself.
//!
//! The machine pauses a thread too, whatever it does: between batches of orders the same thread does nothing for as many moments, and what
//! that looks like stands beside. `--untouched` shows what the first touch of memory adds.

use std::error::Error;
use std::time::{Duration, Instant};

use super::gateway;
use super::latency::Latency;
use super::options::Effort;
use super::subject::{SPACING, Subject};
use super::support::machine::{self, Watch};
use super::support::report::{Report, Row};
use super::support::rounds::Spread;

const BUCKETS: usize = 1_000;
const BATCH: usize = 20_000;
/// About as long as a decision.
const MOMENT: Duration = Duration::from_micros(1);
const LONG: Duration = Duration::from_micros(100);

pub fn measure(effort: &Effort, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let mut subject = Subject::new(BUCKETS, &gateway::every_limit());
    let (mut decisions, mut nothing) = (Latency::new()?, Latency::new()?);
    let watch = Watch::start(&[]);
    let (mut decided, mut faults) = (0, 0);
    while decided < effort.pause_orders {
        let orders = subject.supply.batch(BATCH);
        let before = machine::page_faults();
        for order in &orders {
            gateway::pass(&mut subject.now, SPACING);
            let start = Instant::now();
            let answer = subject.engine.decide(order, subject.now, false)?;
            decisions.record(start.elapsed());
            if answer.decision.route().is_none() {
                return Err("an order was refused".into());
            }
        }
        faults += machine::page_faults() - before;
        decided += orders.len();
        for _ in 0..orders.len() {
            let start = Instant::now();
            while start.elapsed() < MOMENT {
                std::hint::spin_loop();
            }
            nothing.record(start.elapsed());
        }
    }
    let noise = watch.noise();
    let touched = faults as f64 / decided as f64;
    let lines = [
        (format!("pauses/{decided} new orders, p99.99"), &decisions),
        (format!("pauses/{decided} times nothing, p99.99"), &nothing),
    ];
    for (line, (name, latency)) in lines.into_iter().enumerate() {
        let mut also = vec![
            ("p50", latency.micros(50.0)),
            ("p99", latency.micros(99.0)),
            ("p99.9", latency.micros(99.9)),
            ("most", latency.micros(100.0)),
            ("over 100 us", latency.beyond(LONG)),
        ];
        if line == 0 {
            also.push(("page faults/order", touched));
        }
        report.row(Row {
            name,
            unit: "us",
            spread: Spread::of(&[latency.micros(99.99)]).ok_or("no order")?,
            also,
            noise,
        });
    }
    Ok(())
}
