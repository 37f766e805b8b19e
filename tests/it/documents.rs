//! The documents say what the code does, as far as that can be read.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use bulkhead::domain::decision::Reason;
use bulkhead::domain::state::OrderState;
use bulkhead::engine::answer::ReportFlag;

const LIMITS: &str = include_str!("../../docs/limits.md");
const ORDERS: &str = include_str!("../../docs/orders.md");

/// `PositionLong` as `POSITION_LONG`.
fn shout(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[test]
fn the_limits_reference_has_every_reason_under_its_number() {
    let rows: Vec<&str> = LIMITS.lines().collect();
    for reason in Reason::ALL {
        let row = format!("| {} | `{}` | ", reason.code(), shout(reason.name()));
        assert!(rows.iter().any(|line| line.starts_with(&row)), "{row}");
    }
}

#[test]
fn codes_and_names_stand_together_wherever_both_are_told() {
    let words: Vec<&str> = LIMITS
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    for pair in words.windows(2) {
        let [code, name] = pair else { continue };
        let Ok(code) = code.parse::<u16>() else {
            continue;
        };
        if let Some(reason) = Reason::ALL
            .iter()
            .find(|reason| shout(reason.name()) == *name && code > 100)
        {
            assert_eq!(reason.code(), code, "{name}");
        }
    }
}

#[test]
fn the_life_of_an_order_names_every_state_and_flag() {
    use OrderState as S;
    use ReportFlag as F;
    let states = [
        S::Reserved,
        S::Sent,
        S::Working,
        S::PartiallyFilled,
        S::PendingReplace,
        S::PendingCancel,
        S::Uncertain,
        S::Filled,
        S::Canceled,
        S::VenueRejected,
        S::Expired,
        S::DoneForDay,
        S::Released,
    ];
    let flags = [
        F::Duplicate,
        F::LateFill,
        F::Overfill,
        F::UnknownOrder,
        F::Quarantined,
        F::ExecMismatch,
        F::BustParked,
        F::OwedFills,
        F::RouteViolation,
        F::BucketMismatch,
        F::InBreach,
        F::ReduceOnlyExcess,
        F::NeedsReconciliation,
    ];
    let names = states
        .iter()
        .map(|state| format!("{state:?}"))
        .chain(flags.iter().map(|flag| format!("{flag:?}")));
    for name in names {
        let name = format!("`{}`", shout(&name));
        assert!(ORDERS.contains(&name), "{name}");
    }
}

#[test]
fn scenarios_named_in_the_documents_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut named = 0;
    for quoted in [LIMITS, ORDERS]
        .iter()
        .flat_map(|text| text.split('`'))
        .filter(|quoted| quoted.ends_with(".scenario"))
    {
        named += 1;
        assert!(folder.join(quoted).exists(), "{quoted}");
    }
    assert!(named > 20);
}

/// The number of cases that a property runs where none is asked for.
fn cases_of(test: &str, sources: &str) -> Option<String> {
    let body = sources.split(&format!("fn {test}()")).nth(1)?;
    let body = body.split("\n}\n").next()?;
    let mut calls = ["reroutes(", "walk(", "check("].into_iter();
    let (_, call) = calls.find_map(|call| body.split_once(call))?;
    let number = call.split(',').nth(1)?.trim().replace('_', "");
    number.parse::<u32>().ok()?;
    Some(number)
}

#[test]
fn the_page_on_isolation_names_the_tests_and_their_cases() {
    let page = include_str!("../../docs/isolation.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/model");
    let threads = ["threads.rs", "paths.rs"].map(|file| std::fs::read_to_string(folder.join(file)));
    let mut sources: String = threads.map(Result::unwrap).concat();
    for entry in std::fs::read_dir(folder.join("properties")).unwrap() {
        sources += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let rows = page
        .lines()
        .filter(|line| line.ends_with(" |") && line.contains("| `"));
    let mut named = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, test, cases] = cells[..] else {
            panic!("{row}")
        };
        let test = test.trim_matches('`');
        assert!(sources.contains(&format!("fn {test}()")), "{test}");
        if cases != "threads" {
            assert_eq!(cases_of(test, &sources).as_deref(), Some(cases), "{test}");
        }
        named += 1;
    }
    assert!(named > 15);
}
