//! Reading typed values out of the tree. Whatever does not fit becomes a problem, and reading goes on.

use core::ops::RangeInclusive;
use core::str::FromStr;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::node::{Data, Node, join};
use super::problem::{Problem, Problems};
use crate::domain::amount::Amount;
use crate::domain::duration;
use crate::domain::name::{Kind, Name};
use crate::risk::flaws::Flaw;

/// Most names that a message lists.
const LISTED_MAX: usize = 12;
/// What an optional limit says to have no limit where its profile has one.
const NONE: &str = "none";

/// One value, and where to tell what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'n> {
    pub(super) node: &'n Node,
    pub(super) problems: &'n Problems,
}

impl<'n> Cursor<'n> {
    pub(super) const fn new(node: &'n Node, problems: &'n Problems) -> Self {
        Self { node, problems }
    }

    /// Tells that the value is not what is allowed here.
    pub(super) fn refuse(self, expected: impl Into<String>) {
        self.problems.push(Problem {
            key: self.node.path.clone(),
            value: Some(self.node.shown()),
            expected: expected.into(),
            origin: self.node.origin.clone(),
        });
    }

    /// Tells that a key below is missing.
    pub(super) fn missing(self, key: &str, expected: impl Into<String>) {
        self.problems.push(Problem {
            key: join(&self.node.path, key),
            value: None,
            expected: expected.into(),
            origin: self.node.origin.clone(),
        });
    }

    /// Tells the flaws of what was read here, each at the value it is about.
    pub(super) fn flaws(self, flaws: Vec<Flaw>) {
        for Flaw {
            key,
            value,
            expected,
        } in flaws
        {
            let mut node = Some(self.node);
            let mut path = self.node.path.clone();
            for segment in &key {
                node = node.and_then(|node| node.get(segment));
                path = join(&path, segment);
            }
            let mut problem = Problem {
                key: node.map_or(path, |node| node.path.clone()),
                value: node.map(Node::shown).or(value),
                expected,
                origin: node.unwrap_or(self.node).origin.clone(),
            };
            // What a profile alone gets wrong is told already; else it is wrong together with what stands here.
            let inherited = !problem.key.starts_with(&self.node.path);
            if inherited && !self.problems.has(&problem) {
                problem.expected = format!("{}, as used in {}", problem.expected, self.node.path);
            }
            self.problems.push(problem);
        }
    }

    /// What `read` finds, or a problem that says what is `expected`.
    fn expect<T>(self, read: Option<T>, expected: impl FnOnce() -> String) -> Option<T> {
        if read.is_none() {
            self.refuse(expected());
        }
        read
    }

    fn as_text(self) -> Option<&'n str> {
        if let Data::Text(text) = &self.node.data {
            Some(text)
        } else {
            None
        }
    }

    /// Whether the value is this text.
    pub(super) fn is_word(self, word: &str) -> bool {
        self.as_text() == Some(word)
    }

    /// Whether the value is a table.
    pub(super) const fn is_table(self) -> bool {
        matches!(self.node.data, Data::Table(_))
    }

    /// Any text.
    pub(super) fn text(self) -> Option<&'n str> {
        self.expect(self.as_text(), || "a text in quotes".to_owned())
    }

    /// Whatever `parse` makes of a text.
    pub(super) fn parsed<T>(
        self,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.expect(self.as_text().and_then(parse), || expected.to_owned())
    }

    /// A decimal number in quotes: a bare one would pass through binary fractions and lose digits without a word.
    pub(super) fn amount<U>(self) -> Option<Amount<U>> {
        if matches!(self.node.data, Data::Integer(_) | Data::Float(_)) {
            self.refuse("a number in quotes such as \"0.05\": quote it, so that it stays exact");
            return None;
        }
        let text = self.expect(self.as_text(), || {
            "a number in quotes such as \"0.05\"".to_owned()
        })?;
        match text.parse() {
            Ok(amount) => Some(amount),
            Err(error) => {
                self.refuse(format!(
                    "a plain decimal number of at most 16 digits and 12 decimals, but this is {error}"
                ));
                None
            }
        }
    }

    /// A whole number of things, not in quotes.
    pub(super) fn count<T>(self, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i128> + PartialOrd + core::fmt::Display,
    {
        let number = if let Data::Integer(number) = self.node.data {
            T::try_from(number).ok()
        } else {
            None
        };
        self.expect(number.filter(|number| range.contains(number)), || {
            format!("a whole number from {} to {}", range.start(), range.end())
        })
    }

    pub(super) fn flag(self) -> Option<bool> {
        let flag = if let Data::Flag(flag) = self.node.data {
            Some(flag)
        } else {
            None
        };
        self.expect(flag, || "true or false".to_owned())
    }

    /// A duration such as `30s`, in nanoseconds.
    pub(super) fn length(self, range: RangeInclusive<u64>) -> Option<u64> {
        let length = self
            .as_text()
            .and_then(duration::parse)
            .filter(|length| range.contains(length));
        self.expect(length, || {
            format!(
                "a duration in quotes such as \"30s\", from {} to {}",
                duration::format(*range.start()),
                duration::format(*range.end())
            )
        })
    }

    /// A time of day.
    pub(super) fn time(self) -> Option<Time> {
        let time = self.as_text().and_then(clock);
        self.expect(time, || "a time of day such as \"17:00\"".to_owned())
    }

    /// An instant with its offset from UTC, as wall nanoseconds.
    pub(super) fn instant(self) -> Option<i64> {
        let instant = self
            .as_text()
            .and_then(|text| Timestamp::from_str(text).ok())
            .and_then(|instant| i64::try_from(instant.as_nanosecond()).ok());
        self.expect(instant, || {
            "an instant such as \"2030-12-27T08:00:00Z\"".to_owned()
        })
    }

    /// A zone by its name in the IANA database.
    pub(super) fn zone(self) -> Option<TimeZone> {
        let zone = self.as_text().and_then(|name| TimeZone::get(name).ok());
        self.expect(zone, || {
            "a zone of the IANA database such as \"America/New_York\" or \"UTC\"".to_owned()
        })
    }

    /// A name of any kind.
    pub(super) fn name<K: Kind>(self) -> Option<Name<K>> {
        match self.text()?.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.refuse(format!("{NAMES}, but this is {error}"));
                None
            }
        }
    }

    /// A name that is declared in this table of the document.
    pub(super) fn declared<K: Kind>(
        self,
        names: &BTreeSet<Name<K>>,
        table: &str,
    ) -> Option<Name<K>> {
        let name = self.name()?;
        let known = names.contains(&name).then_some(name);
        self.expect(known, || {
            one_of(&format!("a name declared in [{table}]"), names)
        })
    }

    /// Tells that the key of this entry is not a name declared in that table.
    pub(super) fn refuse_key<K>(self, names: &BTreeSet<Name<K>>, table: &str) {
        self.refuse(one_of(
            &format!("as its key a name declared in [{table}]"),
            names,
        ));
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(self, words: &[(&str, T)]) -> Option<T> {
        let found = self
            .as_text()
            .and_then(|text| words.iter().find(|(word, _)| *word == text))
            .map(|(_, value)| *value);
        self.expect(found, || {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            format!("one of {}", words.join(", "))
        })
    }

    /// The elements of a list.
    pub(super) fn list(self) -> Option<impl Iterator<Item = Self> + use<'n>> {
        let nodes = if let Data::List(nodes) = &self.node.data {
            Some(nodes)
        } else {
            None
        };
        let nodes = self.expect(nodes, || "a list in brackets".to_owned())?;
        Some(nodes.iter().map(move |node| Self { node, ..self }))
    }

    /// The entries of a table whose keys are names.
    pub(super) fn named<K: Kind>(self) -> Vec<(Name<K>, Self)> {
        let Some(entries) = self.table() else {
            return Vec::new();
        };
        let mut named = Vec::new();
        for (key, node) in entries {
            let cursor = Self { node, ..self };
            match key.parse() {
                Ok(name) => named.push((name, cursor)),
                Err(error) => cursor.refuse(format!("{NAMES} as key, but this is {error}")),
            }
        }
        named
    }

    fn table(self) -> Option<&'n BTreeMap<String, Node>> {
        let entries = if let Data::Table(entries) = &self.node.data {
            Some(entries)
        } else {
            None
        };
        self.expect(entries, || "a table".to_owned())
    }

    /// A table whose keys are ours.
    pub(super) fn section(self) -> Option<Section<'n>> {
        Some(Section {
            at: self,
            rest: self.table()?.iter().collect(),
            known: Vec::new(),
        })
    }
}

/// What a name may be.
const NAMES: &str = "a name of 1 to 64 of A-Z a-z 0-9 . _ : -";

/// A table being read key by key. Keys nobody asked for are problems, told by [`Section::close`].
#[derive(Debug)]
pub(super) struct Section<'n> {
    pub(super) at: Cursor<'n>,
    rest: BTreeMap<&'n String, &'n Node>,
    known: Vec<&'static str>,
}

impl<'n> Section<'n> {
    /// The value of a key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Cursor<'n>> {
        self.known.push(key);
        let node = self.rest.remove(&key.to_owned())?;
        Some(Cursor {
            node,
            problems: self.at.problems,
        })
    }

    /// The value of a key that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Cursor<'n>) -> Option<T>,
    ) -> Option<T> {
        self.take(key).and_then(read)
    }

    /// The same, where `"none"` means nothing too, to undo what a profile says.
    pub(super) fn limit<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Cursor<'n>) -> Option<T>,
    ) -> Option<T> {
        let cursor = self.take(key)?;
        if cursor.is_word(NONE) {
            return None;
        }
        read(cursor)
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(Cursor<'n>) -> Option<T>,
    ) -> Option<T> {
        let Some(cursor) = self.take(key) else {
            self.at.missing(key, expected);
            return None;
        };
        read(cursor)
    }

    /// The entries of a table below, whose keys are names; none where it is not there.
    pub(super) fn named<K: Kind>(&mut self, key: &'static str) -> Vec<(Name<K>, Cursor<'n>)> {
        self.take(key).map(Cursor::named).unwrap_or_default()
    }

    /// Ends the reading: every key left over is unknown.
    pub(super) fn close(self) {
        for node in self.rest.values() {
            let known = one_of("a known key", &self.known);
            Cursor::new(node, self.at.problems).refuse(known);
        }
    }
}

/// `what: one of a, b, c`, cut where the list is long.
fn one_of<T: ToString>(what: &str, names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() {
        return format!("{what}, and there is none");
    }
    let listed = names.get(..LISTED_MAX).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(LISTED_MAX) {
        0 => format!("{what}: {listed}"),
        more => format!("{what}: {listed} and {more} more"),
    }
}

/// `HH:MM` or `HH:MM:SS`.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}
