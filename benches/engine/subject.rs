//! An engine under measurement: its time, and the orders that are put to it.

use std::error::Error;
use std::time::Duration;

use bulkhead::domain::amount::Money;
use bulkhead::domain::order::{Order, Size, Terms};
use bulkhead::domain::report::{Fill, Report, ReportKind};
use bulkhead::domain::time::Now;
use bulkhead::engine::Engine;
use bulkhead::risk::limits::Limits;

use super::gateway;
use super::support::{clock, orders};

/// Simulated time between two orders, nanoseconds: a million orders a second.
pub const SPACING: u64 = 1_000;

/// Orders made at a time, some 400 bytes each.
const AT_A_TIME: usize = 500;

/// New orders without end, each under its own id.
pub struct Supply {
    source: orders::Orders,
    client: &'static str,
    /// Number of the first bucket, and the step to the next one.
    buckets: (usize, usize),
}

impl Supply {
    /// Over the first so many buckets, uniform.
    pub fn over(buckets: usize, client: &'static str) -> Self {
        Self::over_every(0, 1, buckets, client)
    }

    /// Over so many buckets from `first` on, every `step`th, uniform.
    pub fn over_every(first: usize, step: usize, buckets: usize, client: &'static str) -> Self {
        Self {
            source: orders::Orders::over(buckets),
            client,
            buckets: (first, step),
        }
    }

    pub fn batch(&mut self, count: usize) -> Vec<Order> {
        self.by_ref().take(count).collect()
    }

    /// One order for each bucket from `from` to below `to`.
    pub fn one_each(&mut self, from: usize, to: usize) -> Vec<Order> {
        let (first, step) = self.buckets;
        let numbers = (from..to).map(|number| first + step * number);
        numbers
            .zip(self.source.by_ref())
            .map(|(bucket, order)| self::order(orders::Order { bucket, ..order }, self.client))
            .collect()
    }
}

impl Iterator for Supply {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        let mut order = self.source.next()?;
        order.bucket = self.buckets.0 + self.buckets.1 * order.bucket;
        Some(self::order(order, self.client))
    }
}

fn order(order: orders::Order, client: &str) -> Order {
    gateway::order(&order, client)
}

/// An engine whose buckets hang under as many firms, with its own time and orders over all its buckets.
pub struct Subject {
    pub engine: Engine,
    pub now: Now,
    pub supply: Supply,
}

impl Subject {
    pub fn new(buckets: usize, limits: &Limits) -> Self {
        Self::of_firms(1, buckets, limits)
    }

    pub fn of_firms(firms: usize, buckets: usize, limits: &Limits) -> Self {
        Self::around(
            gateway::engine(buckets, firms, limits, gateway::START),
            buckets,
        )
    }

    /// With memory set aside for so many orders, as a gateway has that is told how many to expect.
    pub fn expecting(orders: usize, buckets: usize, limits: &Limits) -> Self {
        Self::around(
            gateway::engine_for(orders, buckets, 1, limits, gateway::START),
            buckets,
        )
    }

    fn around(engine: Engine, buckets: usize) -> Self {
        Self {
            engine,
            now: gateway::START,
            supply: Supply::over(buckets, "oms-1"),
        }
    }

    /// Decides orders that all have to be approved; CPU time of all.
    pub fn approve(&mut self, orders: &[Order]) -> Result<Duration, Box<dyn Error>> {
        let (cpu, approved) = clock::thread_cpu_of(|| {
            gateway::decide_all(&self.engine, orders, &mut self.now, SPACING)
        });
        if approved == orders.len() {
            Ok(cpu)
        } else {
            Err(format!("approved {approved} of {} orders", orders.len()).into())
        }
    }

    /// Decides so many new orders, made a few at a time: in the cache like a request that was just read. CPU time of the decisions.
    pub fn approve_new(&mut self, count: usize) -> Result<Duration, Box<dyn Error>> {
        let (mut cpu, mut left) = (Duration::ZERO, count);
        while left > 0 {
            let orders = self.supply.batch(left.min(AT_A_TIME));
            left -= orders.len();
            cpu += self.approve(&orders)?;
        }
        Ok(cpu)
    }

    /// Books reports that all have to be applied; CPU time of all.
    pub fn book(&mut self, reports: &[Report]) -> Result<Duration, Box<dyn Error>> {
        let (cpu, applied) = clock::thread_cpu_of(|| {
            let mut applied = 0;
            for report in reports {
                gateway::pass(&mut self.now, SPACING);
                let receipt = self.engine.report(report, self.now);
                applied += usize::from(receipt.applied && receipt.flags.is_empty());
            }
            applied
        });
        if applied == reports.len() {
            Ok(cpu)
        } else {
            Err(format!("booked {applied} of {} reports", reports.len()).into())
        }
    }
}

/// The venue works the order.
pub fn acknowledged(order: &Order) -> Report {
    report(order, ReportKind::New)
}

/// The venue filled the whole order, at its limit.
pub fn filled(order: &Order) -> Result<Report, Box<dyn Error>> {
    let (Size::Quantity(quantity), Terms::Limit { price }) = (order.size, order.terms) else {
        return Err("not a limit order of so many".into());
    };
    let fill = Fill {
        quantity,
        price,
        fee: Money::ZERO,
        fee_currency: None,
    };
    let exec_id = format!("E-{}", order.key.cl_ord_id);
    Ok(Report {
        exec_id: Some(exec_id.parse()?),
        ..report(order, ReportKind::Trade(fill))
    })
}

fn report(order: &Order, kind: ReportKind) -> Report {
    Report {
        client: order.key.client.clone(),
        cl_ord_id: order.key.cl_ord_id.clone(),
        exec_id: None,
        kind,
        cum: None,
        leaves: None,
        venue: order.venue.clone(),
        account: order.account.clone(),
        trade_date: 20_261_122,
        bucket: None,
        instrument: None,
        side: None,
    }
}

/// One life after the other, `abreast` of them at a time: approved, acknowledged, filled to the end. CPU time of the three.
pub fn lives(
    subject: &mut Subject,
    orders: &[Order],
    abreast: usize,
) -> Result<[Duration; 3], Box<dyn Error>> {
    let mut cpu = [Duration::ZERO; 3];
    for orders in orders.chunks(abreast) {
        let acknowledged: Vec<Report> = orders.iter().map(acknowledged).collect();
        let filled: Result<Vec<Report>, _> = orders.iter().map(filled).collect();
        let filled = filled?;
        let [decided, worked, ended] = &mut cpu;
        *decided += subject.approve(orders)?;
        *worked += subject.book(&acknowledged)?;
        *ended += subject.book(&filled)?;
    }
    match subject.engine.live_count() {
        0 => Ok(cpu),
        live => Err(format!("{live} orders live on after their fills").into()),
    }
}
