//! Usage of limits on the wire.

use super::decision::{limit_id, scope_of, write_level, write_reason};
use super::field::{decimal, duration};
use crate::domain::amount::Quantity;
use crate::domain::decision::{Reason, Unit};
use crate::domain::name::Currency;
use crate::engine::view::Usage;
use crate::pb;

/// The configured limits with what they count, by ascending kind. `currency` is that of the document.
#[must_use]
pub fn write_usage(usages: &[Usage], currency: &Currency) -> Vec<pb::LimitUsage> {
    let mut lines: Vec<pb::LimitUsage> = usages
        .iter()
        .filter(|usage| usage.limit.is_some())
        .map(|usage| write_one(usage, currency))
        .collect();
    lines.sort_by_key(|line| line.kind);
    lines
}

fn write_one(usage: &Usage, currency: &Currency) -> pb::LimitUsage {
    let (scope, scope_value) = scope(usage);
    let known = usage.evaluable.then_some(usage.usage);
    pb::LimitUsage {
        // Kinds of limits have the numbers of the reasons that they give.
        kind: write_reason(usage.reason),
        limit_id: limit_id(usage.reason).to_owned(),
        level: write_level(usage.level).into(),
        scope: scope.into(),
        scope_value,
        unit: unit(usage.unit, currency),
        limit: usage.limit.map(figure),
        usage: known.map(figure),
        headroom: known.and_then(|_| usage.headroom()).map(figure),
        window: usage.window.map(duration),
        in_breach: usage.is_exceeded(),
        mode: super::limits::write_mode(usage.mode).into(),
        shadow_breaches: usage.shadowed,
    }
}

/// Limits that are exceeded now.
#[must_use]
pub fn write_exceeded(usages: &[Usage], currency: &Currency) -> Vec<pb::Breach> {
    let exceeded = usages.iter().filter(|usage| usage.is_exceeded());
    exceeded
        .map(|usage| {
            let (scope, scope_value) = scope(usage);
            pb::Breach {
                reason: write_reason(usage.reason),
                level: write_level(usage.level).into(),
                scope: scope.into(),
                scope_value,
                limit_id: limit_id(usage.reason).to_owned(),
                unit: unit(usage.unit, currency),
                limit: usage.limit.map(figure),
                before: Some(figure(usage.usage)),
                after: Some(figure(usage.usage)),
                headroom: usage.headroom().map(figure),
                text: usage.reason.text().to_owned(),
            }
        })
        .collect()
}

fn scope(usage: &Usage) -> (pb::ScopeKind, String) {
    match (usage.dimension, usage.reason) {
        (Some(dimension), _) => (scope_of(dimension), usage.scope.clone()),
        (None, Reason::PositionLong | Reason::PositionShort) => {
            (pb::ScopeKind::Instrument, usage.scope.clone())
        }
        (None, _) => (pb::ScopeKind::Unspecified, String::new()),
    }
}

fn unit(unit: Unit, currency: &Currency) -> String {
    match unit {
        Unit::Money => currency.to_string(),
        Unit::Quantity => "contracts".to_owned(),
        Unit::Count => "orders".to_owned(),
        Unit::BaseQuantity | Unit::Price | Unit::None => String::new(),
    }
}

fn figure(units: i128) -> pb::Decimal {
    decimal(Quantity::from_units(units))
}
