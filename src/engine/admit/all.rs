//! Many orders and replaces of one bucket before the bar, all or none (J1): one after the other on the state as those before leave it,
//! under one hold of the bucket's lock and of the groups above. Nobody else sees the state in between.

use core::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::{Above, Admitted, Sitting};
use crate::domain::amount::{Quantity, Ratio};
use crate::domain::basket::{Package, Pair};
use crate::domain::decision::Reason;
use crate::domain::order::{Order, Replace, Size};
use crate::engine::Engine;
use crate::engine::bucket::{Bucket, BucketState, Savepoint, Seat};
use crate::engine::market::Listed;
use crate::engine::order::OrderRecord;
use crate::risk::link::Rule;

/// One of the requests that are decided together.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum LegRef<'a> {
    /// A new order.
    Order(&'a Order),
    /// A change of the live order of this number, or why there is none.
    Replace(&'a Replace, Result<usize, Reason>),
    /// One that cannot be taken at all: a new order, where it is one.
    Dismissed(Option<&'a Order>, Reason),
}

/// Requests that are decided together.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Together<'a> {
    pub legs: &'a [LegRef<'a>],
    /// Legs of which one cancels the other.
    pub pairs: &'a [Pair],
    /// The combination that all of them are.
    pub package: Option<&'a Package>,
}

/// What came of them.
#[derive(Default)]
pub(in crate::engine) struct Weighed {
    /// Of each leg that was evaluated.
    pub legs: Vec<Admitted>,
    /// The first that failed.
    pub failed: Option<usize>,
    /// End of the bucket's trading day, wall nanoseconds.
    pub day_end: i64,
}

impl Engine {
    /// Puts requests to the bar together. They take effect where all of them pass and `sitting` is no trial; else the bucket and its groups
    /// are as before, but for the attempts in the order rates, which a trial takes back too.
    pub(in crate::engine) fn admit_all(
        &self,
        bucket: &Arc<Bucket>,
        together: &Together<'_>,
        sitting: &Sitting<'_>,
        weighed: &mut Weighed,
    ) {
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(sitting.now);
        weighed.day_end = state.day_end();
        let levels = Arc::clone(&state.levels);
        let mut above = Above::kept(&levels, sitting.now);
        let groups = above.save(&self.instruments_of(state, together));
        let mut save = state.savepoint();
        let seats = self.seats(state, together, &mut save);
        let mut reached = Vec::new();
        let met = std::panic::catch_unwind(AssertUnwindSafe(|| {
            self.weigh_all(
                (state, &mut above),
                (together, &seats),
                sitting,
                (weighed, &mut save, &mut reached),
            );
        }));
        if met.is_ok() && weighed.failed.is_none() && !sitting.trial {
            drop(above);
            for listed in reached {
                state.keep_holding(bucket, &listed, &self.market, sitting.now);
            }
            return;
        }
        above.restore(groups);
        drop(above);
        let undone = state.restore(save, !sitting.trial);
        if let Some(failed) = weighed.legs.last().filter(|_| weighed.failed.is_some())
            && !sitting.trial
        {
            state.count_refusal(&failed.verdict);
        }
        drop(guard);
        self.take_back(undone.into_iter());
        if let Err(fault) = met {
            std::panic::resume_unwind(fault);
        }
    }

    /// The instruments of all legs, each once.
    fn instruments_of(&self, state: &BucketState, together: &Together<'_>) -> Vec<u32> {
        let instruments = self.market.instruments();
        let number = |leg: &LegRef<'_>| match leg {
            LegRef::Order(order) => Some(instruments.get(&order.instrument)?.number),
            LegRef::Replace(_, Ok(number)) => Some(state.orders.get(*number)?.instrument),
            LegRef::Replace(_, Err(_)) | LegRef::Dismissed(..) => None,
        };
        let mut numbers: Vec<u32> = together.legs.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn weigh_all(
        &self,
        (state, above): (&mut BucketState, &mut Above<'_>),
        (together, seats): (&Together<'_>, &[Option<Seat>]),
        sitting: &Sitting<'_>,
        (weighed, save, reached): (&mut Weighed, &mut Savepoint, &mut Vec<Arc<Listed>>),
    ) {
        weighed.legs.reserve(together.legs.len());
        for (at, leg) in together.legs.iter().enumerate() {
            let sitting = Sitting {
                used: sitting
                    .used
                    .saturating_add(u32::try_from(at).unwrap_or(u32::MAX)),
                ..*sitting
            };
            let mut admitted = Admitted::default();
            match leg {
                LegRef::Order(order) => {
                    if let Some(listed) = self.market.instruments().get(&order.instrument) {
                        state.keep_as_it_is(save, listed.number);
                    }
                    let opened = self.admit_in(
                        state,
                        above,
                        (order, None, seats.get(at).copied().flatten()),
                        &sitting,
                        &mut admitted,
                    );
                    if let Some((listed, opened)) = opened {
                        if let Some(opened) = opened {
                            save.opened(opened);
                        }
                        reached.push(listed);
                    }
                    if let Some(number) = admitted.number {
                        save.inserted(number);
                    }
                }
                LegRef::Replace(replace, Ok(number)) => {
                    state.keep_order(save, *number);
                    let of = (*number, *replace);
                    self.replace_in(state, above, of, &sitting, &mut admitted);
                }
                LegRef::Replace(_, Err(reason)) | LegRef::Dismissed(_, reason) => {
                    admitted = self.dismissed(*reason, sitting.is_logged(), sitting.now);
                }
            }
            let passes = admitted.verdict.passes();
            weighed.legs.push(admitted);
            if !passes {
                weighed.failed = Some(at);
                return;
            }
        }
    }

    /// Links the legs that are to be linked, before the first of them is weighed. What is not to be had at the venue in one piece, and what
    /// the limits give no credit for, is not linked: it counts in full.
    fn seats(
        &self,
        state: &mut BucketState,
        together: &Together<'_>,
        save: &mut Savepoint,
    ) -> Vec<Option<Seat>> {
        if together.pairs.is_empty() && together.package.is_none() {
            return Vec::new();
        }
        // A share of all of it or more is no credit.
        let share = state.limits.spread_counted_share;
        let share = share.filter(|share| *share < Ratio::ONE);
        let mut seats = vec![None; together.legs.len()];
        let member = |leg: Option<&LegRef<'_>>| match leg {
            Some(LegRef::Order(order) | LegRef::Dismissed(Some(order), _)) => {
                let instruments = self.market.instruments();
                let known = instruments.get(&order.instrument);
                let number = known.map_or(u32::MAX, |listed| listed.number);
                let quantity = match order.size {
                    Size::Quantity(quantity) => quantity,
                    Size::Cash(_) | Size::ClosePosition => Quantity::ZERO,
                };
                Some((number, order.side, quantity))
            }
            Some(LegRef::Replace(..) | LegRef::Dismissed(None, _)) | None => None,
        };
        let mut link = |rule, legs: &[usize]| {
            let members: Option<Vec<_>> = legs
                .iter()
                .map(|leg| member(together.legs.get(*leg)))
                .collect();
            // Only new orders are linked.
            let Some(members) = members else { return };
            let number = state.link(rule, members.into_iter());
            save.linked(number);
            for (place, leg) in legs.iter().enumerate() {
                if let Some(seat) = seats.get_mut(*leg) {
                    *seat = Some(Seat {
                        link: number,
                        place,
                    });
                }
            }
        };
        for pair in together.pairs.iter().filter(|pair| pair.venue_enforced) {
            link(Rule::OneCancelsOther, &[pair.legs.0, pair.legs.1]);
        }
        if let (Some(package), Some(share)) = (together.package, share)
            && package.venue_atomic
        {
            let all: Vec<usize> = (0..together.legs.len()).collect();
            let ratios = package.ratios.clone();
            link(Rule::Spread { ratios, share }, &all);
        }
        seats
    }

    /// Keeps the memory of orders that were undone, and forgets when they would have been overdue.
    fn take_back(&self, undone: impl Iterator<Item = Box<OrderRecord>>) {
        for record in undone {
            if record.send_after_commit {
                let due = (record.deadline, record.key.clone());
                self.unsent.lock().remove(&due);
            }
            self.records.give(record);
        }
    }
}
