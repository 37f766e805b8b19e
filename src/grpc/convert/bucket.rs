//! What buckets and groups are configured to be, both ways.

use std::collections::BTreeSet;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::error::Malformed;
use super::field::{Path, Sign, Violations, decimal, duration, says, text};
use super::limits;
use crate::domain::decision::Level;
use crate::domain::name::{AccountId, BucketId, Kind, Name, VenueId};
use crate::engine::bucket::ACCOUNTS;
use crate::engine::setup::{
    BucketSetup, DeadMan, DeadManAction, GroupSetup, InboundRule, RerouteRule, RouteTarget,
};
use crate::pb;
use crate::risk::calendar::{Calendar, TradingWindow};
use crate::risk::flaws::LENGTHS;

/// Most reroute targets that one decision tries.
pub const TRIES_MAX: u32 = 16;
/// Reroute targets that one decision tries unless told.
pub const TRIES_DEFAULT: u32 = 4;
/// Most bytes of the name of a time zone.
const ZONE_MAX: usize = 64;

/// Reads a bucket.
pub fn read(message: pb::BucketSpec, at: Path<'_>, found: &mut Violations) -> Option<BucketSetup> {
    let pb::BucketSpec {
        bucket_id,
        group_id,
        accounts,
        limits,
        calendar,
        routes,
        route_tries_max,
        inbound,
        inbound_notional_max,
        dead_man,
    } = message;
    let id = found.name(at.field("bucket_id"), bucket_id);
    let parent = found.name_if_any(at.field("group_id"), group_id);
    let accounts = read_accounts(accounts, at.field("accounts"), found);
    let limits_at = at.field("limits");
    let limits = match found.needed(limits_at, limits) {
        Some(limits) => limits::read(limits, limits_at, found),
        None => None,
    };
    let calendar = read_calendar(calendar, at.field("calendar"), found);
    let targets = read_routes(routes, id.as_ref(), at.field("routes"), found);
    let tries = match route_tries_max {
        0 => Some(TRIES_DEFAULT),
        1..=TRIES_MAX => Some(route_tries_max),
        _ => {
            found.refuse(at.field("route_tries_max"), says::OUT_OF_RANGE);
            None
        }
    };
    let inbound = read_inbound(inbound, id.as_ref(), at.field("inbound"), found);
    let inbound_total_max = found.amount_if_any(
        at.field("inbound_notional_max"),
        inbound_notional_max,
        Sign::NotNegative,
    );
    let dead_man = match dead_man {
        Some(dead_man) => read_dead_man(dead_man, at.field("dead_man"), found),
        None => Some(DeadMan::default()),
    };
    Some(BucketSetup {
        id: id?,
        parent: parent?,
        accounts: accounts?,
        limits: limits?,
        // A second owner's come with a change of its own.
        other_limits: None,
        calendar: calendar?,
        reroute: RerouteRule {
            targets: targets?,
            tries: usize::try_from(tries?).ok()?,
        },
        inbound: inbound?,
        inbound_total_max: inbound_total_max?,
        dead_man: dead_man?,
    })
}

fn read_dead_man(message: pb::DeadMan, at: Path<'_>, found: &mut Violations) -> Option<DeadMan> {
    let pb::DeadMan {
        after,
        action,
        exempt_gtc,
    } = message;
    let default = DeadMan::default();
    let (least, most) = (*LENGTHS.start(), *LENGTHS.end());
    let after = found.duration_if_any(at.field("after"), after, least, most);
    let action_at = at.field("action");
    let action = match found.number(action_at, action) {
        Some(pb::DeadManAction::Unspecified) => found.needed(action_at, None),
        Some(pb::DeadManAction::None) => Some(DeadManAction::None),
        Some(pb::DeadManAction::NoNew) => Some(DeadManAction::NoNew),
        Some(pb::DeadManAction::CancelAll) => Some(DeadManAction::CancelAll),
        None => None,
    };
    Some(DeadMan {
        after: after?.unwrap_or(default.after),
        action: action?,
        exempt_gtc: exempt_gtc.unwrap_or(default.exempt_gtc),
    })
}

fn read_accounts(
    list: Vec<pb::VenueAccount>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Vec<(VenueId, AccountId)>> {
    if list.is_empty() {
        return found.needed(at, None);
    }
    if list.len() > ACCOUNTS {
        found.refuse(at, "more than 64 accounts");
        return None;
    }
    let mut all = Some(Vec::new());
    let mut seen = BTreeSet::new();
    for (index, message) in list.into_iter().enumerate() {
        let at = at.item(index);
        let pb::VenueAccount {
            venue_id,
            account_id,
        } = message;
        let venue = found.name(at.field("venue_id"), venue_id);
        let account = found.name(at.field("account_id"), account_id);
        match (venue.zip(account), &mut all) {
            (Some(pair), Some(all)) => {
                if !seen.insert(pair.clone()) {
                    found.refuse(at.field("account_id"), says::TWICE);
                }
                all.push(pair);
            }
            _ => all = None,
        }
    }
    all
}

fn read_routes(
    list: Vec<pb::RouteTarget>,
    own: Option<&BucketId>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Vec<RouteTarget>> {
    let mut all = Some(Vec::new());
    for (index, message) in list.into_iter().enumerate() {
        let at = at.item(index);
        let pb::RouteTarget {
            bucket_id,
            venue_id,
            account_id,
        } = message;
        let bucket = found.name_if_any(at.field("bucket_id"), bucket_id);
        let venue = found.name(at.field("venue_id"), venue_id);
        let account = found.name(at.field("account_id"), account_id);
        match (bucket, venue.zip(account), &mut all) {
            (Some(bucket), Some((venue, account)), Some(all)) => all.push(RouteTarget {
                // A bucket that names itself means itself.
                bucket: bucket.filter(|bucket| Some(bucket) != own),
                venue,
                account,
            }),
            _ => all = None,
        }
    }
    all
}

fn read_inbound(
    list: Vec<pb::InboundCap>,
    own: Option<&BucketId>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Vec<InboundRule>> {
    let mut all = Some(Vec::new());
    let mut seen = BTreeSet::new();
    for (index, message) in list.into_iter().enumerate() {
        let at = at.item(index);
        let pb::InboundCap {
            from_bucket_id,
            notional_max,
        } = message;
        let from_at = at.field("from_bucket_id");
        let from: Option<BucketId> = found.name(from_at, from_bucket_id);
        let max = found.amount(at.field("notional_max"), notional_max, Sign::NotNegative);
        if let Some(from) = &from {
            if Some(from) == own {
                found.refuse(from_at, "the bucket itself");
            } else if !seen.insert(from.clone()) {
                found.refuse(from_at, says::TWICE);
            }
        }
        match (from.zip(max), &mut all) {
            (Some((from, notional_max)), Some(all)) => {
                all.push(InboundRule { from, notional_max });
            }
            _ => all = None,
        }
    }
    all
}

fn read_calendar(
    message: Option<pb::Calendar>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Calendar> {
    let pb::Calendar {
        time_zone,
        reset_time,
        trading_windows,
    } = message.unwrap_or_default();
    let zone = match time_zone.as_str() {
        "" => Some(TimeZone::UTC),
        name if name.len() <= ZONE_MAX => {
            TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())
        }
        _ => None,
    };
    if zone.is_none() {
        found.refuse(
            at.field("time_zone"),
            "not a time zone of the IANA database",
        );
    }
    let reset = match reset_time.as_str() {
        "" => Some(Time::midnight()),
        text => time_of_day(text, at.field("reset_time"), found),
    };
    let windows = read_windows(trading_windows, at.field("trading_windows"), found);
    Some(Calendar {
        zone: zone?,
        reset: reset?,
        windows: windows?,
    })
}

fn read_windows(
    list: Vec<pb::TradingWindow>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Vec<TradingWindow>> {
    let mut all = Some(Vec::new());
    for (index, message) in list.into_iter().enumerate() {
        let at = at.item(index);
        let pb::TradingWindow {
            days,
            opens,
            closes,
        } = message;
        let days = read_days(&days, at.field("days"), found);
        let from = time_of_day(&opens, at.field("opens"), found);
        let to = time_of_day(&closes, at.field("closes"), found);
        match (days, from.zip(to), &mut all) {
            (Some(days), Some((from, to)), Some(all)) => {
                all.push(TradingWindow { days, from, to });
            }
            _ => all = None,
        }
    }
    all
}

fn read_days(list: &[u32], at: Path<'_>, found: &mut Violations) -> Option<Vec<Weekday>> {
    if list.is_empty() {
        return found.needed(at, None);
    }
    let mut days = Some(Vec::new());
    for (index, number) in list.iter().enumerate() {
        let day = i8::try_from(*number)
            .ok()
            .and_then(|number| Weekday::from_monday_one_offset(number).ok());
        match (day, &mut days) {
            (Some(day), Some(days)) if !days.contains(&day) => days.push(day),
            (Some(_), Some(_)) => found.refuse(at.item(index), says::TWICE),
            (Some(_), None) => {}
            (None, _) => {
                found.refuse(at.item(index), "not a day from 1, Monday, to 7, Sunday");
                days = None;
            }
        }
    }
    days
}

/// A time of day as `HH:MM:SS`, in exactly this form.
fn time_of_day(text: &str, at: Path<'_>, found: &mut Violations) -> Option<Time> {
    let time = (text.len() == 8)
        .then(|| text.parse::<Time>().ok())
        .flatten()
        .filter(|time| clock(*time) == text);
    if time.is_none() {
        let wrong = if text.is_empty() {
            says::REQUIRED
        } else {
            "not a time of day as HH:MM:SS"
        };
        found.refuse(at, wrong);
    }
    time
}

fn clock(time: Time) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Reads a request to create a group, apart from who asks.
pub(super) fn read_group(
    group_id: String,
    level: i32,
    parent_group_id: String,
    (limits, calendar): (Option<pb::GroupLimits>, Option<pb::Calendar>),
    at: Path<'_>,
    found: &mut Violations,
) -> Option<GroupSetup> {
    let id = found.name(at.field("group_id"), group_id);
    let level_at = at.field("level");
    let level = match found.number(level_at, level) {
        Some(pb::Level::Unspecified) => found.needed(level_at, None),
        Some(pb::Level::Desk) => Some(Level::Desk),
        Some(pb::Level::Firm) => Some(Level::Firm),
        Some(
            pb::Level::Order
            | pb::Level::Bucket
            | pb::Level::Instrument
            | pb::Level::Venue
            | pb::Level::Counterparty
            | pb::Level::Client
            | pb::Level::Global,
        ) => {
            found.refuse(level_at, "not a level of groups");
            None
        }
        None => None,
    };
    let parent_at = at.field("parent_group_id");
    let parent = found.name_if_any(parent_at, parent_group_id);
    match level {
        Some(Level::Desk) => {
            found.wanted(parent_at, parent.clone());
        }
        Some(_) => found.unwanted(parent_at, parent.clone()),
        None => {}
    }
    let limits_at = at.field("limits");
    let limits = match found.needed(limits_at, limits) {
        Some(limits) => limits::read_group(limits, limits_at, found),
        None => None,
    };
    let calendar = read_calendar(calendar, at.field("calendar"), found);
    Some(GroupSetup {
        id: id?,
        level: level?,
        parent: parent?,
        limits: limits?,
        calendar: calendar?,
        other_limits: None,
    })
}

/// A bucket on the wire; what it leaves to a default is written out.
#[must_use]
pub fn write(bucket: &BucketSetup) -> pb::BucketSpec {
    pb::BucketSpec {
        bucket_id: bucket.id.to_string(),
        group_id: text(bucket.parent.as_ref()),
        accounts: bucket
            .accounts
            .iter()
            .map(|(venue, account)| pb::VenueAccount {
                venue_id: venue.to_string(),
                account_id: account.to_string(),
            })
            .collect(),
        limits: Some(limits::write(&bucket.limits)),
        calendar: Some(write_calendar(&bucket.calendar)),
        routes: bucket
            .reroute
            .targets
            .iter()
            .map(|target| pb::RouteTarget {
                bucket_id: text(target.bucket.as_ref()),
                venue_id: target.venue.to_string(),
                account_id: target.account.to_string(),
            })
            .collect(),
        route_tries_max: match u32::try_from(bucket.reroute.tries) {
            Ok(0) => TRIES_DEFAULT,
            Ok(tries) => tries,
            Err(_) => TRIES_MAX,
        },
        inbound: bucket
            .inbound
            .iter()
            .map(|rule| pb::InboundCap {
                from_bucket_id: rule.from.to_string(),
                notional_max: Some(decimal(rule.notional_max)),
            })
            .collect(),
        inbound_notional_max: bucket.inbound_total_max.map(decimal),
        dead_man: Some(pb::DeadMan {
            after: Some(duration(bucket.dead_man.after)),
            action: match bucket.dead_man.action {
                DeadManAction::None => pb::DeadManAction::None,
                DeadManAction::NoNew => pb::DeadManAction::NoNew,
                DeadManAction::CancelAll => pb::DeadManAction::CancelAll,
            }
            .into(),
            exempt_gtc: Some(bucket.dead_man.exempt_gtc),
        }),
    }
}

/// A calendar on the wire.
#[must_use]
pub fn write_calendar(calendar: &Calendar) -> pb::Calendar {
    let day = |day: &Weekday| day.to_monday_one_offset().unsigned_abs().into();
    pb::Calendar {
        time_zone: calendar.zone.iana_name().unwrap_or("UTC").to_owned(),
        reset_time: clock(calendar.reset),
        trading_windows: calendar
            .windows
            .iter()
            .map(|window| pb::TradingWindow {
                days: window.days.iter().map(day).collect(),
                opens: clock(window.from),
                closes: clock(window.to),
            })
            .collect(),
    }
}

/// Reads a name that addresses something, on its own.
///
/// # Errors
/// Where it is no name.
pub fn id<K: Kind>(field: &'static str, text: String) -> Result<Name<K>, Malformed> {
    let mut found = Violations::default();
    let name = found.name(Path::ROOT.field(field), text);
    found.finish(name)
}
