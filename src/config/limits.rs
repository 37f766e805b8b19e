//! Limits of buckets and groups, and the parts of them that other tables use too.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use super::read::{Cursor, Section};
use crate::domain::decision::{Dimension, Reason};
use crate::domain::instrument::Collar;
use crate::domain::name::{Currency, InstrumentId, Name, TagKind};
use crate::risk::flaws::{self, COUNTS, LENGTHS};
use crate::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, InstrumentLists, Limits,
    LookAlikeLimit, NotionalRateLimit, OpenOrdersLimit, PositionRule, PostOnlyRule, RateLimit,
    SelfMatchRule, SelfMatchScope, ShortSaleRule,
};
use crate::risk::modes::{Mode, Modes};
use crate::risk::policy::MODAL;

/// Stands for every instrument in an allow list.
const EVERY: &str = "*";
/// Without an own figure, one in this many orders is kept for exits.
const EXIT_PART: u32 = 10;

/// Reads the limits of a bucket. A limit that is left out does not limit; only the allow list must be there (A12).
pub(super) fn bucket(cursor: Cursor<'_>, currency: Currency, names: &Names) -> Option<Limits> {
    document(cursor, currency, names, true)
}

/// Reads the limits of a bucket as its second owner has them: its lists may be left out, since the first owner's are there.
pub(super) fn second(cursor: Cursor<'_>, currency: Currency, names: &Names) -> Option<Limits> {
    document(cursor, currency, names, false)
}

fn document(
    cursor: Cursor<'_>,
    currency: Currency,
    names: &Names,
    lists_needed: bool,
) -> Option<Limits> {
    let mut section = cursor.section()?;
    let none = Limits::unlimited(currency);
    let instruments = section.take("instruments");
    let mut self_match_scope = SelfMatchScope::default();
    if instruments.is_none() && lists_needed {
        cursor.missing("instruments", format!("a table with allow, {ALLOW}"));
    }
    let limits = Limits {
        currency: none.currency,
        capital: section.limit("capital", Cursor::amount),
        order_quantity_max: section.limit("order_quantity_max", Cursor::amount),
        order_base_quantity_max: section.limit("order_base_quantity_max", Cursor::amount),
        order_notional_max: section.limit("order_notional_max", Cursor::amount),
        order_underlying_notional_max: section
            .limit("order_underlying_notional_max", Cursor::amount),
        collar: section.limit("collar", collar),
        market_slippage: section
            .optional("market_slippage", Cursor::amount)
            .unwrap_or(none.market_slippage),
        look_alike: section.limit("look_alike", look_alike),
        instruments: instruments
            .and_then(|cursor| lists(cursor, names))
            .unwrap_or_default(),
        post_only: section
            .optional("post_only", |cursor| cursor.word(POST_ONLY))
            .unwrap_or_default(),
        short_sale: section
            .optional("short_sale", |cursor| cursor.word(SHORT_SALE))
            .unwrap_or_default(),
        self_match: match section.optional("self_match", self_match) {
            Some((mode, scope)) => {
                self_match_scope = scope;
                mode
            }
            None => SelfMatchRule::default(),
        },
        self_match_scope,
        long_max: section.limit("long_max", Cursor::amount),
        short_max: section.limit("short_max", Cursor::amount),
        position_rule: section
            .optional("position_rule", |cursor| cursor.word(POSITION_RULE))
            .unwrap_or_default(),
        spread_counted_share: section.limit("spread_counted_share", Cursor::amount),
        per_instrument: section
            .optional("per_instrument", |cursor| per_instrument(cursor, names))
            .unwrap_or_default(),
        gross_notional_max: section.limit("gross_notional_max", Cursor::amount),
        net_notional_max: section.limit("net_notional_max", Cursor::amount),
        open_orders: section.limit("open_orders", open_orders),
        concentration: section
            .limit("concentration", |cursor| concentration(cursor, names))
            .unwrap_or_default(),
        traded_notional_max: section.limit("traded_notional_max", Cursor::amount),
        order_rate: section.limit("order_rate", order_rate),
        notional_rate: section.limit("notional_rate", notional_rate),
        unsent_ttl: section
            .optional("unsent_ttl", |cursor| cursor.length(LENGTHS))
            .unwrap_or(none.unsent_ttl),
        modes: modes(&mut section),
        also: None,
    };
    section.close();
    cursor.flaws(flaws::of_limits(&limits));
    Some(limits)
}

/// Reads the limits of a group.
pub(super) fn group(cursor: Cursor<'_>, currency: Currency, names: &Names) -> Option<GroupLimits> {
    let mut section = cursor.section()?;
    let limits = GroupLimits {
        currency,
        long_max: section.limit("long_max", Cursor::amount),
        short_max: section.limit("short_max", Cursor::amount),
        gross_notional_max: section.limit("gross_notional_max", Cursor::amount),
        net_notional_max: section.limit("net_notional_max", Cursor::amount),
        net_offsets: section
            .optional("net_offsets", Cursor::flag)
            .unwrap_or_default(),
        open_orders: section.limit("open_orders", open_orders),
        concentration: section
            .limit("concentration", |cursor| concentration(cursor, names))
            .unwrap_or_default(),
        traded_notional_max: section.limit("traded_notional_max", Cursor::amount),
        order_rate: section.limit("order_rate", order_rate),
        notional_rate: section.limit("notional_rate", notional_rate),
        disclose: section
            .optional("disclose", Cursor::flag)
            .unwrap_or_default(),
        modes: modes(&mut section),
    };
    section.close();
    cursor.flaws(flaws::of_group(&limits));
    Some(limits)
}

/// How the limits of a document are held to: `mode` for all of them, and `modes` for single ones by the names of their reasons.
fn modes(section: &mut Section<'_>) -> Modes {
    let whole = section.optional("mode", |cursor| cursor.word(MODE));
    let mut modes = Modes::all(whole.unwrap_or_default());
    for (limit, cursor) in section.named::<TagKind>("modes") {
        let mode = cursor.word(MODE);
        match Reason::of_key(limit.as_str()) {
            Some(limit) => modes = modes.with(limit, mode.unwrap_or_default()),
            None => cursor.refuse(format!("as its key the name of a limit: {}", modal())),
        }
    }
    modes
}

/// Names of the limits that may be held otherwise than enforced.
fn modal() -> String {
    let names: Vec<String> = MODAL.iter().map(Reason::key).collect();
    names.join(", ")
}

pub(super) const MODE: &[(&str, Mode)] = &[
    ("enforce", Mode::Enforce),
    ("shadow", Mode::Shadow),
    ("off", Mode::Off),
];
pub(super) const POST_ONLY: &[(&str, PostOnlyRule)] = &[
    ("free", PostOnlyRule::Free),
    ("require", PostOnlyRule::Require),
    ("forbid", PostOnlyRule::Forbid),
];
pub(super) const SHORT_SALE: &[(&str, ShortSaleRule)] = &[
    ("free", ShortSaleRule::Free),
    ("require_locate", ShortSaleRule::RequireLocate),
    ("forbid", ShortSaleRule::Forbid),
];
pub(super) const SELF_MATCH: &[(&str, SelfMatchRule)] = &[
    ("allow", SelfMatchRule::Allow),
    ("reject_new", SelfMatchRule::RejectNew),
    ("ask_cancel_resting", SelfMatchRule::AskCancelResting),
];
pub(super) const SELF_MATCH_SCOPE: &[(&str, SelfMatchScope)] = &[
    ("bucket", SelfMatchScope::Bucket),
    ("desk", SelfMatchScope::Desk),
    ("firm", SelfMatchScope::Firm),
];
pub(super) const POSITION_RULE: &[(&str, PositionRule)] = &[
    ("reachable", PositionRule::Reachable),
    ("no_position_credit", PositionRule::NoPositionCredit),
];
pub(super) const DIMENSION: &[(&str, Dimension)] = &[
    ("underlying", Dimension::Underlying),
    ("expiry", Dimension::Expiry),
    ("sector", Dimension::Sector),
    ("venue", Dimension::Venue),
];

/// Reads the self-match rule: its mode alone, which then looks at the bucket, or with its scope.
fn self_match(cursor: Cursor<'_>) -> Option<(SelfMatchRule, SelfMatchScope)> {
    if !cursor.is_table() {
        let mode = cursor.word(SELF_MATCH)?;
        return Some((mode, SelfMatchScope::Bucket));
    }
    let mut section = cursor.section()?;
    let mode = section.required("mode", "a mode such as \"reject_new\"", |cursor| {
        cursor.word(SELF_MATCH)
    });
    let scope = section.optional("scope", |cursor| cursor.word(SELF_MATCH_SCOPE));
    section.close();
    Some((mode?, scope.unwrap_or_default()))
}

/// Reads a collar, of a bucket or of an instrument.
pub(super) fn collar(cursor: Cursor<'_>) -> Option<Collar> {
    let mut section = cursor.section()?;
    let collar = Collar {
        aggressive: section.limit("aggressive", Cursor::amount),
        passive: section.limit("passive", Cursor::amount),
        absolute: section.limit("absolute", Cursor::amount),
        period: section.limit("period", Cursor::amount),
    };
    section.close();
    Some(collar)
}

/// Reads a rate limit, of a bucket, group or client.
pub(super) fn order_rate(cursor: Cursor<'_>) -> Option<RateLimit> {
    let mut section = cursor.section()?;
    let max = max_count(&mut section);
    let window = window(&mut section);
    let exit_reserve = exit_reserve(&mut section, max);
    section.close();
    Some(RateLimit {
        max: max?,
        window: window?,
        exit_reserve: exit_reserve?,
    })
}

fn open_orders(cursor: Cursor<'_>) -> Option<OpenOrdersLimit> {
    let mut section = cursor.section()?;
    let max = max_count(&mut section);
    let exit_reserve = exit_reserve(&mut section, max);
    section.close();
    Some(OpenOrdersLimit {
        max: max?,
        exit_reserve: exit_reserve?,
    })
}

fn notional_rate(cursor: Cursor<'_>) -> Option<NotionalRateLimit> {
    let mut section = cursor.section()?;
    let max = section.required("max", MONEY, Cursor::amount);
    let window = window(&mut section);
    let give_back = section.optional("give_back", Cursor::flag);
    section.close();
    Some(NotionalRateLimit {
        max: max?,
        window: window?,
        give_back: give_back.unwrap_or_default(),
    })
}

fn look_alike(cursor: Cursor<'_>) -> Option<LookAlikeLimit> {
    let mut section = cursor.section()?;
    let count = section.required("count", "a whole number", |cursor| cursor.count(COUNTS));
    let window = window(&mut section);
    section.close();
    Some(LookAlikeLimit {
        count: count?,
        window: window?,
    })
}

const MONEY: &str = "an amount of money in quotes";

fn max_count(section: &mut Section<'_>) -> Option<u32> {
    section.required("max", "a whole number", |cursor| cursor.count(COUNTS))
}

fn window(section: &mut Section<'_>) -> Option<u64> {
    section.required("window", &flaws::lengths(), |cursor| cursor.length(LENGTHS))
}

/// The part kept for exits: as written, else a tenth, at least one, and never all there is.
fn exit_reserve(section: &mut Section<'_>, max: Option<u32>) -> Option<u32> {
    match section.take("exit_reserve") {
        Some(cursor) => cursor.count(0..=*COUNTS.end()),
        None => {
            let max = max?;
            let part = max.checked_div(EXIT_PART)?.max(1);
            Some(part.min(max.saturating_sub(1)))
        }
    }
}

const ALLOW: &str = "a list of instruments, or [\"*\"] for all of them";

fn lists(cursor: Cursor<'_>, names: &Names) -> Option<InstrumentLists> {
    let mut section = cursor.section()?;
    let allow = section.required("allow", ALLOW, |cursor| allow(cursor, names));
    let deny = section.optional("deny", |cursor| instruments(cursor, names));
    let restricted = section.optional("restricted", |cursor| instruments(cursor, names));
    section.close();
    Some(InstrumentLists {
        allow: allow?,
        deny: deny.unwrap_or_default(),
        restricted: restricted.unwrap_or_default(),
    })
}

/// `Some(None)` for everything, `Some(Some(set))` for these only.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it could be read"
)]
fn allow(cursor: Cursor<'_>, names: &Names) -> Option<Option<BTreeSet<InstrumentId>>> {
    if !cursor.list()?.any(|element| element.is_word(EVERY)) {
        return instruments(cursor, names).map(Some);
    }
    if cursor.list()?.count() > 1 {
        cursor.refuse("[\"*\"] alone, or a list of instruments without it");
    }
    Some(None)
}

fn instruments(cursor: Cursor<'_>, names: &Names) -> Option<BTreeSet<InstrumentId>> {
    let elements = cursor.list()?;
    Some(
        elements
            .filter_map(|element| element.declared(&names.instruments, "instruments"))
            .collect(),
    )
}

fn per_instrument(
    cursor: Cursor<'_>,
    names: &Names,
) -> Option<BTreeMap<InstrumentId, InstrumentLimits>> {
    let mut limits = BTreeMap::new();
    for (instrument, cursor) in cursor.named() {
        if !names.instruments.contains(&instrument) {
            cursor.refuse_key(&names.instruments, "instruments");
        }
        let Some(mut section) = cursor.section() else {
            continue;
        };
        let own = InstrumentLimits {
            order_quantity_max: section.limit("order_quantity_max", Cursor::amount),
            long_max: section.limit("long_max", Cursor::amount),
            short_max: section.limit("short_max", Cursor::amount),
            collar: section.limit("collar", collar),
        };
        section.close();
        limits.insert(instrument, own);
    }
    Some(limits)
}

fn concentration(cursor: Cursor<'_>, names: &Names) -> Option<Vec<ConcentrationLimit>> {
    let elements = cursor.list()?;
    Some(
        elements
            .filter_map(|element| one_concentration(element, names))
            .collect(),
    )
}

fn one_concentration(cursor: Cursor<'_>, names: &Names) -> Option<ConcentrationLimit> {
    let mut section = cursor.section()?;
    let dimension = section.required("by", "underlying, expiry, sector or venue", |cursor| {
        cursor.word(DIMENSION)
    });
    let of = section.take("of");
    let value = of.and_then(|cursor| set_name(cursor, dimension?, names));
    let max = section.take("max");
    let share = section.take("capital_share");
    let bound = match (max, share) {
        (Some(max), None) => max.amount().map(ConcentrationBound::Money),
        (None, Some(share)) => share.amount().map(ConcentrationBound::CapitalShare),
        (Some(_), Some(share)) => {
            share.refuse("either max or capital_share, not both");
            None
        }
        (None, None) => {
            cursor.missing("max", "either max or capital_share");
            None
        }
    };
    section.close();
    Some(ConcentrationLimit {
        dimension: dimension?,
        // A set that could not be read is a problem already; it must not turn into "every set".
        value: if of.is_some() { Some(value?) } else { None },
        bound: bound?,
    })
}

/// Name of a set of instruments: one that at least one configured instrument is in, for a typing error would be a limit that never binds.
fn set_name(cursor: Cursor<'_>, dimension: Dimension, names: &Names) -> Option<String> {
    let text = |name: Name<_>| name.to_string();
    match dimension {
        Dimension::Underlying => cursor
            .declared(&names.underlyings, "instruments.*.underlying")
            .map(text),
        Dimension::Sector => cursor
            .declared(&names.sectors, "instruments.*.sector")
            .map(text),
        Dimension::Venue => cursor
            .declared(&names.venues, "venues")
            .map(|venue| venue.to_string()),
        Dimension::Expiry => {
            let date: Option<jiff::civil::Date> =
                cursor.parsed("a date such as \"2030-12-27\"", |text| text.parse().ok());
            date.map(|date| date.to_string())
        }
    }
}
