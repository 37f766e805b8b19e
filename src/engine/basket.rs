//! Baskets: orders of one bucket that are approved together or not at all (J1), and asked about (K1).
//!
//! The tables of all ids are locked, the lowest first, then the bucket, then its groups. A basket's id stands for its answer as an order's
//! does; that of a leg stands for the leg once the basket is approved, and for nothing where it was refused.

use std::sync::Arc;

use super::admit::{LegRef, Sitting, Together, Weighed};
use super::answer::{Answer, BasketAnswer, Refusal};
use super::bucket::Bucket;
use super::client::Client;
use super::index::{Entry, OrderSlot, Root, Standing};
use super::shards::{Many, Place};
use super::stored::{Stored, StoredBasket};
use super::{DAY, Engine, answer};
use crate::domain::basket::{Basket, Package, Pair};
use crate::domain::decision::{Finding, Level, Outcome, Reason};
use crate::domain::name::ClOrdId;
use crate::domain::order::{Order, OrderKey, Replace};
use crate::domain::time::Now;

/// One of the requests under one id.
pub(super) enum Part<'a> {
    /// A new order.
    Order(&'a Order),
    /// A change of this order, which lived when it was looked at.
    Replace(Replace, Root),
}

impl Part<'_> {
    const fn key(&self) -> &OrderKey {
        match self {
            Self::Order(order) => &order.key,
            Self::Replace(replace, _) => &replace.key,
        }
    }

    const fn root(&self) -> Option<&Root> {
        match self {
            Self::Order(_) => None,
            Self::Replace(_, root) => Some(root),
        }
    }
}

/// Requests under one id, before they are put to the bar.
pub(super) struct Joint<'a> {
    pub key: &'a OrderKey,
    pub digest: u64,
    pub bucket: &'a Arc<Bucket>,
    pub client: &'a Client,
    pub parts: Vec<Part<'a>>,
    /// Legs that are linked.
    pub pairs: &'a [Pair],
    /// The combination that they are.
    pub package: Option<&'a Package>,
    /// Why none of them can be taken.
    pub broken: Option<Reason>,
    /// Live orders to cancel, told with the answer.
    pub cancel: Vec<OrderKey>,
    /// Of a quote: the ids of its bid and of its offer.
    pub sides: [Option<ClOrdId>; 2],
    pub now: Now,
    pub figures: bool,
    pub commit: bool,
}

/// The tables of a joint request, locked, and where its ids belong.
struct Tables<'a> {
    many: Many<'a, Entry>,
    own: Place,
    parts: Vec<Place>,
}

impl Tables<'_> {
    /// What an id stands for.
    fn entry(&mut self, place: Place, key: &OrderKey) -> Option<&mut Entry> {
        self.many.table(place)?.get_mut(place, key)
    }
}

impl Engine {
    /// Decides a basket: all legs are approved, or nothing is.
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn decide_basket(
        &self,
        basket: &Basket,
        now: Now,
        figures: bool,
    ) -> Result<BasketAnswer, Refusal> {
        let bucket = self.bucket(basket.bucket()).ok_or(Refusal::UnknownBucket)?;
        let client = self.client(&basket.key().client)?;
        Ok(self.basket_at(basket, &bucket, &client, now, figures, true))
    }

    /// What [`Self::decide_basket`] would answer, without any effect (K1).
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn what_if_basket(
        &self,
        basket: &Basket,
        now: Now,
        figures: bool,
    ) -> Result<BasketAnswer, Refusal> {
        let bucket = self.bucket(basket.bucket()).ok_or(Refusal::UnknownBucket)?;
        // Its own rate is tried out on a copy, since its orders for other buckets draw on it at the same time.
        let client = self.known_client(&basket.key().client).copy();
        Ok(self.basket_at(basket, &bucket, &client, now, figures, false))
    }

    fn basket_at(
        &self,
        basket: &Basket,
        bucket: &Arc<Bucket>,
        client: &Client,
        now: Now,
        figures: bool,
        commit: bool,
    ) -> BasketAnswer {
        self.decide_together(&Joint {
            key: basket.key(),
            digest: self.requests.digest(basket),
            bucket,
            client,
            parts: basket.legs().iter().map(Part::Order).collect(),
            pairs: basket.pairs(),
            package: basket.package(),
            broken: None,
            cancel: Vec::new(),
            sides: [None, None],
            now,
            figures,
            commit,
        })
    }

    /// Decides requests together, under the id of all of them.
    pub(super) fn decide_together(&self, joint: &Joint<'_>) -> BasketAnswer {
        let (now, commit) = (joint.now, joint.commit);
        let (mut tables, standings) = self.lock_ids(joint);
        let own = tables.own;
        if standings.first() == Some(&Standing::Taken) {
            return self.repeat_together(joint, &mut tables);
        }
        let numbers: Vec<Result<usize, Reason>> = joint
            .parts
            .iter()
            .map(|part| self.number_of(part, joint.bucket, &mut tables))
            .collect();
        let of_parts = joint.parts.iter().zip(standings.iter().skip(1));
        let legs: Vec<LegRef<'_>> = of_parts
            .zip(numbers)
            .map(|((part, standing), number)| match (standing, part) {
                // An id that stands for something else stops the basket at its leg.
                (Standing::Taken, Part::Order(order)) => {
                    LegRef::Dismissed(Some(order), Reason::DuplicateMismatch)
                }
                (Standing::Taken, Part::Replace(..)) => {
                    LegRef::Dismissed(None, Reason::DuplicateMismatch)
                }
                (Standing::New | Standing::Past, Part::Order(order)) => LegRef::Order(order),
                (Standing::New | Standing::Past, Part::Replace(replace, _)) => {
                    LegRef::Replace(replace, number)
                }
            })
            .collect();
        let count = u32::try_from(legs.len()).unwrap_or(u32::MAX);
        let ids = count.saturating_add(1);
        let used = if commit {
            joint.client.claim_many(ids)
        } else {
            joint.client.used()
        };
        let sitting = Sitting {
            client: joint.client,
            // The basket's own id comes first.
            used: used.saturating_add(1),
            now,
            figures: joint.figures,
            commit: true,
            quiet: false,
            source: None,
            trial: !commit,
            offered: None,
        };
        let together = Together {
            legs: &legs,
            pairs: joint.pairs,
            package: joint.package,
        };
        let mut weighed = Weighed {
            day_end: now.wall.saturating_add(DAY),
            ..Weighed::default()
        };
        let mut broken = joint.broken;
        if broken.is_none() {
            let met = self.guarded(joint.bucket, now, || {
                self.admit_all(joint.bucket, &together, &sitting, &mut weighed);
            });
            if met.is_none() {
                broken = Some(Reason::InternalFault);
                (weighed.failed, weighed.legs) = (None, Vec::new());
            }
        }
        let mut decided = BasketAnswer {
            at: now.wall,
            failed: weighed.failed,
            broken,
            cancel: joint.cancel.clone(),
            ..BasketAnswer::default()
        };
        let until = weighed.day_end;
        let numbers: Vec<Option<usize>> = weighed.legs.iter().map(|leg| leg.number).collect();
        decided.legs = weighed
            .legs
            .into_iter()
            .map(|leg| answer(leg, None, now))
            .collect();
        if !decided.approved() {
            decided.cancel.clear();
            decided.legs.iter_mut().for_each(not_by_itself);
        }
        if !commit {
            return decided;
        }
        if decided.approved() {
            self.store_legs(joint, &mut tables, (&decided.legs, &numbers), until);
        } else {
            joint.client.forgotten_many(count);
            let for_want_of_ids = decided.legs.iter().any(|leg| match &leg.decision.outcome {
                Outcome::Rejected(broken) => broken
                    .iter()
                    .any(|finding| finding.reason == Reason::ClientQuota),
                Outcome::Approved(_) | Outcome::Rerouted { .. } => false,
            });
            if for_want_of_ids || used >= joint.client.exit_quota() {
                joint.client.forgotten();
                return decided;
            }
        }
        if let Some(table) = tables.many.table(own) {
            self.give_way(table, own, joint.key);
            let entry = self.remember(table, own, joint.key, joint.digest, until);
            let refused = if decided.approved() {
                Vec::new()
            } else {
                decided.legs.iter().map(Stored::new).collect()
            };
            entry.order = OrderSlot::Basket(Box::new(StoredBasket {
                at: decided.at,
                refused,
                failed: decided.failed,
                broken: decided.broken,
                cancel: decided.cancel.clone(),
                sides: joint.sides.clone(),
            }));
        }
        decided
    }

    /// Locks the tables of all ids, and of the orders they change, and says what each id stands for: the basket's own first (A11).
    fn lock_ids(&self, joint: &Joint<'_>) -> (Tables<'_>, Vec<Standing>) {
        let keys = || core::iter::once(joint.key).chain(joint.parts.iter().map(Part::key));
        let places: Vec<Place> = keys().map(|key| self.requests.place(key)).collect();
        let roots: Vec<Option<Place>> = joint
            .parts
            .iter()
            .map(|part| Some(self.requests.place(&part.root()?.key)))
            .collect();
        let lock = || {
            let all = places.iter().chain(roots.iter().flatten());
            self.requests.lock_many(all.copied())
        };
        let mut many = lock();
        let mut named: Vec<Option<Root>> = Vec::with_capacity(places.len());
        for (place, key) in places.iter().zip(keys()) {
            let entry = many
                .table(*place)
                .and_then(|table| table.get_mut(*place, key));
            named.push(entry.and_then(|entry| entry.past_version(joint.now).cloned()));
        }
        let mut lives = vec![false; named.len()];
        if named.iter().any(Option::is_some) {
            // Their orders may be in tables that have to be locked first.
            drop(many);
            for (lives, root) in lives.iter_mut().zip(&named) {
                *lives = root.as_ref().is_some_and(|root| self.lives(root));
            }
            many = lock();
        }
        let mut standings = Vec::with_capacity(lives.len());
        for ((place, key), lives) in places.iter().zip(keys()).zip(lives) {
            let entry = many
                .table(*place)
                .and_then(|table| table.get_mut(*place, key));
            standings.push(match entry {
                None => Standing::New,
                Some(entry) if entry.is_taken(joint.now, lives) => Standing::Taken,
                Some(_) => Standing::Past,
            });
        }
        let mut places = places.into_iter();
        let tables = Tables {
            many,
            own: places
                .next()
                .unwrap_or_else(|| self.requests.place(joint.key)),
            parts: places.collect(),
        };
        (tables, standings)
    }

    /// Where the order that a replace changes is, or why there is none to change.
    fn number_of(
        &self,
        part: &Part<'_>,
        bucket: &Arc<Bucket>,
        tables: &mut Tables<'_>,
    ) -> Result<usize, Reason> {
        let Some(root) = part.root() else {
            return Err(Reason::UnknownOrder);
        };
        match tables.entry(self.requests.place(&root.key), &root.key) {
            Some(entry) if entry.decided() == root.decided => match &entry.order {
                OrderSlot::Live(at, number) if Arc::ptr_eq(at, bucket) => Ok(*number),
                OrderSlot::Live(..) => Err(Reason::ReplaceMismatch),
                OrderSlot::Ended(..) => Err(Reason::OrderEnded),
                OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_) => {
                    Err(Reason::UnknownOrder)
                }
            },
            Some(_) | None => Err(Reason::UnknownOrder),
        }
    }

    /// The stored answer to a basket seen before, or the refusal of one that only has its id.
    fn repeat_together(&self, joint: &Joint<'_>, tables: &mut Tables<'_>) -> BasketAnswer {
        let stored = match tables.entry(tables.own, joint.key) {
            Some(Entry {
                digest,
                order: OrderSlot::Basket(stored),
                ..
            }) if *digest == joint.digest => stored.clone(),
            Some(_) | None => {
                return BasketAnswer {
                    at: joint.now.wall,
                    broken: Some(Reason::DuplicateMismatch),
                    ..BasketAnswer::default()
                };
            }
        };
        let mut legs: Vec<Answer> = stored.refused.iter().map(Stored::answer).collect();
        if stored.failed.is_none() && stored.broken.is_none() {
            let places = tables.parts.clone();
            for (part, place) in joint.parts.iter().zip(places) {
                let key = part.key();
                let Some(entry) = tables.entry(place, key) else {
                    continue;
                };
                let Some(stored) = &entry.answer else {
                    continue;
                };
                let mut leg = stored.answer();
                let root = entry.root();
                let mut stands = entry.order.stands(&key.cl_ord_id, joint.now);
                // Where the order of a replace stands is known under its first id.
                if let (None, Some(root)) = (stands, root.filter(|root| Some(root) == part.root()))
                {
                    stands = tables
                        .entry(self.requests.place(&root.key), &root.key)
                        .filter(|entry| entry.decided() == root.decided)
                        .and_then(|entry| entry.order.stands(&key.cl_ord_id, joint.now));
                }
                leg.order_state = stands.or(leg.order_state);
                legs.push(leg);
            }
        }
        for leg in &mut legs {
            leg.replayed = true;
        }
        BasketAnswer {
            at: stored.at,
            legs,
            failed: stored.failed,
            broken: stored.broken,
            replayed: true,
            cancel: stored.cancel,
        }
    }

    /// Makes each approved leg a request of its own: reported on, replaced, released and repeated as any other.
    fn store_legs(
        &self,
        joint: &Joint<'_>,
        tables: &mut Tables<'_>,
        (legs, numbers): (&[Answer], &[Option<usize>]),
        until: i64,
    ) {
        let of_parts = joint.parts.iter().zip(&tables.parts);
        for ((part, place), (answer, number)) in of_parts.zip(legs.iter().zip(numbers)) {
            let digest = match part {
                Part::Order(order) => self.requests.digest(*order),
                Part::Replace(replace, _) => self.requests.digest(replace),
            };
            let Some(table) = tables.many.table(*place) else {
                continue;
            };
            self.give_way(table, *place, part.key());
            let entry = self.remember(table, *place, part.key(), digest, until);
            entry.answer = Some(Stored::new(answer));
            match (part, number) {
                (Part::Order(_), Some(number)) => {
                    entry.order = OrderSlot::Live(Arc::clone(joint.bucket), *number);
                }
                (Part::Replace(_, root), Some(_)) => {
                    entry.order = OrderSlot::Version(Box::new(root.clone()));
                }
                (Part::Order(_) | Part::Replace(..), None) => {}
            }
        }
    }
}

/// A leg that would pass, of a basket that does not: nobody must take it for an approval.
fn not_by_itself(leg: &mut Answer) {
    if matches!(leg.decision.outcome, Outcome::Rejected(_)) {
        return;
    }
    leg.decision.outcome = Outcome::Rejected(Box::new([Finding {
        reason: Reason::BasketRejected,
        level: Level::Order,
        dimension: None,
        figures: None,
    }]));
    leg.order_state = None;
    leg.expires_at = None;
    leg.cancel_first = Vec::new();
}
