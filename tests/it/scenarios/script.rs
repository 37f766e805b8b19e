//! The text of scenarios: files, scenarios in them, lines, words.

use core::str::FromStr;
use std::path::{Path, PathBuf};

/// What a step says, or why it does not hold.
pub type Said<T> = Result<T, String>;

/// One line that does something.
#[derive(Clone)]
pub struct Line {
    pub number: usize,
    pub text: String,
}

/// One story: it starts from nothing and is told line by line.
pub struct Scenario {
    pub file: String,
    /// Rows of the reference it shows: `B1`, `RACE2`.
    pub rows: Vec<String>,
    pub title: String,
    pub lines: Vec<Line>,
}

/// Every scenario file, by name.
pub fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "scenario")
        })
        .collect();
    files.sort();
    files
}

/// The scenarios of a file. What stands before the first belongs to all of them.
pub fn read(path: &Path) -> Said<Vec<Scenario>> {
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let mut common = Vec::new();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for line in joined(&text) {
        if let Some(header) = line.text.strip_prefix("scenario ") {
            let (rows, title) = header.split_once(':').ok_or_else(|| {
                format!(
                    "{file}:{}: a scenario needs `rows: title`, rows may be empty",
                    line.number
                )
            })?;
            scenarios.push(Scenario {
                file: file.clone(),
                rows: rows.split_whitespace().map(str::to_owned).collect(),
                title: title.trim().to_owned(),
                lines: common.clone(),
            });
        } else {
            match scenarios.last_mut() {
                Some(scenario) => scenario.lines.push(line),
                None => common.push(line),
            }
        }
    }
    if scenarios.is_empty() {
        return Err(format!("{file}: no scenario in it"));
    }
    Ok(scenarios)
}

/// Lines without comments; one that ends in a comma goes on in the next.
fn joined(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open = false;
    for (index, raw) in text.lines().enumerate() {
        let line = raw
            .split_once('#')
            .map_or(raw, |(before, _)| before)
            .trim()
            .to_owned();
        if line.is_empty() {
            continue;
        }
        let goes_on = line.ends_with(',');
        match lines.last_mut() {
            Some(last) if open => {
                last.text.push(' ');
                last.text.push_str(&line);
            }
            _ => lines.push(Line {
                number: index + 1,
                text: line,
            }),
        }
        open = goes_on;
    }
    lines
}

/// The words of a line, from left to right.
#[derive(Clone)]
pub struct Words<'t> {
    words: Vec<&'t str>,
    at: usize,
}

impl<'t> Words<'t> {
    pub fn of(text: &'t str) -> Self {
        Self {
            words: text.split_whitespace().collect(),
            at: 0,
        }
    }

    pub fn peek(&self) -> Option<&'t str> {
        self.words.get(self.at).copied()
    }

    /// The next word, which must be there.
    pub fn next(&mut self, what: &str) -> Said<&'t str> {
        let word = self.peek().ok_or_else(|| format!("{what} is missing"))?;
        self.at += 1;
        Ok(word)
    }

    /// The next word as a value.
    pub fn value<T: FromStr>(&mut self, what: &str) -> Said<T> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("{word:?} is not {what}"))
    }

    /// The next word where it is a value of this kind, else nothing.
    pub fn maybe<T: FromStr>(&mut self) -> Option<T> {
        let value = self.peek()?.parse().ok()?;
        self.at += 1;
        Some(value)
    }

    /// Whether the next word is this one, which is then taken.
    pub fn take(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// Words up to one of these, or to the end.
    pub fn until(&mut self, stops: &[&str]) -> Vec<&'t str> {
        let mut taken = Vec::new();
        while let Some(word) = self.peek()
            && !stops.contains(&word)
        {
            taken.push(word);
            self.at += 1;
        }
        taken
    }

    /// Nothing may be left.
    pub fn end(&self) -> Said<()> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(format!("{word:?} is not understood here")),
        }
    }
}

/// `PositionLong` as `POSITION_LONG`: the way names are written in scenarios and on the wire.
pub fn shout(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

/// The name of an enum's value, without what it carries.
pub fn name_of(value: &impl core::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text
        .find(|letter: char| !letter.is_alphanumeric())
        .unwrap_or(text.len());
    shout(&text[..end])
}
