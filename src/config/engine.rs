//! Figures of the engine, clients by name, and currency conversions.

use std::collections::BTreeSet;

use super::names::Names;
use super::read::Cursor;
use super::{limits, node::Node};
use crate::domain::decision::Level;
use crate::domain::name::{ClientId, Currency, GroupId};
use crate::domain::time::{MILLISECOND, SECOND};
use crate::engine::setup::{BucketSetup, ClientSetup, ConversionPath, EngineSetup, GroupSetup};
use crate::risk::flaws::{self, LENGTHS};

/// Ids a client may be given for one trading day.
const QUOTA: core::ops::RangeInclusive<u32> = 1..=1_000_000_000;
/// Clients there may be.
const CLIENTS: core::ops::RangeInclusive<usize> = 1..=1_000_000;
/// Orders that memory may be set aside for.
const ORDERS: core::ops::RangeInclusive<usize> = 0..=1_000_000_000;
/// As many of them where the document does not say: some sixty megabytes.
const ORDERS_EXPECTED: usize = 65_536;
/// How long what is over is remembered, nanoseconds: never less than a trading day, at most thirty.
const RETENTIONS: core::ops::RangeInclusive<u64> = 25 * 3_600 * SECOND..=30 * 86_400 * SECOND;
/// Times between two sweeps, nanoseconds.
const SWEEPS: core::ops::RangeInclusive<u64> = 10 * MILLISECOND..=60 * SECOND;
/// Fewest and most currencies of a conversion: one to three steps.
const HOPS: core::ops::RangeInclusive<usize> = 2..=4;

/// What the engine's figures depend on.
pub(super) struct Firm<'s> {
    pub(super) names: &'s Names,
    pub(super) groups: &'s [GroupSetup],
    pub(super) buckets: &'s [BucketSetup],
}

/// Reads the tables `engine` and `clients`.
pub(super) fn read(
    cursor: Cursor<'_>,
    clients: Vec<(ClientId, Cursor<'_>)>,
    firm: &Firm<'_>,
) -> Option<EngineSetup> {
    let mut section = cursor.section()?;
    let default_quota = section.optional("default_quota", |cursor| cursor.count(QUOTA));
    let clients_max = section.optional("clients_max", |cursor| cursor.count(CLIENTS));
    let rate_max_age = section.optional("rate_max_age", |cursor| cursor.length(LENGTHS));
    let lead = section.optional("source_lead_max", |cursor| {
        cursor.length(0..=*LENGTHS.end())
    });
    let collar_period = section.optional("collar_period", |cursor| cursor.length(LENGTHS));
    let sweep_interval = section.optional("sweep_interval", |cursor| cursor.length(SWEEPS));
    let kill_alarm_after = section.optional("kill_alarm_after", |cursor| cursor.length(LENGTHS));
    let retention = section.optional("retention", |cursor| cursor.length(RETENTIONS));
    let orders_expected = section.optional("orders_expected", |cursor| cursor.count(ORDERS));
    let parent = match section.take("quarantine_parent") {
        Some(cursor) => cursor.declared(&firm.names.groups, "groups"),
        None => only_firm(cursor, firm.groups),
    };
    let currency = quarantine_currency(
        cursor,
        section.take("quarantine_currency"),
        parent.as_ref(),
        firm,
    );
    let conversions = section.optional("conversions", conversions);
    // Read with the names that a document declares.
    section.take("owners");
    section.close();
    let mut engine = EngineSetup::new(currency?);
    engine.quarantine_parent = parent;
    engine.default_quota = default_quota.unwrap_or(engine.default_quota);
    engine.clients_max = clients_max.unwrap_or(engine.clients_max);
    engine.rate_max_age = rate_max_age.unwrap_or(engine.rate_max_age);
    engine.source_lead_max = lead.unwrap_or(engine.source_lead_max);
    engine.collar_period = collar_period.unwrap_or(engine.collar_period);
    engine.sweep_interval = sweep_interval.unwrap_or(engine.sweep_interval);
    engine.kill_alarm_after = kill_alarm_after.unwrap_or(engine.kill_alarm_after);
    engine.retention = retention.unwrap_or(engine.retention);
    engine.orders_expected = orders_expected.unwrap_or(ORDERS_EXPECTED);
    engine.conversions = conversions.unwrap_or_default();
    engine.owners.clone_from(&firm.names.owners);
    engine.clients = clients
        .into_iter()
        .filter_map(|(id, cursor)| client(id, cursor, engine.default_quota))
        .collect();
    Some(engine)
}

/// The group that unknown fills count in: the firm, where there is one only (H13).
fn only_firm(cursor: Cursor<'_>, groups: &[GroupSetup]) -> Option<GroupId> {
    let mut firms = groups.iter().filter(|group| group.level == Level::Firm);
    let first = firms.next()?;
    if firms.next().is_some() {
        cursor.missing(
            "quarantine_parent",
            "the group that fills of unknown orders count in, as there are several firms",
        );
    }
    Some(first.id.clone())
}

/// As written, else the currency of the group above, else the one all buckets share.
fn quarantine_currency(
    engine: Cursor<'_>,
    written: Option<Cursor<'_>>,
    parent: Option<&GroupId>,
    firm: &Firm<'_>,
) -> Option<Currency> {
    let above = parent
        .and_then(|parent| firm.groups.iter().find(|group| group.id == *parent))
        .map(|group| &group.limits.currency);
    if let Some(cursor) = written {
        let own: Currency = cursor.name()?;
        if let Some(above) = above
            && own != *above
        {
            cursor.refuse(format!("{above}, the currency of its group"));
        }
        return Some(own);
    }
    if let Some(above) = above {
        return Some(above.clone());
    }
    let shared: BTreeSet<&Currency> = firm
        .buckets
        .iter()
        .map(|bucket| &bucket.limits.currency)
        .collect();
    let mut shared = shared.into_iter();
    match (shared.next(), shared.next()) {
        (Some(only), None) => Some(only.clone()),
        (None, _) => "USD".parse().ok(),
        // What only follows from a problem told before is not told.
        (Some(_), Some(_)) if engine.problems.is_empty() => {
            engine.missing(
                "quarantine_currency",
                "a currency, as there is no firm and the buckets have several",
            );
            None
        }
        (Some(_), Some(_)) => None,
    }
}

fn client(id: ClientId, cursor: Cursor<'_>, default_quota: u32) -> Option<ClientSetup> {
    let mut section = cursor.section()?;
    let quota = section.optional("quota", |cursor| cursor.count(QUOTA));
    let send_after_commit = section.optional("send_after_commit", Cursor::flag);
    let order_rate = section.optional("order_rate", limits::order_rate);
    section.close();
    cursor.flaws(order_rate.map(flaws::of_rate).unwrap_or_default());
    Some(ClientSetup {
        id,
        quota: quota.unwrap_or(default_quota),
        send_after_commit: send_after_commit.unwrap_or_default(),
        order_rate,
    })
}

/// Paths from one currency to another; each pair once, and no currency twice in a path (B12).
fn conversions(cursor: Cursor<'_>) -> Option<Vec<ConversionPath>> {
    let mut pairs = BTreeSet::new();
    let mut paths = Vec::new();
    for element in cursor.list()? {
        let Some(names) = element.list() else {
            continue;
        };
        let read: Option<Vec<Currency>> = names.map(Cursor::name).collect();
        let Some(hops) = read else { continue };
        let different: BTreeSet<&Currency> = hops.iter().collect();
        if !HOPS.contains(&hops.len()) || different.len() != hops.len() {
            element.refuse(format!(
                "{} to {} different currencies, from the first to the last",
                HOPS.start(),
                HOPS.end()
            ));
            continue;
        }
        let ends = (hops.first().cloned(), hops.last().cloned());
        if pairs.insert(ends) {
            paths.push(ConversionPath { hops });
        } else {
            element.refuse("one path from a currency to another");
        }
    }
    Some(paths)
}

/// Stands in for the table where it is not written.
pub(super) fn absent() -> Node {
    Node::absent("engine".to_owned())
}
