//! What a decision costs over the wire: servers of one contract side by side, in one run.
//!
//! Every server is a process of its own with the allocator, build and runtime of this one; client and servers share one core, so
//! that a rate is what both sides' CPU allows and no figure depends on how fast another core wakes up. Servers take turns in every
//! round, and ratios are taken round by round. `empty` approves everything at once: the floor.
//!
//! `cargo bench --bench wire` takes some seconds, `cargo bench --bench wire -- --full` is the real one. Linux only.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "counters and printed figures; nothing here decides about an order"
)]
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks")]

mod empty;
#[path = "../support/gateway.rs"]
mod gateway;
mod messages;
mod mode;
mod options;
mod pace;
mod process;
mod server;
mod session;
#[path = "../support/mod.rs"]
mod support;
mod tail;
mod tally;
mod unary;

use std::collections::BTreeMap;
use std::error::Error;

use messages::Messages;
use mode::{Measured, Mode, Target};
use options::{Effort, Options};
use process::Server;
use support::machine::{self, Noise};
use support::orders::BUCKETS;
use support::report::{Bar, Ratio, Report, Row};
use support::rounds::Spread;
use tail::Supplies;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// All rounds of every mode and server, the latter by its place on the command line.
type Figures = BTreeMap<(Mode, usize), Vec<Measured>>;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args(std::env::args().skip(1))?;
    if let Some(kind) = &options.server {
        return server::serve(kind, options.runtime, options.effort.orders, options.listen);
    }
    if !options.unpinned
        && let Some(core) = options.core.or_else(|| machine::cores().last().copied())
    {
        machine::pin(core)?;
    }
    let mut targets = start(&options)?;
    let mut report = Report::new("wire", options.json.as_deref());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&mut targets, &options, &mut report))?;
    report.finish(options.json.as_deref())?;
    if options.strict && !report.all_met() {
        return Err("a bar was missed".into());
    }
    Ok(())
}

fn start(options: &Options) -> Result<Vec<Target>, Box<dyn Error>> {
    let mut targets: Vec<Target> = Vec::new();
    for kind in &options.servers {
        let server = Server::start(kind, options.runtime, options.effort.orders)?;
        let namesakes = targets
            .iter()
            .filter(|target| target.name.starts_with(kind.as_str()));
        let name = match namesakes.count() {
            0 => kind.clone(),
            others => format!("{kind}-{}", others + 1),
        };
        targets.push(Target {
            name,
            address: server.address,
            process: Some(server),
            messages: Messages::over(BUCKETS, "c"),
        });
    }
    for (name, address) in &options.also {
        targets.push(Target {
            name: name.clone(),
            address: *address,
            process: None,
            messages: Messages::over(BUCKETS, "c"),
        });
    }
    Ok(targets)
}

async fn run(
    targets: &mut [Target],
    options: &Options,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let effort = &options.effort;
    let modes = options.modes.as_deref().unwrap_or(&Mode::ALL);
    report.say(&format!(
        "{} rounds, runtime {}; median [least .. most]; latencies and CPU per order in us; noisy figures say so",
        effort.rounds,
        options.runtime.word()
    ));
    let mut figures = Figures::new();
    for _ in 0..effort.rounds {
        for &mode in modes {
            for (at, measured) in round(mode, targets, effort).await?.into_iter().enumerate() {
                figures.entry((mode, at)).or_default().push(measured);
            }
        }
    }
    for &mode in modes {
        for (at, target) in targets.iter().enumerate() {
            let rounds = figures.get(&(mode, at)).map_or(&[][..], Vec::as_slice);
            report.row(row(format!("{}/{}", target.name, mode.name()), rounds)?);
        }
    }
    for (at, target) in targets.iter().enumerate().skip(1) {
        for comparison in COMPARISONS {
            if let Some(ratio) = comparison.of(&figures, at, &target.name) {
                report.ratio(ratio);
            }
        }
    }
    if options.modes.is_some() {
        return Ok(());
    }
    long_streams(targets, effort, report).await?;
    neighbours(targets, effort, report).await
}

/// One round of one mode on every server; once more if the machine was busy with something else.
async fn round(
    mode: Mode,
    targets: &mut [Target],
    effort: &Effort,
) -> Result<Vec<Measured>, Box<dyn Error>> {
    let mut retries = effort.retries;
    loop {
        let mut measured = Vec::new();
        for target in targets.iter_mut() {
            measured.push(mode.measure(target, effort).await?);
        }
        if retries == 0 || measured.iter().all(|measured| measured.noise.is_quiet()) {
            return Ok(measured);
        }
        retries -= 1;
    }
}

/// What is divided by what: of a later server, and of the first.
struct Comparison {
    name: &'static str,
    of: Mode,
    by: Mode,
    figure: fn(&Measured) -> f64,
    bar: Option<Bar>,
}

const COMPARISONS: &[Comparison] = &[
    Comparison {
        name: "unary 1, p50",
        of: Mode::UnaryOne,
        by: Mode::UnaryOne,
        figure: |measured| measured.p50,
        bar: None,
    },
    Comparison {
        name: "unary 50, orders/s",
        of: Mode::UnaryFifty,
        by: Mode::UnaryFifty,
        figure: |measured| measured.rate,
        bar: Some(Bar::AtLeast(0.90)),
    },
    Comparison {
        name: "stream, orders/s",
        of: Mode::Stream,
        by: Mode::Stream,
        figure: |measured| measured.rate,
        bar: None,
    },
    Comparison {
        name: "batch, orders/s",
        of: Mode::Batch,
        by: Mode::Batch,
        figure: |measured| measured.rate,
        bar: None,
    },
    Comparison {
        name: "stream / unary 50, orders/s",
        of: Mode::Stream,
        by: Mode::UnaryFifty,
        figure: |measured| measured.rate,
        bar: Some(Bar::AtLeast(5.0)),
    },
    Comparison {
        name: "batch / unary 50, orders/s",
        of: Mode::Batch,
        by: Mode::UnaryFifty,
        figure: |measured| measured.rate,
        bar: Some(Bar::AtLeast(7.0)),
    },
    Comparison {
        name: "unary 50, orders per CPU second",
        of: Mode::UnaryFifty,
        by: Mode::UnaryFifty,
        figure: orders_per_cpu_second,
        bar: None,
    },
    Comparison {
        name: "stream / unary 50, orders per CPU second",
        of: Mode::Stream,
        by: Mode::UnaryFifty,
        figure: orders_per_cpu_second,
        bar: None,
    },
    Comparison {
        name: "batch / unary 50, orders per CPU second",
        of: Mode::Batch,
        by: Mode::UnaryFifty,
        figure: orders_per_cpu_second,
        bar: None,
    },
    Comparison {
        name: "unary 2,000/s, p99",
        of: Mode::PacedUnary,
        by: Mode::PacedUnary,
        figure: |measured| measured.p99,
        bar: None,
    },
    Comparison {
        name: "stream 10,000/s, p99",
        of: Mode::PacedStream,
        by: Mode::PacedStream,
        figure: |measured| measured.p99,
        bar: None,
    },
];

/// What both ends could do on one core with nobody else on it: the rate of a quiet machine, and steadier on a busy one.
/// Not a number where the server's CPU time is not known.
fn orders_per_cpu_second(measured: &Measured) -> f64 {
    if measured.server > 0.0 {
        1e6 / (measured.server + measured.client)
    } else {
        f64::NAN
    }
}

impl Comparison {
    /// The median of the rounds' ratios, if any round has one.
    fn of(&self, figures: &Figures, at: usize, name: &str) -> Option<Ratio> {
        let rounds = |mode, at| figures.get(&(mode, at)).into_iter().flatten();
        let ratios: Vec<f64> = rounds(self.of, at)
            .zip(rounds(self.by, 0))
            .map(|(of, by)| (self.figure)(of) / (self.figure)(by))
            .filter(|ratio| ratio.is_finite())
            .collect();
        Some(Ratio {
            name: format!("{name} to first: {}", self.name),
            value: Spread::of(&ratios)?.median,
            bar: self.bar,
        })
    }
}

fn row(name: String, rounds: &[Measured]) -> Result<Row, Box<dyn Error>> {
    let spread = |figure: fn(&Measured) -> f64| {
        let figures: Vec<f64> = rounds.iter().map(figure).collect();
        Spread::of(&figures).ok_or("no round")
    };
    let noise = rounds
        .iter()
        .fold(Noise::default(), |worst, round| worst.max(round.noise));
    Ok(Row {
        name,
        unit: "orders/s",
        spread: spread(|measured| measured.rate)?,
        also: vec![
            ("p50", spread(|measured| measured.p50)?.median),
            ("p99", spread(|measured| measured.p99)?.median),
            ("p99.9", spread(|measured| measured.p999)?.median),
            ("server", spread(|measured| measured.server)?.median),
            ("client", spread(|measured| measured.client)?.median),
        ],
        noise,
    })
}

async fn long_streams(
    targets: &mut [Target],
    effort: &Effort,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let tails = tail::of_long_streams(targets, effort).await?;
    let mut first = None;
    for (target, tail) in targets.iter().zip(&tails) {
        let p999 = tail.tally.micros(99.9);
        report.row(Row {
            name: format!(
                "{}/stream of {} orders, p99.9",
                target.name, tail.tally.orders
            ),
            unit: "us",
            spread: Spread::of(&[p999]).ok_or("no turn")?,
            also: vec![
                ("p50", tail.tally.micros(50.0)),
                ("p99", tail.tally.micros(99.0)),
                ("most", tail.tally.micros(100.0)),
            ],
            noise: tail.noise,
        });
        match first {
            None => first = Some(p999),
            Some(first) => report.ratio(Ratio {
                name: format!("{} to first: long stream, p99.9", target.name),
                value: p999 / first,
                bar: Some(Bar::AtMost(2.0)),
            }),
        }
    }
    Ok(())
}

async fn neighbours(
    targets: &[Target],
    effort: &Effort,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    for (at, target) in targets.iter().enumerate() {
        let mut supplies = Supplies::new();
        let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut through, mut noise) = (0.0, Noise::default());
        let mut retries = effort.rounds * effort.retries;
        while ratios.len() < effort.rounds {
            let round = tail::beside_a_flood(target, &mut supplies, effort).await?;
            if retries > 0 && !round.noise.is_quiet() {
                retries -= 1;
                continue;
            }
            let (without, with) = (round.alone.micros(99.0), round.beside_flood.micros(99.0));
            alone.push(without);
            beside.push(with);
            ratios.push(with / without);
            through = 100.0 * round.flood.approved as f64 / round.flood.orders.max(1) as f64;
            noise = noise.max(round.noise);
        }
        for (name, figures) in [("alone", &alone), ("beside a flood", &beside)] {
            report.row(Row {
                name: format!("{}/1,000 orders/s {name}, p99", target.name),
                unit: "us",
                spread: Spread::of(figures).ok_or("no round")?,
                also: vec![("flood approved %", through)],
                noise,
            });
        }
        report.ratio(Ratio {
            name: format!("{}: p99 beside a flood / alone", target.name),
            value: Spread::of(&ratios).ok_or("no round")?.median,
            // The first is the measure: it limits nobody.
            bar: (at > 0).then_some(Bar::AtMost(1.5)),
        });
    }
    Ok(())
}
