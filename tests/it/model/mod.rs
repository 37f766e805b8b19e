//! Properties of the whole engine against a naive model, over random streams of events.
//!
//! `PROPTEST_CASES` sets the number of cases of every property, `MODEL_SEED` (64 hexadecimal digits) repeats a run.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::wildcard_enum_match_arm,
    clippy::format_push_string,
    reason = "tests"
)]

mod naive;
mod paths;
mod properties;
mod run;
mod threads;
mod world;

use core::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Seeds of a firm, and the bits its events are made of.
type Case = (Vec<u64>, Vec<u64>);

fn cases(steps: core::ops::Range<usize>) -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(any::<u64>(), 10),
        prop::collection::vec(any::<u64>(), steps),
    )
}

/// Runs a property over random cases from a seed that it prints.
fn check<S>(
    name: &str,
    default: u32,
    strategy: S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S: Strategy,
    S::Value: Debug,
{
    let number = |name: &str| std::env::var(name).ok();
    let cases = number("PROPTEST_CASES")
        .and_then(|text| text.parse().ok())
        .unwrap_or(default);
    let seed: [u8; 32] = match number("MODEL_SEED") {
        Some(text) => {
            core::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        }
        None => {
            let mut seed = [0; 32];
            let fresh = [(); 4].map(|()| {
                std::hash::BuildHasher::hash_one(
                    &std::collections::hash_map::RandomState::new(),
                    name,
                )
            });
            for (chunk, bits) in seed.chunks_mut(8).zip(fresh) {
                chunk.copy_from_slice(&bits.to_le_bytes());
            }
            seed
        }
    };
    let text: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{name}: {cases} cases, MODEL_SEED={text}");
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: number("PROPTEST_MAX_SHRINK_ITERS")
            .and_then(|text| text.parse().ok())
            .unwrap_or(1_000),
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    if let Err(error) = runner.run(&strategy, test) {
        panic!("{name}, MODEL_SEED={text}\n{error}");
    }
}
