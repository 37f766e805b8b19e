//! How a result is printed: a line for people as soon as it is known, and on request all of them as JSON.

use std::fs;
use std::io;

use serde_json::{Map, Value, json};

use super::machine::Noise;
use super::rounds::Spread;

/// One measured figure.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured: lower case words and slashes, the same in every run.
    pub name: String,
    pub unit: &'static str,
    pub spread: Spread,
    /// Further figures of the same measurement.
    pub also: Vec<(&'static str, f64)>,
    pub noise: Noise,
}

/// A bar, and what was reached.
#[derive(Clone, Debug)]
pub struct Ratio {
    pub name: String,
    pub value: f64,
    pub bar: Option<Bar>,
}

/// What a ratio is held to.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Ratio {
    /// Whether the bar is reached; a ratio without one is.
    pub fn is_met(&self) -> bool {
        match self.bar {
            None => true,
            Some(Bar::AtLeast(least)) => self.value >= least,
            Some(Bar::AtMost(most)) => self.value <= most,
        }
    }
}

/// Collects rows and ratios, printing each as it comes.
pub struct Report {
    bench: &'static str,
    rows: Vec<Row>,
    /// With the unit of each.
    ratios: Vec<(Ratio, &'static str)>,
    to_stdout: bool,
}

impl Report {
    /// `json` is where [`Report::finish`] will write: with `-` standard output carries the JSON, and the lines go to standard error.
    pub fn new(bench: &'static str, json: Option<&str>) -> Self {
        Self {
            bench,
            rows: Vec::new(),
            ratios: Vec::new(),
            to_stdout: json != Some("-"),
        }
    }

    /// A remark for people.
    pub fn say(&self, line: &str) {
        if self.to_stdout {
            println!("{line}");
        } else {
            eprintln!("{line}");
        }
    }

    pub fn row(&mut self, row: Row) {
        let mut line = format!(
            "{:<60} {:>8} {:<8} [{} .. {}]",
            row.name,
            figure(row.spread.median),
            row.unit,
            figure(row.spread.min),
            figure(row.spread.max),
        );
        for (name, value) in &row.also {
            line.push_str(&format!("  {name} {}", figure(*value)));
        }
        if !row.noise.is_quiet() {
            line.push_str(&format!(
                "  (noisy: steal {:.0} %, others {:.0} %)",
                row.noise.steal, row.noise.foreign
            ));
        }
        self.say(&line);
        self.rows.push(row);
    }

    pub fn ratio(&mut self, ratio: Ratio) {
        self.held("x", ratio);
    }

    /// A figure that has a unit and is held to a bar like a ratio.
    pub fn held(&mut self, unit: &'static str, ratio: Ratio) {
        let bar = match ratio.bar {
            None => String::new(),
            Some(Bar::AtLeast(least)) => format!("bar >= {least}"),
            Some(Bar::AtMost(most)) => format!("bar <= {most}"),
        };
        let verdict = match (ratio.bar, ratio.is_met()) {
            (None, _) => "",
            (Some(_), true) => "  met",
            (Some(_), false) => "  MISSED",
        };
        self.say(&format!(
            "{:<60} {:>8} {unit:<8} {bar}{verdict}",
            ratio.name,
            format!("{:.3}", ratio.value)
        ));
        self.ratios.push((ratio, unit));
    }

    /// The median of a row already reported.
    pub fn median(&self, name: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.name == name)?;
        Some(row.spread.median)
    }

    /// Whether every bar was reached.
    pub fn all_met(&self) -> bool {
        self.ratios.iter().all(|(ratio, _)| ratio.is_met())
    }

    /// Writes everything as one JSON document, if asked for.
    pub fn finish(&self, json: Option<&str>) -> io::Result<()> {
        let document = self.to_json();
        match json {
            None => Ok(()),
            Some("-") => {
                println!("{document:#}");
                Ok(())
            }
            Some(path) => fs::write(path, format!("{document:#}\n")),
        }
    }

    fn to_json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(row_to_json).collect();
        let ratios: Vec<Value> = self
            .ratios
            .iter()
            .map(|(ratio, unit)| ratio_to_json(ratio, unit))
            .collect();
        json!({ "bench": self.bench, "rows": rows, "ratios": ratios })
    }
}

fn row_to_json(row: &Row) -> Value {
    let also: Map<String, Value> = row
        .also
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "name": row.name,
        "unit": row.unit,
        "median": row.spread.median,
        "min": row.spread.min,
        "max": row.spread.max,
        "rounds": row.spread.rounds,
        "also": also,
        "steal_percent": row.noise.steal,
        "foreign_percent": row.noise.foreign,
        "quiet": row.noise.is_quiet(),
    })
}

fn ratio_to_json(ratio: &Ratio, unit: &str) -> Value {
    let (at_least, at_most) = match ratio.bar {
        None => (None, None),
        Some(Bar::AtLeast(least)) => (Some(least), None),
        Some(Bar::AtMost(most)) => (None, Some(most)),
    };
    json!({
        "name": ratio.name,
        "value": ratio.value,
        "unit": unit,
        "at_least": at_least,
        "at_most": at_most,
        "met": ratio.is_met(),
    })
}

/// Whole numbers from a hundred up, else two decimals.
fn figure(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
