//! Executions: fills, busts and corrections, each booked once, to its order or, without one, where its account belongs (H11–H16).

use std::sync::Arc;

use super::Engine;
use super::answer::{Receipt, ReportFlag};
use super::bucket::{Bucket, BucketState, Move};
use super::index::{BookedFill, ExecKey, Execution, ExecutionKind, Root};
use super::market::Listed;
use super::order::OrderRecord;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::name::ExecId;
use crate::domain::order::{OrderKey, Side};
use crate::domain::report::{Fill, Report};
use crate::domain::state::BreachCause;
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::pnl::{Effect, trade};
use crate::risk::valuation::unit_value;

/// Longest chain of corrections of corrections that is followed.
const CORRECTIONS: usize = 64;

/// What a fill or its reversal does to the position.
#[derive(Clone)]
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
    fn beyond(&self, counted: Money) -> Self {
        Self {
            traded: self
                .traded
                .checked_sub(counted)
                .map_or(self.traded, Money::floor_zero),
            ..self.clone()
        }
    }
}

impl BookedFill {
    /// Takes on what a correction says.
    fn become_of(&mut self, to: &Fill, booking: &Booking) {
        (self.quantity, self.price) = (to.quantity, to.price);
        (self.effect, self.value) = (booking.effect.clone(), booking.traded);
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
            let flag = told_before(report, exec, known.digest == digest);
            return self.noted(flag);
        }
        let receipt = self.status(report, now);
        if receipt.applied {
            shard.insert(
                place,
                Execution {
                    key,
                    digest,
                    until: self.kept_until(now),
                    what: ExecutionKind::Amendment(None),
                },
            );
        }
        receipt
    }

    /// A fill.
    pub(super) fn trade(&self, report: &Report, fill: &Fill, exec: &ExecId, now: Now) -> Receipt {
        let key = self.exec_key(report, exec);
        let root = self.order_of(&report.client, &report.cl_ord_id);
        let digest = self.executions.digest(&(&report.client, fill));
        let place = self.executions.place(&key);
        let mut shard = self.executions.lock(place);
        let mut parked = None;
        match shard.get_mut(place, &key) {
            Some(Execution {
                what: ExecutionKind::Parked(to),
                ..
            }) => parked = Some(to.clone()),
            Some(Execution {
                digest: known,
                what,
                ..
            }) => {
                // Of the same order, by whichever of its ids, or under the very id it was first told under.
                let (is_its_own, is_named_alike) = match what {
                    // One source names the side and another does not.
                    ExecutionKind::Fill(booked)
                        if report.side.is_none_or(|side| side == booked.side) =>
                    {
                        (booked.order == root, booked.named == told_under(report))
                    }
                    ExecutionKind::Fill(_)
                    | ExecutionKind::Amendment(_)
                    | ExecutionKind::Parked(_) => (false, false),
                };
                let is_known = (is_its_own && root.is_some()) || is_named_alike;
                let flag = told_before(report, exec, *known == digest && is_known);
                // Booked before; what it says of the status of its order still counts (H14), and of no other that has its id since.
                if flag != ReportFlag::Duplicate || !is_its_own {
                    return self.noted(flag);
                }
                let mut receipt = self.status(report, now);
                receipt.applied = false;
                receipt.flags.push(flag);
                return receipt;
            }
            None => {}
        }
        let (mut receipt, booked) = self.book_fill(report, fill, root.as_ref(), now);
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
                until: self.kept_until(now),
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
        root: Option<&Root>,
        now: Now,
    ) -> (Receipt, Option<BookedFill>) {
        let mut booked = None;
        let mut is_of_another = false;
        let known = root.and_then(|root| {
            self.with_root(root, now, |state, bucket, record| {
                if is_about_another(report, state, record) {
                    is_of_another = true;
                    return Vec::new();
                }
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
                self.settle(state, bucket, record, Some(&booking), cause);
                state.counters.fills = state.counters.fills.saturating_add(1);
                booked = Some(BookedFill {
                    bucket: Arc::clone(bucket),
                    order: Some(root.clone()),
                    named: told_under(report),
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
            })
        });
        match known {
            Some(mut receipt) if !is_of_another => {
                receipt.realised = booked.as_ref().map(|fill| fill.effect.realised);
                if booked.is_none() {
                    // A fault, or a figure beyond arithmetic: it may be sent again.
                    receipt.applied = false;
                    receipt.flags.push(ReportFlag::Quarantined);
                }
                (receipt, booked)
            }
            Some(_) | None => self.book_orphan(report, fill, now),
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
        // A bucket that is being deleted takes nothing more: what it held would count above it for ever.
        let owner = self
            .owner_of(report)
            .filter(|bucket| !bucket.state.lock().deleted);
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
        if receipt.flags.contains(&ReportFlag::Quarantined) {
            tracing::error!(client = %report.client, order = %report.cl_ord_id, "a fill of an unknown order at an account without a single owner: booked in quarantine");
        } else {
            tracing::warn!(client = %report.client, order = %report.cl_ord_id, bucket = %bucket.id, "a fill of an unknown order: booked to the bucket of its account");
        }
        let book = |to: &Arc<Bucket>, receipt: &mut Receipt| {
            self.guarded(to, now, || {
                self.book_to(to, &listed, side, (report, fill), now, receipt)
            })
        };
        let mut booked = book(&bucket, &mut receipt);
        // Deleted since it was found: what happened is booked all the same.
        if let (Some(None), Some(quarantine)) = (&booked, &self.quarantine) {
            receipt.flags.push(ReportFlag::Quarantined);
            booked = book(quarantine, &mut receipt);
        }
        let booked = booked.flatten();
        if booked.is_none() && !receipt.flags.contains(&ReportFlag::Quarantined) {
            receipt.flags.push(ReportFlag::Quarantined);
        }
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
    ) -> Option<BookedFill> {
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        if state.deleted {
            // Deleted this moment.
            return None;
        }
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
            Some(&booking),
            BreachCause::UnknownFill,
        );
        state.counters.fills = state.counters.fills.saturating_add(1);
        state.counters.flagged = state.counters.flagged.saturating_add(1);
        self.finish(state, bucket, listed.number, None, receipt);
        receipt.realised = Some(booking.effect.realised);
        receipt.applied = true;
        Some(BookedFill {
            bucket: Arc::clone(bucket),
            order: None,
            named: told_under(report),
            instrument: listed.number,
            account,
            side,
            quantity: fill.quantity,
            price: fill.price,
            effect: booking.effect,
            value: booking.traded,
            busted: false,
        })
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
        let named = ExecKey {
            exec_id: of.clone(),
            ..own_key.clone()
        };
        let digest = self.executions.digest(&(of, to));
        let of_key = self.corrected(named);
        if of_key == own_key {
            return self.noted(told_before(report, exec, false));
        }
        let (own_place, of_place) = (
            self.executions.place(&own_key),
            self.executions.place(&of_key),
        );
        let (mut own, mut other) = self.executions.lock_two(own_place, of_place);
        // What was said of this correction before it came.
        let mut later = None;
        match own.get_mut(own_place, &own_key) {
            Some(Execution {
                what: ExecutionKind::Parked(parked),
                ..
            }) => later = Some(parked.clone()),
            Some(known) => {
                let flag = told_before(report, exec, known.digest == digest);
                return self.noted(flag);
            }
            None => {}
        }
        let becomes = match &later {
            Some(later) if to.is_some() => later.as_ref(),
            // A bust is the last word: nothing amends it.
            Some(_) | None => to,
        };
        let until = self.kept_until(now);
        let shard = other.as_deref_mut().unwrap_or(&mut *own);
        let receipt = match shard.get_mut(of_place, &of_key) {
            None => {
                shard.insert(
                    of_place,
                    Execution {
                        key: of_key.clone(),
                        digest: 0,
                        until,
                        what: ExecutionKind::Parked(becomes.cloned()),
                    },
                );
                self.noted(ReportFlag::BustParked)
            }
            Some(known) => {
                known.until = known.until.max(until);
                match &mut known.what {
                    // A bust is the last word about a fill, whichever comes first.
                    ExecutionKind::Parked(None) => self.noted(ReportFlag::Duplicate),
                    ExecutionKind::Parked(parked) => {
                        *parked = becomes.cloned();
                        self.noted(ReportFlag::BustParked)
                    }
                    ExecutionKind::Amendment(_) => {
                        return self.noted(told_before(report, exec, false));
                    }
                    ExecutionKind::Fill(fill) if fill.busted => self.noted(ReportFlag::Duplicate),
                    ExecutionKind::Fill(fill)
                        if report.side.is_some_and(|side| side != fill.side)
                            || self.names_another_order(report, fill) =>
                    {
                        // Refused, so not remembered as done: put right, it may come under the same id.
                        return self.noted(told_before(report, exec, false));
                    }
                    ExecutionKind::Fill(fill) => {
                        let (receipt, amended) = self.rebook(report, fill, becomes, now);
                        let Some(amended) = amended else {
                            // Not done, so not remembered as done: it may be sent again.
                            return receipt;
                        };
                        *fill = amended;
                        receipt
                    }
                }
            }
        };
        if later.is_some() {
            own.remove(own_place, &own_key);
        }
        own.insert(
            own_place,
            Execution {
                key: own_key,
                digest,
                until,
                what: ExecutionKind::Amendment(to.map(|_| of_key)),
            },
        );
        receipt
    }

    /// The execution that an id is about in the end: that of a correction stands for what it corrected (H16).
    fn corrected(&self, named: ExecKey) -> ExecKey {
        let mut key = named;
        for _ in 0..CORRECTIONS {
            let place = self.executions.place(&key);
            let next = match self
                .executions
                .lock(place)
                .get_mut(place, &key)
                .map(|execution| &execution.what)
            {
                Some(ExecutionKind::Amendment(Some(next))) => next.clone(),
                _ => break,
            };
            key = next;
        }
        key
    }

    /// A receipt that says one thing and books nothing.
    fn noted(&self, flag: ReportFlag) -> Receipt {
        Receipt {
            sequence: self.next_sequence(true),
            flags: vec![flag],
            ..Receipt::default()
        }
    }

    /// Whether a report is about an order we know, and the fill it refers to is of another one (NL11).
    pub(super) fn names_another_order(&self, report: &Report, fill: &BookedFill) -> bool {
        // The id may stand for another order by now: what the fill itself was told under is its own.
        if fill.named == told_under(report) {
            return false;
        }
        let own = fill.order.as_ref().map(|root| &root.key);
        self.order_of(&report.client, &report.cl_ord_id)
            .is_some_and(|root| own != Some(&root.key))
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
            return (self.not_done(report), None);
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
        let mut done = false;
        let told = fill.order.as_ref().and_then(|root| {
            self.with_root(root, now, |state, bucket, record| {
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
                self.settle(state, bucket, record, Some(&undo), BreachCause::Bust);
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
                        Some(&booking.beyond(fill.value)),
                        BreachCause::Bust,
                    );
                }
                done = true;
                flags
            })
        });
        // Where the order is gone, as where there never was one, the bucket of the fill is what is left of it.
        let receipt = match told {
            Some(receipt) => done.then_some(receipt),
            None => self.guarded(&fill.bucket, now, || {
                self.rebook_orphan(fill, undo, to, &mut amended, now)
            }),
        };
        match receipt {
            Some(receipt) => (receipt, Some(amended)),
            None => (self.not_done(report), None),
        }
    }

    /// A bust or correction that could not be applied.
    fn not_done(&self, report: &Report) -> Receipt {
        tracing::error!(client = %report.client, order = %report.cl_ord_id, "a bust or correction could not be applied: the fill stands");
        let mut receipt = self.noted(ReportFlag::NeedsReconciliation);
        receipt.flags.push(ReportFlag::Quarantined);
        receipt
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
            Some(&undo),
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
                Some(&booking.beyond(fill.value)),
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
        effect.fee = fill.fee;
        effect.fee_currency = fill
            .fee_currency
            .clone()
            .filter(|currency| currency != instrument.profit_currency());
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
            let root = self.order_of(&report.client, &report.cl_ord_id)?;
            let place = self.requests.place(&root.key);
            let mut shard = self.requests.lock(place);
            let route = shard
                .get_mut(place, &root.key)?
                .answer
                .as_ref()?
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

/// What an execution id that came before is: a copy, or an alarm (H14).
fn told_before(report: &Report, exec: &ExecId, is_same: bool) -> ReportFlag {
    if is_same {
        return ReportFlag::Duplicate;
    }
    tracing::error!(client = %report.client, order = %report.cl_ord_id, venue = %report.venue, execution = %exec, "an execution id stands for something else: not booked");
    ReportFlag::ExecMismatch
}

/// The id of an order that a report names.
fn told_under(report: &Report) -> OrderKey {
    OrderKey {
        client: report.client.clone(),
        cl_ord_id: report.cl_ord_id.clone(),
    }
}

/// Whether a fill is not of the order its id stands for by now: it names another contract or side.
fn is_about_another(report: &Report, state: &BucketState, record: &OrderRecord) -> bool {
    let holding = state.holding(record.instrument);
    report.side.is_some_and(|side| side != record.side)
        || report.instrument.as_ref().is_some_and(|named| {
            holding.is_some_and(|holding| holding.listed.instrument.id != *named)
        })
}
