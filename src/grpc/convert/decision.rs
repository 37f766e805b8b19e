//! Decisions on the wire.

use prost::Message as _;

use super::field::{decimal, timestamp};
use crate::domain::amount::{Amount, Quantity};
use crate::domain::decision::{Decision, Dimension, Finding, Level, Outcome, Reason, Route, Unit};
use crate::domain::name::{ClOrdId, ClientId};
use crate::domain::order::OrderKey;
use crate::engine::answer::Largest;
use crate::engine::answer::{Answer, Subject};
use crate::pb;
use crate::pb_codec::Fields;

/// What was asked, as far as the answer repeats it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Key of the order or replace.
    pub key: &'a OrderKey,
    /// The version that a replace amends.
    pub original: Option<&'a ClOrdId>,
    /// Whether nothing was to happen.
    pub what_if: bool,
    /// Time that the engine spent, nanoseconds.
    pub engine_nanos: u64,
}

/// A decision as a message, for those who look into it.
#[must_use]
pub fn write(answer: &Answer, asked: &Asked<'_>) -> pb::Decision {
    let mut bytes = Vec::new();
    write_fields(&mut Fields::of(&mut bytes), answer, asked);
    let read = pb::Decision::decode(bytes.as_slice());
    debug_assert!(read.is_ok(), "what is written here can be read");
    read.unwrap_or_default()
}

/// The response to a decide, a replace or a what-if on the wire: its one field is the decision.
pub fn write_response(to: &mut Fields<'_>, answer: &Answer, asked: &Asked<'_>) {
    const DECISION: u32 = 1;
    to.message(DECISION, |to| write_fields(to, answer, asked));
}

/// A decision on the wire, field by field by the numbers of the contract. There is one for each order: it is not made as a message first.
pub(super) fn write_fields(to: &mut Fields<'_>, answer: &Answer, asked: &Asked<'_>) {
    let Answer {
        decision,
        replayed,
        order_state,
        exit,
        cancel_first,
        expires_at,
        closing_restricted,
        state_version,
        offered,
        subject,
    } = answer;
    let Decision {
        sequence,
        at,
        outcome,
        quantity,
        versions,
        evaluated,
        not_applicable,
        figures,
        shadow,
    } = decision;
    let OrderKey { client, cl_ord_id } = asked.key;
    let (outcome, route, broken, because): (_, _, &[Finding], &[Finding]) = match outcome {
        Outcome::Approved(route) => (pb::Outcome::Approved, Some(route), &[], &[]),
        Outcome::Rejected(broken) => (pb::Outcome::Rejected, None, broken, &[]),
        Outcome::Rerouted { to, because } => (pb::Outcome::Rerouted, Some(to), &[], because),
    };
    let subject = subject.as_deref();
    // The id is the same in every repetition, and another one after a restart that begins to count anew.
    if !asked.what_if {
        to.pair(1, at.cast_unsigned(), *sequence);
        to.number(2, *sequence);
    }
    to.number(3, number(outcome.into()));
    to.text(4, client.as_str());
    to.text(5, cl_ord_id.as_str());
    to.text(6, asked.original.map_or("", ClOrdId::as_str));
    if let Some(route) = route {
        to.message(7, |to| {
            to.text(1, route.bucket.as_str());
            to.text(2, route.venue.as_str());
            to.text(3, route.account.as_str());
        });
    }
    for finding in broken {
        to.made(8, &breach(finding, subject, client));
    }
    if !because.is_empty() {
        let asked = subject.and_then(|subject| {
            Some(Subject {
                venue: subject.asked.clone()?,
                ..subject.clone()
            })
        });
        for finding in because {
            to.made(9, &breach(finding, asked.as_ref().or(subject), client));
        }
    }
    to.flag(10, *replayed);
    let has_ended = *replayed && order_state.is_some_and(|state| state.is_terminal());
    to.flag(11, has_ended);
    // The sets go over the wire as they are: the bits of a `ReasonSet` are the numbers of the contract's checks.
    to.message(12, |to| {
        to.fixed(1, evaluated.bits());
        to.fixed(2, not_applicable.bits());
    });
    for finding in figures.iter().flatten() {
        to.made(13, &figure(finding, subject, client));
    }
    to.message(14, |to| {
        to.number(1, versions.limits);
        to.number(2, versions.reference);
        to.number(3, versions.market);
        to.number(4, *state_version);
    });
    if let Some(price) = versions.price {
        to.message(15, |to| {
            write_amount(to, 1, price);
            to.number(2, versions.price_age);
            to.number(3, versions.price_version);
        });
    }
    write_time(to, 16, *at);
    to.number(17, asked.engine_nanos);
    let state = order_state.map_or(pb::OrderState::Unspecified, super::view::write_order_state);
    to.number(18, number(state.into()));
    if route.is_some() {
        write_amount(to, 19, *quantity);
        if let Some(at) = expires_at {
            write_time(to, 20, *at);
        }
    }
    to.flag(21, *exit);
    to.flag(22, *closing_restricted);
    for key in cancel_first {
        to.message(23, |to| {
            to.text(1, key.client.as_str());
            to.text(2, key.cl_ord_id.as_str());
        });
    }
    to.flag(24, asked.what_if);
    to.flag(25, *offered);
    for finding in shadow {
        to.made(32, &breach(finding, subject, client));
    }
}

pub(super) fn write_amount<U>(to: &mut Fields<'_>, field: u32, amount: Amount<U>) {
    to.message(field, |to| match u64::try_from(amount.units()) {
        Ok(units) => to.twelfths(1, units),
        Err(_) => to.shown(1, format_args!("{amount}")),
    });
}

pub(super) fn write_time(to: &mut Fields<'_>, field: u32, wall: i64) {
    let time = timestamp(wall);
    to.message(field, |to| {
        to.number(1, time.seconds.cast_unsigned());
        to.number(2, number(time.nanos));
    });
}

/// A number of the contract that is never negative.
pub(super) fn number(number: i32) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A route on the wire.
#[must_use]
pub fn write_route(route: &Route) -> pb::Route {
    pb::Route {
        bucket_id: route.bucket.to_string(),
        venue_id: route.venue.to_string(),
        account_id: route.account.to_string(),
    }
}

/// Up to which quantity an order would pass, on the wire, to be read by this client. `side` is the one that was asked for, with its mark of a short sale.
#[must_use]
pub fn write_largest(
    largest: &Largest,
    client: &ClientId,
    side: pb::Side,
) -> pb::MaxQuantityResponse {
    let subject = largest.subject.as_deref();
    let breaches = |findings: &[Finding]| -> Vec<pb::Breach> {
        let findings = findings.iter();
        findings.map(|it| breach(it, subject, client)).collect()
    };
    let sides = largest.sides.iter().map(|of| pb::SideQuantity {
        side: match side {
            pb::Side::Unspecified => super::view::write_side(of.side).into(),
            pb::Side::Buy | pb::Side::Sell | pb::Side::SellShort | pb::Side::SellShortExempt => {
                side.into()
            }
        },
        quantity: Some(decimal(of.quantity)),
        exit: of.exit,
        binding: breaches(&of.binding),
        limits: of
            .limits
            .iter()
            .map(|(finding, quantity)| pb::LimitQuantity {
                breach: Some(breach(finding, subject, client)),
                quantity: quantity.map(decimal),
            })
            .collect(),
    });
    pb::MaxQuantityResponse {
        sides: sides.collect(),
        versions: Some(pb::Versions {
            config: largest.versions.limits,
            reference: largest.versions.reference,
            market: largest.versions.market,
            state: largest.state_version,
        }),
    }
}

/// A broken limit on the wire, to be read by this client.
#[must_use]
pub fn breach(finding: &Finding, subject: Option<&Subject>, client: &ClientId) -> pb::Breach {
    let (scope, scope_value) = scope(finding, subject, client);
    let figures = finding.figures.as_ref();
    pb::Breach {
        reason: write_reason(finding.reason),
        level: write_level(finding.level).into(),
        scope: scope.into(),
        scope_value,
        limit_id: limit_id(finding.reason).to_owned(),
        unit: figures.map_or_else(String::new, |figures| unit(figures.unit, subject)),
        limit: figures.map(|figures| units(figures.limit)),
        before: figures.map(|figures| units(figures.before)),
        after: figures.map(|figures| units(figures.after)),
        headroom: figures.map(|figures| units(figures.headroom())),
        text: finding.reason.text().to_owned(),
    }
}

/// A measured limit on the wire, to be read by this client.
#[must_use]
pub fn figure(finding: &Finding, subject: Option<&Subject>, client: &ClientId) -> pb::Figure {
    let pb::Breach {
        reason,
        level,
        scope,
        scope_value,
        limit_id,
        unit,
        limit,
        before,
        after,
        headroom,
        text: _,
    } = breach(finding, subject, client);
    pb::Figure {
        reason,
        level,
        scope,
        scope_value,
        limit_id,
        unit,
        limit,
        before,
        after,
        headroom,
    }
}

/// Figures carry no unit in their type: all of them are twelfth decimals.
fn units(figure: i128) -> pb::Decimal {
    decimal(Quantity::from_units(figure))
}

fn unit(unit: Unit, subject: Option<&Subject>) -> String {
    let instrument = subject.and_then(|subject| subject.instrument.as_deref());
    let name = match unit {
        Unit::Quantity => Some("contracts"),
        Unit::BaseQuantity => instrument.map(|instrument| instrument.base.as_str()),
        Unit::Money => subject.map(|subject| subject.currency.as_str()),
        Unit::Price => instrument.map(|instrument| instrument.quote.as_str()),
        Unit::Count => Some("orders"),
        Unit::None => None,
    };
    name.unwrap_or_default().to_owned()
}

/// What a finding counts within its level, and the name of it.
fn scope(
    finding: &Finding,
    subject: Option<&Subject>,
    client: &ClientId,
) -> (pb::ScopeKind, String) {
    let instrument = subject.and_then(|subject| subject.instrument.as_deref());
    let of_instrument = || instrument.map(|instrument| instrument.id.to_string());
    let of_venue = || subject.map(|subject| subject.venue.to_string());
    let (kind, name) = if let Some(dimension) = finding.dimension {
        let name = match dimension {
            Dimension::Underlying => instrument.map(|it| it.underlying.to_string()),
            Dimension::Expiry => instrument.and_then(|it| it.expiry).and_then(date),
            Dimension::Sector => instrument
                .and_then(|it| it.sector.as_ref())
                .map(ToString::to_string),
            Dimension::Venue => of_venue(),
        };
        (scope_of(dimension), name)
    } else if matches!(finding.reason, Reason::PositionLong | Reason::PositionShort) {
        (pb::ScopeKind::Instrument, of_instrument())
    } else {
        match finding.level {
            Level::Instrument => (pb::ScopeKind::Instrument, of_instrument()),
            Level::Venue => (pb::ScopeKind::Venue, of_venue()),
            Level::Client => (pb::ScopeKind::Client, Some(client.to_string())),
            Level::Order
            | Level::Bucket
            | Level::Desk
            | Level::Firm
            | Level::Counterparty
            | Level::Global => (pb::ScopeKind::Unspecified, None),
        }
    };
    (kind, name.unwrap_or_default())
}

/// The date of an expiry, as concentration limits name it.
fn date(wall: i64) -> Option<String> {
    let time = jiff::Timestamp::from_nanosecond(i128::from(wall)).ok()?;
    Some(time.strftime("%Y-%m-%d").to_string())
}

/// A dimension of instruments on the wire.
#[must_use]
pub const fn scope_of(dimension: Dimension) -> pb::ScopeKind {
    match dimension {
        Dimension::Underlying => pb::ScopeKind::Underlying,
        Dimension::Expiry => pb::ScopeKind::Expiry,
        Dimension::Sector => pb::ScopeKind::Sector,
        Dimension::Venue => pb::ScopeKind::Venue,
    }
}

/// A reason on the wire: the numbers are the same.
#[must_use]
pub fn write_reason(reason: Reason) -> i32 {
    i32::from(reason.code())
}

/// A level on the wire.
#[must_use]
pub const fn write_level(level: Level) -> pb::Level {
    match level {
        Level::Order => pb::Level::Order,
        Level::Bucket => pb::Level::Bucket,
        Level::Desk => pb::Level::Desk,
        Level::Firm => pb::Level::Firm,
        Level::Instrument => pb::Level::Instrument,
        Level::Venue => pb::Level::Venue,
        Level::Counterparty => pb::Level::Counterparty,
        Level::Client => pb::Level::Client,
        Level::Global => pb::Level::Global,
    }
}

/// The field of the limits document that holds the limit; empty where the rule has none.
#[must_use]
pub const fn limit_id(reason: Reason) -> &'static str {
    match reason {
        Reason::OrderQuantity => "order_quantity_max",
        Reason::OrderBaseQuantity => "order_base_quantity_max",
        Reason::OrderNotional => "order_notional_max",
        Reason::OrderUnderlyingNotional => "order_underlying_notional_max",
        Reason::PriceCollar => "price_collar",
        Reason::PriceCollarPeriod => "price_collar.period",
        Reason::LookAlike => "look_alike",
        Reason::InstrumentNotAllowed => "instrument_lists",
        Reason::LegalRestriction => "instrument_lists.restricted",
        Reason::PostOnlyRequired | Reason::PostOnlyForbidden => "post_only",
        Reason::ShortSaleForbidden | Reason::LocateRequired => "short_sale",
        Reason::SelfMatch => "self_match",
        Reason::PositionLong => "position_long_max",
        Reason::PositionShort => "position_short_max",
        Reason::GrossNotional => "gross_notional_max",
        Reason::NetNotional => "net_notional_max",
        Reason::OpenOrders => "open_orders",
        Reason::Concentration => "concentrations",
        Reason::TradedNotional => "traded_notional_max",
        Reason::InboundCap => "inbound",
        Reason::OrderRate => "order_rate",
        Reason::NotionalRate => "notional_rate",
        Reason::OutsideTradingWindow => "calendar.trading_windows",
        Reason::RouteNotConfigured => "accounts",
        Reason::UnknownInstrument
        | Reason::InstrumentExpired
        | Reason::VenueNotListed
        | Reason::PriceOffTick
        | Reason::QuantityOffLot
        | Reason::PriceNotPositive
        | Reason::PriceUnavailable
        | Reason::RateUnavailable
        | Reason::ExpireTimePast
        | Reason::DuplicateMismatch
        | Reason::ClientQuota
        | Reason::ReduceOnlyExceedsPosition
        | Reason::BasketRejected
        | Reason::PackageLeg
        | Reason::StateReduceOnly
        | Reason::StateCancelOnly
        | Reason::StateHalted
        | Reason::UnknownOrder
        | Reason::OrderEnded
        | Reason::ReplaceToZero
        | Reason::ReplaceMismatch
        | Reason::OrderAlreadySent
        | Reason::RouteNotAccepted
        | Reason::Overflow
        | Reason::InternalFault => "",
    }
}
