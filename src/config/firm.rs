//! The firm: calendars, groups, profiles, buckets, and what they hang together by.

use std::collections::{BTreeMap, BTreeSet};

use super::limits;
use super::names::Names;
use super::node::{Node, join};
use super::problem::Problems;
use super::read::Cursor;
use crate::domain::amount::Money;
use crate::domain::decision::Level;
use crate::domain::name::{AccountId, BucketId, Currency, GroupId, Tag, VenueId};
use crate::engine::bucket::ACCOUNTS as ACCOUNTS_MAX;
use crate::engine::setup::{
    BucketSetup, DeadMan, DeadManAction, GroupSetup, InboundRule, RerouteRule, RouteTarget,
};
use crate::risk::calendar::{Calendar, TradingWindow};
use crate::risk::flaws::LENGTHS;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

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

/// The calendar of a bucket that names none: UTC days, always open.
const fn always() -> Calendar {
    Calendar {
        zone: TimeZone::UTC,
        reset: Time::midnight(),
        windows: Vec::new(),
    }
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
    limits: Option<Cursor<'n>>,
    cursor: Cursor<'n>,
}

/// Reads the table `groups`; firms come first.
pub(super) fn groups(entries: Vec<(GroupId, Cursor<'_>)>, names: &Names) -> Vec<GroupSetup> {
    let raw: Vec<_> = entries
        .into_iter()
        .filter_map(|(id, cursor)| raw_group(id, cursor, names))
        .collect();
    let mut groups: Vec<_> = raw
        .iter()
        .filter_map(|group| finished_group(group, &raw))
        .collect();
    groups.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.id.cmp(&b.id)));
    groups
}

fn raw_group<'n>(id: GroupId, cursor: Cursor<'n>, names: &Names) -> Option<RawGroup<'n>> {
    let mut section = cursor.section()?;
    let level = section.required("level", "desk or firm", |cursor| {
        cursor.word(&[("desk", Level::Desk), ("firm", Level::Firm)])
    });
    let parent = section.optional("parent", |cursor| {
        Some((cursor.declared(&names.groups, "groups")?, cursor))
    });
    let currency = section.optional("currency", |cursor| Some((cursor.name()?, cursor)));
    let limits = section.take("limits");
    section.close();
    Some(RawGroup {
        id,
        level,
        parent,
        currency,
        limits,
        cursor,
    })
}

fn finished_group(group: &RawGroup<'_>, all: &[RawGroup<'_>]) -> Option<GroupSetup> {
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
    let limits = limits::group(cursor, currency.or_else(no_currency)?);
    Some(GroupSetup {
        id: group.id.clone(),
        level: group.level?,
        parent: group.parent.as_ref().map(|(id, _)| id.clone()),
        limits: limits?,
    })
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
    let calendar = match section.take("calendar") {
        None => Some(always()),
        Some(cursor) => {
            let name = cursor.declared(&names.calendars, "calendars");
            name.and_then(|name| around.calendars.get(&name).cloned())
        }
    };
    let accounts = section.required("accounts", ACCOUNTS, |cursor| accounts(cursor, names));
    let profile = section.optional("profile", |cursor| {
        let name = cursor.declared(&names.profiles, "profiles")?;
        around.profiles.get(&name).copied()
    });
    let absent = Node::absent(join(&cursor.node.path, "limits"));
    let own = section.take("limits").map_or(&absent, |own| own.node);
    let merged = profile.map_or_else(|| own.clone(), |profile| own.over(profile));
    let limits = limits::bucket(
        Cursor::new(&merged, cursor.problems),
        currency.or_else(no_currency)?,
        names,
    );
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
