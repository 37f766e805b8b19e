//! An order with everything that happened to it, and what it holds.

use bulkhead::domain::name::ClientId;
use bulkhead::domain::order::{ShortSale, Side, Terms, TimeInForce};
use bulkhead::domain::state::OrderState;

use super::{U, up};

/// One of the order's versions.
#[derive(Clone, Debug)]
pub struct Version {
    pub id: String,
    pub quantity: U,
    pub terms: Terms,
    pub unit: U,
    /// Its place among all that were asked for.
    pub number: usize,
    pub sent: bool,
}

#[derive(Clone, Debug)]
pub struct Booked {
    pub quantity: U,
    pub price: U,
    pub value: U,
    pub account: usize,
    pub void: bool,
    pub fee: U,
    /// Currency of the fee, where it is not the contract's own.
    pub fee_in: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd)]
pub enum Stage {
    Offered,
    Reserved,
    Sent,
    Working,
}

/// An order with everything that happened to it.
#[derive(Clone, Debug)]
pub struct Held {
    pub client: ClientId,
    pub id: String,
    pub bucket: usize,
    pub instrument: usize,
    pub account: usize,
    pub side: Side,
    pub reduce_only: bool,
    pub time_in_force: TimeInForce,
    pub post_only: bool,
    pub short_sale: ShortSale,
    pub located: bool,
    /// The version in force and those on their way.
    pub versions: Vec<Version>,
    /// The last eight that the venue refused, or that were released, which the flag says.
    pub aside: Vec<(Version, bool)>,
    pub fills: Vec<Booked>,
    pub cash: Option<U>,
    pub exit: bool,
    pub stage: Stage,
    pub asked_cancel: bool,
    pub end: Option<OrderState>,
    /// Fills the venue counted at the end that have not come; unknown until told.
    pub owed: Option<U>,
    pub told: U,
    pub voided: U,
    pub approved: u64,
    /// Until when word of it may take.
    pub deadline: u64,
    pub counted: U,
    /// The same, of the order as it was first approved.
    pub counted_first: U,
    pub unvalued: bool,
    pub source: Option<usize>,
    /// Number of its link, and its place in it.
    pub link: Option<(usize, usize)>,
    /// Bucket and venue it was asked for on, where its client has to accept the route it is on.
    pub offer: Option<(usize, String)>,
    /// When the route was accepted.
    pub accepted: Option<u64>,
    /// Whether the time to accept was over.
    pub lapsed: bool,
    /// Whether a halt came before the acceptance.
    pub void: bool,
    /// When it was last told of, wall time.
    pub last: i64,
    /// Whether it is forgotten: nothing leads to it any more.
    pub gone: bool,
}

/// What an order holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hold {
    pub quantity: U,
    pub value: U,
}

impl Held {
    pub fn filled(&self) -> U {
        let booked = self.fills.iter().filter(|fill| !fill.void);
        booked.map(|fill| fill.quantity).sum()
    }

    pub fn leaves(&self) -> U {
        match (self.end, self.owed) {
            _ if self.gone => 0,
            (Some(_), Some(owed)) => owed,
            _ => {
                let most = self.versions.iter().map(|version| version.quantity).max();
                // What the venue counts as filled and has not come is owed, even beyond a smaller total.
                let told = self.told - self.voided;
                (most.unwrap_or(0).max(told) - self.filled()).max(0)
            }
        }
    }

    pub fn hold(&self) -> Hold {
        let (leaves, filled) = (self.leaves(), self.filled());
        let value = match self.cash {
            _ if leaves == 0 => 0,
            Some(cash) => {
                let spent: U = self
                    .fills
                    .iter()
                    .filter(|fill| !fill.void)
                    .map(|fill| fill.value)
                    .sum();
                (cash - spent).max(0)
            }
            None => self
                .versions
                .iter()
                .map(|version| {
                    let total = version.quantity.max(self.told - self.voided);
                    up((total - filled).max(0).min(leaves), version.unit)
                })
                .max()
                .unwrap_or(0),
        };
        Hold {
            quantity: leaves,
            value,
        }
    }

    pub fn is_offered(&self) -> bool {
        self.stage == Stage::Offered && self.end.is_none() && !self.gone
    }

    /// How long word of it may take.
    pub fn patience(&self) -> u64 {
        self.deadline - self.accepted.unwrap_or(self.approved)
    }

    /// The route is accepted, or somebody sent it.
    pub fn accept(&mut self, now: u64) {
        self.deadline = now + self.patience();
        self.accepted = Some(now);
        self.stage = Stage::Reserved;
    }

    pub fn pending(&self) -> bool {
        self.versions.len() > 1
    }

    /// Where an order stands that is not over (H2).
    pub fn state(&self, now: u64) -> OrderState {
        let is_immediate = matches!(
            self.time_in_force,
            TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill
        );
        let waits = self.stage == Stage::Reserved || is_immediate;
        if self.is_offered() {
            if now >= self.deadline {
                OrderState::Released
            } else {
                OrderState::AwaitingAcceptance
            }
        } else if self.end.is_some() || (waits && now >= self.deadline) {
            OrderState::Uncertain
        } else if self.asked_cancel {
            OrderState::PendingCancel
        } else if self.pending() {
            OrderState::PendingReplace
        } else if self.filled() > 0 {
            OrderState::PartiallyFilled
        } else {
            match self.stage {
                Stage::Offered => OrderState::AwaitingAcceptance,
                Stage::Reserved => OrderState::Reserved,
                Stage::Sent => OrderState::Sent,
                Stage::Working => OrderState::Working,
            }
        }
    }

    pub fn is_over(&self) -> bool {
        self.gone || (self.leaves() == 0 && (self.end.is_some() || !self.pending()))
    }

    pub(super) fn resting(&self) -> impl Iterator<Item = U> {
        self.versions
            .iter()
            .filter_map(|version| match version.terms {
                Terms::Limit { price } => Some(price.units()),
                Terms::Pegged { cap } => cap.map(|cap| cap.units()),
                _ => None,
            })
    }

    /// A replace is off the table, unless the venue says otherwise.
    pub(super) fn set_aside(&mut self, id: &str, released: bool) {
        let pending = self.versions.iter().skip(1);
        if let Some(at) = pending.clone().position(|version| version.id == id) {
            let version = self.versions.remove(at + 1);
            self.aside.push((version, released));
            self.aside.sort_by_key(|(version, _)| version.number);
            let forgotten = self.aside.len().saturating_sub(8);
            self.aside.drain(..forgotten);
        }
    }

    /// A replace is in force, and none that was asked for before it can be any more.
    pub(super) fn settle_on(&mut self, id: &str) {
        let aside = self.aside.iter().map(|(version, _)| version);
        let found = self.versions.iter().skip(1).chain(aside);
        let Some(version) = found.clone().find(|version| version.id == id).cloned() else {
            return;
        };
        self.stage = Stage::Working;
        self.aside
            .retain(|(other, _)| other.number > version.number);
        self.versions.remove(0);
        self.versions.retain(|other| other.number > version.number);
        self.versions.insert(0, version);
    }

    pub(super) fn ended(&mut self, state: OrderState, cum: Option<U>) -> (bool, bool) {
        let outlives = matches!(
            self.time_in_force,
            TimeInForce::GoodTillCancel | TimeInForce::GoodTillDate(_)
        );
        let stays = state == OrderState::DoneForDay && outlives;
        if stays
            || (self.end.is_none() && self.is_over())
            || (self.end.is_some() && self.owed.is_some())
        {
            return (false, false);
        }
        self.end = Some(state);
        self.owed = cum.map(|cum| (cum.max(self.told - self.voided) - self.filled()).max(0));
        self.asked_cancel = false;
        (self.owed.is_some_and(|owed| owed > 0), self.owed.is_none())
    }
}

/// A fill of an order nobody knows, or an opening position.
#[derive(Clone, Debug)]
pub struct Loose {
    pub bucket: usize,
    pub instrument: usize,
    pub account: usize,
    pub side: Side,
    pub fill: Booked,
}
