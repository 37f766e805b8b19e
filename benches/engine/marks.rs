//! What a new mark costs whoever pushes it, and for how long it holds the buckets that hold the instrument.
//!
//! Each tick moves the worth of every live order in it, except where the line says otherwise: the orders lie around 187.5, the marks
//! alternate above all of them.

use std::error::Error;

use bulkhead::engine::market::{Accepted, MarkUpdate};

use super::gateway;
use super::options::Effort;
use super::subject::Subject;
use super::support::report::{Report, Row};
use super::support::rounds::{Table, nanos_each};
use super::support::{clock, orders};

/// Buckets with one live order each in the widest line.
const WIDE: usize = 1_000;

struct Held {
    name: String,
    subject: Subject,
    prices: [&'static str; 2],
    ticks: usize,
}

impl Held {
    /// An instrument that so many buckets hold, with so many live orders in each.
    fn new(
        name: &str,
        (buckets, each): (usize, usize),
        prices: [&'static str; 2],
        effort: &Effort,
    ) -> Result<Self, Box<dyn Error>> {
        let mut subject = Subject::new(buckets.max(1), &gateway::every_limit());
        for _ in 0..each {
            let orders = subject.supply.one_each(0, buckets);
            subject.approve(&orders)?;
        }
        let held = (buckets * each).max(1);
        Ok(Self {
            name: format!("mark/{name}"),
            subject,
            prices,
            // Some milliseconds of each in every round.
            ticks: (4 * effort.orders / held).clamp(10, 20_000),
        })
    }

    /// Nanoseconds of a tick.
    fn tick(&mut self) -> Result<f64, Box<dyn Error>> {
        let now = &mut self.subject.now;
        let [one, other] = self
            .prices
            .map(|price| gateway::mark(orders::UNDERLYING, price, *now));
        let mut marks = [one, other].into_iter().cycle();
        let marks: Vec<_> = (0..self.ticks)
            .filter_map(|_| {
                gateway::pass(now, 1_000_000);
                let mark = marks.next()?;
                let source_time = now.wall;
                Some((
                    MarkUpdate {
                        source_time,
                        ..mark
                    },
                    *now,
                ))
            })
            .collect();
        let engine = &self.subject.engine;
        let (cpu, taken) = clock::thread_cpu_of(|| {
            let mut taken = 0;
            for (mark, now) in &marks {
                let accepted = engine.push_mark(mark, *now);
                taken += usize::from(matches!(accepted, Accepted::At(_)));
            }
            taken
        });
        if taken == self.ticks {
            Ok(nanos_each(cpu, taken))
        } else {
            Err(format!("{taken} of {} marks were taken", self.ticks).into())
        }
    }
}

pub fn measure(effort: &Effort, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let (above, below) = (["191", "192"], ["180", "181"]);
    let wide = format!("held by {WIDE} buckets, an order each");
    let mut held = [
        Held::new("held by nobody", (0, 0), above, effort)?,
        Held::new("held by a bucket with 1 order", (1, 1), above, effort)?,
        Held::new("held by a bucket with 100 orders", (1, 100), above, effort)?,
        Held::new(
            "held by a bucket with 10000 orders",
            (1, 10_000),
            above,
            effort,
        )?,
        Held::new(
            "held by a bucket with 10000 orders, none moved",
            (1, 10_000),
            below,
            effort,
        )?,
        Held::new(&wide, (WIDE, 1), above, effort)?,
    ];
    let table = Table::measure(effort.rounds, effort.retries, || {
        held.iter_mut()
            .map(Held::tick)
            .collect::<Result<Vec<f64>, Box<dyn Error>>>()
    })?;
    for (cell, held) in held.iter().enumerate() {
        report.row(Row {
            name: held.name.clone(),
            unit: "ns",
            spread: table.spread(cell).ok_or("no round")?,
            also: Vec::new(),
            noise: table.noise,
        });
    }
    Ok(())
}
