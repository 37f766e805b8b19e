//! The limits documents of buckets and groups, both ways.

use std::collections::{BTreeMap, BTreeSet};

use super::field::{Path, Sign, Violations, decimal, duration, says};
use crate::domain::amount::{Amount, Quantity};
use crate::domain::decision::{Dimension, Reason, ReasonSet};
use crate::domain::instrument::Collar;
use crate::domain::name::{InstrumentId, TagKind, VenueKind};
use crate::domain::time::MILLISECOND;
use crate::pb::{self, concentration_limit::Bound};
use crate::risk::flaws;
use crate::risk::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, InstrumentLists, Limits,
    LookAlikeLimit, NotionalRateLimit, OpenOrdersLimit, PositionRule, PostOnlyRule, RATE_MAX,
    RateLimit, SelfMatchRule, SelfMatchScope, ShortSaleRule, WINDOW_MAX,
};
use crate::risk::modes::{Mode, Modes};
use crate::risk::policy::MODAL;

/// Reads the limits of a bucket.
pub fn read(message: pb::Limits, at: Path<'_>, found: &mut Violations) -> Option<Limits> {
    let pb::Limits {
        currency,
        capital,
        order_quantity_max,
        order_base_quantity_max,
        order_notional_max,
        order_underlying_notional_max,
        price_collar,
        market_slippage,
        look_alike,
        instrument_lists,
        post_only,
        short_sale,
        self_match,
        position_long_max,
        position_short_max,
        position_rule,
        instruments,
        gross_notional_max,
        net_notional_max,
        open_orders,
        concentrations,
        traded_notional_max,
        order_rate,
        notional_rate,
        reservation_ttl,
        mode,
        modes,
        spread_counted_share,
    } = message;
    let ids: Vec<String> = instruments
        .iter()
        .map(|it| it.instrument_id.clone())
        .collect();
    let currency = found.name(at.field("currency"), currency);
    let capital = found.amount_if_any(at.field("capital"), capital, Sign::Positive);
    let order_quantity_max = bound(found, at.field("order_quantity_max"), order_quantity_max);
    let order_base_quantity_max = bound(
        found,
        at.field("order_base_quantity_max"),
        order_base_quantity_max,
    );
    let order_notional_max = bound(found, at.field("order_notional_max"), order_notional_max);
    let order_underlying_notional_max = bound(
        found,
        at.field("order_underlying_notional_max"),
        order_underlying_notional_max,
    );
    let collar = collar(price_collar, at.field("price_collar"), found);
    let market_slippage = bound(found, at.field("market_slippage"), market_slippage);
    let look_alike = look_alike_limit(look_alike, at.field("look_alike"), found);
    let lists = lists(instrument_lists, at.field("instrument_lists"), found);
    let post_only = match found.number(at.field("post_only"), post_only) {
        Some(pb::PostOnlyRule::Unspecified) => Some(PostOnlyRule::Free),
        Some(pb::PostOnlyRule::Require) => Some(PostOnlyRule::Require),
        Some(pb::PostOnlyRule::Forbid) => Some(PostOnlyRule::Forbid),
        None => None,
    };
    let short_sale = match found.number(at.field("short_sale"), short_sale) {
        Some(pb::ShortSaleRule::Unspecified) => Some(ShortSaleRule::Free),
        Some(pb::ShortSaleRule::RequireLocate) => Some(ShortSaleRule::RequireLocate),
        Some(pb::ShortSaleRule::Forbid) => Some(ShortSaleRule::Forbid),
        None => None,
    };
    let self_match = self_match_rule(self_match, at.field("self_match"), found);
    let long_max = bound(found, at.field("position_long_max"), position_long_max);
    let short_max = bound(found, at.field("position_short_max"), position_short_max);
    let position_rule = match found.number(at.field("position_rule"), position_rule) {
        Some(pb::PositionRule::Unspecified | pb::PositionRule::Reachable) => {
            Some(PositionRule::Reachable)
        }
        Some(pb::PositionRule::NoPositionCredit) => Some(PositionRule::NoPositionCredit),
        None => None,
    };
    let spread_counted_share = bound(
        found,
        at.field("spread_counted_share"),
        spread_counted_share,
    );
    let per_instrument = per_instrument(instruments, at.field("instruments"), found);
    let gross_notional_max = bound(found, at.field("gross_notional_max"), gross_notional_max);
    let net_notional_max = bound(found, at.field("net_notional_max"), net_notional_max);
    let open_orders = open_orders_limit(open_orders, at.field("open_orders"), found);
    let takes_share =
        |limit: &pb::ConcentrationLimit| matches!(limit.bound, Some(Bound::CapitalShareMax(_)));
    if capital == Some(None) && concentrations.iter().any(takes_share) {
        found.refuse(at.field("capital"), "required with a share of it");
    }
    let concentration = concentration_limits(concentrations, at.field("concentrations"), found);
    let traded_notional_max = bound(found, at.field("traded_notional_max"), traded_notional_max);
    let order_rate = rate(order_rate, at.field("order_rate"), found);
    let notional_rate = notional_rate_limit(notional_rate, at.field("notional_rate"), found);
    let ttl_at = at.field("reservation_ttl");
    let unsent_ttl = found.duration_if_any(ttl_at, reservation_ttl, MILLISECOND, WINDOW_MAX);

    let modes = read_modes(mode, modes, at, found);

    let default = Limits::unlimited(currency?);
    let limits = Limits {
        capital: capital?,
        order_quantity_max: order_quantity_max?,
        order_base_quantity_max: order_base_quantity_max?,
        order_notional_max: order_notional_max?,
        order_underlying_notional_max: order_underlying_notional_max?,
        collar: collar?,
        market_slippage: market_slippage?.unwrap_or(default.market_slippage),
        look_alike: look_alike?,
        instruments: lists?,
        post_only: post_only?,
        short_sale: short_sale?,
        self_match: self_match?.0,
        self_match_scope: self_match?.1,
        long_max: long_max?,
        short_max: short_max?,
        position_rule: position_rule?,
        spread_counted_share: spread_counted_share?,
        per_instrument: per_instrument?,
        gross_notional_max: gross_notional_max?,
        net_notional_max: net_notional_max?,
        open_orders: open_orders?,
        concentration: concentration?,
        traded_notional_max: traded_notional_max?,
        order_rate: order_rate?,
        notional_rate: notional_rate?,
        unsent_ttl: unsent_ttl?.unwrap_or(default.unsent_ttl),
        modes: modes?,
        also: None,
        currency: default.currency,
    };
    found.flaws(at, flaws::of_limits(&limits), &ids);
    Some(limits)
}

/// Reads the limits of a group.
pub fn read_group(
    message: pb::GroupLimits,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<GroupLimits> {
    let pb::GroupLimits {
        currency,
        gross_notional_max,
        net_notional_max,
        net_offsets,
        order_rate,
        disclose,
        mode,
        modes,
        position_long_max,
        position_short_max,
        open_orders,
        concentrations,
        traded_notional_max,
        notional_rate,
    } = message;
    let currency = found.name(at.field("currency"), currency);
    let gross_notional_max = bound(found, at.field("gross_notional_max"), gross_notional_max);
    let net_notional_max = bound(found, at.field("net_notional_max"), net_notional_max);
    let order_rate = rate(order_rate, at.field("order_rate"), found);
    let modes = read_modes(mode, modes, at, found);
    let long_max = bound(found, at.field("position_long_max"), position_long_max);
    let short_max = bound(found, at.field("position_short_max"), position_short_max);
    let open_orders = open_orders_limit(open_orders, at.field("open_orders"), found);
    let concentration = concentration_limits(concentrations, at.field("concentrations"), found);
    let traded_notional_max = bound(found, at.field("traded_notional_max"), traded_notional_max);
    let notional_rate = notional_rate_limit(notional_rate, at.field("notional_rate"), found);
    let limits = GroupLimits {
        currency: currency?,
        long_max: long_max?,
        short_max: short_max?,
        gross_notional_max: gross_notional_max?,
        net_notional_max: net_notional_max?,
        net_offsets,
        open_orders: open_orders?,
        concentration: concentration?,
        traded_notional_max: traded_notional_max?,
        order_rate: order_rate?,
        notional_rate: notional_rate?,
        disclose,
        modes: modes?,
    };
    found.flaws(at, flaws::of_group(&limits), &[]);
    Some(limits)
}

/// Reads how the limits of a document are held to.
fn read_modes(
    whole: i32,
    list: Vec<pb::ModeOfLimit>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Modes> {
    let whole = match found.number(at.field("mode"), whole) {
        Some(pb::LimitMode::Unspecified | pb::LimitMode::Enforce) => Some(Mode::Enforce),
        Some(pb::LimitMode::Shadow) => Some(Mode::Shadow),
        Some(pb::LimitMode::Off) => Some(Mode::Off),
        None => None,
    };
    let mut modes = whole.map(Modes::all);
    let mut named = ReasonSet::of_none();
    let at = at.field("modes");
    for (index, pb::ModeOfLimit { reason, mode }) in list.into_iter().enumerate() {
        let at = at.item(index);
        let (limit_at, mode_at) = (at.field("reason"), at.field("mode"));
        let limit = match found.number(limit_at, reason) {
            Some(pb::Reason::Unspecified) => found.needed(limit_at, None),
            Some(reason) => u16::try_from(i32::from(reason))
                .ok()
                .and_then(Reason::of_code),
            None => None,
        };
        let mode = match found.number(mode_at, mode) {
            Some(pb::LimitMode::Unspecified) => found.needed(mode_at, None),
            Some(pb::LimitMode::Enforce) => Some(Mode::Enforce),
            Some(pb::LimitMode::Shadow) => Some(Mode::Shadow),
            Some(pb::LimitMode::Off) => Some(Mode::Off),
            None => None,
        };
        let Some((limit, mode)) = limit.zip(mode) else {
            modes = None;
            continue;
        };
        if named.contains(limit) {
            found.refuse(limit_at, says::TWICE);
        } else if mode != Mode::Enforce && !MODAL.contains(limit) {
            found.refuse(mode_at, flaws::HELD);
        } else {
            modes = modes.map(|modes| modes.with(limit, mode));
        }
        named.insert(limit);
    }
    modes
}

fn write_modes(modes: &Modes) -> Vec<pb::ModeOfLimit> {
    modes
        .apart()
        .map(|(limit, mode)| pb::ModeOfLimit {
            reason: super::decision::write_reason(limit),
            mode: write_mode(mode).into(),
        })
        .collect()
}

/// A mode on the wire.
#[must_use]
pub const fn write_mode(mode: Mode) -> pb::LimitMode {
    match mode {
        Mode::Enforce => pb::LimitMode::Enforce,
        Mode::Shadow => pb::LimitMode::Shadow,
        Mode::Off => pb::LimitMode::Off,
    }
}

/// Reads a price collar.
pub fn collar(
    message: Option<pb::PriceCollar>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<Collar>> {
    let Some(pb::PriceCollar {
        aggressive,
        passive,
        absolute,
        period,
    }) = message
    else {
        return Some(None);
    };
    let aggressive = bound(found, at.field("aggressive"), aggressive);
    let passive = bound(found, at.field("passive"), passive);
    let absolute = bound(found, at.field("absolute"), absolute);
    let period = bound(found, at.field("period"), period);
    Some(Some(Collar {
        aggressive: aggressive?,
        passive: passive?,
        absolute: absolute?,
        period: period?,
    }))
}

/// A bound that may be absent: zero blocks everything, less is nonsense.
fn bound<U>(
    found: &mut Violations,
    at: Path<'_>,
    bound: Option<pb::Decimal>,
) -> Option<Option<Amount<U>>> {
    found.amount_if_any(at, bound, Sign::NotNegative)
}

/// A count that must be there. Zero is how the wire says that it is not.
fn count(found: &mut Violations, at: Path<'_>, count: u32, most: u32) -> Option<u32> {
    let wrong = if count == 0 {
        says::REQUIRED
    } else if count > most {
        says::OUT_OF_RANGE
    } else {
        return Some(count);
    };
    found.refuse(at, wrong);
    None
}

/// How many of `max` are kept for exits: a tenth unless told.
fn exit_reserve(
    found: &mut Violations,
    at: Path<'_>,
    reserve: Option<u32>,
    max: Option<u32>,
) -> Option<u32> {
    let max = max?;
    let reserve = reserve.unwrap_or(max / 10);
    if reserve > max {
        found.refuse(at, "above orders_max");
        return None;
    }
    Some(reserve)
}

fn window(
    found: &mut Violations,
    at: Path<'_>,
    window: Option<prost_types::Duration>,
) -> Option<u64> {
    found.duration(at, window, MILLISECOND, WINDOW_MAX)
}

fn rate(
    message: Option<pb::RateLimit>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<RateLimit>> {
    let Some(pb::RateLimit {
        orders_max,
        window: length,
        exit_reserve: reserve,
    }) = message
    else {
        return Some(None);
    };
    let max = count(found, at.field("orders_max"), orders_max, RATE_MAX);
    let length = window(found, at.field("window"), length);
    let exit_reserve = exit_reserve(found, at.field("exit_reserve"), reserve, max);
    Some(Some(RateLimit {
        max: max?,
        window: length?,
        exit_reserve: exit_reserve?,
    }))
}

fn notional_rate_limit(
    message: Option<pb::NotionalRateLimit>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<NotionalRateLimit>> {
    let Some(pb::NotionalRateLimit {
        notional_max,
        window: length,
        cancels_give_back,
    }) = message
    else {
        return Some(None);
    };
    let max = found.amount(at.field("notional_max"), notional_max, Sign::NotNegative);
    let length = window(found, at.field("window"), length);
    Some(Some(NotionalRateLimit {
        max: max?,
        window: length?,
        give_back: cancels_give_back,
    }))
}

fn look_alike_limit(
    message: Option<pb::LookAlikeLimit>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<LookAlikeLimit>> {
    let Some(pb::LookAlikeLimit {
        orders_max,
        window: length,
    }) = message
    else {
        return Some(None);
    };
    let count = count(found, at.field("orders_max"), orders_max, u32::MAX);
    let length = window(found, at.field("window"), length);
    Some(Some(LookAlikeLimit {
        count: count?,
        window: length?,
    }))
}

fn open_orders_limit(
    message: Option<pb::OpenOrdersLimit>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<OpenOrdersLimit>> {
    let Some(pb::OpenOrdersLimit {
        orders_max,
        exit_reserve: reserve,
    }) = message
    else {
        return Some(None);
    };
    let max = count(found, at.field("orders_max"), orders_max, u32::MAX);
    let exit_reserve = exit_reserve(found, at.field("exit_reserve"), reserve, max);
    Some(Some(OpenOrdersLimit {
        max: max?,
        exit_reserve: exit_reserve?,
    }))
}

fn self_match_rule(
    message: Option<pb::SelfMatchRule>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<(SelfMatchRule, SelfMatchScope)> {
    let Some(pb::SelfMatchRule { mode, scope }) = message else {
        return Some((SelfMatchRule::Allow, SelfMatchScope::Bucket));
    };
    let scope_at = at.field("scope");
    let scope = match found.number(scope_at, scope) {
        Some(pb::Level::Unspecified | pb::Level::Bucket) => Some(SelfMatchScope::Bucket),
        Some(pb::Level::Desk) => Some(SelfMatchScope::Desk),
        Some(pb::Level::Firm) => Some(SelfMatchScope::Firm),
        Some(
            pb::Level::Order
            | pb::Level::Instrument
            | pb::Level::Venue
            | pb::Level::Counterparty
            | pb::Level::Client
            | pb::Level::Global,
        ) => {
            found.refuse(scope_at, "not a level of buckets");
            None
        }
        None => None,
    };
    let mode_at = at.field("mode");
    let mode = match found.number(mode_at, mode)? {
        pb::SelfMatchMode::Unspecified => found.needed(mode_at, None),
        pb::SelfMatchMode::Allow => Some(SelfMatchRule::Allow),
        pb::SelfMatchMode::RejectNew => Some(SelfMatchRule::RejectNew),
        pb::SelfMatchMode::CancelResting => Some(SelfMatchRule::AskCancelResting),
    };
    mode.zip(scope)
}

/// Stands for every instrument in `allow`.
const ALL: &str = "*";

fn lists(
    message: Option<pb::InstrumentLists>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<InstrumentLists> {
    let Some(pb::InstrumentLists {
        allow,
        deny,
        restricted,
    }) = message
    else {
        return Some(InstrumentLists::default());
    };
    let everything = allow.iter().any(|id| id == ALL);
    let named = allow.into_iter().map(|id| (id != ALL).then_some(id));
    let allow = ids(named, at.field("allow"), found);
    let deny = ids(deny.into_iter().map(Some), at.field("deny"), found);
    let restricted = ids(
        restricted.into_iter().map(Some),
        at.field("restricted"),
        found,
    );
    let allow = allow?;
    Some(InstrumentLists {
        allow: (!everything).then_some(allow),
        deny: deny?,
        restricted: restricted?,
    })
}

/// Every id that is there, at its place in the list.
fn ids(
    list: impl Iterator<Item = Option<String>>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<BTreeSet<InstrumentId>> {
    let mut ids = Some(BTreeSet::new());
    for (index, id) in list.enumerate() {
        let Some(id) = id else { continue };
        match (found.name(at.item(index), id), &mut ids) {
            (Some(id), Some(ids)) => {
                ids.insert(id);
            }
            _ => ids = None,
        }
    }
    ids
}

fn per_instrument(
    list: Vec<pb::InstrumentLimits>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<BTreeMap<InstrumentId, InstrumentLimits>> {
    let mut all = Some(BTreeMap::new());
    for (index, message) in list.into_iter().enumerate() {
        let at = at.item(index);
        match (instrument_limits(message, at, found), &mut all) {
            (Some((id, limits)), Some(all)) => {
                if all.insert(id, limits).is_some() {
                    found.refuse(at.field("instrument_id"), says::TWICE);
                }
            }
            _ => all = None,
        }
    }
    all
}

fn instrument_limits(
    message: pb::InstrumentLimits,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<(InstrumentId, InstrumentLimits)> {
    let pb::InstrumentLimits {
        instrument_id,
        order_quantity_max,
        position_long_max,
        position_short_max,
        price_collar,
    } = message;
    let id = found.name(at.field("instrument_id"), instrument_id);
    let order_quantity_max: Option<Option<Quantity>> =
        bound(found, at.field("order_quantity_max"), order_quantity_max);
    let long_max = bound(found, at.field("position_long_max"), position_long_max);
    let short_max = bound(found, at.field("position_short_max"), position_short_max);
    let collar = collar(price_collar, at.field("price_collar"), found);
    let limits = InstrumentLimits {
        order_quantity_max: order_quantity_max?,
        long_max: long_max?,
        short_max: short_max?,
        collar: collar?,
    };
    Some((id?, limits))
}

fn concentration_limits(
    list: Vec<pb::ConcentrationLimit>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Vec<ConcentrationLimit>> {
    let mut all = Some(Vec::new());
    for (index, message) in list.into_iter().enumerate() {
        match (concentration(message, at.item(index), found), &mut all) {
            (Some(limit), Some(all)) => all.push(limit),
            _ => all = None,
        }
    }
    all
}

fn concentration(
    message: pb::ConcentrationLimit,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<ConcentrationLimit> {
    let pb::ConcentrationLimit {
        dimension,
        value,
        bound,
    } = message;
    let (dimension_at, value_at) = (at.field("dimension"), at.field("value"));
    let dimension = match found.number(dimension_at, dimension) {
        Some(pb::ScopeKind::Unspecified) => found.needed(dimension_at, None),
        Some(pb::ScopeKind::Underlying) => Some(Dimension::Underlying),
        Some(pb::ScopeKind::Expiry) => Some(Dimension::Expiry),
        Some(pb::ScopeKind::Sector) => Some(Dimension::Sector),
        Some(pb::ScopeKind::Venue) => Some(Dimension::Venue),
        Some(pb::ScopeKind::Instrument | pb::ScopeKind::Client | pb::ScopeKind::SourceBucket) => {
            found.refuse(dimension_at, "not a dimension of instruments");
            None
        }
        None => None,
    };
    let value = match dimension {
        Some(Dimension::Underlying | Dimension::Sector) => found
            .name_if_any::<TagKind>(value_at, value)
            .map(|value| value.map(|value| value.to_string())),
        Some(Dimension::Venue) => found
            .name_if_any::<VenueKind>(value_at, value)
            .map(|value| value.map(|value| value.to_string())),
        Some(Dimension::Expiry) => expiry(value, value_at, found),
        None => None,
    };
    let bound = match bound {
        Some(Bound::GrossNotionalMax(max)) => found
            .amount(at.field("gross_notional_max"), Some(max), Sign::NotNegative)
            .map(ConcentrationBound::Money),
        Some(Bound::CapitalShareMax(share)) => found
            .amount(
                at.field("capital_share_max"),
                Some(share),
                Sign::NotNegative,
            )
            .map(ConcentrationBound::CapitalShare),
        None => {
            found.refuse(
                at.field("bound"),
                "one of gross_notional_max and capital_share_max is required",
            );
            None
        }
    };
    Some(ConcentrationLimit {
        dimension: dimension?,
        value: value?,
        bound: bound?,
    })
}

/// The date of an expiry as `YYYY-MM-DD`, in exactly this form: it is compared as text.
fn expiry(value: String, at: Path<'_>, found: &mut Violations) -> Option<Option<String>> {
    if value.is_empty() {
        return Some(None);
    }
    let is_date = value.len() == 10
        && value
            .parse::<jiff::civil::Date>()
            .is_ok_and(|date| date.to_string() == value);
    if !is_date {
        found.refuse(at, "not a date as YYYY-MM-DD");
        return None;
    }
    Some(Some(value))
}

/// The limits of a bucket on the wire; what they leave to a default is written out.
#[must_use]
pub fn write(limits: &Limits) -> pb::Limits {
    pb::Limits {
        currency: limits.currency.to_string(),
        capital: limits.capital.map(decimal),
        order_quantity_max: limits.order_quantity_max.map(decimal),
        order_base_quantity_max: limits.order_base_quantity_max.map(decimal),
        order_notional_max: limits.order_notional_max.map(decimal),
        order_underlying_notional_max: limits.order_underlying_notional_max.map(decimal),
        price_collar: limits.collar.as_ref().map(write_collar),
        market_slippage: Some(decimal(limits.market_slippage)),
        look_alike: limits.look_alike.as_ref().map(|limit| pb::LookAlikeLimit {
            orders_max: limit.count,
            window: Some(duration(limit.window)),
        }),
        instrument_lists: write_lists(&limits.instruments),
        post_only: match limits.post_only {
            PostOnlyRule::Free => pb::PostOnlyRule::Unspecified,
            PostOnlyRule::Require => pb::PostOnlyRule::Require,
            PostOnlyRule::Forbid => pb::PostOnlyRule::Forbid,
        }
        .into(),
        short_sale: match limits.short_sale {
            ShortSaleRule::Free => pb::ShortSaleRule::Unspecified,
            ShortSaleRule::RequireLocate => pb::ShortSaleRule::RequireLocate,
            ShortSaleRule::Forbid => pb::ShortSaleRule::Forbid,
        }
        .into(),
        self_match: Some(pb::SelfMatchRule {
            mode: match limits.self_match {
                SelfMatchRule::Allow => pb::SelfMatchMode::Allow,
                SelfMatchRule::RejectNew => pb::SelfMatchMode::RejectNew,
                SelfMatchRule::AskCancelResting => pb::SelfMatchMode::CancelResting,
            }
            .into(),
            scope: match limits.self_match_scope {
                SelfMatchScope::Bucket => pb::Level::Bucket,
                SelfMatchScope::Desk => pb::Level::Desk,
                SelfMatchScope::Firm => pb::Level::Firm,
            }
            .into(),
        }),
        position_long_max: limits.long_max.map(decimal),
        position_short_max: limits.short_max.map(decimal),
        spread_counted_share: limits.spread_counted_share.map(decimal),
        position_rule: match limits.position_rule {
            PositionRule::Reachable => pb::PositionRule::Reachable,
            PositionRule::NoPositionCredit => pb::PositionRule::NoPositionCredit,
        }
        .into(),
        instruments: limits
            .per_instrument
            .iter()
            .map(|(id, limits)| pb::InstrumentLimits {
                instrument_id: id.to_string(),
                order_quantity_max: limits.order_quantity_max.map(decimal),
                position_long_max: limits.long_max.map(decimal),
                position_short_max: limits.short_max.map(decimal),
                price_collar: limits.collar.as_ref().map(write_collar),
            })
            .collect(),
        gross_notional_max: limits.gross_notional_max.map(decimal),
        net_notional_max: limits.net_notional_max.map(decimal),
        open_orders: limits.open_orders.map(write_open_orders),
        concentrations: limits
            .concentration
            .iter()
            .map(write_concentration)
            .collect(),
        traded_notional_max: limits.traded_notional_max.map(decimal),
        order_rate: limits.order_rate.as_ref().map(write_rate),
        notional_rate: limits.notional_rate.map(write_notional_rate),
        reservation_ttl: Some(duration(limits.unsent_ttl)),
        mode: write_mode(limits.modes.whole()).into(),
        modes: write_modes(&limits.modes),
    }
}

/// The limits of a group on the wire.
#[must_use]
pub fn write_group(limits: &GroupLimits) -> pb::GroupLimits {
    pb::GroupLimits {
        currency: limits.currency.to_string(),
        gross_notional_max: limits.gross_notional_max.map(decimal),
        net_notional_max: limits.net_notional_max.map(decimal),
        net_offsets: limits.net_offsets,
        order_rate: limits.order_rate.as_ref().map(write_rate),
        disclose: limits.disclose,
        position_long_max: limits.long_max.map(decimal),
        position_short_max: limits.short_max.map(decimal),
        open_orders: limits.open_orders.map(write_open_orders),
        concentrations: limits
            .concentration
            .iter()
            .map(write_concentration)
            .collect(),
        traded_notional_max: limits.traded_notional_max.map(decimal),
        notional_rate: limits.notional_rate.map(write_notional_rate),
        mode: write_mode(limits.modes.whole()).into(),
        modes: write_modes(&limits.modes),
    }
}

const fn write_open_orders(limit: OpenOrdersLimit) -> pb::OpenOrdersLimit {
    pb::OpenOrdersLimit {
        orders_max: limit.max,
        exit_reserve: Some(limit.exit_reserve),
    }
}

fn write_notional_rate(limit: NotionalRateLimit) -> pb::NotionalRateLimit {
    pb::NotionalRateLimit {
        notional_max: Some(decimal(limit.max)),
        window: Some(duration(limit.window)),
        cancels_give_back: limit.give_back,
    }
}

/// A price collar on the wire.
#[must_use]
pub fn write_collar(collar: &Collar) -> pb::PriceCollar {
    pb::PriceCollar {
        aggressive: collar.aggressive.map(decimal),
        passive: collar.passive.map(decimal),
        absolute: collar.absolute.map(decimal),
        period: collar.period.map(decimal),
    }
}

fn write_rate(limit: &RateLimit) -> pb::RateLimit {
    pb::RateLimit {
        orders_max: limit.max,
        window: Some(duration(limit.window)),
        exit_reserve: Some(limit.exit_reserve),
    }
}

fn write_lists(lists: &InstrumentLists) -> Option<pb::InstrumentLists> {
    let names = |ids: &BTreeSet<InstrumentId>| ids.iter().map(ToString::to_string).collect();
    (*lists != InstrumentLists::default()).then(|| pb::InstrumentLists {
        allow: match &lists.allow {
            Some(allow) => names(allow),
            None => vec![ALL.to_owned()],
        },
        deny: names(&lists.deny),
        restricted: names(&lists.restricted),
    })
}

fn write_concentration(limit: &ConcentrationLimit) -> pb::ConcentrationLimit {
    pb::ConcentrationLimit {
        dimension: super::decision::scope_of(limit.dimension).into(),
        value: limit.value.clone().unwrap_or_default(),
        bound: Some(match limit.bound {
            ConcentrationBound::Money(max) => Bound::GrossNotionalMax(decimal(max)),
            ConcentrationBound::CapitalShare(share) => Bound::CapitalShareMax(decimal(share)),
        }),
    }
}
