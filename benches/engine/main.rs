//! The engine alone: what one decision costs, and what others add to it.
#![allow(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "a bench computes ratios"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench stops at the first surprise"
)]
#![allow(missing_docs, reason = "a bench")]

#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/mod.rs"]
mod support;

use support::orders;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() {
    let count: usize = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000);
    support::machine::touch_memory(6 << 30);
    for (name, limits) in [
        ("every check", gateway::every_limit()),
        (
            "no limit",
            bulkhead::risk::limits::Limits::unlimited(gateway::id("USD")),
        ),
    ] {
        let engine = gateway::engine(count, 1, &limits, gateway::START);
        let mut source = orders::Orders::over(count);
        let mut now = gateway::START;
        let mut figures = Vec::new();
        let batches: Vec<Vec<_>> = (0..10)
            .map(|_| {
                source
                    .by_ref()
                    .take(100_000)
                    .map(|order| gateway::order(&order, "oms-1"))
                    .collect()
            })
            .collect();
        for batch in &batches {
            let (cpu, approved) = support::clock::thread_cpu_of(|| {
                gateway::decide_all(&engine, batch, &mut now, 1_000)
            });
            figures.push(support::rounds::nanos_each(cpu, batch.len()));
            assert_eq!(approved, batch.len());
        }
        std::mem::forget((batches, engine));
        println!("{name} {figures:.0?}");
    }
}
