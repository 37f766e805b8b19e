//! What the venue and the client tell: reports, executions and their amendments, notices, releases, opening positions.

use bulkhead::domain::order::{Side, Terms};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::OrderState;

use super::life::{Booked, Held, Loose, Stage};
use super::{Content, DAY, Exec, Model, Notes, Slot, U, What, up};

impl Model {
    pub fn find(&self, client: &str, id: &str) -> Option<usize> {
        let order = self.slots.get(&(client.to_owned(), id.to_owned()))?.order;
        order.filter(|at| !self.orders[*at].gone)
    }

    /// Something is told of an order.
    pub fn told_of(&mut self, at: usize) {
        self.orders[at].last = self.now.wall;
        self.lapse(at);
    }

    pub fn is_known(&self, client: &str, id: &str) -> bool {
        self.slots.contains_key(&(client.to_owned(), id.to_owned()))
    }

    /// Runs a change of an order, and gives notional back where it ended by it.
    pub(super) fn change<T>(&mut self, at: usize, change: impl FnOnce(&mut Held) -> T) -> T {
        let was_over = self.orders[at].is_over();
        let answer = change(&mut self.orders[at]);
        let order = &mut self.orders[at];
        if !was_over && order.is_over() {
            order.unvalued = false;
            let total = order.versions[0].quantity;
            let unfilled = (total - order.filled()).max(0);
            let back = if total <= 0 {
                0
            } else if unfilled == total {
                order.counted
            } else {
                (order.counted * unfilled).div_euclid(total)
            };
            let pool = &mut self.pools[order.bucket];
            if pool
                .rules
                .notional_rate
                .is_some_and(|(_, _, give_back)| give_back)
            {
                // Legs of one basket were counted at the same time.
                let mut rest = back;
                let counted = pool.notionals.iter_mut();
                for (_, entry) in counted.filter(|(time, _)| *time == order.approved) {
                    let part = rest.min(*entry);
                    *entry -= part;
                    rest -= part;
                }
            }
            let share = |counted: U| match total {
                _ if total <= 0 => 0,
                _ if unfilled == total => counted,
                _ => (counted * unfilled).div_euclid(total),
            };
            let (bucket, account) = (order.bucket, order.account);
            let (approved, back) = (order.approved, share(order.counted_first));
            self.give_back_above(bucket, account, approved, back);
        }
        answer
    }

    /// Without a rate at the last value known: what its order was approved at, or the last mark, whichever is more.
    fn fill_value(&self, bucket: usize, instrument: usize, fill: &Fill, held: Option<U>) -> U {
        let rate = self.rate(instrument).map(|(rate, _)| rate);
        rate.ok()
            .and_then(|rate| self.unit(instrument, Some(fill.price.units()), rate))
            .or(held.max(self.pools[bucket].units[instrument]))
            .map_or(0, |unit| up(fill.quantity.units(), unit))
    }

    /// Identity of an execution (H14): where the report names no account it is the order's, at its venue.
    pub(super) fn at_venue(&self, report: &Report, exec: &str) -> String {
        let known = self.find(report.client.as_str(), report.cl_ord_id.as_str());
        let route = known.map(|at| {
            let order = &self.orders[at];
            self.pools[order.bucket].accounts[order.account]
        });
        let own = route.filter(|(venue, _)| *venue == report.venue.as_str());
        let named = report.account.as_ref().map(|account| account.as_str());
        let account = named.or(own.map(|(_, account)| account));
        format!("{} {account:?} {} {exec}", report.venue, report.trade_date)
    }

    /// Compares a report with its order (NL11).
    fn compare(&mut self, report: &Report, at: usize, notes: &mut Notes) {
        let order = &self.orders[at];
        let pool = &self.pools[order.bucket];
        notes.other_bucket |= report
            .bucket
            .as_ref()
            .is_some_and(|bucket| bucket.as_str() != pool.name);
        let (venue, account) = pool.accounts[order.account];
        notes.elsewhere |= report.venue.as_str() != venue
            || report
                .account
                .as_ref()
                .is_some_and(|own| own.as_str() != account);
        // Whoever reports of it at the venue knows more than its client said.
        notes.unaccepted |= order.is_offered();
        if order.is_offered() {
            let now = self.now.mono;
            self.orders[at].accept(now);
        }
    }

    pub fn report(&mut self, report: &Report) -> Notes {
        let mut notes = Notes::default();
        let client = report.client.as_str();
        let at = self.find(client, report.cl_ord_id.as_str());
        match (&report.kind, &report.exec_id) {
            (ReportKind::Trade(fill), Some(exec)) => {
                let exec = &self.at_venue(report, exec.as_str());
                let text = format!("{client}|{fill:?}");
                let parked = match self.execs.get(exec) {
                    Some(Exec {
                        what: What::Parked(to),
                        ..
                    }) => Some(to.clone()),
                    Some(Exec {
                        text: known,
                        what:
                            What::Fill {
                                at: own,
                                named,
                                side,
                                ..
                            },
                        ..
                    }) if *known == text
                        && report.side.is_none_or(|told| told == *side)
                        && (*named == told_under(report)
                            || (at.is_some() && own.map(|own| own.0) == at)) =>
                    {
                        notes.duplicate = true;
                        match (own.map(|own| own.0), at) {
                            (Some(own), Some(at)) if own == at => {
                                self.told_of(at);
                                self.compare(report, at, &mut notes);
                                self.change(at, |order| {
                                    order.told =
                                        order.told.max(report.cum.map_or(0, |cum| cum.units()));
                                    order.stage = Stage::Working;
                                });
                            }
                            (None, None) => notes.unknown = true,
                            // The id stands for another order since, or for none: nothing is said of that.
                            _ => {}
                        }
                        return notes;
                    }
                    Some(_) => {
                        notes.mismatch = true;
                        return notes;
                    }
                    None => None,
                };
                let Some(mut what) = self.book(report, fill, at, &mut notes) else {
                    return notes;
                };
                if let Some(to) = parked {
                    self.rebook(&mut what, to.as_ref());
                }
                let last = self.now.wall;
                self.execs.insert(exec.clone(), Exec { text, what, last });
            }
            (ReportKind::Bust { of }, Some(exec)) => self.amend(
                report,
                &self.at_venue(report, exec.as_str()),
                &self.at_venue(report, of.as_str()),
                None,
                &mut notes,
            ),
            (ReportKind::Correct { of, to }, Some(exec)) => {
                self.amend(
                    report,
                    &self.at_venue(report, exec.as_str()),
                    &self.at_venue(report, of.as_str()),
                    Some(to),
                    &mut notes,
                );
            }
            _ => self.status(report, at, &mut notes),
        }
        notes
    }

    /// Whether a fill can be of the order that has its id: one of another contract or side is not.
    pub fn is_its_own(&self, report: &Report, at: usize) -> bool {
        let order = &self.orders[at];
        let name = self.contracts[order.instrument].name;
        report.side.is_none_or(|side| side == order.side)
            && report
                .instrument
                .as_ref()
                .is_none_or(|id| id.as_str() == name)
    }

    fn book(
        &mut self,
        report: &Report,
        fill: &Fill,
        at: Option<usize>,
        notes: &mut Notes,
    ) -> Option<What> {
        let quantity = fill.quantity.units();
        let account = report.account.as_ref().map(|account| account.as_str());
        if let Some(at) = at {
            self.told_of(at);
        }
        if let Some(at) = at.filter(|at| self.is_its_own(report, *at)) {
            self.compare(report, at, notes);
            let (bucket, instrument) = (self.orders[at].bucket, self.orders[at].instrument);
            let account = self
                .find_account(bucket, report.venue.as_str(), account)
                .unwrap_or(self.orders[at].account);
            let versions = &self.orders[at].versions;
            let held = versions.iter().map(|version| version.unit).max();
            let value = self.fill_value(bucket, instrument, fill, held);
            let of = self.orders[at].account;
            self.executed(bucket, value, of);
            let last = report.leaves.is_some_and(|leaves| leaves.is_zero());
            let (fee, fee_in) = self.fee_of(instrument, fill);
            self.change(at, |order| {
                let was_over = order.is_over();
                order.told = order.told.max(report.cum.map_or(0, |cum| cum.units()));
                order.stage = Stage::Working;
                order.fills.push(Booked {
                    quantity,
                    price: fill.price.units(),
                    value,
                    account,
                    void: false,
                    fee,
                    fee_in,
                });
                order.owed = order.owed.map(|owed| (owed - quantity).max(0));
                let most = order
                    .versions
                    .iter()
                    .map(|version| version.quantity)
                    .max()
                    .unwrap_or(0);
                notes.overfill = order.filled() > most && order.cash.is_none();
                notes.late = was_over && order.end.is_some();
                if order.cash.is_some() && last && order.end.is_none() {
                    order.end = Some(OrderState::Filled);
                    order.owed = Some((order.told - order.voided - order.filled()).max(0));
                }
            });
            let last = self.orders[at].fills.len() - 1;
            return Some(What::Fill {
                at: Some((at, last)),
                loose: 0,
                void: false,
                side: self.orders[at].side,
                named: told_under(report),
            });
        }
        notes.unknown = true;
        let owner = (0..self.pools.len()).find(|pool| {
            account.is_some_and(|account| {
                self.pools[*pool]
                    .accounts
                    .contains(&(leak(report.venue.as_str()), leak(account)))
            })
        });
        notes.quarantined = owner.is_none();
        let bucket = owner.unwrap_or(self.quarantine);
        let instrument = report.instrument.as_ref().and_then(|id| {
            self.contracts
                .iter()
                .position(|contract| contract.name == id.as_str())
        });
        let (Some(instrument), Some(side)) = (instrument, report.side) else {
            notes.quarantined = true;
            return None;
        };
        self.meet(bucket, instrument);
        let value = self.fill_value(bucket, instrument, fill, None);
        let account = self
            .find_account(bucket, report.venue.as_str(), account)
            .unwrap_or(0);
        self.executed(bucket, value, account);
        let (fee, fee_in) = self.fee_of(instrument, fill);
        self.loose.push(Loose {
            bucket,
            instrument,
            account,
            side,
            fill: Booked {
                quantity,
                price: fill.price.units(),
                value,
                account,
                void: false,
                fee,
                fee_in,
            },
        });
        Some(What::Fill {
            at: None,
            loose: self.loose.len() - 1,
            void: false,
            side,
            named: told_under(report),
        })
    }

    /// What was paid for a fill.
    fn fee_of(&self, instrument: usize, fill: &Fill) -> (U, Option<String>) {
        let own = self.contracts[instrument].money();
        let named = fill.fee_currency.as_ref().map(ToString::to_string);
        (fill.fee.units(), named.filter(|named| named != own))
    }

    /// Voids a fill, and books what it really was (H15, H16).
    fn rebook(&mut self, what: &mut What, to: Option<&Fill>) {
        let What::Fill {
            at, loose, void, ..
        } = what
        else {
            return;
        };
        *void = to.is_none();
        if let Some((at, _)) = *at {
            self.told_of(at);
        }
        let (bucket, instrument, old) = match *at {
            Some((at, fill)) => (
                self.orders[at].bucket,
                self.orders[at].instrument,
                self.orders[at].fills[fill].clone(),
            ),
            None => (
                self.loose[*loose].bucket,
                self.loose[*loose].instrument,
                self.loose[*loose].fill.clone(),
            ),
        };
        let new = to.map(|to| Booked {
            quantity: to.quantity.units(),
            price: to.price.units(),
            value: self.fill_value(bucket, instrument, to, None),
            account: old.account,
            void: false,
            fee: self.fee_of(instrument, to).0,
            fee_in: self.fee_of(instrument, to).1,
        });
        if let Some(new) = &new {
            let more = (new.value - old.value).max(0);
            let of = match at {
                Some((at, _)) if !self.orders[*at].gone => self.orders[*at].account,
                _ => old.account,
            };
            self.executed(bucket, more, of);
        }
        match *at {
            // Of an order that is forgotten only the fill is left.
            Some((at, fill)) if self.orders[at].gone => match new {
                Some(new) => self.orders[at].fills[fill] = new,
                None => self.orders[at].fills[fill].void = true,
            },
            Some((at, fill)) => self.change(at, |order| {
                order.voided += old.quantity;
                match new {
                    Some(new) => order.fills[fill] = new,
                    None => {
                        order.fills[fill].void = true;
                        // An order in cash has ended by its last fill alone: it lives again.
                        if order.end == Some(OrderState::Filled) {
                            order.end = None;
                            order.owed = None;
                        }
                    }
                }
            }),
            None => match new {
                Some(new) => self.loose[*loose].fill = new,
                None => self.loose[*loose].fill.void = true,
            },
        }
    }

    fn amend(
        &mut self,
        report: &Report,
        exec: &str,
        of: &str,
        to: Option<&Fill>,
        notes: &mut Notes,
    ) {
        let text = format!("{of}|{to:?}");
        let now = self.now.wall;
        // What names a correction is about what that corrected.
        let mut of = of.to_owned();
        while let Some(Exec {
            what: What::Amendment(Some(corrected)),
            ..
        }) = self.execs.get(&of)
        {
            of.clone_from(corrected);
        }
        if of == exec {
            notes.mismatch = true;
            return;
        }
        let mut becomes = to.cloned();
        match self.execs.get(exec) {
            // This correction was amended before it came; of a bust nothing is amended.
            Some(Exec {
                what: What::Parked(then),
                ..
            }) => becomes = to.and_then(|_| then.clone()),
            Some(known) if known.text == text => {
                notes.duplicate = true;
                return;
            }
            Some(_) => {
                notes.mismatch = true;
                return;
            }
            None => {}
        }
        let named = self.find(report.client.as_str(), report.cl_ord_id.as_str());
        match self.execs.remove(&of) {
            None => {
                notes.parked = true;
                self.execs.insert(
                    of.clone(),
                    Exec {
                        text: String::new(),
                        what: What::Parked(becomes),
                        last: now,
                    },
                );
            }
            Some(mut known) => {
                known.last = now;
                match &mut known.what {
                    // A bust is the last word.
                    What::Parked(None) => notes.duplicate = true,
                    What::Parked(parked) => {
                        notes.parked = true;
                        *parked = becomes;
                    }
                    What::Amendment(_) => notes.mismatch = true,
                    What::Fill { void: true, .. } => notes.duplicate = true,
                    What::Fill { side, .. } if report.side.is_some_and(|told| told != *side) => {
                        notes.mismatch = true
                    }
                    // A fill of another order than the one the report is about (NL11), and not told under this id either.
                    What::Fill { at, named: own, .. }
                        if *own != told_under(report) && self.is_of_another(*at, named) =>
                    {
                        notes.mismatch = true;
                    }
                    What::Fill { at, .. } => {
                        if let Some((at, _)) = *at
                            && !self.orders[at].gone
                        {
                            self.compare(report, at, notes);
                        }
                        self.rebook(&mut known.what, becomes.as_ref());
                    }
                }
                self.execs.insert(of.clone(), known);
            }
        }
        // What was refused may come again, put right.
        if notes.mismatch {
            return;
        }
        self.execs.insert(
            exec.to_owned(),
            Exec {
                text,
                what: What::Amendment(to.map(|_| of)),
                last: now,
            },
        );
    }

    /// Whether a report about `named` cannot mean a fill: it is of an order with another first id.
    fn is_of_another(&self, at: Option<(usize, usize)>, named: Option<usize>) -> bool {
        let first = |at: usize| (&self.orders[at].client, &self.orders[at].id);
        named.is_some_and(|named| at.map(|(at, _)| first(at)) != Some(first(named)))
    }

    fn status(&mut self, report: &Report, at: Option<usize>, notes: &mut Notes) {
        let mut restates = None;
        if let (ReportKind::Restated { quantity, price }, Some(exec)) =
            (&report.kind, &report.exec_id)
        {
            let first = at.map(|at| self.orders[at].id.as_str());
            let first = first.unwrap_or(report.cl_ord_id.as_str());
            let text = format!("{} {first}|{quantity:?}|{price:?}", report.client);
            let exec = self.at_venue(report, exec.as_str());
            if let Some(known) = self.execs.get(&exec) {
                if known.text == text {
                    notes.duplicate = true;
                } else {
                    notes.mismatch = true;
                }
                return;
            }
            restates = Some((exec, text));
        }
        let Some(at) = at else {
            notes.unknown = true;
            return;
        };
        if let Some((exec, text)) = restates {
            let (what, last) = (What::Amendment(None), self.now.wall);
            self.execs.insert(exec, Exec { text, what, last });
        }
        self.told_of(at);
        self.compare(report, at, notes);
        let cum = report.cum.map(|cum| cum.units());
        let id = report.cl_ord_id.to_string();
        let instrument = self.orders[at].instrument;
        let restated = match &report.kind {
            ReportKind::Restated {
                price: Some(price), ..
            } => {
                let prices = self.prices(instrument);
                let terms = Terms::Limit { price: *price };
                let order = &self.orders[at];
                let highest = order
                    .versions
                    .iter()
                    .map(|version| version.unit)
                    .max()
                    .unwrap_or(0);
                let reference = prices.reference.map_or(0, U::abs);
                let price = price.units().abs().max(reference);
                let rate = self.rate(instrument).ok();
                let unit = rate.and_then(|(rate, _)| self.unit(instrument, Some(price), rate));
                Some((terms, unit.unwrap_or(highest)))
            }
            _ => None,
        };
        let owed = self.change(at, |order| {
            order.told = order.told.max(cum.unwrap_or(0));
            match &report.kind {
                ReportKind::New | ReportKind::Trade(_) => {
                    order.stage = Stage::Working;
                    false
                }
                ReportKind::Canceled => order.ended(OrderState::Canceled, cum).0,
                ReportKind::Expired => order.ended(OrderState::Expired, cum).0,
                ReportKind::DoneForDay => order.ended(OrderState::DoneForDay, cum).0,
                // Under the id of a replace that is not in force it is the replace that is refused.
                ReportKind::Rejected if id != order.id && id != order.versions[0].id => {
                    order.set_aside(&id, false);
                    false
                }
                ReportKind::Rejected => {
                    let state = if order.filled() > 0 {
                        OrderState::Canceled
                    } else {
                        OrderState::VenueRejected
                    };
                    order.ended(state, Some(cum.unwrap_or(0))).0
                }
                ReportKind::Replaced => {
                    order.settle_on(&id);
                    false
                }
                ReportKind::CancelRejected { of, .. } => {
                    match of {
                        CancelRejectOf::Cancel => order.asked_cancel = false,
                        CancelRejectOf::Replace => order.set_aside(&id, false),
                    }
                    false
                }
                ReportKind::Restated { quantity, .. } => {
                    if let Some(quantity) = quantity {
                        order.versions[0].quantity = quantity.units();
                    }
                    if let Some((terms, unit)) = restated {
                        order.versions[0].terms = terms;
                        order.versions[0].unit = unit;
                    }
                    false
                }
                ReportKind::Bust { .. } | ReportKind::Correct { .. } => false,
            }
        });
        notes.owed = owed;
    }

    /// Whether it was sent before its route was accepted.
    pub fn sent(&mut self, at: usize, id: &str) -> bool {
        let now = self.now.mono;
        let order = &mut self.orders[at];
        let unaccepted = order.is_offered();
        if unaccepted {
            order.accept(now);
        }
        // As much time again as it had, and no more for being told twice.
        if order.stage == Stage::Reserved {
            order.deadline = now + order.patience();
        }
        if order.end.is_some() || order.is_over() {
            return false;
        }
        if order.stage == Stage::Reserved {
            order.stage = Stage::Sent;
        }
        for version in order.versions.iter_mut().skip(1) {
            version.sent |= version.id == id;
        }
        unaccepted
    }

    pub fn cancel_asked(&mut self, at: usize) {
        let order = &mut self.orders[at];
        order.asked_cancel |= order.end.is_none() && !order.is_over();
    }

    /// Somebody asked the venue, which has this much filled in all (H2). Whether fills are owed by that.
    pub fn resolve(&mut self, at: usize, filled: U) -> bool {
        self.told_of(at);
        self.change(at, |order| {
            let booked = order.filled();
            let filled = filled.max(booked);
            let known = order.end.and(order.owed).map(|owed| booked + owed);
            if order.is_over() || known == Some(filled) {
                return false;
            }
            order.end = order.end.or(Some(OrderState::Canceled));
            order.owed = Some(filled - booked);
            order.told = order.told.max(filled + order.voided);
            order.asked_cancel = false;
            filled > booked
        })
    }

    /// The client never sent it; false where it is known to be sent, or over by another end (H2).
    pub fn release(&mut self, client: &str, id: &str) -> Option<bool> {
        let key = (client.to_owned(), id.to_owned());
        // What was refused on an earlier day is not what is released now, nor a replace of an order that nothing leads to.
        let is_past = self.slots.get(&key).is_some_and(|slot| {
            let leads_nowhere = slot.order.is_none_or(|at| self.orders[at].gone);
            leads_nowhere && slot.until <= self.now.wall
        });
        if is_past || !self.is_known(client, id) {
            self.slots.remove(&key);
            let quota = self.quota(client, true);
            if quota.is_some_and(|quota| self.used(client) >= quota) {
                return None;
            }
            let slot = Slot {
                content: Content::Released,
                order: None,
                until: self.now.wall + DAY,
                counted: true,
            };
            self.slots.insert(key, slot);
            return Some(true);
        }
        if matches!(self.slots[&key].content, Content::Released) {
            return Some(true);
        }
        let at = self.find(client, id)?;
        self.told_of(at);
        Some(self.change(at, |order| {
            let released_before = order
                .aside
                .iter()
                .any(|(version, released)| version.id == id && *released);
            if released_before || (order.id == id && order.end == Some(OrderState::Released)) {
                return true;
            }
            if order.is_over() {
                return false;
            }
            if order.id == id {
                let unsent =
                    order.end.is_none() && order.stage <= Stage::Reserved && order.filled() == 0;
                if unsent {
                    order.end = Some(OrderState::Released);
                    order.owed = Some(0);
                }
                return unsent;
            }
            let mut pending = order.versions.iter().skip(1);
            let unsent = pending.any(|version| version.id == id && !version.sent);
            if unsent {
                order.set_aside(id, true);
            }
            unsent
        }))
    }

    pub fn load(
        &mut self,
        bucket: usize,
        instrument: usize,
        account: usize,
        quantity: U,
        price: U,
    ) -> bool {
        self.meet(bucket, instrument);
        let usage = self.usage(bucket);
        let busy = self.orders.iter().any(|order| {
            order.bucket == bucket && order.instrument == instrument && !order.is_over()
        });
        if busy || usage.by_account[instrument][account].position != 0 {
            return false;
        }
        let side = if quantity < 0 { Side::Sell } else { Side::Buy };
        let fill = Booked {
            quantity: quantity.abs(),
            price,
            value: 0,
            account,
            void: false,
            fee: 0,
            fee_in: None,
        };
        self.loose.push(Loose {
            bucket,
            instrument,
            account,
            side,
            fill,
        });
        true
    }
}

/// The id of an order that a report names.
fn told_under(report: &Report) -> String {
    format!("{} {}", report.client, report.cl_ord_id)
}

/// The model's own spelling of a name it knows.
fn leak(name: &str) -> &'static str {
    crate::model::world::NAMES
        .iter()
        .find(|known| **known == name)
        .copied()
        .unwrap_or("")
}
