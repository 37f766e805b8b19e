//! The properties, each under its id.

use super::run::Run;
use super::world::{FULL, Shape};
use super::{cases, check};

fn follow(seeds: &[u64], steps: &[u64], shape: Shape) -> super::run::Checked {
    let mut run = Run::priced(seeds, shape);
    for bits in steps {
        run.step(*bits)?;
        run.recount()?;
    }
    Ok(())
}

/// INV2, and every check: with a venue that behaves, decisions and totals are the model's.
#[test]
fn inv2_decisions_and_totals_are_the_models_where_all_goes_well() {
    let shape = Shape {
        admin: false,
        mess: false,
        reroutes: false,
        ..FULL
    };
    check("inv2_plain", 1_000, cases(20..50), |(seeds, steps)| {
        follow(&seeds, &steps, shape)
    });
}

/// INV2, H1-H17: with a venue and a client that err in every way, and people who change limits and states.
#[test]
fn inv2_decisions_and_totals_are_the_models_whatever_happens() {
    check("inv2_full", 1_500, cases(20..60), |(seeds, steps)| {
        follow(&seeds, &steps, FULL)
    });
}
