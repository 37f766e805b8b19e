//! Other risk engines on the orders of our own engine bench, by CPU time of one thread.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- [--rounds N] [--orders N] [--core N] [--json FILE|-]`
//!
//! Each contender decides the same orders in the same rounds, one contender after the other within a round, so that a slow
//! stretch of the machine meets them all. A further contender is one more line in `contenders()`.
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks")]

mod bulkhead_engine;
#[path = "../../support/gateway.rs"]
mod gateway;
mod openpit_five;
#[path = "../../support/mod.rs"]
mod support;

use std::error::Error;
use std::time::Duration;

use support::machine::{self, Watch};
use support::orders::{BUCKETS, Order, Orders};
use support::report::{Bar, Ratio, Report, Row};
use support::rounds::{ROUNDS, Spread, nanos_each};

/// The allocator that the gateway is built with; all contenders gain from it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one contender made of one round.
pub struct Outcome {
    /// CPU time of the decisions alone.
    pub cpu: Duration,
    pub approved: usize,
}

/// An engine that is given rounds of orders. Its own form of an order is prepared off the clock unless its name says otherwise.
pub struct Contender {
    pub name: &'static str,
    /// What its time, as a multiple of the first contender's, is held to.
    pub bar: Option<Bar>,
    pub decide: Decide,
}

/// Decides one round of orders.
pub type Decide = Box<dyn FnMut(&[Order]) -> Result<Outcome, Box<dyn Error>>>;

/// The first is what the others are compared with.
fn contenders() -> Result<Vec<Contender>, Box<dyn Error>> {
    Ok(vec![
        openpit_five::prepared(BUCKETS)?,
        openpit_five::from_text(BUCKETS)?,
        bulkhead_engine::every_check(BUCKETS)?,
    ])
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args(std::env::args().skip(1))?;
    let json = options.json.as_deref();
    if let Some(core) = options.core.or_else(|| machine::cores().last().copied()) {
        machine::pin(core)?;
    }
    machine::touch_memory(4 << 30);
    let mut contenders = contenders()?;
    let mut nanos: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut orders = Orders::over(BUCKETS);
    let watch = Watch::start(&[]);
    // The first round only warms up: accounts get their first order, tables their size.
    for round in 0..=options.rounds {
        let batch: Vec<Order> = orders.by_ref().take(options.orders).collect();
        for (contender, figures) in contenders.iter_mut().zip(&mut nanos) {
            let outcome = (contender.decide)(&batch)?;
            if outcome.approved != batch.len() {
                let (name, approved, all) = (contender.name, outcome.approved, batch.len());
                return Err(format!(
                    "{name}: approved {approved} of {all} orders, all were meant to be"
                )
                .into());
            }
            if round > 0 {
                figures.push(nanos_each(outcome.cpu, batch.len()));
            }
        }
    }
    let noise = watch.noise();

    let mut report = Report::new("peers", json);
    report.say(&format!(
        "{} rounds of {} orders over {BUCKETS} accounts, every order approved; thread CPU time",
        options.rounds, options.orders
    ));
    for (contender, figures) in contenders.iter().zip(&nanos) {
        report.row(Row {
            name: contender.name.to_owned(),
            unit: "ns/order",
            spread: Spread::of(figures).ok_or("no round was measured")?,
            also: Vec::new(),
            noise,
        });
    }
    let (first, others) = nanos.split_first().ok_or("there is no contender")?;
    for (contender, figures) in contenders.iter().skip(1).zip(others) {
        // Round by round, because the machine's speed drifts by more than the contenders differ.
        let ratios: Vec<f64> = figures
            .iter()
            .zip(first)
            .map(|(own, first)| own / first)
            .collect();
        report.ratio(Ratio {
            name: format!("{} / first", contender.name),
            value: Spread::of(&ratios).ok_or("no round was measured")?.median,
            bar: contender.bar,
        });
    }
    report.finish(json)?;
    if report.all_met() {
        Ok(())
    } else {
        Err("a bar was missed".into())
    }
}

struct Options {
    rounds: usize,
    orders: usize,
    core: Option<usize>,
    json: Option<String>,
}

impl Options {
    fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            rounds: ROUNDS,
            orders: 100_000,
            core: None,
            json: None,
        };
        while let Some(flag) = args.next() {
            let value = args
                .next()
                .ok_or_else(|| format!("{flag}: a value is missing"))?;
            match flag.as_str() {
                "--rounds" => options.rounds = value.parse()?,
                "--orders" => options.orders = value.parse()?,
                "--core" => options.core = Some(value.parse()?),
                "--json" => options.json = Some(value),
                _ => {
                    return Err(
                        format!("{flag}: expected --rounds, --orders, --core or --json").into(),
                    );
                }
            }
        }
        Ok(options)
    }
}
