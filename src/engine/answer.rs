//! What the engine tells of one request: everything an answer says that the stored decision or the booked report does not.

use std::sync::Arc;

use super::order::OrderView;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::{Decision, Finding, Reason, Versions};
use crate::domain::instrument::Instrument;
use crate::domain::name::{BucketId, Currency, InstrumentId, VenueId};
use crate::domain::order::{OrderKey, Side};
use crate::domain::state::{BreachCause, OrderState};

/// The answer to an order, a replace or a what-if.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The decision, as it is stored under the request's key.
    pub decision: Decision,
    /// Whether it is the stored answer to an earlier request: nothing was reserved again.
    pub replayed: bool,
    /// Where the order stands now; none without an order.
    pub order_state: Option<OrderState>,
    /// Whether it was treated as an exit (NL21).
    pub exit: bool,
    /// Live orders of the bucket to cancel before this one is sent (A15), by the ids in force.
    pub cancel_first: Vec<OrderKey>,
    /// When the reservation becomes UNCERTAIN or ends, wall nanoseconds (H2).
    pub expires_at: Option<i64>,
    /// Whether the bucket's lists do not allow the instrument and the order passed because it closes (A12).
    pub closing_restricted: bool,
    /// Version of the bucket's own state that the decision saw.
    pub state_version: u64,
    /// Whether its client has to accept the route before it sends the order (RR10).
    pub offered: bool,
    /// What the findings count in. Needed only where the decision has findings or figures: without it they are told without units.
    pub subject: Option<Box<Subject>>,
}

/// The answer to a basket or a quote (J1, J4).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BasketAnswer {
    /// When it was given first, wall nanoseconds.
    pub at: i64,
    /// One answer for each leg that was evaluated, in their order.
    pub legs: Vec<Answer>,
    /// Place of the first leg that failed; none where all passed.
    pub failed: Option<usize>,
    /// Why all of it was refused, where no leg was the cause.
    pub broken: Option<Reason>,
    /// Whether it is the stored answer to an earlier request.
    pub replayed: bool,
    /// Live orders to cancel: sides that a quote drops. They hold what they held until the venue tells of their end.
    pub cancel: Vec<OrderKey>,
}

impl BasketAnswer {
    /// Whether all legs are approved.
    #[must_use]
    pub const fn approved(&self) -> bool {
        self.failed.is_none() && self.broken.is_none()
    }
}

/// What an order's findings are about: the names of their units and scopes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// Limit currency of the bucket, and of the groups above it.
    pub currency: Currency,
    /// The contract; none where it is unknown.
    pub instrument: Option<Arc<Instrument>>,
    /// The venue that the findings are about.
    pub venue: VenueId,
    /// The venue that what stood against a rerouted order is about, where that is another one.
    pub asked: Option<VenueId>,
}

/// The largest quantity that would pass, by side (K2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Largest {
    /// Each side that was asked for.
    pub sides: Vec<LargestOf>,
    /// What it rests on.
    pub versions: Versions,
    /// Version of the bucket's own state that was asked.
    pub state_version: u64,
    /// What the findings count in; none where the instrument or the account is unknown.
    pub subject: Option<Box<Subject>>,
}

/// The largest quantity that would pass on one side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LargestOf {
    /// The side.
    pub side: Side,
    /// The quantity; zero where none passes.
    pub quantity: Quantity,
    /// Whether it passes as an exit.
    pub exit: bool,
    /// What refuses one lot more, in the order of checks; nothing where the largest that an order can carry passes.
    pub binding: Vec<Finding>,
    /// Limits that refuse within the range of the search, each as it refuses first, with the largest quantity that it lets through; none
    /// of a group that does not disclose its figures.
    pub limits: Vec<(Finding, Option<Quantity>)>,
}

/// What came of an execution report.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Receipt {
    /// Number of the report in the gateway's log; every delivery has its own.
    pub sequence: u64,
    /// Whether it was booked.
    pub applied: bool,
    /// What is remarkable about it.
    pub flags: Vec<ReportFlag>,
    /// The bucket it was booked to; none in quarantine.
    pub bucket: Option<BucketId>,
    /// The order afterwards; none where it is unknown.
    pub order: Option<OrderView>,
    /// The position afterwards; none where the report moved none.
    pub position: Option<PositionView>,
    /// Profit it realised (or, for a bust, took back), fees not deducted, in the position's profit currency.
    pub realised: Option<Money>,
    /// Why the bucket is above its limits afterwards.
    pub breach: Vec<BreachCause>,
    /// Reduce-only orders that are larger than what is left to reduce, and by how much; the one furthest from the market first (A13).
    pub trim: Vec<(OrderKey, Quantity)>,
    /// Limit currency of the bucket; none in quarantine.
    pub currency: Option<Currency>,
}

/// What is remarkable about a report.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ReportFlag {
    /// Delivered before (H14).
    Duplicate,
    /// A fill of an order that had ended (H11).
    LateFill,
    /// More is filled than was ordered (H12).
    Overfill,
    /// The order is not known (H13).
    UnknownOrder,
    /// Booked to no bucket; it counts at the firm (H13).
    Quarantined,
    /// The same execution id with other content (H14).
    ExecMismatch,
    /// A bust or correction whose fill has not come (H15).
    BustParked,
    /// The order ended and fills are still owed (H6).
    OwedFills,
    /// It happened on another route than the one approved.
    RouteViolation,
    /// It names another bucket than the order's (NL11).
    BucketMismatch,
    /// The bucket is above a limit afterwards.
    InBreach,
    /// Reduce-only orders exceed what is left to reduce (A13).
    ReduceOnlyExcess,
    /// What became of the order cannot be known from here.
    NeedsReconciliation,
    /// The order was sent, or executed, on a route that its client had not accepted (RR10).
    RouteNotAccepted,
}

/// What a bucket holds of one instrument, as seen from outside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PositionView {
    /// The bucket.
    pub bucket: BucketId,
    /// The contract.
    pub instrument: InstrumentId,
    /// Signed contracts, positive is long.
    pub quantity: Quantity,
    /// Average entry price; none when flat.
    pub average: Option<Price>,
    /// Realised profit, fees not deducted.
    pub realised: Money,
    /// Currency of the profit.
    pub profit_currency: Currency,
    /// Fees paid less rebates, by currency.
    pub fees: Vec<(Currency, Money)>,
    /// Open contracts of live buys.
    pub open_buys: Quantity,
    /// Open contracts of live sells.
    pub open_sells: Quantity,
    /// Worst-case exposure; none where it cannot be valued.
    pub exposure: Option<Money>,
    /// Limit currency of the bucket, in which the exposure is.
    pub currency: Currency,
}

/// Why a request could not be taken at all.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No bucket of that name.
    #[error("no such bucket")]
    UnknownBucket,
    /// No order of that id.
    #[error("no such order")]
    UnknownOrder,
    /// The order is known to be sent: it cannot be released.
    #[error("the order was sent")]
    AlreadySent,
    /// The order, or the replace, is over: there is nothing to release.
    #[error("the order has ended")]
    OrderEnded,
    /// The client has used up its ids of the trading day.
    #[error("the client has used up its ids")]
    ClientQuota,
    /// There are as many clients as the gateway is set up for.
    #[error("too many clients")]
    TooManyClients,
    /// No answer of that id asked this client to accept a route.
    #[error("no such decision waits for this client")]
    UnknownDecision,
    /// The time to accept the route is over: the order was released.
    #[error("the time to accept the route is over")]
    RouteExpired,
    /// A halt came before the acceptance (RR15): the order was released.
    #[error("a halt came before the route was accepted")]
    RouteVoid,
}
