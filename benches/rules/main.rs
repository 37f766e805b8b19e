//! What the rules cost by themselves: pure functions on values, no lock, no map, no order stored.
//!
//! Every line is one piece of a decision, repeated on the same warm values: the least it can cost, and what to look at first when
//! `engine` has become slower. Each call takes its input from the caller and gives its result back, so that none is optimised away.
//!
//! `cargo bench --bench rules` takes some seconds. Linux only.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::float_arithmetic,
    reason = "counters and printed figures; nothing here decides about an order"
)]

mod amounts;
mod exposure;
#[path = "../support/gateway.rs"]
mod gateway;
mod life;
mod options;
mod piece;
mod policy;
#[path = "../support/mod.rs"]
mod support;
mod valuation;
mod windows;

use std::error::Error;

use options::Options;
use piece::Piece;
use support::machine;
use support::report::{Ratio, Report, Row};
use support::rounds::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args(std::env::args().skip(1))?;
    if let Some(core) = options.core.or_else(|| machine::cores().last().copied()) {
        machine::pin(core)?;
    }
    let mut pieces = pieces(options.only.as_deref());
    for piece in &mut pieces {
        piece.calibrate(options.time);
    }
    let mut report = Report::new("rules", options.json.as_deref());
    report.say(&format!(
        "{} rounds of {:.0?} for each line; CPU time of one call; median [least .. most]",
        options.rounds, options.time
    ));
    let table = Table::measure(options.rounds, 0, || {
        Ok::<_, Box<dyn Error>>(pieces.iter_mut().map(Piece::nanos).collect())
    })?;
    for (cell, piece) in pieces.iter().enumerate() {
        report.row(Row {
            name: piece.name.clone(),
            unit: "ns",
            spread: table.spread(cell).ok_or("no round")?,
            also: Vec::new(),
            noise: table.noise,
        });
    }
    for (cell, piece) in pieces.iter().enumerate() {
        let peer = piece.name.replace("amount/", "rust_decimal/");
        let peer = pieces.iter().position(|other| other.name == peer);
        if let Some(peer) = peer.filter(|&peer| peer != cell) {
            report.ratio(Ratio {
                name: format!("{} / rust_decimal", piece.name),
                value: table.ratio(cell, peer).ok_or("no round")?.median,
                bar: None,
            });
        }
    }
    Ok(report.finish(options.json.as_deref())?)
}

/// Every line, in the order of a decision; with `only`, those whose names contain it.
fn pieces(only: Option<&str>) -> Vec<Piece> {
    let families = [
        amounts::pieces(),
        valuation::pieces(),
        life::pieces(),
        exposure::pieces(),
        windows::pieces(),
        policy::pieces(),
    ];
    let all = families.into_iter().flatten();
    all.filter(|piece| only.is_none_or(|only| piece.name.contains(only)))
        .collect()
}
