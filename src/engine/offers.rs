//! Offers: orders approved on another route than the one asked for, which their client has to accept before it sends them (RR10, RR15).
//!
//! An offer is reserved like any other order and may not be sent. It ends accepted, released by its client, released by itself when its
//! time is over, or void when its source or its target is stopped. Whoever stops something publishes that first and then looks at every
//! offer; whoever accepts one reads the states while it holds the order's id. So once a halt has returned, nothing is accepted under it.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;

use super::Engine;
use super::alarms::Alarm;
use super::answer::{Receipt, Refusal};
use super::bucket::BucketState;
use super::group::Levels;
use super::index::{Entry, OrderSlot, Root};
use super::order::{Offer, OfferEnd, OrderRecord};
use crate::domain::name::{BucketId, ClientId, InstrumentId, VenueId};
use crate::domain::order::OrderKey;
use crate::domain::state::TradingState;
use crate::domain::time::Now;
use crate::risk::lifecycle::Release;

/// Offers that are open, and the orders of all that are remembered. A leaf lock, which only those who have to accept a route come to.
#[derive(Default)]
pub struct Offers(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The open ones, by the time their client has, with the number of their decision.
    due: BTreeSet<(u64, u64)>,
    /// The order of each decision.
    orders: HashMap<u64, OrderKey>,
}

impl Offers {
    /// A decision that waits for its client until then.
    pub(super) fn put(&self, deadline: u64, key: &OrderKey, decided: u64) {
        let mut known = self.0.lock();
        known.due.insert((deadline, decided));
        known.orders.insert(decided, key.clone());
    }

    /// It waits no more.
    pub(super) fn close(&self, deadline: u64, decided: u64) {
        self.0.lock().due.remove(&(deadline, decided));
    }

    /// It is forgotten with its order.
    pub(super) fn forget(&self, decided: u64) {
        self.0.lock().orders.remove(&decided);
    }

    /// The order of a decision.
    fn order(&self, decided: u64) -> Option<Root> {
        let key = self.0.lock().orders.get(&decided).cloned()?;
        Some(Root { key, decided })
    }

    /// Those that wait, or those of them whose time is over.
    fn open(&self, over_at: Option<u64>) -> Vec<Root> {
        let known = self.0.lock();
        let wanted = known
            .due
            .iter()
            .take_while(|(deadline, _)| over_at.is_none_or(|now| *deadline <= now));
        wanted
            .filter_map(|(_, decided)| {
                Some(Root {
                    key: known.orders.get(decided)?.clone(),
                    decided: *decided,
                })
            })
            .collect()
    }
}

/// A decision by its number and its time: numbers begin anew when the gateway does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecisionId {
    /// When it was made, wall nanoseconds.
    pub at: i64,
    /// Its number.
    pub sequence: u64,
}

/// Why an offer is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Look {
    /// Its client accepts it, by the decision that was made then.
    Accept(i64),
    /// Its time may be over.
    Overdue,
    /// Something was stopped.
    Stopped,
}

/// What an order that was offered came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Came {
    /// Accepted: word of it is expected until then, wall nanoseconds, unless it has come.
    Accepted(Option<i64>),
    Lapsed,
    Void,
    Ended,
}

impl Engine {
    /// The client accepts the route of an answer: from now on the order may be sent there (RR10), and word of it is expected until the
    /// wall time told. Said again, it changes nothing.
    ///
    /// # Errors
    /// Where no such decision waits or waited for this client, its time was over, a halt came first (RR15), or the order is over. Nothing
    /// of it is sendable then.
    pub fn accept_route(
        &self,
        client: &ClientId,
        decision: DecisionId,
        now: Now,
    ) -> Result<(Receipt, Option<i64>), Refusal> {
        let root = self.offers.order(decision.sequence);
        let root = root.filter(|root| root.key.client == *client);
        let settled =
            root.and_then(|root| self.settle_offer(&root, Look::Accept(decision.at), now));
        let (receipt, came) = settled.ok_or(Refusal::UnknownDecision)?;
        match came {
            Came::Accepted(until) => Ok((receipt, until)),
            Came::Lapsed => Err(Refusal::RouteExpired),
            Came::Void => Err(Refusal::RouteVoid),
            Came::Ended => Err(Refusal::OrderEnded),
        }
    }

    /// Releases the offers whose time is over, and those that something stopped since: a fault that halts a bucket waits for nobody.
    pub(super) fn sweep_offers(&self, now: Now) {
        for root in self.offers.open(Some(now.mono)) {
            let _ = self.settle_offer(&root, Look::Overdue, now);
        }
        self.void_stopped(now);
    }

    /// Voids every offer whose source or target is stopped (RR15).
    pub(super) fn void_stopped(&self, now: Now) {
        for root in self.offers.open(None) {
            let _ = self.settle_offer(&root, Look::Stopped, now);
        }
    }

    /// Voids one that was made a moment ago, where its source was stopped meanwhile: whoever stopped it may have looked too early.
    pub(super) fn void_if_stopped(&self, decided: u64, now: Now) {
        if let Some(root) = self.offers.order(decided) {
            let _ = self.settle_offer(&root, Look::Stopped, now);
        }
    }

    /// Looks at an offer: lapsed or stopped, it is released. Otherwise it is accepted, where that is asked.
    fn settle_offer(&self, root: &Root, look: Look, now: Now) -> Option<(Receipt, Came)> {
        let place = self.requests.place(&root.key);
        let mut shard = self.requests.lock(place);
        let entry = shard
            .get_mut(place, &root.key)
            .filter(|entry| entry.decided() == root.decided)?;
        let at = entry.answer.as_ref().map(super::stored::Stored::at);
        if let Look::Accept(wanted) = look
            && at != Some(wanted)
        {
            return None;
        }
        // Read with the id held: of two buckets only one is ever locked.
        let (is_overdue, is_stopped) = self.look_at(entry, now)?;
        let is_wanted = match look {
            Look::Accept(_) => true,
            Look::Overdue => is_overdue,
            Look::Stopped => is_stopped,
        };
        if !is_wanted {
            return None;
        }
        let mut came = Came::Ended;
        let (receipt, lapsed) = self.change_entry(entry, now, |state, _, record| {
            if !record.life.is_offered() {
                came = came_of(record, now);
                return None;
            }
            // Its own bucket may have been stopped since that was read.
            if is_stopped || self.is_target_stopped(state, record)? {
                came = Came::Void;
                let done = record.life.release() == Release::Done;
                if let Some(offer) = &mut record.offer {
                    offer.end = Some(OfferEnd::Void);
                }
                return done.then(Vec::new);
            }
            if !matches!(look, Look::Accept(_)) {
                return None;
            }
            record.accept(now);
            came = came_of(record, now);
            if record.send_after_commit {
                let deadline = (record.deadline, record.key.clone());
                self.unsent.lock().insert(deadline);
            }
            Some(Vec::new())
        })?;
        drop(shard);
        if lapsed || (came == Came::Void && receipt.applied) {
            self.alarms.tell(&Alarm::Order(&receipt, now));
        }
        Some((receipt, came))
    }

    /// Whether the time of an order that is offered is over, and whether its target, or what it was asked for on, is stopped.
    fn look_at(&self, entry: &Entry, now: Now) -> Option<(bool, bool)> {
        let (bucket, number) = match &entry.order {
            OrderSlot::Live(bucket, number) => (bucket, *number),
            OrderSlot::Ended(..) => return Some((false, false)),
            OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_) => return None,
        };
        let state = bucket.state.lock();
        let record = state.orders.get(number)?;
        if !record.life.is_offered() {
            return Some((false, false));
        }
        let is_overdue = record.is_lapsed(now);
        if self.is_target_stopped(&state, record)? {
            return Some((is_overdue, true));
        }
        let offer = record.offer.as_deref().cloned()?;
        let client = record.key.client.clone();
        let listed = &state.holding(record.instrument)?.listed;
        let instrument = listed.instrument.id.clone();
        drop(state);
        let is_stopped = self.is_stopped(&offer.bucket, &offer.venue, &instrument, &client);
        Some((is_overdue, is_stopped))
    }

    /// Whether nothing new may leave on the route of an order, while its bucket is locked.
    fn is_target_stopped(&self, state: &BucketState, record: &OrderRecord) -> Option<bool> {
        let instrument = &state.holding(record.instrument)?.listed.instrument.id;
        let venue = &state.route(record.account)?.venue;
        let (own, client) = (state.note.state, &record.key.client);
        Some(stops(self.strictest(
            &state.levels,
            own,
            instrument,
            venue,
            client,
        )))
    }

    /// Whether nothing new may leave a bucket for a venue; nor does it from one that is gone.
    fn is_stopped(
        &self,
        bucket: &BucketId,
        venue: &VenueId,
        instrument: &InstrumentId,
        client: &ClientId,
    ) -> bool {
        let Some(bucket) = self.bucket(bucket) else {
            return true;
        };
        let (own, levels) = {
            let state = bucket.state.lock();
            (state.note.state, Arc::clone(&state.levels))
        };
        stops(self.strictest(&levels, own, instrument, venue, client))
    }

    /// The most restrictive of a bucket's own state and those of everything over it.
    fn strictest(
        &self,
        levels: &Levels,
        own: TradingState,
        instrument: &InstrumentId,
        venue: &VenueId,
        client: &ClientId,
    ) -> TradingState {
        let (around, _) = self.controls.over(instrument, venue, client);
        let groups = levels.path.iter().map(|group| group.switch.state());
        groups.fold(own.max(around), TradingState::max)
    }
}

/// Whether a state lets nothing new leave: an order that was not accepted is new.
const fn stops(state: TradingState) -> bool {
    matches!(state, TradingState::CancelOnly | TradingState::Halted)
}

fn came_of(record: &OrderRecord, now: Now) -> Came {
    match record.offer.as_deref() {
        Some(Offer {
            end: Some(OfferEnd::Lapsed),
            ..
        }) => Came::Lapsed,
        Some(Offer {
            end: Some(OfferEnd::Void),
            ..
        }) => Came::Void,
        Some(Offer {
            accepted: Some(_), ..
        }) => {
            let left = record.deadline.saturating_sub(now.mono);
            let until = i64::try_from(left).map(|left| now.wall.saturating_add(left));
            let waits = record.life.is_awaiting_word() && !record.life.is_over();
            Came::Accepted(until.ok().filter(|_| waits))
        }
        Some(_) | None => Came::Ended,
    }
}

impl OrderRecord {
    /// Its client accepts its route, or someone sent it: from now on its word has as much time as that of any other order.
    pub(super) fn accept(&mut self, now: Now) {
        let patience = self.patience();
        if self.life.is_offered()
            && let Some(offer) = &mut self.offer
        {
            self.life.accept();
            offer.accepted = Some(now.mono);
            self.deadline = now.mono.saturating_add(patience);
        }
    }

    /// Releases it where the time to accept it is over. Whether it did.
    pub(super) fn lapse(&mut self, now: Now) -> bool {
        let lapses = self.is_lapsed(now) && self.life.release() == Release::Done;
        if lapses && let Some(offer) = &mut self.offer {
            offer.end = Some(OfferEnd::Lapsed);
        }
        lapses
    }
}
