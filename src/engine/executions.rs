//! Executions: fills, busts and corrections, each booked once, to its order or, without one, where its account belongs (H11–H16).

use std::sync::Arc;

use super::Engine;
use super::answer::{Receipt, ReportFlag};
use super::bucket::{Bucket, BucketState, Move};
use super::index::{BookedFill, ExecKey, Execution, ExecutionKind, OrderSlot};
use super::market::Listed;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::name::ExecId;
use crate::domain::order::Side;
use crate::domain::report::{Fill, Report};
use crate::domain::state::BreachCause;
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::pnl::{Effect, trade};
use crate::risk::valuation::unit_value;

/// How long an execution id is remembered: beyond any late copy of it.
const EXECUTIONS_KEPT: i64 = 7 * 86_400_000_000_000;

/// What a fill or its reversal does to the position.
#[derive(Clone, Copy)]
pub(super) struct Booking {
    pub(super) account: Option<u16>,
    pub(super) effect: Effect,
    /// Value counted in the day's traded notional, limit currency.
    pub(super) traded: Money,
}

/// A fill as it is booked.
pub(super) struct Dealt<'a> {
    pub(super) side: Side,
    pub(super) fill: &'a Fill,
    pub(super) account: Option<u16>,
    /// What one contract of its order was approved at, limit currency.
    pub(super) held: Option<Money>,
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
    /// A restatement: a late copy of it must not undo what came after it (NL13).
    pub(super) fn restate(
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

    /// A fill.
    pub(super) fn trade(&self, report: &Report, fill: &Fill, exec: &ExecId, now: Now) -> Receipt {
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
    pub(super) fn book_fill(
        &self,
        report: &Report,
        fill: &Fill,
        now: Now,
    ) -> (Receipt, Option<BookedFill>) {
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
    pub(super) fn book_orphan(
        &self,
        report: &Report,
        fill: &Fill,
        now: Now,
    ) -> (Receipt, Option<BookedFill>) {
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
    pub(super) fn book_to(
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
    pub(super) fn amend_fill(
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
    pub(super) fn names_another_order(&self, report: &Report, fill: &BookedFill) -> bool {
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
    pub(super) fn rebook(
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

    pub(super) fn rebook_orphan(
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

    /// What a fill does to the position, its book and the day's traded notional.
    pub(super) fn booking(
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

    /// The bucket an account belongs to, where it belongs to one only.
    pub(super) fn owner_of(&self, report: &Report) -> Option<Arc<Bucket>> {
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
    pub(super) fn exec_key(&self, report: &Report, exec: &ExecId) -> ExecKey {
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
}
