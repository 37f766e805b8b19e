//! The largest quantity that would pass (K2): the same bar as for an order, asked again and again of one state, and nothing changed.

use std::sync::Arc;

use super::{Above, Admitted, Ask, Sitting};
use crate::domain::amount::Quantity;
use crate::domain::decision::{Finding, Level, Reason, Versions};
use crate::domain::order::{Order, Side, Size};
use crate::domain::time::Now;
use crate::engine::Engine;
use crate::engine::answer::{Largest, LargestOf, Refusal, Subject};
use crate::engine::bucket::Bucket;
use crate::risk::largest::largest;

/// First quantity, in twelfth decimals, that has more digits than an order can carry.
const QUANTITY_END: i128 = 10_i128.pow(28);

impl Engine {
    /// The largest quantity of an order that would be approved now on the route that it names, by side, and what binds just above it. The
    /// order's own quantity, side and id do not matter. Every quantity is asked of one state of the bucket; the groups above it are
    /// locked for each by itself.
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn max_quantity(
        &self,
        order: &Order,
        sides: &[Side],
        now: Now,
    ) -> Result<Largest, Refusal> {
        let bucket = self.bucket(&order.bucket).ok_or(Refusal::UnknownBucket)?;
        let client = self.known_client(&order.key.client);
        let sitting = Sitting {
            client: &client,
            used: client.used(),
            now,
            figures: false,
            commit: false,
            trial: false,
            offered: None,
            quiet: false,
            source: None,
        };
        let found = self.guarded(&bucket, now, || {
            self.search_sides(&bucket, order, sides, &sitting)
        });
        Ok(found.unwrap_or_else(|| none_passes(sides, Level::Order, Reason::InternalFault)))
    }

    fn search_sides(
        &self,
        bucket: &Arc<Bucket>,
        order: &Order,
        sides: &[Side],
        sitting: &Sitting<'_>,
    ) -> Largest {
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(sitting.now);
        let seen = Largest {
            versions: Versions {
                limits: state.version,
                ..Versions::default()
            },
            state_version: state.changes,
            ..Largest::default()
        };
        let instruments = self.market.instruments();
        let listed = instruments.get(&order.instrument);
        let Some(listed) = listed.filter(|listed| !listed.is_changing()) else {
            let none = none_passes(sides, Level::Instrument, Reason::UnknownInstrument);
            return Largest {
                sides: none.sides,
                ..seen
            };
        };
        let Some((account, route)) = state.account(&order.venue, order.account.as_ref()) else {
            let none = none_passes(sides, Level::Bucket, Reason::RouteNotConfigured);
            return Largest {
                sides: none.sides,
                ..seen
            };
        };
        let opened = state.try_holding(listed, &self.market, sitting.now);
        let lot = listed.instrument.lot.units();
        let most = QUANTITY_END.saturating_sub(1).checked_div(lot).unwrap_or(0);
        let quantity = |lots: i128| Quantity::from_units(lots.saturating_mul(lot));
        let mut versions = seen.versions;
        let levels = Arc::clone(&state.levels);
        let mut ask = |side: Side, lots: i128| {
            let ask = Ask {
                key: &order.key,
                listed,
                account,
                route: Arc::clone(&route),
                side,
                terms: order.terms,
                attributes: order.attributes,
                time_in_force: order.time_in_force,
                display: None,
                size: Size::Quantity(quantity(lots)),
                replaced: None,
                link: None,
            };
            let mut admitted = Admitted::default();
            let above = &mut Above::new(&levels);
            self.weigh(state, above, ask, sitting, &mut admitted);
            versions = admitted.versions;
            admitted
        };
        let of = |side: Side| {
            let found = largest(most, |lots| ask(side, lots).verdict.broken);
            let hidden = |finding: &Finding| finding.level.is_above() && finding.figures.is_none();
            LargestOf {
                side,
                quantity: quantity(found.lots),
                exit: found.lots > 0 && ask(side, found.lots).exit,
                binding: found.binding,
                // What a group lets through would tell what others below it do (P3).
                limits: found
                    .limits
                    .into_iter()
                    .map(|(finding, lots)| {
                        let shown = !hidden(&finding);
                        (finding, shown.then(|| quantity(lots)))
                    })
                    .collect(),
            }
        };
        let sides = sides.iter().copied().map(of).collect();
        let subject = Subject {
            currency: state.limits.currency.clone(),
            instrument: Some(Arc::clone(&listed.instrument)),
            venue: route.venue.clone(),
            asked: None,
        };
        if let Some(opened) = opened {
            state.close_holding(opened);
        }
        Largest {
            sides,
            versions,
            subject: Some(Box::new(subject)),
            ..seen
        }
    }
}

/// No quantity passes on any side, for one reason.
fn none_passes(sides: &[Side], level: Level, reason: Reason) -> Largest {
    let finding = Finding {
        reason,
        level,
        dimension: None,
        figures: None,
    };
    let of = |side: &Side| LargestOf {
        side: *side,
        quantity: Quantity::ZERO,
        exit: false,
        binding: vec![finding],
        limits: vec![(finding, Some(Quantity::ZERO))],
    };
    Largest {
        sides: sides.iter().map(of).collect(),
        ..Largest::default()
    }
}
