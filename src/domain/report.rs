//! What the venue said. A report states facts: it is booked, however late, large or unknown, and flagged for what it breaks.

use super::amount::{Money, Price, Quantity};
use super::name::{
    AccountId, BucketId, ClOrdId, ClientId, Currency, ExecId, InstrumentId, VenueId,
};
use super::order::Side;

/// A fill's own figures.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Fill {
    /// Quantity of this fill (FIX 32).
    pub quantity: Quantity,
    /// Price of this fill (FIX 31).
    pub price: Price,
    /// Fee paid, negative for a rebate (FIX 12).
    pub fee: Money,
    /// Currency of the fee where it is not the instrument's profit currency (FIX 479).
    pub fee_currency: Option<Currency>,
}

/// What a cancel reject refused (FIX 434).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CancelRejectOf {
    /// A cancel request.
    Cancel,
    /// A replace request.
    Replace,
}

/// Kind of an execution report (FIX 150, and 35=9).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ReportKind {
    /// The venue works the order (150=0).
    New,
    /// A fill, part or whole (150=F).
    Trade(Fill),
    /// The rest is cancelled (150=4).
    Canceled,
    /// A replace took effect (150=5).
    Replaced,
    /// The venue refused the order (150=8).
    Rejected,
    /// The venue refused a cancel or replace (35=9).
    CancelRejected {
        /// Which of the two.
        of: CancelRejectOf,
        /// Whether the venue does not know the order (102=1), which calls for reconciliation (H7).
        unknown_order: bool,
    },
    /// Time in force ended (150=C).
    Expired,
    /// No more today (150=3).
    DoneForDay,
    /// A fill is void (150=H).
    Bust {
        /// The fill that is void (FIX 19).
        of: ExecId,
    },
    /// A fill was other than told (150=G).
    Correct {
        /// The fill that is corrected (FIX 19).
        of: ExecId,
        /// What it really was.
        to: Fill,
    },
    /// The venue changed the order by itself (150=D).
    Restated {
        /// The total quantity now, where told (FIX 38).
        quantity: Option<Quantity>,
        /// The price now, where told (FIX 44).
        price: Option<Price>,
    },
}

/// An execution report.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Report {
    /// Client whose order it is.
    pub client: ClientId,
    /// The order, or the version of it, that the report is about (FIX 11).
    pub cl_ord_id: ClOrdId,
    /// Id of this execution at the venue (FIX 17); needed for fills, busts and corrections.
    pub exec_id: Option<ExecId>,
    /// Kind and figures.
    pub kind: ReportKind,
    /// Filled in all, as the venue counts (FIX 14).
    pub cum: Option<Quantity>,
    /// Open in all, as the venue counts (FIX 151). Never the amount that is released (H6); zero on a fill ends a cash order.
    pub leaves: Option<Quantity>,
    /// Venue that reports.
    pub venue: VenueId,
    /// Account it happened in.
    pub account: Option<AccountId>,
    /// Trade date at the venue, as `YYYYMMDD` (FIX 75); zero where not told.
    pub trade_date: u32,
    /// Bucket the sender believes in: never followed, only compared (NL11).
    pub bucket: Option<BucketId>,
    /// Contract; needed where the order is unknown to us.
    pub instrument: Option<InstrumentId>,
    /// Side; needed where the order is unknown to us.
    pub side: Option<Side>,
}
