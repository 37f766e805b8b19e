//! Facts: what the venue and the client tell of orders. They are booked, whatever they break, and flagged (H3–H17).
//!
//! A report finds its order by the client's id and is booked to the bucket stored with the order, never to the one it names (NL11). The
//! order is taken out of its place, changed, and put where it then belongs: among the live ones of its bucket, or with its stored answer.

use core::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::Engine;
use super::answer::{Receipt, Refusal, ReportFlag};
use super::bucket::{Bucket, BucketState, Move};
use super::index::{BookedFill, Entry, ExecKey, Execution, ExecutionKind, OrderSlot};
use super::market::Listed;
use super::order::OrderRecord;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::Reason;
use crate::domain::name::{ClOrdId, ClientId, ExecId};
use crate::domain::order::{Notice, OrderKey, Side, Terms};
use crate::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use crate::domain::state::{BreachCause, OrderState};
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::lifecycle::Stage;
use crate::risk::pnl::{Effect, trade};
use crate::risk::valuation::{Prices, exposure_price, unit_value};

/// How long an execution id is remembered: beyond any late copy of it.
const EXECUTIONS_KEPT: i64 = 7 * 86_400_000_000_000;

/// What a fill or its reversal does to the position.
#[derive(Clone, Copy)]
struct Booking {
    account: Option<u16>,
    effect: Effect,
    /// Value counted in the day's traded notional, limit currency.
    traded: Money,
}

/// A fill as it is booked.
struct Dealt<'a> {
    side: Side,
    fill: &'a Fill,
    account: Option<u16>,
    /// What one contract of its order was approved at, limit currency.
    held: Option<Money>,
}

impl Booking {
    /// The booking of a correction: the day's traded notional counts what goes beyond what was counted, and gives nothing back (B5).
    fn beyond(self, counted: Money) -> Self {
        Self {
            traded: self
                .traded
                .checked_sub(counted)
                .map_or(self.traded, Money::floor_zero),
            ..self
        }
    }
}

impl BookedFill {
    /// Takes on what a correction says.
    fn become_of(&mut self, to: &Fill, booking: &Booking) {
        (self.quantity, self.price) = (to.quantity, to.price);
        (self.effect, self.value) = (booking.effect, booking.traded);
    }
}

impl Engine {
    /// Books a report.
    pub fn report(&self, report: &Report, now: Now) -> Receipt {
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

    /// A restatement: a late copy of it must not undo what came after it (NL13).
    fn restate(
        &self,
        report: &Report,
        what: &(Option<Quantity>, Option<Price>),
        exec: &ExecId,
        now: Now,
    ) -> Receipt {
        let key = self.exec_key(report, exec);
        let root = self.root_of(&report.client, &report.cl_ord_id);
        let digest = self.executions.digest(&(&root, what));
        let place = self.executions.place(&key);
        let mut shard = self.executions.lock(place);
        if let Some(known) = shard.get_mut(place, &key) {
            let flag = if known.digest == digest {
                ReportFlag::Duplicate
            } else {
                ReportFlag::ExecMismatch
            };
            return Receipt {
                sequence: self.next_sequence(true),
                flags: vec![flag],
                ..Receipt::default()
            };
        }
        let receipt = self.status(report, now);
        if receipt.applied {
            shard.insert(
                place,
                Execution {
                    key,
                    digest,
                    until: now.wall.saturating_add(EXECUTIONS_KEPT),
                    what: ExecutionKind::Amendment,
                },
            );
        }
        receipt
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
        let told = self.with_order(client, cl_ord_id, now, |_, _, record| {
            match notice {
                Notice::Sent => {
                    // Told again, it gives no more time.
                    if record.life.stage() == Stage::Reserved {
                        record.deadline = now.mono.saturating_add(record.patience());
                    }
                    record.life.sent();
                }
                Notice::CancelRequested => record.life.cancel_requested(),
            }
            Vec::new()
        });
        told.ok_or(Refusal::UnknownOrder)
    }

    /// Frees an order, or a replace, that the client never sent (H2). An id never seen is remembered, so that a request that comes after its
    /// own release is refused.
    ///
    /// # Errors
    /// Where the order is known to be sent.
    pub fn release(&self, key: &OrderKey, now: Now) -> Result<Receipt, Refusal> {
        let place = self.requests.place(key);
        {
            let mut shard = self.requests.lock(place);
            if shard.get_mut(place, key).is_none() {
                let client = self.client(&key.client)?;
                let until = now.wall.saturating_add(super::DAY);
                shard.insert(
                    place,
                    Entry {
                        key: key.clone(),
                        digest: 0,
                        until,
                        answer: None,
                        order: OrderSlot::None,
                    },
                );
                client.stored();
                return Ok(Receipt {
                    sequence: self.next_sequence(true),
                    flags: vec![ReportFlag::UnknownOrder],
                    ..Receipt::default()
                });
            }
        }
        let mut sent = false;
        let told = self.with_order(&key.client, &key.cl_ord_id, now, |_, _, record| {
            if record
                .life
                .pending()
                .iter()
                .any(|version| version.cl_ord_id == key.cl_ord_id)
            {
                record
                    .life
                    .cancel_rejected(CancelRejectOf::Replace, &key.cl_ord_id);
            } else if record.key.cl_ord_id == key.cl_ord_id {
                sent = !record.life.release();
            }
            Vec::new()
        });
        if sent {
            return Err(Refusal::AlreadySent);
        }
        told.ok_or(Refusal::UnknownOrder)
    }

    /// Frees the unsent orders of clients that promised never to send what they have not committed, once their time is up (H2).
    pub(super) fn release_overdue(&self, bucket: &Arc<Bucket>, now: Now) {
        let overdue: Vec<OrderKey> = {
            let state = bucket.state.lock();
            let due = |record: &OrderRecord| {
                record.send_after_commit && now.mono >= record.deadline && record.life.is_unsent()
            };
            state
                .orders
                .iter()
                .filter(|(_, record)| due(record))
                .map(|(_, record)| record.key.clone())
                .collect()
        };
        for key in overdue {
            let _ = self.with_order(&key.client, &key.cl_ord_id, now, |_, _, record| {
                if now.mono >= record.deadline {
                    let _ = record.life.release();
                }
                Vec::new()
            });
        }
    }

    /// A fill.
    fn trade(&self, report: &Report, fill: &Fill, exec: &ExecId, now: Now) -> Receipt {
        let key = self.exec_key(report, exec);
        let digest = self.executions.digest(&(
            &report.client,
            &self.root_of(&report.client, &report.cl_ord_id).cl_ord_id,
            fill,
            report.side,
        ));
        let place = self.executions.place(&key);
        let mut shard = self.executions.lock(place);
        let mut parked = None;
        match shard.get_mut(place, &key) {
            Some(Execution {
                what: ExecutionKind::Parked(to),
                ..
            }) => parked = Some(to.clone()),
            Some(Execution { digest: known, .. }) => {
                // Booked before; what it says of the order's status still counts (H14).
                let flag = if *known == digest {
                    ReportFlag::Duplicate
                } else {
                    ReportFlag::ExecMismatch
                };
                let mut receipt = if flag == ReportFlag::Duplicate {
                    self.status(report, now)
                } else {
                    Receipt::default()
                };
                receipt.applied = false;
                receipt.flags.push(flag);
                if receipt.sequence == 0 {
                    receipt.sequence = self.next_sequence(true);
                }
                return receipt;
            }
            None => {}
        }
        let (mut receipt, booked) = self.book_fill(report, fill, now);
        let Some(mut booked) = booked else {
            return receipt;
        };
        shard.remove(place, &key);
        if let Some(to) = parked {
            let (second, amended) = self.rebook(report, &booked, to.as_ref(), now);
            receipt = Receipt {
                flags: [receipt.flags, second.flags].concat(),
                ..second
            };
            booked = amended.unwrap_or(booked);
        }
        shard.insert(
            place,
            Execution {
                key,
                digest,
                until: now.wall.saturating_add(EXECUTIONS_KEPT),
                what: ExecutionKind::Fill(booked),
            },
        );
        receipt
    }

    /// Books a fill to its order, or, where there is none, to the bucket its account belongs to (H13).
    fn book_fill(&self, report: &Report, fill: &Fill, now: Now) -> (Receipt, Option<BookedFill>) {
        let mut booked = None;
        let known = self.with_order(
            &report.client,
            &report.cl_ord_id,
            now,
            |state, bucket, record| {
                let mut flags = self.compare(report, state, record);
                let account = self.account_of(report, state).or(Some(record.account));
                let held = record.life.versions().map(|version| version.unit).max();
                let booking = self.booking(
                    state,
                    record.instrument,
                    &Dealt {
                        side: record.side,
                        fill,
                        account,
                        held,
                    },
                    now,
                );
                let Some(oddities) = record.life.fill(fill.quantity) else {
                    return flags;
                };
                // After the fill: what it says was filled must not make it one that was owed.
                if let Some(cum) = report.cum {
                    record.life.told_filled(cum);
                }
                if record.life.is_in_cash() {
                    record.life.spend(booking.traded);
                    if report.leaves.is_some_and(Quantity::is_zero) {
                        record.life.cash_filled();
                    }
                }
                let cause = match (oddities.overfill, oddities.late_fill) {
                    (true, _) => BreachCause::Overfill,
                    (false, true) => BreachCause::LateFill,
                    (false, false) => BreachCause::FillPrice,
                };
                flags.extend(oddities.overfill.then_some(ReportFlag::Overfill));
                flags.extend(oddities.late_fill.then_some(ReportFlag::LateFill));
                self.settle(state, bucket, record, Some(booking), cause);
                state.counters.fills = state.counters.fills.saturating_add(1);
                booked = Some(BookedFill {
                    bucket: Arc::clone(bucket),
                    order: Some(record.key.clone()),
                    instrument: record.instrument,
                    account: booking.account,
                    side: record.side,
                    quantity: fill.quantity,
                    price: fill.price,
                    effect: booking.effect,
                    value: booking.traded,
                    busted: false,
                });
                flags
            },
        );
        match known {
            Some(mut receipt) => {
                receipt.realised = booked.as_ref().map(|fill| fill.effect.realised);
                (receipt, booked)
            }
            None => self.book_orphan(report, fill, now),
        }
    }

    /// A fill of an order we do not know: to the only bucket its account belongs to, else to quarantine; never guessed by symbol (H13).
    fn book_orphan(&self, report: &Report, fill: &Fill, now: Now) -> (Receipt, Option<BookedFill>) {
        let mut receipt = Receipt {
            sequence: self.next_sequence(true),
            flags: vec![ReportFlag::UnknownOrder, ReportFlag::NeedsReconciliation],
            ..Receipt::default()
        };
        let owner = self.owner_of(report);
        if owner.is_none() {
            receipt.flags.push(ReportFlag::Quarantined);
        }
        let listed = report
            .instrument
            .as_ref()
            .and_then(|id| self.market.instruments().get(id).cloned());
        let target = owner.or_else(|| self.quarantine.clone());
        let (Some(bucket), Some(listed), Some(side)) = (target, listed, report.side) else {
            // Nothing to book it to: kept as an alarm, and asked for again.
            if !receipt.flags.contains(&ReportFlag::Quarantined) {
                receipt.flags.push(ReportFlag::Quarantined);
            }
            tracing::error!(client = %report.client, order = %report.cl_ord_id, "a fill of an unknown order names no known instrument and side: not booked");
            return (receipt, None);
        };
        let booked = self.guarded(&bucket, now, || {
            self.book_to(&bucket, &listed, side, (report, fill), now, &mut receipt)
        });
        (receipt, booked)
    }

    /// Books a fill without an order.
    fn book_to(
        &self,
        bucket: &Arc<Bucket>,
        listed: &Arc<Listed>,
        side: Side,
        (report, fill): (&Report, &Fill),
        now: Now,
        receipt: &mut Receipt,
    ) -> BookedFill {
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(now);
        state.open_holding(bucket, listed, &self.market, now);
        let account = self.account_of(report, state);
        let booking = self.booking(
            state,
            listed.number,
            &Dealt {
                side,
                fill,
                account,
                held: None,
            },
            now,
        );
        let step = Move {
            account: account.unwrap_or(0),
            side,
            before: Hold::default(),
            after: Hold::default(),
            position: None,
        };
        self.apply(
            state,
            bucket,
            listed.number,
            step,
            Some(booking),
            BreachCause::UnknownFill,
        );
        state.counters.fills = state.counters.fills.saturating_add(1);
        state.counters.flagged = state.counters.flagged.saturating_add(1);
        self.finish(state, bucket, listed.number, None, receipt);
        receipt.realised = Some(booking.effect.realised);
        receipt.applied = true;
        BookedFill {
            bucket: Arc::clone(bucket),
            order: None,
            instrument: listed.number,
            account,
            side,
            quantity: fill.quantity,
            price: fill.price,
            effect: booking.effect,
            value: booking.traded,
            busted: false,
        }
    }

    /// A bust, or a correction (H15, H16).
    fn amend_fill(
        &self,
        report: &Report,
        of: &ExecId,
        to: Option<&Fill>,
        exec: &ExecId,
        now: Now,
    ) -> Receipt {
        let own_key = self.exec_key(report, exec);
        let of_key = ExecKey {
            exec_id: of.clone(),
            ..own_key.clone()
        };
        let digest = self.executions.digest(&(of, to));
        let (own_place, of_place) = (
            self.executions.place(&own_key),
            self.executions.place(&of_key),
        );
        let until = now.wall.saturating_add(EXECUTIONS_KEPT);
        let (mut own, mut other) = self.executions.lock_two(own_place, of_place);
        let simply = |flag| Receipt {
            sequence: self.next_sequence(true),
            flags: vec![flag],
            ..Receipt::default()
        };
        if let Some(known) = own.get_mut(own_place, &own_key) {
            return simply(if known.digest == digest {
                ReportFlag::Duplicate
            } else {
                ReportFlag::ExecMismatch
            });
        }
        let receipt = {
            let shard = other.as_deref_mut().unwrap_or(&mut *own);
            match shard
                .get_mut(of_place, &of_key)
                .map(|execution| &mut execution.what)
            {
                None => {
                    let what = ExecutionKind::Parked(to.cloned());
                    shard.insert(
                        of_place,
                        Execution {
                            key: of_key,
                            digest: 0,
                            until,
                            what,
                        },
                    );
                    simply(ReportFlag::BustParked)
                }
                // A bust is the last word about a fill, whichever comes first.
                Some(ExecutionKind::Parked(None)) => simply(ReportFlag::Duplicate),
                Some(ExecutionKind::Parked(parked)) => {
                    *parked = to.cloned();
                    simply(ReportFlag::BustParked)
                }
                Some(ExecutionKind::Amendment) => simply(ReportFlag::ExecMismatch),
                Some(ExecutionKind::Fill(fill)) if fill.busted => simply(ReportFlag::Duplicate),
                Some(ExecutionKind::Fill(fill))
                    if report.side.is_some_and(|side| side != fill.side)
                        || self.names_another_order(report, fill) =>
                {
                    simply(ReportFlag::ExecMismatch)
                }
                Some(ExecutionKind::Fill(fill)) => {
                    let (receipt, amended) = self.rebook(report, fill, to, now);
                    if let Some(amended) = amended {
                        *fill = amended;
                    }
                    receipt
                }
            }
        };
        own.insert(
            own_place,
            Execution {
                key: own_key,
                digest,
                until,
                what: ExecutionKind::Amendment,
            },
        );
        receipt
    }

    /// Whether a report is about an order we know, and the fill it refers to is of another one (NL11).
    fn names_another_order(&self, report: &Report, fill: &BookedFill) -> bool {
        let root = self.root_of(&report.client, &report.cl_ord_id);
        if fill.order.as_ref() == Some(&root) {
            return false;
        }
        let place = self.requests.place(&root);
        let mut shard = self.requests.lock(place);
        matches!(
            shard.get_mut(place, &root).map(|entry| &entry.order),
            Some(OrderSlot::Live(..) | OrderSlot::Ended(..))
        )
    }

    /// Reverses a booked fill exactly, and books what it really was, in one step.
    fn rebook(
        &self,
        report: &Report,
        fill: &BookedFill,
        to: Option<&Fill>,
        now: Now,
    ) -> (Receipt, Option<BookedFill>) {
        let Some(undone) = fill.effect.undone() else {
            return (Receipt::default(), None);
        };
        let undo = Booking {
            account: fill.account,
            effect: undone,
            traded: Money::ZERO,
        };
        let mut amended = BookedFill {
            busted: to.is_none(),
            ..fill.clone()
        };
        let Some(order) = &fill.order else {
            let receipt = self.guarded(&fill.bucket, now, || {
                self.rebook_orphan(fill, undo, to, &mut amended, now)
            });
            return (receipt.unwrap_or_default(), Some(amended));
        };
        let told = self.with_order(
            &order.client,
            &order.cl_ord_id,
            now,
            |state, bucket, record| {
                let flags = self.compare(report, state, record);
                let life = match to {
                    None => record.life.unfill(fill.quantity),
                    Some(to) => record.life.correct(fill.quantity, to.quantity),
                };
                if life.is_none() {
                    return flags;
                }
                record
                    .life
                    .spend(fill.value.checked_neg().unwrap_or(Money::ZERO));
                self.settle(state, bucket, record, Some(undo), BreachCause::Bust);
                if let Some(to) = to {
                    let booking = self.booking(
                        state,
                        record.instrument,
                        &Dealt {
                            side: record.side,
                            fill: to,
                            account: fill.account,
                            held: None,
                        },
                        now,
                    );
                    record.life.spend(booking.traded);
                    amended.become_of(to, &booking);
                    self.settle(
                        state,
                        bucket,
                        record,
                        Some(booking.beyond(fill.value)),
                        BreachCause::Bust,
                    );
                }
                flags
            },
        );
        (told.unwrap_or_default(), Some(amended))
    }

    fn rebook_orphan(
        &self,
        fill: &BookedFill,
        undo: Booking,
        to: Option<&Fill>,
        amended: &mut BookedFill,
        now: Now,
    ) -> Receipt {
        let mut receipt = Receipt {
            sequence: self.next_sequence(true),
            applied: true,
            ..Receipt::default()
        };
        let mut guard = fill.bucket.state.lock();
        let state = &mut *guard;
        state.roll(now);
        let step = Move {
            account: fill.account.unwrap_or(0),
            side: fill.side,
            before: Hold::default(),
            after: Hold::default(),
            position: None,
        };
        self.apply(
            state,
            &fill.bucket,
            fill.instrument,
            step,
            Some(undo),
            BreachCause::Bust,
        );
        if let Some(to) = to {
            let booking = self.booking(
                state,
                fill.instrument,
                &Dealt {
                    side: fill.side,
                    fill: to,
                    account: fill.account,
                    held: None,
                },
                now,
            );
            self.apply(
                state,
                &fill.bucket,
                fill.instrument,
                step,
                Some(booking.beyond(fill.value)),
                BreachCause::Bust,
            );
            amended.become_of(to, &booking);
        }
        self.finish(state, &fill.bucket, fill.instrument, None, &mut receipt);
        receipt
    }

    /// Everything that is not an execution.
    fn status(&self, report: &Report, now: Now) -> Receipt {
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
                    ReportKind::Rejected => Some(record.life.venue_rejected(cum)),
                    ReportKind::Replaced => {
                        if !record.life.replaced(&report.cl_ord_id) {
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
    fn restated_unit(
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
    fn with_order(
        &self,
        client: &ClientId,
        cl_ord_id: &ClOrdId,
        now: Now,
        change: impl FnOnce(&mut BucketState, &Arc<Bucket>, &mut OrderRecord) -> Vec<ReportFlag>,
    ) -> Option<Receipt> {
        let root = self.root_of(client, cl_ord_id);
        let place = self.requests.place(&root);
        let mut shard = self.requests.lock(place);
        let entry = shard.get_mut(place, &root)?;
        let bucket = match &entry.order {
            OrderSlot::Live(bucket, _) | OrderSlot::Ended(bucket, _) => Arc::clone(bucket),
            OrderSlot::None | OrderSlot::Version(_) => return None,
        };
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        state.roll(now);
        let was_live = entry.is_live();
        let mut record = match &entry.order {
            OrderSlot::Live(_, number) => state.orders.try_remove(*number)?,
            OrderSlot::Ended(..) | OrderSlot::None | OrderSlot::Version(_) => {
                let OrderSlot::Ended(_, record) =
                    core::mem::replace(&mut entry.order, OrderSlot::None)
                else {
                    return None;
                };
                record
            }
        };
        let mut receipt = Receipt {
            sequence: self.next_sequence(true),
            applied: true,
            ..Receipt::default()
        };
        // It rests at the prices it has while it is live, whatever `change` does to either.
        if was_live {
            state.unrest_all(&record);
        }
        state.aside = u32::from(was_live);
        let booked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            receipt.flags = change(state, &bucket, &mut record);
            #[cfg(test)]
            super::faults::strike_report(cl_ord_id);
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
            tracing::error!(bucket = %bucket.id, "a fault while booking a report: the bucket is halted");
            state.halt_for_fault(Reason::InternalFault);
            receipt.flags.push(ReportFlag::NeedsReconciliation);
            !was_live
        });
        state.aside = 0;
        entry.order = if over {
            OrderSlot::Ended(Arc::clone(&bucket), record)
        } else {
            state.rest_all(&record);
            let number = state.orders.insert(record);
            OrderSlot::Live(Arc::clone(&bucket), number)
        };
        Some(receipt)
    }

    /// Brings the bucket's figures in line with what an order now holds, and with a fill where there is one.
    fn settle(
        &self,
        state: &mut BucketState,
        bucket: &Arc<Bucket>,
        record: &mut OrderRecord,
        booking: Option<Booking>,
        cause: BreachCause,
    ) {
        let before = record.hold;
        // A hold beyond exact arithmetic stays as it was; a fill beside it is booked all the same.
        let unit = state
            .holding(record.instrument)
            .and_then(|holding| holding.unit)
            .unwrap_or(Money::ZERO);
        let after = record
            .life
            .hold()
            .and_then(|hold| hold.at(unit))
            .unwrap_or(before);
        if before == after && booking.is_none() {
            return;
        }
        state.aside = u32::from(!record.life.is_over());
        let step = Move {
            account: record.account,
            side: record.side,
            before,
            after,
            position: None,
        };
        self.apply(state, bucket, record.instrument, step, booking, cause);
        record.hold = after;
    }

    fn apply(
        &self,
        state: &mut BucketState,
        bucket: &Arc<Bucket>,
        number: u32,
        step: Move,
        booking: Option<Booking>,
        cause: BreachCause,
    ) {
        let position = booking.map(|booking| {
            (
                booking.account.unwrap_or(step.account),
                booking.effect.position,
            )
        });
        let before = *state.totals();
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
        for part in core::iter::once(first).chain(second) {
            let Some(shift) = state.shift(number, Some(&part)) else {
                // A figure beyond exact arithmetic: the bucket stops, since it can no longer tell what it holds.
                tracing::error!(bucket = %bucket.id, instrument = number, "a fact is too large to count: the bucket is halted");
                bucket.shift_groups(&before, state.totals());
                state.halt_for_fault(Reason::Overflow);
                return;
            };
            state.commit(&shift);
        }
        bucket.shift_groups(&before, state.totals());
        state.change_open_value(step.before.value, step.after.value);
        if let Some(booking) = booking {
            state.add_traded(booking.traded);
            state.book(number, &booking.effect);
        }
        state.note_breach(cause);
    }

    /// What a fill does to the position, its book and the day's traded notional.
    fn booking(
        &self,
        state: &mut BucketState,
        number: u32,
        dealt: &Dealt<'_>,
        now: Now,
    ) -> Booking {
        let Dealt {
            side,
            fill,
            account,
            held,
        } = *dealt;
        let signed = match side {
            Side::Buy => Some(fill.quantity),
            Side::Sell => fill.quantity.checked_neg(),
        };
        let Some(holding) = state.holding(number) else {
            let effect = Effect {
                position: signed.unwrap_or(Quantity::ZERO),
                ..Effect::default()
            };
            return Booking {
                account,
                effect,
                traded: Money::ZERO,
            };
        };
        let (position, book, last) = (holding.line.position, holding.book, holding.unit);
        let instrument = &*Arc::clone(&holding.listed.instrument);
        let mut effect = trade(instrument, position, &book, side, fill.quantity, fill.price)
            .unwrap_or_else(|| Effect {
                position: signed.unwrap_or(Quantity::ZERO),
                ..Effect::default()
            });
        match &fill.fee_currency {
            Some(currency) if currency != instrument.profit_currency() => {
                let sum = state.other_fees.entry(currency.clone()).or_default();
                *sum = sum.checked_add(fill.fee).unwrap_or(*sum);
            }
            _ => effect.fee = fill.fee,
        }
        let rate = self
            .market
            .rate(instrument.value_currency(), &state.limits.currency, now)
            .map(|(rate, _)| rate);
        // Without a rate, at the last value known: what traded is never counted as nothing.
        let unit = rate
            .ok()
            .and_then(|rate| unit_value(instrument, Some(fill.price), rate))
            .or(held.max(last));
        let value = unit.and_then(|unit| fill.quantity.value_at(unit));
        Booking {
            account,
            effect,
            traded: value.unwrap_or(Money::ZERO),
        }
    }

    /// What the order, its bucket and its account say against a report.
    fn compare(
        &self,
        report: &Report,
        state: &BucketState,
        record: &OrderRecord,
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
        flags
    }

    /// Place of the account a report names among the bucket's.
    fn account_of(&self, report: &Report, state: &BucketState) -> Option<u16> {
        state
            .account(&report.venue, report.account.as_ref())
            .map(|(place, _)| place)
    }

    /// The bucket an account belongs to, where it belongs to one only.
    fn owner_of(&self, report: &Report) -> Option<Arc<Bucket>> {
        let accounts = self.accounts.read();
        let account = report.account.as_ref()?;
        match accounts
            .get(&(report.venue.clone(), account.clone()))?
            .as_slice()
        {
            [only] => self.bucket(only),
            _ => None,
        }
    }

    /// Identity of an execution: with the account of the order's route where the report leaves it out, so that two sources agree.
    fn exec_key(&self, report: &Report, exec: &ExecId) -> ExecKey {
        let account = report.account.clone().or_else(|| {
            let root = self.root_of(&report.client, &report.cl_ord_id);
            let place = self.requests.place(&root);
            let mut shard = self.requests.lock(place);
            let route = shard
                .get_mut(place, &root)?
                .answer
                .as_ref()?
                .decision
                .route()
                .cloned()?;
            (route.venue == report.venue).then(|| route.account.clone())
        });
        ExecKey {
            venue: report.venue.clone(),
            account,
            trade_date: report.trade_date,
            exec_id: exec.clone(),
        }
    }

    /// The first id of the order an id belongs to.
    pub(super) fn root_of(&self, client: &ClientId, cl_ord_id: &ClOrdId) -> OrderKey {
        let key = OrderKey {
            client: client.clone(),
            cl_ord_id: cl_ord_id.clone(),
        };
        let place = self.requests.place(&key);
        let root = match self
            .requests
            .lock(place)
            .get_mut(place, &key)
            .map(|entry| &entry.order)
        {
            Some(OrderSlot::Version(root)) => Some(root.clone()),
            _ => None,
        };
        match root {
            Some(root) => OrderKey {
                client: key.client,
                cl_ord_id: root,
            },
            None => key,
        }
    }

    /// Fills in what a receipt says of the bucket.
    fn finish(
        &self,
        state: &BucketState,
        bucket: &Bucket,
        number: u32,
        order: Option<(&OrderRecord, Now)>,
        receipt: &mut Receipt,
    ) {
        receipt.bucket = Some(bucket.id.clone());
        receipt.order = order.and_then(|(record, now)| self.order_view(bucket, state, record, now));
        receipt.currency = Some(state.limits.currency.clone());
        receipt.position = state
            .holding(number)
            .map(|holding| holding.view(&bucket.id, &state.limits.currency));
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
