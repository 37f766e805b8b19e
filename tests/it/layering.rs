//! Each layer knows the ones before it, never the ones after: the source of a layer is searched for words that do not belong there.
//!
//! Domain and rules are functions of values, so that a decision can be proved by reading and repeated from a record; the engine adds
//! locks and nothing else, so that it runs the same in a replay. Comments may say anything.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::nonminimal_bool,
    reason = "tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A folder and the words its code does not contain.
struct Layer {
    folder: &'static str,
    forbidden: &'static [&'static [&'static str]],
}

/// Floating point: amounts are exact.
const FLOATS: &[&str] = &["f32", "f64"];
/// Clocks: time comes in as a `Now`.
const CLOCKS: &[&str] = &[
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "clock",
];
/// Shared state and what waits for it.
const LOCKS: &[&str] = &["Mutex", "RwLock", "DashMap", "atomic", "thread_local"];
/// What reaches out of the process, or looks at where it runs.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
];
/// What speaks to people.
const LOGS: &[&str] = &["tracing", "log", "println", "eprintln"];
/// The wire and the runtime under it.
const WIRE: &[&str] = &["tokio", "tonic", "prost", "async", "await"];
/// Modules of the edge.
const EDGE: &[&str] = &[
    "crate::cli",
    "crate::clock",
    "crate::config",
    "crate::grpc",
    "crate::pb",
    "crate::pb_codec",
    "crate::replay",
    "crate::server",
    "crate::telemetry",
];
/// Imports of several modules in one, which would hide a forbidden path from this search.
const GROUPED: &[&str] = &["std::{", "crate::{", "core::{"];

const LAYERS: &[Layer] = &[
    Layer {
        folder: "src/domain",
        forbidden: &[
            FLOATS,
            CLOCKS,
            LOCKS,
            WORLD,
            LOGS,
            WIRE,
            EDGE,
            GROUPED,
            &["config", "crate::engine", "crate::risk"],
        ],
    },
    Layer {
        folder: "src/risk",
        forbidden: &[
            FLOATS,
            CLOCKS,
            LOCKS,
            WORLD,
            LOGS,
            WIRE,
            EDGE,
            GROUPED,
            &["config", "crate::engine"],
        ],
    },
    Layer {
        folder: "src/engine",
        forbidden: &[FLOATS, CLOCKS, WORLD, WIRE, EDGE, GROUPED, &["config"]],
    },
];

/// The part of a line that is code.
fn code(line: &str) -> &str {
    let mut in_text = false;
    let mut previous = [' '; 2];
    for (at, letter) in line.char_indices() {
        match letter {
            // A quote that is a character itself, or escaped, opens nothing.
            '"' if !matches!(previous[1], '\\' | '\'') => in_text = !in_text,
            '/' if !in_text && previous[1] == '/' => return &line[..at - 1],
            _ => {}
        }
        previous = if previous == ['\\'; 2] {
            [' ', letter]
        } else {
            [previous[1], letter]
        };
    }
    line
}

/// Whether a line of code has a word, not only as a part of another.
fn has(line: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !(word.ends_with(is_part) && after.is_some_and(is_part))
    })
}

/// Lines of a source that do not belong in a layer, with the word.
fn strays(layer: &Layer, name: &str, source: &str) -> Vec<String> {
    let mut strays = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let code = code(line);
        for word in layer.forbidden.iter().copied().flatten() {
            if has(code, word) {
                strays.push(format!(
                    "{name}:{}: `{word}` in: {}",
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    strays
}

/// Every source file under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_layer_knows_a_later_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for layer in LAYERS {
        let files = sources(&root.join(layer.folder));
        assert!(files.len() > 5, "{} is not where it was", layer.folder);
        let strays: Vec<String> = files
            .iter()
            .flat_map(|file| {
                let name = file.strip_prefix(root).unwrap().display().to_string();
                strays(layer, &name, &fs::read_to_string(file).unwrap())
            })
            .collect();
        assert!(strays.is_empty(), "{}", strays.join("\n"));
    }
}

#[test]
fn a_planted_line_is_found_in_its_layer() {
    let [domain, risk, engine] = LAYERS else {
        panic!("three layers")
    };
    let found = |layer: &Layer, line: &str| !strays(layer, "planted", line).is_empty();

    for line in [
        "use std::time::Instant;",
        "    let now = std::time::SystemTime::now();",
        "use parking_lot::{Mutex, RwLock};",
        "    tokio::spawn(async {});",
        "    tracing::info!(\"decided\");",
        "    let text = std::fs::read_to_string(path)?;",
        "use std::{fs, net};",
        "use crate::config::Settings;",
        "use crate::engine::bucket::Bucket;",
        "use crate::{engine, grpc};",
        "impl From<tonic::Status> for Reason {",
        "#[derive(prost::Message)]",
        "    let share = used as f64 / bound as f64;",
        "    let url = \"http://x\"; let wrong = 1_f32 as f64;",
    ] {
        assert!(found(domain, line), "domain: {line}");
        assert!(found(risk, line), "risk: {line}");
    }
    for line in [
        "    let now = std::time::Instant::now();",
        "use tokio::sync::Mutex;",
        "use crate::grpc::Gate;",
        "use crate::config::Settings;",
        "use std::fs::File;",
        "    let share: f64 = 0.0;",
        "    pub async fn decide(&self) -> Answer {",
    ] {
        assert!(found(engine, line), "engine: {line}");
    }
    assert!(found(domain, "use crate::risk::policy::evaluate;"));

    for line in [
        "//! No tokio, no f64, no Instant: see crate::engine.",
        "    let instant = now.wall; // not an Instant",
        "    let configured = limits.is_some();",
        "use crate::domain::time::Now;",
        "    let quote = '\"'; // Mutex",
        "    let text = \"a \\\"quoted\\\" one\"; // f64",
    ] {
        assert!(!found(risk, line), "risk: {line}");
        assert!(!found(engine, line), "engine: {line}");
    }
    assert!(!found(risk, "use crate::domain::amount::Money;"));
    assert!(!found(engine, "use parking_lot::{Mutex, RwLock};"));
    assert!(!found(engine, "use crate::risk::policy::evaluate;"));
    assert!(!found(
        engine,
        "    tracing::error!(\"a fault while deciding\");"
    ));
}
