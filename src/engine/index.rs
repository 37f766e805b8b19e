//! Every request id with its answer, and the way from an id to its order (A11, H19); every execution id with what it did (H14).
//!
//! One rule says how long: an id stands for its request until the trading day is over and its order too. An order that is over is kept
//! for late facts as long after the last word about it as an execution is after its own, so that neither outlives what it needs.

use std::sync::Arc;

use parking_lot::MutexGuard;

use super::Engine;
use super::bucket::Bucket;
use super::order::OrderRecord;
use super::shards::{Keyed, Place, Shard};
use super::stored::{Stored, StoredBasket};
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::name::{AccountId, ClOrdId, ClientId, ExecId, Name, VenueId};
use crate::domain::order::{OrderKey, Side};
use crate::domain::report::Fill;
use crate::domain::state::OrderState;
use crate::domain::time::Now;
use crate::risk::pnl::Effect;

/// A request id with what became of it.
pub struct Entry {
    /// The id.
    pub key: OrderKey,
    /// Keyed hash of the request's content.
    pub digest: u64,
    /// End of the trading day it belongs to, wall nanoseconds.
    pub until: i64,
    /// When it may be forgotten, wall nanoseconds, unless its order lives.
    pub kept: i64,
    /// Whether it counts in its client's quota.
    pub counted: bool,
    /// The stored answer; none for an id released before it was decided.
    pub answer: Option<Stored>,
    /// The order behind it.
    pub order: OrderSlot,
}

/// Where the order of a request id is.
pub enum OrderSlot {
    /// There is none: the request was refused.
    None,
    /// Live, in this bucket under this number.
    Live(Arc<Bucket>, usize),
    /// Over, kept for late reports.
    Ended(Arc<Bucket>, Box<OrderRecord>),
    /// The id is of a replace of this order.
    Version(Box<Root>),
    /// The id is of a basket or a quote.
    Basket(Box<StoredBasket>),
}

/// An order by its first id, and by the number of the decision that approved it: ids are used again on later days.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Root {
    /// Its first id.
    pub key: OrderKey,
    /// Number of the decision.
    pub decided: u64,
}

/// What an id stands for when a request comes under it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Nothing.
    New,
    /// A request of the trading day, or an order that lives: it gets the stored answer.
    Taken,
    /// Something of an earlier day that is over: it is free again.
    Past,
}

impl OrderSlot {
    /// Where the request of an id stands; nothing where there is no order under this one.
    #[must_use]
    pub fn stands(&self, cl_ord_id: &ClOrdId, now: Now) -> Option<OrderState> {
        match self {
            Self::Live(bucket, number) => {
                let state = bucket.state.lock();
                let record = state.orders.get(*number)?;
                Some(record.state_of(cl_ord_id, now))
            }
            Self::Ended(_, record) => Some(record.state_of(cl_ord_id, now)),
            Self::None | Self::Version(_) | Self::Basket(_) => None,
        }
    }
}

impl Keyed for Entry {
    type Key = OrderKey;
    fn key(&self) -> &OrderKey {
        &self.key
    }
    fn due(&self) -> i64 {
        self.until
    }
}

impl Entry {
    /// No id: memory for one.
    #[must_use]
    pub const fn blank() -> Self {
        Self {
            key: OrderKey {
                client: Name::blank(),
                cl_ord_id: Name::blank(),
            },
            digest: 0,
            until: 0,
            kept: 0,
            counted: false,
            answer: None,
            order: OrderSlot::None,
        }
    }

    /// Number of the decision stored.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.answer.as_ref().map_or(0, Stored::sequence)
    }

    /// The order behind it.
    #[must_use]
    pub fn root(&self) -> Option<Root> {
        match &self.order {
            OrderSlot::None | OrderSlot::Basket(_) => None,
            OrderSlot::Live(..) | OrderSlot::Ended(..) => Some(Root {
                key: self.key.clone(),
                decided: self.decided(),
            }),
            OrderSlot::Version(root) => Some(Root::clone(root)),
        }
    }

    /// The order it names, where it is an id of a replace and its own day is over.
    #[must_use]
    pub fn past_version(&self, now: Now) -> Option<&Root> {
        match &self.order {
            OrderSlot::Version(root) if self.until <= now.wall => Some(root),
            OrderSlot::Version(_)
            | OrderSlot::None
            | OrderSlot::Basket(_)
            | OrderSlot::Live(..)
            | OrderSlot::Ended(..) => None,
        }
    }

    /// Whether it stands for its own request only: the trading day is not over, or its order is not; of a replaced order `lives` says so.
    #[must_use]
    pub const fn is_taken(&self, now: Now, lives: bool) -> bool {
        self.until > now.wall
            || match self.order {
                OrderSlot::Live(..) => true,
                OrderSlot::Version(_) => lives,
                OrderSlot::None | OrderSlot::Basket(_) | OrderSlot::Ended(..) => false,
            }
    }

    /// Whether the order behind it is live.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.order, OrderSlot::Live(..))
    }
}

/// Identity of an execution (H14).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ExecKey {
    /// Venue.
    pub venue: VenueId,
    /// Account there.
    pub account: Option<AccountId>,
    /// Trade date at the venue.
    pub trade_date: u32,
    /// The venue's id.
    pub exec_id: ExecId,
}

/// A fill, a bust or a correction we have seen.
pub struct Execution {
    /// Its identity.
    pub key: ExecKey,
    /// Keyed hash of its content.
    pub digest: u64,
    /// When it may be forgotten, wall nanoseconds.
    pub until: i64,
    /// What it is.
    pub what: ExecutionKind,
}

/// What an execution id stands for.
pub enum ExecutionKind {
    /// A fill that was booked, and where.
    Fill(BookedFill),
    /// A bust, a restatement, or a correction, with the execution that was corrected: what names the correction is about that one.
    Amendment(Option<ExecKey>),
    /// A bust or correction whose fill has not come (H15): what the fill is to be instead.
    Parked(Option<Fill>),
}

/// A booked fill, as a bust needs it.
#[derive(Clone)]
pub struct BookedFill {
    /// Bucket it was booked in.
    pub bucket: Arc<Bucket>,
    /// Its order; none for a fill of an unknown order.
    pub order: Option<Root>,
    /// The id it was told under.
    pub named: OrderKey,
    /// Instrument number.
    pub instrument: u32,
    /// Place of the account among the bucket's.
    pub account: Option<u16>,
    /// Side.
    pub side: Side,
    /// Quantity.
    pub quantity: Quantity,
    /// Price.
    pub price: Price,
    /// What it did.
    pub effect: Effect,
    /// Value counted in the day's traded notional, limit currency.
    pub value: Money,
    /// Whether it is void.
    pub busted: bool,
}

impl Keyed for Execution {
    type Key = ExecKey;
    fn key(&self) -> &ExecKey {
        &self.key
    }
    fn due(&self) -> i64 {
        self.until
    }
}

impl Engine {
    /// Until when what happens now is remembered, wall nanoseconds.
    pub(super) fn kept_until(&self, now: Now) -> i64 {
        let kept = i64::try_from(self.setup.retention).unwrap_or(i64::MAX);
        now.wall.saturating_add(kept)
    }

    /// The order that any of its ids leads to, as long as it is remembered.
    pub(super) fn order_of(&self, client: &ClientId, cl_ord_id: &ClOrdId) -> Option<Root> {
        let key = OrderKey {
            client: client.clone(),
            cl_ord_id: cl_ord_id.clone(),
        };
        let place = self.requests.place(&key);
        let root = self.requests.lock(place).get_mut(place, &key)?.root()?;
        // The id of a replace may outlast its order for a while.
        (root.key == key || self.holds_of(&root, |_| true)).then_some(root)
    }

    /// Whether something holds of an order; not of another that has its id since.
    fn holds_of(&self, root: &Root, is: impl FnOnce(&Entry) -> bool) -> bool {
        let place = self.requests.place(&root.key);
        let mut shard = self.requests.lock(place);
        shard
            .get_mut(place, &root.key)
            .is_some_and(|entry| entry.decided() == root.decided && is(entry))
    }

    /// Whether an order lives.
    pub(super) fn lives(&self, root: &Root) -> bool {
        self.holds_of(root, Entry::is_live)
    }

    /// Locks the table of an id, and says what the id stands for (A11).
    pub(super) fn lock_id(
        &self,
        place: Place,
        key: &OrderKey,
        now: Now,
    ) -> (MutexGuard<'_, Shard<Entry>>, Standing) {
        let mut shard = self.requests.lock(place);
        let mut lives = false;
        let named = shard
            .get_mut(place, key)
            .and_then(|entry| entry.past_version(now).cloned());
        if let Some(root) = named {
            // Its order may be in a table that has to be locked first.
            drop(shard);
            lives = self.lives(&root);
            shard = self.requests.lock(place);
        }
        let standing = match shard.get_mut(place, key) {
            None => Standing::New,
            Some(entry) if entry.is_taken(now, lives) => Standing::Taken,
            Some(_) => Standing::Past,
        };
        (shard, standing)
    }

    /// Counts an id of an earlier day no longer in its client's quota, once its order is over.
    pub(super) fn uncount(&self, entry: &mut Entry) {
        if core::mem::take(&mut entry.counted)
            && let Some(client) = self.clients.get(&entry.key.client)
        {
            client.forgotten();
        }
    }

    /// Stores an id that is not there yet, in memory that was set aside where some is left; what it stands for is the caller's to add.
    pub(super) fn remember<'a>(
        &self,
        shard: &'a mut Shard<Entry>,
        place: Place,
        key: &OrderKey,
        digest: u64,
        until: i64,
    ) -> &'a mut Entry {
        let mut entry = self
            .entries
            .take()
            .unwrap_or_else(|| Box::new(Entry::blank()));
        entry.key = key.clone();
        entry.digest = digest;
        (entry.until, entry.kept) = (until, until);
        entry.counted = true;
        shard.insert(place, entry)
    }

    /// Keeps the memory of an id that is forgotten, and of the order behind it, for others.
    fn forget(&self, mut entry: Box<Entry>) {
        let past = core::mem::replace(&mut *entry, Entry::blank());
        self.entries.give(entry);
        if past.answer.as_ref().is_some_and(Stored::is_offered) {
            self.offers.forget(past.decided());
        }
        if let OrderSlot::Ended(_, record) = past.order {
            self.records.give(record);
        }
    }

    /// Lets what an id stood for on an earlier day give way: nothing leads to that order any more.
    pub(super) fn give_way(&self, shard: &mut Shard<Entry>, place: Place, key: &OrderKey) {
        if let Some(mut past) = shard.remove(place, key) {
            self.uncount(&mut past);
            self.forget(past);
        }
    }

    /// Forgets the requests of a part of the tables that nothing can refer to any more.
    pub(super) fn sweep_requests(&self, now: Now, round: usize, rounds: usize) {
        let mut named = Vec::new();
        let keep = |entry: &mut Entry| {
            if entry.until > now.wall {
                return Some(entry.until);
            }
            // It may end at any time.
            if entry.is_live() {
                return Some(now.wall);
            }
            self.uncount(entry);
            if entry.kept > now.wall {
                return Some(entry.kept);
            }
            if let OrderSlot::Version(root) = &entry.order {
                named.push((entry.key.clone(), Root::clone(root)));
                return Some(now.wall);
            }
            None
        };
        self.requests
            .sweep(now.wall, (round, rounds), keep, |entry| self.forget(entry));
        for (key, root) in named {
            self.sweep_version(&key, &root, now);
        }
    }

    /// Forgets the id of a replace with its order, and not before.
    fn sweep_version(&self, key: &OrderKey, root: &Root, now: Now) {
        let (place, root_place) = (self.requests.place(key), self.requests.place(&root.key));
        let (mut own, mut other) = self.requests.lock_two(place, root_place);
        let order = other
            .as_deref_mut()
            .unwrap_or(&mut *own)
            .get_mut(root_place, &root.key)
            .filter(|entry| entry.decided() == root.decided);
        // An order that lives is kept for as long again when it ends.
        let kept = order.map(|order| {
            if order.is_live() {
                self.kept_until(now)
            } else {
                order.kept
            }
        });
        let Some(entry) = own.get_mut(place, key) else {
            return;
        };
        if !matches!(&entry.order, OrderSlot::Version(known) if **known == *root) {
            return;
        }
        match kept {
            Some(kept) => entry.kept = kept,
            None => {
                if let Some(entry) = own.remove(place, key) {
                    self.forget(entry);
                }
            }
        }
    }
}
