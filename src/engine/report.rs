//! Facts: what the venue and the client tell of orders. They are booked, whatever they break, and flagged (H3–H17).
//!
//! A report finds its order by the client's id and is booked to the bucket stored with the order, never to the one it names (NL11). The
//! order is taken out of its place, changed, and put where it then belongs: among the live ones of its bucket, or with its stored answer.

use core::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::Engine;
use super::alarms::Alarm;
use super::answer::{Receipt, Refusal, ReportFlag};
use super::bucket::{Bucket, BucketState, Move, Relinked};
use super::executions::Booking;
use super::group::Footprint;
use super::index::{Entry, OrderSlot, Root};
use super::order::OrderRecord;
use crate::domain::amount::{Money, Quantity};
use crate::domain::decision::Reason;
use crate::domain::name::{ClOrdId, ClientId};
use crate::domain::order::{Notice, OrderKey, Terms};
use crate::domain::report::{CancelRejectOf, Report, ReportKind};
use crate::domain::state::{BreachCause, OrderState};
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::lifecycle::{Confirmed, Release, Stage};
use crate::risk::valuation::{Prices, exposure_price, unit_value};

impl Engine {
    /// Books a report.
    pub fn report(&self, report: &Report, now: Now) -> Receipt {
        let receipt = self.book_report(report, now);
        for (flag, what) in [
            (
                ReportFlag::RouteViolation,
                "happened at another account than the order's route",
            ),
            (
                ReportFlag::RouteNotAccepted,
                "is of an order whose route its client had not accepted",
            ),
        ] {
            if receipt.flags.contains(&flag) {
                tracing::error!(client = %report.client, order = %report.cl_ord_id, venue = %report.venue, "a report {what}: booked to the order's bucket");
            }
        }
        receipt
    }

    fn book_report(&self, report: &Report, now: Now) -> Receipt {
        match (&report.kind, &report.exec_id) {
            (ReportKind::Trade(fill), Some(exec)) => self.trade(report, fill, exec, now),
            (ReportKind::Bust { of }, Some(exec)) => self.amend_fill(report, of, None, exec, now),
            (ReportKind::Correct { of, to }, Some(exec)) => {
                self.amend_fill(report, of, Some(to), exec, now)
            }
            (ReportKind::Restated { quantity, price }, Some(exec)) => {
                self.restate(report, &(*quantity, *price), exec, now)
            }
            _ => self.status(report, now),
        }
    }

    /// Takes a notice of the client.
    ///
    /// # Errors
    /// Where there is no such order.
    pub fn notify(
        &self,
        client: &ClientId,
        cl_ord_id: &ClOrdId,
        notice: Notice,
        now: Now,
    ) -> Result<Receipt, Refusal> {
        let told = self.change_order(client, cl_ord_id, now, |_, _, record| {
            let mut flags = Vec::new();
            let news = match notice {
                Notice::Sent => {
                    let unaccepted = record.life.is_offered();
                    flags.extend(unaccepted.then_some(ReportFlag::RouteNotAccepted));
                    record.accept(now);
                    // Told again, it gives no more time.
                    if record.life.stage() == Stage::Reserved {
                        record.deadline = now.mono.saturating_add(record.patience());
                    }
                    record.life.sent(cl_ord_id)
                }
                Notice::CancelRequested => record.life.cancel_requested(),
            };
            news.then_some(flags)
        });
        let receipt = told.ok_or(Refusal::UnknownOrder)?;
        if receipt.flags.contains(&ReportFlag::RouteNotAccepted) {
            tracing::error!(client = %client, order = %cl_ord_id, "an order was sent on a route that its client had not accepted: it counts as accepted");
        }
        Ok(receipt)
    }

    /// Frees an order, or a replace, that the client never sent (H2). An id never seen is remembered, so that a request that comes after its
    /// own release is refused.
    ///
    /// # Errors
    /// Where the order is known to be sent, is over by another end, or was refused; and where the client has no id left.
    pub fn release(&self, key: &OrderKey, now: Now) -> Result<Receipt, Refusal> {
        if let Some(receipt) = self.release_unseen(key, now)? {
            return Ok(receipt);
        }
        let mut release = Release::Ended;
        let told = self.change_order(&key.client, &key.cl_ord_id, now, |_, _, record| {
            release = if record.key.cl_ord_id == key.cl_ord_id {
                record.life.release()
            } else {
                record.life.release_replace(&key.cl_ord_id)
            };
            (release == Release::Done).then(Vec::new)
        });
        let receipt = told.ok_or(Refusal::UnknownOrder)?;
        match release {
            Release::Done | Release::Again => Ok(receipt),
            Release::Sent => Err(Refusal::AlreadySent),
            Release::Ended => Err(Refusal::OrderEnded),
        }
    }

    /// Ends an order by the word of a person who asked the venue, with this much filled in all (H2). What is not booked of it stays held as
    /// owed.
    ///
    /// # Errors
    /// Where there is no such order.
    pub fn resolve(&self, key: &OrderKey, filled: Quantity, now: Now) -> Result<Receipt, Refusal> {
        let told = self.change_order(&key.client, &key.cl_ord_id, now, |_, _, record| {
            let oddities = record.life.resolved(filled)?;
            let owed = oddities.owed.then_some(ReportFlag::OwedFills);
            Some(owed.into_iter().collect())
        });
        told.ok_or(Refusal::UnknownOrder)
    }

    /// Remembers the release of an id under which nothing was decided, and answers the same where it did so before. Nothing where something
    /// was.
    fn release_unseen(&self, key: &OrderKey, now: Now) -> Result<Option<Receipt>, Refusal> {
        let leads_nowhere = self.order_of(&key.client, &key.cl_ord_id).is_none();
        let place = self.requests.place(key);
        let mut shard = self.requests.lock(place);
        let mut receipt = Receipt {
            flags: vec![ReportFlag::UnknownOrder],
            ..Receipt::default()
        };
        if let Some(entry) = shard.get_mut(place, key) {
            let is_of_today = entry.until > now.wall;
            match (&entry.order, &entry.answer) {
                // What was refused on an earlier day is not what is released now, nor a replace of an order that is forgotten: the answer
                // does not hang on when housekeeping comes by.
                (OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_), _)
                    if !is_of_today && leads_nowhere => {}
                (OrderSlot::None, None) => return Ok(Some(receipt)),
                _ => return Ok(None),
            }
            self.give_way(&mut shard, place, key);
        }
        let client = self.client(&key.client)?;
        if client.claim() >= client.exit_quota() {
            client.forgotten();
            return Err(Refusal::ClientQuota);
        }
        let until = now.wall.saturating_add(super::DAY);
        self.remember(&mut shard, place, key, 0, until);
        receipt.applied = true;
        receipt.sequence = self.next_sequence(true);
        Ok(Some(receipt))
    }

    /// Frees the unsent orders of clients that promised never to send what they have not committed, once their time is up (H2).
    pub(super) fn release_overdue(&self, now: Now) {
        let next = || {
            let mut unsent = self.unsent.lock();
            unsent
                .first()
                .filter(|(deadline, _)| *deadline <= now.mono)?;
            unsent.pop_first()
        };
        while let Some((_, key)) = next() {
            let _ = self.change_order(&key.client, &key.cl_ord_id, now, |_, _, record| {
                let due = record.send_after_commit && now.mono >= record.deadline;
                (due && record.life.is_unsent() && record.life.release() == Release::Done)
                    .then(Vec::new)
            });
        }
    }

    /// Everything that is not an execution.
    pub(super) fn status(&self, report: &Report, now: Now) -> Receipt {
        let told = self.with_order(
            &report.client,
            &report.cl_ord_id,
            now,
            |state, bucket, record| {
                let mut flags = self.compare(report, state, record);
                let cum = report.cum;
                if let Some(cum) = cum {
                    record.life.told_filled(cum);
                }
                let mut cause = BreachCause::Restatement;
                let oddities = match &report.kind {
                    ReportKind::New | ReportKind::Trade(_) => {
                        record.life.acknowledged();
                        None
                    }
                    ReportKind::Canceled => Some(record.life.ended(OrderState::Canceled, cum)),
                    ReportKind::Expired => Some(record.life.ended(OrderState::Expired, cum)),
                    ReportKind::DoneForDay => Some(record.life.ended(OrderState::DoneForDay, cum)),
                    // Of a replace that is not in force it is the replace that was refused: the order lives.
                    ReportKind::Rejected if !record.is_known_as(&report.cl_ord_id) => {
                        let of = CancelRejectOf::Replace;
                        record.life.cancel_rejected(of, &report.cl_ord_id);
                        flags.push(ReportFlag::NeedsReconciliation);
                        None
                    }
                    ReportKind::Rejected => Some(record.life.venue_rejected(cum)),
                    ReportKind::Replaced => {
                        if record.life.replaced(&report.cl_ord_id) != Confirmed::Expected {
                            flags.push(ReportFlag::NeedsReconciliation);
                        }
                        None
                    }
                    ReportKind::CancelRejected { of, unknown_order } => {
                        record.life.cancel_rejected(*of, &report.cl_ord_id);
                        flags.extend(unknown_order.then_some(ReportFlag::NeedsReconciliation));
                        None
                    }
                    ReportKind::Restated { quantity, price } => {
                        let terms = price.map(|price| Terms::Limit { price });
                        let valued = terms
                            .map(|terms| (terms, self.restated_unit(state, record, terms, now)));
                        record.life.restated(*quantity, valued);
                        None
                    }
                    // Without an execution id there is nothing to find; the edge refuses such a report.
                    ReportKind::Bust { .. } | ReportKind::Correct { .. } => {
                        cause = BreachCause::Bust;
                        None
                    }
                };
                if let Some(oddities) = oddities {
                    flags.extend(oddities.owed.then_some(ReportFlag::OwedFills));
                    flags.extend(
                        oddities
                            .unresolved
                            .then_some(ReportFlag::NeedsReconciliation),
                    );
                }
                self.settle(state, bucket, record, None, cause);
                flags
            },
        );
        told.unwrap_or_else(|| Receipt {
            sequence: self.next_sequence(true),
            flags: vec![ReportFlag::UnknownOrder, ReportFlag::NeedsReconciliation],
            ..Receipt::default()
        })
    }

    /// Value of one contract of a restated order; without a price the highest it had.
    pub(super) fn restated_unit(
        &self,
        state: &BucketState,
        record: &OrderRecord,
        terms: Terms,
        now: Now,
    ) -> Money {
        let unit = state.holding(record.instrument).and_then(|holding| {
            let instrument = &holding.listed.instrument;
            let prices: Prices = holding.listed.prices(now, false);
            let price = exposure_price(&terms, record.side, &prices, state.limits.market_slippage)
                .or(terms.limit_price());
            let rate = self
                .market
                .rate(instrument.value_currency(), &state.limits.currency, now);
            unit_value(instrument, price, rate.ok()?.0)
        });
        unit.unwrap_or_else(|| {
            record
                .life
                .versions()
                .map(|version| version.unit)
                .max()
                .unwrap_or(Money::ZERO)
        })
    }

    /// Finds an order by any of its ids, takes it out of its place, lets `change` change it, brings the bucket's figures in line with it, and
    /// puts it where it then belongs. Nothing where there is no such order.
    pub(super) fn with_order(
        &self,
        client: &ClientId,
        cl_ord_id: &ClOrdId,
        now: Now,
        change: impl FnOnce(&mut BucketState, &Arc<Bucket>, &mut OrderRecord) -> Vec<ReportFlag>,
    ) -> Option<Receipt> {
        self.change_order(client, cl_ord_id, now, |state, bucket, record| {
            Some(change(state, bucket, record))
        })
    }

    /// The same for this very order: nothing where its id stands for another by now.
    pub(super) fn with_root(
        &self,
        root: &Root,
        now: Now,
        change: impl FnOnce(&mut BucketState, &Arc<Bucket>, &mut OrderRecord) -> Vec<ReportFlag>,
    ) -> Option<Receipt> {
        self.change_root(root, now, |state, bucket, record| {
            Some(change(state, bucket, record))
        })
    }

    /// As [`Self::with_order`], where `change` may find that there is nothing to change: that takes no number of the log.
    fn change_order(
        &self,
        client: &ClientId,
        cl_ord_id: &ClOrdId,
        now: Now,
        change: impl FnOnce(&mut BucketState, &Arc<Bucket>, &mut OrderRecord) -> Option<Vec<ReportFlag>>,
    ) -> Option<Receipt> {
        self.change_root(&self.order_of(client, cl_ord_id)?, now, change)
    }

    fn change_root(
        &self,
        root: &Root,
        now: Now,
        change: impl FnOnce(&mut BucketState, &Arc<Bucket>, &mut OrderRecord) -> Option<Vec<ReportFlag>>,
    ) -> Option<Receipt> {
        let place = self.requests.place(&root.key);
        let mut shard = self.requests.lock(place);
        let entry = shard
            .get_mut(place, &root.key)
            .filter(|entry| entry.decided() == root.decided)?;
        let (receipt, lapsed) = self.change_entry(entry, now, change)?;
        drop(shard);
        if lapsed {
            self.alarms.tell(&Alarm::Order(&receipt, now));
        }
        Some(receipt)
    }

    /// The same for the order of an id whose table is locked. An offer whose time is over is released first, whatever comes; the flag
    /// says whether it was.
    pub(super) fn change_entry(
        &self,
        entry: &mut Entry,
        now: Now,
        change: impl FnOnce(&mut BucketState, &Arc<Bucket>, &mut OrderRecord) -> Option<Vec<ReportFlag>>,
    ) -> Option<(Receipt, bool)> {
        let decided = entry.decided();
        let bucket = match &entry.order {
            OrderSlot::Live(bucket, _) | OrderSlot::Ended(bucket, _) => Arc::clone(bucket),
            OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_) => return None,
        };
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(now);
        // As long as an execution that was booked to it a moment ago.
        entry.kept = entry.kept.max(self.kept_until(now));
        let was_live = entry.is_live();
        let mut record = match &entry.order {
            OrderSlot::Live(_, number) => state.orders.remove(*number)?,
            OrderSlot::Ended(..)
            | OrderSlot::None
            | OrderSlot::Version(_)
            | OrderSlot::Basket(_) => {
                let OrderSlot::Ended(_, record) =
                    core::mem::replace(&mut entry.order, OrderSlot::None)
                else {
                    return None;
                };
                record
            }
        };
        let mut receipt = Receipt {
            applied: true,
            ..Receipt::default()
        };
        let offered = record.life.is_offered().then_some(record.deadline);
        let lapsed = record.lapse(now);
        // It rests at the prices it has while it is live, whatever `change` does to either.
        let mut rested = Vec::new();
        if was_live {
            state.unrest_all(&record);
            rested = state.resting_above(&record);
        }
        state.aside = u32::from(was_live);
        let booked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            match change(state, &bucket, &mut record) {
                Some(flags) => receipt.flags = flags,
                None => receipt.applied = false,
            }
            #[cfg(test)]
            super::faults::strike_report(&record.key.cl_ord_id);
            // Whatever `change` did to the order's life, its hold follows.
            self.settle(state, &bucket, &mut record, None, BreachCause::Restatement);
            let over = record.life.is_over();
            if over && was_live {
                state.end(&mut record);
            }
            if !receipt.flags.is_empty() {
                state.counters.flagged = state.counters.flagged.saturating_add(1);
            }
            state.aside = u32::from(!over);
            state.review_breach();
            let order = Some((&*record, now));
            self.finish(state, &bucket, record.instrument, order, &mut receipt);
            over
        }));
        // After a fault the order stays where it was, with what it holds: nothing of it is lost or freed.
        let over = booked.unwrap_or_else(|_| {
            self.halt_for_fault(&bucket, state, Reason::InternalFault);
            receipt.flags.push(ReportFlag::NeedsReconciliation);
            !was_live && record.hold == Hold::default()
        });
        state.aside = 0;
        state.tell_orders(record.account, was_live, !over);
        let rests = match over {
            true => Vec::new(),
            false => state.resting_above(&record),
        };
        state.rest_above(record.instrument, record.side, &rested, &rests);
        if let Some(deadline) = offered.filter(|_| !record.life.is_offered()) {
            self.offers.close(deadline, decided);
        }
        if receipt.applied || lapsed {
            receipt.sequence = self.next_sequence(true);
        }
        let seat = record.link.as_deref().copied();
        entry.order = if over {
            if let Some(seat) = seat {
                state.reseat(&seat, None);
            }
            OrderSlot::Ended(Arc::clone(&bucket), record)
        } else {
            state.rest_all(&record);
            let number = state.orders.insert(record, &self.pieces);
            if let Some(seat) = seat {
                state.reseat(&seat, Some(number));
            }
            OrderSlot::Live(Arc::clone(&bucket), number)
        };
        Some((receipt, lapsed))
    }

    /// Brings the bucket's figures in line with what an order now holds, and with a fill where there is one.
    pub(super) fn settle(
        &self,
        state: &mut BucketState,
        bucket: &Arc<Bucket>,
        record: &mut OrderRecord,
        booking: Option<&Booking>,
        cause: BreachCause,
    ) {
        // A hold beyond exact arithmetic stays as it was; a fill beside it is booked all the same.
        let unit = state
            .holding(record.instrument)
            .and_then(|holding| holding.unit)
            .unwrap_or(Money::ZERO);
        let own = record.life.hold().and_then(|hold| hold.at(unit));
        let same = Relinked {
            before: record.hold,
            after: record.hold,
            noted: record.hold,
            moves: Vec::new(),
        };
        let Relinked {
            before,
            after,
            noted,
            moves: mates,
        } = match (own, &record.link) {
            (None, _) => same,
            (Some(own), None) => Relinked {
                after: own,
                noted: own,
                ..same
            },
            (Some(own), Some(_)) => state.relink(record, own).unwrap_or(same),
        };
        record.hold = noted;
        if before == after && booking.is_none() && mates.is_empty() {
            return;
        }
        // What the venue did to one leg alone is not approved of the others.
        let is_faint = matches!(cause, BreachCause::FillPrice | BreachCause::Restatement);
        let cause = if is_faint && state.is_in_package(record.link.as_deref()) {
            BreachCause::SpreadCredit
        } else {
            cause
        };
        state.aside = u32::from(!record.life.is_over());
        let step = Move {
            account: record.account,
            side: record.side,
            before,
            after,
            position: None,
        };
        self.apply(state, bucket, record.instrument, step, booking, cause);
        // The credit of the other legs goes with what is balanced: facts move them, and nothing is asked.
        for (instrument, number, step) in mates {
            self.apply(
                state,
                bucket,
                instrument,
                step,
                None,
                BreachCause::SpreadCredit,
            );
            if let Some(mate) = state.orders.get_mut(number) {
                mate.hold = step.after;
            }
        }
    }

    pub(super) fn apply(
        &self,
        state: &mut BucketState,
        bucket: &Arc<Bucket>,
        number: u32,
        step: Move,
        booking: Option<&Booking>,
        cause: BreachCause,
    ) {
        let position = booking.map(|booking| {
            (
                booking.account.unwrap_or(step.account),
                booking.effect.position,
            )
        });
        // A fill at another account than the order's moves that account's line, and the order's own by what it no longer holds.
        let elsewhere = position.filter(|(account, _)| *account != step.account);
        let here = position.filter(|(account, _)| *account == step.account);
        let first = Move {
            position: here,
            ..step
        };
        let second = elsewhere.map(|(account, quantity)| Move {
            account,
            before: Hold::default(),
            after: Hold::default(),
            position: Some((account, quantity)),
            ..step
        });
        let value = (step.before.value, step.after.value);
        let traded = booking.map_or(Money::ZERO, |booking| booking.traded);
        for (part, value, traded) in core::iter::once((first, value, traded))
            .chain(second.map(|part| (part, (Money::ZERO, Money::ZERO), Money::ZERO)))
        {
            let shift = state.shift(number, Some(&part));
            let Some((shift, footprint)) =
                shift.and_then(|shift| Some((shift, state.footprint(&shift)?)))
            else {
                // A figure beyond exact arithmetic: the bucket stops, since it can no longer tell what it holds.
                self.halt_for_fault(bucket, state, Reason::Overflow);
                return;
            };
            state.commit(&shift);
            state.change_open_value(value.0, value.1);
            state.add_traded(traded);
            let footprint = Footprint {
                value,
                traded,
                ..footprint
            };
            state.tell_above(part.account, &footprint);
        }
        if let Some(booking) = booking {
            state.book(number, &booking.effect);
        }
        state.note_breach(cause);
    }

    /// What the order, its bucket and its account say against a report; an order that the venue reports of is accepted by that (RR10).
    pub(super) fn compare(
        &self,
        report: &Report,
        state: &BucketState,
        record: &mut OrderRecord,
    ) -> Vec<ReportFlag> {
        let mut flags = Vec::new();
        let Some(route) = state.route(record.account) else {
            return flags;
        };
        let differs = report
            .bucket
            .as_ref()
            .is_some_and(|bucket| *bucket != route.bucket);
        flags.extend(differs.then_some(ReportFlag::BucketMismatch));
        let account = report.account.as_ref();
        let elsewhere =
            report.venue != route.venue || account.is_some_and(|account| *account != route.account);
        flags.extend(elsewhere.then_some(ReportFlag::RouteViolation));
        if record.life.is_offered() {
            // The venue knows of it, whatever its client was to say: it counts as accepted.
            flags.push(ReportFlag::RouteNotAccepted);
            record.accept(state.seen());
        }
        flags
    }

    /// Place of the account a report names among the bucket's.
    pub(super) fn account_of(&self, report: &Report, state: &BucketState) -> Option<u16> {
        state
            .account(&report.venue, report.account.as_ref())
            .map(|(place, _)| place)
    }

    /// The first id of the order an id belongs to.
    pub(super) fn root_of(&self, client: &ClientId, cl_ord_id: &ClOrdId) -> OrderKey {
        self.order_of(client, cl_ord_id).map_or_else(
            || OrderKey {
                client: client.clone(),
                cl_ord_id: cl_ord_id.clone(),
            },
            |root| root.key,
        )
    }

    /// Fills in what a receipt says of the bucket.
    pub(super) fn finish(
        &self,
        state: &BucketState,
        bucket: &Bucket,
        number: u32,
        order: Option<(&OrderRecord, Now)>,
        receipt: &mut Receipt,
    ) {
        receipt.bucket = Some(bucket.id.clone());
        receipt.order = order.and_then(|(record, now)| self.order_view(state, record, now));
        receipt.currency = Some(state.limits.currency.clone());
        receipt.position = state
            .holding(number)
            .map(|holding| holding.view(&bucket.id, state));
        receipt.breach = state.breach();
        if !receipt.breach.is_empty() {
            receipt.flags.push(ReportFlag::InBreach);
        }
        receipt.trim = state.trims(number, order.map(|(record, _)| record));
        if !receipt.trim.is_empty() {
            receipt.flags.push(ReportFlag::ReduceOnlyExcess);
        }
    }
}
