//! What is kept in memory: a bucket that does nothing, one that trades, and each order under its id.
//!
//! Differences of a process's resident memory, so that what the allocator rounds up and keeps for itself is counted too. The process
//! is one of its own, whose memory nothing has touched yet, and frees nothing that is weighed. Orders and reports are made and freed in
//! small batches, the first of which is not counted.

use std::error::Error;
use std::process::Command;

use serde_json::Value;

use super::approve::refuse;
use super::gateway;
use super::options::{MANY, Options};
use super::subject::{Subject, lives};
use super::support::machine::{self, Noise, PURGE_DELAY};
use super::support::report::{Bar, Ratio, Report, Row};
use super::support::rounds::Spread;

const BATCH: usize = 10_000;
/// Buckets of an engine whose orders are weighed.
const FEW: usize = 1_000;
const BYTES_MAX: f64 = 2_048.0;

pub fn measure(options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let (many, stored) = (options.many, options.effort.stored);
    let rows = if options.untouched {
        weigh_all(many, stored)?
    } else {
        weigh_elsewhere(many, stored)?
    };
    for (name, bytes) in &rows {
        report.row(Row {
            name: name.clone(),
            unit: "bytes",
            spread: Spread::of(&[*bytes]).ok_or("no figure")?,
            also: Vec::new(),
            noise: Noise::default(),
        });
    }
    let idle = idle(many);
    if let Some((name, bytes)) = rows.into_iter().find(|(name, _)| *name == idle) {
        let bar = (many >= MANY).then_some(Bar::AtMost(BYTES_MAX));
        report.held(
            "bytes",
            Ratio {
                name,
                value: bytes,
                bar,
            },
        );
    }
    Ok(())
}

fn idle(many: usize) -> String {
    format!("memory/idle bucket, of {many}")
}

/// The same in another process, as its JSON tells it.
fn weigh_elsewhere(many: usize, stored: usize) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--parts", "memory", "--untouched", "--json", "-"])
        .args(["--buckets", &many.to_string()])
        .args(["--stored", &stored.to_string()])
        .env_remove(PURGE_DELAY)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let told: Value = serde_json::from_slice(&output.stdout)?;
    let rows = told.get("rows").and_then(Value::as_array);
    let rows = rows.ok_or("no rows")?;
    let row = |row: &Value| {
        let name = row.get("name")?.as_str()?;
        Some((name.to_owned(), row.get("median")?.as_f64()?))
    };
    let rows: Option<Vec<_>> = rows.iter().map(row).collect();
    Ok(rows.ok_or("a row without a figure")?)
}

/// Every line: what is weighed, and its bytes.
fn weigh_all(many: usize, stored: usize) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let every = gateway::every_limit();
    // Kept to the end: what one gives back the next would use again, and weigh nothing.
    let [mut live, mut ended] = [(); 2].map(|()| Subject::new(FEW, &every));
    let mut refused = Subject::new(FEW, &gateway::no_room());
    let live = weigh(&mut live, stored, &mut |subject, count| {
        let orders = subject.supply.batch(count);
        subject.approve(&orders).map(drop)
    })?;
    let ended = weigh(&mut ended, stored, &mut |subject, count| {
        let orders = subject.supply.batch(count);
        lives(subject, &orders, FEW).map(drop)
    })?;
    let refused = weigh(&mut refused, stored, &mut |subject, count| {
        let orders = subject.supply.batch(count);
        refuse(subject, &orders, false).map(drop)
    })?;

    let before = machine::resident();
    let mut subject = Subject::new(many, &every);
    let created = each(before, many);
    // A part of them tells as much.
    let some = many.min(stored);
    let before = machine::resident();
    for from in (0..some).step_by(BATCH) {
        let orders = subject.supply.one_each(from, (from + BATCH).min(some));
        subject.approve(&orders)?;
    }
    let first = each(before, some);
    let rows = [
        (idle(many), created),
        (
            "memory/what a bucket's first order adds, itself included".to_owned(),
            first,
        ),
        ("memory/live order, with its stored answer".to_owned(), live),
        (
            "memory/filled order, kept for late reports".to_owned(),
            ended,
        ),
        (
            "memory/refused order, every limit broken".to_owned(),
            refused,
        ),
    ];
    Ok(rows.into())
}

/// Bytes that each of so many orders adds, after the first batch.
fn weigh(subject: &mut Subject, stored: usize, put: &mut Put) -> Result<f64, Box<dyn Error>> {
    put(subject, BATCH)?;
    let before = machine::resident();
    let batches = stored.div_ceil(BATCH);
    for _ in 0..batches {
        put(subject, BATCH)?;
    }
    Ok(each(before, batches * BATCH))
}

/// Puts so many orders to an engine.
type Put<'a> = dyn FnMut(&mut Subject, usize) -> Result<(), Box<dyn Error>> + 'a;

fn each(before: u64, count: usize) -> f64 {
    machine::resident().saturating_sub(before) as f64 / count.max(1) as f64
}
