//! `check-config`: whether a configuration is sound, and what it comes to for each bucket.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::{Map, Value, json};

use super::client::counted;
use crate::config::{Error, Settings, Sources, describe};
use crate::domain::decision::Level;
use crate::domain::duration;
use crate::domain::name::{AccountId, OwnerId, VenueId};
use crate::engine::setup::{BucketSetup, DeadManAction, GroupSetup};
use crate::risk::calendar::Calendar;
use crate::risk::limits::GroupLimits;

/// Width of the printed tables.
const WIDTH: u16 = 110;

/// Flags of `check-config`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CheckConfigArgs {
    /// File, or folder whose *.toml files are merged in order of their names; the built-in sample firm where left out
    #[arg(long, env = "BULKHEAD_CONFIG", value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Print JSON for machines
    #[arg(long)]
    pub json: bool,
}

/// Whether the configuration is sound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Yes: exit code 0.
    Sound,
    /// No: exit code 1.
    Refused,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Sound => Self::SUCCESS,
            Verdict::Refused => Self::FAILURE,
        }
    }
}

/// Loads the configuration as `serve` would and prints what it comes to, or everything that is wrong with it.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: &CheckConfigArgs) -> io::Result<Verdict> {
    let settings = Settings::load(&Sources::of_process(args.config.clone(), Vec::new()));
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    report(settings.as_ref(), args.json, &mut out, &mut err)
}

/// Prints settings or errors. JSON always goes to `out`; errors for people go to `err`.
///
/// # Errors
/// When the output cannot be written.
pub fn report(
    settings: Result<&Settings, &Error>,
    json: bool,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Verdict> {
    match settings {
        Ok(settings) if json => writeln!(out, "{:#}", document(settings))?,
        Ok(settings) => write_tables(settings, out)?,
        Err(error) if json => writeln!(out, "{:#}", errors(error))?,
        Err(error) => writeln!(err, "{error}")?,
    }
    Ok(match settings {
        Ok(_) => Verdict::Sound,
        Err(_) => Verdict::Refused,
    })
}

fn errors(error: &Error) -> Value {
    let errors: Vec<Value> = error
        .problems
        .iter()
        .map(|problem| {
            json!({
                "key": problem.key,
                "value": problem.value,
                "expected": problem.expected,
                "origin": problem.origin,
                "message": problem.to_string(),
            })
        })
        .collect();
    json!({ "sound": false, "errors": errors })
}

fn document(settings: &Settings) -> Value {
    let named = |entries: Vec<(String, Value)>| Value::Object(Map::from_iter(entries));
    let other = settings.engine.owners.last();
    let groups = settings.groups.iter().map(|group| {
        let mut entry = json!({
            "level": level(group.level),
            "parent": group.parent.as_ref().map(ToString::to_string),
            "currency": group.limits.currency.to_string(),
            "calendar": describe::calendar(&group.calendar),
        });
        set(
            &mut entry,
            "limits",
            describe::nested(describe::group(&group.limits)),
        );
        let second = group.other_limits.as_ref().map(describe::group);
        set_owned(&mut entry, other, second);
        (group.id.to_string(), entry)
    });
    let around = |limits: &GroupLimits, calendar: &Calendar| {
        json!({
            "currency": limits.currency.to_string(),
            "calendar": describe::calendar(calendar),
            "limits": describe::nested(describe::group(limits)),
        })
    };
    let venues = settings.engine.venues.iter();
    let venues = venues.map(|venue| {
        let entry = around(&venue.limits, &venue.calendar);
        (venue.id.to_string(), entry)
    });
    let counterparties = settings.engine.counterparties.iter().map(|one| {
        let mut entry = around(&one.limits, &one.calendar);
        let venues: Vec<&str> = one.venues.iter().map(|venue| venue.as_str()).collect();
        set(&mut entry, "venues", json!(venues));
        (one.id.to_string(), entry)
    });
    let buckets = settings
        .buckets
        .iter()
        .map(|bucket| (bucket.id.to_string(), bucket_json(bucket, other)));
    let server = &settings.server;
    json!({
        "sound": true,
        "server": {
            "listen": server.listen.to_string(),
            "workers": server.workers,
            "runtime": describe::runtime(server.runtime),
            "reflection": server.reflection,
            "max_message_bytes": server.max_message_bytes,
            "max_streams": server.max_streams,
            "drain_grace": describe::length(server.drain_grace),
            "log": describe::log(server.log),
        },
        "instruments": settings.instruments.iter().map(|i| i.id.to_string()).collect::<Vec<_>>(),
        "venues": named(venues.collect()),
        "counterparties": named(counterparties.collect()),
        "groups": named(groups.collect()),
        "buckets": named(buckets.collect()),
    })
}

fn bucket_json(bucket: &BucketSetup, other: Option<&OwnerId>) -> Value {
    let accounts: Vec<Value> = bucket
        .accounts
        .iter()
        .map(|(venue, account)| json!({ "venue": venue.as_str(), "account": account.as_str() }))
        .collect();
    let targets: Vec<Value> = bucket
        .reroute
        .targets
        .iter()
        .map(|target| {
            json!({
                "bucket": target.bucket.as_ref().map(ToString::to_string),
                "venue": target.venue.as_str(),
                "account": target.account.as_str(),
            })
        })
        .collect();
    let inbound: Map<String, Value> = bucket
        .inbound
        .iter()
        .map(|rule| (rule.from.to_string(), json!(rule.notional_max.to_string())))
        .collect();
    let mut entry = json!({
        "parent": bucket.parent.as_ref().map(ToString::to_string),
        "currency": bucket.limits.currency.to_string(),
        "accounts": accounts,
        "calendar": describe::calendar(&bucket.calendar),
        "reroute": { "targets": targets, "tries": describe::tries(&bucket.reroute) },
        "inbound": {
            "from": inbound,
            "total_max": bucket.inbound_total_max.map(|max| max.to_string()),
        },
        "dead_man": {
            "after": duration::format(bucket.dead_man.after),
            "action": action_name(bucket.dead_man.action),
            "exempt_gtc": bucket.dead_man.exempt_gtc,
        },
    });
    set(
        &mut entry,
        "limits",
        describe::nested(describe::bucket(&bucket.limits)),
    );
    let second = bucket.other_limits.as_ref().map(describe::bucket);
    set_owned(&mut entry, other, second);
    entry
}

fn set_owned(object: &mut Value, owner: Option<&OwnerId>, entries: Option<Vec<describe::Entry>>) {
    if let (Some(owner), Some(entries)) = (owner, entries) {
        let limits = describe::nested(entries);
        set(object, "limits_of", json!({ owner.as_str(): limits }));
    }
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Desk => "desk",
        Level::Firm => "firm",
        Level::Venue => "venue",
        Level::Counterparty => "counterparty",
        Level::Order | Level::Bucket | Level::Instrument | Level::Client | Level::Global => "other",
    }
}

fn write_tables(settings: &Settings, out: &mut impl Write) -> io::Result<()> {
    let other = settings.engine.owners.last();
    for group in &settings.groups {
        writeln!(out, "{}", group_title(group))?;
        let mut rows = describe::group(&group.limits);
        let second = group.other_limits.as_ref().map(describe::group);
        rows.extend(of_owner(other, second));
        writeln!(out, "{}\n", table(rows))?;
    }
    for venue in &settings.engine.venues {
        let currency = &venue.limits.currency;
        writeln!(out, "venue {}, in {currency}", venue.id)?;
        writeln!(out, "{}\n", table(describe::group(&venue.limits)))?;
    }
    for one in &settings.engine.counterparties {
        let venues: Vec<&str> = one.venues.iter().map(|venue| venue.as_str()).collect();
        let (currency, venues) = (&one.limits.currency, venues.join(", "));
        writeln!(out, "counterparty {} of {venues}, in {currency}", one.id)?;
        writeln!(out, "{}\n", table(describe::group(&one.limits)))?;
    }
    for bucket in &settings.buckets {
        writeln!(out, "{}", bucket_title(bucket))?;
        let mut rows = around(bucket);
        rows.extend(describe::bucket(&bucket.limits));
        let second = bucket.other_limits.as_ref().map(describe::bucket);
        rows.extend(of_owner(other, second));
        writeln!(out, "{}\n", table(rows))?;
    }
    writeln!(out, "A limit that is not listed does not limit.")?;
    writeln!(
        out,
        "The configuration is sound: {}, {}, {}; listening on {}.",
        counted(settings.buckets.len(), "bucket"),
        counted(settings.groups.len(), "group"),
        counted(settings.instruments.len(), "instrument"),
        settings.server.listen
    )
}

/// The limits that a second owner has, under its name.
fn of_owner(
    owner: Option<&OwnerId>,
    entries: Option<Vec<describe::Entry>>,
) -> Vec<describe::Entry> {
    let (Some(owner), Some(mut entries)) = (owner, entries) else {
        return Vec::new();
    };
    for entry in &mut entries {
        let place = ["limits_of".to_owned(), owner.to_string()];
        entry.key.splice(0..0, place);
    }
    entries
}

fn group_title(group: &GroupSetup) -> String {
    let above = group
        .parent
        .as_ref()
        .map(|parent| format!(" under {parent}"));
    format!(
        "{} {}{}, in {}",
        level(group.level),
        group.id,
        above.unwrap_or_default(),
        group.limits.currency
    )
}

fn bucket_title(bucket: &BucketSetup) -> String {
    let above = bucket
        .parent
        .as_ref()
        .map(|parent| format!(" under {parent}"));
    format!(
        "bucket {}{}, in {}",
        bucket.id,
        above.unwrap_or_default(),
        bucket.limits.currency
    )
}

/// What a bucket has besides limits: accounts, calendar, routes out and in.
fn around(bucket: &BucketSetup) -> Vec<describe::Entry> {
    let place = |(venue, account): (&VenueId, &AccountId)| format!("{account} at {venue}");
    let joined = |parts: Vec<String>| parts.join(", ");
    let accounts = bucket.accounts.iter().map(|(v, a)| place((v, a))).collect();
    let mut rows = vec![
        describe::entry("accounts", joined(accounts)),
        describe::entry("calendar", describe::calendar_text(&bucket.calendar)),
    ];
    if !bucket.reroute.targets.is_empty() {
        let targets = bucket.reroute.targets.iter().map(|target| {
            let place = place((&target.venue, &target.account));
            match &target.bucket {
                Some(bucket) => format!("bucket {bucket}: {place}"),
                None => place,
            }
        });
        let text = format!(
            "{}; at most {} tried",
            joined(targets.collect()),
            describe::tries(&bucket.reroute)
        );
        rows.push(describe::entry("reroute", text));
    }
    if let Some(total) = bucket.inbound_total_max {
        let rules = bucket
            .inbound
            .iter()
            .map(|rule| format!("{} from {}", rule.notional_max, rule.from));
        let text = format!("{}; {total} in all", joined(rules.collect()));
        rows.push(describe::entry("inbound", text));
    }
    let dead_man = bucket.dead_man;
    if dead_man.action != DeadManAction::None {
        let text = format!(
            "{} when a client is lost for {}{}",
            action_name(dead_man.action),
            duration::format(dead_man.after),
            if dead_man.exempt_gtc {
                "; GTC and GTD stay"
            } else {
                ""
            },
        );
        rows.push(describe::entry("dead_man", text));
    }
    rows
}

const fn action_name(action: DeadManAction) -> &'static str {
    match action {
        DeadManAction::None => "none",
        DeadManAction::NoNew => "no_new",
        DeadManAction::CancelAll => "cancel_all",
    }
}

/// One row per limit: the parts of one limit stand in one row.
fn table(entries: Vec<describe::Entry>) -> Table {
    let mut rows: Vec<(String, String)> = Vec::new();
    for describe::Entry { key, value } in entries {
        let first = key.first().map_or("", String::as_str);
        let depth = if first == "limits_of" {
            3
        } else if first == "per_instrument" {
            2
        } else {
            1
        };
        let (name, part) = key.split_at_checked(depth).unwrap_or((&key, &[]));
        let (name, part) = (name.join("."), part.join("."));
        let text = format!("{part} {}", describe::text(&value));
        match rows.last_mut() {
            Some((last, texts)) if *last == name => {
                texts.push_str("; ");
                texts.push_str(text.trim_start());
            }
            Some(_) | None => rows.push((name, text.trim_start().to_owned())),
        }
    }
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    for (name, text) in rows {
        table.add_row([format!("  {name}"), text]);
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn printed(settings: Result<&Settings, &Error>, json: bool) -> (Verdict, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let verdict = report(settings, json, &mut out, &mut err).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (verdict, text(out), text(err))
    }

    #[test]
    fn a_sound_configuration_is_shown_bucket_by_bucket() {
        let settings = Settings::load(&Sources::default()).unwrap();
        let (verdict, out, err) = printed(Ok(&settings), false);
        assert_eq!((verdict, err.as_str()), (Verdict::Sound, ""));
        let plain: Vec<String> = out
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "firm harbor, in USD",
            "desk delta-one under harbor, in USD",
            "bucket perp under delta-one, in USD",
            "accounts perp-a at ALPHA, perp-b at BETA",
            "calendar day from 00:00:00 UTC, always open",
            "reroute bucket options: options-a at ALPHA; at most 4 tried",
            "inbound 500000 from perp; 500000 in all",
            "instruments allow BTC-USD-INV, BTC-USD-PERP",
            "instruments allow *; deny ACME, BTC-USD-INV",
            "order_rate max 200; window 1s; exit_reserve 20",
            "order_notional_max 1000000",
            "concentration underlying BTC: at most 6000000",
            "per_instrument.BTC-USD order_quantity_max 10",
            "The configuration is sound: 3 buckets, 3 groups, 5 instruments; listening on 127.0.0.1:50051.",
        ] {
            assert!(
                plain.iter().any(|other| other == line),
                "{line:?} in\n{out}"
            );
        }
    }

    #[test]
    fn what_a_second_owner_has_is_shown_under_its_name() {
        let mut settings = Settings::load(&Sources::default()).unwrap();
        settings.engine.owners = ["desk", "risk"].map(|name| name.parse().unwrap()).into();
        let bucket = settings.buckets.first_mut().unwrap();
        let name = bucket.id.to_string();
        let mut limits = crate::risk::limits::Limits::unlimited(bucket.limits.currency.clone());
        limits.gross_notional_max = Some("7".parse().unwrap());
        bucket.other_limits = Some(limits);
        let (_, out, _) = printed(Ok(&settings), false);
        assert!(out.contains("limits_of.risk.gross_notional_max"), "{out}");
        let (_, out, _) = printed(Ok(&settings), true);
        let json: Value = serde_json::from_str(&out).unwrap();
        let path = format!("/buckets/{name}/limits_of/risk/gross_notional_max");
        assert_eq!(json.pointer(&path), Some(&json!("7")));
    }

    #[test]
    fn json_has_the_keys_of_the_document() {
        let settings = Settings::load(&Sources::default()).unwrap();
        let (verdict, out, _) = printed(Ok(&settings), true);
        assert_eq!(verdict, Verdict::Sound);
        let json: Value = serde_json::from_str(&out).unwrap();
        let at = |path: &str| json.pointer(path).cloned().unwrap_or_default();
        assert_eq!(at("/sound"), true);
        assert_eq!(at("/server/listen"), "127.0.0.1:50051");
        assert_eq!(at("/server/drain_grace"), "10s");
        assert_eq!(at("/groups/harbor/limits/net_offsets"), true);
        assert_eq!(at("/buckets/perp/limits/order_rate/max"), 200);
        assert_eq!(at("/buckets/perp/limits/order_rate/window"), "1s");
        assert_eq!(at("/buckets/perp/reroute/targets/0/bucket"), "options");
        assert_eq!(at("/buckets/perp/reroute/tries"), 4);
        assert_eq!(at("/buckets/options/limits/instruments/allow/0"), "*");
        assert_eq!(at("/buckets/options/inbound/from/perp"), "500000");
        assert_eq!(at("/buckets/spot/calendar/zone"), "UTC");
        assert_eq!(
            at("/buckets/spot/limits/per_instrument/ACME/long_max"),
            "10000"
        );
        assert_eq!(
            at("/buckets/spot/limits/concentration/0"),
            json!({ "by": "venue", "capital_share": "0.6" })
        );
    }

    #[test]
    fn errors_are_all_printed_and_the_verdict_is_refused() {
        let document = "[server]\nlisten = 1\nworkers = -1\n";
        let error = Settings::parse(document).unwrap_err();
        let (verdict, out, err) = printed(Err(&error), false);
        assert_eq!((verdict, out.as_str()), (Verdict::Refused, ""));
        assert_eq!(
            err,
            "the configuration has 2 errors\n  \
             server.listen = 1: expected an address with a port such as \"127.0.0.1:50051\" or \"[::1]:50051\"\n  \
             server.workers = -1: expected a whole number from 1 to 1024\n"
        );
        let (verdict, out, err) = printed(Err(&error), true);
        assert_eq!((verdict, err.as_str()), (Verdict::Refused, ""));
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json.pointer("/sound"), Some(&json!(false)));
        assert_eq!(
            json.pointer("/errors/1/expected"),
            Some(&json!("a whole number from 1 to 1024"))
        );
    }
}
