//! One bucket: its limits, what it holds, its live orders and its trading state, under one lock.
//!
//! Everything that changes exposure goes through [`BucketState::shift`] and [`BucketState::commit`]: the figures after are computed first,
//! checked, and then assigned. Nothing here reads another bucket.

mod above;
mod breach;
mod concentration;
mod holding;
mod links;
mod savepoint;

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;

pub(super) use concentration::set_name;
pub use concentration::{ACCOUNTS, CONCENTRATIONS, Touched};
use concentration::{TagName, Tagged};
use holding::Best;
pub use holding::Holding;
use links::Link;
pub use links::{Relinked, Seat};
pub use savepoint::Savepoint;

use super::dead_man::DeadManWatch;
use super::group::Levels;
use super::market::{Listed, Market};
use super::order::OrderRecord;
use super::roster::Roster;
use super::setup::{BucketSetup, DeadMan, InboundRule, RerouteRule};
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::{Level, Reason, Route};
use crate::domain::name::{AccountId, BucketId, VenueId};
use crate::domain::order::Side;
use crate::domain::state::{BreachCause, StateNote};
use crate::domain::time::Now;
use crate::risk::calendar::{Calendar, Day};
use crate::risk::exposure::{Hold, Line, Totals, Worth};
use crate::risk::limits::Limits;
use crate::risk::owners::Documents;
use crate::risk::pnl::{Book, Effect};
use crate::risk::policy::Verdict;
use crate::risk::window::{LookAlikes, NotionalWindow, OrderRate};

/// A bucket. Buckets live behind `Arc` in a map; the map's own lock is never held beyond the look-up.
pub struct Bucket {
    /// Its name.
    pub id: BucketId,
    /// Everything that changes.
    pub state: Mutex<BucketState>,
}

/// What changes about a bucket.
pub struct BucketState {
    /// Its limits, as they hold.
    pub limits: Arc<Limits>,
    /// Version of the limits: grows with each owner's changes.
    pub version: u64,
    /// The limits as their owners write them.
    pub documents: Documents<Limits>,
    /// The engine's number of the bucket; never reused.
    pub number: u32,
    /// What is above it.
    pub levels: Arc<Levels>,
    /// Executed value that its groups count of it in their own trading day, each with the end of that day, the nearest group first.
    traded_above: Vec<(i64, Money)>,
    /// Its accounts, as routes.
    pub accounts: Arc<[Arc<Route>]>,
    calendar: Arc<Calendar>,
    /// Where its refused orders may go.
    pub reroute: Arc<RerouteRule>,
    /// What may come in from other buckets.
    pub inbound_rules: Arc<[InboundRule]>,
    /// Largest notional from all of them together.
    pub inbound_total_max: Option<Money>,
    /// Notional that came in today, by source.
    pub inbound: BTreeMap<BucketId, Money>,
    /// Who trades here, where the loss of a client stops the bucket.
    pub dead_man: Option<Box<DeadManWatch>>,
    dead_man_rule: DeadMan,
    /// When it was last looked at.
    seen: Now,
    day_end: i64,
    window_open: bool,
    window_until: i64,
    /// Its own trading state.
    pub note: StateNote,
    /// Whether it is being deleted.
    pub deleted: bool,
    holdings: HashMap<u32, Holding>,
    totals: Totals,
    /// The same by account, where there are several.
    account_totals: Vec<Totals>,
    tags: Vec<Tagged>,
    tag_names: Vec<TagName>,
    traded: Money,
    open_value: Money,
    /// Orders within the window of F1.
    pub rate: OrderRate,
    /// Notional within the window of F3.
    pub notional_rate: NotionalWindow,
    /// Orders alike.
    pub look_alikes: LookAlikes,
    /// Live orders.
    pub orders: Roster,
    /// Orders of it that are linked.
    links: HashMap<u64, Link>,
    next_link: u64,
    /// Live orders taken out of it for a change.
    pub aside: u32,
    /// Until when every price the figures rest on is known to be fresh: a lower bound.
    fresh_until: u64,
    positions_over: u32,
    breach: u16,
    /// Tallies for people.
    pub counters: Counters,
    /// How often a reason was the first one of a refusal, of the same time as the tallies.
    pub refusals: BTreeMap<Reason, u64>,
    /// How often a limit in shadow would have refused, of the same time as the tallies: by the limit and the level of its document.
    pub shadowed: BTreeMap<(Reason, Level), u64>,
    /// Opening positions as they were loaded, by instrument and account.
    pub opened: BTreeMap<(u32, u16), (Quantity, Price)>,
    /// Changes of this state so far: its version.
    pub changes: u64,
}

/// Tallies of the trading day.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Orders and replaces approved here.
    pub approved: u64,
    /// Orders and replaces refused here.
    pub rejected: u64,
    /// Orders that came in from another route.
    pub rerouted_in: u64,
    /// Orders that went to another route.
    pub rerouted_out: u64,
    /// Fills booked.
    pub fills: u64,
    /// Facts that were booked and flagged.
    pub flagged: u64,
}

/// A change of exposure, computed and not yet made.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    number: u32,
    /// The line after.
    pub line: Line,
    worth: Worth,
    account: Option<AccountShift>,
    /// The bucket's totals after.
    pub totals: Totals,
}

/// The part of it at one account, where the bucket has several.
#[derive(Clone, Copy, Debug)]
struct AccountShift {
    account: u16,
    line: Line,
    worth: Worth,
    totals: Totals,
}

/// A place made for an instrument, so that it can be taken back.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    number: u32,
    tags: usize,
}

/// What a shift is made of.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// Place of the account among the bucket's.
    pub account: u16,
    /// Side of the order.
    pub side: Side,
    /// What the order held.
    pub before: Hold,
    /// What it holds now.
    pub after: Hold,
    /// Signed change of the position, and where it happened.
    pub position: Option<(u16, Quantity)>,
}

impl Bucket {
    /// Whether the bucket has a position or live orders in an instrument.
    #[must_use]
    pub fn holds(&self, number: u32) -> bool {
        self.state
            .lock()
            .holdings
            .get(&number)
            .is_some_and(Holding::is_used)
    }

    /// What is above it as of now.
    #[must_use]
    pub fn levels(&self) -> Arc<Levels> {
        Arc::clone(&self.state.lock().levels)
    }
}

impl BucketState {
    /// A bucket that has done nothing yet, with the setup's limits as they may be shared with others.
    #[must_use]
    pub fn new(setup: BucketSetup, limits: Arc<Limits>, number: u32, levels: Levels) -> Self {
        let route = |(venue, account): (VenueId, AccountId)| {
            Arc::new(Route {
                bucket: setup.id.clone(),
                venue,
                account,
            })
        };
        let accounts: Arc<[Arc<Route>]> = setup.accounts.into_iter().map(route).collect();
        let apart = if accounts.len() > 1 {
            accounts.len()
        } else {
            0
        };
        Self {
            documents: Documents::new(Arc::clone(&limits), None),
            limits,
            version: 1,
            number,
            traded_above: vec![(i64::MIN, Money::ZERO); levels.path.len()],
            levels: Arc::new(levels),
            accounts,
            calendar: Arc::new(setup.calendar),
            reroute: Arc::new(setup.reroute),
            inbound_rules: setup.inbound.into(),
            inbound_total_max: setup.inbound_total_max,
            inbound: BTreeMap::new(),
            dead_man: DeadManWatch::new(setup.dead_man),
            dead_man_rule: setup.dead_man,
            seen: Now::default(),
            day_end: i64::MIN,
            window_open: false,
            window_until: i64::MIN,
            note: StateNote::default(),
            deleted: false,
            holdings: HashMap::default(),
            totals: Totals::default(),
            account_totals: vec![Totals::default(); apart],
            tags: Vec::new(),
            tag_names: Vec::new(),
            traded: Money::ZERO,
            open_value: Money::ZERO,
            rate: OrderRate::default(),
            notional_rate: NotionalWindow::default(),
            look_alikes: LookAlikes::default(),
            orders: Roster::default(),
            links: HashMap::default(),
            next_link: 1,
            aside: 0,
            fresh_until: u64::MAX,
            positions_over: 0,
            breach: 0,
            counters: Counters::default(),
            refusals: BTreeMap::new(),
            shadowed: BTreeMap::new(),
            opened: BTreeMap::new(),
            changes: 0,
        }
    }

    /// Brings the trading day and the trading window up to now. What resets with the day: the day's traded notional, what came in from
    /// other buckets, and the tallies. Live orders and positions carry over.
    pub fn roll(&mut self, now: Now) {
        self.seen = now;
        if now.wall >= self.day_end {
            let first = self.day_end == i64::MIN;
            self.day_end = self.calendar.day(now.wall).map_or(i64::MAX, |day| day.end);
            if !first {
                self.traded = Money::ZERO;
                self.inbound.clear();
                self.counters = Counters::default();
                self.refusals.clear();
                self.shadowed.clear();
                // What was traded too much is of the day that is over.
                self.review_breach();
            }
        }
        if now.wall >= self.window_until {
            (self.window_open, self.window_until) = self.calendar.window(now.wall);
        }
    }

    /// Counts a refusal under the first of its reasons.
    pub fn count_refusal(&mut self, verdict: &Verdict) {
        self.counters.rejected = self.counters.rejected.saturating_add(1);
        if let Some(first) = verdict.broken.first() {
            let count = self.refusals.entry(first.reason).or_insert(0);
            *count = count.saturating_add(1);
        }
        self.count_shadow(&verdict.shadowed);
    }

    /// Counts what limits in shadow would have refused, under each of them.
    pub fn count_shadow(&mut self, shadowed: &[(Reason, Level)]) {
        for limit in shadowed {
            let count = self.shadowed.entry(*limit).or_insert(0);
            *count = count.saturating_add(1);
        }
    }

    /// The trading day of now.
    #[must_use]
    pub fn day(&self, now: Now) -> Option<Day> {
        self.calendar.day(now.wall)
    }

    /// What the bucket is configured to be.
    #[must_use]
    pub fn setup(&self, bucket: &Bucket) -> BucketSetup {
        BucketSetup {
            id: bucket.id.clone(),
            parent: self.levels.path.first().map(|group| group.id.clone()),
            accounts: self
                .accounts
                .iter()
                .map(|route| (route.venue.clone(), route.account.clone()))
                .collect(),
            limits: self.documents.of(0).map_or_else(
                || Limits::clone(&self.limits),
                |limits| Limits::clone(limits),
            ),
            other_limits: self.documents.of(1).map(|limits| Limits::clone(limits)),
            calendar: Calendar::clone(&self.calendar),
            reroute: RerouteRule::clone(&self.reroute),
            inbound: self.inbound_rules.to_vec(),
            inbound_total_max: self.inbound_total_max,
            dead_man: self.dead_man_rule,
        }
    }

    /// Puts a holding's money side back to what it was.
    pub fn set_book(&mut self, number: u32, book: Book) {
        if let Some(holding) = self.holdings.get_mut(&number) {
            holding.book = book;
        }
    }

    /// End of the trading day, wall nanoseconds.
    #[must_use]
    pub const fn day_end(&self) -> i64 {
        self.day_end
    }

    /// Whether new orders are taken at this time of the day.
    #[must_use]
    pub const fn window_open(&self) -> bool {
        self.window_open
    }

    /// The account an order names, by its place.
    #[must_use]
    pub fn account(
        &self,
        venue: &VenueId,
        account: Option<&AccountId>,
    ) -> Option<(u16, Arc<Route>)> {
        let at = |route: &Arc<Route>| {
            route.venue == *venue && account.is_none_or(|account| route.account == *account)
        };
        let mut matching = self
            .accounts
            .iter()
            .enumerate()
            .filter(|(_, route)| at(route));
        let (place, route) = matching.next()?;
        // Without an account, the venue must leave no choice.
        matching.next().is_none().then_some(())?;
        Some((u16::try_from(place).ok()?, Arc::clone(route)))
    }

    /// The account at a place, as a route.
    #[must_use]
    pub fn route(&self, account: u16) -> Option<&Arc<Route>> {
        self.accounts.get(usize::from(account))
    }

    /// Position in an instrument at one account.
    #[must_use]
    pub fn position_at(&self, number: u32, account: u16) -> Quantity {
        let Some(holding) = self.holdings.get(&number) else {
            return Quantity::ZERO;
        };
        if self.accounts.len() > 1 {
            holding
                .account_line(account)
                .map_or(Quantity::ZERO, |line| line.line.position)
        } else {
            holding.line.position
        }
    }

    /// Whether there are live orders in an instrument.
    #[must_use]
    pub fn has_orders_in(&self, number: u32) -> bool {
        self.orders
            .iter()
            .any(|(_, record)| record.instrument == number)
    }

    /// Every holding, in no order.
    pub fn holdings(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.values()
    }

    /// The bucket in an instrument.
    #[must_use]
    pub fn holding(&self, number: u32) -> Option<&Holding> {
        self.holdings.get(&number)
    }

    /// The bucket's totals.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Traded notional of the day: executed, and open at what it was approved at (B5).
    #[must_use]
    pub fn traded_and_open(&self) -> Option<Money> {
        self.traded.checked_add(self.open_value)
    }

    /// Live orders.
    #[must_use]
    pub fn live_orders(&self) -> u32 {
        u32::try_from(self.orders.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.aside)
    }

    /// Makes sure the bucket has a place for an instrument, and that its prices reach it.
    pub fn open_holding(
        &mut self,
        bucket: &Arc<Bucket>,
        listed: &Arc<Listed>,
        market: &Market,
        now: Now,
    ) {
        let _ = self.try_holding(listed, market, now);
        self.keep_holding(bucket, listed, market, now);
    }

    /// Lets prices reach a place that something has come to.
    pub fn keep_holding(
        &mut self,
        bucket: &Arc<Bucket>,
        listed: &Arc<Listed>,
        market: &Market,
        now: Now,
    ) {
        match self.holdings.get_mut(&listed.number) {
            Some(holding) if !holding.reached => holding.reached = true,
            Some(_) | None => return,
        }
        // First the registration, then the look at the price: a price pushed in between reaches the bucket by the one or the other.
        listed.add_holder(bucket);
        self.revalue(listed, market, now);
    }

    /// Takes back a place that nothing came to.
    pub fn close_holding(&mut self, opened: Opened) {
        self.holdings.remove(&opened.number);
        self.forget_tags(opened.tags);
    }

    /// Makes a place for an instrument where there is none, valued as of now; no price reaches it yet.
    pub fn try_holding(
        &mut self,
        listed: &Arc<Listed>,
        market: &Market,
        now: Now,
    ) -> Option<Opened> {
        if self.holdings.contains_key(&listed.number) {
            return None;
        }
        let opened = Opened {
            number: listed.number,
            tags: self.tags.len(),
        };
        let mut holding = Holding {
            listed: Arc::clone(listed),
            own: self
                .limits
                .per_instrument
                .get(&listed.instrument.id)
                .copied()
                .map(Box::new),
            listing: self.limits.instruments.of(&listed.instrument.id),
            line: Line::default(),
            worth: Worth::default(),
            unit: None,
            unit_until: 0,
            unvalued: 0,
            by_account: Vec::new(),
            tags: self.tags_of(listed),
            best: [Best::default(); 2],
            book: Book::default(),
            other_fees: BTreeMap::new(),
            over: false,
            reached: false,
        };
        holding.value(listed, &self.limits.currency, market, now);
        self.holdings.insert(listed.number, holding);
        Some(opened)
    }

    /// Values the bucket anew after a price, rate or reference change of one instrument. Never refuses anything, only takes note (B2).
    pub fn revalue(&mut self, listed: &Arc<Listed>, market: &Market, now: Now) {
        let Some(holding) = self.holdings.get_mut(&listed.number) else {
            return;
        };
        holding.value(listed, &self.limits.currency, market, now);
        let number = listed.number;
        self.revalue_orders(number);
        if let Some(shift) = self.shift(number, None) {
            self.enter_value(&shift);
        } else if let Some(holding) = self.holdings.get_mut(&number) {
            holding.unit_until = 0;
        }
        let fresh = self
            .holdings
            .get(&number)
            .map_or(u64::MAX, Holding::fresh_until);
        self.fresh_until = self.fresh_until.min(fresh);
        self.note_breach(BreachCause::PriceMove);
    }

    /// Values the live orders in an instrument at its mark, each with what it was approved at as its floor.
    fn revalue_orders(&mut self, number: u32) {
        let Some(holding) = self.holdings.get_mut(&number) else {
            return;
        };
        let Some(unit) = holding.unit else { return };
        if holding.line.buys.open.is_zero() && holding.line.sells.open.is_zero() {
            return;
        }
        let mut linked = Vec::new();
        for (_, record) in self.orders.iter_mut() {
            if record.instrument != number || record.hold.exit {
                continue;
            }
            if let Some(seat) = record.link.as_deref()
                && self.links.contains_key(&seat.link)
            {
                linked.push(seat.link);
                continue;
            }
            let Some(new) = record.hold.at(unit) else {
                holding.unit_until = 0;
                continue;
            };
            replace_hold(holding, record, new);
        }
        if !linked.is_empty() {
            linked.sort_unstable();
            linked.dedup();
            self.revalue_links(number, unit, &linked);
        }
    }

    /// Whether every price the bucket's money figures rest on is fresh; where one is not, increases cannot be evaluated.
    ///
    /// # Errors
    /// [`Reason::PriceUnavailable`].
    pub fn valued(&mut self, now: Now) -> Result<(), Reason> {
        if now.mono > self.fresh_until {
            self.fresh_until = self
                .holdings
                .values()
                .map(Holding::fresh_until)
                .min()
                .unwrap_or(u64::MAX);
        }
        if now.mono <= self.fresh_until {
            Ok(())
        } else {
            Err(Reason::PriceUnavailable)
        }
    }

    /// Whether every position and order had a price at least once: what never had one counts as nothing in the groups above, where the
    /// last value known is enough otherwise (NL16).
    ///
    /// # Errors
    /// [`Reason::PriceUnavailable`].
    pub fn priced(&self, now: Now) -> Result<(), Reason> {
        let never = |holding: &Holding| holding.unit.is_none() && holding.needs_mark();
        if now.mono > self.fresh_until && self.holdings.values().any(never) {
            return Err(Reason::PriceUnavailable);
        }
        Ok(())
    }

    /// The change a move would make; without a move, what a new unit value makes. Nothing on overflow or without a holding.
    #[must_use]
    pub fn shift(&self, number: u32, change: Option<&Move>) -> Option<Shift> {
        let holding = self.holdings.get(&number)?;
        let unit = holding.unit.unwrap_or(Money::ZERO);
        let line = match change {
            Some(change) => moved(holding.line, change, None)?,
            None => holding.line,
        };
        let worth = line.worth(unit)?;
        let totals = self.totals.with(&holding.worth, &worth)?;
        let account = match change {
            Some(change) if self.accounts.len() > 1 => {
                let line = holding
                    .account_line(change.account)
                    .map_or(Line::default(), |line| line.line);
                let line = moved(line, change, Some(change.account))?;
                Some(self.account_shift(holding, change.account, line, unit)?)
            }
            _ => None,
        };
        Some(Shift {
            number,
            line,
            worth,
            account,
            totals,
        })
    }

    /// Makes the shift of a move. Nothing here can fail: what could was computed before.
    pub fn commit(&mut self, shift: &Shift) {
        self.enter(shift, shift.account.as_slice());
    }

    fn enter(&mut self, shift: &Shift, parts: &[AccountShift]) {
        self.changes = self.changes.saturating_add(1);
        let Some(holding) = self.holdings.get_mut(&shift.number) else {
            return;
        };
        let gross = (holding.worth.gross(), shift.worth.gross());
        holding.line = shift.line;
        holding.worth = shift.worth;
        self.totals = shift.totals;
        for at in &holding.tags {
            if let Some(tag) = self.tags.get_mut(usize::from(*at)) {
                tag.change(gross);
            }
        }
        let over = holding.is_over(&self.limits);
        if over != holding.over {
            holding.over = over;
            self.positions_over = if over {
                self.positions_over.saturating_add(1)
            } else {
                self.positions_over.saturating_sub(1)
            };
        }
        self.fresh_until = self.fresh_until.min(holding.fresh_until());
        if self.accounts.len() <= 1 {
            if !self.limits.concentration.is_empty() {
                self.change_venue(0, gross);
            }
            return;
        }
        for part in parts {
            self.enter_part(shift.number, part);
        }
    }

    /// Counts what an order holds in the day's open notional.
    pub fn change_open_value(&mut self, before: Money, after: Money) {
        if let Some(value) = self
            .open_value
            .checked_sub(before)
            .and_then(|rest| rest.checked_add(after))
        {
            self.open_value = value;
        }
    }

    /// Counts an executed value in the day's traded notional.
    pub fn add_traded(&mut self, value: Money) {
        if let Some(traded) = self.traded.checked_add(value) {
            self.traded = traded;
        }
    }

    /// Books a fill's money side.
    pub fn book(&mut self, number: u32, effect: &Effect) {
        if let Some(holding) = self.holdings.get_mut(&number)
            && let Some(book) = holding.book.with(effect, holding.line.position)
        {
            holding.book = book;
            holding.charge(effect);
        }
    }

    /// What is undone when an order is over.
    pub fn end(&mut self, record: &mut OrderRecord) {
        if record.unvalued {
            record.unvalued = false;
            self.change_unvalued(record.instrument, false);
        }
        if self
            .limits
            .notional_rate
            .is_some_and(|limit| limit.give_back)
        {
            let unfilled = record.life.unfilled_share(record.counted);
            self.notional_rate.give_back(record.approved.mono, unfilled);
        }
        self.give_back_above(record);
    }

    /// When it was last looked at.
    pub(super) const fn seen(&self) -> Now {
        self.seen
    }

    /// Counts live orders approved without a price.
    pub fn change_unvalued(&mut self, number: u32, up: bool) {
        if let Some(holding) = self.holdings.get_mut(&number) {
            holding.unvalued = if up {
                holding.unvalued.saturating_add(1)
            } else {
                holding.unvalued.saturating_sub(1)
            };
            self.fresh_until = self.fresh_until.min(holding.fresh_until());
        }
    }

    /// Puts new limits in force under the next version; what is used stays used (O6).
    pub fn set_limits(&mut self, limits: Arc<Limits>) -> u64 {
        let scopes = (self.limits.self_match_above(), limits.self_match_above());
        self.limits = limits;
        if scopes.0 != scopes.1 {
            // First where they are to be looked for, then where not any more: none is out of sight in between.
            self.rest_all_within(scopes.1, true);
            self.rest_all_within(scopes.0, false);
        }
        self.version = self.version.saturating_add(1);
        self.tags.clear();
        self.tag_names.clear();
        let numbers: Vec<u32> = self.holdings.keys().copied().collect();
        self.positions_over = 0;
        for number in numbers {
            let Some(listed) = self
                .holdings
                .get(&number)
                .map(|holding| Arc::clone(&holding.listed))
            else {
                continue;
            };
            let tags = self.tags_of(&listed);
            let own = self
                .limits
                .per_instrument
                .get(&listed.instrument.id)
                .copied()
                .map(Box::new);
            let Some(holding) = self.holdings.get_mut(&number) else {
                continue;
            };
            holding.own = own;
            holding.listing = self.limits.instruments.of(&listed.instrument.id);
            holding.tags = tags;
            holding.over = holding.is_over(&self.limits);
            holding.best = [Best::default(); 2];
            self.positions_over = self.positions_over.saturating_add(u32::from(holding.over));
            let gross = (Money::ZERO, holding.worth.gross());
            let accounts: Vec<(u16, Money)> = match self.accounts.len() {
                0 | 1 => vec![(0, gross.1)],
                _ => holding
                    .by_account
                    .iter()
                    .map(|line| (line.account, line.worth.gross()))
                    .collect(),
            };
            for at in holding.tags.clone() {
                if let Some(tag) = self.tags.get_mut(usize::from(at)) {
                    tag.change(gross);
                }
            }
            for (account, worth) in accounts {
                self.change_venue(account, (Money::ZERO, worth));
            }
        }
        let resting: Vec<(u32, Side, Vec<Price>)> = self
            .orders
            .iter()
            .map(|(_, order)| {
                (
                    order.instrument,
                    order.side,
                    order.resting_prices().collect(),
                )
            })
            .collect();
        for (number, side, prices) in resting {
            self.rest(number, side, prices.into_iter());
        }
        self.note_breach(BreachCause::LimitCut);
        self.version
    }
}

/// Counts an order with another hold than it had.
fn replace_hold(holding: &mut Holding, record: &mut OrderRecord, new: Hold) {
    let old = record.hold;
    if new == old {
        return;
    }
    let Some(line) = holding.line.with(record.side, old, new) else {
        holding.unit_until = 0;
        return;
    };
    holding.line = line;
    let account = holding
        .by_account
        .iter_mut()
        .find(|line| line.account == record.account);
    if let Some(known) = account
        && let Some(line) = known.line.with(record.side, old, new)
    {
        known.line = line;
    }
    record.hold = new;
}

fn moved(line: Line, change: &Move, account: Option<u16>) -> Option<Line> {
    let mut line = line.with(change.side, change.before, change.after)?;
    if let Some((at, position)) = change.position
        && account.is_none_or(|account| account == at)
    {
        line.position = line.position.checked_add(position)?;
    }
    Some(line)
}
