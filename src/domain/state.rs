//! Trading states and order states, as everyone sees them.

use super::time::Now;

/// What a bucket, group, instrument, venue, client or the whole gateway may do; later ones are stricter.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum TradingState {
    /// Everything its limits allow.
    #[default]
    Active,
    /// Exits only (G2).
    ReduceOnly,
    /// No new orders, no replaces (G3).
    CancelOnly,
    /// The same, and live orders are put on the cancel list; ended by a re-arm only (G6).
    Halted,
}

/// Why a state was set.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum StateCause {
    /// By a person or the client's own rule.
    #[default]
    Operator,
    /// By a declared trip.
    Trip,
    /// While state is being recovered.
    Recovering,
    /// By a liquidation.
    Liquidation,
    /// By a fault of the gateway itself.
    Fault,
    /// By the loss of a client that trades there (G5).
    DeadMan,
}

/// A state with its history of one line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StateNote {
    /// The state.
    pub state: TradingState,
    /// Why.
    pub cause: StateCause,
    /// Who set it.
    pub actor: String,
    /// What they said.
    pub reason: String,
    /// When.
    pub since: Now,
}

/// Where an order stands (H2), the most pressing first where several hold.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum OrderState {
    /// Approved on another route, which its client has not accepted: it may not be sent (RR10).
    AwaitingAcceptance,
    /// Approved; not known to be sent.
    Reserved,
    /// Sent to the venue.
    Sent,
    /// Acknowledged by the venue.
    Working,
    /// Filled in part.
    PartiallyFilled,
    /// A replace is on its way.
    PendingReplace,
    /// A cancel is on its way.
    PendingCancel,
    /// Nobody told us in time what became of it; its capacity stays held.
    Uncertain,
    /// Filled.
    Filled,
    /// Cancelled.
    Canceled,
    /// Refused by the venue.
    VenueRejected,
    /// Expired.
    Expired,
    /// Done for the day.
    DoneForDay,
    /// Never sent, and released.
    Released,
}

impl OrderState {
    /// Whether the order is over.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Filled
                | Self::Canceled
                | Self::VenueRejected
                | Self::Expired
                | Self::DoneForDay
                | Self::Released
        )
    }
}

/// Why a bucket is above one of its limits: always a cause outside the gate, or the exit guarantee (NL8, NL21).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum BreachCause {
    /// A price or rate moved.
    PriceMove,
    /// A fill came after the order's end.
    LateFill,
    /// More was filled than ordered.
    Overfill,
    /// A fill of an order we do not know.
    UnknownFill,
    /// A fill at a worse price than reserved.
    FillPrice,
    /// The limit was cut below the usage.
    LimitCut,
    /// A fill was voided or corrected.
    Bust,
    /// The venue changed the order.
    Restatement,
    /// An opening position was loaded.
    OpeningPosition,
    /// An exit passed under the exit guarantee.
    Exit,
    /// A leg of a package filled or ended without the others: the credit it had with them went (J2).
    SpreadCredit,
}
