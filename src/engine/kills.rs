//! Kills: what was live when something was halted, followed to its end (G4).
//!
//! A kill names its orders once, when it is made, and nothing on the path of an order knows of it: whether one has ended is looked up, by the
//! sweep and by whoever asks. So an order in no kill pays nothing, and no way to an end can be forgotten.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use super::Engine;
use super::admin::Scope;
use super::alarms::Alarm;
use super::index::{OrderSlot, Root};
use super::order::OrderView;
use crate::domain::amount::Money;
use crate::domain::name::{ClientId, Currency};
use crate::domain::state::{OrderState, StateNote};
use crate::domain::time::Now;

/// Kills that are kept; the oldest goes first, one that is resolved before one that is not.
const KILLS_MAX: usize = 1_000;
/// Orders of all kills that are followed at once.
const FOLLOWED_MAX: usize = 1_000_000;

/// A kill: its time, wall nanoseconds, and its number in the log.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct KillId {
    /// When it was made, wall nanoseconds.
    pub at: i64,
    /// Its number.
    pub sequence: u64,
}

/// How far a kill has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KillState {
    /// Some of its orders live.
    Open,
    /// Some live, and should have ended by now.
    Unresolved,
    /// All have ended.
    Resolved,
}

/// What is told of a kill.
#[derive(Clone, Debug)]
pub struct KillView {
    /// Its id.
    pub id: KillId,
    /// What was stopped.
    pub scope: Scope,
    /// Who, why and when.
    pub note: StateNote,
    /// The client whose orders these are, where it was lost (G5).
    pub client: Option<ClientId>,
    /// How far it has come.
    pub state: KillState,
    /// Orders it began with.
    pub orders: u64,
    /// Those that have ended, by how.
    pub ended: BTreeMap<OrderState, u64>,
    /// Those that live.
    pub live: u64,
    /// Value that these hold, by limit currency.
    pub residual: BTreeMap<Currency, Money>,
    /// When it was told that some are unresolved, wall nanoseconds.
    pub alarmed_at: Option<i64>,
    /// When the last one was found to have ended, wall nanoseconds.
    pub resolved_at: Option<i64>,
}

/// Something that is told of a kill by itself.
#[derive(Clone, Debug)]
pub struct KillTold {
    /// Number of the event.
    pub sequence: u64,
    /// When.
    pub at: Now,
    /// The kill as it stands.
    pub kill: KillView,
}

struct Kill {
    scope: Scope,
    note: StateNote,
    client: Option<ClientId>,
    orders: u64,
    ended: BTreeMap<OrderState, u64>,
    /// Those not known to have ended.
    open: BTreeSet<Root>,
    /// What they held when they were last looked at.
    residual: BTreeMap<Currency, Money>,
    alarmed: Option<Now>,
    resolved: Option<Now>,
}

/// Every kill that is kept.
#[derive(Default)]
pub(super) struct Kills {
    /// One look at them at a time. Outermost: everything else is locked after it.
    looking: Mutex<()>,
    /// A leaf lock.
    book: Mutex<BTreeMap<KillId, Kill>>,
    /// How many are not resolved, so that a sweep without any takes no lock.
    open: AtomicUsize,
}

/// What an order has come to.
enum Stands {
    Live(Box<OrderView>, Currency),
    Ended(OrderState),
}

impl Kill {
    fn view(&self, id: KillId) -> KillView {
        KillView {
            id,
            scope: self.scope.clone(),
            note: self.note.clone(),
            client: self.client.clone(),
            state: match (self.resolved, self.alarmed) {
                (Some(_), _) => KillState::Resolved,
                (None, Some(_)) => KillState::Unresolved,
                (None, None) => KillState::Open,
            },
            orders: self.orders,
            ended: self.ended.clone(),
            live: u64::try_from(self.open.len()).unwrap_or(u64::MAX),
            residual: self.residual.clone(),
            alarmed_at: self.alarmed.map(|now| now.wall),
            resolved_at: self.resolved.map(|now| now.wall),
        }
    }
}

impl Engine {
    /// Follows live orders to their end from now on, and tells of it. Nothing where there are none. `again` says that the scope was halted
    /// before: where a kill of it is open, that one goes on.
    pub(super) fn open_kill(
        &self,
        scope: &Scope,
        note: &StateNote,
        client: Option<&ClientId>,
        live: &[OrderView],
        again: bool,
    ) -> Option<KillId> {
        if live.is_empty() {
            return None;
        }
        if again {
            let book = self.kills.book.lock();
            let same = |kill: &Kill| {
                (&kill.scope, kill.client.as_ref()) == (scope, client) && kill.resolved.is_none()
            };
            if let Some((id, _)) = book.iter().rev().find(|(_, kill)| same(kill)) {
                return Some(*id);
            }
        }
        let roots = live
            .iter()
            .filter_map(|order| self.order_of(&order.key.client, &order.key.cl_ord_id));
        let open: BTreeSet<Root> = roots.collect();
        let now = note.since;
        let id = KillId {
            at: now.wall,
            sequence: self.next_sequence(true),
        };
        let kill = Kill {
            scope: scope.clone(),
            note: note.clone(),
            client: client.cloned(),
            orders: u64::try_from(open.len()).unwrap_or(u64::MAX),
            ended: BTreeMap::new(),
            open,
            residual: BTreeMap::new(),
            alarmed: None,
            resolved: None,
        };
        self.kills.book.lock().insert(id, kill);
        self.kills.open.fetch_add(1, Ordering::AcqRel);
        self.make_room();
        let _one_at_a_time = self.kills.looking.lock();
        let (view, _) = self.look_at_kill(id, now)?;
        self.tell_kill(view, now);
        Some(id)
    }

    /// Keeps no more kills and no more of their orders than there is room for.
    fn make_room(&self) {
        let mut book = self.kills.book.lock();
        loop {
            let followed: usize = book.values().map(|kill| kill.open.len()).sum();
            if book.len() <= KILLS_MAX && (followed <= FOLLOWED_MAX || book.len() <= 1) {
                return;
            }
            let resolved = book.iter().find(|(_, kill)| kill.resolved.is_some());
            let oldest = resolved.or_else(|| book.iter().next()).map(|(id, _)| *id);
            let Some(dropped) = oldest.and_then(|id| book.remove(&id)) else {
                return;
            };
            if dropped.resolved.is_none() {
                self.kills.open.fetch_sub(1, Ordering::AcqRel);
                tracing::error!(
                    orders = dropped.open.len(),
                    "too many kills: the oldest is not followed any more, and orders of it live"
                );
            }
        }
    }

    /// A kill as it stands now, with its live orders and their limit currencies, by client and first id.
    #[must_use]
    pub fn kill(&self, id: KillId, now: Now) -> Option<(KillView, Vec<(OrderView, Currency)>)> {
        let _one_at_a_time = self.kills.looking.lock();
        self.look_at_kill(id, now)
    }

    /// Every kill as it stands now, the oldest first.
    #[must_use]
    pub fn all_kills(&self, now: Now) -> Vec<KillView> {
        let _one_at_a_time = self.kills.looking.lock();
        let ids: Vec<KillId> = self.kills.book.lock().keys().copied().collect();
        let looked = ids.into_iter().filter_map(|id| self.look_at_kill(id, now));
        looked.map(|(view, _)| view).collect()
    }

    /// Looks at what is open, raises what is overdue, and forgets what is past.
    pub(super) fn sweep_kills(&self, now: Now) {
        if self.kills.open.load(Ordering::Acquire) > 0 {
            let _one_at_a_time = self.kills.looking.lock();
            let mut open = Vec::new();
            for (id, kill) in &*self.kills.book.lock() {
                if kill.resolved.is_none() {
                    open.push(*id);
                }
            }
            for id in open {
                let _ = self.look_at_kill(id, now);
            }
        }
        let past = |kill: &Kill| {
            let resolved = kill.resolved.map(|at| now.since(at.mono));
            resolved.is_some_and(|age| age >= self.setup.retention)
        };
        self.kills.book.lock().retain(|_, kill| !past(kill));
    }

    /// Looks up what is not known to have ended, and tells when that is overdue, and when it is over. One at a time.
    fn look_at_kill(&self, id: KillId, now: Now) -> Option<(KillView, Vec<(OrderView, Currency)>)> {
        let open = self.kills.book.lock().get(&id)?.open.clone();
        let mut live = Vec::new();
        let mut ended = Vec::new();
        let mut residual = BTreeMap::new();
        for root in open {
            match self.stands(&root, now) {
                Stands::Live(view, currency) => {
                    super::states::count(&mut residual, &currency, view.reserved);
                    live.push((*view, currency));
                }
                Stands::Ended(state) => ended.push((root, state)),
            }
        }
        let mut book = self.kills.book.lock();
        let kill = book.get_mut(&id)?;
        for (root, state) in ended {
            kill.open.remove(&root);
            let count = kill.ended.entry(state).or_insert(0);
            *count = count.saturating_add(1);
        }
        kill.residual = residual;
        let mut news = false;
        if kill.open.is_empty() && kill.resolved.is_none() {
            kill.resolved = Some(now);
            self.kills.open.fetch_sub(1, Ordering::AcqRel);
            news = true;
        } else if kill.resolved.is_none()
            && kill.alarmed.is_none()
            && now.since(kill.note.since.mono) >= self.setup.kill_alarm_after
        {
            kill.alarmed = Some(now);
            news = true;
        }
        let view = kill.view(id);
        drop(book);
        if news {
            self.tell_kill(view.clone(), now);
        }
        Some((view, live))
    }

    fn tell_kill(&self, kill: KillView, now: Now) {
        if kill.state == KillState::Unresolved {
            tracing::error!(
                actor = kill.note.actor,
                live = kill.live,
                orders = kill.orders,
                "orders of a kill are still live"
            );
        }
        self.alarms.tell(&Alarm::Kill(&KillTold {
            sequence: self.next_sequence(true),
            at: now,
            kill,
        }));
    }

    /// Where an order stands; one that nothing leads to any more has ended long ago.
    fn stands(&self, root: &Root, now: Now) -> Stands {
        let place = self.requests.place(&root.key);
        let mut shard = self.requests.lock(place);
        let entry = shard
            .get_mut(place, &root.key)
            .filter(|entry| entry.decided() == root.decided);
        match entry.map(|entry| &entry.order) {
            Some(OrderSlot::Live(bucket, number)) => {
                let state = bucket.state.lock();
                let view = state
                    .orders
                    .get(*number)
                    .and_then(|record| self.order_view(&state, record, now));
                match view {
                    Some(view) => Stands::Live(Box::new(view), state.limits.currency.clone()),
                    None => Stands::Ended(OrderState::Canceled),
                }
            }
            Some(OrderSlot::Ended(_, record)) => Stands::Ended(record.state(now)),
            Some(OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_)) | None => {
                Stands::Ended(OrderState::Canceled)
            }
        }
    }
}
