//! The desk a scenario plays on, told in the words of the configuration and read by the configuration's own reader.
//!
//! `bucket b in desk: long_max 16, order_rate 3 per 1s keep 1` becomes the table `buckets.b` of a configuration document.

use bulkhead::config::Settings;
use toml::{Table, Value};

use super::script::{Said, Words};

/// Limits that are lists of instruments.
const LISTS: &[&str] = &["allow", "deny", "restricted"];
/// Values that are whole numbers and not amounts.
const COUNTS: &[&str] = &["quota", "default_quota", "clients_max"];
/// Keys of an instrument that a plain word gives.
const FLAGS: &[&str] = &[
    "net_offsets",
    "disclose",
    "send_after_commit",
    "negative_prices",
];

/// The document so far.
pub struct Setup {
    document: Table,
    pub buckets: Vec<String>,
    pub instruments: Vec<String>,
    pub groups: Vec<String>,
}

impl Setup {
    pub fn new() -> Self {
        let document = toml::from_str("[venues]\nX = \"a venue\"\nY = \"another\"\n").unwrap();
        Self {
            document,
            buckets: Vec::new(),
            instruments: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The document, read and checked.
    pub fn settings(&self) -> Said<Settings> {
        let text = toml::to_string(&self.document).map_err(|error| error.to_string())?;
        Settings::parse(&text).map_err(|error| error.to_string())
    }

    /// Takes a line such as `bucket b in desk: long_max 16`; false where it is about something else.
    pub fn take(&mut self, kind: &str, rest: &str) -> Said<bool> {
        let (head, items) = rest.split_once(':').unwrap_or((rest, ""));
        let mut head = Words::of(head);
        match kind {
            "instrument" => self.instrument(head.next("a name")?, items)?,
            "firm" | "desk" => {
                let name = head.next("a name")?;
                self.group(kind, name, &mut head, items)?;
            }
            "bucket" => {
                let name = head.next("a name")?;
                self.bucket(name, &mut head, items)?;
            }
            // `venue X: …`, `counterparty prime of X Y: …`: what all buckets do there together.
            "venue" | "counterparty" => {
                let name = head.next("a name")?;
                let venues = match head.take("of") {
                    true => head.until(&[]),
                    false => Vec::new(),
                };
                let plural = if kind == "venue" {
                    "venues"
                } else {
                    "counterparties"
                };
                let table = self.table(&[plural, name]);
                if kind == "counterparty" {
                    let text = |venue: &str| Value::String(venue.to_owned());
                    let venues = venues.into_iter().map(text).collect();
                    table.insert("venues".to_owned(), Value::Array(venues));
                }
                table.insert("currency".to_owned(), Value::String("USD".to_owned()));
                put_all(self.table(&[plural, name, "limits"]), items)?;
            }
            "client" => {
                let name = head.next("a name")?;
                let table = self.table(&["clients", name]);
                put_all(table, items)?;
            }
            "calendar" => {
                let name = head.next("a name")?;
                let table = self.table(&["calendars", name]);
                put_all(table, items)?;
            }
            "engine" => put_all(self.table(&["engine"]), items)?,
            _ => return Ok(false),
        }
        head.end()?;
        Ok(true)
    }

    /// Changes the limits of a bucket or a group in the document.
    /// Changes limits as the second owner has them.
    pub fn change_of(&mut self, owner: &str, name: &str, items: &str) -> Said<()> {
        let kind = if self.buckets.iter().any(|bucket| bucket == name) {
            "buckets"
        } else {
            "groups"
        };
        put_all(self.table(&[kind, name, "limits_of", owner]), items)
    }

    pub fn change(&mut self, name: &str, items: &str) -> Said<()> {
        if self.buckets.iter().any(|bucket| bucket == name) {
            put_bucket(self.table(&["buckets", name]), items)
        } else if self.groups.iter().any(|group| group == name) {
            put_group(self.table(&["groups", name]), items)
        } else {
            Err(format!("no bucket or group {name:?}"))
        }
    }

    fn instrument(&mut self, name: &str, items: &str) -> Said<()> {
        if !self.instruments.iter().any(|known| known == name) {
            self.instruments.push(name.to_owned());
        }
        let table = self.table(&["instruments", name]);
        let listings = ["X", "Y"].map(|venue| (venue.to_owned(), Value::String(name.to_owned())));
        let defaults = [
            ("type", "perpetual"),
            ("base", name),
            ("quote", "USD"),
            ("tick", "0.01"),
            ("lot", "0.001"),
            ("mark_max_age", "1h"),
        ];
        for (key, value) in defaults {
            table
                .entry(key)
                .or_insert_with(|| Value::String(value.to_owned()));
        }
        table
            .entry("listings")
            .or_insert_with(|| Value::Table(listings.into_iter().collect()));
        put_all(table, items)
    }

    fn group(&mut self, kind: &str, name: &str, head: &mut Words<'_>, items: &str) -> Said<()> {
        self.groups.push(name.to_owned());
        let parent = head.take("in").then(|| head.next("a firm")).transpose()?;
        let table = self.table(&["groups", name]);
        table.insert("level".to_owned(), Value::String(kind.to_owned()));
        if let Some(parent) = parent {
            table.insert("parent".to_owned(), Value::String(parent.to_owned()));
        } else {
            table.insert("currency".to_owned(), Value::String("USD".to_owned()));
        }
        put_group(self.table(&["groups", name]), items)
    }

    fn bucket(&mut self, name: &str, head: &mut Words<'_>, items: &str) -> Said<()> {
        self.buckets.push(name.to_owned());
        let parent = head.take("in").then(|| head.next("a group")).transpose()?;
        let table = self.table(&["buckets", name]);
        match parent {
            Some(parent) => table.insert("parent".to_owned(), Value::String(parent.to_owned())),
            None => table.insert("currency".to_owned(), Value::String("USD".to_owned())),
        };
        table.insert(
            "accounts".to_owned(),
            Value::Array(vec![account(&format!("X/{name}-x"))?]),
        );
        let every = toml::from_str("allow = [\"*\"]").unwrap();
        self.table(&["buckets", name, "limits"])
            .insert("instruments".to_owned(), Value::Table(every));
        put_bucket(self.table(&["buckets", name]), items)
    }

    fn table(&mut self, path: &[&str]) -> &mut Table {
        table_at(&mut self.document, path)
    }
}

fn table_at<'t>(mut table: &'t mut Table, path: &[&str]) -> &'t mut Table {
    for key in path {
        let entry = table
            .entry((*key).to_owned())
            .or_insert_with(|| Value::Table(Table::new()));
        if !entry.is_table() {
            *entry = Value::Table(Table::new());
        }
        table = entry.as_table_mut().unwrap();
    }
    table
}

/// Commas outside brackets part the items.
fn items(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// What of a bucket's items is no limit.
fn put_bucket(bucket: &mut Table, text: &str) -> Said<()> {
    for item in items(text) {
        let (key, value) = item.split_once(' ').unwrap_or((item, ""));
        match key {
            "calendar" | "currency" => {
                bucket.insert(key.to_owned(), Value::String(value.to_owned()));
            }
            "accounts" => {
                let accounts: Said<Vec<Value>> = value.split_whitespace().map(account).collect();
                bucket.insert(key.to_owned(), Value::Array(accounts?));
            }
            "routes" => {
                let targets: Said<Vec<Value>> = value.split_whitespace().map(account).collect();
                table_at(bucket, &["reroute"]).insert("targets".to_owned(), Value::Array(targets?));
            }
            "tries" => {
                table_at(bucket, &["reroute"]).insert(key.to_owned(), count(value)?);
            }
            // `dead_man cancel_all after 5s cancel-gtc`.
            "dead_man" => {
                let mut words = Words::of(value);
                let table = table_at(bucket, &["dead_man"]);
                let action = words.next("an action")?.to_owned();
                table.insert("action".to_owned(), Value::String(action));
                if words.take("after") {
                    let after = words.next("a duration")?.to_owned();
                    table.insert("after".to_owned(), Value::String(after));
                }
                if words.take("cancel-gtc") {
                    table.insert("exempt_gtc".to_owned(), Value::Boolean(false));
                }
                words.end()?;
            }
            // `inbound 5000 from a 3000`: in total, and from bucket a.
            "inbound" => {
                let mut words = Words::of(value);
                let total = words.next("a total")?;
                table_at(bucket, &["inbound"])
                    .insert("total_max".to_owned(), Value::String(total.to_owned()));
                while words.take("from") {
                    let (from, max) = (words.next("a bucket")?, words.next("an amount")?);
                    table_at(bucket, &["inbound", "from"])
                        .insert(from.to_owned(), Value::String(max.to_owned()));
                }
                words.end()?;
            }
            _ => match key.split_once('.') {
                // `limits_of.risk.long_max 5`: as the second owner has it.
                Some(("limits_of", key)) => {
                    let (owner, key) = key.split_once('.').ok_or("limits_of.OWNER.limit")?;
                    put(table_at(bucket, &["limits_of", owner]), key, value)?;
                }
                Some((instrument, key)) => {
                    let own = table_at(bucket, &["limits", "per_instrument", instrument]);
                    put(own, key, value)?;
                }
                None => put(table_at(bucket, &["limits"]), key, value)?,
            },
        }
    }
    Ok(())
}

/// What of a group's items is no limit.
fn put_group(group: &mut Table, text: &str) -> Said<()> {
    for item in items(text) {
        let (key, value) = item.split_once(' ').unwrap_or((item, ""));
        match key {
            "calendar" => drop(group.insert(key.to_owned(), Value::String(value.to_owned()))),
            _ => put(table_at(group, &["limits"]), key, value.trim())?,
        }
    }
    Ok(())
}

fn put_all(table: &mut Table, text: &str) -> Said<()> {
    for item in items(text) {
        let (key, value) = item.split_once(' ').unwrap_or((item, ""));
        put(table, key, value.trim())?;
    }
    Ok(())
}

/// One item as the configuration writes it.
fn put(table: &mut Table, key: &str, value: &str) -> Said<()> {
    let counted = !FLAGS.contains(&key) && !COUNTS.contains(&key) && !LISTS.contains(&key);
    let worded = counted && value != "none" && !value.starts_with(['[', '{']);
    let mut words = Words::of(if worded { value } else { "" });
    let value = match key {
        _ if value == "none" => Value::String(value.to_owned()),
        _ if value.starts_with(['[', '{']) => {
            let document: Table =
                toml::from_str(&format!("value = {value}")).map_err(|error| error.to_string())?;
            document["value"].clone()
        }
        _ if FLAGS.contains(&key) => Value::Boolean(true),
        _ if COUNTS.contains(&key) => count(value)?,
        _ if LISTS.contains(&key) => {
            let names = value
                .split_whitespace()
                .filter(|word| *word != "nothing")
                .map(|word| Value::String(word.to_owned()))
                .collect();
            table_at(table, &["instruments"]).insert(key.to_owned(), Value::Array(names));
            return Ok(());
        }
        // `3 per 1s keep 1`, `2 per 5s`, `5 keep 1`, `1000 per 1m give_back`.
        "order_rate" | "notional_rate" | "look_alike" | "open_orders" => {
            let mut limit = Table::new();
            let most = words.next("a number")?;
            match key {
                "look_alike" => limit.insert("count".to_owned(), count(most)?),
                "notional_rate" => limit.insert("max".to_owned(), Value::String(most.to_owned())),
                _ => limit.insert("max".to_owned(), count(most)?),
            };
            if words.take("per") {
                let window = words.next("a window")?.to_owned();
                limit.insert("window".to_owned(), Value::String(window));
            }
            if words.take("give_back") {
                limit.insert("give_back".to_owned(), Value::Boolean(true));
            }
            if matches!(key, "order_rate" | "open_orders") {
                let kept = if words.take("keep") {
                    words.next("a number")?
                } else {
                    "0"
                };
                limit.insert("exit_reserve".to_owned(), count(kept)?);
            }
            Value::Table(limit)
        }
        // `reject_new`, `reject_new in desk`.
        "self_match" => {
            let mode = words.next("a mode")?.to_owned();
            if words.take("in") {
                let scope = words.next("bucket, desk or firm")?.to_owned();
                let entries = [("mode", mode), ("scope", scope)];
                let entries = entries.map(|(key, word)| (key.to_owned(), Value::String(word)));
                Value::Table(entries.into_iter().collect())
            } else {
                Value::String(mode)
            }
        }
        // `aggressive 0.05 absolute 2`.
        "collar" => Value::Table(pairs(&mut words)?),
        // `by underlying of BTC max 1000`, once for each.
        "concentration" => {
            let one = Value::Table(pairs(&mut words)?);
            let all = table.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            all.as_array_mut().unwrap().push(one);
            return Ok(());
        }
        // `EUR/USD GBP/EUR/USD`.
        "conversions" => {
            let path = |text: &str| {
                Value::Array(
                    text.split('/')
                        .map(|hop| Value::String(hop.to_owned()))
                        .collect(),
                )
            };
            let paths = words.until(&[]).into_iter().map(path).collect();
            Value::Array(paths)
        }
        // `mon tue 09:00 17:00`, once for each window.
        "open" => {
            let mut days = words.until(&[]);
            let (to, from) = (days.pop(), days.pop());
            let text = |word: &str| Value::String(word.to_owned());
            let mut window = Table::new();
            window.insert(
                "days".to_owned(),
                Value::Array(days.into_iter().map(text).collect()),
            );
            window.insert("from".to_owned(), text(from.unwrap_or_default()));
            window.insert("to".to_owned(), text(to.unwrap_or_default()));
            let all = table
                .entry("windows")
                .or_insert_with(|| Value::Array(Vec::new()));
            all.as_array_mut().unwrap().push(Value::Table(window));
            return Ok(());
        }
        // `X Y`: the venues that list an instrument.
        "venues" => {
            let mut listings = Table::new();
            for venue in words.until(&[]) {
                listings.insert(venue.to_owned(), Value::String("listed".to_owned()));
            }
            table.insert("listings".to_owned(), Value::Table(listings));
            return Ok(());
        }
        _ => {
            let word = words.next("a value")?.to_owned();
            Value::String(word)
        }
    };
    words.end()?;
    table.insert(key.to_owned(), value);
    Ok(())
}

fn pairs(words: &mut Words<'_>) -> Said<Table> {
    let mut table = Table::new();
    while words.peek().is_some() {
        let key = words.next("a key")?.to_owned();
        let value = words.next("a value")?.to_owned();
        table.insert(key, Value::String(value));
    }
    Ok(table)
}

fn count(word: &str) -> Said<Value> {
    word.parse()
        .map(Value::Integer)
        .map_err(|_| format!("{word:?} is not a whole number"))
}

/// `X/b-x`, or `c/X/c-x` for an account of bucket c.
fn account(text: &str) -> Said<Value> {
    let parts: Vec<&str> = text.split('/').collect();
    let keys: &[&str] = match parts.len() {
        2 => &["venue", "account"],
        3 => &["bucket", "venue", "account"],
        _ => return Err(format!("{text:?} is not [bucket/]venue/account")),
    };
    let entries = keys
        .iter()
        .zip(parts)
        .map(|(key, part)| ((*key).to_owned(), Value::String(part.to_owned())));
    Ok(Value::Table(entries.collect()))
}
