//! The firm: calendars, groups, profiles, buckets, and what they hang together by.

use std::collections::{BTreeMap, BTreeSet};

use super::limits;
use super::names::Names;
use super::node::{Node, join};
use super::problem::Problems;
use super::read::{Cursor, Section};
use crate::domain::amount::Money;
use crate::domain::decision::Level;
use crate::domain::name::{AccountId, BucketId, Currency, GroupId, OwnerKind, Tag, VenueId};
use crate::engine::bucket::ACCOUNTS as ACCOUNTS_MAX;
use crate::engine::setup::{
    BucketSetup, CounterpartySetup, DeadMan, DeadManAction, GroupSetup, InboundRule, RerouteRule,
    RouteTarget, VenueSetup,
};
use crate::risk::calendar::{Calendar, TradingWindow};
use crate::risk::flaws::LENGTHS;
use crate::risk::limits::GroupLimits;
use crate::risk::owners::Owned;
use jiff::civil::Weekday;

/// Most targets a reroute rule may try (RR7).
const TRIES_MAX: usize = 16;

/// Calendars by name.
pub(super) type Calendars = BTreeMap<Tag, Calendar>;
/// Profiles by name: limits documents, not necessarily whole.
pub(super) type Profiles<'n> = BTreeMap<Tag, &'n Node>;

/// What a bucket may refer to.
pub(super) struct Surroundings<'s, 'n> {
    pub(super) names: &'s Names,
    pub(super) groups: &'s [GroupSetup],
    pub(super) profiles: &'s Profiles<'n>,
    pub(super) calendars: &'s Calendars,
}

/// Reads the table `calendars`.
pub(super) fn calendars(entries: Vec<(Tag, Cursor<'_>)>) -> Calendars {
    entries
        .into_iter()
        .filter_map(|(name, cursor)| Some((name, calendar(cursor)?)))
        .collect()
}

fn calendar(cursor: Cursor<'_>) -> Option<Calendar> {
    let mut section = cursor.section()?;
    let zone = section.required("zone", "a zone such as \"UTC\"", Cursor::zone);
    let reset = section.required("reset", "a time of day such as \"17:00\"", Cursor::time);
    let windows = section.optional("windows", |cursor| {
        Some(cursor.list()?.filter_map(window).collect())
    });
    section.close();
    Some(Calendar {
        zone: zone?,
        reset: reset?,
        windows: windows.unwrap_or_default(),
    })
}

const DAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn window(cursor: Cursor<'_>) -> Option<TradingWindow> {
    let mut section = cursor.section()?;
    let days = section.required("days", "a list such as [\"mon\", \"tue\"]", |cursor| {
        let days: Vec<_> = cursor.list()?.map(|day| day.word(DAYS)).collect();
        if days.is_empty() {
            cursor.refuse("at least one day");
        }
        days.into_iter().collect()
    });
    let from = section.required("from", "a time of day", Cursor::time);
    let to = section.required("to", "a time of day", Cursor::time);
    section.close();
    Some(TradingWindow {
        days: days?,
        from: from?,
        to: to?,
    })
}

/// A group as read, before it is known what hangs under what.
struct RawGroup<'n> {
    id: GroupId,
    level: Option<Level>,
    parent: Option<(GroupId, Cursor<'n>)>,
    currency: Option<(Currency, Cursor<'n>)>,
    calendar: Option<Calendar>,
    limits: Option<Cursor<'n>>,
    other_limits: Option<Cursor<'n>>,
    cursor: Cursor<'n>,
}

/// Reads the table `groups`; firms come first.
pub(super) fn groups(
    entries: Vec<(GroupId, Cursor<'_>)>,
    names: &Names,
    calendars: &Calendars,
) -> Vec<GroupSetup> {
    let raw: Vec<_> = entries
        .into_iter()
        .filter_map(|(id, cursor)| raw_group(id, cursor, names, calendars))
        .collect();
    let mut groups: Vec<_> = raw
        .iter()
        .filter_map(|group| finished_group(group, &raw, names))
        .collect();
    groups.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.id.cmp(&b.id)));
    groups
}

fn raw_group<'n>(
    id: GroupId,
    cursor: Cursor<'n>,
    names: &Names,
    calendars: &Calendars,
) -> Option<RawGroup<'n>> {
    let mut section = cursor.section()?;
    let level = section.required("level", "desk or firm", |cursor| {
        cursor.word(&[("desk", Level::Desk), ("firm", Level::Firm)])
    });
    let parent = section.optional("parent", |cursor| {
        Some((cursor.declared(&names.groups, "groups")?, cursor))
    });
    let currency = section.optional("currency", |cursor| Some((cursor.name()?, cursor)));
    let calendar = section.take("calendar");
    let calendar = named_calendar(calendar, names, calendars);
    let limits = section.take("limits");
    let other_limits = second_owner(&mut section, names);
    section.close();
    Some(RawGroup {
        id,
        level,
        parent,
        currency,
        calendar,
        limits,
        other_limits,
        cursor,
    })
}

/// The calendar that is named; days of UTC, always open, where none is.
fn named_calendar(
    cursor: Option<Cursor<'_>>,
    names: &Names,
    calendars: &Calendars,
) -> Option<Calendar> {
    let Some(cursor) = cursor else {
        return Some(Calendar::utc());
    };
    let name = cursor.declared(&names.calendars, "calendars")?;
    calendars.get(&name).cloned()
}

fn finished_group(group: &RawGroup<'_>, all: &[RawGroup<'_>], names: &Names) -> Option<GroupSetup> {
    check_parent(group, all);
    let above = group.parent.as_ref().and_then(|(id, _)| find(all, id));
    let inherited = above.and_then(|above| {
        let (currency, _) = above.currency.as_ref()?;
        Some((&above.id, currency))
    });
    let currency = agreed_currency(group.currency.clone(), inherited, group.cursor);
    let absent = Node::absent(join(&group.cursor.node.path, "limits"));
    let cursor = group
        .limits
        .unwrap_or(Cursor::new(&absent, group.cursor.problems));
    let currency = currency.or_else(no_currency)?;
    let limits = limits::group(cursor, currency.clone(), names);
    let other = group.other_limits;
    let other_limits = other.and_then(|cursor| limits::group(cursor, currency, names));
    hold_together(limits.as_ref(), other_limits.as_ref(), other);
    Some(GroupSetup {
        id: group.id.clone(),
        level: group.level?,
        parent: group.parent.as_ref().map(|(id, _)| id.clone()),
        limits: limits?,
        calendar: group.calendar.clone()?,
        other_limits,
    })
}

/// What a venue, or a counterparty, has besides its name: nothing where it limits nothing.
struct RawLevel {
    venues: Vec<VenueId>,
    calendar: Option<Calendar>,
    limits: Option<GroupLimits>,
}

/// Reads the table `venues`: a description, or a table with limits on what all buckets do there together.
pub(super) fn venues(
    entries: Vec<(VenueId, Cursor<'_>)>,
    names: &Names,
    calendars: &Calendars,
) -> Vec<VenueSetup> {
    let tables = entries.into_iter().filter(|(_, cursor)| cursor.is_table());
    let read = tables.filter_map(|(id, cursor)| {
        let RawLevel {
            venues: _,
            calendar,
            limits,
        } = level_around(cursor, false, names, calendars)?;
        Some(VenueSetup {
            id,
            limits: limits?,
            calendar: calendar?,
        })
    });
    read.collect()
}

/// Reads the table `counterparties`; each venue belongs to one of them at most.
pub(super) fn counterparties(
    entries: Vec<(GroupId, Cursor<'_>)>,
    names: &Names,
    calendars: &Calendars,
) -> Vec<CounterpartySetup> {
    let mut owners: BTreeMap<VenueId, GroupId> = BTreeMap::new();
    let mut all = Vec::new();
    for (id, cursor) in entries {
        let Some(level) = level_around(cursor, true, names, calendars) else {
            continue;
        };
        for venue in &level.venues {
            if let Some(owner) = owners.insert(venue.clone(), id.clone()) {
                let at = cursor
                    .node
                    .get("venues")
                    .map_or(cursor, |node| Cursor { node, ..cursor });
                at.refuse(format!(
                    "venues of no other counterparty: {venue} belongs to {owner}"
                ));
            }
        }
        if let (Some(limits), Some(calendar)) = (level.limits, level.calendar) {
            all.push(CounterpartySetup {
                id,
                venues: level.venues,
                limits,
                calendar,
            });
        }
    }
    all
}

fn level_around(
    cursor: Cursor<'_>,
    has_venues: bool,
    names: &Names,
    calendars: &Calendars,
) -> Option<RawLevel> {
    let mut section = cursor.section()?;
    let venues = match has_venues {
        true => section.required("venues", "a list of venues", |cursor| {
            let venues = cursor.list()?;
            let declared = |cursor: Cursor<'_>| cursor.declared(&names.venues, "venues");
            Some(venues.filter_map(declared).collect())
        }),
        false => {
            section.optional("description", Cursor::text);
            Some(Vec::new())
        }
    };
    let calendar = section.take("calendar");
    let calendar = named_calendar(calendar, names, calendars);
    let written = match has_venues {
        true => section.required("limits", "a table of limits", Some),
        false => section.take("limits"),
    };
    let currency: Option<Currency> = match written {
        Some(_) => section.required("currency", "the currency of the limits", Cursor::name),
        None => section.optional("currency", Cursor::name),
    };
    section.close();
    let known = currency.is_some();
    // Read for what is wrong with them, even where their currency is missing.
    let limits = match (written, currency.or_else(no_currency)) {
        (Some(written), Some(currency)) => limits::group(written, currency, names),
        _ => None,
    };
    let limits = limits.filter(|_| known);
    Some(RawLevel {
        venues: venues?,
        calendar,
        limits,
    })
}

/// Tells every bucket with an account at a venue whose limits, or whose counterparty's, are in another currency (B12).
pub(super) fn check_currencies(
    document: Cursor<'_>,
    buckets: &[BucketSetup],
    venues: &[VenueSetup],
    counterparties: &[CounterpartySetup],
) {
    for bucket in buckets {
        let Some(node) = document
            .node
            .get("buckets")
            .and_then(|node| node.get(bucket.id.as_str()))
        else {
            continue;
        };
        let at = Cursor { node, ..document };
        for (venue, _) in &bucket.accounts {
            let own = venues.iter().filter(|level| level.id == *venue);
            let own = own.map(|level| (format!("venue {}", level.id), &level.limits.currency));
            let theirs = counterparties
                .iter()
                .filter(|level| level.venues.contains(venue));
            let theirs = theirs.map(|level| {
                let name = format!("counterparty {}", level.id);
                (name, &level.limits.currency)
            });
            for (name, currency) in own.chain(theirs) {
                if bucket.limits.currency != *currency {
                    at.missing("currency", format!("{currency}, the currency of {name}"));
                }
            }
        }
    }
}

fn find<'a, 'n>(groups: &'a [RawGroup<'n>], id: &GroupId) -> Option<&'a RawGroup<'n>> {
    groups.iter().find(|group| group.id == *id)
}

/// A path is bucket, desk, firm; each but the firm may be the top.
fn check_parent(group: &RawGroup<'_>, all: &[RawGroup<'_>]) {
    let (Some(level), Some((parent, cursor))) = (group.level, &group.parent) else {
        return;
    };
    let mut above = find(all, parent);
    for _ in all {
        let Some(group_above) = above else { break };
        if group_above.id == group.id {
            cursor.refuse("a group that does not lie below this one: this is a cycle");
            return;
        }
        above = group_above
            .parent
            .as_ref()
            .and_then(|(id, _)| find(all, id));
    }
    if level == Level::Firm {
        cursor.refuse("nothing: a firm is the top of a path");
    } else if find(all, parent).is_some_and(|above| above.level == Some(Level::Desk)) {
        cursor.refuse("a group of level firm: a path is bucket, desk, firm and no longer");
    }
}

/// The currency of money limits: the own one, which must be that of the group above, or the group's.
fn agreed_currency(
    own: Option<(Currency, Cursor<'_>)>,
    above: Option<(&GroupId, &Currency)>,
    owner: Cursor<'_>,
) -> Option<Currency> {
    match (own, above) {
        (Some((own, cursor)), Some((group, currency))) => {
            if own != *currency {
                cursor.refuse(format!("{currency}, the currency of group {group}"));
            }
            Some(own)
        }
        (Some((own, _)), None) => Some(own),
        (None, Some((_, currency))) => Some(currency.clone()),
        (None, None) => {
            // Where a group is named and has none, that is told at the group.
            if owner.node.get("parent").is_none() {
                owner.missing("currency", "a currency, as there is no group above");
            }
            None
        }
    }
}

/// Stands in for a currency that could not be read, so that the rest is read and told too.
fn no_currency() -> Option<Currency> {
    "XXX".parse().ok()
}

/// Reads the table `profiles`. Each is checked by itself too, so that an unused one is not left unread; it need not be whole.
pub(super) fn profiles<'n>(entries: Vec<(Tag, Cursor<'n>)>, names: &Names) -> Profiles<'n> {
    let mut profiles = BTreeMap::new();
    for (name, cursor) in entries {
        let found = Problems::default();
        if let Some(currency) = no_currency() {
            limits::bucket(Cursor::new(cursor.node, &found), currency, names);
        }
        let written = found.into_inner().into_iter();
        for problem in written.filter(|problem| problem.value.is_some()) {
            cursor.problems.push(problem);
        }
        profiles.insert(name, cursor.node);
    }
    profiles
}

/// Reads the table `buckets`.
pub(super) fn buckets(
    entries: Vec<(BucketId, Cursor<'_>)>,
    around: &Surroundings<'_, '_>,
) -> Vec<BucketSetup> {
    entries
        .into_iter()
        .filter_map(|(id, cursor)| bucket(id, cursor, around))
        .collect()
}

fn bucket(id: BucketId, cursor: Cursor<'_>, around: &Surroundings<'_, '_>) -> Option<BucketSetup> {
    let names = around.names;
    let mut section = cursor.section()?;
    let parent = section.optional("parent", |cursor| cursor.declared(&names.groups, "groups"));
    let above = parent
        .as_ref()
        .and_then(|parent| around.groups.iter().find(|group| group.id == *parent))
        .map(|group| (&group.id, &group.limits.currency));
    let own = section.optional("currency", |cursor| Some((cursor.name()?, cursor)));
    let currency = agreed_currency(own, above, cursor);
    let calendar = named_calendar(section.take("calendar"), names, around.calendars);
    let accounts = section.required("accounts", ACCOUNTS, |cursor| accounts(cursor, names));
    let profile = section.optional("profile", |cursor| {
        let name = cursor.declared(&names.profiles, "profiles")?;
        around.profiles.get(&name).copied()
    });
    let absent = Node::absent(join(&cursor.node.path, "limits"));
    let own = section.take("limits").map_or(&absent, |own| own.node);
    let merged = profile.map_or_else(|| own.clone(), |profile| own.over(profile));
    let currency = currency.or_else(no_currency)?;
    let limits = limits::bucket(
        Cursor::new(&merged, cursor.problems),
        currency.clone(),
        names,
    );
    let other = second_owner(&mut section, names);
    let other_limits = other.and_then(|cursor| limits::second(cursor, currency, names));
    hold_together(limits.as_ref(), other_limits.as_ref(), other);
    let reroute = section.optional("reroute", |cursor| reroute(cursor, names));
    let inbound = section.optional("inbound", |cursor| inbound(&id, cursor, names));
    let dead_man = section.optional("dead_man", dead_man);
    section.close();
    let (inbound, inbound_total_max) = inbound.unwrap_or_default();
    Some(BucketSetup {
        id,
        parent,
        accounts: accounts?,
        limits: limits?,
        other_limits,
        calendar: calendar?,
        reroute: reroute.unwrap_or_default(),
        inbound,
        inbound_total_max,
        dead_man: dead_man.unwrap_or_default(),
    })
}

const ACTIONS: &[(&str, DeadManAction)] = &[
    ("none", DeadManAction::None),
    ("no_new", DeadManAction::NoNew),
    ("cancel_all", DeadManAction::CancelAll),
];

/// What the loss of a client does (G5).
fn dead_man(cursor: Cursor<'_>) -> Option<DeadMan> {
    let default = DeadMan::default();
    let mut section = cursor.section()?;
    let after = section.optional("after", |cursor| cursor.length(LENGTHS));
    let expected = "one of \"none\", \"no_new\", \"cancel_all\"";
    let action = section.required("action", expected, |cursor| cursor.word(ACTIONS));
    let exempt_gtc = section.optional("exempt_gtc", Cursor::flag);
    section.close();
    Some(DeadMan {
        after: after.unwrap_or(default.after),
        action: action?,
        exempt_gtc: exempt_gtc.unwrap_or(default.exempt_gtc),
    })
}

/// The document of the second owner, under its name in `limits_of`. The first owner's is `limits`.
fn second_owner<'n>(section: &mut Section<'n>, names: &Names) -> Option<Cursor<'n>> {
    let mut second = None;
    for (owner, cursor) in section.named::<OwnerKind>("limits_of") {
        match names.owners.iter().position(|known| *known == owner) {
            Some(1) => second = Some(cursor),
            Some(_) => cursor.refuse("limits of the second owner: those of the first are `limits`"),
            None => cursor.refuse("as its key the second of engine.owners"),
        }
    }
    second
}

/// Tells where two owners' documents do not hold together (O4).
fn hold_together<L: Owned>(one: Option<&L>, other: Option<&L>, at: Option<Cursor<'_>>) {
    if let (Some(one), Some(other), Some(at)) = (one, other, at)
        && let Err(clash) = one.tighter(other)
    {
        at.missing(clash.field, clash.expected);
    }
}

const ACCOUNTS: &str =
    "a list such as [{ venue = \"ALPHA\", account = \"main\" }] with at least one account";

fn accounts(cursor: Cursor<'_>, names: &Names) -> Option<Vec<(VenueId, AccountId)>> {
    let mut seen = BTreeSet::new();
    let mut accounts = Vec::new();
    let elements: Vec<_> = cursor.list()?.collect();
    if elements.is_empty() {
        cursor.refuse(ACCOUNTS);
    }
    if let Some(first) = elements.get(ACCOUNTS_MAX) {
        first.refuse(format!("at most {ACCOUNTS_MAX} accounts of a bucket"));
    }
    for element in elements {
        let Some(account) = account(element, names) else {
            continue;
        };
        if seen.insert(account.clone()) {
            accounts.push(account);
        } else {
            element.refuse("each account of a bucket once");
        }
    }
    Some(accounts)
}

fn account(cursor: Cursor<'_>, names: &Names) -> Option<(VenueId, AccountId)> {
    let mut section = cursor.section()?;
    let venue = section.required("venue", "a venue", |cursor| {
        cursor.declared(&names.venues, "venues")
    });
    let account = section.required("account", "the account there", Cursor::name);
    section.close();
    venue.zip(account)
}

fn reroute(cursor: Cursor<'_>, names: &Names) -> Option<RerouteRule> {
    let mut section = cursor.section()?;
    let targets = section.required("targets", "a list of targets", |cursor| {
        Some(
            cursor
                .list()?
                .filter_map(|element| target(element, names))
                .collect(),
        )
    });
    let tries = section.optional("tries", |cursor| cursor.count(1..=TRIES_MAX));
    section.close();
    Some(RerouteRule {
        targets: targets?,
        tries: tries.unwrap_or_default(),
    })
}

fn target(cursor: Cursor<'_>, names: &Names) -> Option<RouteTarget> {
    let mut section = cursor.section()?;
    let bucket = section.take("bucket");
    let named = bucket.and_then(|cursor| cursor.declared(&names.buckets, "buckets"));
    let venue = section.required("venue", "a venue", |cursor| {
        cursor.declared(&names.venues, "venues")
    });
    let account = section.required("account", "the account there", Cursor::name);
    section.close();
    Some(RouteTarget {
        bucket: if bucket.is_some() { Some(named?) } else { None },
        venue: venue?,
        account: account?,
    })
}

type Inbound = (Vec<InboundRule>, Option<Money>);

/// Sources with a cap each, and a cap on their sum: without both nobody may send here (RR12).
fn inbound(id: &BucketId, cursor: Cursor<'_>, names: &Names) -> Option<Inbound> {
    let mut section = cursor.section()?;
    let total = section.required("total_max", "an amount of money in quotes", cap);
    let mut rules = Vec::new();
    for (from, cursor) in section.named("from") {
        if from == *id {
            cursor.refuse("as its key another bucket");
        } else if !names.buckets.contains(&from) {
            cursor.refuse_key(&names.buckets, "buckets");
        }
        if let Some(notional_max) = cap(cursor) {
            rules.push(InboundRule { from, notional_max });
        }
    }
    section.close();
    Some((rules, Some(total?)))
}

fn cap(cursor: Cursor<'_>) -> Option<Money> {
    let amount: Money = cursor.amount()?;
    if amount.is_negative() {
        cursor.refuse("zero or more");
        return None;
    }
    Some(amount)
}
