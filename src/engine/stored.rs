//! An answer as it is kept under its request's id: small, since every order has one, and most say little.

use std::sync::Arc;

use super::answer::{Answer, Subject};
use crate::domain::amount::{Price, Quantity};
use crate::domain::decision::{Decision, Finding, Outcome, Reason, ReasonSet, Route, Versions};
use crate::domain::name::ClOrdId;
use crate::domain::order::OrderKey;
use crate::domain::state::OrderState;

/// A stored answer: [`Answer`] less what only some have.
#[derive(Clone)]
pub struct Stored {
    quantity: Quantity,
    price: Price,
    sequence: u64,
    at: i64,
    limits: u64,
    reference: u64,
    market: u64,
    price_version: u64,
    price_age: u64,
    evaluated: ReasonSet,
    not_applicable: ReasonSet,
    expires_at: i64,
    state_version: u64,
    said: Said,
    order_state: Option<OrderState>,
    is_priced: bool,
    expires: bool,
    exit: bool,
    closing_restricted: bool,
    offered: bool,
}

/// The answer to a basket or a quote as it is kept under its id. What was said of legs that were approved is under their own.
#[derive(Clone)]
pub struct StoredBasket {
    /// When it was given, wall nanoseconds.
    pub at: i64,
    /// Of one that was refused: what was said of each leg that was evaluated.
    pub refused: Vec<Stored>,
    /// The first leg that failed.
    pub failed: Option<usize>,
    /// Why all of it was refused, where no leg was the cause.
    pub broken: Option<Reason>,
    /// Live orders that it asked to cancel.
    pub cancel: Vec<OrderKey>,
    /// Of a quote: the ids of its bid and of its offer.
    pub sides: [Option<ClOrdId>; 2],
}

/// What was said.
#[derive(Clone)]
enum Said {
    /// Approved, and that is all.
    Approved(Arc<Route>),
    /// More than that.
    More(Box<More>),
}

#[derive(Clone)]
struct More {
    outcome: Outcome,
    figures: Option<Box<[Finding]>>,
    shadow: Box<[Finding]>,
    cancel_first: Vec<OrderKey>,
    subject: Option<Box<Subject>>,
}

impl Stored {
    /// An answer just given, to be kept.
    #[must_use]
    pub fn new(answer: &Answer) -> Self {
        let Answer {
            decision,
            replayed: _,
            order_state,
            exit,
            cancel_first,
            expires_at,
            closing_restricted,
            state_version,
            offered,
            subject,
        } = answer;
        let Decision {
            sequence,
            at,
            outcome,
            quantity,
            versions,
            evaluated,
            not_applicable,
            figures,
            shadow,
        } = decision;
        let Versions {
            limits,
            reference,
            market,
            price,
            price_version,
            price_age,
        } = *versions;
        let said = match outcome {
            Outcome::Approved(route)
                if figures.is_none()
                    && shadow.is_empty()
                    && cancel_first.is_empty()
                    && subject.is_none() =>
            {
                Said::Approved(Arc::clone(route))
            }
            Outcome::Approved(_) | Outcome::Rejected(_) | Outcome::Rerouted { .. } => {
                Said::More(Box::new(More {
                    outcome: outcome.clone(),
                    figures: figures.clone(),
                    shadow: shadow.clone(),
                    cancel_first: cancel_first.clone(),
                    subject: subject.clone(),
                }))
            }
        };
        Self {
            quantity: *quantity,
            price: price.unwrap_or(Price::ZERO),
            sequence: *sequence,
            at: *at,
            limits,
            reference,
            market,
            price_version,
            price_age,
            evaluated: *evaluated,
            not_applicable: *not_applicable,
            expires_at: expires_at.unwrap_or(0),
            state_version: *state_version,
            said,
            order_state: *order_state,
            is_priced: price.is_some(),
            expires: expires_at.is_some(),
            exit: *exit,
            closing_restricted: *closing_restricted,
            offered: *offered,
        }
    }

    /// Whether it asked its client to accept the route.
    #[must_use]
    pub const fn is_offered(&self) -> bool {
        self.offered
    }

    /// When it was decided, wall nanoseconds.
    #[must_use]
    pub const fn at(&self) -> i64 {
        self.at
    }

    /// Number of the decision.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The route the order may leave on, where it may.
    #[must_use]
    pub const fn route(&self) -> Option<&Arc<Route>> {
        match &self.said {
            Said::Approved(route) => Some(route),
            Said::More(more) => more.outcome.route(),
        }
    }

    /// The answer again, as it was given.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let more = match &self.said {
            Said::Approved(route) => More {
                outcome: Outcome::Approved(Arc::clone(route)),
                figures: None,
                shadow: Box::default(),
                cancel_first: Vec::new(),
                subject: None,
            },
            Said::More(more) => More::clone(more),
        };
        Answer {
            decision: Decision {
                sequence: self.sequence,
                at: self.at,
                outcome: more.outcome,
                quantity: self.quantity,
                versions: Versions {
                    limits: self.limits,
                    reference: self.reference,
                    market: self.market,
                    price: self.is_priced.then_some(self.price),
                    price_version: self.price_version,
                    price_age: self.price_age,
                },
                evaluated: self.evaluated,
                not_applicable: self.not_applicable,
                figures: more.figures,
                shadow: more.shadow,
            },
            replayed: false,
            order_state: self.order_state,
            exit: self.exit,
            cancel_first: more.cancel_first,
            expires_at: self.expires.then_some(self.expires_at),
            closing_restricted: self.closing_restricted,
            state_version: self.state_version,
            offered: self.offered,
            subject: more.subject,
        }
    }
}
