//! The merged document as a tree in which every value knows its key path and where it was written.
//!
//! A value taken over from a profile keeps the path under which a person finds it.

use std::collections::BTreeMap;

use ::config::{Value, ValueKind};

/// Most characters of a value that a message repeats.
const SHOWN_MAX: usize = 80;

/// One value of the document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its key path, as a person would write it: `buckets.alpha.limits.order_rate.max`.
    pub(super) path: String,
    /// File or other source it comes from.
    pub(super) origin: Option<String>,
    /// The value.
    pub(super) data: Data,
}

/// Kinds of values. A number with a fraction is kept as text: it is only ever refused.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Nil,
    Flag(bool),
    Integer(i128),
    Float(String),
    Text(String),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// The tree below `value`, which stands at `path`.
    pub(super) fn new(path: String, value: Value) -> Self {
        let origin = value.origin().map(str::to_owned);
        let data = match value.kind {
            ValueKind::Nil => Data::Nil,
            ValueKind::Boolean(flag) => Data::Flag(flag),
            ValueKind::I64(number) => Data::Integer(number.into()),
            ValueKind::I128(number) => Data::Integer(number),
            ValueKind::U64(number) => Data::Integer(number.into()),
            ValueKind::U128(number) => i128::try_from(number)
                .map_or_else(|_| Data::Float(number.to_string()), Data::Integer),
            ValueKind::Float(number) => Data::Float(number.to_string()),
            ValueKind::String(text) => Data::Text(text),
            ValueKind::Array(values) => Data::List(
                values
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| Self::new(join(&path, &index.to_string()), value))
                    .collect(),
            ),
            ValueKind::Table(values) => Data::Table(
                values
                    .into_iter()
                    .map(|(key, value)| {
                        let node = Self::new(join(&path, &key), value);
                        (key, node)
                    })
                    .collect(),
            ),
        };
        Self { path, origin, data }
    }

    /// An empty table at a path where nothing was written.
    pub(super) const fn absent(path: String) -> Self {
        Self {
            path,
            origin: None,
            data: Data::Table(BTreeMap::new()),
        }
    }

    /// This document over `base`: tables are merged key by key, of everything else this one wins.
    pub(super) fn over(&self, base: &Self) -> Self {
        let (Data::Table(own), Data::Table(inherited)) = (&self.data, &base.data) else {
            return self.clone();
        };
        let mut merged = inherited.clone();
        for (key, node) in own {
            let node = inherited
                .get(key)
                .map_or_else(|| node.clone(), |below| node.over(below));
            merged.insert(key.clone(), node);
        }
        Self {
            path: self.path.clone(),
            origin: self.origin.clone(),
            data: Data::Table(merged),
        }
    }

    /// The entry of a table, or the element of a list by its number.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        if let Data::Table(entries) = &self.data {
            return entries.get(key);
        }
        if let Data::List(nodes) = &self.data {
            return nodes.get(key.parse::<usize>().ok()?);
        }
        None
    }

    /// The value as a message repeats it.
    pub(super) fn shown(&self) -> String {
        let text = match &self.data {
            Data::Nil => "nothing".to_owned(),
            Data::Flag(flag) => flag.to_string(),
            Data::Integer(number) => number.to_string(),
            Data::Float(text) => text.clone(),
            Data::Text(text) => format!("{text:?}"),
            Data::List(nodes) => {
                let parts: Vec<String> = nodes.iter().map(Self::shown).collect();
                format!("[{}]", parts.join(", "))
            }
            Data::Table(entries) => {
                let parts: Vec<String> = entries
                    .iter()
                    .map(|(key, node)| format!("{} = {}", quoted(key), node.shown()))
                    .collect();
                format!("{{{}}}", parts.join(", "))
            }
        };
        shorten(text)
    }
}

/// `path.key`, with the key quoted where TOML would ask for it.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        quoted(key)
    } else {
        format!("{path}.{}", quoted(key))
    }
}

fn quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}

fn shorten(text: String) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    let start: String = text.chars().take(SHOWN_MAX).collect();
    format!("{start}…")
}
