//! Scenarios: stories a trader can read, in `tests/scenarios`, played through the engine. The language is told in its README.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod expect;
mod script;
mod setup;
mod stage;

use std::collections::BTreeSet;

use bulkhead::domain::decision::Reason;

use script::{Scenario, files, read, shout};

fn all() -> Vec<Scenario> {
    files()
        .iter()
        .flat_map(|file| read(file).unwrap())
        .collect()
}

/// Plays every scenario, or those whose file or title contains `SCENARIO`, and tells all that do not hold.
fn check(scenarios: &[Scenario]) {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let chosen = scenarios
        .iter()
        .filter(|scenario| scenario.file.contains(&wanted) || scenario.title.contains(&wanted));
    let (mut played, mut failed) = (0, Vec::new());
    for scenario in chosen {
        played += 1;
        failed.extend(stage::play(scenario).err());
    }
    assert!(
        failed.is_empty(),
        "{} of {played} scenarios do not hold:\n\n{}\n",
        failed.len(),
        failed.join("\n\n")
    );
}

#[test]
fn every_scenario_holds() {
    check(&all());
}

/// Codes no scenario can show: a fault needs a fault.
const UNSEEN: &[Reason] = &[Reason::InternalFault];

#[test]
fn every_reason_occurs_in_a_scenario() {
    let scenarios = all();
    let answers: BTreeSet<&str> = scenarios
        .iter()
        .flat_map(|scenario| &scenario.lines)
        .filter_map(|line| line.text.split_once("-> re"))
        .flat_map(|(_, answer)| answer.split_whitespace())
        .collect();
    let missing: Vec<String> = Reason::ALL
        .iter()
        .filter(|reason| !UNSEEN.contains(reason))
        .map(|reason| shout(reason.name()))
        .filter(|name| !answers.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

#[test]
fn every_row_of_the_reference_is_shown_by_a_scenario() {
    let range = |family: &str, numbers: &[u8]| -> Vec<String> {
        numbers
            .iter()
            .map(|number| format!("{family}{number}"))
            .collect()
    };
    let one_to = |last: u8| -> Vec<u8> { (1..=last).collect() };
    let rows = [
        range("A", &one_to(15)),
        range("B", &[1, 2, 3, 4, 5, 7, 9, 12]),
        range("F", &[1, 3]),
        range("G", &[1, 2, 3, 4, 5, 6]),
        range("H", &one_to(17)),
        range("H", &[19]),
        range("J", &one_to(4)),
        range("K", &[1, 2]),
        range("O", &[4]),
        range("RR", &one_to(15)),
        range("GOLDEN", &[1, 2, 3, 5, 7, 11, 12, 14]),
        // The eleventh, one lock around everything, takes threads: `model/threads.rs`.
        range("TRAP", &one_to(10)),
    ]
    .concat();
    let scenarios = all();
    let shown: BTreeSet<&str> = scenarios
        .iter()
        .flat_map(|scenario| &scenario.rows)
        .map(String::as_str)
        .collect();
    let missing: Vec<&String> = rows
        .iter()
        .filter(|row| !shown.contains(row.as_str()))
        .collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}
