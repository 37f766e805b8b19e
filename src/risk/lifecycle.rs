//! The life of one order, from approval to its last fill, as the venue tells it: late, twice, out of order or not at all.
//!
//! The order holds capacity for `leaves`: the most that can still fill. Nothing lowers it but the venue's word, the client's word that it was
//! never sent, or an operator's who asked the venue; no clock does (H2, INV18). While a replace is on its way the larger of both versions is
//! held (H8–H10).

use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::name::ClOrdId;
use crate::domain::order::{Side, Terms, TimeInForce};
use crate::domain::report::CancelRejectOf;
use crate::domain::state::OrderState;

use super::exposure::Hold;

/// The order as one request made it: the first, or a replace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Version {
    /// Id of that request (FIX 11).
    pub cl_ord_id: ClOrdId,
    /// Total quantity (FIX 38).
    pub quantity: Quantity,
    /// Type and prices.
    pub terms: Terms,
    /// What one contract was valued at when it was approved, limit currency.
    pub unit: Money,
}

/// How far a replace is known to have come, short of being in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    /// Approved.
    Approved,
    /// Sent.
    Sent,
    /// The venue refused it.
    Refused,
    /// Its client says that it was never sent.
    Released,
}

/// A replace that is on its way, or that is off the table unless the venue says otherwise (H8).
#[derive(Clone, Debug, Eq, PartialEq)]
struct Request {
    version: Version,
    stage: Asked,
}

/// Replaces off the table that an order remembers, the last ones.
const REMEMBERED: usize = 8;

/// How far the order is known to have come.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Approved on another route than the one asked for, which its client has not accepted: nobody may send it yet (RR10).
    Offered,
    /// Approved.
    #[default]
    Reserved,
    /// Sent.
    Sent,
    /// Acknowledged by the venue.
    Working,
}

/// How the venue, or the client, ended the order other than by filling it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct End {
    state: OrderState,
    /// Filled in all when it ended; unknown until told.
    filled: Option<Quantity>,
    /// Whether a person says so, who asked the venue: the last word.
    by_hand: bool,
}

/// One order's life.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Life {
    current: Version,
    /// In the order in which they were asked for.
    requests: Vec<Request>,
    filled: Quantity,
    /// Filled once and void since.
    voided: Quantity,
    /// Most the venue ever counted as filled; what is void since was in it.
    told: Quantity,
    stage: Stage,
    cancel_pending: bool,
    /// Apart, since a live order has none.
    end: Option<Box<End>>,
    time_in_force: TimeInForce,
    /// Cash of an order in cash, and what its fills spent of it (A8).
    cash: Option<Box<(Money, Money)>>,
    exit: bool,
    reduce_only: bool,
}

/// What becomes of a release.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Release {
    /// Nothing is held under the id any more.
    Done,
    /// The same, since an earlier release.
    Again,
    /// It is known to have been sent.
    Sent,
    /// It is over by another end.
    Ended,
}

/// What the venue's word that a replace took effect does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Confirmed {
    /// It is in force.
    Expected,
    /// It is in force though it was refused or released: its word counts, and somebody is wrong.
    Contradicted,
    /// No such replace, or a later one is in force: nothing.
    Unknown,
}

/// What a report did not agree with.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Oddities {
    /// The fill came after the end (H11).
    pub late_fill: bool,
    /// More is filled than was ordered (H12).
    pub overfill: bool,
    /// The report implies fills that have not come (H6).
    pub owed: bool,
    /// The report leaves open what became of the order.
    pub unresolved: bool,
}

impl Life {
    /// An order just approved.
    #[must_use]
    pub fn new(
        version: Version,
        time_in_force: TimeInForce,
        cash: Option<Money>,
        exit: bool,
        reduce_only: bool,
    ) -> Self {
        Self {
            current: version,
            requests: Vec::new(),
            filled: Quantity::ZERO,
            voided: Quantity::ZERO,
            told: Quantity::ZERO,
            stage: Stage::Reserved,
            cancel_pending: false,
            end: None,
            time_in_force,
            cash: cash.map(|cash| Box::new((cash, Money::ZERO))),
            exit,
            reduce_only,
        }
    }

    /// The version in force at the venue.
    #[must_use]
    pub const fn current(&self) -> &Version {
        &self.current
    }

    /// Replaces on their way, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = &Version> {
        self.requests
            .iter()
            .filter(|request| request.is_pending())
            .map(|request| &request.version)
    }

    /// Every version that may be in force.
    pub fn versions(&self) -> impl Iterator<Item = &Version> {
        core::iter::once(&self.current).chain(self.pending())
    }

    fn has_pending(&self) -> bool {
        self.requests.iter().any(Request::is_pending)
    }

    fn request_mut(&mut self, cl_ord_id: &ClOrdId) -> Option<&mut Request> {
        self.requests
            .iter_mut()
            .find(|request| request.version.cl_ord_id == *cl_ord_id)
    }

    /// Filled in all, as booked.
    #[must_use]
    pub const fn filled(&self) -> Quantity {
        self.filled
    }

    /// How long it stays.
    #[must_use]
    pub const fn time_in_force(&self) -> TimeInForce {
        self.time_in_force
    }

    /// How far it is known to have come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Most that can still fill.
    #[must_use]
    pub fn leaves(&self) -> Quantity {
        let open = |total: Quantity| {
            total
                .checked_sub(self.filled)
                .map_or(Quantity::ZERO, Quantity::floor_zero)
        };
        match self.end.as_deref() {
            Some(&End {
                filled: Some(filled),
                ..
            }) => open(filled),
            // What the venue counts as filled and we have not seen is owed, even beyond the quantity it was replaced to.
            Some(End { filled: None, .. }) | None => self
                .versions()
                .map(|version| open(version.quantity))
                .fold(self.missing(), Quantity::max),
        }
    }

    /// What the order holds now; nothing on overflow.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        let leaves = self.leaves();
        let mut value = Money::ZERO;
        if leaves.is_positive() {
            value = match self.cash.as_deref() {
                Some((cash, spent)) => cash.checked_sub(*spent)?.floor_zero(),
                None => self.versions().try_fold(Money::ZERO, |most, version| {
                    let open = version
                        .quantity
                        .max(self.told_in_force())
                        .checked_sub(self.filled)?
                        .floor_zero()
                        .min(leaves);
                    Some(most.max(open.value_at(version.unit)?))
                })?,
            };
        }
        Some(Hold {
            quantity: leaves,
            value,
            worth: value,
            credit: Quantity::ZERO,
            exit: self.exit,
            reduce_only: self.reduce_only,
        })
    }

    /// Whether nothing can follow but corrections.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.leaves().is_zero() && (self.end.is_some() || !self.has_pending())
    }

    /// Where the order stands. `overdue` says that word of it has been missing for too long.
    #[must_use]
    pub fn state(&self, overdue: bool) -> OrderState {
        if self.is_over() {
            return self
                .end
                .as_ref()
                .map_or(OrderState::Filled, |end| end.state);
        }
        if self.is_offered() {
            // It was never to be sent, so its end is no question, only when it is written down.
            return if overdue {
                OrderState::Released
            } else {
                OrderState::AwaitingAcceptance
            };
        }
        if self.end.is_some() || (overdue && self.is_awaiting_word()) {
            return OrderState::Uncertain;
        }
        if self.cancel_pending {
            return OrderState::PendingCancel;
        }
        if self.has_pending() {
            return OrderState::PendingReplace;
        }
        if self.filled.is_positive() {
            return OrderState::PartiallyFilled;
        }
        match self.stage {
            Stage::Offered => OrderState::AwaitingAcceptance,
            Stage::Reserved => OrderState::Reserved,
            Stage::Sent => OrderState::Sent,
            Stage::Working => OrderState::Working,
        }
    }

    /// Whether the next word about it has a time by which it should come: an unsent order, and an immediate one (A10, H2).
    #[must_use]
    pub const fn is_awaiting_word(&self) -> bool {
        matches!(self.stage, Stage::Reserved)
            || matches!(
                self.time_in_force,
                TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill
            )
    }

    /// It is approved on a route that its client has to accept before it is sent (RR10).
    pub const fn offer(&mut self) {
        self.stage = Stage::Offered;
    }

    /// Whether it waits for its client to accept the route: it may not be sent.
    #[must_use]
    pub const fn is_offered(&self) -> bool {
        matches!(self.stage, Stage::Offered) && self.end.is_none()
    }

    /// Its client accepts the route. Whether that is news.
    pub const fn accept(&mut self) -> bool {
        let news = self.is_offered();
        if news {
            self.stage = Stage::Reserved;
        }
        news
    }

    /// The client sent the order, or the replace of that id and hence the order. Whether that is news.
    pub fn sent(&mut self, cl_ord_id: &ClOrdId) -> bool {
        if self.end.is_some() || self.is_over() {
            return false;
        }
        let mut news = self.stage < Stage::Sent;
        self.stage = self.stage.max(Stage::Sent);
        if let Some(request) = self.request_mut(cl_ord_id)
            && request.stage == Asked::Approved
        {
            request.stage = Asked::Sent;
            news = true;
        }
        news
    }

    /// The client asked for its cancellation. Whether that is news.
    pub fn cancel_requested(&mut self) -> bool {
        // Nothing to ask for where it has ended already.
        let news = !self.cancel_pending && self.end.is_none() && !self.is_over();
        self.cancel_pending |= news;
        news
    }

    /// The venue works it.
    pub const fn acknowledged(&mut self) {
        self.stage = Stage::Working;
    }

    /// Whether the venue has ended it and fills are still owed.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    /// Whether nothing says that it was sent.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        self.stage <= Stage::Reserved && self.filled.is_zero() && self.end.is_none()
    }

    /// The part of an amount counted for the whole order that never traded.
    #[must_use]
    pub fn unfilled_share(&self, counted: Money) -> Money {
        let total = self.current.quantity;
        let unfilled = total
            .checked_sub(self.filled)
            .map_or(Quantity::ZERO, Quantity::floor_zero);
        counted.share(unfilled, total).unwrap_or(Money::ZERO)
    }

    /// Whether it is an order in cash.
    #[must_use]
    pub const fn is_in_cash(&self) -> bool {
        self.cash.is_some()
    }

    /// Most that could still fill with one more version on its way; nothing on overflow.
    #[must_use]
    pub fn grown_by(&self, version: &Version) -> Option<Quantity> {
        let open = version.quantity.checked_sub(self.filled)?.floor_zero();
        Some(self.leaves().max(open))
    }

    /// Whether a version holds no more than the order already does, in quantity and in value, and may trade no sooner (H9).
    #[must_use]
    pub fn is_shrunk_by(&self, version: &Version, side: Side) -> bool {
        self.beyond(version, side).next().is_some()
    }

    /// Whether a version holds less than the order already does, in quantity or in value, and may trade no sooner (G2).
    #[must_use]
    pub fn is_cut_by(&self, version: &Version, side: Side) -> bool {
        self.beyond(version, side)
            .any(|known| version.quantity < known.quantity || version.unit < known.unit)
    }

    /// Versions that hold as much as another or more, and may trade as soon.
    fn beyond<'a>(&'a self, version: &'a Version, side: Side) -> impl Iterator<Item = &'a Version> {
        self.versions().filter(move |known| {
            version.quantity <= known.quantity
                && version.unit <= known.unit
                && is_no_sooner(&version.terms, &known.terms, side)
        })
    }

    /// What one contract of a version already is valued at, where the version is no larger and no worse than one that is held: a price that
    /// moved since does not stand in the way of less (H9).
    #[must_use]
    pub fn unit_held_for(&self, version: &Version) -> Option<Money> {
        self.versions()
            .filter(|known| {
                version.quantity <= known.quantity && is_no_worse(&version.terms, &known.terms)
            })
            .map(|known| known.unit)
            .min()
    }

    /// A replace was approved and is on its way. `exit` says whether the order is still an exit with it.
    pub fn replacing(&mut self, version: Version, exit: bool) {
        self.requests.push(Request {
            version,
            stage: Asked::Approved,
        });
        self.exit &= exit;
    }

    /// How a replace came off the table, where it is.
    #[must_use]
    pub fn off_the_table(&self, cl_ord_id: &ClOrdId) -> Option<OrderState> {
        let mut requests = self.requests.iter();
        let request = requests.find(|request| request.version.cl_ord_id == *cl_ord_id)?;
        match request.stage {
            Asked::Approved | Asked::Sent => None,
            Asked::Refused => Some(OrderState::VenueRejected),
            Asked::Released => Some(OrderState::Released),
        }
    }

    /// A replace is off the table, unless the venue says otherwise.
    fn set_aside(&mut self, cl_ord_id: &ClOrdId, stage: Asked) {
        if let Some(request) = self.request_mut(cl_ord_id)
            && request.is_pending()
        {
            request.stage = stage;
        }
        let aside = self.requests.iter().filter(|request| !request.is_pending());
        if aside.count() > REMEMBERED
            && let Some(oldest) = self.requests.iter().position(|one| !one.is_pending())
        {
            self.requests.remove(oldest);
        }
    }

    /// The fills of an order in cash spent this much more, or less where one is void.
    pub fn spend(&mut self, more: Money) {
        if let Some((_, spent)) = self.cash.as_deref_mut() {
            *spent = spent.checked_add(more).unwrap_or(*spent);
        }
    }

    /// A fill; nothing on overflow.
    #[must_use]
    pub fn fill(&mut self, quantity: Quantity) -> Option<Oddities> {
        let was_over = self.is_over();
        self.filled = self.filled.checked_add(quantity)?;
        self.acknowledged();
        let most = self
            .versions()
            .map(|version| version.quantity)
            .max()
            .unwrap_or(Quantity::ZERO);
        let overfill = self.filled > most && self.cash.is_none();
        Some(Oddities {
            late_fill: was_over && self.end.is_some(),
            overfill,
            ..Oddities::default()
        })
    }

    /// A fill turned out void: it may come again while the order lives or was filled, and not after the venue ended it (H15); nothing on
    /// overflow.
    #[must_use]
    pub fn unfill(&mut self, quantity: Quantity) -> Option<()> {
        self.correct(quantity, Quantity::ZERO)?;
        if self
            .end
            .as_ref()
            .is_some_and(|end| end.state == OrderState::Filled)
        {
            self.end = None;
        }
        Some(())
    }

    /// A fill turned out to be another (H16); what is owed at the end stays owed. Nothing on overflow.
    #[must_use]
    pub fn correct(&mut self, was: Quantity, is: Quantity) -> Option<()> {
        let filled = self.filled.checked_sub(was)?.checked_add(is)?;
        let voided = self.voided.checked_add(was)?;
        if let Some(end) = &mut self.end
            && let Some(known) = end.filled
        {
            end.filled = Some(known.checked_sub(was)?.floor_zero().checked_add(is)?);
        }
        (self.filled, self.voided) = (filled, voided);
        Some(())
    }

    /// What the venue counts as filled.
    pub fn told_filled(&mut self, cum: Quantity) {
        self.told = self.told.max(cum);
    }

    /// What the venue counts as filled, less what is void since.
    fn told_in_force(&self) -> Quantity {
        self.told
            .checked_sub(self.voided)
            .map_or(Quantity::ZERO, Quantity::floor_zero)
    }

    /// Fills the venue has told of by their sum only; of an order that a person ended, no more than that person knows of.
    #[must_use]
    pub fn missing(&self) -> Quantity {
        let told = self.told_in_force();
        let settled = self.end.as_ref().filter(|end| end.by_hand);
        settled
            .and_then(|end| end.filled)
            .map_or(told, |filled| told.min(filled))
            .checked_sub(self.filled)
            .map_or(Quantity::ZERO, Quantity::floor_zero)
    }

    /// The venue ended it by cancelling, expiring or closing the day, with this much filled in all (H6).
    pub fn ended(&mut self, state: OrderState, cum: Option<Quantity>) -> Oddities {
        let outlives_the_day = matches!(
            self.time_in_force,
            TimeInForce::GoodTillCancel | TimeInForce::GoodTillDate(_)
        );
        if state == OrderState::DoneForDay && outlives_the_day {
            return Oddities::default();
        }
        if self.end.is_none() && self.is_over() {
            return Oddities::default();
        }
        // The first end stands; only one that knows the fills adds to one that does not.
        if let Some(known) = self.end.as_ref().map(|end| end.filled)
            && (known.is_some() || cum.is_none())
        {
            return Oddities {
                unresolved: known.is_none(),
                ..Oddities::default()
            };
        }
        let filled = cum.map(|cum| cum.max(self.filled).max(self.told_in_force()));
        self.end = Some(Box::new(End {
            state,
            filled,
            by_hand: false,
        }));
        self.cancel_pending = false;
        Oddities {
            owed: filled.is_some() && self.leaves().is_positive(),
            unresolved: filled.is_none(),
            ..Oddities::default()
        }
    }

    /// A person who asked the venue ended it, with this much filled in all: the last word, whatever was told before (H2). Nothing where that
    /// is no news.
    pub fn resolved(&mut self, filled: Quantity) -> Option<Oddities> {
        if self.is_over() {
            return None;
        }
        let filled = filled.max(self.filled);
        let known = self.end.as_deref().copied();
        if known.is_some_and(|end| end.filled == Some(filled)) {
            return None;
        }
        self.end = Some(Box::new(End {
            state: known.map_or(OrderState::Canceled, |end| end.state),
            filled: Some(filled),
            by_hand: true,
        }));
        // Never less than before: a copy of what was told then would raise it again (NL13). The end says what is filled.
        let told = filled.checked_add(self.voided).unwrap_or(self.told);
        self.told = self.told.max(told);
        self.cancel_pending = false;
        Some(Oddities {
            owed: self.leaves().is_positive(),
            ..Oddities::default()
        })
    }

    /// The venue refused it; with fills that is a cancel of the rest (H3).
    pub fn venue_rejected(&mut self, cum: Option<Quantity>) -> Oddities {
        let state = if self.filled.is_positive() {
            OrderState::Canceled
        } else {
            OrderState::VenueRejected
        };
        self.ended(state, Some(cum.unwrap_or(Quantity::ZERO)))
    }

    /// An order in cash is filled: there is no quantity to meet.
    pub fn cash_filled(&mut self) {
        if self.cash.is_some() && self.end.is_none() {
            self.end = Some(Box::new(End {
                state: OrderState::Filled,
                filled: Some(self.filled.max(self.told_in_force())),
                by_hand: false,
            }));
        }
    }

    /// The client says it never sent the order (H2).
    pub fn release(&mut self) -> Release {
        match &self.end {
            Some(end) if end.state == OrderState::Released => Release::Again,
            _ if self.is_over() => Release::Ended,
            None if self.stage <= Stage::Reserved && self.filled.is_zero() => {
                self.end = Some(Box::new(End {
                    state: OrderState::Released,
                    filled: Some(self.filled),
                    by_hand: false,
                }));
                Release::Done
            }
            Some(_) | None => Release::Sent,
        }
    }

    /// The client says it never sent a replace (H2).
    pub fn release_replace(&mut self, cl_ord_id: &ClOrdId) -> Release {
        let over = self.is_over();
        match self.request_mut(cl_ord_id).map(|request| request.stage) {
            Some(Asked::Released) => Release::Again,
            Some(Asked::Approved) if !over => {
                self.set_aside(cl_ord_id, Asked::Released);
                Release::Done
            }
            Some(Asked::Sent) if !over => Release::Sent,
            None if !over && self.current.cl_ord_id == *cl_ord_id => Release::Sent,
            Some(_) | None => Release::Ended,
        }
    }

    /// A replace took effect: those asked for before it no longer can.
    pub fn replaced(&mut self, cl_ord_id: &ClOrdId) -> Confirmed {
        let Some(at) = self
            .requests
            .iter()
            .position(|request| request.version.cl_ord_id == *cl_ord_id)
        else {
            return if self.current.cl_ord_id == *cl_ord_id {
                Confirmed::Expected
            } else {
                Confirmed::Unknown
            };
        };
        let mut rest = self.requests.split_off(at).into_iter();
        let Some(request) = rest.next() else {
            return Confirmed::Unknown;
        };
        let expected = request.is_pending();
        self.current = request.version;
        self.requests = rest.collect();
        self.acknowledged();
        if expected {
            Confirmed::Expected
        } else {
            Confirmed::Contradicted
        }
    }

    /// A cancel or replace was refused: the order goes on as it was (H7).
    pub fn cancel_rejected(&mut self, of: CancelRejectOf, cl_ord_id: &ClOrdId) {
        match of {
            CancelRejectOf::Cancel => self.cancel_pending = false,
            CancelRejectOf::Replace => self.set_aside(cl_ord_id, Asked::Refused),
        }
    }

    /// The venue changed it by itself (H17).
    pub fn restated(&mut self, quantity: Option<Quantity>, terms: Option<(Terms, Money)>) {
        if let Some(quantity) = quantity {
            self.current.quantity = quantity;
        }
        if let Some((terms, unit)) = terms {
            self.current.terms = terms;
            self.current.unit = unit;
        }
    }
}

impl Request {
    fn is_pending(&self) -> bool {
        matches!(self.stage, Asked::Approved | Asked::Sent)
    }
}

/// Whether terms are of the same type as others and count no more at any reference price.
fn is_no_worse(terms: &Terms, than: &Terms) -> bool {
    let no_higher = |one: Option<Price>, other: Option<Price>| match (one, other) {
        (Some(one), Some(other)) => one.checked_abs() <= other.checked_abs(),
        (None, None) => true,
        _ => false,
    };
    core::mem::discriminant(terms) == core::mem::discriminant(than)
        && no_higher(terms.limit_price(), than.limit_price())
        && no_higher(terms.trigger(), than.trigger())
}

/// Whether terms are of the same type as others and nowhere nearer to the market.
fn is_no_sooner(terms: &Terms, than: &Terms, side: Side) -> bool {
    let no_nearer = |side: Side, one: Option<Price>, other: Option<Price>| match side {
        Side::Buy => one <= other,
        Side::Sell => one >= other,
    };
    core::mem::discriminant(terms) == core::mem::discriminant(than)
        && terms.limit_price().is_some() == than.limit_price().is_some()
        && no_nearer(side, terms.limit_price(), than.limit_price())
        // A stop waits on the far side: the market comes to it from the other one.
        && no_nearer(side.opposite(), terms.trigger(), than.trigger())
}

#[cfg(test)]
mod tests;
