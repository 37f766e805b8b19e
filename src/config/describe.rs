//! Settings back into words: the keys and values of the document, for people and for machines.

use core::time::Duration;

use serde_json::{Map, Value, json};

use super::limits::{
    DIMENSION, MODE, POSITION_RULE, POST_ONLY, SELF_MATCH, SELF_MATCH_SCOPE, SHORT_SALE,
};
use super::server::{LogFormat, LogSettings, Runtime};
use crate::domain::amount::Amount;
use crate::domain::duration;
use crate::domain::instrument::Collar;
use crate::domain::name::Name;
use crate::engine::setup::RerouteRule;
use crate::risk::calendar::Calendar;
use crate::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, Limits, LookAlikeLimit,
    NotionalRateLimit, OpenOrdersLimit, RateLimit,
};
use crate::risk::modes::{Mode, Modes};

/// How many reroute targets are tried where the rule does not say (RR7).
const TRIES: usize = 4;

/// One key of a document with its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Key path, segment by segment.
    pub key: Vec<String>,
    /// The value as the document writes it.
    pub value: Value,
}

/// An entry at the top.
#[must_use]
pub fn entry(key: &str, value: impl Into<Value>) -> Entry {
    Entry {
        key: vec![key.to_owned()],
        value: value.into(),
    }
}

/// The limits of a bucket in the order of the document; those that are not set are left out.
#[must_use]
pub fn bucket(limits: &Limits) -> Vec<Entry> {
    // In full, so that a new limit cannot be forgotten here.
    let Limits {
        currency: _,
        capital,
        order_quantity_max,
        order_base_quantity_max,
        order_notional_max,
        order_underlying_notional_max,
        collar,
        market_slippage,
        look_alike,
        instruments,
        post_only,
        short_sale,
        self_match,
        self_match_scope,
        long_max,
        short_max,
        position_rule,
        spread_counted_share,
        per_instrument,
        gross_notional_max,
        net_notional_max,
        open_orders,
        concentration,
        traded_notional_max,
        order_rate,
        notional_rate,
        unsent_ttl,
        modes,
        also: _,
    } = limits;
    let allow = instruments
        .allow
        .as_ref()
        .map_or_else(|| json!(["*"]), names);
    let mut list = List::default();
    list.amount("capital", *capital);
    list.push("instruments.allow", allow);
    list.names("instruments.deny", &instruments.deny);
    list.names("instruments.restricted", &instruments.restricted);
    list.amount("order_quantity_max", *order_quantity_max);
    list.amount("order_base_quantity_max", *order_base_quantity_max);
    list.amount("order_notional_max", *order_notional_max);
    list.amount(
        "order_underlying_notional_max",
        *order_underlying_notional_max,
    );
    list.collar(*collar);
    list.amount("market_slippage", Some(*market_slippage));
    list.look_alike(*look_alike);
    list.push("post_only", word(POST_ONLY, *post_only));
    list.push("short_sale", word(SHORT_SALE, *short_sale));
    list.push("self_match.mode", word(SELF_MATCH, *self_match));
    list.push(
        "self_match.scope",
        word(SELF_MATCH_SCOPE, *self_match_scope),
    );
    list.amount("long_max", *long_max);
    list.amount("short_max", *short_max);
    list.push("position_rule", word(POSITION_RULE, *position_rule));
    list.amount("spread_counted_share", *spread_counted_share);
    for (instrument, own) in per_instrument {
        let InstrumentLimits {
            order_quantity_max,
            long_max,
            short_max,
            collar,
        } = *own;
        list.prefix = vec!["per_instrument".to_owned(), instrument.to_string()];
        list.amount("order_quantity_max", order_quantity_max);
        list.amount("long_max", long_max);
        list.amount("short_max", short_max);
        list.collar(collar);
        list.prefix.clear();
    }
    list.amount("gross_notional_max", *gross_notional_max);
    list.amount("net_notional_max", *net_notional_max);
    list.open_orders(*open_orders);
    if !concentration.is_empty() {
        let sets: Vec<Value> = concentration.iter().map(one_concentration).collect();
        list.push("concentration", sets);
    }
    list.amount("traded_notional_max", *traded_notional_max);
    list.order_rate(*order_rate);
    list.notional_rate(*notional_rate);
    list.push("unsent_ttl", duration::format(*unsent_ttl));
    list.modes(modes);
    list.entries
}

/// The limits of a group; those that are not set are left out.
#[must_use]
pub fn group(limits: &GroupLimits) -> Vec<Entry> {
    let GroupLimits {
        currency: _,
        long_max,
        short_max,
        gross_notional_max,
        net_notional_max,
        net_offsets,
        open_orders,
        concentration,
        traded_notional_max,
        order_rate,
        notional_rate,
        disclose,
        modes,
    } = limits;
    let mut list = List::default();
    list.amount("long_max", *long_max);
    list.amount("short_max", *short_max);
    list.amount("gross_notional_max", *gross_notional_max);
    list.amount("net_notional_max", *net_notional_max);
    list.push("net_offsets", *net_offsets);
    list.open_orders(*open_orders);
    if !concentration.is_empty() {
        let sets: Vec<Value> = concentration.iter().map(one_concentration).collect();
        list.push("concentration", sets);
    }
    list.amount("traded_notional_max", *traded_notional_max);
    list.order_rate(*order_rate);
    list.notional_rate(*notional_rate);
    list.push("disclose", *disclose);
    list.modes(modes);
    list.entries
}

/// The entries as one nested object.
#[must_use]
pub fn nested(entries: Vec<Entry>) -> Value {
    let mut root = Map::new();
    for Entry { key, value } in entries {
        insert(&mut root, &key, value);
    }
    Value::Object(root)
}

fn insert(object: &mut Map<String, Value>, key: &[String], value: Value) {
    if let [last] = key {
        object.insert(last.clone(), value);
    } else if let [first, rest @ ..] = key {
        let below = object
            .entry(first.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(below) = below.as_object_mut() {
            insert(below, rest, value);
        }
    }
}

/// A value for the eye: no quotes, lists with commas, concentration limits one a line.
#[must_use]
pub fn text(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(values) = value.as_array() {
        if values.is_empty() {
            return "nothing".to_owned();
        }
        let tables = values.iter().all(Value::is_object);
        let parts: Vec<String> = values.iter().map(text).collect();
        return parts.join(if tables { "\n" } else { ", " });
    }
    if value.is_object() {
        return concentration_text(value);
    }
    value.to_string()
}

/// `underlying BTC: at most 1000`, or `each venue: at most 0.6 of capital`.
fn concentration_text(set: &Value) -> String {
    let part = |key: &str| set.get(key).and_then(Value::as_str);
    let by = part("by").unwrap_or("set");
    let which = part("of").map_or_else(|| format!("each {by}"), |of| format!("{by} {of}"));
    match (part("max"), part("capital_share")) {
        (Some(max), _) => format!("{which}: at most {max}"),
        (None, Some(share)) => format!("{which}: at most {share} of capital"),
        (None, None) => which,
    }
}

/// A calendar with the keys of the document.
#[must_use]
pub fn calendar(calendar: &Calendar) -> Value {
    let windows: Vec<Value> = calendar
        .windows
        .iter()
        .map(|window| {
            let days: Vec<String> = window.days.iter().map(|day| day_name(*day)).collect();
            json!({
                "days": days,
                "from": window.from.to_string(),
                "to": window.to.to_string(),
            })
        })
        .collect();
    json!({
        "zone": calendar.zone.iana_name().unwrap_or("UTC"),
        "reset": calendar.reset.to_string(),
        "windows": windows,
    })
}

/// A calendar in one phrase.
#[must_use]
pub fn calendar_text(calendar: &Calendar) -> String {
    let day = format!(
        "day from {} {}",
        calendar.reset,
        calendar.zone.iana_name().unwrap_or("UTC")
    );
    if calendar.windows.is_empty() {
        return format!("{day}, always open");
    }
    let windows: Vec<String> = calendar
        .windows
        .iter()
        .map(|window| {
            let days: Vec<String> = window.days.iter().map(|day| day_name(*day)).collect();
            format!("{} {} to {}", days.join(" "), window.from, window.to)
        })
        .collect();
    format!("{day}, open {}", windows.join(" and "))
}

fn day_name(day: jiff::civil::Weekday) -> String {
    format!("{day:?}")
        .chars()
        .take(3)
        .collect::<String>()
        .to_lowercase()
}

/// A runtime as the document names it.
#[must_use]
pub const fn runtime(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::PerCore => "per_core",
        Runtime::MultiThread => "multi_thread",
    }
}

/// Log settings with the keys of the document.
#[must_use]
pub fn log(log: LogSettings) -> Value {
    let format = match log.format {
        LogFormat::Human => "human",
        LogFormat::Json => "json",
    };
    json!({ "format": format, "level": log.level.to_string().to_lowercase() })
}

/// A duration as the document writes it.
#[must_use]
pub fn length(length: Duration) -> String {
    duration::format(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}

/// How many targets a rule tries.
#[must_use]
pub const fn tries(rule: &RerouteRule) -> usize {
    match rule.tries {
        0 => TRIES,
        tries => tries,
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let found = words.iter().find(|(_, other)| *other == value);
    found.map_or("?", |(word, _)| word)
}

fn names<'a, K: 'a>(names: impl IntoIterator<Item = &'a Name<K>>) -> Value {
    names.into_iter().map(Name::as_str).collect()
}

fn one_concentration(limit: &ConcentrationLimit) -> Value {
    let mut set = Map::new();
    set.insert("by".to_owned(), word(DIMENSION, limit.dimension).into());
    if let Some(value) = &limit.value {
        set.insert("of".to_owned(), value.as_str().into());
    }
    let (key, bound) = match limit.bound {
        ConcentrationBound::Money(max) => ("max", max.to_string()),
        ConcentrationBound::CapitalShare(share) => ("capital_share", share.to_string()),
    };
    set.insert(key.to_owned(), bound.into());
    Value::Object(set)
}

/// Entries under a prefix.
#[derive(Default)]
struct List {
    prefix: Vec<String>,
    entries: Vec<Entry>,
}

impl List {
    /// Adds an entry; `key` may name a table with a point.
    fn push(&mut self, key: &str, value: impl Into<Value>) {
        let mut path = self.prefix.clone();
        path.extend(key.split('.').map(str::to_owned));
        self.entries.push(Entry {
            key: path,
            value: value.into(),
        });
    }

    fn amount<U>(&mut self, key: &str, amount: Option<Amount<U>>) {
        if let Some(amount) = amount {
            self.push(key, amount.to_string());
        }
    }

    fn names<'a, K: 'a>(&mut self, key: &str, set: impl IntoIterator<Item = &'a Name<K>>) {
        let mut set = set.into_iter().peekable();
        if set.peek().is_some() {
            self.push(key, names(set));
        }
    }

    fn collar(&mut self, collar: Option<Collar>) {
        let Some(collar) = collar else { return };
        self.amount("collar.aggressive", collar.aggressive);
        self.amount("collar.passive", collar.passive);
        self.amount("collar.absolute", collar.absolute);
        self.amount("collar.period", collar.period);
    }

    fn modes(&mut self, modes: &Modes) {
        if modes.whole() != Mode::Enforce {
            self.push("mode", word(MODE, modes.whole()));
        }
        for (limit, mode) in modes.apart() {
            self.push(&format!("modes.{}", limit.key()), word(MODE, mode));
        }
    }

    fn look_alike(&mut self, limit: Option<LookAlikeLimit>) {
        if let Some(LookAlikeLimit { count, window }) = limit {
            self.push("look_alike.count", count);
            self.push("look_alike.window", duration::format(window));
        }
    }

    fn open_orders(&mut self, limit: Option<OpenOrdersLimit>) {
        if let Some(OpenOrdersLimit { max, exit_reserve }) = limit {
            self.push("open_orders.max", max);
            self.push("open_orders.exit_reserve", exit_reserve);
        }
    }

    fn order_rate(&mut self, limit: Option<RateLimit>) {
        if let Some(RateLimit {
            max,
            window,
            exit_reserve,
        }) = limit
        {
            self.push("order_rate.max", max);
            self.push("order_rate.window", duration::format(window));
            self.push("order_rate.exit_reserve", exit_reserve);
        }
    }

    fn notional_rate(&mut self, limit: Option<NotionalRateLimit>) {
        if let Some(NotionalRateLimit {
            max,
            window,
            give_back,
        }) = limit
        {
            self.push("notional_rate.max", max.to_string());
            self.push("notional_rate.window", duration::format(window));
            self.push("notional_rate.give_back", give_back);
        }
    }
}
