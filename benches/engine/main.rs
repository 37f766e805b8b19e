//! The engine alone, called without a network: what one decision costs, and what other buckets, threads, marks and memory add to it.
//!
//! Orders are made while the clock stands. Costs are CPU time of the calling thread: what others take from it is not in them, what others do
//! to its caches is. What is about waiting (threads, neighbours, pauses) is wall time on pinned cores. Whatever is compared takes turns in
//! every round, and a line says when the machine was disturbed.
//!
//! `cargo bench --bench engine` takes two minutes and 9 GiB; `-- --quick` and `-- --full` less and more. Linux only.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "counters and printed figures; nothing here decides about an order"
)]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks")]

mod approve;
#[path = "../support/gateway.rs"]
mod gateway;
mod latency;
mod marks;
mod memory;
mod neighbour;
mod options;
mod path;
mod pauses;
mod reroutes;
mod subject;
#[path = "../support/mod.rs"]
mod support;
mod threads;

use std::error::Error;

use options::Options;
use support::machine;
use support::report::Report;

/// That of the gateway.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args(std::env::args().skip(1))?;
    let effort = &options.effort;
    let touch = !options.untouched && effort.touched > 0;
    if touch {
        machine::keep_memory()?;
    }
    // Before this thread is kept on one of them.
    let cores = machine::cores();
    if let Some(core) = options.core.or_else(|| cores.last().copied()) {
        machine::pin(core)?;
    }
    let mut report = Report::new("engine", options.json.as_deref());
    report.say(&format!(
        "{} rounds; median [least .. most]; CPU time unless it says otherwise; noisy figures say so",
        effort.rounds
    ));
    if options.wants("memory") {
        memory::measure(&options, &mut report)?;
    }
    if touch {
        machine::touch_memory(effort.touched);
    }
    if options.wants("approve") {
        approve::measure(&options, &mut report)?;
    }
    if options.wants("reroutes") {
        reroutes::measure(effort, &mut report)?;
    }
    if options.wants("path") {
        path::measure(effort, &cores, &mut report)?;
    }
    if options.wants("pauses") {
        pauses::measure(effort, &mut report)?;
    }
    if options.wants("marks") {
        marks::measure(effort, &mut report)?;
    }
    if options.wants("threads") {
        threads::measure(effort, &cores, &mut report)?;
    }
    if options.wants("neighbour") {
        neighbour::measure(effort, &cores, &mut report)?;
    }
    report.finish(options.json.as_deref())?;
    if options.strict && !report.all_met() {
        return Err("a bar was missed".into());
    }
    Ok(())
}
