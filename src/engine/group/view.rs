//! What people see of a group: every limit with what it counts, and the text its hash is of.

use core::fmt::Write as _;

use super::{Group, GroupState};
use crate::domain::amount::{Money, Quantity};
use crate::domain::decision::{Reason, Unit};
use crate::domain::order::Side;
use crate::domain::time::Now;
use crate::engine::view::{Usage, whole};
use crate::risk::exposure::GroupReach;

impl Group {
    /// Every limit with what it counts, of a state that is locked and of today.
    #[must_use]
    pub fn usage_of(&self, state: &GroupState, now: Now) -> Vec<Usage> {
        let line = |reason, unit, limit: Option<i128>, usage| Usage {
            reason,
            level: self.level,
            dimension: None,
            scope: self.id.to_string(),
            unit,
            limit,
            usage,
            // Groups count the last known value (NL16).
            evaluable: true,
            window: None,
            mode: state.limits.modes.of(reason),
            shadowed: 0,
        };
        let money = |reason, limit: Option<Money>, usage: Money| {
            line(reason, Unit::Money, limit.map(Money::units), usage.units())
        };
        let limits = &state.limits;
        let mut lines = vec![
            money(
                Reason::GrossNotional,
                limits.gross_notional_max,
                state.totals.totals.gross,
            ),
            money(
                Reason::NetNotional,
                limits.net_notional_max,
                state.totals.net(limits.net_offsets),
            ),
            line(
                Reason::OpenOrders,
                Unit::Count,
                limits.open_orders.map(|limit| whole(limit.max)),
                whole(state.open_orders),
            ),
            money(
                Reason::TradedNotional,
                limits.traded_notional_max,
                state.traded_and_open().unwrap_or(Money::ZERO),
            ),
        ];
        if let Some(rate) = &limits.order_rate {
            let total = whole(state.rate.total(rate, now.mono));
            lines.push(Usage {
                window: Some(rate.window),
                ..line(Reason::OrderRate, Unit::Count, Some(whole(rate.max)), total)
            });
        }
        if let Some(rate) = &limits.notional_rate {
            let sum = state.notional_rate.sum(now.mono, rate.window);
            lines.push(Usage {
                window: Some(rate.window),
                ..money(Reason::NotionalRate, Some(rate.max), sum)
            });
        }
        let mut sets: Vec<_> = state.concentrations().collect();
        sets.sort_unstable();
        for (dimension, value, bound, sum) in sets {
            lines.push(Usage {
                dimension: Some(dimension),
                scope: value.to_owned(),
                ..money(Reason::Concentration, Some(bound), sum)
            });
        }
        let mut positions: Vec<_> = state.positions().collect();
        positions.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        for (instrument, reach) in positions {
            let of = |reason, limit: Option<Quantity>, side| Usage {
                scope: instrument.id.to_string(),
                ..line(
                    reason,
                    Unit::Quantity,
                    limit.map(Quantity::units),
                    reach.side(side, limits.net_offsets).units(),
                )
            };
            lines.push(of(Reason::PositionLong, limits.long_max, Side::Buy));
            lines.push(of(Reason::PositionShort, limits.short_max, Side::Sell));
        }
        lines
    }

    /// Everything that decisions below it rest on, as text by names in a fixed order.
    #[must_use]
    pub fn canonical(&self, state: &GroupState, now: Now) -> String {
        let mut text = format!(
            "{}|{:?}|{:?}|{}|{:?}|{}|{:?}",
            self.id,
            self.switch.state(),
            state.limits,
            state.version,
            state.totals,
            state.open_orders,
            state.traded_and_open(),
        );
        if let Some(limit) = &state.limits.order_rate {
            let live: Vec<u64> = state.rate.live(limit, now.mono).collect();
            let _ = write!(text, "|{live:?}");
        }
        if let Some(limit) = &state.limits.notional_rate {
            let sum = state.notional_rate.sum(now.mono, limit.window);
            let _ = write!(text, "|{sum:?}");
        }
        let mut positions: Vec<(&str, &GroupReach)> = state
            .positions()
            .map(|(instrument, reach)| (instrument.id.as_str(), reach))
            .collect();
        positions.sort_unstable_by_key(|(id, _)| *id);
        let gross = (state.gross_by_instrument(), state.gross_by_venue());
        let _ = write!(text, "|{positions:?}|{gross:?}");
        for (key, count) in state.resting.iter() {
            let _ = write!(text, "|{key:?}{count}");
        }
        text
    }
}
