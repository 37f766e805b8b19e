//! What people and programs see of the state: status, usage of every limit, live orders, and the state hash.
//!
//! Each view is taken under one lock, so it shows one state and never a mix of two (INV24).

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Engine;
use super::answer::PositionView;
use super::bucket::{Bucket, BucketState, Counters, Holding};
use super::controls::Subject;
use super::group::Group;
use super::order::{OrderRecord, OrderView};
use crate::domain::amount::{Money, Quantity};
use crate::domain::decision::{Dimension, Level, Reason, Route, Unit};
use crate::domain::name::{BucketId, GroupId};
use crate::domain::order::Side;
use crate::domain::state::{BreachCause, OrderState, StateNote, TradingState};
use crate::domain::time::Now;
use crate::risk::calendar::Day;
use crate::risk::exposure::{OpenSide, Totals};
use crate::risk::limits::Limits;
use crate::risk::modes::Mode;

/// One limit with what it counts now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Reason given when it is broken.
    pub reason: Reason,
    /// Whose it is.
    pub level: Level,
    /// Set it counts, for concentration.
    pub dimension: Option<Dimension>,
    /// Instrument, set or group it is about; empty for the whole bucket.
    pub scope: String,
    /// Unit of the figures.
    pub unit: Unit,
    /// The bound; none where the bucket has no such limit.
    pub limit: Option<i128>,
    /// What it counts now.
    pub usage: i128,
    /// Whether that rests on fresh prices; where it does not, increases are refused.
    pub evaluable: bool,
    /// Length of the window of a rate, nanoseconds.
    pub window: Option<u64>,
    /// Whether the limit is enforced.
    pub mode: Mode,
    /// How often it would have refused in shadow, since the start of the trading day; of a bucket's own limits.
    pub shadowed: u64,
}

impl Usage {
    /// What is left; negative above the limit, none without a limit.
    #[must_use]
    pub fn headroom(&self) -> Option<i128> {
        self.limit?.checked_sub(self.usage)
    }

    /// Whether the limit is exceeded, and that matters: one that is not enforced stands in the way of nothing.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.mode == Mode::Enforce && self.limit.is_some_and(|limit| self.usage > limit)
    }
}

/// A bucket as seen from outside.
#[derive(Clone, Debug)]
pub struct BucketView {
    /// Its name.
    pub id: BucketId,
    /// The groups above it, the nearest first.
    pub path: Vec<GroupId>,
    /// Its own trading state.
    pub note: StateNote,
    /// The most restrictive state over all of it.
    pub state: TradingState,
    /// The same, with who set it and why.
    pub effective: StateNote,
    /// The trading day.
    pub day: Option<Day>,
    /// Version of its limits.
    pub version: u64,
    /// Its limits.
    pub limits: Arc<Limits>,
    /// Its accounts.
    pub accounts: Vec<Arc<Route>>,
    /// Whether an account is shared with another bucket: isolation is then only logical.
    pub shared_account: bool,
    /// Positions and live quantities.
    pub positions: Vec<PositionView>,
    /// Its totals.
    pub totals: Totals,
    /// Whether its totals rest on fresh prices.
    pub valued: bool,
    /// Value held for live orders.
    pub reserved: Money,
    /// Live orders of which nobody said in time what became of them.
    pub uncertain: u64,
    /// Traded and open notional of the day.
    pub traded: Money,
    /// Live orders.
    pub live_orders: u32,
    /// Why it is above a limit.
    pub breach: Vec<BreachCause>,
    /// Tallies of the trading day.
    pub counters: Counters,
    /// Refusals of the trading day by their first reason.
    pub refusals: BTreeMap<Reason, u64>,
    /// What limits in shadow would have refused in the trading day, by the limit and the level of its document.
    pub shadowed: BTreeMap<(Reason, Level), u64>,
    /// Version of its state.
    pub changes: u64,
    /// Number of the last event.
    pub sequence: u64,
}

impl Engine {
    /// A bucket as it stands.
    #[must_use]
    pub fn bucket_view(&self, bucket: &Bucket, now: Now) -> BucketView {
        let accounts = self.accounts.read();
        let mut state = bucket.state.lock();
        state.roll(now);
        let shared = |route: &Arc<Route>| {
            accounts
                .get(&(route.venue.clone(), route.account.clone()))
                .is_some_and(|owners| owners.len() > 1)
        };
        let mut effective = state.note.clone();
        let everything = self.controls.all().get(&Subject::Everything).cloned();
        let above = state.levels.path.iter().map(|group| group.switch.note());
        for note in above.chain(everything) {
            if note.state > effective.state {
                effective = note;
            }
        }
        let mut reserved = Money::ZERO;
        let mut uncertain = 0_u64;
        for (_, record) in state.orders.iter() {
            reserved = reserved.checked_add(record.hold.value).unwrap_or(reserved);
            let lost = record.state(now) == OrderState::Uncertain;
            uncertain = uncertain.saturating_add(u64::from(lost));
        }
        let mut positions: Vec<PositionView> = state
            .holdings()
            .filter(|holding| holding.is_seen())
            .map(|holding| holding.view(&bucket.id, &state))
            .collect();
        positions.sort_by(|one, other| one.instrument.cmp(&other.instrument));
        BucketView {
            id: bucket.id.clone(),
            path: state
                .levels
                .path
                .iter()
                .map(|group| group.id.clone())
                .collect(),
            note: state.note.clone(),
            state: effective.state,
            effective,
            day: state.day(now),
            valued: state.valued(now).is_ok(),
            reserved,
            uncertain,
            version: state.version,
            limits: Arc::clone(&state.limits),
            accounts: state.accounts.to_vec(),
            shared_account: state.accounts.iter().any(shared),
            positions,
            totals: *state.totals(),
            traded: state.traded_and_open().unwrap_or(Money::ZERO),
            live_orders: state.live_orders(),
            breach: state.breach(),
            counters: state.counters,
            refusals: state.refusals.clone(),
            shadowed: state.shadowed.clone(),
            changes: state.changes,
            sequence: self.sequence(),
        }
    }

    /// A bucket's live orders, by client and first id.
    #[must_use]
    pub fn live_orders(&self, bucket: &Bucket, now: Now) -> Vec<OrderView> {
        let state = bucket.state.lock();
        let mut orders: Vec<OrderView> = state
            .orders
            .iter()
            .filter_map(|(_, record)| self.order_view(&state, record, now))
            .collect();
        drop(state);
        orders.sort_by(|one, other| {
            (&one.key.client, &one.key.cl_ord_id).cmp(&(&other.key.client, &other.key.cl_ord_id))
        });
        orders
    }

    /// An order as seen from outside, while its bucket is locked.
    pub(super) fn order_view(
        &self,
        state: &BucketState,
        record: &OrderRecord,
        now: Now,
    ) -> Option<OrderView> {
        let view = record.view(state, now)?;
        let (over, _) = self
            .controls
            .over(&view.instrument, &view.route.venue, &view.key.client);
        let path = state.levels.path.iter();
        let mut states = path.map(|group| group.switch.state());
        let halted = [state.note.state, over].contains(&TradingState::Halted)
            || states.any(|state| state == TradingState::Halted);
        Some(OrderView {
            cancel_wanted: halted && !view.state.is_terminal(),
            ..view
        })
    }

    /// Number of live orders in all buckets.
    #[must_use]
    pub fn live_count(&self) -> u64 {
        let live = |bucket: &Arc<Bucket>| u64::from(bucket.state.lock().live_orders());
        self.all_buckets().iter().map(live).sum()
    }

    /// Number of request ids that are remembered.
    #[must_use]
    pub fn kept_keys(&self) -> u64 {
        u64::try_from(self.requests.len()).unwrap_or(u64::MAX)
    }

    /// Every limit of a bucket with what it counts now.
    #[must_use]
    pub fn usage(&self, bucket: &Bucket, now: Now) -> Vec<Usage> {
        let mut state = bucket.state.lock();
        state.roll(now);
        state.usage(now)
    }

    /// Every limit of a group with what it counts now.
    #[must_use]
    pub fn group_usage(&self, group: &Group, now: Now) -> Vec<Usage> {
        let mut state = group.state.lock();
        state.roll(now);
        group.usage_of(&state, now)
    }

    /// Hash of everything a bucket's decisions rest on, by names and in a fixed order. Two buckets with one hash decide alike.
    #[must_use]
    pub fn bucket_hash(&self, bucket: &Bucket, now: Now) -> [u8; 32] {
        let mut state = bucket.state.lock();
        // What ended with the day is no longer there, whether or not anyone has looked since.
        state.roll(now);
        Sha256::digest(state.canonical(&bucket.id, now).as_bytes()).into()
    }

    /// Hash of a group's own state.
    #[must_use]
    pub fn group_hash(&self, group: &Group, now: Now) -> [u8; 32] {
        let mut state = group.state.lock();
        state.roll(now);
        let text = group.canonical(&state, now);
        Sha256::digest(text.as_bytes()).into()
    }
}

pub(super) fn whole(number: u32) -> i128 {
    Quantity::whole(i64::from(number)).units()
}

impl Holding {
    /// Whether there is anything to show.
    fn is_seen(&self) -> bool {
        self.is_used()
            || self.book != crate::risk::pnl::Book::default()
            || !self.other_fees.is_empty()
    }

    /// The position as seen from outside.
    pub(super) fn view(&self, bucket: &BucketId, state: &BucketState) -> PositionView {
        let instrument = &self.listed.instrument;
        let profit_currency = instrument.profit_currency().clone();
        let open = |side: &OpenSide| side.quantity().unwrap_or(Quantity::ZERO);
        // Its own currency first, whatever was paid in it.
        let own = (profit_currency.clone(), self.book.fees);
        let others = self.other_fees.iter();
        let others = others.map(|(currency, fees)| (currency.clone(), *fees));
        let fees = core::iter::once(own).chain(others).collect();
        PositionView {
            bucket: bucket.clone(),
            instrument: instrument.id.clone(),
            quantity: self.line.position,
            average: self.book.average(instrument, self.line.position),
            realised: self.book.realised,
            fees,
            profit_currency,
            open_buys: open(&self.line.buys),
            open_sells: open(&self.line.sells),
            exposure: (state.seen().mono <= self.fresh_until()).then(|| self.worth.gross()),
            currency: state.limits.currency.clone(),
        }
    }
}

impl BucketState {
    /// Every limit with what it counts now.
    pub(super) fn usage(&mut self, now: Now) -> Vec<Usage> {
        let valued = self.valued(now).is_ok();
        let limits = &self.limits;
        let line = |reason, unit, limit, usage| Usage {
            reason,
            level: Level::Bucket,
            dimension: None,
            scope: String::new(),
            unit,
            limit,
            usage,
            evaluable: valued
                || ![
                    Reason::GrossNotional,
                    Reason::NetNotional,
                    Reason::Concentration,
                ]
                .contains(&reason),
            window: None,
            mode: limits.modes.of(reason),
            shadowed: self
                .shadowed
                .get(&(reason, Level::Bucket))
                .copied()
                .unwrap_or(0),
        };
        let money = |reason, limit: Option<Money>, usage: Money| {
            line(reason, Unit::Money, limit.map(Money::units), usage.units())
        };
        let mut lines = vec![
            money(
                Reason::GrossNotional,
                limits.gross_notional_max,
                self.totals().gross,
            ),
            money(
                Reason::NetNotional,
                limits.net_notional_max,
                self.totals().net(),
            ),
            line(
                Reason::OpenOrders,
                Unit::Count,
                limits.open_orders.map(|limit| whole(limit.max)),
                whole(self.live_orders()),
            ),
            money(
                Reason::TradedNotional,
                limits.traded_notional_max,
                self.traded_and_open().unwrap_or(Money::ZERO),
            ),
        ];
        if let Some(rate) = &limits.order_rate {
            let total = whole(self.rate.total(rate, now.mono));
            lines.push(Usage {
                window: Some(rate.window),
                ..line(Reason::OrderRate, Unit::Count, Some(whole(rate.max)), total)
            });
        }
        if let Some(rate) = &limits.notional_rate {
            let sum = self.notional_rate.sum(now.mono, rate.window);
            lines.push(Usage {
                window: Some(rate.window),
                ..money(Reason::NotionalRate, Some(rate.max), sum)
            });
        }
        for (dimension, value, bound, sum) in self.concentration_usage() {
            let scoped = money(Reason::Concentration, Some(bound), sum);
            lines.push(Usage {
                dimension: Some(dimension),
                scope: value.to_owned(),
                ..scoped
            });
        }
        let mut holdings: Vec<&Holding> = self
            .holdings()
            .filter(|holding| holding.is_used())
            .collect();
        holdings.sort_by(|one, other| one.listed.instrument.id.cmp(&other.listed.instrument.id));
        for holding in holdings {
            let own = holding.own.as_deref().copied().unwrap_or_default();
            let reach = |reason, limit: Option<Quantity>, usage: Option<Quantity>| Usage {
                scope: holding.listed.instrument.id.to_string(),
                ..line(
                    reason,
                    Unit::Quantity,
                    limit.map(Quantity::units),
                    usage.unwrap_or(Quantity::ZERO).units(),
                )
            };
            lines.push(reach(
                Reason::PositionLong,
                own.long_max.or(limits.long_max),
                limits.position_rule.reach(&holding.line, Side::Buy),
            ));
            lines.push(reach(
                Reason::PositionShort,
                own.short_max.or(limits.short_max),
                limits.position_rule.reach(&holding.line, Side::Sell),
            ));
        }
        lines
    }

    /// Everything decisions rest on, as text by names in a fixed order.
    fn canonical(&self, id: &BucketId, now: Now) -> String {
        let mut text = String::new();
        let _ = write!(
            text,
            "{id}|{:?}|{}|{:?}|{:?}",
            self.limits,
            self.version,
            self.note.state,
            self.totals()
        );
        let _ = write!(
            text,
            "|{:?}|{:?}|{:?}",
            self.traded_and_open(),
            self.inbound,
            self.breach()
        );
        if let Some(limit) = &self.limits.order_rate {
            let _ = write!(
                text,
                "|{:?}",
                self.rate.live(limit, now.mono).collect::<Vec<_>>()
            );
        }
        if let Some(limit) = &self.limits.notional_rate {
            let _ = write!(
                text,
                "|{:?}",
                self.notional_rate.sum(now.mono, limit.window)
            );
        }
        let mut holdings: Vec<&Holding> = self
            .holdings()
            .filter(|holding| holding.is_used())
            .collect();
        holdings.sort_by(|one, other| one.listed.instrument.id.cmp(&other.listed.instrument.id));
        for holding in holdings {
            let _ = write!(
                text,
                "|{}|{:?}|{:?}|{:?}|{:?}",
                holding.listed.instrument.id,
                holding.line,
                holding.worth,
                holding.book,
                holding.other_fees
            );
        }
        let mut tags: Vec<_> = self
            .concentration_usage()
            .filter(|(_, _, _, sum)| !sum.is_zero())
            .collect();
        tags.sort_unstable();
        let _ = write!(text, "|{tags:?}");
        let mut orders: Vec<_> = self.orders.iter().map(|(_, record)| record).collect();
        orders.sort_by(|one, other| {
            (&one.key.client, &one.key.cl_ord_id).cmp(&(&other.key.client, &other.key.cl_ord_id))
        });
        for record in orders {
            let _ = write!(
                text,
                "|{:?}|{:?}|{:?}|{:?}",
                record.key,
                self.route(record.account),
                record.life,
                record.hold
            );
        }
        text
    }
}
