//! The bar: one order or replace against one bucket and everything above it, in one step (H1).
//!
//! The bucket is locked, then its groups upward. All figures are computed, all checks run, and then either everything is assigned or nothing
//! but the rate windows, the tallies and the stored answer. What-if takes the same way and assigns nothing (K1).

mod above;
mod all;
mod largest;
mod rates;
mod size;

use std::sync::Arc;

use arrayvec::ArrayVec;

use self::above::{Above, Resters};
pub(super) use self::all::{LegRef, Together, Weighed};
use self::rates::{Rates, client_rate};
use super::Engine;
use super::answer::Subject;
use super::bucket::{Bucket, BucketState, Move, Opened, Seat, Shift, Touched};
use super::client::Client;
use super::group::{Footprint, GroupAfter, LEVELS, Site};
use super::market::Listed;
use super::order::{Offer, OrderRecord, resting_price};
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::{Finding, Level, Reason, Route, Versions};
use crate::domain::instrument::Instrument;
use crate::domain::name::{BucketId, VenueId};
use crate::domain::order::{Attributes, Order, OrderKey, Replace, Side, Size, Terms, TimeInForce};
use crate::domain::state::{BreachCause, TradingState};
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::lifecycle::{Life, Version};
use crate::risk::limits::{LookAlikeLimit, SelfMatchRule};
use crate::risk::policy::{Case, GroupCase, Verdict, evaluate};
use crate::risk::window::{Fingerprint, Likeness, RateUse};

/// How an order is put to the bar.
#[derive(Clone, Copy)]
pub(super) struct Sitting<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// Ids stored for it without this one.
    pub used: u32,
    /// Time of the decision.
    pub now: Now,
    /// Whether figures of every limit are wanted.
    pub figures: bool,
    /// Whether an approval takes effect.
    pub commit: bool,
    /// Whether a refusal leaves no trace either.
    pub quiet: bool,
    /// Bucket it was addressed to, where that is another one.
    pub source: Option<&'a BucketId>,
    /// The route it was addressed to, where its client has to accept this one before it sends (RR10).
    pub offered: Option<(&'a BucketId, &'a VenueId)>,
    /// Whether all of it is undone in the end: it takes no number of the log.
    pub trial: bool,
}

impl Sitting<'_> {
    /// Whether what is decided takes a number of the log.
    const fn is_logged(&self) -> bool {
        self.commit && !self.trial
    }
}

/// What came of it.
#[derive(Default)]
pub(super) struct Admitted {
    /// Number of the event, taken while everything was locked.
    pub sequence: u64,
    /// The verdict, with the findings in order of precedence.
    pub verdict: Verdict,
    /// What it rested on.
    pub versions: Versions,
    /// Quantity, resolved.
    pub quantity: Quantity,
    /// Route it may leave on.
    pub route: Option<Arc<Route>>,
    /// Whether it is an exit.
    pub exit: bool,
    /// Whether it is against the position, though it may go beyond it (RR4).
    pub reduces: bool,
    /// Place of the order among the bucket's live ones, where it took effect.
    pub number: Option<usize>,
    /// Resting orders to cancel first.
    pub cancel_first: Vec<OrderKey>,
    /// When an unsent order becomes uncertain, wall nanoseconds.
    pub expires_at: Option<i64>,
    /// End of the bucket's trading day, wall nanoseconds.
    pub day_end: i64,
    /// Whether the lists do not allow the instrument and it passed because it closes (A12).
    pub closing_restricted: bool,
    /// Version of the bucket's state that was seen.
    pub state_version: u64,
    /// Whether its client has to accept the route (RR10).
    pub offered: bool,
    /// What the findings count in, where there are any.
    pub subject: Option<Box<Subject>>,
}

/// One order or replace, resolved as far as the reference data go.
struct Ask<'a> {
    key: &'a OrderKey,
    listed: &'a Arc<Listed>,
    account: u16,
    route: Arc<Route>,
    side: Side,
    terms: Terms,
    attributes: Attributes,
    time_in_force: TimeInForce,
    display: Option<Quantity>,
    size: Size,
    replaced: Option<Replaced>,
    /// Its place among linked orders.
    link: Option<Seat>,
}

/// Of a replace: the order it changes, as it stands.
struct Replaced {
    number: usize,
    source: Option<BucketId>,
    life: Life,
    hold: Hold,
    unvalued: bool,
}

impl Engine {
    /// Puts a new order to the bar of a bucket; `to` names another route than the order does.
    pub(super) fn admit(
        &self,
        bucket: &Arc<Bucket>,
        order: &Order,
        to: Option<&Route>,
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
    ) {
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(sitting.now);
        let levels = Arc::clone(&state.levels);
        let opened = self.admit_in(
            state,
            &mut Above::new(&levels),
            (order, to, None),
            sitting,
            admitted,
        );
        let Some((listed, opened)) = opened else {
            return;
        };
        match (admitted.number, opened) {
            (Some(_), _) => state.keep_holding(bucket, &listed, &self.market, sitting.now),
            // Who only asked, or was refused, leaves nothing behind.
            (None, Some(opened)) => state.close_holding(opened),
            (None, None) => {}
        }
    }

    /// The same in a bucket that is locked. Tells of the contract, and of the place that was made for it.
    fn admit_in(
        &self,
        state: &mut BucketState,
        above: &mut Above<'_>,
        (order, to, link): (&Order, Option<&Route>, Option<Seat>),
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
    ) -> Option<(Arc<Listed>, Option<Opened>)> {
        #[cfg(test)]
        super::faults::strike(&order.key.cl_ord_id);
        let mut refuse = |state: &mut BucketState, level, reason| {
            self.refuse(state, sitting, level, reason, admitted);
        };
        let instruments = self.market.instruments();
        let listed = instruments.get(&order.instrument);
        let Some(listed) = listed.filter(|listed| !listed.is_changing()) else {
            refuse(state, Level::Instrument, Reason::UnknownInstrument);
            return None;
        };
        let (venue, account) = match to {
            Some(route) => (&route.venue, Some(&route.account)),
            None => (&order.venue, order.account.as_ref()),
        };
        let Some((account, route)) = state.account(venue, account) else {
            refuse(state, Level::Bucket, Reason::RouteNotConfigured);
            return None;
        };
        let opened = state.try_holding(listed, &self.market, sitting.now);
        let ask = Ask {
            key: &order.key,
            listed,
            account,
            route,
            side: order.side,
            terms: order.terms,
            attributes: order.attributes,
            time_in_force: order.time_in_force,
            display: order.display,
            size: order.size,
            replaced: None,
            link,
        };
        self.weigh(state, above, ask, sitting, admitted);
        Some((Arc::clone(listed), opened))
    }

    /// Puts a replace of a live order to the bar.
    pub(super) fn admit_replace(
        &self,
        bucket: &Arc<Bucket>,
        number: usize,
        replace: &Replace,
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
    ) {
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(sitting.now);
        let levels = Arc::clone(&state.levels);
        self.replace_in(
            state,
            &mut Above::new(&levels),
            (number, replace),
            sitting,
            admitted,
        );
    }

    /// The same in a bucket that is locked.
    fn replace_in(
        &self,
        state: &mut BucketState,
        above: &mut Above<'_>,
        (number, replace): (usize, &Replace),
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
    ) {
        #[cfg(test)]
        super::faults::strike(&replace.key.cl_ord_id);
        let mut refuse = |state: &mut BucketState, level, reason| {
            self.refuse(state, sitting, level, reason, admitted);
        };
        let Some(record) = state.orders.get(number) else {
            return refuse(state, Level::Order, Reason::OrderEnded);
        };
        if record.life.is_offered() {
            let reason = if record.is_lapsed(sitting.now) {
                Reason::OrderEnded
            } else {
                Reason::RouteNotAccepted
            };
            return refuse(state, Level::Order, reason);
        }
        let names_it = record
            .life
            .versions()
            .any(|version| version.cl_ord_id == replace.original);
        if replace.quantity.is_zero() {
            return refuse(state, Level::Order, Reason::ReplaceToZero);
        }
        if !names_it || record.life.is_ending() || record.life.is_in_cash() {
            return refuse(state, Level::Order, Reason::ReplaceMismatch);
        }
        let link = record.link.as_deref().copied();
        if state.is_in_package(link.as_ref()) {
            return refuse(state, Level::Order, Reason::PackageLeg);
        }
        let holding = state.holding(record.instrument);
        let (Some(listed), Some(route)) = (
            holding.map(|holding| Arc::clone(&holding.listed)),
            state.route(record.account).map(Arc::clone),
        ) else {
            return refuse(state, Level::Order, Reason::InternalFault);
        };
        let ask = Ask {
            key: &replace.key,
            listed: &listed,
            account: record.account,
            route,
            side: record.side,
            terms: replace.terms,
            attributes: record.attributes,
            time_in_force: record.life.time_in_force(),
            display: None,
            size: Size::Quantity(replace.quantity),
            replaced: Some(Replaced {
                number,
                source: record.source.as_deref().cloned(),
                life: record.life.clone(),
                hold: record.hold,
                unvalued: record.unvalued,
            }),
            link,
        };
        self.weigh(state, above, ask, sitting, admitted);
    }

    /// A refusal before any figure: the attempt counts, nothing else changes.
    fn refuse(
        &self,
        state: &mut BucketState,
        sitting: &Sitting<'_>,
        level: Level,
        reason: Reason,
        admitted: &mut Admitted,
    ) {
        let mut verdict = Verdict::default();
        verdict.evaluated.insert(reason);
        verdict.broken.push(Finding {
            reason,
            level,
            dimension: None,
            figures: None,
        });
        let mut own = client_rate(sitting);
        let rates = Rates::read(state, sitting, own.as_deref(), false);
        if sitting.commit && !sitting.quiet {
            rates.record(state, sitting, own.as_deref_mut());
            state.count_refusal(&verdict);
        }
        *admitted = Admitted {
            sequence: self.next_sequence(sitting.is_logged()),
            verdict,
            versions: Versions {
                limits: state.version,
                ..Versions::default()
            },
            day_end: state.day_end(),
            state_version: state.changes,
            ..Admitted::default()
        };
    }

    /// Counts a refusal that left no trace when it was given: the attempt in the rates. Where it `is_final` also in the client's own
    /// rate and in the tallies; an order that another bucket took in is neither twice there nor a refused one here.
    pub(super) fn count_refusal(
        &self,
        bucket: &Bucket,
        refused: &Admitted,
        sitting: &Sitting<'_>,
        is_final: bool,
    ) {
        if !sitting.commit || sitting.quiet {
            return;
        }
        let mut state = bucket.state.lock();
        let mut own = if is_final { client_rate(sitting) } else { None };
        let rates = Rates::read(&state, sitting, own.as_deref(), refused.exit);
        rates.record(&mut state, sitting, own.as_deref_mut());
        if is_final {
            state.count_refusal(&refused.verdict);
        }
    }

    fn weigh(
        &self,
        state: &mut BucketState,
        above: &mut Above<'_>,
        ask: Ask<'_>,
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
    ) {
        let mut refuse = |state: &mut BucketState, level, reason| {
            self.refuse(state, sitting, level, reason, admitted);
        };
        let now = sitting.now;
        let number = ask.listed.number;
        let instrument = &*ask.listed.instrument;
        let sized = match self.size(state, &ask, now) {
            Ok(sized) => sized,
            Err(reason) => return refuse(state, Level::Order, reason),
        };
        let (valued, priced) = (state.valued(now), state.priced(now));
        let self_match = state.limits.self_match != SelfMatchRule::Allow
            && state.crosses(number, ask.side, crossing_price(&ask.terms));
        let Some(holding) = state.holding(number) else {
            return refuse(state, Level::Bucket, Reason::InternalFault);
        };

        // What the order would hold, and whether it is an exit.
        let mut version = Version {
            cl_ord_id: ask.key.cl_ord_id.clone(),
            quantity: sized.quantity,
            terms: ask.terms,
            unit: sized.unit.unwrap_or(Money::ZERO),
        };
        let before = ask
            .replaced
            .as_ref()
            .map_or(Hold::default(), |replaced| replaced.hold);
        let before = match (&ask.link, &ask.replaced) {
            (Some(seat), Some(_)) => state.counts_now(seat, before),
            (Some(_) | None, _) => before,
        };
        // Two that exclude each other close a position once.
        let closes = |side, quantity, own| {
            let together = ask
                .link
                .as_ref()
                .and_then(|seat| state.closing(seat, side, quantity));
            let (quantity, own) = together.unwrap_or((quantity, own));
            holding.line.is_exit(side, quantity, own)
        };
        let reduces = match ask.side {
            Side::Buy => holding.line.position.is_negative(),
            Side::Sell => holding.line.position.is_positive(),
        };
        let over = self.state_over(state, instrument, &ask);
        // An exit may draw on what is kept for exits (F1, A11); a replace to less passes like one, and may not.
        let (life, exit, reserve) = match &ask.replaced {
            None => {
                let exit = closes(ask.side, sized.quantity, Quantity::ZERO);
                (
                    Life::new(
                        version,
                        ask.time_in_force,
                        sized.cash,
                        exit,
                        ask.attributes.reduce_only,
                    ),
                    exit,
                    exit,
                )
            }
            Some(replaced) => {
                let mut life = replaced.life.clone();
                let grown = life.grown_by(&version);
                let exit =
                    grown.is_some_and(|quantity| closes(ask.side, quantity, before.quantity));
                let kept = life.unit_held_for(&version).filter(|_| !replaced.unvalued);
                version.unit = match (kept, sized.unit) {
                    (Some(kept), Ok(unit)) => kept.min(unit),
                    (Some(kept), Err(_)) => kept,
                    (None, _) => version.unit,
                };
                let is_less = match over.0 {
                    TradingState::ReduceOnly => life.is_cut_by(&version, ask.side),
                    TradingState::Active | TradingState::CancelOnly | TradingState::Halted => {
                        life.is_shrunk_by(&version, ask.side)
                    }
                };
                let shrinks =
                    is_less && (replaced.unvalued || kept.is_some() || sized.unit.is_ok());
                life.replacing(version, exit || shrinks);
                (life, exit || shrinks, exit)
            }
        };
        let unit = holding.unit.unwrap_or(Money::ZERO);
        let own = life.hold().and_then(|hold| hold.at(unit));
        let after = match &ask.link {
            None => own,
            Some(seat) => own.and_then(|own| state.counted(seat, own)),
        };
        let (Some(own), Some(after)) = (own, after) else {
            return refuse(state, Level::Order, Reason::Overflow);
        };
        let step = Move {
            account: ask.account,
            side: ask.side,
            before,
            after,
            position: None,
        };
        let Some(shift) = state.shift(number, Some(&step)) else {
            return refuse(state, Level::Bucket, Reason::Overflow);
        };
        let added = after
            .value
            .checked_sub(before.value)
            .map_or(Money::ZERO, Money::floor_zero);
        // An order that came in from another bucket draws on its cap as long as it grows.
        let came_from = match &ask.replaced {
            Some(replaced) => replaced.source.as_ref(),
            None => sitting.source,
        };
        // The cap stands against a stranger's order, exit or not; it never traps one that is here.
        let came_from = came_from.filter(|_| ask.replaced.is_none() || !exit);
        let mut concentration = Touched::new();
        let known = state.concentrations(&shift, ask.account, &mut concentration);
        let traded = state
            .traded_and_open()
            .and_then(|traded| Some((traded, traded.checked_add(added)?)));
        let (Some(()), Some(traded), Some(inbound)) =
            (known, traded, inbound(state, came_from, added))
        else {
            return refuse(state, Level::Bucket, Reason::Overflow);
        };

        let Some(footprint) = state.footprint(&shift) else {
            return refuse(state, Level::Bucket, Reason::Overflow);
        };
        let footprint = Footprint {
            orders: (0, u32::from(ask.replaced.is_none())),
            value: (before.value, after.value),
            ..footprint
        };
        let site = Site {
            instrument: Some(&ask.listed.instrument),
            venue: Some(&ask.route.venue),
            now,
        };
        let known = Resters {
            scope: state.limits.self_match_above(),
            number,
            side: ask.side,
            owner: state.number,
        };

        let alike = || Likeness {
            instrument: number,
            side: ask.side,
            quantity: sized.quantity,
            terms: ask.terms,
        };
        let likeness = state
            .limits
            .look_alike
            .map(|limit| (alike().fingerprint(), limit));
        let look_alikes = likeness.map_or(0, |(likeness, limit)| {
            state.look_alikes.count(likeness, now.mono, limit.window)
        });
        let notional_used = state.limits.notional_rate.map_or(Money::ZERO, |limit| {
            state.notional_rate.sum(now.mono, limit.window)
        });

        // The levels above, locked upward and held until the answer is final: what is the bucket's alone is known by now.
        above.lock(ask.account);
        let mut after_groups: ArrayVec<GroupAfter, LEVELS> = ArrayVec::new();
        for group in above.over(ask.account) {
            let Some(after) = group.after(&footprint, &site) else {
                break;
            };
            after_groups.push(after);
        }
        let mut path: ArrayVec<GroupCase<'_>, LEVELS> = ArrayVec::new();
        let mut counted = after_groups.iter();
        for (level, group) in above.seen(ask.account) {
            let Some(after) = counted.next() else {
                return refuse(state, level, Reason::Overflow);
            };
            let limits = &group.limits;
            let rate = limits.order_rate.as_ref();
            path.push(GroupCase {
                level,
                limits,
                figures: group.figures(number, after),
                rate: rate.map(|limit| group.rate.usage(limit, now.mono, reserve)),
                notional_rate: limits.notional_rate.map_or(Money::ZERO, |limit| {
                    group.notional_rate.sum(now.mono, limit.window)
                }),
                self_match: known.meets(level, group, crossing_price(&ask.terms)),
            });
        }

        let mut own_rate = client_rate(sitting);
        let rates = Rates::read(state, sitting, own_rate.as_deref(), reserve);
        let case = Case {
            now,
            limits: &state.limits,
            own: holding.own.as_deref(),
            listing: holding.listing,
            instrument,
            side: ask.side,
            terms: ask.terms,
            attributes: ask.attributes,
            time_in_force: ask.time_in_force,
            quantity: sized.quantity,
            display: ask.display,
            exit,
            replace: ask.replaced.is_some(),
            state: over,
            listed: instrument.is_listed_on(&ask.route.venue),
            window_open: state.window_open(),
            prices: sized.prices,
            notional: sized.notional,
            underlying_notional: sized.underlying_notional,
            base_quantity: sized.base_quantity,
            valued,
            priced,
            look_alikes,
            self_match,
            line: (&holding.line, &shift.line),
            totals: (state.totals(), &shift.totals),
            open_orders: (state.live_orders(), u32::from(ask.replaced.is_none())),
            concentration: &concentration,
            traded,
            rate: rates.bucket,
            client_rate: rates.client,
            notional_rate: (notional_used, added),
            quota: (
                sitting.used,
                if reserve {
                    sitting.client.exit_quota()
                } else {
                    sitting.client.setup.quota
                },
            ),
            inbound: &inbound,
            path: &path,
        };
        let verdict = evaluate(&case, sitting.figures);
        let group_rates: ArrayVec<Option<RateUse>, LEVELS> =
            path.iter().map(|group| group.rate).collect();
        drop(path);

        *admitted = Admitted {
            sequence: self.next_sequence(sitting.is_logged()),
            versions: Versions {
                limits: state.version,
                reference: instrument.version,
                market: self.market.version(),
                price: sized.prices.reference,
                price_version: sized.prices.version,
                price_age: sized.prices.age,
            },
            quantity: sized.quantity,
            exit,
            reduces,
            day_end: state.day_end(),
            closing_restricted: exit
                && !holding.listing.allowed
                && state.limits.modes.enforces(Reason::InstrumentNotAllowed),
            state_version: state.changes,
            verdict,
            ..Admitted::default()
        };
        let verdict = &admitted.verdict;
        if !verdict.passes() || sitting.figures || !verdict.shadow.is_empty() {
            admitted.subject = Some(Box::new(Subject {
                currency: state.limits.currency.clone(),
                instrument: Some(Arc::clone(&ask.listed.instrument)),
                venue: ask.route.venue.clone(),
                asked: None,
            }));
        }
        if !admitted.verdict.passes() {
            above.done();
            if sitting.commit && !sitting.quiet {
                rates.record(state, sitting, own_rate.as_deref_mut());
                state.count_refusal(&admitted.verdict);
            }
            return;
        }
        if self_match && state.limits.modes.enforces(Reason::SelfMatch) {
            admitted.cancel_first = crossed_by(state, &ask);
        }
        admitted.route = Some(Arc::clone(&ask.route));
        let ttl = state.limits.unsent_ttl;
        if ask.replaced.is_none() {
            admitted.expires_at = Some(
                now.wall
                    .saturating_add(i64::try_from(ttl).unwrap_or(i64::MAX)),
            );
        }
        if !sitting.commit {
            return;
        }

        // Approved. From here on nothing can fail.
        let settled = above.over(ask.account).zip(&after_groups).zip(&group_rates);
        for ((group, after), rate) in settled {
            group.commit(number, after);
            if let (Some(limit), Some(rate)) = (group.limits.order_rate, *rate) {
                group.rate.record(&limit, now.mono, rate);
            }
            if let Some(limit) = group.limits.notional_rate {
                group.notional_rate.record(now.mono, &limit, added);
            }
        }
        let replaced = ask.replaced.as_ref().map(|replaced| &replaced.life);
        above.rest(&known, replaced, &life);
        above.done();
        rates.record(state, sitting, own_rate.as_deref_mut());
        drop(own_rate);
        self.take(
            state,
            ask,
            sitting,
            Taken {
                life,
                before,
                own,
                after,
                added,
                shift,
                likeness,
                unvalued: sized.notional.is_err(),
            },
            admitted,
        );
    }

    /// Enters an approved order or replace in the bucket's figures.
    fn take(
        &self,
        state: &mut BucketState,
        ask: Ask<'_>,
        sitting: &Sitting<'_>,
        taken: Taken,
        admitted: &mut Admitted,
    ) {
        let now = sitting.now;
        let number = ask.listed.number;
        state.commit(&taken.shift);
        state.change_open_value(taken.before.value, taken.after.value);
        if let Some(limit) = state.limits.notional_rate {
            state.notional_rate.record(now.mono, &limit, taken.added);
        }
        let came_from = match &ask.replaced {
            Some(replaced) => replaced.source.as_ref(),
            None => sitting.source,
        };
        if let Some(source) = came_from {
            let sum = state.inbound.entry(source.clone()).or_default();
            *sum = sum.checked_add(taken.added).unwrap_or(*sum);
        }
        if let Some(watch) = &mut state.dead_man {
            watch.traded(&ask.key.client, now);
        }
        if sitting.source.is_some() {
            state.counters.rerouted_in = state.counters.rerouted_in.saturating_add(1);
        }
        let newest = taken.life.versions().last().and_then(resting_price);
        state.rest(number, ask.side, newest.into_iter());
        admitted.number = Some(match ask.replaced {
            Some(replaced) => {
                if let Some(record) = state.orders.get_mut(replaced.number) {
                    record.life = taken.life;
                    record.hold = taken.after;
                    record.counted = record
                        .counted
                        .checked_add(taken.added)
                        .unwrap_or(record.counted);
                }
                replaced.number
            }
            None => {
                if let Some((likeness, limit)) = taken.likeness {
                    state.look_alikes.record(likeness, now.mono, &limit);
                }
                if taken.unvalued {
                    state.change_unvalued(number, true);
                }
                let mut seat = self
                    .records
                    .take()
                    .unwrap_or_else(|| Box::new(OrderRecord::blank()));
                // Field by field, into memory nothing has touched for long: a whole record would be made elsewhere first.
                let OrderRecord {
                    key,
                    instrument,
                    account,
                    side,
                    attributes,
                    life,
                    hold,
                    approved,
                    deadline,
                    counted,
                    counted_above,
                    unvalued,
                    send_after_commit,
                    source,
                    link,
                    offer,
                } = &mut *seat;
                *key = ask.key.clone();
                *instrument = number;
                *account = ask.account;
                *side = ask.side;
                *attributes = ask.attributes;
                *life = taken.life;
                *hold = taken.after;
                *approved = now;
                *deadline = now.mono.saturating_add(state.limits.unsent_ttl);
                *counted = state
                    .limits
                    .notional_rate
                    .map_or(Money::ZERO, |_| taken.added);
                *counted_above = taken.added;
                *unvalued = taken.unvalued;
                *send_after_commit = sitting.client.setup.send_after_commit;
                *source = sitting.source.cloned().map(Box::new);
                *link = ask.link.map(Box::new);
                *offer = sitting.offered.map(|(bucket, venue)| {
                    life.offer();
                    self.offers.put(*deadline, key, admitted.sequence);
                    Box::new(Offer {
                        bucket: bucket.clone(),
                        venue: venue.clone(),
                        accepted: None,
                        end: None,
                    })
                });
                if *send_after_commit && offer.is_none() {
                    self.unsent.lock().insert((*deadline, key.clone()));
                }
                state.orders.insert(seat, &self.pieces)
            }
        });
        if let (Some(seat), Some(number)) = (&ask.link, admitted.number) {
            state.take_seat(seat, number, taken.own);
        }
        state.counters.approved = state.counters.approved.saturating_add(1);
        state.count_shadow(&admitted.verdict.shadowed);
        if admitted.exit {
            state.note_breach(BreachCause::Exit);
        }
    }

    /// The most restrictive trading state over an order, read while its bucket is locked (G3).
    fn state_over(
        &self,
        state: &BucketState,
        instrument: &Instrument,
        ask: &Ask<'_>,
    ) -> (TradingState, Level) {
        let mut strictest = (state.note.state, Level::Bucket);
        for group in &state.levels.path {
            let above = group.switch.state();
            if above > strictest.0 {
                strictest = (above, group.level);
            }
        }
        let around = self
            .controls
            .over(&instrument.id, &ask.route.venue, &ask.key.client);
        if around.0 > strictest.0 {
            around
        } else {
            strictest
        }
    }
}

/// What an approval enters in the bucket.
struct Taken {
    life: Life,
    before: Hold,
    /// What it would hold by itself.
    own: Hold,
    after: Hold,
    added: Money,
    shift: Shift,
    likeness: Option<(Fingerprint, LookAlikeLimit)>,
    unvalued: bool,
}

/// Caps a target of a reroute puts on what comes in: bound, before, after (RR12). Nothing on overflow.
fn inbound(
    state: &BucketState,
    source: Option<&BucketId>,
    added: Money,
) -> Option<ArrayVec<(Money, Money, Money), 2>> {
    let mut caps = ArrayVec::new();
    let Some(source) = source else {
        return Some(caps);
    };
    let own = state.inbound.get(source).copied().unwrap_or_default();
    let rule = state
        .inbound_rules
        .iter()
        .find(|rule| rule.from == *source)?;
    caps.push((rule.notional_max, own, own.checked_add(added)?));
    if let Some(bound) = state.inbound_total_max {
        let all = state
            .inbound
            .values()
            .try_fold(Money::ZERO, |sum, value| sum.checked_add(*value))?;
        caps.push((bound, all, all.checked_add(added)?));
    }
    Some(caps)
}

/// Price at which an order may trade at once; none where it takes any price.
const fn crossing_price(terms: &Terms) -> Option<Price> {
    terms.limit_price()
}

/// Resting orders of the bucket that an order would trade with.
fn crossed_by(state: &BucketState, ask: &Ask<'_>) -> Vec<OrderKey> {
    let crosses = |record: &OrderRecord| {
        record.instrument == ask.listed.number
            && record.side != ask.side
            && record
                .resting_prices()
                .any(|resting| match (ask.side, crossing_price(&ask.terms)) {
                    (_, None) => true,
                    (Side::Buy, Some(price)) => price >= resting,
                    (Side::Sell, Some(price)) => price <= resting,
                })
    };
    let crossed = state.orders.iter().filter(|(_, record)| crosses(record));
    crossed
        .map(|(_, record)| OrderKey {
            client: record.key.client.clone(),
            cl_ord_id: record.life.current().cl_ord_id.clone(),
        })
        .collect()
}
