//! A bucket as it was, so that several orders can be entered one after the other and all of it be undone (J1).
//!
//! Only what they touch is kept: the figures of the bucket, the holdings of their instruments, the orders they change. Their own are taken
//! out again, the last one first, so that not even the places in memory differ.

use std::collections::{BTreeMap, HashSet};

use foldhash::HashMap;

use super::{BucketState, Counters, Holding, Opened, Tagged};
use crate::domain::amount::Money;
use crate::domain::decision::{Level, Reason};
use crate::domain::name::BucketId;
use crate::engine::dead_man::DeadManWatch;
use crate::engine::order::OrderRecord;
use crate::risk::exposure::{Hold, Totals};
use crate::risk::lifecycle::Life;
use crate::risk::window::{LookAlikes, NotionalWindow, OrderRate};

/// What is needed to bring a bucket back.
pub struct Savepoint {
    totals: Totals,
    account_totals: Vec<Totals>,
    tags: Vec<Tagged>,
    open_value: Money,
    fresh_until: u64,
    positions_over: u32,
    breach: u16,
    counters: Counters,
    refusals: BTreeMap<Reason, u64>,
    shadowed: BTreeMap<(Reason, Level), u64>,
    inbound: BTreeMap<BucketId, Money>,
    changes: u64,
    dead_man: Option<Box<DeadManWatch>>,
    /// Windows, where a limit counts in them.
    rate: Option<OrderRate>,
    notional_rate: Option<NotionalWindow>,
    look_alikes: Option<LookAlikes>,
    holdings: HashMap<u32, Holding>,
    opened: Vec<Opened>,
    fresh: HashSet<u32>,
    inserted: Vec<usize>,
    changed: Vec<(usize, Life, Hold, Money)>,
    links: Vec<u64>,
}

impl Savepoint {
    /// Notes a place that was made for an instrument.
    pub fn opened(&mut self, opened: Opened) {
        self.fresh.insert(opened.number);
        self.opened.push(opened);
    }

    /// Notes a link that was made.
    pub fn linked(&mut self, number: u64) {
        self.links.push(number);
    }

    /// Notes an order that was entered.
    pub fn inserted(&mut self, number: usize) {
        self.inserted.push(number);
    }
}

impl BucketState {
    /// The bucket as it is.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        let limits = &self.limits;
        Savepoint {
            totals: self.totals,
            account_totals: self.account_totals.clone(),
            tags: self.tags.clone(),
            open_value: self.open_value,
            fresh_until: self.fresh_until,
            positions_over: self.positions_over,
            breach: self.breach,
            counters: self.counters,
            refusals: self.refusals.clone(),
            shadowed: self.shadowed.clone(),
            inbound: self.inbound.clone(),
            changes: self.changes,
            dead_man: self.dead_man.clone(),
            rate: limits.order_rate.map(|_| self.rate.clone()),
            notional_rate: limits.notional_rate.map(|_| self.notional_rate.clone()),
            look_alikes: limits.look_alike.map(|_| self.look_alikes.clone()),
            holdings: HashMap::default(),
            opened: Vec::new(),
            fresh: HashSet::new(),
            inserted: Vec::new(),
            changed: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Keeps a holding as it was before the first order touched it; one that there is not yet will be taken back.
    pub fn keep_as_it_is(&self, save: &mut Savepoint, number: u32) {
        if !save.holdings.contains_key(&number)
            && !save.fresh.contains(&number)
            && let Some(holding) = self.holdings.get(&number)
        {
            save.holdings.insert(number, holding.clone());
        }
    }

    /// Keeps an order as it is before it is changed.
    pub fn keep_order(&self, save: &mut Savepoint, number: usize) {
        if let Some(record) = self.orders.get(number) {
            let kept = (number, record.life.clone(), record.hold, record.counted);
            save.changed.push(kept);
            self.keep_as_it_is(save, record.instrument);
        }
    }

    /// Brings the bucket back, with the attempts in its order rate where they count all the same (F1). The orders that were entered
    /// are handed back.
    #[must_use]
    pub fn restore(&mut self, save: Savepoint, attempts_count: bool) -> Vec<Box<OrderRecord>> {
        let taken_out = save
            .inserted
            .iter()
            .rev()
            .filter_map(|number| self.orders.remove(*number))
            .collect();
        for (number, life, hold, counted) in save.changed.into_iter().rev() {
            if let Some(record) = self.orders.get_mut(number) {
                (record.life, record.hold, record.counted) = (life, hold, counted);
            }
        }
        self.holdings.extend(save.holdings);
        for number in save.links.into_iter().rev() {
            self.unlink(number);
        }
        for opened in save.opened.into_iter().rev() {
            self.close_holding(opened);
        }
        self.totals = save.totals;
        self.account_totals = save.account_totals;
        self.tags = save.tags;
        self.open_value = save.open_value;
        self.fresh_until = save.fresh_until;
        self.positions_over = save.positions_over;
        self.breach = save.breach;
        self.counters = save.counters;
        self.refusals = save.refusals;
        self.shadowed = save.shadowed;
        self.inbound = save.inbound;
        self.changes = save.changes;
        self.dead_man = save.dead_man;
        if let Some(rate) = save.rate.filter(|_| !attempts_count) {
            self.rate = rate;
        }
        if let Some(window) = save.notional_rate {
            self.notional_rate = window;
        }
        if let Some(alikes) = save.look_alikes {
            self.look_alikes = alikes;
        }
        taken_out
    }
}
