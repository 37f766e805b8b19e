//! Decisions on the wire.

use core::fmt::Write as _;
use core::mem::take;

use super::field::{decimal, timestamp};
use crate::domain::amount::{Amount, Quantity};
use crate::domain::decision::{
    Decision, Dimension, Finding, Level, Outcome, Reason, ReasonSet, Route, Unit, Versions,
};
use crate::domain::name::{ClOrdId, ClientId};
use crate::domain::order::OrderKey;
use crate::engine::answer::{Answer, Subject};
use crate::pb;

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

/// A decision on the wire.
#[must_use]
pub fn write(answer: Answer, asked: &Asked<'_>) -> pb::Decision {
    let mut message = pb::Decision::default();
    write_over(&mut message, answer, asked);
    message
}

/// A decision on the wire, in place of another one: the room of its texts is used again.
pub fn write_over(message: &mut pb::Decision, answer: Answer, asked: &Asked<'_>) {
    let Answer {
        decision,
        replayed,
        order_state,
        exit,
        cancel_first,
        expires_at,
        closing_restricted,
        state_version,
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
    } = decision;
    let client = &asked.key.client;
    let breaches = |findings: &[Finding]| -> Vec<pb::Breach> {
        let breach = |finding| breach(finding, subject.as_deref(), client);
        findings.iter().map(breach).collect()
    };
    let (outcome, route, broken, because) = match outcome {
        Outcome::Approved(route) => (pb::Outcome::Approved, Some(route), Vec::new(), Vec::new()),
        Outcome::Rejected(broken) => (pb::Outcome::Rejected, None, breaches(&broken), Vec::new()),
        Outcome::Rerouted { to, because } => (
            pb::Outcome::Rerouted,
            Some(to),
            Vec::new(),
            breaches(&because),
        ),
    };
    let figures = figures.unwrap_or_default();
    let figure = |finding| figure(finding, subject.as_deref(), client);
    let order_key = |cl_ord_id: ClOrdId| pb::OrderKey {
        client_id: client.to_string(),
        cl_ord_id: cl_ord_id.to_string(),
    };
    let original = asked.original.map_or("", ClOrdId::as_str);
    *message = pb::Decision {
        decision_id: decision_id(take(&mut message.decision_id), at, sequence, asked),
        sequence: if asked.what_if { 0 } else { sequence },
        outcome: outcome.into(),
        client_id: text(take(&mut message.client_id), client.as_str()),
        cl_ord_id: text(take(&mut message.cl_ord_id), asked.key.cl_ord_id.as_str()),
        orig_cl_ord_id: text(take(&mut message.orig_cl_ord_id), original),
        approved_quantity: route
            .is_some()
            .then(|| amount(message.approved_quantity.take(), quantity)),
        reservation_expires_at: expires_at.filter(|_| route.is_some()).map(timestamp),
        route: route.map(|route| route_over(message.route.take(), &route)),
        breaches: broken,
        because,
        replayed,
        order_ended: replayed && order_state.is_some_and(|state| state.is_terminal()),
        checks: Some(checks(evaluated, not_applicable)),
        figures: figures.iter().map(figure).collect(),
        versions: Some(pb::Versions {
            config: versions.limits,
            reference: versions.reference,
            market: versions.market,
            state: state_version,
        }),
        mark: mark(message.mark.take(), &versions),
        decided_at: Some(timestamp(at)),
        engine_nanos: asked.engine_nanos,
        order_state: order_state
            .map_or(pb::OrderState::Unspecified, super::view::write_order_state)
            .into(),
        exit,
        closing_restricted,
        cancel_first: cancel_first.into_iter().map(order_key).collect(),
        what_if: asked.what_if,
    };
}

/// A text in the room of another one.
fn text(mut room: String, text: &str) -> String {
    room.clear();
    room.push_str(text);
    room
}

/// An amount in the room of another one.
fn amount<U>(room: Option<pb::Decimal>, amount: Amount<U>) -> pb::Decimal {
    let mut value = room.unwrap_or_default().value;
    value.clear();
    // Writing to a text cannot fail.
    let _ = write!(value, "{amount}");
    pb::Decimal { value }
}

/// The same in every repetition, and another one after a restart that begins to count anew.
fn decision_id(mut room: String, at: i64, sequence: u64, asked: &Asked<'_>) -> String {
    room.clear();
    if !asked.what_if {
        let _ = write!(room, "{at:x}-{sequence:x}");
    }
    room
}

/// The sets go over the wire as they are: the bits of a [`ReasonSet`] are the numbers of the contract's checks.
const fn checks(evaluated: ReasonSet, not_applicable: ReasonSet) -> pb::ChecksRun {
    pb::ChecksRun {
        evaluated: evaluated.bits(),
        not_applicable: not_applicable.bits(),
    }
}

fn mark(room: Option<pb::MarkUsed>, versions: &Versions) -> Option<pb::MarkUsed> {
    versions.price.map(|price| pb::MarkUsed {
        price: Some(amount(room.and_then(|room| room.price), price)),
        age_nanos: versions.price_age,
        version: versions.price_version,
    })
}

/// A route on the wire.
#[must_use]
pub fn write_route(route: &Route) -> pb::Route {
    route_over(None, route)
}

fn route_over(room: Option<pb::Route>, route: &Route) -> pb::Route {
    let room = room.unwrap_or_default();
    pb::Route {
        bucket_id: text(room.bucket_id, route.bucket.as_str()),
        venue_id: text(room.venue_id, route.venue.as_str()),
        account_id: text(room.account_id, route.account.as_str()),
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
            Level::Order | Level::Bucket | Level::Desk | Level::Firm | Level::Global => {
                (pb::ScopeKind::Unspecified, None)
            }
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
        | Reason::StateReduceOnly
        | Reason::StateCancelOnly
        | Reason::StateHalted
        | Reason::UnknownOrder
        | Reason::OrderEnded
        | Reason::ReplaceToZero
        | Reason::ReplaceMismatch
        | Reason::OrderAlreadySent
        | Reason::Overflow
        | Reason::InternalFault => "",
    }
}
