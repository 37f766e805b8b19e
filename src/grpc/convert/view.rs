//! Orders, positions and what became of reports, on the wire.

use super::decision::write_route;
use super::field::{decimal, money, text, timestamp};
use crate::domain::name::Currency;
use crate::domain::order::{Side, Terms, TimeInForce};
use crate::domain::state::{BreachCause, OrderState};
use crate::engine::answer::{PositionView, Receipt, ReportFlag};
use crate::engine::order::OrderView;
use crate::pb;

/// An order on the wire; `currency` is the limit currency of its bucket, without which the value it holds is not told.
#[must_use]
pub fn write_order(view: &OrderView, currency: Option<&Currency>) -> pb::OrderView {
    pb::OrderView {
        client_id: view.key.client.to_string(),
        cl_ord_id: view.cl_ord_id.to_string(),
        original_cl_ord_id: view.key.cl_ord_id.to_string(),
        route: Some(write_route(&view.route)),
        instrument_id: view.instrument.to_string(),
        side: write_side(view.side).into(),
        order_type: write_type(&view.terms).into(),
        time_in_force: write_time_in_force(view.time_in_force).into(),
        state: write_order_state(view.state).into(),
        quantity: Some(decimal(view.quantity)),
        cum_quantity: Some(decimal(view.filled)),
        leaves_quantity: Some(decimal(view.leaves)),
        price: view.terms.limit_price().map(decimal),
        stop_price: view.terms.trigger().map(decimal),
        reserved: currency.map(|currency| money(view.reserved, currency)),
        owed_quantity: Some(decimal(view.missing)),
        reduce_only: view.reduce_only,
        pending_cl_ord_ids: view.pending.iter().map(ToString::to_string).collect(),
        approved_at: Some(timestamp(view.approved_at)),
        cancel_wanted: view.cancel_wanted,
    }
}

/// A position on the wire.
#[must_use]
pub fn write_position(view: &PositionView) -> pb::Position {
    pb::Position {
        bucket_id: view.bucket.to_string(),
        instrument_id: view.instrument.to_string(),
        quantity: Some(decimal(view.quantity)),
        average_entry_price: view.average.map(decimal),
        realized_pnl: Some(money(view.realised, &view.profit_currency)),
        fees: view
            .fees
            .iter()
            .map(|(currency, fee)| money(*fee, currency))
            .collect(),
        open_buy_quantity: Some(decimal(view.open_buys)),
        open_sell_quantity: Some(decimal(view.open_sells)),
        exposure: view
            .exposure
            .map(|exposure| money(exposure, &view.currency)),
    }
}

/// What became of a report, on the wire.
#[must_use]
pub fn write_receipt(receipt: &Receipt) -> pb::ReportResult {
    let realised = receipt.realised.zip(receipt.position.as_ref());
    pb::ReportResult {
        sequence: receipt.sequence,
        status: report_status(receipt).into(),
        flags: receipt
            .flags
            .iter()
            .map(|flag| write_flag(*flag).into())
            .collect(),
        order: receipt
            .order
            .as_ref()
            .map(|order| write_order(order, receipt.currency.as_ref())),
        position: receipt.position.as_ref().map(write_position),
        realized_pnl: realised
            .map(|(realised, position)| money(realised, &position.profit_currency)),
        breach_causes: receipt
            .breach
            .iter()
            .map(|cause| write_breach_cause(*cause).into())
            .collect(),
        trims: receipt
            .trim
            .iter()
            .map(|(key, excess)| pb::TrimOrder {
                client_id: key.client.to_string(),
                cl_ord_id: key.cl_ord_id.to_string(),
                excess_quantity: Some(decimal(*excess)),
            })
            .collect(),
        bucket_id: text(receipt.bucket.as_ref()),
    }
}

/// What became of a report as one word: what sets it apart before what is usual.
fn report_status(receipt: &Receipt) -> pb::ReportStatus {
    let has = |flag| receipt.flags.contains(&flag);
    if has(ReportFlag::Quarantined) || has(ReportFlag::ExecMismatch) {
        pb::ReportStatus::Quarantined
    } else if has(ReportFlag::BustParked) {
        pb::ReportStatus::Parked
    } else if has(ReportFlag::Duplicate) {
        pb::ReportStatus::Duplicate
    } else if receipt.applied {
        pb::ReportStatus::Applied
    } else if has(ReportFlag::UnknownOrder) {
        pb::ReportStatus::Quarantined
    } else {
        pb::ReportStatus::Duplicate
    }
}

/// A flag of a report on the wire.
#[must_use]
pub const fn write_flag(flag: ReportFlag) -> pb::ReportFlag {
    match flag {
        ReportFlag::Duplicate => pb::ReportFlag::Duplicate,
        ReportFlag::LateFill => pb::ReportFlag::LateFill,
        ReportFlag::Overfill => pb::ReportFlag::Overfill,
        ReportFlag::UnknownOrder => pb::ReportFlag::UnknownOrder,
        ReportFlag::Quarantined => pb::ReportFlag::Quarantined,
        ReportFlag::ExecMismatch => pb::ReportFlag::ExecMismatch,
        ReportFlag::BustParked => pb::ReportFlag::BustParked,
        ReportFlag::OwedFills => pb::ReportFlag::OwedFills,
        ReportFlag::RouteViolation => pb::ReportFlag::RouteViolation,
        ReportFlag::BucketMismatch => pb::ReportFlag::BucketMismatch,
        ReportFlag::InBreach => pb::ReportFlag::InBreach,
        ReportFlag::ReduceOnlyExcess => pb::ReportFlag::ReduceOnlyExcess,
        ReportFlag::NeedsReconciliation => pb::ReportFlag::NeedsReconciliation,
        ReportFlag::RouteNotAccepted => pb::ReportFlag::RouteNotAccepted,
    }
}

/// Why a bucket is above a limit, on the wire.
#[must_use]
pub const fn write_breach_cause(cause: BreachCause) -> pb::BreachCause {
    match cause {
        BreachCause::PriceMove => pb::BreachCause::PriceMove,
        BreachCause::LateFill => pb::BreachCause::LateFill,
        BreachCause::Overfill => pb::BreachCause::Overfill,
        BreachCause::UnknownFill => pb::BreachCause::UnknownFill,
        BreachCause::FillPrice => pb::BreachCause::FillPrice,
        BreachCause::LimitCut => pb::BreachCause::LimitCut,
        BreachCause::Bust => pb::BreachCause::Bust,
        BreachCause::Restatement => pb::BreachCause::Restatement,
        BreachCause::OpeningPosition => pb::BreachCause::OpeningPosition,
        BreachCause::Exit => pb::BreachCause::Exit,
        BreachCause::SpreadCredit => pb::BreachCause::SpreadCredit,
    }
}

/// The state of an order on the wire.
#[must_use]
pub const fn write_order_state(state: OrderState) -> pb::OrderState {
    match state {
        OrderState::AwaitingAcceptance => pb::OrderState::AwaitingAcceptance,
        OrderState::Reserved => pb::OrderState::Reserved,
        OrderState::Sent => pb::OrderState::Sent,
        OrderState::Working => pb::OrderState::Working,
        OrderState::PartiallyFilled => pb::OrderState::PartiallyFilled,
        OrderState::PendingReplace => pb::OrderState::PendingReplace,
        OrderState::PendingCancel => pb::OrderState::PendingCancel,
        OrderState::Uncertain => pb::OrderState::Uncertain,
        OrderState::Filled => pb::OrderState::Filled,
        OrderState::Canceled => pb::OrderState::Canceled,
        OrderState::VenueRejected => pb::OrderState::VenueRejected,
        OrderState::Expired => pb::OrderState::Expired,
        OrderState::DoneForDay => pb::OrderState::DoneForDay,
        OrderState::Released => pb::OrderState::Released,
    }
}

/// A side on the wire.
#[must_use]
pub const fn write_side(side: Side) -> pb::Side {
    match side {
        Side::Buy => pb::Side::Buy,
        Side::Sell => pb::Side::Sell,
    }
}

/// An order type on the wire.
#[must_use]
pub const fn write_type(terms: &Terms) -> pb::OrderType {
    match terms {
        Terms::Market => pb::OrderType::Market,
        Terms::Limit { .. } => pb::OrderType::Limit,
        Terms::Stop { .. } => pb::OrderType::Stop,
        Terms::StopLimit { .. } => pb::OrderType::StopLimit,
        Terms::TrailingStop { .. } => pb::OrderType::TrailingStop,
        Terms::Pegged { .. } => pb::OrderType::Pegged,
    }
}

/// How long an order lives, on the wire.
#[must_use]
pub const fn write_time_in_force(time_in_force: TimeInForce) -> pb::TimeInForce {
    match time_in_force {
        TimeInForce::Day => pb::TimeInForce::Day,
        TimeInForce::GoodTillCancel => pb::TimeInForce::Gtc,
        TimeInForce::ImmediateOrCancel => pb::TimeInForce::Ioc,
        TimeInForce::FillOrKill => pb::TimeInForce::Fok,
        TimeInForce::GoodTillDate(_) => pb::TimeInForce::Gtd,
    }
}
