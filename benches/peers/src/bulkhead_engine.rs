//! Our own engine with every check on, idempotency and reservation included.

use std::error::Error;

use super::support;
use super::support::orders::Order;
use super::support::report::Bar;
use super::{Contender, Outcome, gateway};

/// Orders that memory is set aside for, as it is in operation.
const ORDERS: usize = 2_000_000;

/// Buckets of one desk and firm; each approval is kept as a live order with its stored answer.
pub fn every_check(buckets: usize) -> Result<Contender, Box<dyn Error>> {
    let engine = gateway::engine_for(ORDERS, buckets, 1, &gateway::every_limit(), gateway::START);
    let mut now = gateway::START;
    let decide = move |orders: &[Order]| {
        let orders: Vec<_> = orders.iter().map(|order| gateway::order(order, "oms-1")).collect();
        let (cpu, approved) = support::clock::thread_cpu_of(|| gateway::decide_all(&engine, &orders, &mut now, 1_000));
        Ok(Outcome { cpu, approved })
    };
    Ok(Contender { name: "bulkhead, every check", bar: Some(Bar::AtMost(0.35)), decide: Box::new(decide) })
}
