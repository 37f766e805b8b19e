//! What the engine answers.

use crate::domain::amount::{Money, Quantity};
use crate::domain::decision::Decision;
use crate::domain::name::{BucketId, ClOrdId};
use crate::domain::state::{BreachCause, OrderState};

use super::order::OrderView;

/// A decision with what has become of it since.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The decision, as it was first given.
    pub decision: Decision,
    /// Whether it was given before, to the same request.
    pub replayed: bool,
    /// Where its order stands now; none for a reject.
    pub order_state: Option<OrderState>,
    /// Whether the order passed as an exit (NL21).
    pub exit: bool,
    /// Resting orders to cancel before this one is sent (A15).
    pub cancel_first: Vec<ClOrdId>,
    /// When an order not known to be sent becomes uncertain, wall nanoseconds.
    pub expires_at: Option<i64>,
}

/// What is noteworthy about a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReportFlag {
    /// The execution was booked before (H14).
    Duplicate,
    /// A fill after the order's end (H11).
    LateFill,
    /// More filled than ordered (H12).
    Overfill,
    /// No order of that id (H13).
    UnknownOrder,
    /// Booked to the quarantine bucket, or not bookable at all (H13).
    Quarantined,
    /// The execution id came before with other content (H14).
    ExecMismatch,
    /// A bust or correction that waits for its fill (H15).
    BustParked,
    /// Fills the report implies have not come (H6).
    OwedFills,
    /// It happened at another account than the order's route (RR10).
    RouteViolation,
    /// The sender believes in another bucket (NL11).
    BucketMismatch,
    /// The bucket is above one of its limits.
    InBreach,
    /// Reduce-only orders exceed the position (A13).
    ReduceOnlyExcess,
    /// What became of the order must be asked (H6, H7).
    NeedsReconciliation,
}

/// What came of a report, a notice or a release.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Receipt {
    /// Number of the event.
    pub sequence: u64,
    /// Whether it changed anything.
    pub applied: bool,
    /// What is noteworthy.
    pub flags: Vec<ReportFlag>,
    /// Bucket it was booked to.
    pub bucket: Option<BucketId>,
    /// The order after it.
    pub order: Option<OrderView>,
    /// The bucket's position in the instrument after it.
    pub position: Option<Quantity>,
    /// Profit it realised, in the instrument's profit currency.
    pub realised: Option<Money>,
    /// Why the bucket is above a limit.
    pub breach: Vec<BreachCause>,
    /// Reduce-only orders to trim, furthest price first, and by how much (A13).
    pub trim: Vec<(ClOrdId, Quantity)>,
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
    /// There are as many clients as the gateway is set up for.
    #[error("too many clients")]
    TooManyClients,
}
