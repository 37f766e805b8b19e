//! The reference tells the policy as it is.
#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

const REFERENCE: &str = include_str!("../../../docs/limits.md");

#[test]
fn the_reference_lists_the_checks_in_their_order_what_exits_pass_and_what_has_modes() {
    let (_, section) = REFERENCE.split_once("## The checks in order").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let told: Vec<(u16, bool, bool)> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            match cells.as_slice() {
                [_, _, _, code, exits, modes, _] => {
                    Some((code.parse().ok()?, *exits == "tested", *modes == "any"))
                }
                _ => None,
            }
        })
        .collect();
    let checks: Vec<(u16, bool, bool)> = CHECKS
        .iter()
        .map(|(reason, exits, held)| {
            assert_eq!(MODAL.contains(*reason), *held == Held::ByMode);
            (
                reason.code(),
                *exits == Exits::Tested,
                *held == Held::ByMode,
            )
        })
        .collect();
    assert_eq!(told, checks);
}
